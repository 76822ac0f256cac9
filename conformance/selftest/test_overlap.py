"""Programs that hang: their tests wait side by side, and no wait is shorter."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from conformance.selftest.test_soundness import RED, Copy

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
