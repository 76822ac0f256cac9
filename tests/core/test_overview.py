"""Overviews of a run, for people."""

from __future__ import annotations

from typing import Any

import pytest

from paexec_trio.core import events as on
from paexec_trio.core.accounting import Accounting, Summing
from paexec_trio.core.commands import Exit, Report, Send
from paexec_trio.core.engine import Engine
from paexec_trio.core.execmode import ExecMode
from paexec_trio.core.overview import PipeTimes, duration, overview_of
from paexec_trio.core.settings import GraphSettings, Reassign, Settings
from tests.core.playbook import names


def engine_of(nodes: int, *events: on.Event, **options: Any) -> Engine:
    engine = Engine(Settings(names(nodes), **options))
    for event in (on.RunStarted(), *events):
        engine.handle(event)
    return engine


def started(nodes: int) -> list[on.Event]:
    return [on.NodeStarted(node, 100 + node) for node in range(nodes)]


def overview(engine: Engine, times: PipeTimes | None = None) -> list[bytes]:
    return list(overview_of(engine, lambda _: times))


def test_before_anything_has_started() -> None:
    assert overview(engine_of(2)) == [
        b"0 done, 0 running, the input is open",
        b"node n0: is being started; 0 done",
        b"node n1: not started yet; 0 done",
    ]


def test_nodes_and_what_waits() -> None:
    tasks = on.StdinChunk(b"a\n\033\nc\nd\n")
    engine = engine_of(2, *started(2), tasks, on.NodeOutput(0, b"\n"))
    assert overview(engine, PipeTimes(2.0, 9.0, 1.5, True)) == [
        b"1 done, 2 running, 1 waiting for a node, the input is open",
        b"node n0: task 3 'c' for 2.0 s, silent for 1.5 s; 1 done; process 100",
        b"node n1: task 2 '\\033' for 2.0 s, silent for 1.5 s; 0 done; process 101",
    ]
    engine.handle(on.StdinEnded())
    engine.handle(on.NodeOutput(0, b"\n"))
    engine.handle(on.NodeOutput(0, b"\n"))
    assert overview(engine) == [
        b"3 done, 1 running",
        b"node n0: its input is closed, has not ended yet; 3 done; process 100",
        b"node n1: task 2 '\\033'; 0 done; process 101",
    ]


def test_a_task_that_was_not_read() -> None:
    engine = engine_of(1, *started(1), on.StdinChunk(b"a\n"))
    _, node = overview(engine, PipeTimes(70.0, 99.0, 99.0, False))
    assert node == b"node n0: task 1 'a' for 1 min 10 s, which it has not read; 0 done; process 100"


def test_queued_tasks() -> None:
    engine = engine_of(1, *started(1), on.StdinChunk(b"a\nb\nc\n"), prefetch=2)
    total, node = overview(engine, PipeTimes(5.0, 3.0, 4.0, False))
    assert total == b"0 done, 1 running, 1 queued at nodes, 1 waiting for a node, the input is open"
    assert node == (
        b"node n0: task 1 'a' for at least 3.0 s, silent for 4.0 s; 1 more queued; 0 done;"
        b" process 100"
    )


def test_dead_nodes_and_other_attempts() -> None:
    rules = {"on_death": Reassign(restart_after=1.0, wait=True), "graph": GraphSettings()}
    tasks = on.StdinChunk(b"a b\nc\n"), on.StdinEnded()
    engine = engine_of(1, *tasks, *started(1), on.NodeOutput(0, b"success\n\n"), **rules)
    engine.handle(on.NodeEnded(0, exited=True))
    total, node = overview(engine)
    assert total == b"1 done, 0 running, 1 waiting for a node, 1 waiting for another attempt"
    assert node == b"node n0: its processes are being ended; 1 done; died 1 times; process 100"
    engine.handle(on.NodeReaped(0, status=1))
    assert overview(engine)[1] == b"node n0: dead; 1 done; died 1 times"


