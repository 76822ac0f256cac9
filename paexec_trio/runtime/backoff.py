"""Back-off: something that was done in vain is left out for a while, longer each time."""

from __future__ import annotations

from typing import final

_MOST_SKIPS = 63
"""How often it is left out in a row, at most."""


@final
class BackOff:
    """How often to leave something out: 1, 3, 7, … 63 times, as it is done in vain again and again.

    The attributes are for callers to read and write, since a method call per task costs time.

    Attributes:
        skips: how often it is to be left out from now on; the caller counts down.
        misses: how often it is left out after the last miss; 0 after a hit, which the caller sets.
    """

    __slots__ = ("misses", "skips")

    def __init__(self) -> None:
        self.misses = 0
        self.skips = 0

    def miss(self) -> None:
        """Record that it was done in vain."""
        self.misses = self.skips = min(2 * self.misses + 1, _MOST_SKIPS)
