"""Waiting: the tasks that wait for nodes, new ones and those whose attempts failed."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, final

from paexec_trio.core.retrying import Retries

if TYPE_CHECKING:
    from collections.abc import Sequence

    from paexec_trio.core.accounts import Accounts
    from paexec_trio.core.nodes import Attempt, Node
    from paexec_trio.core.settings import Settings
    from paexec_trio.core.tasks import TaskSource


@final
class WaitingTasks:
    """The tasks that wait for nodes. Those whose attempts failed come first (DTH-012).

    Args:
        settings: say how many tasks may be dispatched.
        nodes: all nodes, by their indices.
        tasks: the tasks of the input.
        accounts: know on which nodes a task has failed.

    Attributes:
        to_reassign: tasks whose attempts failed, with their ids; the last one is next.
        retries: the same, for tasks that do not go to every node.
        left: how many tasks of the input may still be dispatched (ACC-081).
    """

    def __init__(
        self, settings: Settings, nodes: Sequence[Node], tasks: TaskSource, accounts: Accounts
    ) -> None:
        self._tasks = tasks
        self._accounts = accounts
        self.to_reassign: list[tuple[int, bytes]] = []
        self.retries = Retries(nodes, accounts)
        self.left = settings.accounting.limit or sys.maxsize

    def reassign(self, attempt: Attempt) -> None:
        """Have another attempt of the same task made, before all that wait now."""
        failed = self._accounts.nodes_that_failed(attempt.task_id)
        waiting = self.retries.waiting if failed else self.to_reassign
        waiting.append((attempt.task_id, attempt.task))

    def count(self) -> int:
        """Return how many tasks wait that go to every node."""
        return len(self.to_reassign) + min(self._tasks.count_ready(), self.left)

    def count_reassigned(self) -> int:
        """Return how many tasks wait for another attempt."""
        return len(self.to_reassign) + len(self.retries.waiting)

    def take_several(self, count: int) -> tuple[list[tuple[int, bytes]], bool]:
        """Take ``count`` tasks, or fewer: those to be reassigned come first, alone.

        Returns:
            The tasks, and whether they were never taken before.

        Raises:
            RefusedTaskError: no calculator can be given the first of them.
        """
        if not self.to_reassign:
            new = self._tasks.take_several(count)
            self.left -= len(new)
            return new, True
        start = max(0, len(self.to_reassign) - count)
        tasks = self.to_reassign[start:]
        del self.to_reassign[start:]
        tasks.reverse()
        return tasks, False

    def leftovers(self) -> list[tuple[int, bytes]]:
        """Return the tasks that would be dispatched once more, and forget them."""
        left = [*self.to_reassign, *self.retries.waiting]
        self.to_reassign.clear()
        self.retries.waiting.clear()
        return left
