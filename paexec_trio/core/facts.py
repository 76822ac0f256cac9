"""Facts: what happens in a run, as small objects for readers beside it.

A run tells facts only if it is given a :class:`FactStream`. Without one nothing is made, and the
fast path does not ask. With one, each task costs two facts: 1.5 to 2 microseconds. A program that
uses the API loses its fast path as well, which doubles the processor time of a task.

To write a reader, write a :class:`~paexec_trio.services.Service`: an async function or an object
that is called with the :class:`~paexec_trio.services.Facts` of the run::

    async def trace(facts, /, *, task_status=trio.TASK_STATUS_IGNORED):
        channel = facts.follow()      # before the first await: all facts from the beginning
        task_status.started()
        try:
            async for batch in channel:             # a list of facts, in their order
                write(batch)
        finally:
            write(channel.take())     # the last ones: the run is over, and cancels its services

The program that starts such a service gives the run a stream: ``Run(..., facts=FactStream())`` and
``serve(run, services=[trace])``, or ``open_distributor(..., facts=True)``. If the run is over
before trio was loaded, no service has run; ``stream.follow().take()`` then has all facts.

A reader gets its turn every few milliseconds, and facts wait for it without limit. So it must not
wait for others, such as a slow client: it drops what they do not take.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, NamedTuple, final

if TYPE_CHECKING:
    from collections.abc import Callable

    from paexec_trio.core.ending import Phase


@final
class AttemptBegan(NamedTuple):
    """A calculator works on a task from now on. A task that is queued at its node does not count.

    Attributes:
        at: the time in seconds since the run began; a stop by SIGTSTP does not count.
        node: the index of the node; ``FactStream.nodes`` has the names.
        task_id: the number of the task.
        task: its octets.
        attempt: the number of the attempt, from 1; as in the job log.
    """

    at: float
    node: int
    task_id: int
    task: bytes
    attempt: int


@final
class AttemptAnswered(NamedTuple):
    """A task is done: its result is complete.

    Attributes:
        at, node, task_id, task, attempt: as those of :class:`AttemptBegan`.
        seconds: how long the calculator worked on it.
        succeeded: whether its status, or the exit status of its command, says so; without both
            every task that is done has succeeded.
        exit_status: that of the command, if one is run per task; otherwise 0.
        dropped: the dependants that are not run because it did not succeed.
    """

    at: float
    node: int
    task_id: int
    task: bytes
    attempt: int
    seconds: float
    succeeded: bool
    exit_status: int
    dropped: tuple[bytes, ...]


class Fate(Enum):
    """The end or the future of a task after an attempt that failed."""

    RETRIED = "retried"
    """Another attempt follows, unless the run ends before."""
    FAILED = "failed"
    """The task has failed."""
    GIVEN_UP = "given up"
    """The run ends before the task does."""


@final
class AttemptFailed(NamedTuple):
    """An attempt has ended, and its output counts for nothing.

    Attributes:
        at, node, task_id, task, attempt: as those of :class:`AttemptBegan`.
        seconds: how long the calculator worked on it.
        reason: why it failed, for example ``node lost``, ``time limit`` or ``exit status 3``.
        fate: what becomes of the task.
        dropped: the dependants that are not run because it failed.
    """

    at: float
    node: int
    task_id: int
    task: bytes
    attempt: int
    seconds: float
    reason: bytes
    fate: Fate
    dropped: tuple[bytes, ...]


@final
class LifeBegan(NamedTuple):
    """The process of a node runs.

    Attributes:
        at: the time in seconds since the run began.
        node: the index of the node.
        pid: the id of the process.
        life: 1 for its first process; a larger number means a restart.
    """

    at: float
    node: int
    pid: int
    life: int


@final
class StartFailed(NamedTuple):
    """The process of a node cannot be started.

    Attributes:
        at: the time in seconds since the run began.
        node: the index of the node.
        reason: why.
    """

    at: float
    node: int
    reason: bytes


@final
class NodeLost(NamedTuple):
    """No result can come from a node any more, though its work was not done.

    Attributes:
        at: the time in seconds since the run began.
        node: the index of the node.
    """

    at: float
    node: int


@final
class LifeEnded(NamedTuple):
    """The processes of a node are gone, or were given up.

    Attributes:
        at: the time in seconds since the run began.
        node: the index of the node.
        how: how it ended, for people, for example ``exit status 1``.
    """

    at: float
    node: int
    how: bytes


@final
class Backpressure(NamedTuple):
    """Results wait for the reader of the output, and are not read from nodes; or no longer.

    Attributes:
        at: the time in seconds since the run began.
        is_on: whether nodes have to wait from now on.
    """

    at: float
    is_on: bool


@final
class PhaseChanged(NamedTuple):
    """The run has come into another phase: it finishes, is stopped, drains its output or is over.

    Attributes:
        at: the time in seconds since the run began.
        phase: the phase.
    """

    at: float
    phase: Phase


Fact = (
    AttemptBegan
    | AttemptAnswered
    | AttemptFailed
    | LifeBegan
    | StartFailed
    | NodeLost
    | LifeEnded
    | Backpressure
    | PhaseChanged
)
"""Each attempt that began is answered or failed, once, before its node ends or the run is over."""


@final
class FactReader:
    """The facts that one reader has not taken yet.

    Attributes:
        on_fact: called once, when a fact comes; set it again after that.
    """

    def __init__(self, facts: list[Fact]) -> None:
        self._facts = facts
        self.on_fact: Callable[[], object] | None = None

    def __len__(self) -> int:
        """Return how many facts wait."""
        return len(self._facts)

    def take(self) -> list[Fact]:
        """Return the facts that wait, the oldest first, and forget them."""
        facts, self._facts = self._facts, []
        return facts

    def give(self, fact: Fact) -> None:
        """Add a fact."""
        self._facts.append(fact)
        if self.on_fact:
            on_fact, self.on_fact = self.on_fact, None
            on_fact()


@final
class FactStream:
    """The facts of one run, for any number of readers.

    It keeps the history, all facts from the beginning, until :meth:`forget_history`.

    Attributes:
        nodes: the names of the nodes, by their indices.
        at: the time of the facts that come now, in seconds since the run began.
    """

    def __init__(self) -> None:
        self.nodes: tuple[bytes, ...] = ()
        self.at = 0.0
        self._history: list[Fact] | None = []
        self._readers: list[FactReader] = []

    def follow(self) -> FactReader:
        """Return a reader of the history, if it is still there, and of all facts to come."""
        reader = FactReader([] if self._history is None else self._history.copy())
        self._readers.append(reader)
        return reader

    def leave(self, reader: FactReader) -> None:
        """Give a reader no more facts."""
        self._readers.remove(reader)

    def forget_history(self) -> None:
        """Keep no facts any more for readers that come later."""
        self._history = None

    def tell_backpressure(self, *, is_on: bool) -> None:
        """Give a :class:`Backpressure` to all readers."""
        self.tell(Backpressure(self.at, is_on))

    def tell(self, fact: Fact) -> None:
        """Give a fact to all readers."""
        for reader in self._readers:
            reader.give(fact)
        if self._history is not None:
            self._history.append(fact)
