"""Scripted runs of the engine: events in, expected commands out."""

from __future__ import annotations

from difflib import ndiff
from typing import Self, final

from paexec_trio.core.commands import (
    Command,
    Deadline,
    Hold,
    Purpose,
    ReadMore,
    Report,
    SetDeadline,
    StartNode,
    Write,
)
from paexec_trio.core.engine import Engine
from paexec_trio.core.events import Event, NodeStarted, RunStarted
from paexec_trio.core.grouping import Grouping
from paexec_trio.core.outlets import OutletMaker
from paexec_trio.core.printing import Printer
from paexec_trio.core.settings import GRACES, Reassign, Settings

FIRST_PID = 1000
"""The process id of node 0 of :func:`started`; the other nodes have the numbers after it."""

GREETING = b"(often a login shell prints a greeting)"
"""Ends diagnostics about nodes whose results cannot be trusted."""


@final
class Playbook:
    """A script of events (``>>``) and the commands that have to follow from each (``<<``).

    ``assert playbook`` plays what is new in the script and fails with a diff if the engine did
    something else. Commands have to come in the order of the script; only how output is cut into
    consecutive ``Write`` commands, or ``Hold`` commands of a group, is free.

    The script is wrong if nobody ever asserts it; the fixture ``no_playbook_is_forgotten`` sees
    to that.
    """

    unchecked: list[Playbook] = []  # noqa: RUF012 (shared on purpose: the fixture reads it)

    def __init__(self, settings: Settings, outlet: OutletMaker = Printer) -> None:
        self.engine = Engine(settings, outlet)
        self._script: list[Event | Command] = []
        self._played: list[Event | Command] = []
        self._next = 0

    def __rshift__(self, event: Event) -> Self:
        """Add an event that happens."""
        self._add(event)
        return self

    def __lshift__(self, command: Command) -> Self:
        """Add a command that the engine has to give."""
        if not self._script:
            raise ValueError("a playbook begins with an event")
        self._add(command)
        return self

    def __bool__(self) -> bool:
        """Play the script; raise an ``AssertionError`` with a diff if the engine deviates."""
        if self in Playbook.unchecked:
            Playbook.unchecked.remove(self)
        while self._next < len(self._script):
            item = self._script[self._next]
            self._next += 1
            if isinstance(item, Command):
                continue
            self._played.append(item)
            self._played += self.engine.handle(item)
        expected = _lines(self._script)
        actual = _lines(self._played)
        if expected != actual:
            diff = "\n".join(ndiff(expected, actual))
            raise AssertionError(f"the engine deviates from the playbook (-: script):\n{diff}")
        return True

    def _add(self, item: Event | Command) -> None:
        if self not in Playbook.unchecked:
            Playbook.unchecked.append(self)
        self._script.append(item)


def _lines(script: list[Event | Command]) -> list[str]:
    merged: list[Event | Command] = []
    for item in script:
        before = merged[-1] if merged else None
        if isinstance(item, Write) and isinstance(before, Write):
            merged[-1] = Write(before.data + item.data)
        elif isinstance(item, Write):
            merged.append(Write(bytes(item.data)))
        elif isinstance(item, Hold) and isinstance(before, Hold) and before.group == item.group:
            merged[-1] = Hold(item.group, before.data + item.data)
        elif isinstance(item, Hold):
            merged.append(Hold(item.group, bytes(item.data)))
        else:
            merged.append(item)
    return [f"{'<<' if isinstance(item, Command) else '>>'} {item!r}" for item in merged]


def names(count: int) -> tuple[bytes, ...]:
    """Return the names of so many nodes: ``n0``, ``n1``, and so on."""
    return tuple(b"n%d" % index for index in range(count))


def started(nodes: int = 1, **options: bytes | bool | float | Grouping | Reassign) -> Playbook:
    """Return a playbook whose nodes run already, with a ``ReadMore`` outstanding.

    The options are those of :class:`~paexec_trio.core.settings.Settings`.
    """
    settings = Settings(nodes=names(nodes), **options)  # type: ignore[arg-type]
    playbook = Playbook(settings) >> RunStarted() << StartNode(0) << ReadMore()
    for index in range(nodes):
        playbook >> NodeStarted(index, FIRST_PID + index)
        if index + 1 < nodes:
            playbook << StartNode(index + 1)
    return playbook


def burial(node: int) -> SetDeadline:
    """Return the deadline of a dead node: what is left of it then is signalled, or left."""
    return SetDeadline(Deadline(Purpose.REAP, node), GRACES.term)


def out_of_step(octets: bytes, node: bytes = b"n0") -> Report:
    """Return the diagnostic of RES-030."""
    return Report(
        b"paexec-trio: node %b wrote outside of a task: '%b'; its results can no longer be "
        b"matched to tasks %b" % (node, octets, GREETING)
    )
