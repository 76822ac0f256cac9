"""Polling for descriptors and the ends of processes, each with its handler."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING, Protocol, final

from paexec_trio.runtime.system import HANG_UP, READ, WRITE, system

if TYPE_CHECKING:
    from paexec_trio.core.events import Event

__all__ = ["HANG_UP", "READ", "WRITE", "Loop", "Poller", "Watcher"]

Watcher = Callable[[], "Iterator[Event]"]
"""Handles a descriptor that is ready, or a process that has ended; yields what has happened."""

CHUNK = 1 << 16
"""Octets of one read: the default capacity of a pipe."""


def silently(action: Callable[[], None]) -> Watcher:
    """Return a watcher that calls the action, of which no event comes."""

    def watch() -> Iterator[Event]:
        action()
        return iter(())

    return watch


class Loop(Protocol):
    """The part of a loop that works beside it may use."""

    def emit(self, event: Event) -> None:
        """Let an event happen in the next batch."""

    def request(self, action: Callable[[], None]) -> None:
        """Carry out an action in the next batch; may be called by another thread."""

    def wake(self) -> None:
        """End the wait that is under way, or the next one."""


@final
class Poller:
    """The descriptors and processes that one run waits for, and events that need no wait.

    Attributes:
        selector: waits for descriptors and processes in the way of this system.
        watchers: the handlers of ready descriptors and ended processes, by the descriptor or by the
            key that ``watch_end`` returned.
        pending: events without a descriptor: consequences of commands, and requests to stop.
        is_closing: whether only the ends of processes are of interest any more.

    Raises:
        OSError: there are too few descriptors.
    """

    def __init__(self) -> None:
        self.watchers: dict[int, Watcher] = {}
        self.pending: deque[Iterator[Event]] = deque()
        self.is_closing = False
        self._requests: set[Callable[[], None]] = set()
        # A pipe: writing to it ends a wait that is just about to begin, too.
        self._woken_by, self._waker = os.pipe()
        os.set_blocking(self._woken_by, False)
        os.set_blocking(self._waker, False)
        self.selector = system.make_selector(self.wake)
        self.watch(self._woken_by, READ, silently(self._act))

    def watch(self, fd: int, interest: int, watcher: Watcher) -> bool:
        """Call the watcher when the descriptor is ready; return whether it can be watched.

        Regular files and some devices cannot: they are always ready.
        """
        if not self.selector.watch(fd, interest):
            return False
        self.watchers[fd] = watcher
        return True

    def watch_once(self, fd: int, watcher: Watcher) -> bool:
        """Call the watcher when the descriptor is readable for the first time after this call.

        Returns:
            Whether the descriptor can be watched.
        """
        if not self.selector.watch_once(fd):
            return False
        self.watchers[fd] = watcher
        return True

    def unwatch(self, fd: int) -> None:
        """Watch the descriptor no longer."""
        del self.watchers[fd]
        self.selector.unwatch(fd)

    def watch_end(self, pid: int, watcher: Watcher) -> int:
        """Call the watcher when the process may have ended; return the key of this watch.

        Raises:
            OSError: there are too few descriptors.
        """
        key = self.selector.watch_end(pid)
        self.watchers[key] = watcher
        return key

    def unwatch_end(self, key: int) -> None:
        """Watch the process no longer; does nothing if it is not watched any more."""
        if self.watchers.pop(key, None):
            self.selector.unwatch_end(key)

    def emit(self, event: Event) -> None:
        """Let an event happen in the next batch."""
        self.pending.append(iter([event]))

    def request(self, action: Callable[[], None]) -> None:
        """Carry out an action in the next batch; may be called by a signal handler."""
        self._requests.add(action)
        self.wake()

    def wake(self) -> None:
        """End the wait that is under way, or the next one; may be called by a signal handler."""
        with suppress(BlockingIOError):  # there is enough in the pipe
            os.write(self._waker, b"!")

    def _act(self) -> None:
        os.read(self._woken_by, CHUNK)
        while self._requests:
            self._requests.pop()()

    # When a run is over, only the ends of processes are of interest, and room for diagnostics.

    def forget_descriptors(self) -> None:
        """Watch nothing but the ends of processes from now on, and drop what is pending."""
        self.is_closing = True
        self.pending.clear()
        for fd in [key for key in self.watchers if self.selector.is_descriptor(key)]:
            if fd != self._woken_by:
                self.unwatch(fd)

    def until_ended(self, keys: Iterable[int], seconds: float) -> Generator[float, None, None]:
        """Wait for the ends of processes; those that end are not watched any more.

        Args:
            keys: what ``watch_end`` returned for them.
            seconds: how long to wait at most.

        Yields:
            For how many seconds the caller is to wait for ``selector.fileno()``.
        """
        expected = set(keys)
        yield from self._until(lambda: not expected & self.watchers.keys(), seconds)

    def until_writable(self, fd: int, seconds: float) -> Generator[float, None, bool]:
        """Wait as ``until_ended`` does, but until a descriptor is writable.

        Returns:
            Whether it is.
        """
        ready: list[int] = []
        if fd in self.watchers:
            self.unwatch(fd)
        if not self.watch(fd, WRITE, silently(lambda: ready.append(fd))):
            return True
        yield from self._until(lambda: bool(ready), seconds)
        self.unwatch(fd)
        return bool(ready)

    def _until(self, is_done: Callable[[], bool], seconds: float) -> Generator[float, None, None]:
        deadline = monotonic() + seconds
        while not is_done() and (left := deadline - monotonic()) > 0:
            yield min(left, self.selector.longest_wait)
            for key, _ in self.selector.poll(0):
                if key == self._woken_by:
                    os.read(key, CHUNK)
                elif not self.selector.is_descriptor(key):
                    self.unwatch_end(key)
                elif watcher := self.watchers.get(key):
                    watcher()

    def close(self) -> None:
        """Release all descriptors."""
        self.selector.close()
        os.close(self._woken_by)
        os.close(self._waker)
