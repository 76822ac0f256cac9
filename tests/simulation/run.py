"""One simulated run, from the dice to the verdict."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import final

from paexec_trio.core.commands import Command, Exit
from paexec_trio.core.engine import Engine
from paexec_trio.core.events import Event, RunStarted
from paexec_trio.core.facts import FactStream
from paexec_trio.runtime.pump import pump
from tests.simulation.calculators import NONCE, TOKEN
from tests.simulation.dice import Dice, seeded
from tests.simulation.factcheck import problems_of
from tests.simulation.history import Crashed, History, Stuck
from tests.simulation.judge import Judge, Verdict
from tests.simulation.scenario import Scenario, draw
from tests.simulation.violations import Kind, Violation
from tests.simulation.world import SimulatedWorld, StuckError

MOST_TASKS = 800
"""The tasks of a run of a seed, at most."""


class ViolationSeenError(Exception):
    """The run is bad; what follows is of no interest."""


@dataclass(frozen=True, slots=True)
class Run:
    """A run that is over."""

    scenario: Scenario
    history: History
    verdict: Verdict


def simulate(seed: int) -> Run:
    """Run what the seed decides, and judge it."""
    return play(seeded(seed))


def play(dice: Dice, most_tasks: int = MOST_TASKS, *, until_violation: bool = False) -> Run:
    """Run what the dice decide, and judge it.

    Args:
        dice: decide everything.
        most_tasks: the size of the input.
        until_violation: stop the run at its first violation.
    """
    scenario = draw(dice, most_tasks)
    judge = Judge(
        scenario.settings, scenario.input, scenario.lateness, exec_mode=scenario.exec_mode
    )

    def follow() -> None:
        if judge.follow(history):
            raise ViolationSeenError

    history = History(before_event=follow if until_violation else None)
    # Those that tell facts take other paths than those that do not.
    stream = FactStream() if len(scenario.input) % 2 else None
    engine = Engine(scenario.settings, exec_mode=scenario.exec_mode, facts=stream)
    fast_path = engine.fast_path if scenario.fast_path else None
    world = SimulatedWorld(scenario, dice, history, fast_path)
    problems: list[str] = []
    try:
        _play(engine, world, history)
        if stream:
            problems = problems_of(stream.follow().take(), history, engine.snapshot().done)
    except ViolationSeenError:
        pass
    except StuckError as error:
        history.log(Stuck(str(error)))
    except Exception as error:  # noqa: BLE001 (whatever it is, it is a violation)
        history.log(Crashed(f"{type(error).__name__}: {error}"))
    judge.follow(history)
    verdict = judge.verdict()
    verdict.violations.extend(Violation(history.now, Kind.FACTS, text) for text in problems)
    return Run(scenario, history, verdict)


def kinds(run: Run) -> set[Kind]:
    """Return what sorts of violations a run has."""
    return {violation.kind for violation in run.verdict.violations}


@final
class _Overheard:
    """An engine, and what it said last: no loop hands on what follows on ``Exit``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.last: list[Command] = []

    def handle(self, event: Event) -> list[Command]:
        self.last = self._engine.handle(event)
        return self.last


def _play(engine: Engine, world: SimulatedWorld, history: History) -> None:
    """Carry events and commands between the engine and the world until the run is over."""
    overheard = _Overheard(engine)
    happened: Iterable[Event] = [RunStarted(NONCE, TOKEN)]
    while pump(overheard, world, happened, history.log) is None:
        world.wait()
        happened = world.events()
    words = [type(command) for command in overheard.last]
    for command in overheard.last[words.index(Exit) + 1 :]:
        history.log(command)


def explain(run: Run, seed: int) -> str:
    """Return what is wrong with the run of a seed, what led to it, and how to see it again."""
    violations = run.verdict.violations
    lines = [f"{len(violations)} violations in the simulated run of seed {seed}"]
    if violations:
        first = violations[0].time
        until = [line for line in run.history.lines() if float(line[:10]) <= first]
        lines += ["the last entries up to the first of them:", *until[-30:]]
    lines += map(str, violations)
    lines.append(f"settings: {run.scenario.settings}, {run.scenario.exec_mode}")
    lines.append(f"to see it again: python -m tests.simulation {seed}")
    lines.append(f"to see it in a few lines: python -m tests.simulation --shrink {seed}")
    return "\n".join(lines)
