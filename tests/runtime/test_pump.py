"""The traffic between the engine and the world, with a world of lists."""

from __future__ import annotations

from collections.abc import Iterator

from paexec_trio.core.commands import (
    CloseStdin,
    Command,
    DrainOutput,
    Exit,
    ReadMore,
    Send,
    SetDeadline,
    StartNode,
)
from paexec_trio.core.engine import Engine
from paexec_trio.core.events import (
    Event,
    NodeEnded,
    NodeOutput,
    NodeReaped,
    NodeStarted,
    OutputDrained,
    RunStarted,
    StdinChunk,
    StdinEnded,
    StopRequested,
)
from paexec_trio.core.settings import Settings
from paexec_trio.runtime.pump import Trace, pump

BATCHES: list[list[Event]] = [
    [NodeStarted(0, 1), StdinChunk(b"a\n")],
    [NodeOutput(0, b"\n")],
    [StdinEnded(), NodeEnded(0)],
    [NodeReaped(0)],
    [OutputDrained()],
]


class ListedWorld:
    """Lets happen what is listed, and notes in which order everything comes."""

    def __init__(self) -> None:
        self.log: list[Event | Command] = []

    def let_happen(self, batch: list[Event]) -> Iterator[Event]:
        for event in batch:
            self.log.append(event)
            yield event

    def execute(self, command: Command) -> None:
        self.log.append(command)


def play(
    world: ListedWorld, batches: list[list[Event]], trace: Trace | None = None
) -> list[Exit | None]:
    """Let a run with one node have these batches of events; return what comes of each."""
    engine = Engine(Settings(nodes=(b"0",)))
    start: list[Event] = [RunStarted()]
    return [pump(engine, world, world.let_happen(batch), trace) for batch in (start, *batches)]


def test_a_run_from_the_first_event_to_exit() -> None:
    world = ListedWorld()
    assert play(world, BATCHES) == [*[None] * len(BATCHES), Exit(status=0)]
    commands = [item for item in world.log if isinstance(item, Command)]
    assert [type(command) for command in commands] == [
        StartNode,
        ReadMore,
        Send,
        ReadMore,
        CloseStdin,
        SetDeadline,
        DrainOutput,
    ]


def test_commands_are_executed_before_the_next_event_happens() -> None:
    world = ListedWorld()
    play(world, [[NodeStarted(0, 1), StdinChunk(b"a\n"), NodeOutput(0, b"\n")]])
    sent = world.log.index(Send(0, b"a\n"))
    assert world.log[sent - 1] == StdinChunk(b"a\n")
    assert world.log.index(NodeOutput(0, b"\n")) > sent


def test_after_exit_nothing_happens_any_more() -> None:
    world = ListedWorld()
    play(world, [*BATCHES[:-1], [OutputDrained(), StopRequested(2)]])
    assert StopRequested(2) not in world.log


def test_the_trace_sees_every_event_and_command_in_order() -> None:
    world = ListedWorld()
    trace: list[Event | Command] = []
    outcome = play(world, BATCHES, trace.append)[-1]
    assert trace == [*world.log, outcome]
