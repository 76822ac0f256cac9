"""The recorded verdicts on the implementations that the specification shows."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from conformance.harness.registry import Requirement, load_requirements
from conformance.record import (
    IMPLEMENTATIONS,
    VERDICTS,
    PartialError,
    Record,
    load_records,
    record_of,
    verdict_of,
)

ONE = Requirement("AAA-001", "MUST", "One", "chapter", "It MUST.")


def results(**entry: str) -> dict[str, Any]:
    kept = {"status": "pass", "reason": "", "hash": ONE.hash} | entry
    about = {"version": "x 1 by y", "specification": "1.0", "verdict": "conforms"}
    return {**about, "requirements": {ONE.id: kept}}


@pytest.mark.parametrize(
    ("entry", "verdict"),
    [
        ({"status": "pass"}, "proven"),
        ({"status": "fail"}, "failed"),
        ({"status": "expected failure"}, "failed"),
        ({"status": "remark"}, "failed"),
        ({"status": "not offered"}, "not offered"),
        ({"status": "untested"}, "not judged"),
        ({"status": "reopened"}, "not judged"),
        ({"status": "inconclusive"}, "not judged"),
        ({"status": "a word of the future"}, "failed"),
        ({"status": "expected failure", "verdict": "failed"}, "failed"),
        ({"status": "pass", "verdict": "not judged"}, "not judged"),
        ({"status": "proven"}, "proven"),
    ],
)
def test_the_verdict_on_a_requirement(entry: dict[str, str], verdict: str) -> None:
    assert verdict_of(entry) == verdict


def test_a_record_is_about_the_sentence_that_was_judged() -> None:
    record = Record("x 1", record_of(results())["requirements"])
    assert record.verdict(ONE) == "proven"
    assert record.verdict(replace(ONE, sentence="It MUST, too.")) == "not judged"
    assert record.verdict(replace(ONE, id="AAA-002")) == "not judged"


def test_a_part_of_the_suite_is_not_recorded() -> None:
    with pytest.raises(PartialError, match=r"1 requirements .* AAA-001"):
        record_of(results(status="untested"))
    assert record_of(results(status="untested", reason="no test can show it"))
    whole = results(status="reopened")
    whole["requirements"][ONE.id]["reopened"] = True
    assert record_of(whole)


def test_what_is_recorded_is_about_this_specification() -> None:
    known = load_requirements()
    records = load_records()
    assert len(records) == len(IMPLEMENTATIONS)
    for record in records:
        assert record.verdicts.keys() <= known.keys()
        assert {entry.rpartition(" ")[0] for entry in record.verdicts.values()} <= set(VERDICTS)


@pytest.mark.parametrize("words", [["-h"], ["--help"], ["-n", "2", "-h"]])
def test_help(words: list[str]) -> None:
    """It is that of this program, and nothing is judged."""
    done = subprocess.run(
        [sys.executable, "-m", "conformance.record", *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "Usage: python -m conformance.record" in done.stdout
    assert "test session starts" not in done.stdout


@pytest.mark.parametrize("text", ["", "{}", json.dumps(results(status="untested"))])
def test_results_that_cannot_be_recorded(text: str, tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    path.write_text(text)
    done = subprocess.run(
        [sys.executable, "-m", "conformance.record", f"paexec-trio={path}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith(f"record: {path}: ")
    assert done.stderr.count("\n") == 1
