"""Programs take turns: what is compared was measured at the same time, as far as that goes."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from tests.benchmarks.running import Failed

T = TypeVar("T")


@dataclass(frozen=True)
class Unit:
    """Compare figures and format them."""

    name: str
    greater_is_better: bool
    digits: int = 0


@dataclass(frozen=True)
class Measure(Generic[T]):
    """A figure that is taken from what a run has shown."""

    label: str
    unit: Unit
    value: Callable[[T], float]


@dataclass(frozen=True)
class Comparison(Generic[T]):
    """Runs of several programs that do the same, and what is measured of them.

    Attributes:
        measures: each makes a row of the report.
        trials: a run of each program.
        rounds: how often each is run, at most.
    """

    measures: Sequence[Measure[T]]
    trials: Mapping[str, Callable[[], T | Failed]]
    rounds: int | None = None


@dataclass(frozen=True)
class Ratio:
    """Ratios of two programs' figures, or how many times better one is than the other.

    Attributes:
        median: of the ratios of all rounds, each of runs that followed each other.
        low: the least of them.
        high: the greatest.
    """

    median: float
    low: float
    high: float


@dataclass(frozen=True)
class Row:
    """The figures of a measure, for each program and round."""

    label: str
    unit: Unit
    figures: Mapping[str, Sequence[float | Failed]]

    def middle(self, program: str) -> float | Failed | None:
        """Return the median of a program's figures, or how it failed, if it took part.

        A program that failed in one round has failed.
        """
        figures = self.figures.get(program)
        if not figures:
            return None
        for figure in figures:
            if isinstance(figure, Failed):
                return figure
        return statistics.median(figure for figure in figures if not isinstance(figure, Failed))

    def ratio(self, program: str, other: str) -> Ratio | None:
        """Return how much better the program is than the other, if both did it."""
        if self.unit.greater_is_better:
            return self.quotient(program, other)
        return self.quotient(other, program)

    def quotient(self, program: str, other: str) -> Ratio | None:
        """Return the figures of a program by those of the other, if both did it."""
        pairs = zip(self.figures.get(program, ()), self.figures.get(other, ()), strict=False)
        quotients = []
        for figure, of_other in pairs:
            if isinstance(figure, Failed) or isinstance(of_other, Failed):
                return None
            quotients.append(figure / of_other)
        if not quotients:
            return None
        return Ratio(statistics.median(quotients), min(quotients), max(quotients))

    def best(self, program: str) -> float | None:
        """Return the best of a program's figures, if it took part and did not fail."""
        figures = [
            figure for figure in self.figures.get(program, ()) if not isinstance(figure, Failed)
        ]
        if not figures or len(figures) < len(self.figures[program]):
            return None
        return max(figures) if self.unit.greater_is_better else min(figures)


def compare(
    comparison: Comparison[T],
    rounds: int,
    budget: float,
    clock: Callable[[], float] = time.monotonic,
) -> list[Row]:
    """Run all programs, one after the other, round by round.

    Each round begins with another program. One that failed is not run again.

    Args:
        comparison: the programs and measures.
        rounds: how many rounds, unless the comparison wants fewer.
        budget: seconds after which no other round is begun.
        clock: tells the time.
    """
    outcomes: dict[str, list[T | Failed]] = {program: [] for program in comparison.trials}
    order = list(comparison.trials)
    rounds = min(rounds, comparison.rounds or rounds)
    begin = clock()
    for number in range(rounds):
        if number and clock() - begin > budget:
            break
        for program in order:
            if any(isinstance(outcome, Failed) for outcome in outcomes[program]):
                continue
            outcomes[program].append(comparison.trials[program]())
        order.append(order.pop(0))
    return [
        Row(
            measure.label,
            measure.unit,
            {
                program: [
                    outcome if isinstance(outcome, Failed) else measure.value(outcome)
                    for outcome in of_program
                ]
                for program, of_program in outcomes.items()
            },
        )
        for measure in comparison.measures
    ]
