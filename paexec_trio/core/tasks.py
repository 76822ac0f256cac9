"""The sources of tasks: a flat list, or a graph."""

from __future__ import annotations

from array import array
from collections import deque
from heapq import heapify, heappop, heappush
from itertools import pairwise
from typing import TYPE_CHECKING, Protocol, final

from paexec_trio.core.framing import LINE_LIMIT, NEWLINE, NUL, TaskFramer
from paexec_trio.core.graph import CycleError, TaskGraph
from paexec_trio.core.graphreader import BadLineError, GraphReader
from paexec_trio.core.status import Status
from paexec_trio.core.visible import diagnostic
from paexec_trio.core.weights import (
    Weighting,
    maxima_over_dependants,
    own_weights,
    sums_over_dependants,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

_SUCCESS = Status.SUCCESS
"""Looked up once: Python 3.11 is slow at it, and each task needs it."""


class InputError(Exception):
    """The input cannot be used; ``diagnostics`` are the lines that say why."""

    def __init__(self, diagnostics: list[bytes]) -> None:
        super().__init__(diagnostics)
        self.diagnostics = diagnostics


class RefusedTaskError(Exception):
    """A task that cannot be sent to any calculator; ``reason`` says which and why (FRM-013)."""

    def __init__(self, reason: bytes) -> None:
        super().__init__(reason)
        self.reason = reason


class TaskSource(Protocol):
    """The tasks of a run, and which of them can be dispatched."""

    needs_whole_input: bool
    """Whether nothing can be said about tasks before the input has ended."""

    reads_ahead: bool
    """Whether a task for each that a node may hold is to wait, so that none waits for input."""

    @property
    def ready(self) -> Collection[object]:
        """Empty if no task can be dispatched now; no method, because calls would cost time."""

    def feed(self, chunk: bytes) -> None:
        """Add octets of the input; may raise both errors of this module."""

    def end(self) -> None:
        """Record the end of the input; may raise both errors of this module."""

    def abandon(self) -> None:
        """Drop all tasks that were not taken."""

    def take(self) -> tuple[int, bytes]:
        """Take the task to be dispatched next, with its id; may raise :class:`RefusedTaskError`."""

    def count_ready(self) -> int:
        """Return how many tasks can be taken now, not counting those after a refused one."""

    def take_several(self, count: int) -> list[tuple[int, bytes]]:
        """Take ``count`` ready tasks, or fewer if the next call will refuse one."""

    def count_taken(self) -> int:
        """Return how many tasks were taken so far."""

    def count_waiting(self) -> int:
        """Return how many of the tasks that are known were neither taken nor dropped."""

    def waiting(self) -> Iterator[tuple[int, bytes]]:
        """Yield the tasks that are known and were neither taken nor dropped, with their ids."""

    def count_dropped(self) -> int:
        """Return how many tasks were dropped because others that they depend on failed."""

    def dropped(self) -> Iterator[tuple[int, bytes, int]]:
        """Yield those tasks in the order of their ids, with the id of a task that failed."""

    def done(self, task_id: int, status: Status) -> list[bytes]:
        """Record that a task is done; return its dependants if they are dropped."""

    def will_not_run(self, task_id: int) -> bool:
        """Return whether there is such a task that will never run, because another one failed."""

    def is_exhausted(self) -> bool:
        """Return whether no further task can be dispatched, now or later, without more input."""


_REASONS = {
    NEWLINE: b"task %d contains a newline, which a calculator would take for its end",
    NUL: b"task %d contains NUL, which no argument of a command can",
}


def refuse(forbidden: bytes, task_id: int, task: bytes) -> None:
    """Refuse a task that contains the forbidden octet.

    Raises:
        RefusedTaskError: it does.
    """
    if forbidden in task:
        raise RefusedTaskError(_REASONS[forbidden] % task_id)


def _longer_than(limit: int) -> bytes:
    return b"longer than %d octets (--line-limit)" % limit


@final
class FlatTasks:
    """Independent tasks, dispatched in the order of the input (DSP-012).

    Args:
        terminator: the octet that ends a task of the input.
        forbidden: the octet that no task can contain, ``NEWLINE`` or ``NUL``.
        limit: how many octets a task may have (LIM-014).
    """

    needs_whole_input = False
    reads_ahead = False

    def __init__(self, terminator: bytes, forbidden: bytes, limit: int = LINE_LIMIT) -> None:
        self._terminator = terminator
        self._limit = limit
        self._framer = TaskFramer(terminator, limit)
        self._forbidden = b"" if forbidden == terminator else forbidden
        self._last_id = 0
        self._first_refused = 0
        self.ready: deque[bytes] = deque()

    def feed(self, chunk: bytes) -> None:
        """Add octets of the input.

        Raises:
            RefusedTaskError: a task is too long; those before it are ready.
        """
        self._add(self._framer.feed(chunk))
        if self._framer.found_long:
            task_id = self._last_id + len(self.ready) + 1
            raise RefusedTaskError(b"task %d is %b" % (task_id, _longer_than(self._limit)))

    def _add(self, tasks: bytes) -> None:
        ready = self.ready
        if self._forbidden and self._forbidden in tasks and not self._first_refused:
            before = tasks.partition(self._forbidden)[0].count(self._terminator)
            self._first_refused = self._last_id + len(ready) + before + 1
        ready.extend(tasks.split(self._terminator))
        ready.pop()  # nothing follows the last terminator

    def end(self) -> None:
        """Record the end of the input."""
        self._add(self._framer.end())

    def abandon(self) -> None:
        """Drop all tasks that were not taken."""
        self._framer.end()
        self.ready.clear()

    def take(self) -> tuple[int, bytes]:
        """Take the next task of the input.

        Raises:
            RefusedTaskError: it contains the forbidden octet.
        """
        task_id = self._last_id + 1
        if self._forbidden:
            refuse(self._forbidden, task_id, self.ready[0])  # it goes on waiting: it never ran
        self._last_id = task_id
        return task_id, self.ready.popleft()

    def count_ready(self) -> int:
        """Return how many tasks come before one that is refused, or 1 if that is the next."""
        if self._first_refused:
            return min(len(self.ready), max(1, self._first_refused - self._last_id - 1))
        return len(self.ready)

    def take_several(self, count: int) -> list[tuple[int, bytes]]:
        """Take the next ``count`` tasks of the input, or those before one that is refused.

        Raises:
            RefusedTaskError: the first of them contains the forbidden octet.
        """
        first = self._last_id + 1
        if first == self._first_refused:
            return [self.take()]
        count = min(count, self.count_ready())
        self._last_id += count
        take = self.ready.popleft
        return list(enumerate([take() for _ in range(count)], first))

    def count_taken(self) -> int:
        """Return how many tasks were taken: their ids are in order."""
        return self._last_id

    def count_waiting(self) -> int:
        """Return how many tasks are ready."""
        return len(self.ready)

    def waiting(self) -> Iterator[tuple[int, bytes]]:
        """Yield the tasks that are ready."""
        return enumerate(self.ready, self._last_id + 1)

    def count_dropped(self) -> int:
        """Return 0: nothing depends on a flat task."""
        return 0

    def dropped(self) -> Iterator[tuple[int, bytes, int]]:
        """Yield nothing."""
        return iter(())

    def done(self, task_id: int, status: Status) -> list[bytes]:  # noqa: ARG002
        """Nothing depends on a flat task."""
        return []

    def will_not_run(self, task_id: int) -> bool:  # noqa: ARG002
        """No flat task keeps another from being run."""
        return False

    def is_exhausted(self) -> bool:
        """Return whether all tasks were taken."""
        return not self.ready


@final
class GraphTasks:
    """Tasks that wait for those they depend on (the chapters Graphs and Weights of the spec).

    Args:
        terminator: the octet that ends a line of the input.
        forbidden: the octet that no task can contain, ``NEWLINE`` or ``NUL``.
        delimiter: the octet between the tasks of an edge, or nothing.
        weight_word: the first word of a line that gives a weight.
        weighting: which weight decides about the order of ready tasks.
        limit: how many octets a line may have (LIM-014).

    Attributes:
        graph: the tasks and their edges; without any until the input has ended.
    """

    needs_whole_input = True
    reads_ahead = False

    def __init__(
        self,
        terminator: bytes,
        forbidden: bytes,
        delimiter: bytes,
        weight_word: bytes,
        weighting: Weighting,
        limit: int = LINE_LIMIT,
    ) -> None:
        self._limit = limit
        self._framer = TaskFramer(terminator, limit)
        self._forbidden = b"" if forbidden == terminator else forbidden
        self._reader = GraphReader(terminator, delimiter, weight_word)
        self.graph = TaskGraph([b""], [], [], {})
        self._weighting = weighting
        self._weights: Sequence[int] = []
        # The ready queue is a heap of ranks: the ready task of the lowest rank goes first
        # (WGT-001).
        self.ready: list[int] = []
        self._rank: Sequence[int] = []
        self._by_rank: Sequence[int] = []
        # For each task the number of edges from tasks that have not succeeded yet.
        self._waiting_for: list[int] = []
        self._undispatched = 0
        self._abandoned = 0
        # For each task that was dropped the task that failed; for one that was skipped itself; for
        # the others 0.
        self._dropped = array("I")
        self._dropped_count = 0

    def feed(self, chunk: bytes) -> None:
        """Add octets of the input.

        Raises:
            InputError: a line cannot be understood, or is too long.
        """
        self._read(self._framer.feed(chunk))
        if self._framer.found_long:
            number = self._reader.lines_read + 1
            raise InputError([b"Bad input line %d: %b" % (number, _longer_than(self._limit))])

    def _read(self, lines: bytes) -> None:
        try:
            self._reader.add(lines)
        except BadLineError as error:
            # Upstream's words come first, without the program's name.
            text = diagnostic(b"Bad input line: %b (line %d: ", error.line, error.number)
            raise InputError([text + error.fault + b")"]) from None

    def end(self) -> None:
        """Check the graph, weigh its tasks and make those ready that depend on no other.

        Raises:
            InputError: the last line cannot be understood, or there is a cycle.
            RefusedTaskError: a task contains the forbidden octet.
        """
        self._read(self._framer.end())
        self.graph = graph = self._reader.graph()
        self._undispatched = len(graph)
        del self._reader
        if self._forbidden:
            for task, name in enumerate(graph.names):
                refuse(self._forbidden, task, name)
        try:
            order = graph.topological_order()
        except CycleError as error:
            edges = [diagnostic(b"  %b -> %b", *edge) for edge in pairwise(error.cycle)]
            raise InputError([b"Cyclic dependency detected:", *edges]) from None
        if self._weighting is Weighting.SUM_OVER_DEPENDANTS:
            self._weights = sums_over_dependants(graph, order)
        elif self._weighting is Weighting.MAXIMUM_OVER_DEPENDANTS:
            self._weights = maxima_over_dependants(graph, order)
        else:
            self._weights = own_weights(graph)
        self._rank_tasks()
        self._waiting_for = graph.predecessors.copy()
        self._dropped = array("I", bytes(self._dropped.itemsize * (len(graph) + 1)))
        self.ready = [
            self._rank[task] for task in range(1, len(graph) + 1) if not graph.predecessors[task]
        ]
        heapify(self.ready)

    def _rank_tasks(self) -> None:
        """Number the tasks by falling weight, equal ones by their ids (WGT-001, WGT-003)."""
        weights = self._weights
        if self._weighting is Weighting.OWN and not self.graph.weights:
            self._rank = self._by_rank = range(len(weights))
            return
        # The sort is stable, in reverse too: equal weights stay in the order of their ids.
        by_weight = sorted(range(1, len(weights)), key=weights.__getitem__, reverse=True)
        self._by_rank = array("I", [0, *by_weight])
        self._rank = rank = array("I", bytes(4 * len(weights)))
        for number, task in enumerate(by_weight, 1):
            rank[task] = number

    def abandon(self) -> None:
        """Drop all tasks that were not taken."""
        self.ready = []
        self._abandoned += self._undispatched
        self._undispatched = 0

    def take(self) -> tuple[int, bytes]:
        """Take the ready task of the highest weight."""
        task = self._by_rank[heappop(self.ready)]
        self._undispatched -= 1
        return task, self.graph.names[task]

    def count_ready(self) -> int:
        """Return how many tasks are ready."""
        return len(self.ready)

    def take_several(self, count: int) -> list[tuple[int, bytes]]:
        """Take ``count`` ready tasks, the heaviest first."""
        return [self.take() for _ in range(count)]

    def count_taken(self) -> int:
        """Return how many tasks are neither dropped nor left, nor were abandoned or skipped."""
        return len(self.graph) - self._undispatched - self._abandoned - self._dropped_count

    def count_waiting(self) -> int:
        """Return how many tasks are left."""
        return self._undispatched

    def waiting(self) -> Iterator[tuple[int, bytes]]:
        """Yield the tasks that are ready, and those that wait for others."""
        if not self._undispatched:
            return
        names = self.graph.names
        if not self._waiting_for:  # the graph was refused
            yield from enumerate(names[1:], 1)
            return
        is_ready = {self._by_rank[rank] for rank in self.ready}
        for task in range(1, len(self.graph) + 1):
            if not self._dropped[task] and (self._waiting_for[task] or task in is_ready):
                yield task, names[task]

    def count_dropped(self) -> int:
        """Return how many tasks were dropped because others that they depend on failed."""
        return self._dropped_count

    def dropped(self) -> Iterator[tuple[int, bytes, int]]:
        """Yield those tasks in the order of their ids, with the id of a task that failed."""
        for task, cause in enumerate(self._dropped):
            if cause and cause != task:
                yield task, self.graph.names[task], cause

    def done(self, task_id: int, status: Status) -> list[bytes]:
        """Make the dependants of a success ready, or drop those of a failure."""
        if status is _SUCCESS:
            if not self._undispatched:
                return []  # no task is left, or all were abandoned
            waiting_for = self._waiting_for
            for dependant in self.graph.dependants(task_id):
                count = waiting_for[dependant] - 1
                waiting_for[dependant] = count
                if not count:  # never for a dropped task: one that it waits for cannot succeed
                    heappush(self.ready, self._rank[dependant])
            return []
        names = self.graph.names
        dependants = self.graph.all_dependants(task_id)
        for dependant in dependants:
            if self._undispatched and not self._dropped[dependant]:
                self._dropped[dependant] = task_id
                self._dropped_count += 1
                self._undispatched -= 1
        return [names[dependant] for dependant in dependants]

    def skip(self, done: Sequence[tuple[int, bool]]) -> None:
        """Do not run tasks that were done before; may be called once, when the input has ended.

        Args:
            done: their ids in ascending order, and whether they succeeded.

        Raises:
            RefusedTaskError: one of them depends on a task that is not among those that succeeded.
        """
        for task, _ in done:
            self._dropped[task] = task
        self._abandoned += len(done)
        for task, succeeded in done:
            self.done(task, _SUCCESS if succeeded else Status.FAILURE)
        self._undispatched -= len(done)  # only now: without tasks that are left nothing is done
        for task, _ in done:
            if self._waiting_for[task]:
                raise RefusedTaskError(b"task %d depends on tasks that were not done before" % task)
        self.ready = [
            self._rank[task]
            for task in range(1, len(self.graph) + 1)
            if not self._waiting_for[task] and not self._dropped[task]
        ]
        heapify(self.ready)

    def will_not_run(self, task_id: int) -> bool:
        """Return whether it was skipped, or a task that it depends on failed or had no status."""
        return task_id < len(self._dropped) and bool(self._dropped[task_id])

    def is_exhausted(self) -> bool:
        """Return whether every task was taken or dropped."""
        return not self._undispatched

    def describe_weights(self) -> list[bytes]:
        """Return the lines of ``-d``: each task's own and its deciding weight (WGT-008)."""
        own = own_weights(self.graph)
        lines = []
        for task in range(1, len(own)):
            name = self.graph.names[task]
            lines.append(diagnostic(b"weight [%b]=%d", name, own[task]))
            lines.append(diagnostic(b"sum_weight [%b]=%d", name, self._weights[task]))
        return lines
