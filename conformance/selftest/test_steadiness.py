"""Whether a verdict that changes is seen."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from conformance.selftest import steadiness

Runs = list[dict[str, str]]


def prepare(monkeypatch: pytest.MonkeyPatch, runs: Runs) -> list[str]:
    """Let the suite say this, run by run; the directories that it was asked to use."""
    asked: list[str] = []

    def run_suite(directory: Path, command: str, words: list[str]) -> None:
        assert (command, words) == ("build", ["-n", "4"])
        asked.append(directory.stem)
        tests = [
            {"test": test, "status": status, "patience_used": 0.3 if test == "b" else 0.1}
            for test, status in runs.pop(0).items()
        ]
        directory.mkdir(parents=True)
        (directory / "results.json").write_text(json.dumps({"tests": tests}))

    monkeypatch.setattr(steadiness, "run_suite", run_suite)
    return asked


def series(directory: Path, runs: int) -> int:
    return steadiness.main(
        [str(directory), "--impl=build", f"--runs={runs}", "--busy=0", "-n", "4"]
    )


def test_runs_that_say_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = prepare(monkeypatch, [{"a": "pass", "b": "fail"}] * 3)
    assert series(tmp_path, 2) == 0
    assert series(tmp_path, 3) == 0  # goes on where it was
    assert asked == ["1", "2", "3"]
    assert capsys.readouterr().out.endswith("\n3 runs, 0 unlike the first\n")


def test_verdicts_that_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    first = {"a": "pass", "b": "fail", "c": "pass"}
    prepare(monkeypatch, [first, {"a": "pass", "b": "pass"}, dict(reversed(first.items()))])
    assert series(tmp_path, 3) == 1
    out = capsys.readouterr().out
    assert "run 2: 2 tests, 2 differ, " in out
    assert " s, at most 30% of a bound in b\n" in out
    assert "\n  b: fail, now pass\n  c: pass, now missing\n" in out
    assert "run 3: 3 tests, 0 differ, " in out
    one, other, same = re.findall(r" differ, (\w{16}), ", out)
    assert one != other
    assert one == same
    assert out.endswith("\n3 runs, 1 unlike the first\n")


def test_a_run_without_verdict(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = [str(tmp_path), "--impl=/no/program", "--runs=1", "--busy=1"]
    assert steadiness.main(words) == 2
    assert "cannot run '/no/program'" in capsys.readouterr().err
