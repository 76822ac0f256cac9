"""The order of dispatch: the specification once more, as plainly as possible.

Nothing here is taken from the engine, so that both can be compared.
"""

from __future__ import annotations

from heapq import heappop, heappush
from typing import Protocol, final

from paexec_trio.core.execmode import ExecMode
from paexec_trio.core.framing import NEWLINE, NUL
from paexec_trio.core.settings import GraphSettings, Settings
from paexec_trio.core.weights import Weighting


class Ledger(Protocol):
    """The tasks of the input. Task 0 stands for none."""

    names: list[bytes]
    """The task of each id."""

    def read(self, octets: bytes) -> None:
        """Take in octets of the input."""

    def end(self) -> None:
        """Record that the input has ended."""

    def drop(self) -> None:
        """Record that the input has failed: what was not dispatched will not be."""

    def count_left(self) -> int:
        """Return how many tasks that were read were not dispatched."""

    def id_of(self, task: bytes) -> int:
        """Return the id of a task."""

    def next(self) -> int:
        """Return the task that has to be dispatched next, of those that never were."""

    def refused(self) -> int:
        """Return the first task that no calculator can be sent."""

    def dispatch(self, task_id: int) -> None:
        """Record that a task was dispatched for the first time."""

    def is_held_back(self, task_id: int) -> bool:
        """Return whether a task must not be dispatched, because of those that it depends on."""

    def done(self, task_id: int, *, success: bool) -> list[int]:
        """Record that a task is done; return its dependants if they will not be dispatched."""

    def has_more(self) -> bool:
        """Return whether a task that was never dispatched will be, if no more input comes."""


def make_ledger(settings: Settings, exec_mode: ExecMode | None) -> Ledger:
    """Return the ledger for these settings."""
    forbidden = NUL if exec_mode else NEWLINE
    if settings.graph:
        return GraphLedger(settings.terminator, forbidden, settings.graph)
    return FlatLedger(settings.terminator, forbidden)


def _lines(octets: bytes, terminator: bytes) -> list[bytes]:
    """Cut a whole input (FRM-001 to FRM-006)."""
    *lines, last = octets.split(terminator)
    if last and terminator == NUL:
        last = last.removesuffix(NEWLINE)
        return [*lines, last]
    return [*lines, last] if last else lines


def _first_with(octet: bytes, names: list[bytes]) -> int:
    return next((task_id for task_id, name in enumerate(names) if octet in name), 0)


@final
class FlatLedger:
    """Tasks that are dispatched in the order of the input (DSP-012)."""

    def __init__(self, terminator: bytes, forbidden: bytes) -> None:
        self._forbidden = forbidden
        self.names = [b""]
        self._ids: dict[bytes, int] = {}
        self._terminator = terminator
        self._rest = b""
        self._next = 1

    def read(self, octets: bytes) -> None:
        """Take in octets of the input."""
        *tasks, self._rest = (self._rest + octets).split(self._terminator)
        self._add(tasks)

    def end(self) -> None:
        """Record that the input has ended."""
        self._add(_lines(self._rest, self._terminator))

    def _add(self, tasks: list[bytes]) -> None:
        for task in tasks:
            self._ids[task] = len(self.names)
            self.names.append(task)

    def drop(self) -> None:
        """Record that the input has failed."""
        self._next = len(self.names)

    def count_left(self) -> int:
        """Return how many tasks that were read were not dispatched."""
        return len(self.names) - self._next

    def id_of(self, task: bytes) -> int:
        """Return the id of a task."""
        return self._ids.get(task, 0)

    def next(self) -> int:
        """Return the first task that was not dispatched."""
        return self._next if self._next < len(self.names) else 0

    def refused(self) -> int:
        """Return the first task that no calculator can be sent."""
        return _first_with(self._forbidden, self.names)

    def dispatch(self, task_id: int) -> None:
        """Record that a task was dispatched for the first time."""
        self._next = max(self._next, task_id + 1)

    def is_held_back(self, task_id: int) -> bool:  # noqa: ARG002 (a flat task depends on nothing)
        """No flat task is."""
        return False

    def done(self, task_id: int, *, success: bool) -> list[int]:  # noqa: ARG002
        """No task depends on it."""
        return []

    def has_more(self) -> bool:
        """Return whether a task was not dispatched."""
        return bool(self.next())


