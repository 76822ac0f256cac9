"""How many of the tasks that wait each node is given (the chapter Prefetch of the spec)."""

from __future__ import annotations

from heapq import heapify, heapreplace
from typing import TYPE_CHECKING, final

from paexec_trio.core.pace import MOST_OCTETS, Pace
from paexec_trio.core.settings import AUTO, READ_AHEAD

if TYPE_CHECKING:
    from collections.abc import Sequence

    from paexec_trio.core.nodes import Node


def shares(held: Sequence[int], most: Sequence[int], tasks: int) -> list[int]:
    """Divide tasks among nodes, so that one is given to a node that holds the fewest (PRE-013).

    Args:
        held: how many tasks each node holds.
        most: how many each may hold.
        tasks: how many tasks there are.

    Returns:
        How many tasks each node is given. Of nodes that hold equally many the first comes first.
    """
    rooms = [max(0, limit - count) for count, limit in zip(held, most, strict=True)]
    if sum(rooms) <= tasks:
        return rooms
    given = [0] * len(rooms)
    full = max(most)  # more than any node holds that can be given one
    fewest = [(held[node], node) for node, room in enumerate(rooms) if room]
    heapify(fewest)
    for _ in range(tasks):
        count, node = fewest[0]
        given[node] += 1
        heapreplace(fewest, (full if given[node] == rooms[node] else count + 1, node))
    return given


@final
class Depths:
    """How many tasks each node may hold, and which nodes may be given further ones.

    Args:
        nodes: all nodes, by their indices.
        prefetch: how many tasks a node may hold, or ``AUTO``.

    Attributes:
        roomy: the indices of the nodes that hold tasks and are to be given more.
        now: the time, with ``AUTO``.
    """

    def __init__(self, nodes: Sequence[Node], prefetch: int) -> None:
        self._nodes = nodes
        self._prefetch = prefetch
        self._finds_pace = prefetch == AUTO
        self.roomy: set[int] = set()
        self.now = 0.0
        # With AUTO, the sum of what all nodes should hold, and the octets of the tasks that were
        # read and not yet dispatched, so far as they are whole.
        self._total = 0
        self._octets_ahead = 0

    def node_started(self, node: Node) -> None:
        """Begin to measure a node."""
        if self._finds_pace:
            self._set_pace(node, Pace())

    def node_ended(self, node: Node) -> None:
        """Take in that a node is given no further task."""
        self._set_pace(node, None)
        self.roomy.discard(node.index)

    def _set_pace(self, node: Node, pace: Pace | None) -> None:
        self._total += (pace.depth if pace else 0) - (node.pace.depth if node.pace else 0)
        node.pace = pace

    def most(self, node: Node) -> int:
        """Return how many tasks a node may hold (PRE-010, PRE-041)."""
        if node.pace:
            return node.pace.depth if node.pace.octets < MOST_OCTETS else 1
        if self._finds_pace:
            return 1  # it has ended; if a task comes for it without -z, the run fails (END-011)
        return self._prefetch

    def tasks_read(self, octets: int) -> None:
        """Take in that so much of the input was read."""
        self._octets_ahead += octets

    def tasks_taken(self, tasks: Sequence[tuple[int, bytes]]) -> None:
        """Take in that tasks of the input were dispatched."""
        if self._finds_pace:
            self._octets_ahead -= len(tasks) + sum([len(task) for _, task in tasks])

    def tasks_sent(self, node: Node, count: int, octets: int) -> None:
        """Take in that a node was sent so many tasks, which are among its attempts."""
        if node.pace:
            node.pace.sent(count, octets, len(node.attempts), self.now)
        if len(node.attempts) < self.most(node):
            self.roomy.add(node.index)
        else:
            self.roomy.discard(node.index)

    def tasks_answered(self, node: Node, count: int) -> None:
        """Take in that a node answered so many tasks."""
        if node.pace:
            before = node.pace.depth
            node.pace.answered(count, self.now)
            self._total += node.pace.depth - before

    def is_to_be_filled(self, node: Node) -> bool:
        """Say whether a busy node that has answered is to be given tasks; it is roomy then.

        With ``AUTO`` it is filled when a quarter of its tasks is done. A calculator that flushes
        each answer would else be sent, and woken for, each task.
        """
        room = self.most(node) - len(node.attempts)
        if room > 0 and (node.pace is None or room * 4 >= node.pace.depth):
            self.roomy.add(node.index)
            return True
        return False

    def divide(self, indices: Sequence[int], tasks: int, living: int) -> list[int]:
        """Return how many of the tasks that wait each of these nodes is given now.

        Args:
            indices: idle and roomy nodes.
            tasks: how many tasks wait.
            living: how many nodes are alive.
        """
        nodes = [self._nodes[index] for index in indices]
        held = [len(node.attempts) for node in nodes]
        most = [self.most(node) for node in nodes]
        if self._finds_pace and living > 1:
            # Towards the end of the input the queues become shorter: no node is to hold tasks
            # that another one will soon be idle for (PRE-042).
            fair = 1 + max(0, tasks - held.count(0)) // living
            most = [min(fair, limit) for limit in most]
        return shares(held, most, tasks)

    def wants_more_to_wait(self, tasks: int, living: int) -> bool:
        """Say whether too few tasks wait to know how close the end of the input is (PRE-042).

        Args:
            tasks: how many wait.
            living: how many nodes are alive.
        """
        return self._finds_pace and tasks < living + self._total and self._octets_ahead < READ_AHEAD
