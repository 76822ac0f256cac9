"""A distributor that shares no code with the reference implementation passes the suite, too.

It was written from the specification, in C: what it fails although it does what a sentence says is
a test that mirrors the reference implementation.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from conformance.selftest.running import run_suite

SOURCE = Path(__file__).resolve().parent / "independent" / "smallexec.c"

# The chapters that it offers, those first that are quick to judge.
QUICK = ("framing", "eot", "results", "dispatch", "prefixes")
OTHERS = (
    *("launch", "inheritance", "login_shells", "nodes", "options", "ends", "limits", "security"),
    *("graph", "weights", "death", "restart"),
)

# It differs from these recommendations: the first lines of its source say how.
REMARKS = {"DSP-014", "END-048", "GRA-044", "WGT-003", "WGT-008"}

# It reports neither traps nor nodes that only die.
REMARKS |= {"NOD-011", "NOD-012", "NOD-013", "NOD-014", "OPT-061", "OPT-062", "RST-031"}


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
    run = run_suite(
        tmp_path,
        f"--impl={smallexec}",
        f"--profile={SOURCE.with_suffix('.toml')}",
        chapters=[chapter],
    )
    statuses = {name: entry["status"] for name, entry in run["requirements"].items()}
    assert {name for name, status in statuses.items() if status == "remark"} <= REMARKS
    passed = [test for test in run["tests"] if test["status"] == "pass"]
    assert 0 < len(passed) == len({test["test"] for test in passed})
