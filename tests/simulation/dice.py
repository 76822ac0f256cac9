"""All chance in a simulated run: whole numbers, from a seed or from Hypothesis."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import TypeVar, final

T = TypeVar("T")

GRAIN = 1000
"""The steps between 0 and 1: Hypothesis has room for few octets a run, and these take two."""


@final
class Dice:
    """Decides what a run leaves to chance.

    The lowest number of each draw stands for the simplest outcome, because Hypothesis shrinks
    towards it: the first value of several, nothing unusual, no delay.

    Args:
        below: returns a number from 0 up to the given one, that one excluded.
    """

    def __init__(self, below: Callable[[int], int]) -> None:
        self._below = below
        self.drawn: list[int] = []
        """All numbers so far."""

    def below(self, limit: int) -> int:
        """Draw a number from 0 up to the limit, which is excluded."""
        number = self._below(limit)
        self.drawn.append(number)
        return number

    def share(self) -> float:
        """Draw a fraction: 0 or more, less than 1."""
        return self.below(GRAIN) / GRAIN

    def happens(self, chance: float) -> bool:
        """Return True with this chance, False if the lowest number is drawn."""
        return self.share() >= 1.0 - chance

    def pick(self, values: Sequence[T]) -> T:
        """Draw one of these values, of which the first is the simplest."""
        return values[self.below(len(values))]

    def shuffle(self, values: list[T]) -> None:
        """Put values in any order, in place."""
        for place in range(len(values) - 1):
            other = place + self.below(len(values) - place)
            values[place], values[other] = values[other], values[place]


def seeded(seed: int) -> Dice:
    """Return dice that draw what the seed decides."""
    return Dice(Random(seed).randrange)  # noqa: S311 (no secret)
