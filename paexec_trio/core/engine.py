"""The distributor itself: which task goes where, what is printed, when it is over."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, auto
from heapq import heappop, heappush
from typing import Any, final

from paexec_trio.core.commands import (
    CloseStdin,
    Command,
    Discard,
    DrainOutput,
    Exit,
    Hold,
    KillNode,
    ReadMore,
    Report,
    Send,
    SetTimer,
    StartNode,
    Timer,
    Write,
)
from paexec_trio.core.events import (
    Event,
    HoldingFailed,
    NodeEnded,
    NodeGone,
    NodeNotStarted,
    NodeOutput,
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
    TimerFired,
)
from paexec_trio.core.execmode import ExecFramer, call, preamble
from paexec_trio.core.framing import NEWLINE, NUL, ResultFramer
from paexec_trio.core.grouping import Grouping, Groups, OrderedGroups, UnorderedGroups
from paexec_trio.core.nodes import Attempt, Node
from paexec_trio.core.rendering import PrefixMaker, render
from paexec_trio.core.settings import (
    DRAIN_GRACE,
    FINISH_GRACE,
    STOP_GRACE,
    TERM_GRACE,
    ExecSettings,
    Settings,
)
from paexec_trio.core.states import NodeState, Step
from paexec_trio.core.status import Status, StatusWords
from paexec_trio.core.tasks import FlatTasks, GraphTasks, InputError, RefusedTaskError, TaskSource

SIGPIPE = 13
"""The signal by which a program ends whose reader went away (END-020); the same on every system."""

# Python 3.11 takes as long to look up a member of an enumeration in its class as to call several
# functions. Those that each task needs are looked up once.
_IDLE, _BUSY, _ENDED, _GONE = NodeState.IDLE, NodeState.BUSY, NodeState.ENDED, NodeState.GONE
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
            Node(index, name, ResultFramer(settings.eot))
            for index, name in enumerate(settings.nodes)
        ]
        self._prefixes = PrefixMaker(
            show_node=settings.show_node,
            show_task_id=settings.show_task_id,
            show_pid=settings.show_pid,
        )
        self._nonce = b""
        forbidden = NUL if settings.exec_mode else NEWLINE
        self._tasks: TaskSource = FlatTasks(settings.terminator, forbidden)
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
        # Indices of the nodes that hold no task, as a heap: the lowest is next (DSP-014). A node
        # that ended while it held no task stays here: it counts as lost only if a task comes for
        # it (END-007, END-011).
        self._idle: list[int] = []
        self._phase = Phase.RUNNING
        self._outcome = Exit()
        self._output_broken = False
        self._muted = False
        self._commands: list[Command] = []
        self._handlers: dict[type[Event], Callable[[Any], None]] = {
            RunStarted: self._run_started,
            NodeStarted: self._node_started,
            NodeNotStarted: self._node_not_started,
            NodeOutput: self._node_output,
            NodeUnwritable: self._node_unwritable,
            NodeEnded: self._node_ended,
            NodeGone: self._node_gone,
            StdinChunk: self._stdin_chunk,
            StdinEnded: self._stdin_ended_event,
            StdinFailed: self._stdin_failed,
            OutputClosed: self._output_closed,
            OutputFailed: self._output_failed,
            HoldingFailed: self._holding_failed,
            OutputDrained: self._output_drained,
            TimerFired: self._timer_fired,
            StopRequested: self._stop_requested,
        }

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
        if not self._tasks.needs_whole_input:
            self._start_next_node(0)
        self._read_more()

    def _start_next_node(self, index: int) -> None:
        # One after the other: nodes that run already are served while the others start, and
        # after a failure no start is under way that would have to be called back.
        if index < len(self._nodes):
            self._nodes[index].step(Step.START)
            self._commands.append(StartNode(index))

    def _node_started(self, event: NodeStarted) -> None:
        node = self._nodes[event.node]
        node.step(Step.STARTED)
        node.pid = event.pid
        heappush(self._idle, node.index)
        if self._phase is Phase.STOPPING:
            self._close(node)
            self._commands.append(SetTimer(Timer.TERMINATE, STOP_GRACE))
            return
        if self._settings.exec_mode:
            self._prepare_shell(node, self._settings.exec_mode)
        self._start_next_node(node.index + 1)
        self._dispatch()

    def _prepare_shell(self, node: Node, exec_mode: ExecSettings) -> None:
        graph = self._settings.graph
        node.framer = ExecFramer(
            self._nonce,
            discard_output=exec_mode.discard_output,
            success=graph.success + NEWLINE if graph else b"",
            failure=graph.failure + NEWLINE if graph else b"",
        )
        self._commands.append(Send(node.index, preamble(exec_mode, self._nonce)))

    def _node_not_started(self, event: NodeNotStarted) -> None:
        self._nodes[event.node].step(Step.NOT_STARTED)
        if self._phase is Phase.STOPPING:
            self._exit_if_nothing_is_left()
        else:
            self._fail(self._settings.program + b": " + event.reason)

    def _node_output(self, event: NodeOutput) -> None:
        node = self._nodes[event.node]
        if node.state is _ENDED:
            return  # what a process writes that outlived its calculator is no result
        rest: bytes | None = event.data
        while rest:
            if not node.attempts:
                self._report_stray_octets(node)
                break
            line, lines, rest = node.framer.feed(rest)
            attempt = node.attempts[0]
            if self._status_words and (lines or line):
                attempt.status = self._status_words.status_of(lines or line)
            if line:
                # Not rendered as a whole: a line that came in many chunks may be huge.
                if attempt.prefix:
                    self._print(attempt, attempt.prefix)
                self._print(attempt, line)
            if lines:
                self._print(attempt, render(attempt.prefix, lines))
            if rest is not None:
                self._attempt_done(node)
        if node.state is _IDLE:
            self._dispatch()

    def _attempt_done(self, node: Node) -> None:
        attempt = node.attempts.popleft()
        dropped = self._tasks.done(attempt.task_id, attempt.status)
        if self._status_words and attempt.status is not _SUCCESS:
            self._print_failure(attempt, dropped)
        if self._settings.print_eot:
            self._print(attempt, attempt.prefix + self._settings.eot + NEWLINE)
        if self._groups and not self._muted:
            self._commands.extend(self._groups.done(attempt.task_id))
        if not node.attempts and node.state is _BUSY:
            node.step(_ALL_DONE)
            heappush(self._idle, node.index)

    def _print_failure(self, attempt: Attempt, dropped: list[bytes]) -> None:
        """Print which tasks a failure ended (GRA-042), or that there was no status (GRA-050)."""
        if attempt.status is Status.FAILURE:
            ended = self._delimiter.join([attempt.task, *dropped])
            self._print(attempt, render(attempt.prefix, ended + NEWLINE))
            return
        self._print(attempt, attempt.prefix + Status.MISSING.value.encode() + NEWLINE)
        self._report(
            b"task %d '%b' ended without a status; dependants dropped: %d"
            % (attempt.task_id, attempt.task.replace(NEWLINE, b"\\n"), len(dropped))
        )
        if self._phase is Phase.RUNNING:  # a stop has said already how the run ends
            self._outcome = Exit(status=1)

    def _report_stray_octets(self, node: Node) -> None:
        if node.stray_octets_reported:
            return
        node.stray_octets_reported = True
        self._report(b"node %b wrote outside of a task; discarded" % node.name)

    def _node_unwritable(self, event: NodeUnwritable) -> None:
        node = self._nodes[event.node]
        if node.state is NodeState.BUSY:
            program = self._settings.program
            self._end_node(node)
            self._fail(program + b": Sending task to the node failed: " + event.reason)
        elif node.state is NodeState.IDLE:
            self._end_node(node)

    def _node_ended(self, event: NodeEnded) -> None:
        node = self._nodes[event.node]
        if node.state is NodeState.ENDED:
            return
        needed = node.state is NodeState.BUSY
        self._end_node(node)
        if needed:
            self._node_lost(node)

    def _end_node(self, node: Node) -> None:
        if node.state is not NodeState.CLOSING:
            self._commands.append(CloseStdin(node.index))
        node.step(Step.END)
        if self._groups:
            self._commands.extend(Discard(attempt.task_id) for attempt in node.attempts)
        node.attempts.clear()

    def _node_lost(self, node: Node) -> None:
        # Upstream prints this message without the program's name.
        self._fail(b"Node %b exited unexpectedly" % node.name)

    def _node_gone(self, event: NodeGone) -> None:
        node = self._nodes[event.node]
        node.step(Step.VANISH)
        if event.left_running:
            self._report(b"node %b cannot be killed; left running" % node.name)
        self._exit_if_nothing_is_left()

    # Tasks

    def _stdin_chunk(self, event: StdinChunk) -> None:
        self._reading = False
        if self._stdin_ended or self._phase is not Phase.RUNNING:
            return
        try:
            self._tasks.feed(event.data)
        except InputError as error:
            self._refuse_input(error)
            return
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
            self._start_next_node(0)
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
        while self._idle and self._tasks.ready:
            self._dispatch_next_task()
        if self._tasks.ready or self._phase is not _RUNNING:
            return
        if not self._stdin_ended:
            if self._idle or self._tasks.needs_whole_input:
                self._read_more()
            return
        if not self._tasks.is_exhausted():
            return  # some wait for tasks that are being worked on
        while self._idle:
            node = self._nodes[heappop(self._idle)]
            if node.state is _IDLE:
                self._close(node)
        if all(node.state >= NodeState.CLOSING for node in self._nodes):
            self._phase = Phase.FINISHING
            self._commands.append(SetTimer(Timer.TERMINATE, FINISH_GRACE))
            self._exit_if_nothing_is_left()

    def _read_more(self) -> None:
        if not self._reading:
            self._reading = True
            self._commands.append(ReadMore())

    def _dispatch_next_task(self) -> None:
        try:
            task_id, task = self._tasks.take()
        except RefusedTaskError as refusal:
            self._fail_input(refusal.reason)
            return
        node = self._nodes[heappop(self._idle)]
        if node.state is _ENDED or node.state is _GONE:
            self._node_lost(node)
            return
        node.step(_DISPATCH)
        prefix = self._prefixes.make(node.name, task_id, node.pid)
        attempt = Attempt(task_id, task, prefix)
        node.attempts.append(attempt)
        line = task + NEWLINE
        if self._settings.print_task:
            self._print(attempt, render(prefix, line))
        self._commands.append(Send(node.index, call(task) if self._settings.exec_mode else line))

    def _close(self, node: Node) -> None:
        node.step(Step.CLOSE)
        self._commands.append(CloseStdin(node.index))

    # Output

    def _print(self, attempt: Attempt, data: bytes | bytearray) -> None:
        if self._muted:
            return
        if self._groups is None:
            self._commands.append(Write(data))
        else:
            self._commands.append(Hold(attempt.task_id, data))

    def _report(self, text: bytes) -> None:
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
            self._kill(force=True)  # somebody is impatient
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
        self._commands.append(SetTimer(Timer.TERMINATE, STOP_GRACE))
        self._exit_if_nothing_is_left()

    def _timer_fired(self, event: TimerFired) -> None:
        if event.timer is Timer.KILL:
            self._kill(force=True)
            return
        if event.timer is Timer.GIVE_UP:
            self._commands.append(self._outcome)
            return
        if self._phase is Phase.FINISHING:
            for node in self._remaining():
                self._report(
                    b"processes of node %b did not end within %d seconds; killed"
                    % (node.name, FINISH_GRACE)
                )
        self._kill(force=False)
        self._commands.append(SetTimer(Timer.KILL, TERM_GRACE))

    def _kill(self, *, force: bool) -> None:
        self._commands.extend(KillNode(node.index, force) for node in self._remaining())

    def _remaining(self) -> list[Node]:
        return [n for n in self._nodes if n.state in {NodeState.CLOSING, NodeState.ENDED}]

    def _exit_if_nothing_is_left(self) -> None:
        if self._phase not in {Phase.FINISHING, Phase.STOPPING}:
            return
        if any(node.state not in {NodeState.NEW, NodeState.GONE} for node in self._nodes):
            return
        self._release_rest()
        if self._output_broken or (self._outcome.signal and not self._groups):
            self._commands.append(self._outcome)
            return
        if self._outcome.signal:
            self._commands.append(SetTimer(Timer.GIVE_UP, DRAIN_GRACE))  # GRP-024, GRP-025
        self._phase = Phase.DRAINING
        self._commands.append(DrainOutput())
