"""Ending: how a run comes to its end (the chapter Ends of the spec)."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, final

from paexec_trio.core.commands import (
    CloseStdin,
    Command,
    Deadline,
    DrainOutput,
    Exit,
    KillNode,
    LeaveNode,
    Purpose,
    Report,
    SetDeadline,
)
from paexec_trio.core.states import IllegalStepError, NodeState, Step

if TYPE_CHECKING:
    from collections.abc import Sequence

    from paexec_trio.core.events import (
        HoldingFailed,
        OutputClosed,
        OutputDrained,
        OutputFailed,
        StopRequested,
    )
    from paexec_trio.core.nodes import Node
    from paexec_trio.core.outlets import Outlet
    from paexec_trio.core.reporting import Reporter
    from paexec_trio.core.settings import Settings
    from paexec_trio.core.tasks import TaskSource

SIGPIPE = 13
"""The signal by which a program ends whose reader went away (END-020); the same on every system."""


class Phase(IntEnum):
    """How far a run is."""

    RUNNING = 1
    """Tasks may come."""
    FINISHING = 2
    """Every task is done; the calculators are to end by themselves."""
    STOPPING = 3
    """The run failed or somebody stopped it; the calculators are being ended."""
    DRAINING = 4
    """No node is left; what was printed is still being written."""
    OVER = 5
    """The exit is decided."""


class Turn(IntEnum):
    """What moves a run from one phase to the next."""

    FINISH = 1
    STOP = 2
    DRAIN = 3
    EXIT = 4


TURNS: dict[tuple[Phase, Turn], Phase] = {
    (Phase.RUNNING, Turn.FINISH): Phase.FINISHING,
    (Phase.RUNNING, Turn.STOP): Phase.STOPPING,
    (Phase.FINISHING, Turn.STOP): Phase.STOPPING,
    (Phase.FINISHING, Turn.DRAIN): Phase.DRAINING,
    (Phase.STOPPING, Turn.DRAIN): Phase.DRAINING,
    # The output of a run that is stopped may not be wanted any more.
    (Phase.STOPPING, Turn.EXIT): Phase.OVER,
    (Phase.DRAINING, Turn.EXIT): Phase.OVER,
}
"""Every legal turn of a run; any other is a bug of the runtime or the engine."""

_CLOSING, _ENDED = NodeState.CLOSING, NodeState.ENDED
_NOT_THERE = (NodeState.NEW, NodeState.REAPED)


@final
class Ending:
    """Knows how far the run is and how it will exit; ends the nodes when it is stopped.

    Args:
        settings: hold the grace periods.
        nodes: all nodes, by their indices.
        tasks: are dropped when the run is stopped.
        outlet: is muted when nobody takes its output.
        reporter: reports who does not end.
        commands: the list that all parts of the engine share.

    Attributes:
        phase: how far the run is.
    """

    def __init__(
        self,
        settings: Settings,
        nodes: Sequence[Node],
        tasks: TaskSource,
        outlet: Outlet,
        reporter: Reporter,
        commands: list[Command],
    ) -> None:
        self._settings = settings
        self._nodes = nodes
        self._tasks = tasks
        self._outlet = outlet
        self._reporter = reporter
        self._commands = commands
        self.phase = Phase.RUNNING
        self._outcome = Exit()
        self._drain_grace = settings.graces.drain
        self._was_noticed = False
        self._is_terminating = False
        self._is_killing = False
        self._output_broken = False
        # Something may be left of this node when nothing is left of all before it: see `settle`.
        self._first_left = 0

    def _turn(self, turn: Turn) -> None:
        try:
            self.phase = TURNS[self.phase, turn]
        except KeyError:
            raise IllegalStepError(self.phase, turn) from None

    # What decides how the run exits

    @property
    def is_successful(self) -> bool:
        """Whether the run will exit with status 0, as far as is known."""
        return self._outcome == Exit()

    def note_failure(self) -> None:
        """Let the run exit with status 1 in the end, unless a stop has decided how it exits."""
        if self.phase is not Phase.STOPPING:
            self._outcome = Exit(status=1)

    def fail(self, diagnostic: bytes) -> None:
        """Report why the run cannot go on, and stop it."""
        self._commands.append(Report(diagnostic))
        self.stop(Exit(status=1))

    def stop(self, outcome: Exit) -> None:
        """End all nodes; what they still print is passed on. The first cause decides the exit."""
        if self.phase is Phase.STOPPING:
            return
        self._outcome = outcome
        if self.phase is Phase.DRAINING:
            self._exit()
            return
        self._turn(Turn.STOP)
        self._tasks.abandon()
        for node in self._nodes:
            if node.state is NodeState.IDLE or node.state is NodeState.BUSY:
                self.close(node)
            elif node.state is NodeState.HALF_CLOSED:
                node.step(Step.CLOSE)  # its input is closed already
        self._set_deadline(Purpose.TERMINATE, self._settings.graces.stop)

    def stop_requested(self, event: StopRequested) -> bool:
        """Stop the run; kill its nodes if it is being stopped already."""
        if self.phase is Phase.STOPPING:
            self.kill()  # somebody is impatient
            self._drain_grace = self._settings.graces.stop
            if not self._outcome.signal:
                self._outcome = Exit(signal=event.signal)  # END-030, though a failure came first
        else:
            self.stop(Exit(signal=event.signal))
        return True

    def finish(self) -> None:
        """Wait for the calculators, now that all tasks are done and each input is closed."""
        self._turn(Turn.FINISH)
        self._set_deadline(Purpose.NOTICE, self._settings.graces.finish_notice)
        if self._settings.finish_timeout:
            self._set_deadline(Purpose.TERMINATE, self._settings.finish_timeout)

    def settle(self) -> None:
        """Drain the output and exit, as soon as nothing is left of any node."""
        if self.phase is not Phase.FINISHING and self.phase is not Phase.STOPPING:
            return
        nodes = self._nodes
        # None of these nodes is started any more, so none is looked at again.
        while self._first_left < len(nodes) and nodes[self._first_left].state in _NOT_THERE:
            self._first_left += 1
        if self._first_left < len(nodes):
            return
        self._outlet.flush()
        if self._output_broken or (self._outcome.signal and not self._outlet.holds_output):
            self._exit()
            return
        if self._outcome.signal:
            self._set_deadline(Purpose.GIVE_UP, self._drain_grace)  # GRP-024, GRP-025
        self._turn(Turn.DRAIN)
        self._commands.append(DrainOutput())

    def _exit(self) -> None:
        self._turn(Turn.EXIT)
        self._commands.append(self._outcome)

    # Standard output

    def output_closed(self, _event: OutputClosed) -> bool:
        """Stop the run, by SIGPIPE: nobody reads its results."""
        self._break_output()
        self.stop(Exit(signal=SIGPIPE))
        return True

    def output_failed(self, event: OutputFailed) -> bool:
        """Stop the run, because its results cannot be written."""
        self._break_output()
        self._reporter.report(b"writing to standard output failed: " + event.reason)
        self.stop(Exit(status=1))
        return True

    def _break_output(self) -> None:
        self._output_broken = self._outlet.is_muted = True

    def holding_failed(self, event: HoldingFailed) -> bool:
        """Stop the run, because results cannot be held; print those that are complete."""
        if not self._outlet.is_muted:
            self._reporter.report(b"holding lines back failed: " + event.reason)
            # Groups that are whole are still good; one that could lack something is not printed.
            self._outlet.flush()
            self._outlet.is_muted = True
            self.stop(Exit(status=1))
        return True

    def output_drained(self, _event: OutputDrained) -> bool:
        """Exit: all output is written."""
        self._exit()
        return True

    def give_up_output(self) -> None:
        """Exit, since nobody takes the output that is left."""
        if self.phase is Phase.DRAINING:
            self._exit()

    # The end of nodes

    def close(self, node: Node) -> None:
        """Close the input of a node, so that its calculator ends."""
        node.step(Step.CLOSE)
        self._commands.append(CloseStdin(node.index))

    def stop_late_starter(self, node: Node) -> None:
        """End a node whose start was under way when the run was stopped."""
        self.close(node)
        self._set_deadline(Purpose.TERMINATE, self._settings.graces.stop)

    def calculator_exited(self) -> None:
        """Record that others may hold the output of a calculator that has exited (END-043)."""
        if self._was_noticed and self.phase is Phase.FINISHING:
            self._set_deadline(Purpose.NOTICE, self._settings.graces.finish_notice)

    def name_remaining(self) -> None:
        """Report which calculators have not ended yet (END-040), and stop waiting for others."""
        if self.phase is not Phase.FINISHING or self._is_terminating:
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

    def terminate(self) -> None:
        """Send SIGTERM to all nodes that are left, and SIGKILL if that does not help."""
        self._is_terminating = True
        self._is_killing = False
        remaining = self._remaining()
        if self.phase is Phase.FINISHING:
            for node in remaining:
                self._report_timeout(node)
        self._commands.extend(KillNode(node.index, force=False) for node in remaining)
        self._set_deadline(Purpose.KILL, self._settings.graces.term)

    def kill(self) -> None:
        """Send SIGKILL to all nodes that are left, and leave those that it does not end."""
        for node in self._remaining():
            node.killed = True
            self._commands.append(KillNode(node.index, force=True))
        if not self._is_killing:  # whoever is impatient again and again does not put it off
            self._is_killing = True
            self._set_deadline(Purpose.LEAVE, self._settings.graces.kill)

    def leave_killed(self) -> None:
        """Leave nodes that SIGKILL does not end; nodes that started meanwhile are waited for."""
        self._is_killing = False
        self._commands.extend(LeaveNode(n.index) for n in self._remaining() if n.killed)

    def _report_timeout(self, node: Node) -> None:
        """Report that ``--finish-timeout`` ends a node, and let the run fail (END-041)."""
        if node.exited:
            self._report_held_output(node)
            return
        self.note_failure()
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
        if self.phase is Phase.FINISHING:
            return [node for node in left if not node.died]
        return left

    def _set_deadline(self, purpose: Purpose, seconds: float) -> None:
        self._commands.append(SetDeadline(Deadline(purpose), seconds))
