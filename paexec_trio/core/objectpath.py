"""The fast paths of a run whose tasks are added one by one, and whose results become objects."""

from __future__ import annotations

from heapq import heappop
from typing import TYPE_CHECKING, final

from paexec_trio.core.ending import Phase
from paexec_trio.core.framing import NEWLINE, ResultFramer
from paexec_trio.core.nodes import Attempt
from paexec_trio.core.states import NodeState, Step

if TYPE_CHECKING:
    from collections.abc import Sequence

    from paexec_trio.core.addedtasks import AddedTasks
    from paexec_trio.core.collecting import Collector
    from paexec_trio.core.commands import Deliver
    from paexec_trio.core.dispatching import Dispatcher
    from paexec_trio.core.ending import Ending
    from paexec_trio.core.nodes import Node
    from paexec_trio.core.reading import Reader

_RUNNING, _BUSY, _IDLE = Phase.RUNNING, NodeState.BUSY, NodeState.IDLE
_DISPATCH = Step.DISPATCH


@final
class ObjectPath:
    """Fast paths for the two steps that each task needs: it is added, and its result comes in.

    Both do what the event would do, without the event, its commands, and the checks of facts that
    it cannot change. They take no step from which more follows than octets for a node and a
    ``ReadMore``. A run that is ending has neither idle nor busy nodes; they are closing.

    The world calls these methods between events.

    Args:
        nodes: all nodes, by their indices.
        tasks: the tasks of the run.
        dispatcher: keeps the idle nodes.
        collector: makes the results.
        reader: knows whether the run has room for a task.
        ending: knows whether the run goes on.

    Attributes:
        made_room: whether a step has made room for a task. The world sets it to ``False`` and does
            what follows from ``ReadMore``.
    """

    __slots__ = (
        "_collector",
        "_dispatcher",
        "_ending",
        "_nodes",
        "_reader",
        "_tasks",
        "made_room",
    )

    def __init__(
        self,
        nodes: Sequence[Node],
        tasks: AddedTasks,
        dispatcher: Dispatcher,
        collector: Collector,
        reader: Reader,
        ending: Ending,
    ) -> None:
        self._nodes = nodes
        self._tasks = tasks
        self._dispatcher = dispatcher
        self._collector = collector
        self._reader = reader
        self._ending = ending
        self.made_room = False

    @property
    def has_room(self) -> bool:
        """Whether the run has room for a task."""
        return self._reader.has_room

    def add(self, task_id: int, task: bytes, now: float) -> int | None:
        """Give an added task to an idle node, or let it wait for one.

        Args:
            task_id: the id of the task.
            task: its octets, which a calculator can be given.
            now: the time in seconds.

        Returns:
            The index of the node, which has to be sent the task and a newline, or -1 if the task
            waits; ``None`` if nothing was done, and a ``TaskAdded`` has to be handled.
        """
        dispatcher, tasks, reader = self._dispatcher, self._tasks, self._reader
        if not reader.has_room or dispatcher.dead_among_idle:
            return None
        idle = dispatcher.idle
        if not idle:
            if not dispatcher.holding or self._ending.phase is not _RUNNING:
                return None
            tasks.add(task_id, task)
            reader.has_room = dispatcher.looks_ahead()
            return -1
        # No task waits while a node is idle.
        if self._nodes[idle[0]].state is not _IDLE:
            return None
        tasks.taken += 1
        node = self._nodes[heappop(idle)]
        node.step(_DISPATCH)
        dispatcher.holding += 1
        attempt = Attempt(task_id, task, b"")
        node.attempts.append(attempt)
        collector = self._collector
        collector.now = now
        collector.begun(node, attempt)
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
        framer, tasks, reader = node.framer, self._tasks, self._reader
        if (
            node.state is not _BUSY
            or type(framer) is not ResultFramer
            or self._dispatcher.waiting.to_reassign
            or reader.has_ended
        ):
            return None
        attempt = node.attempts[0]
        if attempt.task_id in tasks.dependants:
            return None
        lines = framer.whole(data)
        if lines is None:
            return None
        node.answered += 1
        result = self._collector.finish(node, attempt, lines)
        if not tasks.ready:
            self._dispatcher.task_done(node)
            return result, b""
        attempt.task_id, attempt.task = tasks.take()
        self._collector.begun(node, attempt)
        if not reader.has_room and self._dispatcher.looks_ahead():
            reader.has_room = self.made_room = True
        return result, attempt.task + NEWLINE
