"""The outer ends of a run for a Python program: objects, not descriptors."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Protocol, final

from paexec_trio.core.addedtasks import AddedTasks
from paexec_trio.core.collecting import Collector
from paexec_trio.core.commands import AddNode, Deliver, DrainOutput, ReadMore, TellChange
from paexec_trio.core.engine import Engine
from paexec_trio.core.events import OutputDrained
from paexec_trio.runtime.output import CONGESTED_ABOVE

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from paexec_trio.core.execmode import ExecMode
    from paexec_trio.core.facts import FactStream
    from paexec_trio.core.objectpath import ObjectPath
    from paexec_trio.core.settings import Settings
    from paexec_trio.runtime.poller import Loop
    from paexec_trio.runtime.records import Records
    from paexec_trio.runtime.streams import Executors
    from paexec_trio.runtime.timers import Timers

_PER_RESULT = 256
"""Octets that a result counts for, in addition to its output and its task."""


class _HasOctets(Protocol):
    """A result, delivered or received."""

    @property
    def task(self) -> bytes:
        """The octets of the task."""

    @property
    def output(self) -> bytes:
        """The octets that the calculator wrote."""

    @property
    def stderr(self) -> bytes:
        """Those that it wrote on its standard error."""


def weight_of(result: _HasOctets) -> int:
    """Return for how many octets a result counts while it waits."""
    return len(result.output) + len(result.stderr) + len(result.task) + _PER_RESULT


@final
class Mailbox:
    """The :class:`~paexec_trio.runtime.streams.Streams` of a Python program.

    It keeps the results until the program takes them. While it has too many, the run reads no
    results from nodes.

    Args:
        stderr: the descriptor of the calculators' standard error.
        arrived: is called with each result, and may :meth:`keep` it.
        wanted: is called when the run has room for one more task.
        changed: is called with each change of a node, and with each node that joins.
        report: is called with each diagnostic.
        records: keeps a job log, files and errors, if they are wanted.
        facts: are told what happens; ``None``: nobody wants to know.

    Attributes:
        size: the size of the results that wait, in octets.
        dropped: how many results were dropped.
        records: see the argument.
    """

    is_broken = False
    has_more = False

    def __init__(
        self,
        stderr: int,
        arrived: Callable[[Deliver], None],
        wanted: Callable[[], None],
        changed: Callable[[TellChange | AddNode], None],
        report: Callable[[bytes], None],
        records: Records | None = None,
        facts: FactStream | None = None,
    ) -> None:
        self.facts = facts
        self.stderr = stderr
        self.records = records
        self.queue = self
        self.size = self.dropped = 0
        self.on_room: Callable[[], object] | None = None
        self.report = report
        self.results: deque[Deliver] = deque()
        self._arrived = arrived
        self._wanted = wanted
        self._changed = changed
        self._keeps = True
        self._drops_wanted = False
        self._path: ObjectPath | None = None

    # What the program does

    def __len__(self) -> int:
        """Return how many results wait."""
        return len(self.results)

    def take(self) -> Deliver:
        """Remove and return the result that has waited longest."""
        result = self.results.popleft()
        self.size -= weight_of(result)
        if self.on_room and not self.is_congested:
            on_room, self.on_room = self.on_room, None
            on_room()
        return result

    def keep(self, result: Deliver) -> None:
        """Keep a result until the program takes it."""
        if self._keeps:
            self.results.append(result)
            self.size += weight_of(result)
        else:
            self._drop(result)

    def discard(self, *, are_wanted: bool) -> None:
        """Drop the results that wait, and all later ones.

        Args:
            are_wanted: whether they do not count as received all the same.
        """
        self._keeps = False
        self._drops_wanted = are_wanted
        while self.results:
            self._drop(self.take())

    def _drop(self, result: Deliver) -> None:
        self.dropped += 1
        if not self._drops_wanted:
            self.received(result)

    def received(self, result: Deliver) -> None:
        """Record that the program has a result, or wants it no more."""
        if self.records and self.records.log and result.attempts:
            self.records.log.received(result.task_id)

    # What the run does

    @property
    def reads_stderr(self) -> bool:
        """Whether the run reads what calculators write on standard error."""
        return self.records is not None and self.records.reads_stderr

    def make_engine(self, settings: Settings, exec_mode: ExecMode | None) -> Engine:
        """Return an engine that is given tasks one by one and delivers results."""
        tasks = AddedTasks(has_status=settings.graph is not None)
        log = self.records.log if self.records else None
        engine = Engine(
            settings,
            Collector,
            tasks,
            exec_mode=exec_mode,
            past=log.past if log else None,
            log_buffer=log.buffer if log else None,
            facts=self.facts,
        )
        self._path = engine.object_path
        return engine

    def open(self) -> None:
        """Do nothing: there is no descriptor."""

    def connect(self, poller: Loop, timers: Timers) -> tuple[Mailbox, Executors]:
        """Return the sink of the results, and the functions that carry out commands."""
        kept = self.records.connect(poller, timers) if self.records else {}
        return self, {
            **kept,
            Deliver: self._arrived,
            TellChange: self._changed,
            AddNode: self._changed,
            ReadMore: lambda _command: self._wanted(),
            DrainOutput: lambda _command: poller.emit(OutputDrained()),
        }

    @property
    def is_congested(self) -> bool:
        """Whether no results are read from nodes, because too many wait here."""
        return self.size > CONGESTED_ABOVE

    def append(self, result: Deliver) -> None:
        """Pass on a result from the fast path, and the room that it has made."""
        self._arrived(result)
        path = self._path
        if path and path.made_room:
            path.made_room = False
            self._wanted()

    @property
    def flush_at(self) -> float | None:
        """The time of the run at which :meth:`flush` has to be called; ``None``: at no time."""
        return self.records.flush_at if self.records else None

    def share_read(self) -> float | None:
        """Return ``None``: the program knows how many tasks there are."""
        return None

    def flush(self) -> None:
        """Write what the run keeps; the program takes the results."""
        if self.records:
            self.records.flush()

    def stop_watching(self) -> None:
        """Do nothing: nothing is watched."""

    def write_rest(self, patience: float) -> Generator[float, None, None]:
        """Write the rest of what the run keeps; results stay here."""
        if self.records:
            yield from self.records.write_rest(patience)

    def close(self) -> None:
        """Release what only the loop of the run needs."""
        if self.records:
            self.records.end_run()
