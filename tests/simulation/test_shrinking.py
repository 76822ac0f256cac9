"""Runs drawn by Hypothesis, and how it shrinks bad ones."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable

from tests.simulation import shrinking
from tests.simulation.dice import Dice, seeded
from tests.simulation.run import MOST_TASKS, Run, kinds, play
from tests.simulation.script import as_playbook
from tests.simulation.shrinking import runs, shrink, shrink_drawn
from tests.simulation.test_runs import GATE
from tests.simulation.violations import Kind
from tests.zoo.catalogue import simulated
from tests.zoo.death import loses_the_task_of_a_dead_node
from tests.zoo.planting import planted

FEW_TASKS = 12
"""The tasks of a run that Hypothesis draws: it has room for some thousand draws a run."""

MOST_ENTRIES = 25
"""Entries of the small run with a lost task: it had 16, but the engine may come to say more."""

LONG_SEED = 38
"""A seed whose run goes well for a long time with the fault that is planted here."""

quick = settings(
    max_examples=100,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
thorough = settings(quick, max_examples=10_000, derandomize=False)


@quick
@given(runs(FEW_TASKS))
def test_a_drawn_run_has_no_violations(run: Run) -> None:
    assert not run.verdict.violations, as_playbook(run)


@pytest.mark.long
@thorough
@given(runs(FEW_TASKS))
def test_no_drawn_run_of_many_has_violations(run: Run) -> None:
    assert not run.verdict.violations, as_playbook(run)


def test_the_numbers_of_a_seed_make_the_same_run() -> None:
    dice = seeded(11)
    history = play(dice).history
    numbers = iter(dice.drawn)
    assert play(Dice(lambda _: next(numbers))).history.digest() == history.digest()


def test_a_run_ends_with_the_step_of_its_first_violation() -> None:
    with planted(loses_the_task_of_a_dead_node):
        whole, stopped = play(seeded(10)), play(seeded(10), until_violation=True)
    first = stopped.verdict.violations[0]
    assert first == whole.verdict.violations[0]
    assert stopped.history.entries == whole.history.entries[: len(stopped.history.entries)]
    assert len(stopped.history.entries) < len(whole.history.entries)
    *_, last = stopped.history.steps()
    assert last.time == first.time


def test_a_seed_without_violations_cannot_be_shrunk() -> None:
    with pytest.raises(ValueError, match="the run of seed 1 has no violation"):
        shrink(1)


def test_hypothesis_takes_a_long_run_of_a_seed_as_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    with planted(loses_the_task_of_a_dead_node):
        dice = seeded(LONG_SEED)
        whole = play(dice, until_violation=True)
        run = shrink_drawn(dice.drawn, MOST_TASKS, kinds(whole), phases=[Phase.reuse])
        assert run.history.digest() == whole.history.digest()
        monkeypatch.setattr(shrinking, "ROOM", 8 << 10)
        with pytest.raises(Unsatisfiable):
            shrink_drawn(dice.drawn, MOST_TASKS, kinds(whole), phases=[Phase.reuse])


def run_as_test(text: str) -> None:
    namespace: dict[str, object] = {}
    exec(text, namespace)  # noqa: S102 (it is our own)
    test = namespace["test_as_in_the_simulation"]
    assert callable(test)
    test()


def first_bad_seed() -> int:
    return next(seed for seed in GATE if kinds(play(seeded(seed), until_violation=True)))


def test_hypothesis_makes_a_bad_run_small_and_it_is_a_playbook() -> None:
    with planted(loses_the_task_of_a_dead_node):
        run = shrink(first_bad_seed())
        assert kinds(run) <= {Kind.MISORDERED, Kind.WAITING, Kind.LOST}
        assert len(run.history.entries) <= MOST_ENTRIES
        text = as_playbook(run)
        run_as_test(text)
    with pytest.raises(AssertionError, match="the engine deviates from the playbook"):
        run_as_test(text)


@pytest.mark.long
@pytest.mark.parametrize("name", simulated())
def test_each_fault_is_shown_in_a_few_steps(name: str) -> None:
    with planted(simulated()[name].plant):
        seed = first_bad_seed()
        run = shrink(seed)
        whole = play(seeded(seed), until_violation=True)
        assert kinds(run) & kinds(whole)
        assert len(run.history.entries) <= len(whole.history.entries)
        run_as_test(as_playbook(run))
