"""The measured costs of a run, and its failures."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.benchmarks.bench import AfterProof
from tests.benchmarks.building import Tools
from tests.benchmarks.checks import each_number_once, tallied
from tests.benchmarks.running import Failed, Job, Usage

LIMIT = 60


@pytest.fixture
def numbers(tmp_path: Path) -> Path:
    file = tmp_path / "numbers"
    file.write_bytes(b"1\n2\n3\n")
    return file


def shell(tools: Tools, numbers: Path, command: str, limit: float = LIMIT) -> Job:
    return Job(tools.meter, numbers.parent, ["/bin/sh", "-c", command], numbers, limit)


THREE = each_number_once(3)


def test_a_run_that_is_complete(tools: Tools, numbers: Path) -> None:
    usage = shell(tools, numbers, "cat; sleep 0.1").into_file(THREE)
    assert isinstance(usage, Usage)
    assert 0.1 <= usage.seconds < LIMIT


def test_results_that_are_dropped_make_a_run_fail(tools: Tools, numbers: Path) -> None:
    outcome = shell(tools, numbers, "grep -v 2").into_file(THREE)
    assert outcome == Failed("1 of 3 results are missing, 2 is the first")
    outcome = shell(tools, numbers, "grep -v 2").into_pipe(tallied(3, 6))
    assert outcome == Failed("2 lines instead of 3")


def test_a_failure_is_shown_with_what_was_said(tools: Tools, numbers: Path) -> None:
    outcome = shell(tools, numbers, "cat; echo 'all is lost' >&2; exit 3").into_file(THREE)
    assert outcome == Failed("status 3: all is lost")
    outcome = shell(tools, numbers, "kill -ABRT $$").into_nothing()
    assert outcome == Failed("SIGABRT")


def test_a_program_that_is_not_there(tools: Tools, numbers: Path) -> None:
    outcome = Job(tools.meter, numbers.parent, ["/no/program"], numbers, LIMIT).into_nothing()
    assert outcome == Failed("status 127: /no/program: No such file or d")


def test_a_run_that_takes_too_long_is_ended(tools: Tools, numbers: Path) -> None:
    """All of it: the pipe has its end only when nobody holds it any more."""
    job = shell(tools, numbers, "cat; sleep 1000 & wait", limit=0.2)
    assert job.into_pipe(tallied(3, 6)) == Failed("> 0.2 s")
    assert job.into_file(THREE) == Failed("> 0.2 s")


def test_the_first_result_comes_before_the_end(tools: Tools, numbers: Path) -> None:
    usage = shell(tools, numbers, "sleep 0.1; cat; sleep 0.2").into_pipe(tallied(3, 6))
    assert isinstance(usage, Usage)
    assert usage.first >= 0.1
    assert usage.first + 0.1 < usage.seconds


def test_results_are_counted_as_they_come(tools: Tools, numbers: Path) -> None:
    text = "x" * 79 + "\n"
    numbers.write_text(text * 10_000)
    usage = shell(tools, numbers, "cat").into_pipe(tallied(10_000, 800_000))
    assert isinstance(usage, Usage)


def test_processor_time_is_that_of_the_program_alone(tools: Tools, numbers: Path) -> None:
    """In both modes; what its children need does not count, whether it waits for them or not."""
    loop = "i=0; while [ $i -lt 200000 ]; do i=$((i + 1)); done"
    alone = shell(tools, numbers, f"{loop}; cat").into_file(THREE)
    with_child = shell(tools, numbers, f"({loop}); ({loop}) & cat; wait").into_file(THREE)
    idle = shell(tools, numbers, "cat; sleep 0.1").into_file(THREE)
    assert isinstance(alone, Usage)
    assert isinstance(with_child, Usage)
    assert isinstance(idle, Usage)
    assert 0 < idle.processor < alone.processor / 5
    assert with_child.processor < alone.processor / 5
    assert alone.processor <= alone.seconds


def test_our_memory_is_not_the_program_s(tools: Tools, numbers: Path) -> None:
    ours = bytearray(b"x" * (100 << 20))
    small = shell(tools, numbers, "cat").into_file(THREE)
    large = shell(tools, numbers, "head -c 50000000 /dev/zero | tail -c 40000000 | wc -c; cat")
    usage = large.into_file(lambda _: "")
    assert len(ours) == 100 << 20
    assert isinstance(small, Usage)
    assert isinstance(usage, Usage)
    assert small.peak < 20 << 10
    assert usage.peak > 38 << 10


def test_what_cannot_be_seen_is_proven_once(tools: Tools, numbers: Path) -> None:
    runs: list[str] = []

    def proof() -> Usage | Failed:
        runs.append("proof")
        return Usage(1, 1, 1, 1)

    def run() -> Usage | Failed:
        runs.append("run")
        return Usage(2, 2, 2, 2)

    trial = AfterProof(run, proof)
    assert trial() == trial() == Usage(2, 2, 2, 2)
    assert runs == ["proof", "run", "run"]
    failing = shell(tools, numbers, "grep -v 2")
    trial = AfterProof(failing.into_nothing, lambda: failing.into_pipe(tallied(3, 6)))
    assert trial() == Failed("2 lines instead of 3")