def test_tasks_that_wait_for_others_and_failures() -> None:
    tasks = on.StdinChunk(b"a b\nc\nd\n"), on.StdinEnded()
    engine = engine_of(1, *tasks, *started(1), graph=GraphSettings())
    assert overview(engine)[0] == (
        b"0 done, 1 running, 2 waiting for a node, 1 waiting for other tasks"
    )
    engine.handle(on.NodeOutput(0, b"failure\n\n"))
    assert overview(engine)[0] == b"1 done, 1 failed, 1 running, 1 waiting for a node"


def test_results_that_nothing_tells_apart_are_counted_too() -> None:
    """The results of queued tasks are taken together."""
    engine = engine_of(1, *started(1), on.StdinChunk(b"a\nb\nc\nd\n"), prefetch=4)
    engine.handle(on.NodeOutput(0, b"\n\n\n\n"))
    assert overview(engine)[1] == b"node n0: idle; 4 done; process 100"


@pytest.mark.parametrize(
    ("events", "text"),
    [
        ([on.StdinEnded()], b"all tasks are done, waiting for calculators to end"),
        ([on.StopRequested(15)], b"being stopped"),
    ],
)
def test_the_phases_of_a_run(events: list[on.Event], text: bytes) -> None:
    assert overview(engine_of(1, *started(1), *events))[0] == b"0 done, 0 running, " + text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, b"0.0 s"), (59.9, b"59.9 s"), (60, b"1 min 00 s"), (3600 * 30, b"30 h 00 min")],
)
def test_durations(seconds: float, text: bytes) -> None:
    assert duration(seconds) == text


# An early end


def reports(commands: list[Any]) -> list[bytes]:
    return [command.text for command in commands if isinstance(command, Report)]


def test_no_more_tasks_after_a_request() -> None:
    rules = Accounting(summing=Summing.FAILURES)
    engine = engine_of(1, *started(1), on.StdinChunk(b"a\nb\nc\n"), accounting=rules)
    (said,) = reports(engine.handle(on.FinishRequested()))
    assert said == (
        b"paexec-trio: no more tasks are started; left: 2 that were read, the rest of the input"
    )
    assert engine.handle(on.FinishRequested()) == []
    commands = engine.handle(on.NodeOutput(0, b"\n"))
    assert not any(isinstance(command, Send) for command in commands)
    assert not engine.takes_tasks
    engine.handle(on.NodeEnded(0, exited=True))
    engine.handle(on.NodeReaped(0, status=0))
    *_, summary, end = engine.handle(on.OutputDrained())
    assert end == Exit(status=1)
    assert reports([summary])[0].startswith(b"paexec-trio: 3 tasks: 2 never ran: 2 'b'")


def test_the_status_of_tasks_after_a_request() -> None:
    rules = Accounting(status_of_tasks=True)
    engine = engine_of(1, *started(1), on.StdinChunk(b"a\nb\n"), accounting=rules)
    for event in (
        on.FinishRequested(),
        on.NodeOutput(0, b"\n"),
        on.NodeEnded(0, exited=True),
        on.NodeReaped(0, status=0),
    ):
        engine.handle(event)
    assert engine.handle(on.OutputDrained())[-1] == Exit(status=111)


def test_a_request_when_nothing_is_left() -> None:
    engine = engine_of(1, *started(1), on.StdinChunk(b"a\n"), on.StdinEnded())
    assert engine.handle(on.FinishRequested()) == []


def test_a_request_before_a_graph_was_read() -> None:
    engine = engine_of(1, on.StdinChunk(b"a b\n"), graph=GraphSettings())
    commands = engine.handle(on.FinishRequested())
    assert reports(commands)[0].endswith(b"left: the rest of the input")
    assert Exit(status=1) in [*commands, *engine.handle(on.OutputDrained())]


def test_a_request_with_commands_for_tasks() -> None:
    engine = Engine(Settings(names(1)), exec_mode=ExecMode(b'command "$1"'))
    for event in (on.RunStarted(b"N"), *started(1), on.StdinChunk(b"a\nb\n")):
        engine.handle(event)
    assert reports(engine.handle(on.FinishRequested()))
