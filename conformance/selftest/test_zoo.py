"""Whether the suite catches each broken distributor of the zoo, by what it breaks."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from conformance.harness.programs import COMPANIONS, NONE

SUITE = Path(__file__).resolve().parent.parent
ZOO = Path(__file__).resolve().parent / "zoo"


def mutants() -> dict[str, list[str]]:
    """The requirements that each mutant breaks, by its name."""
    done = subprocess.run([sys.executable, ZOO], check=True, capture_output=True, text=True)
    return {name: ids for name, *ids in map(str.split, done.stdout.splitlines())}


MUTANTS = mutants()


def test_there_are_many() -> None:
    assert len(MUTANTS) >= 98
    assert set(MUTANTS) >= SAMPLE


# All of them take some minutes.
SAMPLE = {
    "trims-blanks",
    "takes-blanks-for-the-eot",
    "sends-two-tasks-to-a-node",
    "puts-the-task-id-first",
    "starts-a-task-after-the-first-of-several",
    "prints-fatal-twice",
}


@pytest.mark.parametrize(
    "mutant",
    [pytest.param(name, marks=() if name in SAMPLE else pytest.mark.long) for name in MUTANTS],
)
def test_a_mutant_is_caught(mutant: str, tmp_path: Path) -> None:
    broken = MUTANTS[mutant]
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", SUITE),
            f"--impl={shlex.join([sys.executable, str(ZOO), mutant])}",
            *(f"--{name}={NONE}" for name in COMPANIONS),
            *(f"--requirement={name}" for name in broken),
            *("--timeout-scale=0.5", f"--report-dir={tmp_path / 'report'}", "-q", "--tb=no"),
            *("-p", "no:cacheprovider", "--assert=plain", f"--basetemp={tmp_path / 'base'}"),
        ],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTEST_ADDOPTS": ""},
    )
    assert done.returncode == 1, done.stdout + done.stderr
    run = json.loads((tmp_path / "report" / "results.json").read_text())
    statuses = {name: run["requirements"][name]["status"] for name in broken}
    assert set(statuses.values()) == {"fail"}, statuses
