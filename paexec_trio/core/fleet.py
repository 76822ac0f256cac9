"""The fleet: what follows when nodes have started, end, die and are reaped."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, final

from paexec_trio.core.accounts import LOST, NOT_FINISHED, TIME_LIMIT
from paexec_trio.core.commands import Change, CloseStdin, Command
from paexec_trio.core.ending import Ending, Phase
from paexec_trio.core.faults import Blame
from paexec_trio.core.states import NodeState, Step
from paexec_trio.core.status import Status
from paexec_trio.core.suspicion import end_of, in_vain, should_report
from paexec_trio.core.visible import diagnostic

if TYPE_CHECKING:
    from collections.abc import Sequence

    from paexec_trio.core.accounts import Accounts
    from paexec_trio.core.dispatching import Dispatcher
    from paexec_trio.core.events import (
        DrainRequested,
        NodeEnded,
        NodeNotStarted,
        NodeReaped,
        NodeStarted,
        NodeUnwritable,
    )
    from paexec_trio.core.nodes import Attempt, Node
    from paexec_trio.core.outlets import Outlet
    from paexec_trio.core.reporting import Reporter
    from paexec_trio.core.settings import Reassign, Settings
    from paexec_trio.core.starting import Starter
    from paexec_trio.core.tasks import TaskSource
    from paexec_trio.core.terminating import Terminator
    from paexec_trio.core.wire import Wire

_BUSY, _HALF_CLOSED, _CLOSING = NodeState.BUSY, NodeState.HALF_CLOSED, NodeState.CLOSING
_CONNECTING, _IDLE, _DRAINING = NodeState.CONNECTING, NodeState.IDLE, NodeState.DRAINING
_OPEN = {_CONNECTING, _IDLE, _BUSY, _DRAINING}
_ENDED, _REAPED = NodeState.ENDED, NodeState.REAPED


@final
class Fleet:
    """Follows the life of each node to its end.

    Args:
        settings: decide whether the run goes on when nodes die.
        nodes: all nodes, by their indices.
        tasks: are told which tasks failed with their nodes.
        accounts: decide whether a task is tried again.
        dispatcher: is told which nodes take tasks.
        starter: starts nodes.
        outlet: is told which attempts failed.
        wire: is told which processes there are.
        ending: ends the run if it cannot go on.
        terminator: ends dead nodes.
        reporter: reports nodes that cannot be started.
        commands: the list that all parts of the engine share.
    """

    def __init__(
        self,
        settings: Settings,
        nodes: Sequence[Node],
        tasks: TaskSource,
        accounts: Accounts,
        dispatcher: Dispatcher,
        starter: Starter,
        outlet: Outlet,
        wire: Wire,
        ending: Ending,
        terminator: Terminator,
        reporter: Reporter,
        commands: list[Command],
    ) -> None:
        self._settings = settings
        self._nodes = nodes
        self._tasks = tasks
        self._accounts = accounts
        self._dispatcher = dispatcher
        self._starter = starter
        self._outlet = outlet
        self._wire = wire
        self._ending = ending
        self._terminator = terminator
        self._reporter = reporter
        self._commands = commands
        self._reported_start_failures: set[bytes] = set()
        # Whether no node was ever started, and none can be expected to be (RST-030).
        self._is_hopeless = True
        # The node whose loss ends the run, and the attempt that it was working on.
        self._fatal_loss: tuple[Node, Attempt] | None = None

    # Starts

    def started(self, event: NodeStarted) -> bool:
        """Record that the process of a node runs; start the next node."""
        node = self._nodes[event.node]
        will_greet = self._settings.silence.is_wrapped
        node.begin_life(event.pid, will_greet=will_greet)
        self._is_hopeless = False
        self._outlet.node_changed(node, Change.STARTED)
        is_drained = node.index in self._starter.drained
        if not (is_drained or will_greet):
            self._dispatcher.node_started(node)
        if self._ending.phase is Phase.STOPPING:
            self._ending.stop_late_starter(node)
            return True
        self._wire.connect(node)
        if is_drained:
            self._ending.close(node)
        self._starter.start_next()
        return True

    def greeted(self, node: Node) -> None:
        """Record that the calculator of a node begins: it takes tasks (SIL-040)."""
        if node.state is _CONNECTING:
            node.step(Step.GREET)
            self._dispatcher.node_started(node)

    def not_started(self, event: NodeNotStarted) -> bool:
        """Record that the process of a node cannot be started: the node is dead, or the run is."""
        node = self._nodes[event.node]
        node.step(Step.NOT_STARTED)
        self._outlet.node_changed(node, Change.NOT_STARTED, event.reason)
        if self._ending.phase is Phase.STOPPING:
            return True
        if self._settings.on_death is None:
            self._ending.fail(self._reporter.text(event.reason), Blame.NODES)
            return True
        if event.reason not in self._reported_start_failures:
            self._reported_start_failures.add(event.reason)
            self._reporter.report(event.reason)
        self._is_hopeless &= event.permanent
        self._dispatcher.living -= node.index not in self._starter.drained
        node.record.fruitless += 1
        self._report_vain_lives(node, event.reason)
        self._starter.gone(node)
        self._starter.start_next()
        return True

    # Ends

    def unwritable(self, event: NodeUnwritable) -> bool:
        """Record that a node reads no more; let it finish its head if it got that whole."""
        node = self._nodes[event.node]
        if self._settings.on_death and self._wire.queued_octets(node) >= event.unsent > 0:
            self.half_close(node)
        elif node.state in _OPEN:
            text = b"Sending task to the node failed: " + event.reason
            self.end(node, self._reporter.text(text))
        return True

    def half_close(self, node: Node) -> None:
        """Let a node finish its head; it is dead then (PRE-033)."""
        node.step(Step.HALF_CLOSE)
        node.took_back_tasks = True
        self._dispatcher.windows.node_ended(node)
        self._commands.append(CloseStdin(node.index))
        self._dispatcher.take_back_queued(node)

    def ended(self, event: NodeEnded) -> bool:
        """Record that no result can come from a node any more."""
        node = self._nodes[event.node]
        node.exited = event.exited
        if node.state is not _ENDED:
            self.end(node, _exited_unexpectedly(node))
        if event.exited:
            self._terminator.calculator_exited()
        return True

    def drain(self, event: DrainRequested) -> bool:
        """Let a node take no more tasks, and end when it has done those that it holds.

        It is not restarted either. A node that has not started yet is started, and ends at once.
        """
        node = self._nodes[event.node]
        # All tasks are done if the input of another node is closed already.
        is_late = node.state is _CLOSING or self._ending.phase is not Phase.RUNNING
        if is_late or node.index in self._starter.drained:
            return False
        self._starter.drain(node)
        if node.state < _CLOSING:
            self._dispatcher.node_drained(node)
        if node.state is _IDLE or node.state is _CONNECTING:
            self._ending.close(node)
        elif node.state is _BUSY:
            node.step(Step.DRAIN)
        return True

    def end(self, node: Node, report: bytes, blame: Blame = Blame.NODES) -> None:
        """End the part of a node in the run; its processes may still be there.

        Args:
            node: the node.
            report: the diagnostic if the run cannot go on without the node.
            blame: the party at fault then.
        """
        before = node.state
        attempts = self._take_attempts(node)
        node.step(Step.END)
        self._dispatcher.node_ended(node)
        self._wire.disconnect(node)
        if before is not _CLOSING and before is not _HALF_CLOSED:
            self._commands.append(CloseStdin(node.index))
        for attempt in attempts:
            self._outlet.forget(attempt)
        if before is _CLOSING or not self._settings.on_death:
            for attempt in attempts:
                self._accounts.give_up(attempt, NOT_FINISHED if before is _CLOSING else LOST)
        if before is _CLOSING:
            return
        node.record.deaths += 1
        self._outlet.node_changed(node, Change.DIED)
        if self._settings.on_death:
            self.died(node, attempts, idle=before is _IDLE)
        elif before is _CONNECTING:
            self._dispatcher.node_started(node)  # it is lost if it is needed, as one that is idle
        elif before is _BUSY or before is _DRAINING:
            self._fatal_loss = node, attempts[0]
            self._ending.fail(report, blame, node.index)

    def _take_attempts(self, node: Node) -> list[Attempt]:
        """Take back the queued tasks of a node that has ended; return its other attempts."""
        self._dispatcher.take_back_queued(node)
        return list(node.attempts)

    def exceed(self, node: Node) -> None:
        """End a node whose calculator has worked on a task for too long (ACC-050)."""
        before = node.state
        (attempt,) = self._take_attempts(node)
        node.step(Step.END)
        self._dispatcher.node_ended(node)
        self._wire.disconnect(node)
        if before is not _HALF_CLOSED:
            self._commands.append(CloseStdin(node.index))
        self._outlet.forget(attempt)
        node.record.deaths += 1
        self._outlet.node_changed(node, Change.DIED)
        self._dispatcher.node_died(node, idle=False)
        if node.index not in self._starter.drained:
            self._dispatcher.living -= 1
            self._starter.reviving.add(node.index)
        self._fail(node, attempt, TIME_LIMIT)
        self._terminator.end_now(node)

    def lose(self, node: Node) -> None:
        """End the run because of a node that ended before it was needed (END-011)."""
        self._ending.fail(_exited_unexpectedly(node), Blame.NODES, node.index)

    def died(self, node: Node, attempts: Sequence[Attempt], *, idle: bool) -> None:
        """Let others do the tasks of a dead node (the chapter Death of the spec).

        Args:
            node: the node.
            attempts: those that it held.
            idle: whether it could have been given a task.
        """
        record = node.record
        record.fruitless = 0 if node.answered else record.fruitless + 1
        self._dispatcher.node_died(node, idle=idle)
        self._dispatcher.living -= node.index not in self._starter.drained
        for attempt in attempts:
            self._fail(node, attempt, LOST)
        self._terminator.node_died(node)

    def _fail(self, node: Node, attempt: Attempt, reason: bytes) -> None:
        """Have another attempt made of a task that has no result, or let it fail (ACC-004)."""
        if self._accounts.fails(node, attempt, reason):
            if self._accounts.is_poisonous(attempt.task_id):
                self._reporter.report(
                    b"task %d '%b' was running on five nodes that died; --crash-limit N would "
                    b"give it up",
                    attempt.task_id,
                    attempt.task,
                )
            self.give_up(attempt, reason)
            return
        attempt.status = Status.FAILURE
        dropped = self._tasks.done(attempt.task_id, Status.FAILURE)
        self._outlet.no_result(node, attempt, dropped, reason)

    def give_up(self, attempt: Attempt, reason: bytes) -> None:
        """Give up an attempt that failed, and have another one made (DTH-020, DTH-022)."""
        self._outlet.given_up(attempt, reason)
        self._dispatcher.waiting.reassign(attempt)

    def all_failed(self) -> None:
        """End the run if it has no living node and waits for none to be restarted."""
        # Upstream's words, without the program's name.
        on_death: Reassign | None = self._settings.on_death
        if self._starter.reviving:
            return
        if len(self._starter.drained) == len(self._nodes):
            self._ending.fail(b"all nodes were drained", Blame.NODES)
        elif on_death and not on_death.wait:
            self._ending.fail(b"all nodes failed", Blame.NODES)
        elif self._is_hopeless:
            text = b"all nodes failed: none of them can be started"  # RST-030
            self._ending.fail(text, Blame.NODES)

    def reaped(self, event: NodeReaped) -> bool:
        """Record that nothing is left of a node, or that it was left."""
        node = self._nodes[event.node]
        node.step(Step.REAP)
        how = end_of(event.status)
        self._outlet.node_changed(node, Change.ENDED, how)
        self._ending.explain(node.index, how)
        if self._fatal_loss and self._fatal_loss[0] is node:
            self._accounts.explain_loss(self._fatal_loss[1], how)
        if event.left_running:
            self._reporter.report(b"node %b: process %d does not end; left", node.name, node.pid)
        is_revived = node.index in self._starter.reviving
        if node.died and not node.answered and not is_revived:
            self._report_vain_lives(node, how)
        if self._ending.phase is Phase.RUNNING:
            if is_revived:
                self._starter.revive(node)
            elif node.died:
                self._starter.gone(node)
        return True

    def _report_vain_lives(self, node: Node, last: bytes) -> None:
        """Report now and then that a node only ever dies (RST-031)."""
        on_death = self._settings.on_death
        if not on_death or not on_death.restart_after or self._ending.phase is not Phase.RUNNING:
            return
        if should_report(node.record.fruitless):
            self._reporter.report(in_vain(node, last, on_death.restart_after))

    def wind_down(self) -> bool:
        """Close the inputs of idle nodes for good; return whether no input is open any more."""
        self._starter.wind_down()
        connecting: list[Node] = []
        if self._settings.silence.is_wrapped:
            connecting = [node for node in self._nodes if node.state is _CONNECTING]
        return self._ending.close_inputs(chain(self._dispatcher.pop_idle(), connecting))


def _exited_unexpectedly(node: Node) -> bytes:
    # Upstream prints this message without the program's name.
    return diagnostic(b"Node %b exited unexpectedly", node.name)
