"""Each kind of measurement works, and finds out a program that loses results."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path

import pytest

from tests.benchmarks.bench import Bench, Extent
from tests.benchmarks.building import Tools
from tests.benchmarks.comparison import Row, compare
from tests.benchmarks.programs import OURS, THEIRS, Programs, find
from tests.benchmarks.running import Failed
from tests.benchmarks.sections import SECTIONS, Section

SMALLEST = Extent(quick=True, rounds=1, budget=0, limit=60, most_nodes=3, most_tasks=20)


@pytest.fixture(scope="session")
def programs() -> Programs:
    return find("paexec")


def measure_first(section: Section, bench: Bench) -> list[Row]:
    comparison = next(section.comparisons(bench))
    return compare(comparison, bench.extent.rounds, bench.extent.budget)


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.name)
def test_results_are_complete(
    section: Section, tools: Tools, programs: Programs, tmp_path: Path
) -> None:
    rows = measure_first(section, Bench(tmp_path, tools, programs, SMALLEST))
    for row in rows:
        assert {OURS, THEIRS} <= row.figures.keys()
        for program in row.figures:
            figure = row.middle(program)
            assert isinstance(figure, float), figure


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.name)
def test_a_program_that_loses_the_last_result_is_found_out(
    section: Section, tools: Tools, programs: Programs, tmp_path: Path
) -> None:
    unfaithful = replace(
        programs,
        ours=that_loses_the_last_line(programs.ours, tmp_path / "paexec"),
        our_reorder=that_loses_the_last_line(programs.our_reorder, tmp_path / "reorder"),
    )
    rows = measure_first(section, Bench(tmp_path, tools, unfaithful, SMALLEST))
    for row in rows:
        assert isinstance(row.middle(OURS), Failed)
        assert isinstance(row.middle(THEIRS), float)
        assert row.ratio(OURS, THEIRS) is None


def that_loses_the_last_line(program: Path, script: Path) -> Path:
    script.write_text(f"#!/bin/sh\n{shlex.quote(str(program))} \"$@\" | sed '$d'\n")
    script.chmod(0o700)
    return script
