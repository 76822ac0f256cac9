"""Programs that hang: their tests wait side by side, and no wait is shorter."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from conformance.selftest.test_soundness import RED, Copy, entry

TESTS = """
import os
import time

import pytest

@pytest.fixture(scope="module")
def shared():
    yield os.getpid()

@pytest.fixture
def timed(request):
    begin = time.monotonic()
    yield
    with open(os.environ["TIMES"], "a") as file:
        file.write(f"{request.node.name} {begin} {time.monotonic()}\\n")

@pytest.mark.requirement("AAA-001")
@pytest.mark.parametrize("value", range(6))
def test_hangs(timed, stage, value, shared):
    assert shared == os.getpid(), "a fixture of another process"
    stage.start("hangs").wait()

@pytest.mark.requirement("AAA-002")
def test_works(stage, shared):
    assert stage.run("works").stdout == b"", "output"

@pytest.mark.requirement("AAA-002")
def test_is_busy(timed, stage):
    stage.start("busy").wait()

@pytest.mark.requirement("AAA-003")
@pytest.mark.extension("--group")
def test_not_offered(timed, stage):
    pass
"""

LATE = """
import os

import pytest

MAIN = os.getpid()

def note(name):
    with open(os.environ["TIMES"], "a") as file:
        file.write(f"{name} {os.getpid() == MAIN:d}\\n")

@pytest.mark.requirement("AAA-001")
def test_before(stage):
    note("before")

@pytest.mark.requirement("AAA-001")
@pytest.mark.lasting(60)
def test_lasts(stage):
    note("begins")
    stage.start("hangs").wait()

@pytest.mark.requirement("AAA-002")
def test_between(stage):
    note("between")

@pytest.mark.requirement("AAA-003")
def test_fails(stage):
    note("fails")
    assert False, "it fails"

@pytest.mark.requirement("AAA-002")
def test_after(stage):
    note("after")
"""
"""Each test notes whether it is in the process of the run."""

EXPECTED = entry("test_all.py::test_fails", "AAA-003", "it fails")

DIES = """
MAIN = os.getpid()

@pytest.mark.requirement("AAA-004")
def test_dies(stage):
    if os.getpid() != MAIN:
        os._exit(7)
    assert False, "it is run again"
"""

PROGRAM = """
case $1 in
    hangs) exec sleep 1000;;
    busy) while :; do :; done;;
esac
"""


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Copy:
    monkeypatch.setenv("TIMES", str(tmp_path / "times"))
    copy = Copy(tmp_path)
    copy.tests = TESTS
    copy.levels = dict.fromkeys(("AAA-001", "AAA-002", "AAA-003"), "MUST")
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\n{PROGRAM}")
    program.chmod(0o755)
    copy.implementation = str(program)
    return copy


def judge(copy: Copy, *options: str) -> tuple[dict[str, Any], str]:
    """The results of a run, and its output."""
    report = copy.directory / "report"
    status, output = copy.judge(f"--report-dir={report}", *options)
    assert status == RED, output
    run: dict[str, Any] = json.loads((report / "results.json").read_text())
    return run, output


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_waits_in_vain_overlap(copy: Copy, workers: tuple[str, ...]) -> None:
    run, output = judge(copy, "--timeout-scale=0.25", *workers)
    assert run["verdict"] == "does not conform"
    assert run["whole"]
    statuses = {test["test"].removeprefix("test_all.py::"): test["status"] for test in run["tests"]}
    assert statuses == {
        **{f"test_hangs[{value}]": "fail" for value in range(6)},
        "test_works": "pass",
        "test_is_busy": "fail",
        "test_not_offered": "not offered",
    }
    for test in run["tests"]:
        if test["status"] == "fail":
            assert test["message"] == "timed out waiting for: the end of the distributor"
            assert "distributor started" in test["evidence"]
            assert test["again"]
    assert "7 failed, 1 passed, 1 skipped" in output
    times = times_of(copy)
    hangs = [times[f"test_hangs[{value}]"] for value in range(6)]
    assert all(end - begin >= 5 for begin, end in hangs), "a wait is shorter than its bound"
    side_by_side = [a for a in hangs for b in hangs if a != b and a[0] < b[0] < a[1]]
    assert len(side_by_side) > len(workers), "no test began while another one waited"
    if not workers:
        begin, end = times["test_is_busy"]
        assert end - begin >= 5
        assert times["test_not_offered"][0] >= begin + 2.5, "one that works was not waited for"


def times_of(copy: Copy) -> dict[str, tuple[float, float]]:
    """When each test has begun and ended."""
    words = [line.split() for line in (copy.directory / "times").read_text().splitlines()]
    return {name: (float(begin), float(end)) for name, begin, end in words}


@pytest.mark.parametrize("profile", [None, EXPECTED], ids=["unexpected", "expected"])
def test_who_runs_in_a_process_of_its_own(copy: Copy, profile: str | None) -> None:
    """A test that may last long, and each test after a failure that was not expected."""
    copy.tests = LATE
    copy.profile = profile
    judge(copy, "--timeout-scale=0.25")
    assert (copy.directory / "times").read_text().splitlines() == [
        "before 1",
        "begins 0",
        "between 1",
        "fails 1",
        "after 1" if profile else "after 0",
    ]


def test_a_failure_in_a_process_of_its_own_counts(copy: Copy) -> None:
    copy.tests = LATE.replace('stage.start("hangs").wait()', "assert False, 'it fails'")
    judge(copy, "--timeout-scale=0.25")
    lines = (copy.directory / "times").read_text().splitlines()
    assert lines == ["before 1", "begins 0", "between 0", "fails 0", "after 0"]


def test_a_debugger_finds_all_tests_in_its_process(copy: Copy) -> None:
    copy.tests = LATE.replace('stage.start("hangs").wait()', "")
    copy.judge("--timeout-scale=0.25", "--pdb")
    lines = (copy.directory / "times").read_text().splitlines()
    assert lines == ["before 1", "begins 1", "between 1", "fails 1"]


def test_the_files_of_a_test_stay(copy: Copy) -> None:
    """A test in a process of its own does not empty the directory of those before it."""
    copy.tests = LATE.replace("def test_before", "@pytest.mark.lasting(60)\ndef test_before")
    base = copy.directory / "base"
    judge(copy, "--timeout-scale=0.25", f"--basetemp={base}")
    assert {path.name for path in base.iterdir()} >= {"test_before0", "test_lasts0", "test_after0"}


def test_a_test_that_takes_its_process_with_it_is_run_again(copy: Copy) -> None:
    """Its later failures are seen where pytest looks for them."""
    copy.tests = TESTS.replace("range(6)", "range(2)") + DIES
    copy.levels["AAA-004"] = "MUST"
    run, _ = judge(copy, "--timeout-scale=0.1")
    found = {test["test"]: test["message"] for test in run["tests"]}
    assert found["test_all.py::test_dies"].startswith("it is run again")
    assert len(found) == 6


def test_nothing_is_left_of_a_run_that_stops(copy: Copy) -> None:
    base = copy.directory / "base"
    run, output = judge(copy, "--timeout-scale=0.2", "--maxfail=2", f"--basetemp={base}")
    assert not run["whole"]
    assert "stopping after 2 failures" in output
    assert [path for path in Path("/proc").glob("[0-9]*/cwd") if _leads_to(path, base)] == []


def _leads_to(link: Path, directory: Path) -> bool:
    try:
        return link.readlink().is_relative_to(directory)
    except OSError:  # it is gone
        return False
