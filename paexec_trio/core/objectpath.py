"""The fast paths of a run whose tasks are added one by one, and whose results become objects."""

from __future__ import annotations

from heapq import heappop
from typing import TYPE_CHECKING, final

from paexec_trio.core.framing import NEWLINE, ResultFramer
from paexec_trio.core.nodes import Attempt
from paexec_trio.core.states import NodeState, Step

if TYPE_CHECKING:
    from collections.abc import Sequence

    from paexec_trio.core.addedtasks import AddedTasks
    from paexec_trio.core.collecting import Collector
    from paexec_trio.core.commands import Deliver
    from paexec_trio.core.dispatching import Dispatcher
    from paexec_trio.core.nodes import Node
    from paexec_trio.core.reading import Reader

_BUSY, _IDLE = NodeState.BUSY, NodeState.IDLE
_DISPATCH = Step.DISPATCH


@final
class ObjectPath:
    """Fast paths for the two steps that each task needs: it is added, and its result comes in.

    Both do what the event would do, without the event, its commands, and the checks of facts that
    it cannot change. They take a step only while the run has room for another task. So no
    ``ReadMore`` follows from it, and the end of the run does not either. A run that is ending has
    neither idle nor busy nodes.

    The world calls these methods between events.

    Args:
        nodes: all nodes, by their indices.
        tasks: the tasks of the run.
        dispatcher: keeps the idle nodes.
        collector: makes the results.
        reader: knows whether the run has room for a task.
    """

    __slots__ = ("_collector", "_dispatcher", "_nodes", "_reader", "_tasks")

    def __init__(
        self,
        nodes: Sequence[Node],
        tasks: AddedTasks,
        dispatcher: Dispatcher,
        collector: Collector,
        reader: Reader,
    ) -> None:
        self._nodes = nodes
        self._tasks = tasks
        self._dispatcher = dispatcher
        self._collector = collector
        self._reader = reader

    def add(self, task_id: int, task: bytes, now: float) -> int | None:
        """Give an added task to an idle node.

        Args:
            task_id: the id of the task.
            task: its octets, which a calculator can be given.
            now: the time in seconds.

        Returns:
            The index of the node, which has to be sent the task and a newline; ``None`` if nothing
            was done, and a ``TaskAdded`` has to be handled.
        """
        dispatcher, tasks = self._dispatcher, self._tasks
        idle = dispatcher.idle
        if (
            not idle  # otherwise no task waits
            or dispatcher.dead_among_idle
            or self._nodes[idle[0]].state is not _IDLE
            or not self._reader.has_room
        ):
            return None
        tasks.taken += 1
        node = self._nodes[heappop(idle)]
        node.step(_DISPATCH)
        dispatcher.holding += 1
        attempt = Attempt(task_id, task, b"")
        node.attempts.append(attempt)
        collector = self._collector
        collector.now = now
        collector.begun(attempt)
        return node.index

    def take(self, index: int, data: bytes) -> tuple[Deliver, bytes] | None:
        """Take a whole result, and give the node the next task if one waits.

        Args:
            index: the node.
            data: octets that its calculator wrote.

        Returns:
            The result and the octets for the calculator, perhaps none; ``None`` if nothing was
            done, and ``data`` has to become an event.
        """
        node = self._nodes[index]
        framer, tasks = node.framer, self._tasks
        if (
            node.state is not _BUSY
            or type(framer) is not ResultFramer
            or self._dispatcher.to_reassign
            or not self._reader.has_room
        ):
            return None
        attempt = node.attempts[0]
        if attempt.task_id in tasks.dependants:
            return None
        lines = framer.whole(data)
        if lines is None:
            return None
        node.answered = True
        result = self._collector.finish(node, attempt, lines)
        if not tasks.ready:
            self._dispatcher.task_done(node)
            return result, b""
        attempt.task_id, attempt.task = tasks.take()
        self._collector.begun(attempt)
        return result, attempt.task + NEWLINE
