"""The distributor itself: which task goes where, what is printed, when it is over."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from enum import Enum, auto
from heapq import heapify, heappop, heappush
from itertools import islice
from typing import Any, final

from paexec_trio.core.commands import (
    CloseStdin,
    Command,
    Deadline,
    Discard,
    DrainOutput,
    Exit,
    Hold,
    HoldLines,
    KillNode,
    LeaveNode,
    Purpose,
    ReadMore,
    Report,
    Send,
    SetDeadline,
    StartNode,
    Write,
    WriteLines,
)
from paexec_trio.core.events import (
    DeadlinePassed,
    Event,
    HoldingFailed,
    NodeEnded,
    NodeNotStarted,
    NodeOutput,
    NodeReaped,
    NodeStarted,
    NodeUnwritable,
    OutputClosed,
    OutputDrained,
    OutputFailed,
    RunStarted,
    StdinChunk,
    StdinEnded,
    StdinFailed,
    StopRequested,
    TimePassed,
)
from paexec_trio.core.exchange import Exchange
from paexec_trio.core.execmode import ExecFramer, call, preamble
from paexec_trio.core.framing import NEWLINE, NUL, LongLineError, ResultFramer
from paexec_trio.core.grouping import Grouping, Groups, OrderedGroups, UnorderedGroups
from paexec_trio.core.nodes import Attempt, Node
from paexec_trio.core.prefetch import Depths
from paexec_trio.core.rendering import LAZY_ABOVE, LazyLines, PrefixMaker, is_too_much, render
from paexec_trio.core.settings import (
    ExecSettings,
    Reassign,
    Settings,
)
from paexec_trio.core.states import NodeState, Step
from paexec_trio.core.status import Status, StatusWords
from paexec_trio.core.suspicion import (
    discarded,
    end_of,
    ends_result,
    in_vain,
    is_to_be_reported,
    out_of_step,
    shifted,
)
from paexec_trio.core.tasks import FlatTasks, GraphTasks, InputError, RefusedTaskError, TaskSource
from paexec_trio.core.visible import diagnostic

SIGPIPE = 13
"""The signal by which a program ends whose reader went away (END-020); the same on every system."""

# Python 3.11 takes as long to look up a member of an enumeration in its class as to call several
# functions. Those that each task needs are looked up once.
_IDLE, _BUSY, _ENDED, _REAPED = NodeState.IDLE, NodeState.BUSY, NodeState.ENDED, NodeState.REAPED
_HALF_CLOSED, _CLOSING = NodeState.HALF_CLOSED, NodeState.CLOSING
_NOT_THERE = (NodeState.NEW, NodeState.REAPED)
_DISPATCH, _ALL_DONE = Step.DISPATCH, Step.ALL_DONE
_SUCCESS = Status.SUCCESS


class Phase(Enum):
    """How far a run is."""

    RUNNING = auto()
    """Tasks may come."""
    FINISHING = auto()
    """Every task is done; the calculators are to end by themselves."""
    STOPPING = auto()
    """The run failed or somebody stopped it; the calculators are being ended."""
    DRAINING = auto()
    """No node is left; what was printed is still being written."""


_RUNNING = Phase.RUNNING


@final
class Engine:
    """The state machine: :meth:`handle` takes what happened and says what is to be done.

    It is deterministic, never blocks and does no I/O. The first event has to be ``RunStarted``;
    after an ``Exit`` no event may follow.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._nodes = [
            Node(index, name, ResultFramer(settings.eot, settings.line_limit))
            for index, name in enumerate(settings.nodes)
        ]
        self._prefixes = PrefixMaker(
            show_node=settings.show_node,
            show_task_id=settings.show_task_id,
            show_pid=settings.show_pid,
        )
        self._nonce = b""
        forbidden = NUL if settings.exec_mode else NEWLINE
        self._tasks: TaskSource = FlatTasks(settings.terminator, forbidden, settings.line_limit)
        self._status_words: StatusWords | None = None
        self._delimiter = b""
        if settings.graph:
            graph = settings.graph
            if not graph.every_line:
                self._tasks = GraphTasks(
                    settings.terminator,
                    forbidden,
                    graph.delimiter,
                    graph.weight_word,
                    graph.weighting,
                    settings.line_limit,
                )
            self._status_words = StatusWords(graph.success, graph.failure)
            self._delimiter = graph.delimiter
        self._groups: Groups | None = None
        if settings.grouping is Grouping.GROUP:
            self._groups = UnorderedGroups()
        elif settings.grouping is Grouping.KEEP_ORDER:
            self._groups = OrderedGroups(self._tasks.will_not_run)
        self._stdin_ended = False
        self._reading = False
        # How many nodes hold tasks.
        self._holding = 0
        # From here on nodes may still run, and live, when all before have ended: see _dispatch and
        # _exit_if_nothing_is_left.
        self._first_open = self._first_left = 0
        self._is_winding_down = False
        # Indices of the nodes that hold no task, as a heap: the lowest is next (DSP-014). Without
        # -z a node that ended while it held no task stays here: it counts as lost only if a task
        # comes for it (END-007, END-011).
        self._idle: list[int] = []
        self._prefetches = settings.prefetch != 1
        self._depths = Depths(self._nodes, settings.prefetch)
        # Whether nothing depends on which task of its node a whole result belongs to.
        self._results_are_alike = not (
            settings.exec_mode
            or settings.graph
            or settings.grouping is not Grouping.NONE
            or settings.show_node
            or settings.show_task_id
            or settings.show_pid
            or settings.print_eot
            or settings.print_task
        )
        # The nodes to be started now, in this order.
        self._to_start: deque[int] = deque()
        # What follows is for -z alone. Nodes that are not dead, those included that start first.
        self._living = len(self._nodes)
        # How many nodes at most died idle and may still be in that heap. To take each of them out
        # at once would take time that grows with the square of the nodes.
        self._dead_among_idle = 0
        # Tasks whose attempts failed, with their ids; the last one is next (DTH-012).
        self._to_reassign: list[tuple[int, bytes]] = []
        self.exchange = self._make_exchange()
        """What a world may ask before it makes an event of octets that a calculator wrote."""
        # Nodes are being started, or dead ones will be when the timer fires.
        self._starts_arranged = True
        self._burial_arranged = False
        self._reported_start_failures: set[bytes] = set()
        # Whether no node was ever started, and none can be expected to (RST-030).
        self._hopeless = True
        self._phase = Phase.RUNNING
        self._outcome = Exit()
        self._drain_grace = settings.graces.drain
        self._was_noticed = False
        self._is_terminating = False
        self._is_killing = False
        self._output_broken = False
        self._muted = False
        self._commands: list[Command] = []
        self._handlers: dict[type[Event], Callable[[Any], None]] = {
            RunStarted: self._run_started,
            TimePassed: self._time_passed,
            NodeStarted: self._node_started,
            NodeNotStarted: self._node_not_started,
            NodeOutput: self._node_output,
            NodeUnwritable: self._node_unwritable,
            NodeEnded: self._node_ended,
            NodeReaped: self._node_gone,
            StdinChunk: self._stdin_chunk,
            StdinEnded: self._stdin_ended_event,
            StdinFailed: self._stdin_failed,
            OutputClosed: self._output_closed,
            OutputFailed: self._output_failed,
            HoldingFailed: self._holding_failed,
            OutputDrained: self._output_drained,
            DeadlinePassed: self._deadline_passed,
            StopRequested: self._stop_requested,
        }

    def _make_exchange(self) -> Exchange | None:
        settings = self._settings
        if (
            not isinstance(self._tasks, FlatTasks)
            or self._status_words
            or self._groups
            or self._prefetches
            or settings.exec_mode
            or settings.print_task
            or settings.terminator != NEWLINE
        ):
            return None
        last_line = settings.eot + NEWLINE if settings.print_eot else b""
        return Exchange(self._nodes, self._tasks, self._to_reassign, self._prefixes, last_line)

    def handle(self, event: Event) -> list[Command]:
        """Take in one event and return the commands that follow from it, in order.

        Raises:
            IllegalStepError: the event is impossible in the state of its node.
        """
        self._commands = []
        self._handlers[type(event)](event)
        return self._commands

    # Nodes

    def _run_started(self, event: RunStarted) -> None:
        self._nonce = event.nonce
        self._to_start.extend(range(len(self._nodes)))
        if not self._tasks.needs_whole_input:
            self._start_next_node()
        self._read_more()

    def _time_passed(self, event: TimePassed) -> None:
        self._depths.now = event.now

    def _start_next_node(self) -> None:
        # One after the other: nodes that run already are served while the others start, and
        # after a failure no start is under way that would have to be called back.
        if self._to_start:
            node = self._nodes[self._to_start.popleft()]
            if node.state is _REAPED:
                self._living += 1
            node.step(Step.START)
            self._commands.append(StartNode(node.index))
        else:
            self._starts_arranged = False
            self._arrange_restart()

    def _node_started(self, event: NodeStarted) -> None:
        node = self._nodes[event.node]
        node.step(Step.STARTED)
        node.pid = event.pid
        node.died = node.exited = node.killed = node.took_back_tasks = node.answered = False
        node.burials = 0
        self._hopeless = False
        self._depths.node_started(node)
        heappush(self._idle, node.index)
        if self._phase is Phase.STOPPING:
            self._close(node)
            self._commands.append(
                SetDeadline(Deadline(Purpose.TERMINATE), self._settings.graces.stop)
            )
            return
        if self._settings.exec_mode:
            self._expect_results_of_commands(node, self._settings.exec_mode)
        self._start_next_node()
        self._dispatch()

    def _expect_results_of_commands(self, node: Node, exec_mode: ExecSettings) -> None:
        graph = self._settings.graph
        node.framer = ExecFramer(
            self._nonce,
            discard_output=exec_mode.discard_output,
            success=graph.success + NEWLINE if graph else b"",
            failure=graph.failure + NEWLINE if graph else b"",
            limit=self._settings.line_limit,
        )
        node.prepared = False

    def _node_not_started(self, event: NodeNotStarted) -> None:
        node = self._nodes[event.node]
        node.step(Step.NOT_STARTED)
        if self._phase is Phase.STOPPING:
            self._exit_if_nothing_is_left()
        elif self._settings.on_death is None:
            self._fail(self._settings.program + b": " + event.reason)
        else:
            if event.reason not in self._reported_start_failures:
                self._reported_start_failures.add(event.reason)
                self._report(event.reason)
            self._hopeless &= event.permanent
            self._living -= 1
            node.fruitless += 1
            self._report_vain_lives(node, event.reason)
            self._start_next_node()
            self._dispatch()

    def _node_output(self, event: NodeOutput) -> None:
        node = self._nodes[event.node]
        if node.state is _ENDED:
            return  # what a process writes that outlived its calculator is no result
        if type(node.framer) is ExecFramer and node.framer.is_refusal(event.data):
            self._report(b"the shell of node %b cannot parse the command", node.name)
            self._stop(Exit(status=1))
            return
        rest: bytes | None = event.data
        held = len(node.attempts)
        while rest:
            if not node.attempts:
                self._take_stray_octets(node, rest)
                break
            framer = node.framer
            try:
                line, lines, rest = framer.feed(rest)
            except LongLineError:
                self._refuse_long_line(node)
                return
            attempt = node.attempts[0]
            if self._status_words and (lines or line):
                attempt.status = self._status_words.status_of(lines or line)
            if framer.blank_lines_before:
                self._print_blank_lines(attempt, framer.blank_lines_before)
            if line:
                # Not rendered as a whole: a line that came in many chunks may be huge.
                if attempt.prefix:
                    self._print(attempt, attempt.prefix)
                self._print(attempt, line)
            if lines:
                self._print_lines(attempt, lines)
            if rest is not None:
                self._attempt_done(node)
                if node.state is _ENDED:
                    return
                if rest and len(node.attempts) > 1 and type(node.framer) is ResultFramer:
                    rest = self._take_results(node, node.framer, rest)
        answered = held - len(node.attempts)
        if answered:
            self._depths.tasks_answered(node, answered)
        if node.state is _BUSY and answered:
            # Something may have waited for this node's task, while others are idle.
            is_of_use = self._depths.is_to_be_filled(node) or bool(self._idle)
        else:
            is_of_use = node.state is _IDLE
        if is_of_use:
            self._dispatch()

    def _refuse_long_line(self, node: Node) -> None:
        """Take a node that writes a line without end for one that died (LIM-012, LIM-013)."""
        text = b"%b: node %b wrote a line of more than %d octets (--line-limit)"
        report = diagnostic(text, self._settings.program, node.name, self._settings.line_limit)
        if self._settings.on_death:
            self._commands.append(Report(report))
        self._end_node(node, report)

    def _take_results(self, node: Node, framer: ResultFramer, data: bytes) -> bytes:
        """Take in the results of several tasks; return what follows on the last of them."""
        # All but one: what is left of the chunk is looked at as if there were no prefetch.
        results, rest = framer.cut(data, len(node.attempts) - 1)
        attempts = node.attempts
        if self._results_are_alike:
            lines = b"".join(results)
            if lines:
                self._print(attempts[0], lines)
            for _ in results:
                attempts.popleft()
            return rest
        for lines in results:
            attempt = attempts[0]
            if self._status_words and lines:
                attempt.status = self._status_words.status_of(lines)
            if lines:
                self._print_lines(attempt, lines)
            self._attempt_done(node)
        return rest

    def _attempt_done(self, node: Node) -> None:
        attempt = node.attempts.popleft()
        node.answered = True
        if not node.attempts:
            self._holding -= 1
        dropped = self._tasks.done(attempt.task_id, attempt.status)
        if self._status_words and attempt.status is not _SUCCESS:
            self._print_failure(attempt, dropped)
        if self._settings.print_eot:
            self._print(attempt, attempt.prefix + self._settings.eot + NEWLINE)
        if self._groups and not self._muted:
            self._commands.extend(self._groups.done(attempt.task_id))
        if node.attempts:
            if self._settings.print_task:
                self._print_task(node.attempts[0])
        elif node.state is _BUSY:
            node.step(_ALL_DONE)
            heappush(self._idle, node.index)
            self._depths.roomy.discard(node.index)
        elif node.state is _HALF_CLOSED:
            self._end_node(node, b"")

    def _print_task(self, attempt: Attempt) -> None:
        """Print the task line of an attempt that begins: its task is the head (PRE-021)."""
        self._print_lines(attempt, attempt.task + NEWLINE)

    def _print_failure(self, attempt: Attempt, dropped: list[bytes]) -> None:
        """Print which tasks a failure ended (GRA-042), or that there was no status (GRA-050)."""
        if attempt.status is Status.FAILURE:
            ended = self._delimiter.join([attempt.task, *dropped])
            self._print_lines(attempt, ended + NEWLINE)
            return
        self._print(attempt, attempt.prefix + Status.MISSING.value.encode() + NEWLINE)
        self._report(
            b"task %d '%b' ended without a status; dependants dropped: %d",
            attempt.task_id,
            attempt.task,
            len(dropped),
        )
        if self._phase is Phase.RUNNING:  # a stop has said already how the run ends
            self._outcome = Exit(status=1)

    def _take_stray_octets(self, node: Node, octets: bytes) -> None:
        """Draw the conclusions from what a node wrote while it held no task (RES-009, RES-033)."""
        # One that was took_back_tasks may have done tasks that were taken back from it.
        if node.took_back_tasks:
            return
        # With -x a marker tells whose result is whose, whatever else is written.
        deceives = not self._settings.exec_mode
        if deceives and node.state is _IDLE:
            self._out_of_step(node, octets)
            return
        if (
            deceives
            and node.answered
            and self._phase is not Phase.STOPPING
            and self._outcome == Exit()
            and ends_result(node, octets, self._settings.eot)
        ):
            node.stray_octets_reported = True
            self._report(shifted(node, octets))
            self._outcome = Exit(status=1)  # RES-033
        if not node.stray_octets_reported:
            node.stray_octets_reported = True
            self._report(discarded(node, octets))

    def _out_of_step(self, node: Node, octets: bytes) -> None:
        """Let a node do no further task, or end the run (RES-030 to RES-032)."""
        node.stray_octets_reported = True
        self._report(out_of_step(node, octets))
        if not self._settings.on_death:
            self._stop(Exit(status=1))
            return
        if node.answered:
            self._outcome = Exit(status=1)
        self._end_node(node, b"")

    def _node_unwritable(self, event: NodeUnwritable) -> None:
        node = self._nodes[event.node]
        if self._settings.on_death and sum(self._sizes_of_queued(node)) >= event.unsent > 0:
            self._half_close(node)
        elif node.state is _BUSY or node.state is _IDLE:
            self._end_node(
                node, self._settings.program + b": Sending task to the node failed: " + event.reason
            )

    def _sizes_of_queued(self, node: Node) -> Iterator[int]:
        """Yield how many octets each of a busy node's tasks took to send, but for the head's."""
        if node.state is _BUSY:
            for attempt in islice(node.attempts, 1, None):
                yield len(self._octets_of(attempt.task))

    def _octets_of(self, task: bytes) -> bytes:
        """Return what is sent for a task."""
        return call(task, self._nonce) if self._settings.exec_mode else task + NEWLINE

    def _half_close(self, node: Node) -> None:
        """Let a node finish its head; it is dead then (PRE-033)."""
        node.step(Step.HALF_CLOSE)
        node.took_back_tasks = True
        self._depths.node_ended(node)
        self._commands.append(CloseStdin(node.index))
        self._take_back_queued(node)
        self._dispatch()

    def _take_back_queued(self, node: Node) -> None:
        """Let the tasks that a node was not working on be dispatched again, in their order."""
        attempts = node.attempts
        while len(attempts) > 1:
            attempt = attempts.pop()
            self._to_reassign.append((attempt.task_id, attempt.task))

    def _node_ended(self, event: NodeEnded) -> None:
        node = self._nodes[event.node]
        node.exited = event.exited
        if node.state is not _ENDED:
            self._end_node(node, _lost(node))
        if event.exited and self._was_noticed and self._phase is Phase.FINISHING:
            self._commands.append(
                SetDeadline(Deadline(Purpose.NOTICE), self._settings.graces.finish_notice)
            )  # END-043

    def _end_node(self, node: Node, diagnostic: bytes) -> None:
        """Take in that no result can come from a node; the diagnostic is for one that is needed."""
        before = node.state
        self._take_back_queued(node)
        attempts = list(node.attempts)
        node.step(Step.END)
        self._depths.node_ended(node)
        self._holding -= bool(attempts)
        node.attempts.clear()
        node.framer = ResultFramer(self._settings.eot, self._settings.line_limit)  # END-014
        if before not in {NodeState.CLOSING, _HALF_CLOSED}:
            self._commands.append(CloseStdin(node.index))
        if self._groups:
            self._commands.extend(Discard(attempt.task_id) for attempt in attempts)  # GRP-013
        if before is NodeState.CLOSING:
            return
        if self._settings.on_death:
            self._node_died(node, attempts, self._settings.on_death)
        elif before is _BUSY:
            self._fail(diagnostic)

    # Dead nodes

    def _node_died(self, node: Node, attempts: list[Attempt], on_death: Reassign) -> None:
        """Let the others do its tasks (the chapter Death of the spec)."""
        self._living -= 1
        node.fruitless = 0 if node.answered else node.fruitless + 1
        if not attempts:
            self._dead_among_idle += 1
            self._forget_dead_among_idle()
        for attempt in attempts:
            self._give_up_attempt(attempt, on_death)
        node.died = True
        if not self._burial_arranged:
            self._burial_arranged = True
            self._commands.append(SetDeadline(Deadline(Purpose.REAP), self._settings.graces.term))
        self._arrange_restart()
        self._dispatch()

    def _report_vain_lives(self, node: Node, last: bytes) -> None:
        """Say now and then that a node only ever dies (RST-031)."""
        on_death = self._settings.on_death
        if not on_death or not on_death.restart_after or self._phase is not _RUNNING:
            return
        if is_to_be_reported(node.fruitless):
            self._report(in_vain(node, last, on_death.restart_after))

    def _forget_dead_among_idle(self, *, thoroughly: bool = False) -> None:
        """See to it that the next of the idle nodes is a living one, and not twice in the heap."""
        idle, nodes = self._idle, self._nodes
        if self._dead_among_idle * 2 > len(idle) or thoroughly:
            self._idle = idle = sorted({index for index in idle if nodes[index].state is _IDLE})
            self._dead_among_idle = 0
        while idle and nodes[idle[0]].state is not _IDLE:
            heappop(idle)

    def _give_up_attempt(self, attempt: Attempt, on_death: Reassign) -> None:
        """Print the end of an attempt that failed (DTH-020, DTH-022), and have another one made."""
        if not self._groups:  # GRP-013: else nothing of it is printed
            if on_death.fatal:
                self._print(attempt, attempt.prefix + on_death.fatal + NEWLINE)
            if self._settings.print_eot:
                self._print(attempt, attempt.prefix + self._settings.eot + NEWLINE)
        self._to_reassign.append((attempt.task_id, attempt.task))

    def _bury_dead_nodes(self) -> None:
        """End by signals what is left of dead nodes (DTH-004)."""
        if self._phase is Phase.STOPPING:
            return  # which does that in its own time
        # Not those whose input was closed in the end: they have their own time (END-004).
        left = [node for node in self._nodes if node.state is _ENDED and node.died]
        for node in left:
            if node.burials <= 1:
                self._commands.append(KillNode(node.index, force=node.burials == 1))
            else:
                self._commands.append(LeaveNode(node.index))
            node.burials += 1
        self._burial_arranged = bool(left)
        if left:
            self._commands.append(SetDeadline(Deadline(Purpose.REAP), self._settings.graces.term))

    def _arrange_restart(self) -> None:
        """Set the timer for a round of starts, counted from the end of the last one (RST-005)."""
        on_death = self._settings.on_death
        if not on_death or not on_death.restart_after or self._starts_arranged:
            return
        if self._living < len(self._nodes):
            self._starts_arranged = True
            self._commands.append(SetDeadline(Deadline(Purpose.RESTART), on_death.restart_after))

    def _restart_dead_nodes(self) -> None:
        if self._phase is not _RUNNING or (self._stdin_ended and self._is_over()):
            return  # nobody needs them any more (RST-012)
        # Of those that are not gone yet, something is left that has to end first (RST-007).
        self._to_start.extend(node.index for node in self._nodes if node.state is _REAPED)
        self._start_next_node()

    def _node_gone(self, event: NodeReaped) -> None:
        node = self._nodes[event.node]
        node.step(Step.REAP)
        if event.left_running:
            self._report(b"node %b: process %d does not end; left", node.name, node.pid)
        if node.died and not node.answered:
            self._report_vain_lives(node, end_of(event.status))
        self._exit_if_nothing_is_left()

    # Tasks

    def _stdin_chunk(self, event: StdinChunk) -> None:
        self._reading = False
        if self._stdin_ended or self._phase is not Phase.RUNNING:
            return
        try:
            self._depths.tasks_read(len(event.data))
            self._tasks.feed(event.data)
        except InputError as error:
            self._refuse_input(error)
            return
        except RefusedTaskError as refusal:
            # Those that come before it are run (LIM-014).
            self._report(refusal.reason)
            self._outcome = Exit(status=1)
            self._stdin_ended = True
        self._dispatch()

    def _stdin_ended_event(self, _event: StdinEnded) -> None:
        self._reading = False
        if self._stdin_ended or self._phase is not Phase.RUNNING:
            return
        self._stdin_ended = True
        try:
            self._tasks.end()
        except InputError as error:
            self._refuse_input(error)
            return
        except RefusedTaskError as refusal:
            self._report(refusal.reason)
            self._stop(Exit(status=1))
            return
        if isinstance(self._tasks, GraphTasks):
            if self._settings.describe_weights:
                self._commands.extend(map(Report, self._tasks.describe_weights()))
            self._start_next_node()
        self._dispatch()

    def _refuse_input(self, error: InputError) -> None:
        """End the run before anything has started."""
        self._stdin_ended = True
        # Upstream prints these messages without the program's name.
        self._commands.extend(map(Report, error.diagnostics))
        self._stop(Exit(status=1))

    def _stdin_failed(self, event: StdinFailed) -> None:
        self._reading = False
        if self._phase is not Phase.RUNNING:
            return
        reason = b"reading from standard input failed: " + event.reason
        if self._tasks.needs_whole_input:
            self._report(reason)
            self._stop(Exit(status=1))
        else:
            self._fail_input(reason)

    def _fail_input(self, reason: bytes) -> None:
        """Take no more tasks; those that were dispatched are finished, then the run fails."""
        self._report(reason)
        self._outcome = Exit(status=1)
        self._stdin_ended = True
        self._tasks.abandon()
        self._dispatch()

    def _dispatch(self) -> None:
        """Give waiting tasks to idle nodes, ask for more tasks, or finish the nodes."""
        if self._phase is not _RUNNING:
            return
        if self._prefetches:
            self._dispatch_several()
        else:
            while self._idle and (self._to_reassign or self._tasks.ready):
                self._dispatch_next_task()
        if self._phase is not _RUNNING:
            return
        if self._to_reassign or self._tasks.ready:
            if not self._living:
                self._all_nodes_failed()
            elif self._looks_ahead():
                self._read_more()
            return
        if not self._stdin_ended:
            if (
                self._idle
                or self._depths.roomy
                or not self._living
                or self._tasks.needs_whole_input
                or self._looks_ahead()
            ):
                self._read_more()
            return
        if not self._is_over():
            return
        nodes = self._nodes
        if not self._is_winding_down:
            self._is_winding_down = True
            # Restarts are not needed any more (RST-012), but each node is started once (DSP-002).
            self._to_start = deque(i for i in self._to_start if nodes[i].state is NodeState.NEW)
        while self._idle:
            node = nodes[heappop(self._idle)]
            if node.state is _IDLE:
                self._close(node)
        # No node gets an open input any more, so none is looked at again.
        while self._first_open < len(nodes) and nodes[self._first_open].state >= _CLOSING:
            self._first_open += 1
        if self._first_open == len(nodes):
            self._phase = Phase.FINISHING
            self._commands.append(
                SetDeadline(Deadline(Purpose.NOTICE), self._settings.graces.finish_notice)
            )
            if self._settings.finish_timeout:
                self._commands.append(
                    SetDeadline(Deadline(Purpose.TERMINATE), self._settings.finish_timeout)
                )
            self._exit_if_nothing_is_left()

    def _looks_ahead(self) -> bool:
        """Say whether to read although tasks wait (PRE-042)."""
        return not self._stdin_ended and self._depths.wants_more_to_wait(
            len(self._tasks.ready), self._living
        )

    def _is_over(self) -> bool:
        """Say whether no task will ever be dispatched again, if no more input comes."""
        if self._to_reassign or self._tasks.ready or not self._tasks.is_exhausted():
            return False  # some wait for tasks that are being worked on
        # If nodes may die, what they hold may have to be dispatched to others (DSP-004).
        return not self._settings.on_death or not self._holding

    def _all_nodes_failed(self) -> None:
        # Upstream's words, without the program's name.
        if self._settings.on_death and not self._settings.on_death.wait:
            self._fail(b"all nodes failed")
        elif self._hopeless:
            self._fail(b"all nodes failed: none of them can be started")  # RST-030

    def _read_more(self) -> None:
        if not self._reading:
            self._reading = True
            self._commands.append(ReadMore())

    def _dispatch_next_task(self) -> None:
        if self._to_reassign:
            task_id, task = self._to_reassign.pop()
        else:
            try:
                task_id, task = self._tasks.take()
            except RefusedTaskError as refusal:
                self._fail_input(refusal.reason)
                return
        node = self._nodes[heappop(self._idle)]
        if node.state is _ENDED or node.state is _REAPED:
            self._fail(_lost(node))
            return
        node.step(_DISPATCH)
        self._holding += not node.attempts
        if self._dead_among_idle:
            self._forget_dead_among_idle()
        prefix = self._prefixes.make(node.name, task_id, node.pid)
        attempt = Attempt(task_id, task, prefix)
        node.attempts.append(attempt)
        if self._settings.print_task:
            self._print_task(attempt)
        self._send(node, self._octets_of(task))

    def _dispatch_several(self) -> None:
        """Give waiting tasks to nodes, several to each if there are so many (PRE-011)."""
        while self._phase is _RUNNING:
            waiting = len(self._to_reassign) + self._tasks.count_ready()
            if not waiting:
                return
            if waiting <= len(self._idle):
                # One to each of so many (PRE-012), without a look at all the others.
                if self._give(self._nodes[self._idle[0]], 1):
                    self._take_from_idle()
                continue
            if self._dead_among_idle:
                self._forget_dead_among_idle(thoroughly=True)
            indices = sorted({*self._idle, *self._depths.roomy})
            if not indices:
                return
            given = self._depths.divide(indices, waiting, self._living)
            for index, count in zip(indices, given, strict=True):
                if count and not self._give(self._nodes[index], count):
                    break  # its tasks were the last of one sort, and there may be others
            else:
                if sum(given) < waiting:
                    self._take_all_from_idle()
                    return  # there is no room for the others
            self._take_all_from_idle()

    def _take_from_idle(self) -> None:
        """Take out the first of the idle nodes, which has just been given a task."""
        heappop(self._idle)
        if self._dead_among_idle:
            self._forget_dead_among_idle()

    def _take_all_from_idle(self) -> None:
        """Take out all idle nodes that were given tasks."""
        self._idle = [index for index in self._idle if not self._nodes[index].attempts]
        heapify(self._idle)

    def _give(self, node: Node, count: int) -> bool:
        """Send a node so many of the tasks that wait, at once; say whether it was so many."""
        if node.state is _ENDED or node.state is _REAPED:
            self._fail(_lost(node))
            return False
        try:
            tasks = self._take_several(count)
        except RefusedTaskError as refusal:
            self._fail_input(refusal.reason)
            return False
        attempts = node.attempts
        was_idle = not attempts
        if self._results_are_alike:
            attempts.extend([Attempt(task_id, task, b"") for task_id, task in tasks])
        else:
            make, name, pid = self._prefixes.make, node.name, node.pid
            attempts.extend(
                [Attempt(task_id, task, make(name, task_id, pid)) for task_id, task in tasks]
            )
        node.step(_DISPATCH)
        if was_idle:
            self._holding += 1
            if self._settings.print_task:
                self._print_task(attempts[0])
        if self._settings.exec_mode:
            data = b"".join([call(task, self._nonce) for _, task in tasks])
        else:
            data = NEWLINE.join([task for _, task in tasks]) + NEWLINE
        self._depths.tasks_sent(node, len(tasks), len(data))
        self._send(node, data)
        return len(tasks) == count

    def _send(self, node: Node, tasks: bytes) -> None:
        """Send tasks; before the first ones a shell is told what to do with them.

        A shell that gets no task is told nothing, so that no end comes in the middle of it.
        """
        if self._settings.exec_mode and not node.prepared:
            node.prepared = True
            text = preamble(self._settings.exec_mode, self._nonce)
            self._commands.append(Send(node.index, text))
        self._commands.append(Send(node.index, tasks))

    def _take_several(self, count: int) -> list[tuple[int, bytes]]:
        """Take tasks that wait, those to be reassigned first; fewer if one is to be refused."""
        if not self._to_reassign:
            new = self._tasks.take_several(count)
            self._depths.tasks_taken(new)
            return new
        start = max(0, len(self._to_reassign) - count)
        tasks = self._to_reassign[start:]
        del self._to_reassign[start:]
        tasks.reverse()
        return tasks

    def _close(self, node: Node) -> None:
        node.step(Step.CLOSE)
        self._commands.append(CloseStdin(node.index))

    # Output

    def _print_lines(self, attempt: Attempt, lines: bytes) -> None:
        """Print whole lines with the prefix of their attempt."""
        prefix = attempt.prefix
        if prefix and is_too_much(prefix, lines):
            self._print_lazily(attempt, lines)
        else:
            self._print(attempt, render(prefix, lines))

    def _print_blank_lines(self, attempt: Attempt, count: int) -> None:
        line = attempt.prefix + NEWLINE
        if len(line) * count > LAZY_ABOVE:
            self._print_lazily(attempt, NEWLINE, count)
        else:
            self._print(attempt, line * count)

    def _print_lazily(self, attempt: Attempt, lines: bytes, times: int = 1) -> None:
        """Print lines, all of them ``times`` times, of which not all may be in memory (LIM-006)."""
        if self._muted:
            return
        lazy = LazyLines(attempt.prefix, lines, times)
        if self._groups is None:
            self._commands.append(WriteLines(lazy))
        else:
            self._commands.append(HoldLines(attempt.task_id, lazy))

    def _print(self, attempt: Attempt, data: bytes | bytearray) -> None:
        if self._muted:
            return
        if self._groups is None:
            self._commands.append(Write(data))
        else:
            self._commands.append(Hold(attempt.task_id, data))

    def _report(self, template: bytes, *foreign: bytes | float) -> None:
        text = diagnostic(template, *foreign)
        self._commands.append(Report(self._settings.program + b": " + text))

    def _output_closed(self, _event: OutputClosed) -> None:
        self._output_broken = self._muted = True
        self._stop(Exit(signal=SIGPIPE))

    def _output_failed(self, event: OutputFailed) -> None:
        self._output_broken = self._muted = True
        self._report(b"writing to standard output failed: " + event.reason)
        self._stop(Exit(status=1))

    def _holding_failed(self, event: HoldingFailed) -> None:
        if self._muted:
            return
        self._report(b"holding lines back failed: " + event.reason)
        # Groups that are whole are still good; one that could lack something is not printed.
        self._release_rest()
        self._muted = True
        self._stop(Exit(status=1))

    def _release_rest(self) -> None:
        if self._groups and not self._muted:
            self._commands.extend(self._groups.rest())

    def _output_drained(self, _event: OutputDrained) -> None:
        self._commands.append(self._outcome)

    # Ends

    def _fail(self, message: bytes) -> None:
        self._commands.append(Report(message))
        self._stop(Exit(status=1))

    def _stop_requested(self, event: StopRequested) -> None:
        if self._phase is Phase.STOPPING:
            self._kill()  # somebody is impatient
            self._drain_grace = self._settings.graces.stop
            if not self._outcome.signal:
                self._outcome = Exit(signal=event.signal)  # END-030, though a failure came first
        else:
            self._stop(Exit(signal=event.signal))

    def _stop(self, outcome: Exit) -> None:
        """End all nodes; what they still print is still passed on."""
        if self._phase is Phase.STOPPING:
            return  # the first cause tells how the run ends
        self._outcome = outcome
        if self._phase is Phase.DRAINING:
            self._commands.append(outcome)
            return
        self._phase = Phase.STOPPING
        self._tasks.abandon()
        for node in self._nodes:
            if node.state is NodeState.IDLE or node.state is NodeState.BUSY:
                self._close(node)
            elif node.state is _HALF_CLOSED:
                node.step(Step.CLOSE)  # its input is closed already
        self._commands.append(SetDeadline(Deadline(Purpose.TERMINATE), self._settings.graces.stop))
        self._exit_if_nothing_is_left()

    def _deadline_passed(self, event: DeadlinePassed) -> None:
        match event.deadline.purpose:
            case Purpose.TERMINATE:
                self._terminate()
            case Purpose.KILL:
                self._kill()
            case Purpose.LEAVE:
                self._leave_killed_nodes()
            case Purpose.NOTICE:
                self._name_those_waited_for()
            case Purpose.GIVE_UP:
                self._commands.append(self._outcome)
            case Purpose.REAP:
                self._bury_dead_nodes()
            case Purpose.RESTART:
                self._restart_dead_nodes()

    def _name_those_waited_for(self) -> None:
        """Say which calculators have not ended yet (END-040), and stop waiting for others."""
        if self._phase is not Phase.FINISHING or self._is_terminating:
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
                self._report(
                    b"node %b has not ended %d seconds after the end of its input; %b",
                    node.name,
                    int(self._settings.graces.finish_notice),
                    advice,
                )

    def _terminate(self) -> None:
        """Send SIGTERM to all nodes that are left, and SIGKILL if that does not help."""
        self._is_terminating = True
        self._is_killing = False
        remaining = self._remaining()
        if self._phase is Phase.FINISHING:
            for node in remaining:
                self._report_timeout(node)
        self._commands.extend(KillNode(node.index, force=False) for node in remaining)
        self._commands.append(SetDeadline(Deadline(Purpose.KILL), self._settings.graces.term))

    def _report_timeout(self, node: Node) -> None:
        """Say that a node is ended by ``--finish-timeout``, and let the run fail (END-041)."""
        if node.exited:
            self._report_held_output(node)
            return
        self._outcome = Exit(status=1)
        self._report(
            b"node %b has not ended within %g seconds (--finish-timeout); killed",
            node.name,
            self._settings.finish_timeout,
        )

    def _report_held_output(self, node: Node) -> None:
        """Say that a calculator has ended, and that nobody waits for who holds its output."""
        self._report(b"node %b has ended, but others hold its output; not waited for", node.name)

    def _kill(self) -> None:
        """Send SIGKILL to all nodes that are left, and leave those that it does not end."""
        for node in self._remaining():
            node.killed = True
            self._commands.append(KillNode(node.index, force=True))
        if not self._is_killing:  # whoever is impatient again and again does not put it off
            self._is_killing = True
            self._commands.append(SetDeadline(Deadline(Purpose.LEAVE), self._settings.graces.kill))

    def _leave_killed_nodes(self) -> None:
        """Wait no longer for what SIGKILL does not end, but for nodes that started meanwhile."""
        self._is_killing = False
        self._commands.extend(LeaveNode(n.index) for n in self._remaining() if n.killed)

    def _remaining(self) -> list[Node]:
        """Return the nodes that are to end, but for dead ones that are ended in their own time."""
        left = [n for n in self._nodes if n.state in {NodeState.CLOSING, NodeState.ENDED}]
        if self._phase is Phase.FINISHING:
            return [node for node in left if not node.died]
        return left

    def _exit_if_nothing_is_left(self) -> None:
        if self._phase not in {Phase.FINISHING, Phase.STOPPING}:
            return
        nodes = self._nodes
        # None of these nodes is started any more, so none is looked at again.
        while self._first_left < len(nodes) and nodes[self._first_left].state in _NOT_THERE:
            self._first_left += 1
        if self._first_left < len(nodes):
            return
        self._release_rest()
        if self._output_broken or (self._outcome.signal and not self._groups):
            self._commands.append(self._outcome)
            return
        if self._outcome.signal:
            self._commands.append(
                SetDeadline(Deadline(Purpose.GIVE_UP), self._drain_grace)
            )  # GRP-024, GRP-025
        self._phase = Phase.DRAINING
        self._commands.append(DrainOutput())


def _lost(node: Node) -> bytes:
    # Upstream prints this message without the program's name.
    return diagnostic(b"Node %b exited unexpectedly", node.name)
