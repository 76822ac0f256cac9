"""A distributor that shares no code with the reference implementation passes the suite, too.

It was written from the specification, in C: what it fails although it does what a sentence says is
a test that mirrors the reference implementation.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SUITE = Path(__file__).resolve().parent.parent
SOURCE = Path(__file__).resolve().parent / "independent" / "smallexec.c"

# The chapters that it offers, those first that are quick to judge.
QUICK = ("framing", "eot", "results", "dispatch", "prefixes")
OTHERS = (
    *("launch", "nodes", "options", "ends", "limits", "security"),
    *("graph", "weights", "death", "restart"),
)

# It differs from these recommendations: the first lines of its source say how.
REMARKS = {"DSP-014", "GRA-044", "WGT-003", "WGT-008"}


@pytest.fixture(scope="module")
def smallexec(tmp_path_factory: pytest.TempPathFactory) -> Path:
    program = tmp_path_factory.mktemp("independent") / "smallexec"
    words = ["gcc", "-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror"]
    subprocess.run([*words, "-o", program, SOURCE, "-lm"], check=True)
    return program


@pytest.mark.parametrize(
    "chapter", [*QUICK, *(pytest.param(name, marks=pytest.mark.long) for name in OTHERS)]
)
def test_it_conforms(smallexec: Path, chapter: str, tmp_path: Path) -> None:
    report = tmp_path / "report"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", str(SUITE / f"test_{chapter}.py")),
            *(f"--impl={smallexec}", f"--profile={SOURCE.with_suffix('.toml')}"),
            *(f"--report-dir={report}", "-q", "-p", "no:cacheprovider"),
            f"--basetemp={tmp_path / 'base'}",
        ],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTEST_ADDOPTS": ""},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    run = json.loads((report / "results.json").read_text())
    statuses = {name: entry["status"] for name, entry in run["requirements"].items()}
    assert {name for name, status in statuses.items() if status == "remark"} <= REMARKS
    passed = [test for test in run["tests"] if test["status"] == "pass"]
    assert 0 < len(passed) == len({test["test"] for test in passed})
