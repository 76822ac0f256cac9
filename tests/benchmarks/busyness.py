"""How busy other programs kept the processors while runs were measured."""

from __future__ import annotations

import os
import resource
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_IDLE_COLUMNS = {3, 4}
"""Columns of the first line of ``/proc/stat`` that count idle time; the next ones are busy."""

_COLUMNS = 8
"""Columns that are disjoint: guests' time, which follows, is part of the first two."""


class Busyness:
    """Measures how many processors others used during each run.

    Args:
        machine: returns the seconds that all processors were busy, since any moment.
        ours: returns the seconds that this process and its ended children used.
        clock: tells the time in seconds.
    """

    def __init__(
        self,
        machine: Callable[[], float] | None = None,
        ours: Callable[[], float] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._machine = machine or seconds_of_machine
        self._ours = ours or seconds_of_ours
        self._clock = clock
        self._shares: list[float] = []

    @contextmanager
    def watch(self) -> Iterator[None]:
        """Record the processors that others use within this context."""
        began, busy, ours = self._clock(), self._machine(), self._ours()
        yield
        seconds = self._clock() - began
        others = self._machine() - busy - (self._ours() - ours)
        if seconds > 0:
            self._shares.append(max(0.0, others) / seconds)

    def summary(self) -> str:
        """Return a sentence about all runs so far."""
        if not self._shares:
            return "Nothing was run."
        return (
            f"Meanwhile other programs used {statistics.median(self._shares):.2f} processors"
            f" (median of all runs; {min(self._shares):.2f} to {max(self._shares):.2f})."
        )


def seconds_of_machine() -> float:
    """Return the seconds of all processors in which they did not idle.

    Time that a hypervisor took from this machine counts as busy.
    """
    columns = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1 : 1 + _COLUMNS]
    ticks = sum(int(text) for column, text in enumerate(columns) if column not in _IDLE_COLUMNS)
    return ticks / os.sysconf("SC_CLK_TCK")


def seconds_of_ours() -> float:
    """Return the processor seconds of this process and of its children that have ended."""
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in used)