@final
class GraphLedger:
    """Tasks that wait for others (the chapters Graphs and Weights)."""

    def __init__(self, terminator: bytes, forbidden: bytes, settings: GraphSettings) -> None:
        self._forbidden = forbidden
        self.names = [b""]
        self._ids: dict[bytes, int] = {}
        self._settings = settings
        self._terminator = terminator
        self._octets: list[bytes] = []
        self._dependants: list[list[int]] = [[]]
        self._waiting_for: list[set[int]] = [set()]
        self._ready: list[tuple[int, int]] = []
        self._weights = [0]
        self._not_dispatched: set[int] = set()
        self._held_back: set[int] = set()

    def read(self, octets: bytes) -> None:
        """Take in octets of the input."""
        self._octets.append(octets)

    def end(self) -> None:
        """Record that the input has ended."""
        given: dict[int, int] = {}
        delimiter = self._settings.delimiter
        for line in _lines(b"".join(self._octets), self._terminator):
            words = line.split(delimiter) if delimiter else [line]
            if len(words) == 3:
                task = self._task(words[1])
                given[task] = max(given.get(task, int(words[2])), int(words[2]))
                continue
            tasks = [self._task(word) for word in words]
            if len(tasks) == 2:
                before, after = tasks
                # The last edge of the input comes first (GRA-044).
                if after in self._dependants[before]:
                    self._dependants[before].remove(after)
                self._dependants[before].insert(0, after)
                self._waiting_for[after].add(before)
        self._weigh([given.get(task, 1) for task in range(len(self.names))])
        self._not_dispatched = set(range(1, len(self.names)))
        for task in range(1, len(self.names)):
            if self._waiting_for[task]:
                self._held_back.add(task)
            else:
                heappush(self._ready, (-self._weights[task], task))

    def _task(self, name: bytes) -> int:
        if name not in self._ids:
            self._ids[name] = len(self.names)
            self.names.append(name)
            self._dependants.append([])
            self._waiting_for.append(set())
        return self._ids[name]

    def _weigh(self, own: list[int]) -> None:
        self._weights = own[:]
        if self._settings.weighting is Weighting.OWN:
            return
        reachable: dict[int, set[int]] = {}
        for task in self._dependants_first():
            found = {task}.union(*(reachable[d] for d in self._dependants[task]))
            reachable[task] = found
            weights = [own[t] for t in found]
            total = self._settings.weighting is Weighting.SUM_OVER_DEPENDANTS
            self._weights[task] = sum(weights) if total else max(weights)

    def _dependants_first(self) -> list[int]:
        waiting_for = [len(tasks) for tasks in self._waiting_for]
        order = [task for task in range(1, len(self.names)) if not waiting_for[task]]
        for task in order:  # grows
            for dependant in self._dependants[task]:
                waiting_for[dependant] -= 1
                if not waiting_for[dependant]:
                    order.append(dependant)
        return order[::-1]

    def drop(self) -> None:
        """Record that the input has failed."""
        self._ready.clear()
        self._not_dispatched.clear()
        self._held_back.clear()

    def count_left(self) -> int:
        """Return how many tasks that were read were not dispatched."""
        return len(self._not_dispatched)

    def id_of(self, task: bytes) -> int:
        """Return the id of a task."""
        return self._ids.get(task, 0)

    def next(self) -> int:
        """Return the ready task of the highest weight, of equal ones the first."""
        return self._ready[0][1] if self._ready else 0

    def refused(self) -> int:
        """Return the first task that no calculator can be sent."""
        return _first_with(self._forbidden, self.names)

    def dispatch(self, task_id: int) -> None:
        """Record that a task was dispatched for the first time."""
        self._not_dispatched.discard(task_id)
        if self.next() == task_id:
            heappop(self._ready)
        else:
            self._ready = sorted(entry for entry in self._ready if entry[1] != task_id)

    def is_held_back(self, task_id: int) -> bool:
        """Return whether a task that it depends on has not succeeded."""
        return task_id in self._held_back

    def done(self, task_id: int, *, success: bool) -> list[int]:
        """Record that a task is done; return its dependants if they will not be dispatched."""
        if success:
            for dependant in self._dependants[task_id]:
                self._waiting_for[dependant].discard(task_id)
                if not self._waiting_for[dependant] and dependant in self._held_back:
                    self._held_back.discard(dependant)
                    heappush(self._ready, (-self._weights[dependant], dependant))
            return []
        dropped = self._all_dependants(task_id)
        self._not_dispatched.difference_update(dropped)
        return dropped

    def _all_dependants(self, task_id: int) -> list[int]:
        """Return them in the order of GRA-044."""
        found: dict[int, None] = {}
        path = [iter(self._dependants[task_id])]
        while path:
            dependant = next(path[-1], 0)
            if not dependant:
                path.pop()
            elif dependant not in found:
                found[dependant] = None
                path.append(iter(self._dependants[dependant]))
        return list(found)

    def has_more(self) -> bool:
        """Return whether a task was neither dispatched nor dropped."""
        return bool(self._not_dispatched)
