"""Exit statuses: which children have ended, how, and their reaping.

A child that has ended keeps its id until it is reaped, and so does its group. So no other process
is signalled by mistake. Python before 3.13 has no ``waitid`` on macOS: there a child is reaped as
soon as its end is seen, and its status is kept. POSIX does not reuse its id while its group has
members.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_reaped: dict[int, int] = {}
"""The statuses of children that were reaped when their end was seen, until ``reap`` is called."""


def exit_status(pid: int) -> int | None:
    """Return the status of a child that has ended, negative for a signal, and do not reap it.

    Returns:
        ``None`` if it still runs.

    Raises:
        ChildProcessError: somebody else has reaped it.
    """
    if not hasattr(os, "waitid"):
        return _status_of_reaped(pid)
    end = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    if end is None:
        return None
    return end.si_status if end.si_code == os.CLD_EXITED else -end.si_status


def _status_of_reaped(pid: int) -> int | None:
    if pid not in _reaped:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if not ended:
            return None
        _reaped[pid] = os.waitstatus_to_exitcode(status)
    return _reaped[pid]


def reap(pid: int) -> bool:
    """Reap a child if it has ended; return ``False`` if it has not."""
    if _reaped.pop(pid, None) is not None:
        return True
    with suppress(ChildProcessError):
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    return True  # somebody else has reaped it


def has_children() -> bool:
    """Return whether this process has any, those included that have ended and were not reaped."""
    if not hasattr(os, "waitid"):
        return False  # to ask would be to reap; nobody is adopted there
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def ended_children() -> Iterator[int]:
    """Yield the id of a child that has ended, until the caller does not reap it."""
    if not hasattr(os, "waitid"):
        return
    last = 0
    while True:
        try:
            ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return
        if ended is None or ended.si_pid == last:
            return
        last = ended.si_pid
        yield last
