"""Carries events to the engine and its commands to a world."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

from paexec_trio.core.commands import Command, Exit
from paexec_trio.core.events import Event

Trace = Callable[[Event | Command], None]


class Decider(Protocol):
    """The source of the commands: an engine."""

    def handle(self, event: Event) -> list[Command]:
        """Return the commands that follow from an event, in order."""


class World(Protocol):
    """The target of the engine's commands."""

    def execute(self, command: Command) -> None:
        """Carry out a command, without waiting; its consequences are later events."""


def pump(
    engine: Decider, world: World, events: Iterable[Event], trace: Trace | None = None
) -> Exit | None:
    """Feed events to the engine and its commands to the world.

    The commands that follow from an event are carried out before the next event is asked for, so
    an event can happen as late as possible.

    Args:
        engine: decides.
        world: is acted on.
        events: what has happened.
        trace: called with each event and each command, for debugging.

    Returns:
        How the run ended, ``None`` if it goes on.
    """
    handle, execute = engine.handle, world.execute
    for event in events:
        if trace:
            trace(event)
        for command in handle(event):
            if trace:
                trace(command)
            if type(command) is Exit:
                return command
            execute(command)
    return None
