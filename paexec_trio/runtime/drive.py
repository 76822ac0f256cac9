"""The loop between the engine and the world."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

from paexec_trio.core.commands import Command, Exit
from paexec_trio.core.engine import Engine
from paexec_trio.core.events import Event, RunStarted


class World(Protocol):
    """What the engine's commands act on and its events come from."""

    async def wait(self) -> None:
        """Return when something has happened."""

    def events(self) -> Iterable[Event]:
        """Yield what has happened, each event as late as possible.

        The commands that follow from an event are executed before the next one is asked for.
        """

    def execute(self, command: Command) -> None:
        """Carry out a command, without blocking; what comes of it are later events."""


Trace = Callable[[Event | Command], None]


async def drive(
    engine: Engine, world: World, trace: Trace | None = None, nonce: bytes = b""
) -> Exit:
    """Feed the world's events to the engine and its commands to the world, until the run is over.

    Args:
        engine: decides.
        world: is acted on.
        trace: called with each event and each command, for debugging.
        nonce: for ``RunStarted``.
    """
    happened: Iterable[Event] = [RunStarted(nonce)]
    while True:
        for event in happened:
            if trace:
                trace(event)
            for command in engine.handle(event):
                if trace:
                    trace(command)
                if type(command) is Exit:
                    return command
                world.execute(command)
        await world.wait()
        happened = world.events()
