"""The command line of the simulation."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.simulation import __main__ as command
from tests.simulation.history import Stuck
from tests.simulation.run import explain, simulate
from tests.simulation.test_runs import GATE
from tests.zoo.death import prints_no_fatal_line
from tests.zoo.planting import planted

ROOT = Path(__file__).parents[2]


def call(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.simulation", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def test_a_seed_replays_its_run() -> None:
    result = call("7", "--history")
    history = list(simulate(7).history.lines())
    assert result.stdout.splitlines()[: len(history)] == history
    assert result.stdout.splitlines()[len(history)].startswith("no violations")
    assert result.returncode == 0


def test_a_campaign_tries_other_seeds_and_counts_tasks() -> None:
    result = call("--runs", "12", "--jobs", "2", "--first", "1000")
    tasks = sum(simulate(seed).verdict.tasks_done for seed in range(1000, 1012))
    first, last = result.stdout.splitlines()
    assert first == "seeds 1000 to 1011"
    assert last.startswith(f"12 runs, {tasks} tasks done, ")
    assert "0 runs with violations" in last
    assert result.returncode == 0


def test_a_campaign_is_about_new_seeds_each_time() -> None:
    assert call("--runs", "1").stdout.split()[1] != call("--runs", "1").stdout.split()[1]


@pytest.mark.parametrize("arguments", [[], ["7", "--runs", "7"]])
def test_either_a_seed_or_a_number_of_runs(arguments: list[str]) -> None:
    assert call(*arguments).returncode == 2


@pytest.fixture
def fault() -> Iterator[None]:
    with planted(prints_no_fatal_line):
        yield


@pytest.mark.usefixtures("fault")
def test_a_bad_run_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    seed = next(seed for seed in GATE if simulate(seed).verdict.violations)
    run = simulate(seed)
    assert f"python -m tests.simulation {seed}\n" in explain(run, seed) + "\n"
    assert str(run.verdict.violations[0]) in explain(run, seed)
    assert not command.replay(seed, with_history=False)
    assert capsys.readouterr().out == explain(run, seed) + "\n"
    tally, explanations = command.try_seeds(range(seed, seed + 1))
    assert tally.bad_runs == 1
    assert explanations == [explain(run, seed)]


def test_an_exception_in_the_engine_is_a_violation(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr("paexec_trio.core.dispatching.Dispatcher.dispatch", fail)
    (violation,) = simulate(1).verdict.violations
    assert violation.text == "ZeroDivisionError: a bug"


def test_a_run_that_does_nothing_is_a_violation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("paexec_trio.core.engine.Engine.handle", lambda _self, _event: [])
    run = simulate(1)
    assert isinstance(run.history.entries[-1].item, Stuck)
    assert run.verdict.violations
