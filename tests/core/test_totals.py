"""The counts of a snapshot when a run ends before its tasks are done."""

from __future__ import annotations

from signal import SIGTERM

import pytest

from paexec_trio.core import events as on
from paexec_trio.core.engine import Engine
from paexec_trio.core.events import Event
from paexec_trio.core.settings import GraphSettings, Reassign, Settings
from tests.core.playbook import names

FLAT = {"terminator": b"\n"}
GRAPH = {"graph": GraphSettings()}
REASSIGN = {"on_death": Reassign()}


def engine_after(*events: Event, **options: object) -> Engine:
    """Return an engine of two nodes, with six tasks, that was told of these events."""
    tasks = b"a\nb\nc\nd\ne\nf\n"
    if options.get("terminator") == b"\0":
        tasks = b"a\0b\0c\0d\nd\0e\0f\0"
    engine = Engine(Settings(nodes=names(2), **options))  # type: ignore[arg-type]
    chunks = on.StdinChunk(tasks), on.StdinEnded()
    nodes = on.NodeStarted(0, 1000), on.NodeStarted(1, 1001)
    begin = (*chunks, *nodes) if "graph" in options else (*nodes, *chunks)
    for event in (on.RunStarted(), *begin, *events):
        engine.handle(event)
    return engine


def ends(*nodes: int) -> list[Event]:
    return [event for node in nodes for event in (on.NodeEnded(node), on.NodeReaped(node))]


ANSWERS = on.NodeOutput(0, b"success\n\n"), on.NodeOutput(1, b"failure\n\n")


@pytest.mark.parametrize("options", [FLAT, GRAPH, REASSIGN, GRAPH | REASSIGN, {"prefetch": 3}])
@pytest.mark.parametrize("left", [(), (0,), (1, 0)])
def test_a_stop(options: dict[str, object], left: tuple[int, ...]) -> None:
    """Tasks that nodes held, or that were waiting, are not done."""
    engine = engine_after(*ANSWERS, on.StopRequested(SIGTERM), *ends(*left), **options)
    now = engine.snapshot()
    assert (now.done, now.failed) == (2, int("graph" in options))


@pytest.mark.parametrize("options", [FLAT, GRAPH, {"prefetch": 3}])
def test_a_loss(options: dict[str, object]) -> None:
    now = engine_after(*ANSWERS, *ends(0), **options).snapshot()
    assert now.done == 2
    now = engine_after(*ANSWERS, *ends(0, 1), **options).snapshot()
    assert now.done == 2
    assert now.in_flight == 0


@pytest.mark.parametrize("options", [REASSIGN, GRAPH | REASSIGN, REASSIGN | {"prefetch": 3}])
def test_a_loss_that_is_made_good(options: dict[str, object]) -> None:
    now = engine_after(*ANSWERS, on.NodeEnded(0), **options).snapshot()
    assert now.done == 2
    now = engine_after(*ANSWERS, *ends(0, 1), **options).snapshot()
    assert now.done == 2


@pytest.mark.parametrize("tasks", [b"a b\nb a\n", b"a\n1 2 3\n"], ids=["cycle", "bad line"])
def test_a_graph_that_cannot_be_done(tasks: bytes) -> None:
    engine = Engine(Settings(nodes=names(1), **GRAPH))  # type: ignore[arg-type]
    for event in (on.RunStarted(), on.StdinChunk(tasks)):
        engine.handle(event)
    if b"3" not in tasks:
        engine.handle(on.StdinEnded())
    assert engine.snapshot().done == 0


def test_a_refused_task() -> None:
    """It is the fourth; two before it are done, and one is being done."""
    engine = engine_after(on.NodeOutput(0, b"\n"), on.NodeOutput(1, b"\n"), terminator=b"\0")
    now = engine.snapshot()
    assert (now.done, now.in_flight, now.waiting) == (2, 1, 0)
