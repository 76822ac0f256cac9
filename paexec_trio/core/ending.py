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
    Purpose,
    Report,
    SetDeadline,
)
from paexec_trio.core.faults import Blame, Fault
from paexec_trio.core.states import IllegalStepError, NodeState, Step

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from paexec_trio.core.accounts import Accounts
    from paexec_trio.core.events import (
        HoldingFailed,
        LogFailed,
        OutputClosed,
        OutputDrained,
        OutputFailed,
        StoringFailed,
    )
    from paexec_trio.core.nodes import Node
    from paexec_trio.core.outlets import Outlet
    from paexec_trio.core.reporting import Reporter
    from paexec_trio.core.settings import Settings

SIGPIPE = 13
"""The signal that ends a program without a reader (END-020); the same on every system."""


class Phase(IntEnum):
    """How far a run is."""

    RUNNING = 1
    """Tasks may come."""
    FINISHING = 2
    """Every task is done; the calculators are to end by themselves."""
    STOPPING = 3
    """The run failed or somebody stopped it; the calculators are being ended."""
    DRAINING = 4
    """No node is left; the rest of the output is being written."""
    OVER = 5
    """The exit is decided."""


class Turn(IntEnum):
    """A step of a run from one phase to the next."""

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

_OPEN = (NodeState.CONNECTING, NodeState.IDLE, NodeState.BUSY, NodeState.DRAINING)
_CLOSING = NodeState.CLOSING
_NOT_THERE = (NodeState.NEW, NodeState.REAPED)


