"""The host's interface to the operating system, beyond the modules that every system has.

There are two implementations: :mod:`paexec_trio.runtime.linux` (epoll, pidfds, ``/proc``, child
subreapers) and :mod:`paexec_trio.runtime.posix`, which needs only features that NetBSD and macOS
have too.
"""

from __future__ import annotations

import os
import select
import sys
from typing import TYPE_CHECKING, NamedTuple, Protocol, cast

if TYPE_CHECKING:
    import signal
    from collections.abc import Callable

HANG_UP = 0
"""Interest in nothing but that the other end is gone."""

READ = 1
"""Interest in something to read."""

WRITE = 2
"""Interest in room to write."""

CHOICE = "_PAEXEC_TRIO_SYSTEM"
"""An environment variable for maintainers: ``posix`` forces the portable implementation."""

Ready = list[tuple[int, int]]
"""Descriptors that are ready and keys of processes that may have ended, each with a number that
means nothing to anybody but the selector."""


class Selector(Protocol):
    """Waits for descriptors and for the ends of processes.

    Attributes:
        longest_wait: seconds after which ``poll`` has to be called again even if ``fileno`` has
            not become readable.
    """

    longest_wait: float

    def poll(self, seconds: float | None) -> Ready:
        """Return what is ready; wait so long, or without a limit, if nothing is."""

    def fileno(self) -> int:
        """Return a descriptor that is readable when ``poll`` would return something."""

    def watch(self, fd: int, interest: int) -> bool:
        """Wait for a descriptor; return ``False`` if it is one that is always ready."""

    def watch_once(self, fd: int) -> bool:
        """Wait for something to read, until there is; return as ``watch`` does."""

    def change(self, fd: int, interest: int) -> None:
        """Change what a watched descriptor is waited for."""

    def unwatch(self, fd: int) -> None:
        """Wait for it no longer."""

    def watch_end(self, pid: int) -> int:
        """Wait for the end of a process; return the key by which ``poll`` will tell it."""

    def unwatch_end(self, key: int) -> None:
        """Wait for it no longer."""

    def is_descriptor(self, key: int) -> bool:
        """Return whether a key is not that of a process."""

    def close(self) -> None:
        """Release all descriptors."""


class Relative(NamedTuple):
    """A process, as the system shows it.

    Attributes:
        pid: its id.
        parent: the id of its parent.
        group: the id of its process group.
        session: the id of its session.
        start: when it was started, in units of the system.
        has_ended: whether it has ended and was not reaped yet.
    """

    pid: int
    parent: int
    group: int
    session: int
    start: int
    has_ended: bool

    @property
    def identity(self) -> tuple[int, int]:
        """An identity that no other process has: ids are used again."""
        return self.pid, self.start


Census = dict[int, Relative]
"""All processes by their ids."""


class System(Protocol):
    """The interface of the two modules."""

    def make_selector(self, wake: Callable[[], None]) -> Selector:
        """Return a selector.

        Args:
            wake: ends a wait for it; the selector may call it in a signal handler.
        """

    def take_census(self) -> Census:
        """Return all processes that can be seen; none if the system does not show them.

        Nobody stands still meanwhile: one that is started while others are looked at can be
        missing.
        """

    def is_there(self, relative: Relative) -> bool:
        """Return whether a process has not ended yet."""

    def send(self, relative: Relative, *signals: signal.Signals) -> bool:
        """Send signals to a process, unless it has ended.

        Returns:
            ``False`` if that is not allowed: it runs as another user (sudo).
        """

    def adopt_orphans(self) -> bool:
        """Become the parent of every descendant whose own parent ends; return whether we are."""


def _choose() -> System:
    from importlib import import_module

    is_complete = sys.platform == "linux" and hasattr(select, "epoll") and hasattr(os, "pidfd_open")
    portable = not is_complete or os.environ.get(CHOICE) == "posix"
    name = "posix" if portable else "linux"
    return cast("System", import_module(f"paexec_trio.runtime.{name}"))


system = _choose()
"""The implementation that this process uses."""
