"""The system as Linux has it: epoll, pidfds, ``/proc`` and child subreapers."""

from __future__ import annotations

import math
import os
import select
import signal
from typing import TYPE_CHECKING, final

from paexec_trio.runtime.system import HANG_UP, READ, WRITE, Census, Relative, Selector

if TYPE_CHECKING:
    from collections.abc import Callable

    from paexec_trio.runtime.system import Ready

_PR_SET_CHILD_SUBREAPER = 36

_MASKS = {HANG_UP: 0, READ: select.EPOLLIN, WRITE: select.EPOLLOUT}
"""Errors, such as the reader's end, are reported with each of them."""

_ONCE = select.EPOLLIN | select.EPOLLONESHOT


@final
class EpollSelector:
    """One epoll instance, with a pidfd for each process.

    Attributes:
        poll: see ``Selector``.
        fileno: see ``Selector``.
        longest_wait: see ``Selector``.
    """

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._once: set[int] = set()
        self._pidfds: set[int] = set()
        self.poll: Callable[[float | None], Ready] = self._epoll.poll
        self.fileno = self._epoll.fileno
        self.longest_wait = math.inf

    def watch(self, fd: int, interest: int) -> bool:
        """Register a descriptor."""
        try:
            self._epoll.register(fd, _MASKS[interest])
        except PermissionError:  # a regular file, or a device that is always ready
            return False
        return True

    def watch_once(self, fd: int) -> bool:
        """Register a descriptor, or arm it again, which takes one system call."""
        if fd in self._once:
            self._epoll.modify(fd, _ONCE)
            return True
        try:
            self._epoll.register(fd, _ONCE)
        except PermissionError:
            return False
        self._once.add(fd)
        return True

    def change(self, fd: int, interest: int) -> None:
        """Modify what is asked for."""
        self._epoll.modify(fd, _MASKS[interest])

    def unwatch(self, fd: int) -> None:
        """Unregister a descriptor."""
        self._once.discard(fd)
        self._epoll.unregister(fd)

    def watch_end(self, pid: int) -> int:
        """Open a pidfd, which is the key."""
        pidfd = os.pidfd_open(pid)
        self._epoll.register(pidfd, select.EPOLLIN)
        self._pidfds.add(pidfd)
        return pidfd

    def unwatch_end(self, key: int) -> None:
        """Close the pidfd."""
        self._pidfds.remove(key)
        self._epoll.unregister(key)
        os.close(key)

    def is_descriptor(self, key: int) -> bool:
        """Return whether it is no pidfd."""
        return key not in self._pidfds

    def close(self) -> None:
        """Close the epoll instance and all pidfds."""
        for pidfd in self._pidfds:
            os.close(pidfd)
        self._epoll.close()


def make_selector(wake: Callable[[], None]) -> Selector:  # noqa: ARG001 (not needed here)
    """Return a selector."""
    return EpollSelector()


def take_census() -> Census:
    """Return all processes that ``/proc`` shows; without it, none."""
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


def is_there(relative: Relative) -> bool:
    """Return whether a process has not ended yet."""
    again = look_at(relative.pid)
    return again is not None and again.start == relative.start and not again.has_ended


def send(relative: Relative, *signals: signal.Signals) -> bool:
    """Send signals to a process, unless it has ended.

    Its id may be another's by now, and a pidfd stands for one process only: so the process is
    looked at again after that was opened.

    Returns:
        ``False`` if that is not allowed: it runs as another user (sudo).
    """
    try:
        pidfd = os.pidfd_open(relative.pid)
    except OSError:
        return True
    try:
        if is_there(relative):
            for number in signals:
                signal.pidfd_send_signal(pidfd, number)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    finally:
        os.close(pidfd)
    return True


def adopt_orphans() -> bool:
    """Become a child subreaper (prctl(2)); return whether the system obeys."""
    try:
        # The part of ctypes that calls functions: all of it would take five times as long to load.
        import _ctypes

        prctl = _ctypes.dlsym(_ctypes.dlopen("", 0), "prctl")
        status = _ctypes.call_function(prctl, (_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0))
    except (ImportError, AttributeError, OSError):
        return False
    return bool(status == 0)
