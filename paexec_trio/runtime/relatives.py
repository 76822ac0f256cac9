"""The processes of this machine, and which of them nodes have started."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from paexec_trio.runtime.exits import has_children
from paexec_trio.runtime.system import Census, Relative, system

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

__all__ = ["Census", "Relative", "adopt_orphans", "descendants", "is_first_process"]


def descendants(
    census: Census, roots: Iterable[int], spared: Collection[int] = ()
) -> list[Relative]:
    """Return the living descendants of processes, without these themselves.

    Args:
        census: all processes.
        roots: the ids of those whose descendants are wanted.
        spared: the ids of processes that are left out with all that descends from them.
    """
    children: dict[int, list[Relative]] = {}
    for relative in census.values():
        children.setdefault(relative.parent, []).append(relative)
    found: list[Relative] = []
    seen = set(spared)
    todo = list(roots)
    while todo:
        for child in children.get(todo.pop(), ()):
            if child.pid not in seen:
                seen.add(child.pid)
                todo.append(child.pid)
                if not child.has_ended:
                    found.append(child)
    return found


def adopt_orphans() -> bool:
    """Become the parent of every descendant whose own parent ends, if the system can do that.

    Otherwise that would be the first process of the system, and nothing would tell any more whose
    they are, unless each node had a session of its own.

    Returns:
        Whether orphans can be told from other children: there are no others, and the system obeys.
    """
    if has_children():  # ours from before we were executed, as after exec in a shell
        return False
    return system.adopt_orphans()


def is_first_process() -> bool:
    """Return whether all orphans of this machine, or container, become our children."""
    return os.getpid() == 1
