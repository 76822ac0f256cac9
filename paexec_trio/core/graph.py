"""The graph of tasks: reading it, checking it, and what success and failure of a task mean.

Tasks are numbered from 1 in the order of their first appearance. Edges are kept as linked lists in
arrays, three machine words each, the most recently added edge of a task first: that is the order in
which upstream lists the dependants of a failed task, and a graph of a million tasks fits. Nothing
here is recursive; every step but :func:`paexec_trio.core.weights.sums_over_dependants` is linear.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, final

if TYPE_CHECKING:
    from collections.abc import Iterator


class BadLineError(Exception):
    """A line of the input is no task, no edge and no weight (GRA-010)."""

    def __init__(self, line: bytes) -> None:
        super().__init__(line)
        self.line = line


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

    Args:
        delimiter: the octet between the words of a line, or nothing: a line is one task.
        weight_word: the first word of a line that gives a weight.
    """

    def __init__(self, delimiter: bytes = b" ", weight_word: bytes = b"weight:") -> None:
        self._delimiter = delimiter
        self._weight_word = weight_word
        self._ids: dict[bytes, int] = {}
        self.names: list[bytes] = [b""]
        """The task of each id; there is no task 0."""
        self.weights: dict[int, int] = {}
        """The largest of the weights given for a task; a task without has weight 1."""
        # Edge e goes to _target[e]; _next[e] is the next edge from the same task; 0 ends the list.
        self._first_edge = array("i", [0])
        self._next_edge = array("i", [0])
        self._target = array("i", [0])
        self.predecessors = array("i", [0])
        """How many edges lead to each task, less those from tasks that have succeeded."""

    def __len__(self) -> int:
        """Return the number of tasks."""
        return len(self.names) - 1

    def add_lines(self, lines: list[bytes]) -> None:
        """Add lines of the input (GRA-001 to GRA-006).

        Raises:
            BadLineError: a line cannot be understood.
        """
        delimiter = self._delimiter
        if not delimiter:
            for line in lines:
                self._add_task(line)
            return
        ids = self._ids
        first_edge = self._first_edge
        next_edge = self._next_edge
        target = self._target
        predecessors = self.predecessors
        for line in lines:
            words = line.split(delimiter)
            if len(words) == 2:
                before, after = words
                # The lookups of _add_task, here without a call: this is the inner loop.
                source = ids.get(before) or self._add_task(before)
                sink = ids.get(after) or self._add_task(after)
                next_edge.append(first_edge[source])
                first_edge[source] = len(target)
                target.append(sink)
                predecessors[sink] += 1
            elif len(words) == 1:
                self._add_task(line)
            elif len(words) == 3 and words[0] == self._weight_word:
                self._add_weight(words[1], words[2], line)
            else:
                raise BadLineError(line)

    def _add_task(self, name: bytes) -> int:
        known = self._ids.get(name)
        if known:
            return known
        task = len(self.names)
        self._ids[name] = task
        self.names.append(name)
        self._first_edge.append(0)
        self.predecessors.append(0)
        return task

    def _add_weight(self, name: bytes, number: bytes, line: bytes) -> None:
        digits = number[1:] if number[:1] in {b"-", b"+"} else number
        if not digits.isdigit():
            raise BadLineError(line)
        task = self._add_task(name)
        try:
            weight = int(number)
        except ValueError:  # longer than Python converts
            raise BadLineError(line) from None
        self.weights[task] = max(weight, self.weights.get(task, weight))

    def seal(self) -> None:
        """Forget what only reading needed."""
        self._ids = {}

    def dependants(self, task: int) -> Iterator[int]:
        """Yield the direct dependants of a task, the one of the most recently added edge first."""
        edge = self._first_edge[task]
        while edge:
            yield self._target[edge]
            edge = self._next_edge[edge]

    def release_dependants(self, task: int) -> list[int]:
        """Take a task that succeeded off its dependants; return those that wait for no other."""
        released = []
        waiting_for = self.predecessors
        edge = self._first_edge[task]
        while edge:
            dependant = self._target[edge]
            count = waiting_for[dependant] - 1
            waiting_for[dependant] = count
            if not count:
                released.append(dependant)
            edge = self._next_edge[edge]
        return released

    def topological_order(self) -> list[int]:
        """Return all tasks, each after the tasks that it depends on.

        Raises:
            CycleError: there is no such order.
        """
        waiting_for = self.predecessors[:]
        order = [task for task in range(1, len(self.names)) if not waiting_for[task]]
        first_edge, next_edge, target = self._first_edge, self._next_edge, self._target
        for task in order:  # grows while it is walked
            edge = first_edge[task]
            while edge:
                dependant = target[edge]
                waiting_for[dependant] -= 1
                if not waiting_for[dependant]:
                    order.append(dependant)
                edge = next_edge[edge]
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
            pending = [self.dependants(start)]
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
                    pending.append(self.dependants(dependant))
        raise AssertionError("a graph without a topological order has a cycle")

    def all_dependants(self, task: int) -> list[int]:
        """Return the direct and indirect dependants of a task, depth first, each once (GRA-044)."""
        seen = {task}
        found: list[int] = []
        pending = [self.dependants(task)]
        while pending:
            dependant = next(pending[-1], 0)
            if not dependant:
                pending.pop()
            elif dependant not in seen:
                seen.add(dependant)
                found.append(dependant)
                pending.append(self.dependants(dependant))
        return found
