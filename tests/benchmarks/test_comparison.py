"""Taking turns, medians and ratios."""

from __future__ import annotations

from collections.abc import Callable

from tests.benchmarks.comparison import Comparison, Measure, Ratio, Row, Unit, compare
from tests.benchmarks.running import Failed

RATE = Unit("tasks/s", greater_is_better=True)
TIME = Unit("s", greater_is_better=False)
TWICE = (
    Measure[float]("itself", RATE, lambda value: value),
    Measure[float]("inverted", TIME, lambda value: 1 / value),
)


class Programs:
    """Programs that say in which order they run, and give figures one after the other."""

    def __init__(self, **figures: list[float | Failed]) -> None:
        self.order = ""
        self.trials = {name: self._trial(name, iter(values)) for name, values in figures.items()}

    def _trial(
        self, name: str, values: Callable[[], float | Failed] | object
    ) -> Callable[[], float | Failed]:
        def run() -> float | Failed:
            self.order += name
            return next(values)  # type: ignore[call-overload,no-any-return]

        return run

    def compare(self, rounds: int, seconds_each: float = 0, budget: float = 1) -> list[Row]:
        clock = iter(range(1000))
        return compare(
            Comparison(TWICE, self.trials),
            rounds,
            budget,
            clock=lambda: next(clock) * seconds_each,
        )


def test_programs_take_turns_and_each_is_first_in_its_turn() -> None:
    programs = Programs(a=[1, 1, 1], b=[1, 1, 1])
    programs.compare(rounds=3)
    assert programs.order == "ab" + "ba" + "ab"


def test_no_round_is_begun_after_the_time_is_over() -> None:
    programs = Programs(a=[1] * 9)
    programs.compare(rounds=9, seconds_each=0.4, budget=1)
    assert programs.order == "aaa"


def test_there_is_one_round_however_long_it_takes() -> None:
    programs = Programs(a=[1] * 9)
    programs.compare(rounds=9, seconds_each=5, budget=1)
    assert programs.order == "a"


def test_a_comparison_can_want_fewer_rounds() -> None:
    programs = Programs(a=[1] * 9)
    rows = compare(Comparison(TWICE, programs.trials, rounds=2), rounds=9, budget=1)
    assert programs.order == "aa"
    assert [row.label for row in rows] == ["itself", "inverted"]


def test_ratios_are_of_runs_of_the_same_round() -> None:
    # The machine is ten times slower in the second round; the ratio does not notice.
    row, inverted = Programs(a=[20, 2, 30], b=[10, 1, 10]).compare(rounds=3)
    assert row.middle("a") == 20
    assert row.middle("b") == 10
    assert row.ratio("a", "b") == Ratio(median=2, low=2, high=3)
    assert row.ratio("b", "a") == Ratio(median=0.5, low=1 / 3, high=0.5)
    found = inverted.ratio("a", "b")
    assert found is not None
    assert (round(found.median, 9), round(found.high, 9)) == (2, 3)


def test_a_program_that_failed_once_has_failed_and_is_not_run_again() -> None:
    failed = Failed("results are missing")
    programs = Programs(a=[1, failed], b=[1, 1, 1])
    row, _ = programs.compare(rounds=3)
    assert programs.order == "ab" + "ba" + "b"
    assert row.middle("a") == failed
    assert row.ratio("a", "b") is None
    assert row.ratio("b", "a") is None
    assert row.middle("b") == 1


def test_a_program_that_took_no_part_has_no_figures() -> None:
    row, _ = Programs(a=[1]).compare(rounds=1)
    assert row.middle("b") is None
    assert row.ratio("a", "b") is None
