"""How far a run has come, told while it runs."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.harness.outcome import Status

PERIOD = 15.0
"""Seconds between two lines. They are plain text, so that a log of them can be read, too."""


class Progress:
    """Tells now and then how many tests have come to what.

    Args:
        write: takes a line.
    """

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._statuses: dict[str, Status] = {}
        self._begin = time.monotonic()
        self._next = self._begin + PERIOD
        #: How many tests there are; None while nobody knows.
        self.total: int | None = None

    def note(self, test: str, status: Status) -> None:
        """Take in what has become of a test; write a line if it is time."""
        self._statuses[test] = status
        now = time.monotonic()
        if now >= self._next:
            self._next = now + PERIOD
            self._write(self.line(now - self._begin))

    def line(self, seconds: float) -> str:
        """Return the progress of the tests so far.

        Args:
            seconds: how long they have taken.
        """
        total = "" if self.total is None else f" of {self.total}"
        counts = Counter(self._statuses.values())
        listed = ", ".join(f"{count} {status}" for status, count in counts.most_common())
        minutes, rest = divmod(int(seconds), 60)
        return f"{len(self._statuses)}{total} tests after {minutes}:{rest:02} min: {listed}"
