"""The processes of this machine, and which of them nodes have started."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

_PR_SET_CHILD_SUBREAPER = 36


class Relative(NamedTuple):
    """A process, as ``/proc`` shows it.

    Attributes:
        pid: its id.
        parent: the id of its parent.
        group: the id of its process group.
        session: the id of its session.
        start: when it was started, in ticks of the system.
        has_ended: whether nothing of it is left but its exit status.
    """

    pid: int
    parent: int
    group: int
    session: int
    start: int
    has_ended: bool

    @property
    def identity(self) -> tuple[int, int]:
        """What is that of no other process: ids are used again."""
        return self.pid, self.start


Census = dict[int, Relative]
"""All processes by their ids."""


def take_census() -> Census:
    """Return all processes that can be seen; without ``/proc``, none.

    Nobody stands still meanwhile: one that is started while others are looked at can be missing.
    """
    found: Census = {}
    try:
        names = os.listdir("/proc")  # noqa: PTH208 (names only)
    except OSError:
        return found
    for name in names:
        if name.isdigit() and (relative := look_at(int(name))):
            found[relative.pid] = relative
    return found


def look_at(pid: int) -> Relative | None:
    """Return a process, ``None`` if it is gone."""
    try:
        fd = os.open(f"/proc/{pid}/stat", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        text = os.read(fd, 4096)
    except OSError:
        return None
    finally:
        os.close(fd)
    # The name of the program, in parentheses, may hold anything.
    state, parent, group, session, *rest = text[text.rindex(b")") + 2 :].split(b" ", 20)
    threads, start = int(rest[13]), int(rest[15])
    # The first thread of a process can have ended while others go on.
    has_ended = state in {b"Z", b"X"} and threads <= 1
    return Relative(pid, int(parent), int(group), int(session), start, has_ended)


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


def is_there(relative: Relative) -> bool:
    """Say whether a process has not ended yet."""
    again = look_at(relative.pid)
    return again is not None and again.start == relative.start and not again.has_ended


def open_relative(relative: Relative) -> int | None:
    """Return a pidfd of a process, ``None`` if it has ended.

    Its id may be another's by now, and a pidfd stands for one process only: so it is looked at
    again after that was opened.
    """
    try:
        pidfd = os.pidfd_open(relative.pid)
    except OSError:
        return None
    if is_there(relative):
        return pidfd
    os.close(pidfd)
    return None


def send(relative: Relative, *signals: signal.Signals) -> bool:
    """Send signals to a process, unless it has ended.

    Returns:
        ``False`` if that is not allowed: it runs as another user (sudo).
    """
    pidfd = open_relative(relative)
    if pidfd is None:
        return True
    try:
        for number in signals:
            signal.pidfd_send_signal(pidfd, number)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    finally:
        os.close(pidfd)
    return True


def has_children() -> bool:
    """Say whether this process has any, those included that have ended and were not reaped."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def reap(pid: int) -> bool:
    """Reap a child if it has ended; return ``False`` if it has not."""
    with suppress(ChildProcessError):
        return bool(os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG))
    return True  # somebody else has reaped it


def ended_children() -> Iterator[int]:
    """Yield the id of a child that has ended, until the caller does not reap it."""
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


def adopt_orphans() -> bool:
    """Become the parent of every descendant whose own parent ends (prctl(2), "child subreaper").

    Otherwise that would be the first process of the system, and nothing would tell any more whose
    they are, unless each node had a session of its own.

    Returns:
        Whether orphans can be told from other children: there are no others, and the system obeys.
    """
    if has_children():  # ours from before we were executed, as after exec in a shell
        return False
    try:
        # The part of ctypes that calls functions: all of it would take five times as long to load.
        import _ctypes

        prctl = _ctypes.dlsym(_ctypes.dlopen("", 0), "prctl")
        status = _ctypes.call_function(prctl, (_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0))
    except (ImportError, AttributeError, OSError):
        return False
    return bool(status == 0)


def is_first_process() -> bool:
    """Return whether all orphans of this machine, or container, become our children."""
    return os.getpid() == 1
