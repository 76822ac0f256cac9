"""Processes that the first process of a container inherits, and that nobody else would reap."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Container


def is_first_process() -> bool:
    """Return whether orphans of this machine, or container, become our children."""
    return os.getpid() == 1


def reap_orphans(own: Container[int]) -> None:
    """Reap the children that have ended and that are not among those that we started.

    Args:
        own: the ids of the processes that we started and that are reaped elsewhere.
    """
    try:
        with open("/proc/thread-self/children", "rb") as file:  # noqa: PTH123 (slow to load)
            children = file.read().split()
    except OSError:  # no /proc, or an old kernel: their entries stay until we end
        return
    for child in map(int, children):
        if child not in own:
            with suppress(ChildProcessError):
                os.waitpid(child, os.WNOHANG)
