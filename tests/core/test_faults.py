"""Faults: each way in which a run fails names the party at fault, the reason, and the node."""

from __future__ import annotations

from typing import Any

import pytest

from paexec_trio.core import events as on
from paexec_trio.core.engine import Engine
from paexec_trio.core.execmode import ExecMode
from paexec_trio.core.faults import Blame, Fault
from paexec_trio.core.settings import GraphSettings, Reassign, Settings
from tests.core.playbook import FIRST_PID, GREETING, names

GRAPH = GraphSettings(every_line=True)
BUSY: list[on.Event] = [
    on.RunStarted(b"nonce"),
    on.NodeStarted(0, FIRST_PID),
    on.StdinChunk(b"a\n"),
]
ENDED: list[on.Event] = [on.NodeEnded(0), on.NodeReaped(0, status=-9)]
OUT_OF_STEP = (
    b"node n0 wrote outside of a task: 'hi\\n'; its results can no longer be matched to "
    b"tasks " + GREETING
)


def fault_after(
    *events: on.Event, exec_mode: ExecMode | None = None, **options: Any
) -> Fault | None:
    engine = Engine(Settings(names(1), **options), exec_mode=exec_mode)
    for event in events:
        engine.handle(event)
    return engine.fault


@pytest.mark.parametrize(
    ("events", "options", "blame", "reason", "node"),
    [
        (
            [on.RunStarted(), on.NodeNotStarted(0, b"why")],
            {},
            Blame.NODES,
            b"paexec-trio: why",
            -1,
        ),
        (
            [*BUSY, *ENDED],
            {},
            Blame.NODES,
            b"Node n0 exited unexpectedly: signal 9",
            0,
        ),
        (
            [*BUSY[:2], *ENDED, BUSY[2]],
            {},
            Blame.NODES,
            b"Node n0 exited unexpectedly: signal 9",
            0,
        ),
        (
            [*BUSY, on.NodeUnwritable(0, b"Broken pipe", 2)],
            {},
            Blame.NODES,
            b"paexec-trio: Sending task to the node failed: Broken pipe",
            0,
        ),
        ([*BUSY, *ENDED], {"on_death": Reassign()}, Blame.NODES, b"all nodes failed", -1),
        (
            [on.RunStarted(), on.NodeNotStarted(0, b"why", permanent=True), BUSY[2]],
            {"on_death": Reassign(restart_after=1.0, wait=True)},
            Blame.NODES,
            b"all nodes failed: none of them can be started",
            -1,
        ),
        (
            [*BUSY[:2], on.DrainRequested(0), BUSY[2]],
            {},
            Blame.NODES,
            b"all nodes were drained",
            -1,
        ),
        (
            [*BUSY, on.NodeOutput(0, b"12345\n")],
            {"line_limit": 4},
            Blame.CALCULATOR,
            b"paexec-trio: node n0 wrote a line of more than 4 octets (--line-limit)",
            0,
        ),
        ([*BUSY[:2], on.NodeOutput(0, b"hi\n")], {}, Blame.CALCULATOR, OUT_OF_STEP, -1),
        (
            [*BUSY, on.NodeOutput(0, b"\n"), on.NodeOutput(0, b"hi\n")],
            {"on_death": Reassign(restart_after=1.0)},
            Blame.CALCULATOR,
            OUT_OF_STEP,
            -1,
        ),
        (
            [on.RunStarted(), on.StdinFailed(b"why")],
            {"graph": GraphSettings()},
            Blame.CALLER,
            b"paexec-trio: reading from standard input failed: why",
            -1,
        ),
        (
            [*BUSY, on.NodeOutput(0, b"neither\n\n")],
            {"graph": GRAPH},
            Blame.CALCULATOR,
            b"paexec-trio: task 1 'a' ended without a status; dependants dropped: 0",
            -1,
        ),
    ],
)
def test_a_fault_names_the_party_the_reason_and_the_node(
    events: list[on.Event], options: dict[str, Any], blame: Blame, reason: bytes, node: int
) -> None:
    assert fault_after(*events, **options) == Fault(blame, reason, node)


def test_a_command_that_no_shell_can_parse_is_the_fault_of_the_caller() -> None:
    refused = on.NodeOutput(0, b"\nnonce-refused\n")
    fault = fault_after(*BUSY, refused, exec_mode=ExecMode(b"("))
    reason = b"paexec-trio: the shell of node n0 cannot parse the command"
    assert fault == Fault(Blame.CALLER, reason)


def test_the_first_fault_counts() -> None:
    fault = fault_after(
        *BUSY,
        on.NodeOutput(0, b"12345\n"),
        on.NodeEnded(0),
        on.NodeReaped(0, status=1),
        line_limit=4,
    )
    assert fault
    assert fault.blame is Blame.CALCULATOR
    assert fault.reason.endswith(b"(--line-limit): exit status 1")


def test_a_run_that_goes_on_or_was_stopped_has_no_fault() -> None:
    assert fault_after(*BUSY, on.NodeOutput(0, b"\n")) is None
    assert fault_after(*BUSY, on.StopRequested(15), *ENDED) is None
    assert fault_after(*BUSY, on.OutputClosed(), *ENDED) is None
