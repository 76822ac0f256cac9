"""Dispatching: which task goes to which node (the chapters Dispatch and Prefetch of the spec)."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING, Any, final

from paexec_trio.core.framing import NEWLINE, ResultFramer
from paexec_trio.core.nodes import Attempt, Node
from paexec_trio.core.rendering import is_too_much, render
from paexec_trio.core.states import NodeState, Step
from paexec_trio.core.tasks import FlatTasks, TaskSource
from paexec_trio.core.windows import Windows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from paexec_trio.core.outlets import Outlet
    from paexec_trio.core.settings import Settings
    from paexec_trio.core.throttling import Throttle
    from paexec_trio.core.waiting import WaitingTasks
    from paexec_trio.core.wire import Wire

# Python 3.11 takes as long to look up a member of an enumeration in its class as to call several
# functions. Those that each task needs are looked up once.
_IDLE, _BUSY, _ENDED, _REAPED = NodeState.IDLE, NodeState.BUSY, NodeState.ENDED, NodeState.REAPED
_DRAINING = NodeState.DRAINING
_DISPATCH, _ALL_DONE = Step.DISPATCH, Step.ALL_DONE


FastPath = Callable[[int, bytes], tuple[Any, bytes] | None]
"""See :meth:`Dispatcher.exchange` and ``ObjectPath.take``. The first is the result, as the outlet
makes it."""


class LostNodeError(Exception):
    """The next task was for a node that has ended, and the run needs every node (END-011)."""

    def __init__(self, node: Node) -> None:
        super().__init__(node.name)
        self.node = node


def may_repeat(settings: Settings) -> bool:
    """Return whether what nodes hold may have to be dispatched to others (DSP-004)."""
    rules = settings.accounting
    # A node that exceeds a time limit may hold others (ACC-052).
    has_queues = rules.has_time_limit and settings.prefetch != 1
    return settings.on_death is not None or rules.retries > 1 or has_queues


def can_exchange(settings: Settings, tasks: TaskSource, outlet: Outlet, wire: Wire) -> bool:
    """Return whether a run can use :meth:`Dispatcher.exchange`."""
    return (
        outlet.result_end is not None
        and isinstance(tasks, FlatTasks)
        and settings.prefetch == 1
        and settings.graph is None
        and not settings.accounting.watches_tasks
        and settings.accounting.retries <= 1
        and wire.exec_mode is None
        # A task of a line is never refused.
        and settings.terminator == NEWLINE
    )


@final
class Dispatcher:
    """Gives tasks to nodes, and keeps the idle nodes and the tasks to be reassigned.

    Args:
        settings: decide whether nodes hold several tasks.
        nodes: all nodes, by their indices.
        tasks: the tasks of the input.
        waiting: the tasks that wait for nodes.
        throttle: says when attempts may begin.
        outlet: makes prefixes, and is told when an attempt begins.
        wire: sends tasks.

    Attributes:
        idle: the indices of the nodes that hold no task, as a heap: the lowest is next (DSP-014).
            Without ``-z`` a node that ended while it held no task stays here: it is lost only if
            it is given a task (END-007, END-011).
        dead_among_idle: how many dead nodes that heap holds at most. To take out each one at once
            is quadratic.
        waiting, throttle: see the arguments.
        windows: how many tasks each node may hold.
        living: the number of nodes that are neither dead nor drained, started or not.
        holding: the number of nodes that hold tasks.
        fast_path: :meth:`exchange` if this run can use it, otherwise ``None``.
    """

    def __init__(
        self,
        settings: Settings,
        nodes: Sequence[Node],
        tasks: TaskSource,
        waiting: WaitingTasks,
        throttle: Throttle,
        outlet: Outlet,
        wire: Wire,
    ) -> None:
        self._nodes = nodes
        self._tasks = tasks
        self.waiting = waiting
        self.throttle = throttle
        self._outlet = outlet
        self._wire = wire
        self.idle: list[int] = []
        self._may_repeat = may_repeat(settings)
        self.windows = Windows(nodes, settings.prefetch, reads_ahead=tasks.reads_ahead)
        self.living = len(nodes)
        self.holding = self.dead_among_idle = 0
        self._result_end = outlet.result_end or b""  # ends each result in the fast path
        self._exchanged = outlet.exchanged
        is_fast = can_exchange(settings, tasks, outlet, wire)
        self.fast_path: FastPath | None = self.exchange if is_fast else None

    def exchange(self, index: int, data: bytes) -> tuple[bytes, bytes] | None:
        """Fast path: a whole result comes in, the next task goes out.

        This step is most of the work of a run. With an event and two commands it takes twice the
        time. The world calls it between events, so it changes the state outside of ``handle``. It
        keeps no reference to the ready tasks, which other methods may rebind. More follows from the
        last waiting task.

        Args:
            index: the node.
            data: octets that its calculator wrote.

        Returns:
            The octets of the output and of the calculator's input; ``None``: nothing was done.
        """
        node = self._nodes[index]
        framer = node.framer
        if (
            node.state is not _BUSY
            or len(self._tasks.ready) <= 1
            or self.waiting.to_reassign
            or type(framer) is not ResultFramer
        ):
            return None
        lines = framer.whole(data)
        if lines is None:
            return None
        received = len(lines)
        lines += self._result_end
        attempt = node.attempts[0]
        prefix = attempt.prefix
        if prefix:
            if is_too_much(prefix, lines):
                return None
            lines = render(prefix, lines)
        task_id, task = self._tasks.take()
        if self._exchanged:
            self._exchanged(node, attempt, received, len(lines), task_id, task)
        node.answered += 1
        attempt.task_id, attempt.task = task_id, task
        if prefix:
            attempt.prefix = self._outlet.prefixes.make(node.name, task_id, node.pid, task)
        return lines, task + NEWLINE

    # Events of nodes

    def node_started(self, node: Node) -> None:
        """Record that a node takes tasks."""
        self.windows.node_started(node)
        heappush(self.idle, node.index)

    def node_ended(self, node: Node) -> None:
        """Record that a node has ended and holds no task any more."""
        self.windows.node_ended(node)
        self.holding -= bool(node.attempts)
        node.attempts.clear()

    def node_died(self, node: Node, *, idle: bool) -> None:
        """Record that a node is dead, and whether it held no task."""
        if idle:
            self.dead_among_idle += 1
            self._forget_dead_among_idle()
        node.died = True

    def node_drained(self, node: Node) -> None:
        """Record that a living node is given no further task."""
        self.living -= 1
        self.windows.node_ended(node)
        if node.state is _IDLE:
            self.idle = sorted({*self.idle} - {node.index})
            if self.dead_among_idle:
                self._forget_dead_among_idle()

    def task_done(self, node: Node) -> None:
        """Record that a node has done its head: the next task is its head, or it is idle."""
        attempts = node.attempts
        attempts.popleft()
        if attempts:
            self._outlet.begun(node, attempts[0])
            return
        self.holding -= 1
        if node.state is _BUSY:
            node.step(_ALL_DONE)
            heappush(self.idle, node.index)
            self.windows.not_full.discard(node.index)

    def tasks_answered(self, node: Node, count: int) -> bool:
        """Record that a node did ``count`` tasks; return whether others can be dispatched now."""
        if count:
            self.windows.tasks_answered(node, count)
            if node.state is _BUSY:
                # Something may have waited for this node's task, while others are idle.
                return self.windows.should_refill(node) or bool(self.idle)
        return node.state is _IDLE or (node.state is _DRAINING and bool(self.idle))

    def take_back_queued(self, node: Node) -> None:
        """Take back the tasks that a node was not working on, in their order (PRE-030)."""
        attempts = node.attempts
        while len(attempts) > 1:
            self.waiting.reassign(attempts.pop())

    # The state of the run

    def has_waiting(self) -> bool:
        """Return whether tasks wait for a node; one for other nodes than the idle ones does not."""
        waiting = self.waiting
        now = waiting.to_reassign or self._tasks.ready
        return bool(now or (waiting.retries.waiting and not self.idle))

    def wants_tasks(self) -> bool:
        """Return whether more of the input is needed, now that no task waits."""
        return bool(
            self.idle
            or self.windows.not_full
            or not self.living
            or self._tasks.needs_whole_input
            or self.looks_ahead()
        )

    def looks_ahead(self) -> bool:
        """Return whether more of the input is needed although tasks wait (PRE-042)."""
        return self.windows.wants_more_to_wait(len(self._tasks.ready), self.living)

    def is_over(self) -> bool:
        """Return whether no task will ever be dispatched again, if no more input comes."""
        if self.waiting.count_reassigned() or self._tasks.ready or not self._tasks.is_exhausted():
            return False  # some wait for tasks that are being worked on
        return not self._may_repeat or not self.holding

    def pop_idle(self) -> Iterator[Node]:
        """Yield the idle nodes, and give them no task any more."""
        while self.idle:
            node = self._nodes[heappop(self.idle)]
            if node.state is _IDLE:
                yield node

    # Dispatch

    def dispatch(self) -> None:
        """Give tasks to nodes, until no task waits or no node takes one.

        Raises:
            LostNodeError: it is the turn of a node that has ended.
            RefusedTaskError: it is the turn of a task that no calculator can be given.
        """
        waiting, tasks, throttle = self.waiting, self._tasks, self.throttle
        if (retries := waiting.retries).waiting:
            while not throttle.is_waiting and (choice := retries.choose(self.idle)):
                self._give_one(*choice)
        if self.windows.are_wide and not throttle.delays:
            self.dispatch_several()
            return
        while self.idle and (waiting.to_reassign or (tasks.ready and waiting.left)):
            if throttle.is_waiting:
                return
            self.dispatch_next()

    def dispatch_next(self) -> None:
        """Give the next task to the next idle node."""
        node = self._nodes[self.idle[0]]
        if node.state in (_ENDED, _REAPED):
            raise LostNodeError(node)  # the task was not dispatched
        waiting = self.waiting
        if waiting.to_reassign:
            task_id, task = waiting.to_reassign.pop()
        else:
            task_id, task = self._tasks.take()
            waiting.left -= 1
        heappop(self.idle)
        self._give_one(node, task_id, task)

    def _give_one(self, node: Node, task_id: int, task: bytes) -> None:
        """Send a task to a node that was idle."""
        node.step(_DISPATCH)
        self.holding += 1
        if self.dead_among_idle:
            self._forget_dead_among_idle()
        prefix = self._outlet.prefixes.make(node.name, task_id, node.pid, task)
        attempt = Attempt(task_id, task, prefix)
        node.attempts.append(attempt)
        self._outlet.begun(node, attempt)
        self._wire.send(node, task)
        if self.windows.are_wide:
            self.windows.tasks_sent(node, 1, len(task) + 1)
        if self.throttle.delays:
            self.throttle.begun()

    def dispatch_several(self) -> None:
        """Give waiting tasks to nodes, several per node if enough wait (PRE-011)."""
        while waiting := self.waiting.count():
            if waiting <= len(self.idle):
                # One per node (PRE-012), without a look at all the other nodes.
                self.give(self._nodes[self.idle[0]], 1)
                heappop(self.idle)
                if self.dead_among_idle:
                    self._forget_dead_among_idle()
            elif not self._give_shares(waiting):
                return

    def _give_shares(self, waiting: int) -> bool:
        """Share out the tasks that wait; return whether others wait that there is room for."""
        if self.dead_among_idle:
            self._forget_dead_among_idle(thoroughly=True)
        indices = sorted({*self.idle, *self.windows.not_full})
        if not indices:
            return False
        shares = self.windows.divide(indices, waiting, self.living)
        try:
            for index, count in zip(indices, shares, strict=True):
                if count and not self.give(self._nodes[index], count):
                    return True  # its tasks were the last of one sort, and there may be others
        finally:
            self.idle = [index for index in self.idle if not self._nodes[index].attempts]
            heapify(self.idle)
        return sum(shares) >= waiting

    def give(self, node: Node, count: int) -> bool:
        """Send a node ``count`` of the tasks that wait; return whether there were as many."""
        if node.state is _ENDED or node.state is _REAPED:
            raise LostNodeError(node)
        tasks, are_new = self.waiting.take_several(count)
        if are_new:
            self.windows.tasks_taken(tasks)
        attempts = node.attempts
        was_idle = not attempts
        prefixes = self._outlet.prefixes
        if prefixes.are_empty:
            attempts.extend([Attempt(task_id, task, b"") for task_id, task in tasks])
        else:
            make, name, pid = prefixes.make, node.name, node.pid
            attempts.extend(
                [Attempt(task_id, task, make(name, task_id, pid, task)) for task_id, task in tasks]
            )
        node.step(_DISPATCH)
        if was_idle:
            self.holding += 1
            self._outlet.begun(node, attempts[0])
        size = self._wire.send_several(node, tasks)
        self.windows.tasks_sent(node, len(tasks), size)
        return len(tasks) == count

    def _forget_dead_among_idle(self, *, thoroughly: bool = False) -> None:
        """See to it that the next of the idle nodes is a living one, and not twice in the heap."""
        nodes = self._nodes
        if self.dead_among_idle * 2 > len(self.idle) or thoroughly:
            self.idle = sorted({index for index in self.idle if nodes[index].state is _IDLE})
            self.dead_among_idle = 0
        while self.idle and nodes[self.idle[0]].state is not _IDLE:
            heappop(self.idle)
