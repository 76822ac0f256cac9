"""The graph of tasks: its order, its cycles, and what depends on a task.

Nothing here is recursive, and everything is linear in the number of tasks and edges.
"""

from __future__ import annotations

from array import array
from itertools import accumulate
from operator import lt
from typing import TYPE_CHECKING, final

if TYPE_CHECKING:
    from collections.abc import Sequence


class CycleError(Exception):
    """Tasks depend on each other in a circle (GRA-020).

    Attributes:
        cycle: the names of its tasks, each a dependant of the one before; the first comes again.
    """

    def __init__(self, cycle: list[bytes]) -> None:
        super().__init__(cycle)
        self.cycle = cycle


@final
class TaskGraph:
    """Tasks, the edges between them, and their weights.

    Tasks are numbered from 1. One array holds the dependants of all tasks, task by task; a second
    array says where those of each task begin. So a graph of a million tasks fits into memory, and
    the dependants of a task into one cache line. The most recently added edge of a task comes
    first, because upstream lists the dependants of a failed task in this order.

    Args:
        names: the task of each number; the first is not used.
        before: for each edge, in the order of the input, the task that it leads from.
        after: for each edge the task that it leads to, a dependant of the other.
        weights: the largest of the weights given for a task; a task without has weight 1.
    """

    def __init__(
        self,
        names: list[bytes],
        before: Sequence[int],
        after: Sequence[int],
        weights: dict[int, int],
    ) -> None:
        self.names = names
        self.weights = weights
        self.predecessors = predecessors = [0] * len(names)
        """How many edges lead to each task."""
        for task in after:
            predecessors[task] += 1
        self._ids_are_in_order = all(map(lt, before, after))
        # Count the dependants of each task, add up where their places end, and fill these from the
        # end: then each number says where they begin.
        counts = [0] * len(names)
        for task in before:
            counts[task] += 1
        self._begin = begin = array("I", accumulate(counts))
        begin.append(len(after))
        self._dependants = dependants = array("I", bytes(begin.itemsize * len(after)))
        for task, dependant in zip(before, after, strict=True):
            place = begin[task] - 1
            begin[task] = place
            dependants[place] = dependant

    def __len__(self) -> int:
        """Return the number of tasks."""
        return len(self.names) - 1

    def dependants(self, task: int) -> Sequence[int]:
        """Return the direct dependants of a task, the one of the most recently added edge first."""
        return self._dependants[self._begin[task] : self._begin[task + 1]]

    def topological_order(self) -> Sequence[int]:
        """Return all tasks, each after the tasks that it depends on.

        Raises:
            CycleError: there is no such order.
        """
        if self._ids_are_in_order:
            # Many graphs are written down in an order in which they can be run.
            return range(1, len(self.names))
        waiting_for = self.predecessors.copy()
        order = [task for task in range(1, len(self.names)) if not waiting_for[task]]
        begin, dependants = self._begin, self._dependants
        for task in order:  # grows while it is walked
            for dependant in dependants[begin[task] : begin[task + 1]]:
                count = waiting_for[dependant] - 1
                waiting_for[dependant] = count
                if not count:
                    order.append(dependant)
        if len(order) < len(self):
            raise CycleError(self._find_cycle())
        return order

    def _find_cycle(self) -> list[bytes]:
        """Return the cycle that a depth-first search from the first task on meets first."""
        on_path = bytearray(len(self.names))
        seen = bytearray(len(self.names))
        for start in range(1, len(self.names)):
            if seen[start]:
                continue
            path = [start]
            pending = [iter(self.dependants(start))]
            seen[start] = on_path[start] = 1
            while path:
                dependant = next(pending[-1], 0)
                if not dependant:
                    pending.pop()
                    on_path[path.pop()] = 0
                elif on_path[dependant]:
                    cycle = [*path[path.index(dependant) :], dependant]
                    return [self.names[task] for task in cycle]
                elif not seen[dependant]:
                    seen[dependant] = on_path[dependant] = 1
                    path.append(dependant)
                    pending.append(iter(self.dependants(dependant)))
        raise AssertionError("a graph without a topological order has a cycle")

    def all_dependants(self, task: int) -> list[int]:
        """Return the direct and indirect dependants of a task, depth first, each once (GRA-044)."""
        seen = {task}
        found: list[int] = []
        pending = [iter(self.dependants(task))]
        while pending:
            dependant = next(pending[-1], 0)
            if not dependant:
                pending.pop()
            elif dependant not in seen:
                seen.add(dependant)
                found.append(dependant)
                pending.append(iter(self.dependants(dependant)))
        return found
