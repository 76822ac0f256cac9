"""One simulated run, from its seed to the verdict."""

from __future__ import annotations

from collections.abc import Coroutine
from dataclasses import dataclass
from random import Random
from typing import Any

from paexec_trio.core.commands import Exit
from paexec_trio.core.engine import Engine
from paexec_trio.runtime.drive import drive
from tests.simulation.calculators import NONCE
from tests.simulation.history import Crashed, History, Stuck
from tests.simulation.judge import Verdict, judge
from tests.simulation.scenario import Scenario, draw
from tests.simulation.world import SimulatedWorld, StuckError


@dataclass(frozen=True, slots=True)
class Run:
    """A run that is over."""

    scenario: Scenario
    history: History
    verdict: Verdict


def simulate(seed: int) -> Run:
    """Run what the seed decides, and judge it."""
    dice = Random(seed)  # noqa: S311 (no secret)
    scenario = draw(dice, seed)
    history = History()
    engine = Engine(scenario.settings)
    # Half of the runs in which it could be used do without it.
    exchange = engine.fast_path if seed % 2 else None
    world = SimulatedWorld(scenario, dice, history, exchange)
    try:
        _finish(drive(engine, world, history.log, NONCE))
    except StuckError as error:
        history.log(Stuck(str(error)))
    except Exception as error:  # noqa: BLE001 (whatever it is, it is a violation)
        history.log(Crashed(f"{type(error).__name__}: {error}"))
    return Run(scenario, history, judge(history, scenario.settings, scenario.input))


def _finish(coroutine: Coroutine[Any, Any, Exit]) -> Exit:
    """Run a coroutine that never waits: there is nothing to wait for in virtual time."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        outcome = stop.value
        assert isinstance(outcome, Exit)
        return outcome
    raise AssertionError("the simulated world waited for something")


def explain(run: Run) -> str:
    """Return what is wrong with a run, what led to it, and how to see it again."""
    violations = run.verdict.violations
    lines = [f"{len(violations)} violations in the simulated run of seed {run.scenario.seed}"]
    if violations:
        first = violations[0].time
        until = [line for line in run.history.lines() if float(line[:10]) <= first]
        lines += ["the last entries up to the first of them:", *until[-30:]]
    lines += map(str, violations)
    lines.append(f"settings: {run.scenario.settings}")
    lines.append(f"to see it again: python -m tests.simulation {run.scenario.seed}")
    return "\n".join(lines)
