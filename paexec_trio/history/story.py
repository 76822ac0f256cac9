"""The story of a run: what a page about it shows, gathered slice by slice in little memory."""

from __future__ import annotations

from array import array
from heapq import heappush, heappushpop
from typing import TYPE_CHECKING, NamedTuple, final

from paexec_trio.history.slices import Moment, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from paexec_trio.history.slices import Slice

LONGEST = 20
"""How many of the longest attempts are kept."""
MOST_FAILURES = 200
"""How many failures are kept; the others are counted."""
MOST_MOMENTS = 5000
"""How many moments are kept."""


@final
class Row:
    """The attempts of a node, as numbers: a million of them take 13 MB.

    Attributes:
        began: when each attempt began.
        seconds: how long each took.
        outcomes: how each ended.
    """

    __slots__ = ("began", "outcomes", "seconds")

    def __init__(self) -> None:
        self.began = array("f")
        self.seconds = array("f")
        self.outcomes = bytearray()

    def __len__(self) -> int:
        """Return the number of attempts."""
        return len(self.began)


class Link(NamedTuple):
    """A task of the critical path.

    Attributes:
        task_id: its number.
        task: its octets.
        seconds: how long its attempts took.
    """

    task_id: int
    task: bytes
    seconds: float


@final
class Story:
    """All that a page shows of a run.

    Args:
        nodes: the names of the nodes, by their indices.

    Attributes:
        nodes: the argument; it can be set later.
        rows: the attempts of each node that had any, by its index.
        longest: the longest attempts, longest first, after :meth:`end`.
        failures: the first attempts without success.
        failure_count: how many there were.
        moments: the first things that happened at one moment.
        counts: how many tasks ended in each way.
        seconds: how long the run took.
    """

    def __init__(self, nodes: Sequence[bytes] = ()) -> None:
        self.nodes = nodes
        self.rows: dict[int, Row] = {}
        self.longest: list[Slice] = []
        self.failures: list[Slice] = []
        self.failure_count = 0
        self.moments: list[Moment] = []
        self.counts = dict.fromkeys(Outcome, 0)
        self.seconds = 0.0
        self._heap: list[tuple[float, int, Slice]] = []
        self._durations: dict[int, float] | None = None

    def keep_durations(self) -> None:
        """Keep the time of each task, for :meth:`critical_path`; call it before anything else."""
        self._durations = {}

    def add(self, pieces: Iterable[Slice | Moment]) -> None:
        """Add what has happened."""
        for piece in pieces:
            if isinstance(piece, Moment):
                self.seconds = max(self.seconds, piece.at)
                if len(self.moments) < MOST_MOMENTS:
                    self.moments.append(piece)
                continue
            self._add_slice(piece)

    def _add_slice(self, piece: Slice) -> None:
        row = self.rows.get(piece.node)
        if row is None:
            row = self.rows[piece.node] = Row()
        row.began.append(piece.began)
        row.seconds.append(piece.seconds)
        row.outcomes.append(piece.outcome)
        self.seconds = max(self.seconds, piece.began + piece.seconds)
        self.counts[piece.outcome] += 1
        if piece.outcome is not Outcome.SUCCEEDED:
            self.failure_count += 1
            if len(self.failures) < MOST_FAILURES:
                self.failures.append(piece)
        if self._durations is not None:
            before = self._durations.get(piece.task_id, 0.0)
            self._durations[piece.task_id] = before + piece.seconds
        entry = (piece.seconds, -piece.task_id, piece)
        if len(self._heap) < LONGEST:
            heappush(self._heap, entry)
        elif entry > self._heap[0]:
            heappushpop(self._heap, entry)

    def end(self) -> None:
        """Put in order what was gathered."""
        self.longest = [piece for *_, piece in sorted(self._heap, reverse=True)]

    @property
    def attempts(self) -> int:
        """The number of attempts."""
        return sum(self.counts.values())

    @property
    def busy(self) -> float:
        """The seconds that all nodes worked."""
        return sum(sum(row.seconds) for row in self.rows.values())

    def critical_path(
        self,
        order: Sequence[int],
        dependants: Callable[[int], Sequence[int]],
        name: Callable[[int], bytes],
    ) -> list[Link]:
        """Return the chain of tasks, each a dependant of the one before, that took longest.

        No number of nodes makes a run shorter than that.

        Args:
            order: all tasks, each after those that it depends on.
            dependants: returns the direct dependants of a task.
            name: returns the octets of a task.
        """
        durations = self._durations or {}
        best: dict[int, float] = {}
        before: dict[int, int] = {}
        last, longest = 0, -1.0
        for task in order:
            total = best.get(task, 0.0) + durations.get(task, 0.0)
            best[task] = total
            if task in durations and total > longest:
                last, longest = task, total
            for dependant in dependants(task):
                if total > best.get(dependant, -1.0):
                    best[dependant] = total
                    before[dependant] = task
        chain = []
        while last:
            if last in durations:
                chain.append(Link(last, name(last), durations[last]))
            last = before.get(last, 0)
        return chain[::-1]