@final
class Ending:
    """Keeps the phase and the exit status of the run, and closes all inputs when it is stopped.

    Args:
        settings: hold the grace periods.
        nodes: all nodes, by their indices.
        accounts: are told that no task is run any more, when the run is stopped.
        outlet: is muted when its output cannot be printed.
        reporter: reports why the output cannot be written.
        commands: the list that all parts of the engine share.

    Attributes:
        phase: how far the run is.
        fault: the first fault that keeps the run from going on, or that makes results doubtful.
        had_error: whether something failed that is neither a task nor a node (ACC-024).
    """

    def __init__(
        self,
        settings: Settings,
        nodes: Sequence[Node],
        accounts: Accounts,
        outlet: Outlet,
        reporter: Reporter,
        commands: list[Command],
    ) -> None:
        self._settings = settings
        self._nodes = nodes
        self._accounts = accounts
        self._outlet = outlet
        self._reporter = reporter
        self._commands = commands
        self.phase = Phase.RUNNING
        self.fault: Fault | None = None
        self.had_error = False
        self._outcome = Exit()
        self._drain_grace = settings.graces.drain
        self._output_broken = False
        # How the nodes have ended, for people.
        self._ends: dict[int, bytes] = {}
        # The input of this node may still be open when those of all before it are closed.
        self._first_open = 0
        # Something may be left of this node when nothing is left of all before it: see `settle`.
        self._first_left = 0

    def _turn(self, turn: Turn) -> None:
        try:
            self.phase = TURNS[self.phase, turn]
        except KeyError:
            raise IllegalStepError(self.phase, turn) from None
        self._outlet.phase_changed(self.phase)

    # The exit of the run

    @property
    def is_successful(self) -> bool:
        """Whether the run will exit with status 0, as far as is known."""
        return self._outcome == Exit()

    def note_failure(self, *, is_error: bool = True) -> None:
        """Let the run exit with status 1 in the end, unless a stop has decided how it exits.

        Args:
            is_error: whether something else than a task failed.
        """
        self.had_error |= is_error
        if self.phase is not Phase.STOPPING:
            self._outcome = Exit(status=1)

    def fail(self, diagnostic: bytes, blame: Blame, node: int = -1) -> None:
        """Report why the run cannot go on, and stop it.

        Args:
            diagnostic: what happened.
            blame: the party at fault.
            node: the index of the node that the fault is about, or -1.
        """
        self._commands.append(Report(diagnostic))
        self.blame(blame, diagnostic, node)
        self.stop(Exit(status=1), is_error=blame is not Blame.NODES)

    def blame(self, blame: Blame, reason: bytes, node: int = -1) -> None:
        """Record a fault, unless there was one before."""
        if self.fault is None:
            self.fault = Fault(blame, reason, node)
            if node in self._ends:
                self.explain(node, self._ends[node])

    def explain(self, node: int, reason: bytes) -> None:
        """Record how a node has ended; add it to a fault of that node."""
        self._ends[node] = reason
        fault = self.fault
        if fault and fault.node == node:
            self.fault = fault._replace(reason=fault.reason + b": " + reason)

    def stop(self, outcome: Exit, *, is_error: bool | None = None) -> None:
        """End all nodes; what they still print is passed on. The first cause decides the exit.

        Args:
            outcome: how the run exits.
            is_error: whether something else than a task or a node failed; by default, whether the
                outcome is a status other than 0.
        """
        self.had_error |= outcome.status != 0 if is_error is None else is_error
        if self.phase is Phase.STOPPING:
            return
        self._outcome = outcome
        if self.phase is Phase.DRAINING:
            self._exit()
            return
        self._turn(Turn.STOP)
        self._accounts.is_stopping = True
        self._accounts.drop_waiting(are_wanted=not self._accounts.halted)
        for node in self._nodes:
            if node.state in _OPEN:
                self.close(node)
            elif node.state is NodeState.HALF_CLOSED:
                node.step(Step.CLOSE)  # its input is closed already
        self._set_deadline(Purpose.TERMINATE, self._settings.graces.stop)

    def hurry(self, signal: int) -> None:
        """Wait less long for somebody to take the output; exit by a signal (END-030)."""
        self._drain_grace = self._settings.graces.stop
        if not self._outcome.signal:
            self._outcome = Exit(signal=signal)  # though a failure came first

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
        name = self._settings.accounting.output
        if name:
            self._reporter.report(b"writing the output '%b' failed: %b", name, event.reason)
        else:
            self._reporter.report(b"writing to standard output failed: %b", event.reason)
        self.stop(Exit(status=1))
        return True

    def _break_output(self) -> None:
        self._output_broken = self._outlet.is_muted = True

    def log_failed(self, event: LogFailed) -> bool:
        """Stop the run, because its attempts cannot be logged (ACC-041)."""
        self._reporter.report(event.reason)
        self.stop(Exit(status=1))
        return True

    def holding_failed(self, event: HoldingFailed) -> bool:
        """Stop the run, because results cannot be held; print the complete ones."""
        if not self._outlet.is_muted:
            self._reporter.report(b"holding lines back failed: " + event.reason)
            # Groups that are whole are still good; one that could lack something is not printed.
            self._outlet.flush()
            self._outlet.is_muted = True
            self.stop(Exit(status=1))
        return True

    def storing_failed(self, event: StoringFailed) -> bool:
        """Stop the run, because results cannot be stored (PTK-060)."""
        self._reporter.report(b"storing results failed: " + event.reason)
        if self.phase is Phase.RUNNING:
            self.stop(Exit(status=1))
        else:
            self.note_failure()
        return True

    def output_drained(self, _event: OutputDrained) -> bool:
        """Exit: all output is written."""
        self._exit()
        return True

    def give_up_output(self) -> None:
        """Exit, since nobody takes the output that is left."""
        if self.phase is Phase.DRAINING:
            self._outlet.is_muted = True
            self._exit()

    # The inputs of nodes

    def close(self, node: Node) -> None:
        """Close the input of a node, so that its calculator ends, whether or not it has begun."""
        if node.state is NodeState.CONNECTING:
            node.step(Step.GREET)
        node.step(Step.CLOSE)
        self._commands.append(CloseStdin(node.index))

    def close_inputs(self, idle: Iterable[Node]) -> bool:
        """Close the inputs of idle nodes for good; return whether no input is open any more."""
        for node in idle:
            self.close(node)
        nodes = self._nodes
        # No node gets an open input any more, so none is looked at again.
        while self._first_open < len(nodes) and nodes[self._first_open].state >= _CLOSING:
            self._first_open += 1
        return self._first_open == len(nodes)

    def stop_late_starter(self, node: Node) -> None:
        """End a node whose start was under way when the run was stopped."""
        self.close(node)
        self._set_deadline(Purpose.TERMINATE, self._settings.graces.stop)

    def _set_deadline(self, purpose: Purpose, seconds: float) -> None:
        self._commands.append(SetDeadline(Deadline(purpose), seconds))
