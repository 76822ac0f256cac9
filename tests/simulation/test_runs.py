"""Simulated runs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from paexec_trio.core.commands import Exit, KillNode, Send
from paexec_trio.core.events import NodeReaped
from tests.simulation.history import Broken, Healed
from tests.simulation.process import Break, Moment
from tests.simulation.run import Run, explain, simulate

GATE = range(300)
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
    "left running",
    "KillNode",
    "killed by force",
    "restart",
    "ends with status 0 though attempts failed",
    "ends with status 1",
    "all is healed",
    "several tasks are sent at once",
}
"""What has to happen in the runs of the gate, or they would not show much."""


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
