"""One simulated run, from its seed to the verdict."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from random import Random

from paexec_trio.core.engine import Engine
from paexec_trio.core.events import Event, RunStarted
from paexec_trio.runtime.pump import pump
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
        _play(engine, world, history)
    except StuckError as error:
        history.log(Stuck(str(error)))
    except Exception as error:  # noqa: BLE001 (whatever it is, it is a violation)
        history.log(Crashed(f"{type(error).__name__}: {error}"))
    return Run(scenario, history, judge(history, scenario.settings, scenario.input))


def _play(engine: Engine, world: SimulatedWorld, history: History) -> None:
    """Carry events and commands between the engine and the world until the run is over."""
    happened: Iterable[Event] = [RunStarted(NONCE)]
    while pump(engine, world, happened, history.log) is None:
        world.wait()
        happened = world.events()


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
