"""An implementation that does nothing of the kind must not pass a single MUST."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.harness.programs import COMPANIONS
from conformance.selftest.running import run_suite

NULLS = {
    "true": "exit 0",
    "false": "exit 1",
    "cat": "exec cat",
    "hangs": "exec sleep 1000",
    "not found": "exit 127",
    "echoes": 'while read -r task; do printf "1 %s\\n\\n" "$task"; done',
    "informs": (
        'case "$*" in *-V*) echo paexec 1.0;; *) echo " -n -t -c -C -0 -y -m -e -E -i -I -r -l -p'
        ' -d -h -V ";; esac'
    ),
}


# They differ from "true" by their statuses only.
SELDOM = {"false", "not found"}


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=pytest.mark.long if n in SELDOM else ()) for n in NULLS]
)
def test_null_implementation_passes_no_must(name: str, tmp_path: Path) -> None:
    program = tmp_path / "null"
    program.write_text(f"#!/bin/sh\n{NULLS[name]}\n")
    program.chmod(0o755)
    # All waits for what does nothing are in vain, however short.
    scale = 0.0005 if name == "hangs" else 0.0015
    run = run_suite(
        tmp_path,
        f"--impl={program}",
        *(f"--{name}={program}" for name in COMPANIONS),
        *(f"--timeout-scale={scale}", "--tb=no", "--assert=plain"),
        status=1,
    )
    assert len(run["tests"]) > 300
    musts = {name for name, entry in run["requirements"].items() if entry["level"] == "MUST"}
    passed = [
        test["test"]
        for test in run["tests"]
        if test["status"] == "pass" and musts & set(test["requirements"])
    ]
    assert passed == []
    # Nor may a broken implementation look like a broken suite.
    faults = [test["test"] for test in run["tests"] if test["status"] in {"error", "inconclusive"}]
    assert faults == []
