"""The loop between the engine and the world, with a world of lists."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pytest

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
from paexec_trio.runtime.drive import drive

pytestmark = pytest.mark.trio

BATCHES: list[list[Event]] = [
    [NodeStarted(0, 1), StdinChunk(b"a\n")],
    [NodeOutput(0, b"\n")],
    [StdinEnded(), NodeEnded(0)],
    [NodeReaped(0)],
    [OutputDrained()],
]


class ListedWorld:
    """Lets happen what is listed, and notes in which order everything comes."""

    def __init__(self, batches: list[list[Event]]) -> None:
        self._batches = batches
        self.log: list[Event | Command | str] = []

    async def wait(self) -> None:
        self.log.append("wait")

    def events(self) -> Iterable[Event]:
        return self._happen(self._batches.pop(0))

    def _happen(self, batch: list[Event]) -> Iterator[Event]:
        for event in batch:
            self.log.append(event)
            yield event

    def execute(self, command: Command) -> None:
        self.log.append(command)


def make_engine() -> Engine:
    return Engine(Settings(nodes=(b"0",)))


async def test_a_run_from_the_first_event_to_exit() -> None:
    world = ListedWorld(BATCHES.copy())
    assert await drive(make_engine(), world) == Exit(status=0)
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


async def test_commands_are_executed_before_the_next_event_happens() -> None:
    world = ListedWorld(BATCHES.copy())
    await drive(make_engine(), world)
    sent = world.log.index(Send(0, b"a\n"))
    assert world.log[sent - 1] == StdinChunk(b"a\n")
    assert world.log[sent + 1] == "wait"


async def test_after_exit_nothing_happens_any_more() -> None:
    batches: list[list[Event]] = [*BATCHES[:-1], [OutputDrained(), StopRequested(2)]]
    world = ListedWorld(batches)
    await drive(make_engine(), world)
    assert StopRequested(2) not in world.log


async def test_the_trace_sees_every_event_and_command_in_order() -> None:
    world = ListedWorld(BATCHES.copy())
    trace: list[Event | Command] = []
    outcome = await drive(make_engine(), world, trace.append)
    happened = [item for item in world.log if not isinstance(item, str)]
    assert trace == [RunStarted(), *happened, outcome]
