"""Results: the output of calculators (the chapter Results of the spec)."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from paexec_trio.core.commands import Exit
from paexec_trio.core.ending import Ending, Phase
from paexec_trio.core.execmode import ExecFramer
from paexec_trio.core.faults import Blame
from paexec_trio.core.framing import LongLineError, ResultFramer
from paexec_trio.core.states import NodeState
from paexec_trio.core.status import Status, StatusWords
from paexec_trio.core.suspicion import discarded, ends_result, out_of_step, shifted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from paexec_trio.core.accounts import Accounts
    from paexec_trio.core.dispatching import Dispatcher
    from paexec_trio.core.events import NodeOutput
    from paexec_trio.core.execmode import ExecMode
    from paexec_trio.core.fleet import Fleet
    from paexec_trio.core.nodes import Attempt, Node
    from paexec_trio.core.outlets import Outlet
    from paexec_trio.core.reporting import Reporter
    from paexec_trio.core.settings import Settings
    from paexec_trio.core.tasks import TaskSource

_IDLE, _HALF_CLOSED, _ENDED = NodeState.IDLE, NodeState.HALF_CLOSED, NodeState.ENDED
_CLOSING, _DRAINING = NodeState.CLOSING, NodeState.DRAINING
_SUCCESS, _MISSING = Status.SUCCESS, Status.MISSING


@final
class Results:
    """Finds the task of each line that a node writes, and the end of each result.

    Args:
        settings: how results are framed, and which lines are a status.
        nodes: all nodes, by their indices.
        tasks: are told which tasks are done.
        accounts: are told which tasks failed, and decide whether they are tried again.
        dispatcher: is told which nodes have done a task.
        fleet: ends nodes that cannot be trusted.
        outlet: is given the lines.
        ending: is told when the run fails.
        reporter: reports octets that belong to no result.
        exec_mode: how a command is run per task; ``None`` if tasks are sent to calculators.
    """

    def __init__(
        self,
        settings: Settings,
        nodes: Sequence[Node],
        tasks: TaskSource,
        accounts: Accounts,
        dispatcher: Dispatcher,
        fleet: Fleet,
        outlet: Outlet,
        ending: Ending,
        reporter: Reporter,
        exec_mode: ExecMode | None,
    ) -> None:
        self._settings = settings
        self._nodes = nodes
        self._tasks = tasks
        self._accounts = accounts
        self._dispatcher = dispatcher
        self._fleet = fleet
        self._outlet = outlet
        self._ending = ending
        self._reporter = reporter
        # With -x the marker ties each result to its task, whatever else is written.
        self._can_shift = exec_mode is None
        self._runs_commands = exec_mode is not None
        graph = settings.graph
        self._status_words = StatusWords(graph.success, graph.failure) if graph else None
        # Whether nothing depends on which task of its node a whole result belongs to.
        watches = settings.accounting.watches_tasks or settings.accounting.log
        self._are_alike = outlet.is_plain and not (graph or exec_mode or watches)

    def take(self, event: NodeOutput) -> bool:
        """Take the output of a calculator; return whether anything may follow from it."""
        node = self._nodes[event.node]
        if node.state is _ENDED:
            return False  # the output of a process that outlived its calculator is no result
        if type(node.framer) is ExecFramer and node.framer.is_refusal(event.data):
            text = self._reporter.text(b"the shell of node %b cannot parse the command", node.name)
            self._ending.fail(text, Blame.CALLER)
            return True
        rest: bytes | None = event.data
        attempts = node.attempts
        held = len(attempts)
        while rest:
            if not attempts:
                self.take_stray_octets(node, rest)
                break
            framer = node.framer
            try:
                line, lines, rest = framer.feed(rest)
            except LongLineError:
                self.refuse_long_line(node)
                return True
            attempt = attempts[0]
            if self._status_words and (lines or line):
                attempt.status = self._status_words.status_of(lines or line)
            if framer.blank_lines_before:
                self._outlet.blank_lines(attempt, framer.blank_lines_before)
            if line:
                self._outlet.line(attempt, line)
            if lines:
                self._outlet.lines(attempt, lines)
            if rest is None:
                node.record.written_for = attempt.task_id
            else:
                self.done(node)
                if node.state is _ENDED:
                    return True
                if rest and len(attempts) > 1 and type(framer) is ResultFramer:
                    rest = self._take_several(node, framer, rest)
        if node.state is _ENDED or node.state is _CLOSING or self._accounts.halted:
            return True
        return self._dispatcher.tasks_answered(node, held - len(attempts))

    def _take_several(self, node: Node, framer: ResultFramer, data: bytes) -> bytes:
        """Take the results of several tasks; return the octets that follow on the last of them."""
        # All but one: the rest of the chunk is taken as if there were no prefetch.
        attempts = node.attempts
        results, rest = framer.cut(data, len(attempts) - 1)
        if self._are_alike:
            lines = b"".join(results)
            if lines:
                self._outlet.lines(attempts[0], lines)
            for _ in results:
                attempts.popleft()
            node.answered += len(results)
            return rest
        for lines in results:
            if lines:
                if self._status_words:
                    attempts[0].status = self._status_words.status_of(lines)
                self._outlet.lines(attempts[0], lines)
            self.done(node)
        return rest

    def done(self, node: Node) -> None:
        """Record that the head of a node is done: its EOT was read."""
        attempt = node.attempts[0]
        node.answered += 1
        # Each call less saves a hundredth of a task's processor time.
        reason = b""
        if self._status_words:
            if attempt.status is not _SUCCESS:
                reason = self._why_failed(node, attempt)
        elif self._runs_commands:
            reason = self._why_failed(node, attempt)
        if reason and self._accounts.fails(node, attempt, reason):
            self._outlet.forget(attempt)
            self._fleet.give_up(attempt, reason)
        else:
            if not reason and self._accounts.notes_successes:
                self._accounts.succeeds(attempt.task_id)
            dropped = self._tasks.done(attempt.task_id, attempt.status)
            if self._status_words and attempt.status is not _SUCCESS:
                self.failed(attempt, dropped)
            self._outlet.done(node, attempt)
        self._dispatcher.task_done(node)
        if node.state is _HALF_CLOSED:
            self._fleet.end(node, b"")
        elif node.state is _DRAINING and not node.attempts:
            self._ending.close(node)

    def _why_failed(self, node: Node, attempt: Attempt) -> bytes:
        """Return why an attempt failed; nothing if its command has the exit status 0."""
        framer = node.framer
        if type(framer) is ExecFramer:
            return b"exit status %d" % framer.exit_status if framer.exit_status else b""
        return b"no status" if attempt.status is _MISSING else b"status failure"

    def failed(self, attempt: Attempt, dropped: Sequence[bytes]) -> None:
        """Pass on that a task ended without success; without a status the run fails (GRA-050)."""
        self._outlet.failed(attempt, dropped)
        if attempt.status is _MISSING:
            text = self._reporter.text(
                b"task %d '%b' ended without a status; dependants dropped: %d",
                attempt.task_id,
                attempt.task,
                len(dropped),
            )
            self._reporter.report_bare([text])
            self._ending.blame(Blame.CALCULATOR, text)
            self._ending.note_failure(is_error=False)

    def refuse_long_line(self, node: Node) -> None:
        """End a node that writes a line without end (LIM-012, LIM-013)."""
        report = self._reporter.text(
            b"node %b wrote a line of more than %d octets (--line-limit)",
            node.name,
            self._settings.line_limit,
        )
        if self._settings.on_death:
            self._reporter.report_bare([report])
        self._fleet.end(node, report, Blame.CALCULATOR)

    def take_stray_octets(self, node: Node, octets: bytes) -> None:
        """Take octets that a node wrote while it held no task (RES-009, RES-033)."""
        # It may have done tasks that were taken back from it.
        if node.took_back_tasks:
            return
        if self._can_shift and node.state is _IDLE:
            self.out_of_step(node, octets)
            return
        if (
            self._can_shift
            and node.answered
            and self._ending.phase is not Phase.STOPPING
            and self._ending.is_successful
            and ends_result(node, octets, self._settings.eot)
        ):
            node.stray_octets_reported = True
            text = shifted(node, octets)
            self._reporter.report(text)
            self._ending.blame(Blame.CALCULATOR, text)
            self._ending.note_failure()  # RES-033
        if not node.stray_octets_reported:
            node.stray_octets_reported = True
            self._reporter.report(discarded(node, octets))

    def out_of_step(self, node: Node, octets: bytes) -> None:
        """Let a node do no further task, or stop the run (RES-030 to RES-032)."""
        node.stray_octets_reported = True
        text = out_of_step(node, octets)
        self._reporter.report(text)
        if not self._settings.on_death:
            self._ending.blame(Blame.CALCULATOR, text)
            self._ending.stop(Exit(status=1))
            return
        if node.answered:
            self._ending.blame(Blame.CALCULATOR, text)
            self._ending.note_failure()
        self._fleet.end(node, b"")
