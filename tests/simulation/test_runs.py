"""Simulated runs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from paexec_trio.core.commands import Deadline, Exit, KillNode, Purpose, Report, Send
from paexec_trio.core.events import DeadlinePassed, NodeReaped
from tests.simulation.history import Broken, Healed
from tests.simulation.process import Break, Moment
from tests.simulation.run import Run, explain, simulate

GATE: list[int] = [*range(700), 727, 1081, 1098, 1327]
"""The seeds of the runs that are always tried; ``python -m tests.simulation`` tries others."""


@pytest.mark.parametrize("seed", GATE)
def test_a_run_has_no_violations(seed: int) -> None:
    run = simulate(seed)
    assert not run.verdict.violations, explain(run, seed)


TROUBLES = {
    *(f"{how.value} {when.value}" for how in Break for when in Moment),
    "NodeNotStarted",
    "NodeUnwritable",
    "OutputClosed",
    "OutputFailed",
    "StdinFailed",
    "StopRequested",
    "FinishRequested",
    "left running",
    "KillNode",
    "killed by force",
    "restart",
    "ends with status 0 though attempts failed",
    "ends with status 1",
    "all is healed",
    "several tasks are sent at once",
    "a time limit is exceeded",
    "a node is stuck",
    "a node misses beats",
    "a node never begins",
    "a login shell prints something",
    "ends with the number of failures",
    "ends with 111",
    "ends with 255",
    "a summary",
}
"""Events that the runs of the gate must contain to be of value."""


def troubles(run: Run) -> Iterator[str]:
    """Yield what happens in a run."""
    for _, item in run.history.entries:
        yield type(item).__name__
        match item:
            case Broken():
                yield item.how
            case NodeReaped(left_running=True):
                yield "left running"
            case Send(data=data) if data.count(b"\n") > 1 and b"_paexec_run()" not in data:
                yield "several tasks are sent at once"
            case KillNode(force=True):
                yield "killed by force"
            case Healed():
                yield "all is healed"
            case Exit(status=1):
                yield "ends with status 1"
            case Exit(status=111 | 255 as status, signal=0):
                yield f"ends with {status}"
            case Exit(status=status, signal=0) if 1 < status <= 101:
                yield "ends with the number of failures"
            case Report(text=text) if b"(--stuck)" in text:
                yield "a node is stuck"
            case Report(text=text) if b" heartbeat for " in text:
                yield "a node misses beats"
            case Report(text=text) if b" heartbeat within " in text:
                yield "a node never begins"
            case Report(text=text) if b" before its calculator " in text:
                yield "a login shell prints something"
            case Report(text=text) if b" failed: " in text and b" tasks: " in text:
                yield "a summary"
            case DeadlinePassed(deadline=Deadline(purpose=Purpose.TIME_LIMIT)):
                yield "a time limit is exceeded"
            case Exit(status=0, signal=0) if run.verdict.failed_attempts:
                yield "ends with status 0 though attempts failed"
    if run.verdict.restarts:
        yield "restart"


def test_everything_that_can_happen_does_happen() -> None:
    missing = set(TROUBLES)
    for seed in GATE:
        missing -= set(troubles(simulate(seed)))
        if not missing:
            return
    pytest.fail(f"in no run of the gate: {sorted(missing)}")
