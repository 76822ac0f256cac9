"""When a long wait is in vain before its bound is over: by what the awaited programs do."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

#: Seconds between two looks.
_PERIOD = 1.0


class Work(NamedTuple):
    """What the processes of a test do.

    Attributes:
        is_done: whether one of them works, or would if it had a processor.
        seconds: the processor time that they have used so far.
    """

    is_done: bool
    seconds: float


class Effort:
    """Watches the processes that are to bring about something that takes long by its size.

    How long that takes by the clock depends on how busy the machine is; these limits do not. They
    that have nothing to do for a while will do nothing more. And the work itself takes a conforming
    distributor a few seconds of processor time.

    Args:
        look: says what the processes do.
        idle: seconds of idleness, without any event, after which a wait is in vain.
        most: the same of processor time.
    """

    def __init__(self, look: Callable[[], Work], idle: float, most: float) -> None:
        self._look = look
        self._idle = idle
        self._most = most
        self._first = look().seconds
        self._last = self._first
        self._next = self._active_at = time.monotonic() + _PERIOD
        self._events = 0

    @property
    def share(self) -> float:
        """The share of the processor time that was used at the last look."""
        return max(0.0, self._last - self._first) / self._most

    def is_in_vain(self, events: int) -> bool:
        """Whether there is nothing more to wait for.

        Args:
            events: how many events the test has seen so far, of whatever kind.
        """
        now = time.monotonic()
        if now < self._next:
            return False
        self._next = now + _PERIOD
        work = self._look()
        if work.is_done or work.seconds != self._last or events != self._events:
            self._active_at = now
        self._last, self._events = work.seconds, events
        return now - self._active_at >= self._idle or self.share >= 1
