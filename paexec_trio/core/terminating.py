"""Terminating: when SIGTERM and SIGKILL are sent to nodes, dead ones and those left at the end.

No other module of the core makes ``KillNode`` and ``LeaveNode``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from paexec_trio.core.commands import (
    Command,
    Deadline,
    Exit,
    KillNode,
    LeaveNode,
    Purpose,
    SetDeadline,
)
from paexec_trio.core.ending import Ending, Phase
from paexec_trio.core.states import NodeState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from paexec_trio.core.events import StopRequested
    from paexec_trio.core.nodes import Node
    from paexec_trio.core.reporting import Reporter
    from paexec_trio.core.settings import Settings

_CLOSING, _ENDED = NodeState.CLOSING, NodeState.ENDED


@final
class Terminator:
    """Ends dead nodes, each by its own deadline, and all remaining nodes at the end of the run.

    The steps are the same for each. Its input is closed already; SIGTERM follows, then SIGKILL. If
    its processes survive that, they are left.

    Args:
        settings: hold the grace periods.
        nodes: all nodes, by their indices.
        ending: knows how far the run is.
        reporter: reports nodes that do not end.
        commands: the list that all parts of the engine share.
    """

    def __init__(
        self,
        settings: Settings,
        nodes: Sequence[Node],
        ending: Ending,
        reporter: Reporter,
        commands: list[Command],
    ) -> None:
        self._settings = settings
        self._nodes = nodes
        self._ending = ending
        self._reporter = reporter
        self._commands = commands
        self._was_noticed = False
        self._is_terminating = False
        self._is_killing = False
        # The nodes that the end of the run has sent SIGKILL.
        self._killed: set[int] = set()

    # A dead node

    def node_died(self, node: Node) -> None:
        """Set the deadline for the next signal to a dead node (DTH-004)."""
        deadline = Deadline(Purpose.REAP, node.index)
        self._commands.append(SetDeadline(deadline, self._settings.graces.term))

    def end_now(self, node: Node) -> None:
        """Send a node SIGTERM at once that exceeds a time limit or is silent (ACC-050, SIL-002)."""
        self._commands.append(KillNode(node.index, force=False))
        node.signals_sent = 1
        self.node_died(node)

    def reap(self, index: int) -> None:
        """Send a dead node SIGTERM, the next time SIGKILL; then leave it."""
        node = self._nodes[index]
        if self._ending.phase is Phase.STOPPING:
            return  # a stop ends all nodes in its own time
        # A node whose input was closed at the end of the run has its own time (END-004); one that
        # was reaped meanwhile, and perhaps restarted, does not need it any more.
        if node.state is not _ENDED or not node.died:
            return
        if node.signals_sent == 2:
            self._commands.append(LeaveNode(index))
            return
        self._commands.append(KillNode(index, force=node.signals_sent == 1))
        node.signals_sent += 1
        self.node_died(node)

    # The end of the run

    def stop_requested(self, event: StopRequested) -> bool:
        """Stop the run; kill its nodes if it is being stopped already."""
        if self._ending.phase is Phase.STOPPING:
            self.kill()  # somebody is impatient
            self._ending.hurry(event.signal)
        else:
            self._ending.stop(Exit(signal=event.signal))
        return True

    def calculator_exited(self) -> None:
        """Record that others may hold the output of a calculator that has exited (END-043)."""
        if self._was_noticed and self._ending.phase is Phase.FINISHING:
            self._set_deadline(Purpose.NOTICE, self._settings.graces.finish_notice)

    def name_remaining(self) -> None:
        """Report which calculators have not ended yet (END-040), and stop waiting for others."""
        if self._ending.phase is not Phase.FINISHING or self._is_terminating:
            return
        is_first, self._was_noticed = not self._was_noticed, True
        timeout = self._settings.finish_timeout
        advice = b"--finish-timeout SECONDS would end it"
        if timeout:
            advice = b"--finish-timeout %g ends it" % timeout
        for node in self._remaining():
            if node.exited:
                self._report_held_output(node)
                self._commands.append(KillNode(node.index, force=True))
            elif is_first:
                self._reporter.report(
                    b"node %b has not ended %d seconds after the end of its input; %b",
                    node.name,
                    int(self._settings.graces.finish_notice),
                    advice,
                )

    def deadline_passed(self, deadline: Deadline) -> None:
        """Do what a deadline about the ends of nodes is for."""
        match deadline.purpose:
            case Purpose.TERMINATE:
                self.terminate()
            case Purpose.KILL:
                self.kill()
            case Purpose.LEAVE:
                self.leave_killed()
            case Purpose.NOTICE:
                self.name_remaining()
            case Purpose.REAP:
                self.reap(deadline.node)

    def terminate(self) -> None:
        """Send SIGTERM to all nodes that are left, and SIGKILL if that does not help."""
        self._is_terminating = True
        self._is_killing = False
        remaining = self._remaining()
        if self._ending.phase is Phase.FINISHING:
            for node in remaining:
                self._report_timeout(node)
        self._commands.extend(KillNode(node.index, force=False) for node in remaining)
        self._set_deadline(Purpose.KILL, self._settings.graces.term)

    def kill(self) -> None:
        """Send SIGKILL to all nodes that are left, and leave those that it does not end."""
        for node in self._remaining():
            self._killed.add(node.index)
            self._commands.append(KillNode(node.index, force=True))
        if not self._is_killing:  # further signals do not put it off
            self._is_killing = True
            self._set_deadline(Purpose.LEAVE, self._settings.graces.kill)

    def leave_killed(self) -> None:
        """Leave nodes that SIGKILL does not end; nodes that started meanwhile are waited for."""
        self._is_killing = False
        self._commands.extend(
            LeaveNode(n.index) for n in self._remaining() if n.index in self._killed
        )

    def _report_timeout(self, node: Node) -> None:
        """Report that ``--finish-timeout`` ends a node, and let the run fail (END-041)."""
        if node.exited:
            self._report_held_output(node)
            return
        self._ending.note_failure()
        self._reporter.report(
            b"node %b has not ended within %g seconds (--finish-timeout); killed",
            node.name,
            self._settings.finish_timeout,
        )

    def _report_held_output(self, node: Node) -> None:
        """Report that others hold the output of a calculator that has ended."""
        self._reporter.report(
            b"node %b has ended, but others hold its output; not waited for", node.name
        )

    def _remaining(self) -> list[Node]:
        """Return the nodes that are to end, but for dead ones that are ended in their own time."""
        left = [n for n in self._nodes if n.state is _CLOSING or n.state is _ENDED]
        if self._ending.phase is Phase.FINISHING:
            return [node for node in left if not node.died]
        return left

    def _set_deadline(self, purpose: Purpose, seconds: float) -> None:
        self._commands.append(SetDeadline(Deadline(purpose), seconds))
