"""The facts that the engine tells of a run."""

from __future__ import annotations

from typing import Any

from paexec_trio.core import events as on
from paexec_trio.core.accounting import Accounting, LogSettings
from paexec_trio.core.commands import Deadline, Purpose
from paexec_trio.core.ending import Phase
from paexec_trio.core.engine import Engine
from paexec_trio.core.facts import (
    AttemptAnswered,
    AttemptBegan,
    AttemptFailed,
    Backpressure,
    Fact,
    FactStream,
    Fate,
    LifeBegan,
    LifeEnded,
    NodeLost,
    PhaseChanged,
    StartFailed,
)
from paexec_trio.core.settings import GraphSettings, Reassign, Settings
from tests.core.playbook import names


class World:
    """An engine that tells facts. Each event happens a second after the one before."""

    def __init__(self, nodes: int = 1, **options: Any) -> None:
        self.stream = FactStream()
        settings = Settings(nodes=names(nodes), **options)
        self.engine = Engine(settings, facts=self.stream)
        self.reader = self.stream.follow()
        self.now = 99.0
        self.happens(on.RunStarted())

    def happens(self, *events: on.Event) -> list[Fact]:
        """Let events happen; return the facts that follow."""
        for event in events:
            self.now += 1.0
            self.engine.tell_time(self.now)
            self.engine.handle(event)
        return self.reader.take()


def test_a_run_from_its_beginning_to_its_end() -> None:
    world = World()
    assert world.happens(on.NodeStarted(0, 7)) == [LifeBegan(1.0, 0, 7, 1)]
    assert world.stream.nodes == (b"n0",)
    assert world.happens(on.StdinChunk(b"a\nb\n")) == [AttemptBegan(2.0, 0, 1, b"a", 1)]
    assert world.happens(on.NodeOutput(0, b"x\n")) == []
    assert world.happens(on.NodeOutput(0, b"\n")) == [
        AttemptAnswered(4.0, 0, 1, b"a", 1, 2.0, True, 0, ()),
        AttemptBegan(4.0, 0, 2, b"b", 1),
    ]
    assert world.happens(on.StdinEnded(), on.NodeOutput(0, b"\n")) == [
        AttemptAnswered(6.0, 0, 2, b"b", 1, 2.0, True, 0, ()),
        PhaseChanged(6.0, Phase.FINISHING),
    ]
    assert world.happens(on.NodeEnded(0, exited=True), on.NodeReaped(0, status=0)) == [
        LifeEnded(8.0, 0, b"exit status 0"),
        PhaseChanged(8.0, Phase.DRAINING),
    ]
    assert world.happens(on.OutputDrained()) == [PhaseChanged(9.0, Phase.OVER)]


def test_the_fast_path_tells_the_same() -> None:
    world = World()
    world.happens(on.NodeStarted(0, 7), on.StdinChunk(b"a\nb\nc\n"))
    assert world.engine.fast_path
    world.engine.tell_time(world.now + 1.0)
    assert world.engine.fast_path(0, b"x\n\n") == (b"x\n", b"b\n")
    assert world.reader.take() == [
        AttemptAnswered(3.0, 0, 1, b"a", 1, 1.0, True, 0, ()),
        AttemptBegan(3.0, 0, 2, b"b", 1),
    ]


def test_the_job_log_is_told_of_the_fast_path_too() -> None:
    world = World(accounting=Accounting(log=LogSettings(b"log")))
    world.happens(on.NodeStarted(0, 7), on.StdinChunk(b"a\nb\nc\n"))
    recorder = world.engine._outlet._inner  # type: ignore[attr-defined]  # noqa: SLF001
    assert world.engine.fast_path
    assert world.engine.fast_path(0, b"x\n\n") == (b"x\n", b"b\n")
    assert len(recorder._buffer.ends) == 1  # noqa: SLF001


def test_a_queue_begins_when_its_task_is_the_first() -> None:
    world = World(prefetch=2)
    assert world.happens(on.NodeStarted(0, 7), on.StdinChunk(b"a\nb\n"))[1:] == [
        AttemptBegan(2.0, 0, 1, b"a", 1)
    ]
    assert world.happens(on.NodeOutput(0, b"\n\n")) == [
        AttemptAnswered(3.0, 0, 1, b"a", 1, 1.0, True, 0, ()),
        AttemptBegan(3.0, 0, 2, b"b", 1),
        AttemptAnswered(3.0, 0, 2, b"b", 1, 0.0, True, 0, ()),
    ]


