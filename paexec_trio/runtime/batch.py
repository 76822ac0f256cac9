"""Batches of results: how long the host goes on reading before it writes the results it has.

A fast calculator answers while the distributor still works. So the distributor looks for more
results before it writes. Each one that it finds saves a write; with one calculator that is a third
of all processor time. Looking in vain costs a system call, so it looks less often while it finds
nothing.
"""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, final

if TYPE_CHECKING:
    from collections.abc import Callable

    from paexec_trio.runtime.system import Ready

LONGEST_BATCH = 0.0002
"""Seconds after which results at hand are written although more may be ready."""

_MOST_SKIPS = 63
"""Batches that end without another look, at most, after looks that found nothing."""


@final
class Batch:
    """Extends a batch of events as long as results keep coming, up to :data:`LONGEST_BATCH`.

    Args:
        poll: waits for the given seconds and returns the descriptors that are ready.
        clock: tells the time in seconds.
    """

    __slots__ = ("_clock", "_ends_at", "_misses", "_poll", "_skips")

    def __init__(
        self, poll: Callable[[float], Ready], clock: Callable[[], float] = monotonic
    ) -> None:
        self._poll = poll
        self._clock = clock
        self._ends_at = 0.0
        self._misses = 0
        self._skips = 0

    def begin(self) -> None:
        """Begin a batch."""
        self._ends_at = self._clock() + LONGEST_BATCH

    def more(self) -> Ready:
        """Return what has become ready; nothing ends the batch."""
        if self._skips:
            self._skips -= 1
            return []
        if self._clock() > self._ends_at:
            return []
        ready = self._poll(0)
        if ready:
            self._misses = 0
        else:
            self._misses = min(2 * self._misses + 1, _MOST_SKIPS)
            self._skips = self._misses
        return ready
