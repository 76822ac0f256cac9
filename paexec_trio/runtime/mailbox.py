"""The outer ends of a run for a Python program: objects, not descriptors."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Protocol, final

from paexec_trio.core.addedtasks import AddedTasks
from paexec_trio.core.collecting import Collector
from paexec_trio.core.commands import Deliver, DrainOutput, ReadMore, TellChange
from paexec_trio.core.engine import Engine
from paexec_trio.core.events import OutputDrained
from paexec_trio.runtime.output import CONGESTED_ABOVE

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from paexec_trio.core.events import Event
    from paexec_trio.core.execmode import ExecMode
    from paexec_trio.core.objectpath import ObjectPath
    from paexec_trio.core.settings import Settings
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


def weight_of(result: _HasOctets) -> int:
    """Return for how many octets a result counts while it waits."""
    return len(result.output) + len(result.task) + _PER_RESULT


class Emitter(Protocol):
    """A queue of events."""

    def emit(self, event: Event) -> None:
        """Let an event happen in the next step."""


@final
class Mailbox:
    """The :class:`~paexec_trio.runtime.streams.Streams` of a Python program.

    It keeps the results until the program takes them. While it has too many, the run reads no
    results from nodes.

    Args:
        stderr: the descriptor of the calculators' standard error.
        arrived: is called with each result, and may :meth:`keep` it.
        wanted: is called when the run has room for one more task.
        changed: is called with each change of a node.
        report: is called with each diagnostic.

    Attributes:
        size: the size of the results that wait, in octets.
        dropped: how many results were dropped.
        nodes: the names of all nodes, by their indices.
    """

    is_broken = False
    has_more = False
    flush_at = None
    reads_stderr = False

    def __init__(
        self,
        stderr: int,
        arrived: Callable[[Deliver], None],
        wanted: Callable[[], None],
        changed: Callable[[TellChange], None],
        report: Callable[[bytes], None],
    ) -> None:
        self.stderr = stderr
        self.queue = self
        self.size = self.dropped = 0
        self.on_room: Callable[[], object] | None = None
        self.report = report
        self.results: deque[Deliver] = deque()
        self.nodes: list[bytes] = []
        self._arrived = arrived
        self._wanted = wanted
        self._changed = changed
        self._keeps = True
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
            self.dropped += 1

    def discard(self) -> None:
        """Drop the results that wait, and all later ones."""
        self._keeps = False
        while self.results:
            self.take()
            self.dropped += 1

    # What the run does

    def make_engine(self, settings: Settings, exec_mode: ExecMode | None) -> Engine:
        """Return an engine that is given tasks one by one and delivers results."""
        self.nodes.extend(settings.nodes)
        tasks = AddedTasks(has_status=settings.graph is not None)
        engine = Engine(settings, Collector, tasks, exec_mode=exec_mode)
        self._path = engine.object_path
        return engine

    def node_added(self, name: bytes) -> None:
        """Take note of one more node."""
        self.nodes.append(name)

    def open(self) -> None:
        """Do nothing: there is no descriptor."""

    def connect(self, poller: Emitter, timers: Timers) -> tuple[Mailbox, Executors]:  # noqa: ARG002
        """Return the sink of the results, and the functions that carry out commands."""
        return self, {
            Deliver: self._arrived,
            TellChange: self._changed,
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

    def flush(self) -> None:
        """Do nothing: the program takes the results."""

    def stop_watching(self) -> None:
        """Do nothing: nothing is watched."""

    def write_rest(self, patience: float) -> Generator[float, None, None]:  # noqa: ARG002
        """Do nothing: results stay here, and diagnostics were reported."""
        yield from ()

    def close(self) -> None:
        """Do nothing: there is no descriptor."""
