"""The descriptors of this process: the three standard ones, and the limit on their number."""

from __future__ import annotations

import os
import resource
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_PER_NODE = 3  # its standard input, its standard output, its pidfd
_SPARE = 24  # our own streams, trio's, and those of a process while it starts
_OF_TRIO = 4  # its selector, the two ends of its waker, and a module that is being read


def make_room_for(nodes: int, *, reads_stderr: bool = False) -> bool:
    """Raise the limit on open descriptors, as far as it goes, if the nodes need it (LIM-005).

    Only then: calculators inherit the limit, and old programs misbehave under a high one.

    Args:
        nodes: the number of nodes.
        reads_stderr: whether each has one more, its standard error.

    Returns:
        Whether there is room; ``False`` if the hard limit forbids it.
    """
    needed = (_PER_NODE + reads_stderr) * nodes + _SPARE
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or needed <= soft:
        return True
    if hard == resource.RLIM_INFINITY or needed <= hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
        return True
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return False


@contextmanager
def room_for_trio() -> Iterator[None]:
    """Keep nodes that are started in this block from taking the descriptors that trio will need."""
    kept: list[int] = []
    try:
        with suppress(OSError):
            while len(kept) < _OF_TRIO:
                kept.append(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC))
        yield
    finally:
        for fd in kept:
            os.close(fd)


def spare_descriptors() -> tuple[int, int]:
    """Return two descriptors of 3 to 9 that nobody inherits from this process, if there are two.

    Redirections of a POSIX shell know no higher ones.
    """
    spare = [fd for fd in range(9, 2, -1) if not _is_inherited(fd)]
    spare += [fd for fd in (9, 8) if fd not in spare]
    return spare[0], spare[1]


def _is_inherited(fd: int) -> bool:
    try:
        return os.get_inheritable(fd)
    except OSError:  # it is not open
        return False
