"""End a long wait before its bound: no process works any more, too much, or much too slowly."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

#: Seconds between two looks.
_PERIOD = 1.0

_SAMPLE = 0.25
"""The share of the processor time that shows the pace of the work."""

_MARGIN = 1.5
"""How much quicker the rest of the work may become than the pace lets expect."""


class Work(NamedTuple):
    """The work of the processes of a test.

    Attributes:
        is_done: whether one of them works, or would if it had a processor.
        seconds: the processor time that they have used so far.
    """

    is_done: bool
    seconds: float


class Effort:
    """Watches the processes that are to bring about something that takes long by its size.

    That takes longer on a busy machine, so the bound of such a wait is long. But programs do not
    wait for the machine if they have nothing to do for a while and use no processor time, or if
    they have used many times the processor time that the work takes. That they will use so much is
    known earlier if it can be seen how much of the work is done.

    Args:
        look: says what the processes do.
        idleness: seconds without work and events after which a wait is in vain.
        toil: seconds of processor time after which a wait is in vain.
        progress: says which share of the work is done.
    """

    def __init__(
        self,
        look: Callable[[], Work],
        idleness: float,
        toil: float,
        progress: Callable[[], float] | None = None,
    ) -> None:
        self._look = look
        self._progress = progress
        self._idleness = idleness
        self._toil = toil
        self._seen = (0, 0.0)
        self._active_at = time.monotonic()
        self._next = self._active_at + _PERIOD
        self._first: float | None = None
        #: The share of the processor time that was used at the last look.
        self.share_used = 0.0

    def is_over(self, events: int) -> bool:
        """Return whether there is nothing to wait for.

        Args:
            events: how many events the test has seen so far, of whatever kind.
        """
        now = time.monotonic()
        if now < self._next:
            return False
        self._next = now + _PERIOD
        work = self._look()
        if self._first is None:
            self._first = work.seconds
        self.share_used = max(self.share_used, (work.seconds - self._first) / self._toil)
        seen = (events, work.seconds)
        if work.is_done or seen != self._seen:
            self._active_at = now
        self._seen = seen
        return (
            self.share_used >= 1 or self._is_too_slow() or now - self._active_at >= self._idleness
        )

    def _is_too_slow(self) -> bool:
        """Return whether the work takes too much processor time even if it becomes quicker."""
        if self._progress is None or self.share_used < _SAMPLE:
            return False
        return self.share_used > _MARGIN * self._progress()
