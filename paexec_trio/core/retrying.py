"""Retrying: failed tasks go to nodes on which they have not failed yet (ACC-061)."""

from __future__ import annotations

from heapq import heapify
from typing import TYPE_CHECKING, final

from paexec_trio.core.states import NodeState

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from paexec_trio.core.accounts import Accounts
    from paexec_trio.core.nodes import Node

_IDLE = NodeState.IDLE
_LIVING = (
    *(NodeState.NEW, NodeState.STARTING, NodeState.CONNECTING),
    *(NodeState.IDLE, NodeState.BUSY),
)


@final
class Retries:
    """Tasks that are to be tried again on other nodes.

    Args:
        nodes: all nodes, by their indices.
        accounts: know on which nodes a task has failed.

    Attributes:
        waiting: the tasks with their ids, the oldest first.
    """

    def __init__(self, nodes: Sequence[Node], accounts: Accounts) -> None:
        self._nodes = nodes
        self._accounts = accounts
        self.waiting: list[tuple[int, bytes]] = []

    def choose(self, idle: list[int]) -> tuple[Node, int, bytes] | None:
        """Take a task, and the idle node that is given it.

        Args:
            idle: the indices of idle nodes, as a heap; some may have died.

        Returns:
            The node, the id of the task and the task; ``None`` if each has to wait.
        """
        # Without -z the dispatcher takes nodes for living that ended while they held no task.
        living = sum([node.state in _LIVING for node in self._nodes])
        for place, (task_id, task) in enumerate(self.waiting):
            node = self._node_for(task_id, idle, living)
            if node:
                del self.waiting[place]
                idle.remove(node.index)
                heapify(idle)
                return node, task_id, task
        return None

    def _node_for(self, task_id: int, idle: Collection[int], living: int) -> Node | None:
        nodes = self._nodes
        failed = self._accounts.nodes_that_failed(task_id)
        there = [index for index in sorted(idle) if nodes[index].state is _IDLE]
        for index in there:
            if index not in failed:
                return nodes[index]
        # Another node that lives may become idle.
        others = living - sum([nodes[index].state in _LIVING for index in failed])
        return nodes[there[0]] if there and others <= 0 else None
