"""Spinning: looking again and again for a moment before waiting.

A fast calculator answers within some microseconds. A processor that goes idle meanwhile takes
longer than that to wake up, and so does a turn of trio's scheduler. With one calculator on an idle
machine, spinning doubles the tasks a second and takes less processor time than waiting does.
"""

from __future__ import annotations

import os
from time import monotonic
from typing import TYPE_CHECKING, final

from paexec_trio.runtime.backoff import BackOff

if TYPE_CHECKING:
    from collections.abc import Callable

LONGEST_SPIN = 0.00005
"""Seconds of one spin."""


def _nothing() -> None:
    """Do nothing."""


# A process that waits for this processor comes first: it may be the calculator.
_yield_processor: Callable[[], None] = getattr(os, "sched_yield", _nothing)


@final
class Spin:
    """Spins before a wait, less often while that finds nothing: tasks that take long cost no spins.

    Args:
        poll: waits for the given seconds and returns whether anything is ready.
        clock: returns the time in seconds.
    """

    __slots__ = ("_back_off", "_clock", "_poll")

    def __init__(
        self, poll: Callable[[float], bool], clock: Callable[[], float] = monotonic
    ) -> None:
        self._poll = poll
        self._clock = clock
        self._back_off = BackOff()

    def find(self) -> bool:
        """Return whether something is ready now or becomes ready in a moment."""
        poll, clock = self._poll, self._clock
        if poll(0):
            return True
        back_off = self._back_off
        if back_off.skips:
            back_off.skips -= 1
            return False
        ends_at = clock() + LONGEST_SPIN
        while clock() < ends_at:
            _yield_processor()
            if poll(0):
                back_off.misses = 0
                return True
        back_off.miss()
        return False
