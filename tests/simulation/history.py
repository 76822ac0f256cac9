"""What happened in a simulated run, and when."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple, final

from paexec_trio.core.commands import Command
from paexec_trio.core.events import Event

# Facts: what neither an event nor a command says.


@dataclass(slots=True)
class Asked:
    """A calculator has taken a task from its input."""

    pid: int
    task: bytes


@dataclass(slots=True)
class Greeted:
    """A process wrote something that no task asked for; it may shift its results."""

    pid: int


@dataclass(slots=True)
class Printed:
    """These octets went to standard output."""

    data: bytes


@dataclass(slots=True)
class Broken:
    """Something befell a process; for people who read the history."""

    pid: int
    how: str


@dataclass(slots=True)
class Healed:
    """From now on nothing breaks, and what is broken ends."""


@dataclass(slots=True)
class Stuck:
    """The run did not end: ``why``."""

    why: str


@dataclass(slots=True)
class Crashed:
    """The engine or the loop raised an exception."""

    error: str


Fact = Asked | Greeted | Printed | Broken | Healed | Stuck | Crashed
Item = Event | Command | Fact


class Entry(NamedTuple):
    """Something that happened, and the virtual time, in seconds from the start of the run."""

    time: float
    item: Item


@final
class Step(NamedTuple):
    """An event, and all that followed from it or happened before the next one."""

    time: float
    event: Event
    rest: list[Command | Fact]


@final
class History:
    """All entries of a run, in order.

    ``log`` is to be the trace of the loop: it notes events and commands.

    Args:
        entries: what has happened already.
        before_event: called before each event is added, when a step is complete.
    """

    def __init__(
        self, entries: Sequence[Entry] = (), before_event: Callable[[], None] | None = None
    ) -> None:
        self.entries = list(entries)
        self._before_event = before_event
        self.now = 0.0
        """The time of the entries to come."""

    def log(self, item: Item) -> None:
        """Add an entry."""
        if self._before_event and isinstance(item, Event):
            self._before_event()
        self.entries.append(Entry(self.now, item))

    def steps(self, first: int = 0) -> Iterator[Step]:
        """Yield the run step by step, from entry ``first`` on, which has to be an event."""
        step: Step | None = None
        for time, item in islice(self.entries, first, None):
            if isinstance(item, Event):
                if step:
                    yield step
                step = Step(time, item, [])
            else:
                assert step is not None, "a history begins with an event"
                step.rest.append(item)
        if step:
            yield step

    def lines(self) -> Iterator[str]:
        """Yield a line for each entry, for people."""
        for time, item in self.entries:
            mark = ">>" if isinstance(item, Event) else "<<" if isinstance(item, Command) else "--"
            yield f"{time:10.4f} {mark} {item!r}"

    def digest(self) -> str:
        """Return a checksum of all entries."""
        checksum = hashlib.sha256()
        for line in self.lines():
            checksum.update(line.encode() + b"\n")
        return checksum.hexdigest()
