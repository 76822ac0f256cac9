"""Two installations beside each other: what is measured is complete, and what the table says."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.benchmarks.bench import COMPLETE, Bench, BesideStart, Extent, WithStart, few
from tests.benchmarks.beside import NAMES, NODES, OTHER, THIS, Pair, comparisons, main, table
from tests.benchmarks.building import Tools
from tests.benchmarks.comparison import Row, Unit, compare
from tests.benchmarks.programs import PARALLEL, THEIRS, find
from tests.benchmarks.running import Failed, Usage
from tests.benchmarks.test_sections import that_loses_the_last_line

SMALLEST = Extent(quick=True, rounds=1, budget=0, limit=60, most_nodes=3, most_tasks=20)
RATE = Unit("tasks/s", greater_is_better=True)
TIME = Unit("ms", greater_is_better=False)


@pytest.mark.parametrize("name", NAMES)
def test_results_are_complete_and_a_program_that_loses_one_is_found_out(
    name: str, tools: Tools, tmp_path: Path
) -> None:
    programs = find("paexec")
    bench = Bench(tmp_path, tools, programs, SMALLEST)
    unfaithful = that_loses_the_last_line(programs.ours, tmp_path / "paexec")
    comparison = next(comparisons(name, Pair(programs.ours, unfaithful), bench, [2]))
    for row in compare(comparison, 1, 0):
        for program in row.figures.keys() - {OTHER}:
            assert isinstance(row.middle(program), float), row.middle(program)
        assert isinstance(row.middle(OTHER), Failed)
        assert THIS in row.figures
        assert (THEIRS in row.figures) == (name not in {"group", "prefetch", "auto"})
        assert PARALLEL not in row.figures or name == "first"


def usage(processor: float) -> Usage:
    return Usage(seconds=1, first=1, processor=processor, peak=1)


def test_the_start_that_took_least_is_subtracted() -> None:
    starts, runs = iter([3, 2, 4]), iter([13, 13, 1])
    trial = BesideStart(lambda: usage(next(runs)), lambda: usage(next(starts)))
    outcomes = [trial(), trial(), trial()]
    assert [outcome.processor for outcome in outcomes if isinstance(outcome, WithStart)] == [
        10,
        11,
        1e-9,
    ]


def test_a_short_run_has_more_tasks_if_there_are_many_nodes(tools: Tools, tmp_path: Path) -> None:
    bench = Bench(tmp_path, tools, find("paexec"), COMPLETE)
    for nodes in NODES:
        tasks = bench.tasks(10_000, 5_000, nodes)
        assert 200 * nodes <= few(tasks, nodes) < tasks / 2
    assert few(bench.tasks(10_000, 5_000, 1), 1) == 1_000


def test_what_has_failed_is_not_subtracted() -> None:
    failed = Failed("SIGABRT")
    assert BesideStart(lambda: usage(1), lambda: failed)() == failed
    assert BesideStart(lambda: failed, lambda: usage(1))() == failed


def test_quotients_are_of_figures_and_the_best_are_of_all_rounds() -> None:
    rows = [
        Row("rate", RATE, {THIS: [10.0, 30.0, 20.0], OTHER: [10.0, 10.0, 10.0]}),
        Row("time", TIME, {THIS: [4.0, 2.0], THEIRS: [4.0, 1.0]}),
        Row("lost", TIME, {THIS: [4.0], OTHER: [Failed("SIGABRT")]}),
    ]
    lines = table(rows).splitlines()
    assert lines[1].endswith("this / other, best         this / paexec, best")
    assert "2.00 (1.00 to 3.00), 3.00" in lines[3]
    assert "1.50 (1.00 to 2.00), 2.00" in lines[4]
    assert "SIGABRT" in lines[5]


def test_what_is_not_there_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["/bin/sh", "--quick", "sundials"])
    assert "there is nothing called 'sundials'" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["/no/paexec-trio"])
    assert "there is no program /no/paexec-trio" in capsys.readouterr().err
