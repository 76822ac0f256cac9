"""The system as NetBSD, macOS and others have it: ``selectors``, SIGCHLD and ``ps``.

SIGCHLD tells that a child has ended. There are no pidfds, so a process is signalled by its id,
right after ``ps`` has shown it. Orphans are not adopted, so the processes that a calculator started
are found by their session, their group or their parents.
"""

from __future__ import annotations

import errno
import math
import os
import selectors
import signal
import stat
from typing import TYPE_CHECKING, final

from paexec_trio.runtime import childsignal
from paexec_trio.runtime.exits import exit_status
from paexec_trio.runtime.system import HANG_UP, READ, WRITE, Census, Relative, Selector

if TYPE_CHECKING:
    from collections.abc import Callable

    from paexec_trio.runtime.system import Ready

_INTEREST = {READ: selectors.EVENT_READ, WRITE: selectors.EVENT_WRITE}

_ALWAYS_READY = {errno.EPERM, errno.EINVAL, errno.ENODEV}
"""How selectors refuse a device that is always ready."""

_WITHOUT_SIGNAL = 0.05
"""Seconds between two looks at children if no handler of SIGCHLD can be set."""

_NOT_OURS = 0.005
"""Seconds between two looks at processes that are no children, of whose ends no signal comes."""


@final
class PortableSelector:
    """The best selector of the standard library: kqueue or epoll, which trio can wait for.

    The key of a process is its negated id.

    Args:
        wake: ends a wait, when SIGCHLD has come.

    Attributes:
        longest_wait: see ``Selector``.
    """

    def __init__(self, wake: Callable[[], None]) -> None:
        self._selector = selectors.DefaultSelector()
        self._wake = wake
        self._children: set[int] = set()
        self._others: set[int] = set()
        self._ended: set[int] = set()
        self._once: set[int] = set()
        self._has_signal = childsignal.listen(self._child_may_have_ended)
        self._may_have_ended = False
        self.longest_wait = math.inf

    def _child_may_have_ended(self) -> None:
        self._may_have_ended = True
        self._wake()

    def poll(self, seconds: float | None) -> Ready:
        """Return descriptors that are ready, and processes that have ended."""
        ready: Ready = []
        for key, mask in self._selector.select(seconds):
            if key.fd in self._once:
                self._once.discard(key.fd)
                self._selector.unregister(key.fd)
            ready.append((key.fd, mask))
        if self._may_have_ended or not self._has_signal:
            self._may_have_ended = False
            self._ended.update(pid for pid in self._children if _has_ended(pid))
        self._ended.update(pid for pid in self._others if not _exists(pid))
        ready += [(-pid, 0) for pid in self._ended]  # again and again, like a descriptor
        return ready

    def fileno(self) -> int:
        """Return the descriptor of the selector; only that of the SIGCHLD pipe tells of ends."""
        return self._selector.fileno()

    def watch(self, fd: int, interest: int) -> bool:
        """Register a descriptor, unless it is always ready."""
        mode = os.fstat(fd).st_mode
        if interest != HANG_UP or stat.S_ISREG(mode):
            return self._register(fd, _INTEREST.get(interest, 0))
        # As asyncio does: nothing can be read from this end of a pipe but its end. Others are not
        # waited for, since a terminal has input for somebody else; a write tells.
        return self._register(fd, selectors.EVENT_READ) if stat.S_ISFIFO(mode) else True

    def watch_once(self, fd: int) -> bool:
        """Register a descriptor until it is ready."""
        if self._register(fd, selectors.EVENT_READ):
            self._once.add(fd)
            return True
        return False

    def _register(self, fd: int, interest: int) -> bool:
        if stat.S_ISREG(os.fstat(fd).st_mode):
            return False  # kqueue would take it, and not tell of its end
        try:
            self._selector.register(fd, interest)
        except OSError as error:
            if error.errno in _ALWAYS_READY:
                return False
            raise
        return True

    def change(self, fd: int, interest: int) -> None:
        """Register it anew."""
        self.unwatch(fd)
        self.watch(fd, interest)

    def unwatch(self, fd: int) -> None:
        """Unregister a descriptor."""
        self._once.discard(fd)
        if fd in self._selector.get_map():
            self._selector.unregister(fd)

    def watch_end(self, pid: int) -> int:
        """Look whether a process has ended when SIGCHLD comes, or regularly if it is no child."""
        try:
            self._may_have_ended |= exit_status(pid) is not None
            self._children.add(pid)
        except ChildProcessError:
            self._others.add(pid)
        self._set_longest_wait()
        return -pid

    def unwatch_end(self, key: int) -> None:
        """Look no longer."""
        self._children.discard(-key)
        self._others.discard(-key)
        self._ended.discard(-key)
        self._set_longest_wait()

    def _set_longest_wait(self) -> None:
        if self._others:
            self.longest_wait = _NOT_OURS
        elif self._children and not self._has_signal:
            self.longest_wait = _WITHOUT_SIGNAL
        else:
            self.longest_wait = math.inf

    def is_descriptor(self, key: int) -> bool:
        """Return whether a key is no negated id."""
        return key >= 0

    def close(self) -> None:
        """Close the selector, and let go of SIGCHLD."""
        if self._has_signal:
            childsignal.stop_listening(self._child_may_have_ended)
        self._selector.close()


def make_selector(wake: Callable[[], None]) -> Selector:
    """Return a selector."""
    return PortableSelector(wake)


def take_census() -> Census:
    """Return all processes that ``ps`` shows; if it cannot be run, none."""
    found: Census = {}
    for line in _ps("-A", "-o", "pid=", "-o", "ppid=", "-o", "pgid=", "-o", "stat=").splitlines():
        pid, parent, group, state = line.split(None, 3)
        session = _session_of(int(pid))
        has_ended = state.startswith(b"Z")
        found[int(pid)] = Relative(int(pid), int(parent), int(group), session, 0, has_ended)
    return found


def _ps(*arguments: str) -> bytes:
    from subprocess import DEVNULL, PIPE, run  # takes some milliseconds, and is rarely needed

    try:
        return run(["/bin/ps", *arguments], stdin=DEVNULL, stdout=PIPE, stderr=DEVNULL).stdout  # noqa: PLW1510
    except OSError:
        return b""


def _session_of(pid: int) -> int:
    try:
        return os.getsid(pid)
    except OSError:  # it has ended, or the system does not say it of other sessions
        return 0


def _has_ended(child: int) -> bool:
    try:
        return exit_status(child) is not None
    except ChildProcessError:  # somebody else has reaped it
        return True


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def is_there(relative: Relative) -> bool:
    """Return whether a process has not ended yet."""
    has_ended = _ps("-o", "stat=", "-p", str(relative.pid)).startswith(b"Z")
    return not has_ended and _is_same(relative)  # in this order: ps shows nothing of what is gone


def _is_same(relative: Relative) -> bool:
    try:
        return os.getpgid(relative.pid) == relative.group
    except OSError:
        return False


def send(relative: Relative, *signals: signal.Signals) -> bool:
    """Send signals to a process that ``ps`` has just shown, unless it has ended.

    Returns:
        ``False`` if that is not allowed: it runs as another user (sudo).
    """
    try:
        if _is_same(relative):
            for number in signals:
                os.kill(relative.pid, number)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return True


def adopt_orphans() -> bool:
    """Return ``False``: nobody but the first process adopts any."""
    return False