def test_a_failed_task_and_its_dependants() -> None:
    world = World(graph=GraphSettings())
    world.happens(on.StdinChunk(b"a b\n"), on.StdinEnded(), on.NodeStarted(0, 7))
    answered, *_ = world.happens(on.NodeOutput(0, b"failure\n\n"))
    assert answered == AttemptAnswered(4.0, 0, 1, b"a", 1, 1.0, False, 0, (b"b",))


def test_an_attempt_that_another_one_follows() -> None:
    world = World(2, on_death=Reassign(restart_after=5.0))
    world.happens(on.NodeStarted(0, 7), on.NodeStarted(1, 8), on.StdinChunk(b"a\n"))
    assert world.happens(on.NodeEnded(0, exited=True)) == [
        NodeLost(4.0, 0),
        AttemptFailed(4.0, 0, 1, b"a", 1, 1.0, b"node lost", Fate.RETRIED, ()),
        AttemptBegan(4.0, 1, 1, b"a", 2),
    ]
    assert world.happens(on.NodeOutput(1, b"\n")) == [
        AttemptAnswered(5.0, 1, 1, b"a", 2, 1.0, True, 0, ())
    ]
    world.happens(on.NodeReaped(0, status=-9))
    restart = on.DeadlinePassed(Deadline(Purpose.RESTART))
    assert world.happens(restart, on.NodeStarted(0, 9)) == [LifeBegan(8.0, 0, 9, 2)]


def test_an_attempt_that_no_other_one_follows() -> None:
    rules = Accounting(crash_limit=1)
    world = World(1, on_death=Reassign(restart_after=5.0), accounting=rules)
    world.happens(on.NodeStarted(0, 7), on.StdinChunk(b"a\n"))
    assert world.happens(on.NodeEnded(0, exited=True)) == [
        NodeLost(3.0, 0),
        AttemptFailed(3.0, 0, 1, b"a", 1, 1.0, b"node lost", Fate.FAILED, ()),
    ]


def test_attempts_that_end_with_the_run() -> None:
    """The one by the loss of its node, the other one because of that."""
    world = World(2)
    world.happens(on.NodeStarted(0, 7), on.NodeStarted(1, 8), on.StdinChunk(b"a\nb\n"))
    assert world.happens(on.NodeEnded(0, exited=True)) == [
        NodeLost(4.0, 0),
        PhaseChanged(4.0, Phase.STOPPING),
    ]
    assert world.happens(on.NodeReaped(0, status=1)) == [
        AttemptFailed(5.0, 0, 1, b"a", 1, 2.0, b"node lost", Fate.GIVEN_UP, ()),
        LifeEnded(5.0, 0, b"exit status 1"),
    ]
    assert world.happens(on.NodeEnded(1, exited=True), on.NodeReaped(1, status=1))[:2] == [
        AttemptFailed(7.0, 1, 2, b"b", 1, 4.0, b"not finished", Fate.GIVEN_UP, ()),
        LifeEnded(7.0, 1, b"exit status 1"),
    ]


def test_a_node_that_is_not_started() -> None:
    world = World(on_death=Reassign())
    assert world.happens(on.NodeNotStarted(0, b"reason"))[0] == StartFailed(1.0, 0, b"reason")


# Streams and readers


def fact(at: float) -> Fact:
    return Backpressure(at, is_on=True)


def test_readers_have_facts_of_their_own() -> None:
    stream = FactStream()
    stream.tell(fact(1))
    one = stream.follow()
    stream.tell(fact(2))
    assert len(one) == 2
    assert one.take() == [fact(1), fact(2)]
    assert one.take() == []
    stream.forget_history()
    other = stream.follow()
    stream.tell(fact(3))
    assert other.take() == one.take() == [fact(3)]
    stream.leave(one)
    stream.tell(fact(4))
    assert (len(one), len(other)) == (0, 1)


def test_a_reader_is_told_once_that_facts_have_come() -> None:
    stream = FactStream()
    reader = stream.follow()
    told: list[int] = []
    reader.on_fact = lambda: told.append(len(reader))
    stream.tell(fact(1))
    stream.tell(fact(2))
    assert told == [1]


def test_backpressure_has_the_time_of_the_stream() -> None:
    stream = FactStream()
    stream.at = 4.0
    stream.tell_backpressure(is_on=False)
    assert stream.follow().take() == [Backpressure(4.0, is_on=False)]
