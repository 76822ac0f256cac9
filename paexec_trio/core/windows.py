"""Windows: how many tasks each node is given (the chapter Prefetch of the spec)."""

from __future__ import annotations

from heapq import heapify, heapreplace
from typing import TYPE_CHECKING, final

from paexec_trio.core.settings import AUTO, READ_AHEAD
from paexec_trio.core.windowcontrol import MAX_OCTETS, WindowController

if TYPE_CHECKING:
    from collections.abc import Sequence

    from paexec_trio.core.nodes import Node


def spread_evenly(held: Sequence[int], limits: Sequence[int], tasks: int) -> list[int]:
    """Spread tasks over nodes, each task to a node that holds the fewest (PRE-013).

    Args:
        held: how many tasks each node holds.
        limits: how many each may hold.
        tasks: how many tasks there are.

    Returns:
        How many tasks each node is given. Of nodes that hold equally many the first comes first.
    """
    rooms = [max(0, limit - count) for count, limit in zip(held, limits, strict=True)]
    if sum(rooms) <= tasks:
        return rooms
    given = [0] * len(rooms)
    full = max(limits)  # more than any node holds that can be given one
    fewest = [(held[node], node) for node, room in enumerate(rooms) if room]
    heapify(fewest)
    for _ in range(tasks):
        count, node = fewest[0]
        given[node] += 1
        heapreplace(fewest, (full if given[node] == rooms[node] else count + 1, node))
    return given


@final
class Windows:
    """Keeps how many tasks each node may hold, and which nodes may be given more.

    Args:
        nodes: all nodes, by their indices.
        prefetch: how many tasks a node may hold, or ``AUTO``.
        reads_ahead: whether tasks are to wait for each task that a node may hold, not with ``AUTO``
            alone.

    Attributes:
        not_full: the indices of the nodes that hold tasks and are to be given more.
        are_wide: whether a node may hold several tasks.
        now: the time, with ``AUTO``.
    """

    def __init__(self, nodes: Sequence[Node], prefetch: int, *, reads_ahead: bool = False) -> None:
        self._reads_ahead = reads_ahead
        self._nodes = nodes
        self._prefetch = prefetch
        self.are_wide = prefetch != 1
        self._is_auto = prefetch == AUTO
        self.not_full: set[int] = set()
        self.now = 0.0
        # With AUTO, the sum of the windows of all nodes, and the octets of the tasks that were read
        # and not yet dispatched, so far as they are whole.
        self._total = 0
        self._octets_ahead = 0

    def node_started(self, node: Node) -> None:
        """Begin to measure a node."""
        if self._is_auto:
            self._set_controller(node, WindowController())

    def node_ended(self, node: Node) -> None:
        """Record that a node is given no further task."""
        self._set_controller(node, None)
        self.not_full.discard(node.index)

    def _set_controller(self, node: Node, controller: WindowController | None) -> None:
        before = node.controller.window if node.controller else 0
        self._total += (controller.window if controller else 0) - before
        node.controller = controller

    def limit(self, node: Node) -> int:
        """Return how many tasks a node may hold (PRE-010, PRE-041)."""
        if node.controller:
            return node.controller.window if node.controller.octets < MAX_OCTETS else 1
        if self._is_auto:
            return 1  # it has ended; if a task comes for it without -z, the run fails (END-011)
        return self._prefetch

    def tasks_read(self, octets: int) -> None:
        """Record that ``octets`` octets of the input were read."""
        self._octets_ahead += octets

    def tasks_taken(self, tasks: Sequence[tuple[int, bytes]]) -> None:
        """Record that tasks of the input were dispatched."""
        if self._is_auto:
            self._octets_ahead -= len(tasks) + sum([len(task) for _, task in tasks])

    def tasks_sent(self, node: Node, count: int, octets: int) -> None:
        """Record that a node was sent ``count`` tasks, which are among its attempts already."""
        if node.controller:
            node.controller.sent(count, octets, len(node.attempts), self.now)
        if len(node.attempts) < self.limit(node):
            self.not_full.add(node.index)
        else:
            self.not_full.discard(node.index)

    def tasks_answered(self, node: Node, count: int) -> None:
        """Record that a node answered ``count`` tasks."""
        if node.controller:
            before = node.controller.window
            node.controller.answered(count, self.now)
            self._total += node.controller.window - before

    def should_refill(self, node: Node) -> bool:
        """Return whether a busy node that has answered is to be given tasks now.

        With ``AUTO`` that is when a quarter of its window is free. Otherwise a calculator that
        flushes each answer would be sent, and woken for, each task.
        """
        room = self.limit(node) - len(node.attempts)
        if room > 0 and (node.controller is None or room * 4 >= node.controller.window):
            self.not_full.add(node.index)
            return True
        return False

    def divide(self, indices: Sequence[int], tasks: int, living: int) -> list[int]:
        """Return how many of the tasks that wait each of these nodes is given now.

        Args:
            indices: nodes that are idle or not full.
            tasks: how many tasks wait.
            living: how many nodes are alive.
        """
        nodes = [self._nodes[index] for index in indices]
        held = [len(node.attempts) for node in nodes]
        limits = [self.limit(node) for node in nodes]
        if self._is_auto and living > 1:
            # Towards the end of the input the queues become shorter: no node is to hold tasks
            # that another one will soon be idle for (PRE-042).
            fair = 1 + max(0, tasks - held.count(0)) // living
            limits = [min(fair, limit) for limit in limits]
        return spread_evenly(held, limits, tasks)

    def wants_more_to_wait(self, tasks: int, living: int) -> bool:
        """Return whether too few tasks wait to know how close the end of the input is (PRE-042).

        Args:
            tasks: how many wait.
            living: how many nodes are alive.
        """
        if not self._is_auto:
            return self._reads_ahead and tasks < living * self._prefetch
        return tasks < living + self._total and self._octets_ahead < READ_AHEAD
