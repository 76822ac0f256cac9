"""Batches of results: how long the host goes on reading before it writes the results it has.

A fast calculator answers while the distributor still works. So the distributor looks for more
results before it writes. Each one that it finds saves a write; with one calculator that is a third
of all processor time. Looking in vain costs a system call, so it looks less often while it finds
nothing.
"""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, final

from paexec_trio.runtime.backoff import BackOff

if TYPE_CHECKING:
    from collections.abc import Callable

    from paexec_trio.runtime.system import Ready

LONGEST_BATCH = 0.0002
"""Seconds after which results at hand are written although more may be ready."""


@final
class Batch:
    """Extends a batch of events as long as results keep coming, up to :data:`LONGEST_BATCH`.

    Args:
        poll: waits for the given seconds and returns the descriptors that are ready.
        clock: tells the time in seconds.
    """

    __slots__ = ("_back_off", "_clock", "_ends_at", "_poll")

    def __init__(
        self, poll: Callable[[float], Ready], clock: Callable[[], float] = monotonic
    ) -> None:
        self._poll = poll
        self._clock = clock
        self._ends_at = 0.0
        self._back_off = BackOff()

    def begin(self) -> None:
        """Begin a batch."""
        self._ends_at = self._clock() + LONGEST_BATCH

    def more(self) -> Ready:
        """Return what has become ready; nothing ends the batch."""
        back_off = self._back_off
        if back_off.skips:
            back_off.skips -= 1
            return []
        if self._clock() > self._ends_at:
            return []
        ready = self._poll(0)
        if ready:
            back_off.misses = 0
        else:
            back_off.miss()
        return ready
