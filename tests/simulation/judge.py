"""Finds what is wrong with a history.

The judge follows a run step by step with a model of its own: what the nodes were given, what they
wrote, and what the specification makes of it. It takes the engine's decisions from its commands and
asks whether they were allowed, whether they came in time and whether exactly the right octets were
printed. In one respect it is stricter than the specification: what a step has to print, it has to
print in a certain order, also if it belongs to several tasks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from math import inf
from typing import Any, NamedTuple, final

from paexec_trio.core.commands import (
    AddNode,
    CloseStdin,
    Command,
    DrainOutput,
    DropStored,
    Exit,
    Hold,
    HoldErrors,
    JoinErrors,
    KillNode,
    LeaveNode,
    PrintErrors,
    Purpose,
    ReadMore,
    Release,
    ReleaseErrors,
    Report,
    Send,
    StartNode,
    StoreErrors,
    StoreOutput,
    StoreResult,
    Write,
)
from paexec_trio.core.events import (
    DeadlinePassed,
    Event,
    FinishRequested,
    HoldingFailed,
    NodeAdded,
    NodeEnded,
    NodeErrors,
    NodeNotStarted,
    NodeOutput,
    NodeReaped,
    NodeStarted,
    NodeUnread,
    NodeUnwritable,
    OutputClosed,
    OutputDrained,
    OutputFailed,
    RunStarted,
    StdinChunk,
    StdinEnded,
    StdinFailed,
    StopRequested,
)
from paexec_trio.core.execmode import ExecMode, call
from paexec_trio.core.grouping import Grouping
from paexec_trio.core.settings import (
    AUTO,
    Settings,
)
from paexec_trio.core.visible import diagnostic, visible
from tests.simulation.accounts import LOST, TIME_LIMIT, RunAccounts
from tests.simulation.apart import Apart, AttemptOutput
from tests.simulation.calculators import CALL, TOKEN, unquoted
from tests.simulation.diagnostics import Diagnostics
from tests.simulation.history import Asked, Crashed, Fact, Greeted, History, Printed, Step, Stuck
from tests.simulation.ledger import Ledger, make_ledger
from tests.simulation.printout import Line, Printout
from tests.simulation.reading import ResultReader
from tests.simulation.violations import Kind, Violation

SIGPIPE = 13

A_MOMENT = 1e-6
"""Seconds that rounding makes of none, at most."""

ABOUT = 1.06
"""How many times longer a limit by the median may be: not each result sets all deadlines anew."""

STARTS_TAKE = 0.2
"""Seconds by which a restart may be late because other nodes are being started."""

TIME_TO_END = 5.0
"""Seconds that a calculator has to end by itself (END-004)."""

POISONOUS_AFTER = 5
"""Nodes that are lost working on a task before it is reported (ACC-063)."""

FRUITLESS = 3
"""Processes of a node that may die in a row without having ended a task before it is reported."""

MOST_VIOLATIONS = 20
"""Violations after which the judge stops looking."""


class Verdict(NamedTuple):
    """The verdict on a run."""

    violations: list[Violation]
    tasks_done: int
    failed_attempts: int
    restarts: int


def judge(
    history: History,
    settings: Settings,
    tasks: bytes,
    lateness: float = 0.0,
    *,
    exec_mode: ExecMode | None = None,
) -> Verdict:
    """Say what is wrong with a run, at best nothing.

    Args:
        history: what happened.
        settings: those of the engine.
        tasks: the whole standard input.
        lateness: seconds by which each deadline may be late.
        exec_mode: that of the engine.
    """
    judge = Judge(settings, tasks, lateness, exec_mode=exec_mode)
    judge.follow(history)
    return judge.verdict()


class _NodeState(Enum):
    NEW = "not started"
    STARTING = "being started"
    ALIVE = "alive"
    DEAD = "dead"
    GONE = "gone"


@dataclass(slots=True)
class _Attempt:
    task_id: int
    prefix: bytes
    is_done: bool = False
    last_line: bytes = b""
    """The line that gives the status in the end."""
    output: AttemptOutput = field(default_factory=AttemptOutput)


@dataclass(slots=True)
class _Node:
    index: int
    name: bytes
    reader: ResultReader
    state: _NodeState = _NodeState.NEW
    pid: int = 0
    started_at: float = 0.0
    since: float = 0.0
    """Since when it is in its state."""
    input_closed: bool = False
    was_closed_at: float = 0.0
    attempts: list[_Attempt] = field(default_factory=list)
    """Those of the tasks that it holds; it works on the first one, the head."""
    deaf: bool = False
    """It takes no further task, and may finish its head (PRE-033)."""
    ended_in_order: bool = False
    died_at_work: bool = False
    prepared: bool = False
    terminated: bool = False
    killed: bool = False
    killed_at: float = 0.0
    exited: bool = False
    """Its process has ended, and only others can still hold its output."""
    asked: list[bytes] = field(default_factory=list)
    """The tasks that its process has taken, in truth."""
    answered: int = 0
    stray_reported: bool = False
    greeted: bool = False
    """Its process wrote something that no task asked for."""
    fruitless: int = 0
    """Processes in a row that died without having ended a task."""
    head_since: float = 0.0
    """When it began to work on its head."""
    exceeded: bool = False
    """It was ended because of a time limit, and has to be started again."""
    silenced: bool = False
    """It was ended because it was silent."""
    begun: bool = True
    """Its calculator has begun, as far as is known."""
    before: bytes = b""
    """Octets that it wrote before, and that were not reported."""
    kept: bytes = b""
    """The end of its standard error, which may be the beginning of a beat."""
    beat_at: float = 0.0
    """When it beat for the last time, or was not read, or started."""
    heard_at: float = 0.0
    """When it wrote something for the last time, or began to work on its head."""

    def turn(self, state: _NodeState, time: float) -> None:
        self.state = state
        self.since = time


@final
class Judge:
    """Follows a run and collects violations.

    Args:
        settings: those of the engine.
        tasks: the whole standard input.
        lateness: seconds by which each deadline may be late.
        exec_mode: that of the engine.
    """

    def __init__(
        self,
        settings: Settings,
        tasks: bytes,
        lateness: float = 0.0,
        *,
        exec_mode: ExecMode | None = None,
    ) -> None:
        self._settings = settings
        self._exec_mode = exec_mode
        self._lateness = lateness
        graces = settings.graces
        self._time_to_terminate = graces.term + graces.stop + 0.1 + 2 * lateness
        """Seconds in which what is left of a dead node has to receive SIGTERM."""
        self._time_to_kill = self._time_to_terminate + 2 * (graces.term + lateness)
        """Seconds until SIGKILL: if the run is stopped, there is one more SIGTERM."""
        self._unread_input = tasks
        self._resistance = settings.on_death
        self._rules = rules = settings.accounting
        self._most = 1 if rules.delay else inf if settings.prefetch == AUTO else settings.prefetch
        """Tasks that a node may hold."""
        self._violations: list[Violation] = []
        self._entries_seen = 0
        self._time = 0.0
        self._marker = b""
        self._nodes = [
            _Node(index, name, ResultReader(settings, b"", exec_mode))
            for index, name in enumerate(settings.nodes)
        ]
        self._joining = b""
        """The name of a node that has to join in this step."""
        self._ledger: Ledger = make_ledger(settings, exec_mode)
        self._input_ended = False
        self._reading = False
        self._hopeless = True
        """No node was ever started, and what kept them from it is permanent."""
        self._start_failures: set[bytes] = set()
        """The reasons that were reported."""
        self._in_flight: dict[int, int] = {}
        self._given_tasks: set[int] = set()
        """The nodes that were sent tasks in this step."""
        self._done: set[int] = set()
        # Tasks whose attempts failed; the last one is next (DTH-012).
        self._repeats: list[int] = []
        # Those that go to other nodes, if there are any (ACC-061).
        self._retries: list[int] = []
        self._leftovers: list[int] = []
        """Tasks for which another attempt was due when the run was halted."""
        self._accounts = RunAccounts(rules)
        self._was_ended_early = False
        self._was_cut = False
        """The tasks that were not dispatched will not be, because of a halt or a limit."""
        self._delay_until = 0.0
        """When the next attempt may begin."""
        self._is_delaying = False
        self._summary = b""
        self._failed_attempts = 0
        self._restarts = 0
        self._printout = Printout(settings.grouping)
        self._muted = False
        """Nothing can be printed any more."""
        self._broken = False
        """Standard output takes nothing any more."""
        self._draining = False
        self._drains_since = 0.0
        self._drained = True
        self._stop: Exit | None = None
        """How the run has to end, if it has to end at once."""
        self._is_urgent = False
        """The stop was requested again in this step."""
        self._reports: set[bytes] = set()
        """The diagnostics of this step."""
        self._failed = False
        """Whether it ends with status 1 though it goes on."""
        self._diagnostics = Diagnostics(settings.program)
        self._apart = Apart(settings, exec_mode is not None, self._blame)
        self._ended = False
        self._on_event: dict[type[Event], Callable[[Any], None]] = {
            RunStarted: self._run_started,
            NodeStarted: self._node_started,
            NodeNotStarted: self._node_not_started,
            NodeOutput: self._node_output,
            NodeErrors: self._node_errors,
            NodeUnread: self._node_unread,
            NodeUnwritable: self._node_unwritable,
            NodeEnded: self._node_ended,
            NodeReaped: self._node_gone,
            NodeAdded: self._node_added,
            StdinChunk: self._stdin_chunk,
            StdinEnded: self._stdin_ended,
            StdinFailed: self._stdin_failed,
            FinishRequested: self._finish_requested,
            OutputClosed: self._output_closed,
            OutputFailed: self._output_failed,
            HoldingFailed: self._holding_failed,
            OutputDrained: self._output_drained,
            StopRequested: self._stop_requested,
            DeadlinePassed: self._deadline_passed,
        }
        self._on_command: dict[type[Command | Fact], Callable[[Any], None]] = {
            AddNode: self._add_node,
            StartNode: self._start_node,
            Send: self._send,
            CloseStdin: self._close_stdin,
            KillNode: self._kill_node,
            LeaveNode: self._leave_node,
            ReadMore: self._read_more,
            Write: self._pass_on,
            Hold: self._pass_on,
            Release: self._pass_on,
            DrainOutput: self._drain_output,
            Report: self._report,
            Exit: self._exit,
            Asked: self._asked,
            Greeted: self._greeted,
            Crashed: self._crashed,
            Stuck: self._stuck,
            **dict.fromkeys((PrintErrors, HoldErrors, JoinErrors, ReleaseErrors), self._apart.take),
            **dict.fromkeys((StoreOutput, StoreErrors, StoreResult, DropStored), self._apart.take),
        }

    def follow(self, history: History) -> bool:
        """Judge the steps that were added since the last call; return whether any was bad.

        The last step has to be complete.
        """
        for step in history.steps(self._entries_seen):
            if len(self._violations) >= MOST_VIOLATIONS:
                break
            self._take(step)
        self._entries_seen = len(history.entries)
        return bool(self._violations)

    def verdict(self) -> Verdict:
        """Return the verdict on a run that is over."""
        if not self._ended and not self._violations:
            self._blame(Kind.ENDLESS, "the history stops before the run is over")
        return Verdict(self._violations, len(self._done), self._failed_attempts, self._restarts)

    def _blame(self, kind: Kind, text: str) -> None:
        if not any(v.kind is kind and v.text == text for v in self._violations):
            self._violations.append(Violation(self._time, kind, text))

    def _take(self, step: Step) -> None:
        self._time = step.time
        self._reports = {item.text for item in step.rest if type(item) is Report}
        handler = self._on_event.get(type(step.event))
        if handler:
            handler(step.event)
        self._end_early()
        printed = []
        for item in step.rest:
            if type(item) is Printed:
                printed.append(item.data)
            elif self._ended and isinstance(item, Command):
                self._blame(Kind.EXIT, f"{item} follows on Exit")
            else:
                handler = self._on_command.get(type(item))
                if handler:
                    handler(item)
        is_short = self._stop or (self._is_ended_early() and self._is_over())
        if is_short and self._is_nothing_left():
            self._printout.end()  # GRP-024
        for kind, text in self._printout.check(b"".join(printed)):
            self._blame(kind, text)
        self._end_early()
        self._drained &= not printed
        for report in self._diagnostics.end_step():
            self._blame(Kind.DIAGNOSTIC, f"missing: {report!r}")
        if self._is_urgent:
            self._is_urgent = False
            for node in self._nodes:
                if node.state in {_NodeState.ALIVE, _NodeState.DEAD} and not node.killed:
                    self._blame(Kind.LINGERING, f"node {node.index} is spared (END-030)")
        if not self._ended:
            self._check_what_is_always_true()

    # The life of nodes

    def _run_started(self, event: RunStarted) -> None:
        self._marker = event.nonce

    def _node_added(self, event: NodeAdded) -> None:
        # When only the last tasks are left, which nobody repeats, it may come too late (HST-024).
        if not self._stop and (self._task_waits() or not self._input_ended):
            self._joining = event.name

    def _add_node(self, command: AddNode) -> None:
        if self._stop:
            self._blame(Kind.RESTART, f"{command.name!r} joins a run that is stopped")
        self._joining = b""
        self._nodes.append(
            _Node(
                len(self._nodes), command.name, ResultReader(self._settings, b"", self._exec_mode)
            )
        )

    def _start_node(self, command: StartNode) -> None:
        node = self._nodes[command.node]
        if node.state is _NodeState.NEW:
            if self._settings.graph and not self._input_ended:
                self._blame(Kind.TOO_EARLY, f"node {node.index} before the end of the graph")
            if any(other.state is _NodeState.NEW for other in self._nodes[: node.index]):
                self._blame(Kind.MISORDERED, f"node {node.index} before others (DSP-001)")
        elif node.state is not _NodeState.GONE:
            self._blame(Kind.RESTART, f"node {node.index} is {node.state.value} (RST-007)")
        elif node.exceeded:
            pass  # ACC-050
        elif not self._resistance or not self._resistance.restart_after:
            self._blame(Kind.RESTART, f"node {node.index} without -Z")
        elif self._time < node.started_at + self._resistance.restart_after:
            self._blame(Kind.RESTART, f"node {node.index} too early (RST-005)")
        if self._stop:
            self._blame(Kind.RESTART, f"node {node.index} while the run is being stopped")
        if any(other.state is _NodeState.STARTING for other in self._nodes):
            self._blame(Kind.MISORDERED, f"node {node.index} while another is being started")
        if node.state is _NodeState.GONE:
            self._check_gone(node)
            self._restarts += 1
        if not node.exceeded:
            node.started_at = self._time
        node.exceeded = False
        node.turn(_NodeState.STARTING, self._time)

    def _node_started(self, event: NodeStarted) -> None:
        self._hopeless = False
        # What is said of the last process does not hold for the new one.
        old = self._nodes[event.node]
        assert old.state is _NodeState.STARTING or self._violations, "the world starts nodes"
        node = self._nodes[event.node] = _Node(
            old.index,
            old.name,
            ResultReader(self._settings, self._marker, self._exec_mode),
            pid=event.pid,
            started_at=old.started_at,
            stray_reported=old.stray_reported,
            fruitless=old.fruitless,
            begun=not self._settings.silence.is_wrapped,
            beat_at=self._time,
        )
        node.turn(_NodeState.ALIVE, self._time)

    def _node_not_started(self, event: NodeNotStarted) -> None:
        node = self._nodes[event.node]
        node.turn(_NodeState.GONE, self._time)
        if self._stop:
            return
        report = self._diagnostics.named(event.reason)
        self._hopeless &= event.permanent
        if self._resistance:
            if event.reason not in self._start_failures:  # DTH-031
                self._start_failures.add(event.reason)
                self._diagnostics.need(report)
            node.fruitless += 1
            self._allow_report_in_vain(node, event.reason)
        else:
            self._diagnostics.need(report)
            self._stop_for(Exit(status=1))

    def _node_ended(self, event: NodeEnded) -> None:
        node = self._nodes[event.node]
        node.exited = event.exited
        self._lost(node, b"Node %b exited unexpectedly" % visible(node.name))

    def _node_unwritable(self, event: NodeUnwritable) -> None:
        node = self._nodes[event.node]
        if node.deaf or node.input_closed or node.state is not _NodeState.ALIVE:
            return
        queued = sum(self._size(attempt.task_id) for attempt in node.attempts[1:])
        if self._resistance and not node.input_closed and 0 < event.unsent <= queued:
            node.deaf = True
            self._take_back_queued(node)
            return
        text = b"Sending task to the node failed: " + event.reason
        self._lost(node, self._diagnostics.named(text))

    def _size(self, task_id: int) -> int:
        """Return how many octets it takes to send a task."""
        task = self._ledger.names[task_id]
        return len(call(task, self._marker)) if self._exec_mode else len(task) + 1

    def _take_back_queued(self, node: _Node) -> None:
        """Let the tasks that it was not working on be dispatched again (PRE-031, PRE-032)."""
        for attempt in reversed(node.attempts[1:]):
            self._in_flight.pop(attempt.task_id, None)
            self._repeat(attempt.task_id)
        del node.attempts[1:]

    def _repeat(self, task_id: int) -> None:
        """Let a task be dispatched once more."""
        waiting = self._retries if self._accounts.avoids(task_id) else self._repeats
        waiting.append(task_id)

    def _lost(self, node: _Node, diagnostic: bytes) -> None:
        if node.state is not _NodeState.ALIVE:
            return
        node.turn(_NodeState.DEAD, self._time)
        was_ended = node.input_closed and not (node.deaf and not self._stop)
        node.ended_in_order = was_ended
        if not was_ended:
            node.fruitless = 0 if node.answered else node.fruitless + 1
        if not was_ended:
            self._take_back_queued(node)
        attempts, node.attempts = node.attempts, []
        for queued in attempts[1:]:
            self._in_flight.pop(queued.task_id, None)
        if not attempts:
            return
        attempt = attempts[0]
        self._apart.attempt_ends(node.index, attempt.output)
        self._in_flight.pop(attempt.task_id, None)
        self._printout.attempt_failed(attempt.task_id)
        if was_ended:
            return
        if not self._resistance:
            node.died_at_work = True
            self._diagnostics.need(diagnostic)
            self._stop_for(Exit(status=1))
            return
        self._fail(node, attempt, LOST)
        self._report_poison(attempt.task_id)

    def _fail(self, node: _Node, attempt: _Attempt, reason: bytes) -> None:
        """Record an attempt without a result (ACC-003, ACC-004)."""
        self._failed_attempts += 1
        if self._accounts.fails(node.index, attempt.task_id, reason):
            self._print_end(attempt)
            self._repeat(attempt.task_id)
            return
        graph, is_grouped = self._settings.graph, self._settings.grouping is not Grouping.NONE
        task = self._ledger.names[attempt.task_id]
        self._apart.failed(attempt.task_id, task, attempt.output, reason)
        self._print_fatal(attempt)
        if graph:
            dropped = self._ledger.done(attempt.task_id, success=False)
            self._pass_over(dropped)
            self._print_dependants(attempt, dropped)
        if self._settings.print_eot and (graph or not is_grouped):
            self._print(attempt, self._settings.eot)
        self._done.add(attempt.task_id)
        self._printout.task_done(attempt.task_id)

    def _print_end(self, attempt: _Attempt) -> None:
        """Expect the end of an attempt that another one follows (DTH-020, DTH-022, GRP-013)."""
        self._print_fatal(attempt)
        if self._settings.print_eot and self._settings.grouping is Grouping.NONE:
            self._print(attempt, self._settings.eot)

    def _print_fatal(self, attempt: _Attempt) -> None:
        fatal = (self._resistance or self._rules).fatal
        if fatal and self._settings.grouping is Grouping.NONE:
            self._print(attempt, fatal, is_fatal=True)

    def _print_dependants(self, attempt: _Attempt, dropped: list[int]) -> None:
        """Expect the line of GRA-042."""
        graph = self._settings.graph
        assert graph
        names = [self._ledger.names[task_id] for task_id in (attempt.task_id, *dropped)]
        for line in graph.delimiter.join(names).split(b"\n"):
            self._print(attempt, line)

    def _pass_over(self, dropped: list[int]) -> None:
        """Record that these tasks will not be run because of a failed one."""
        if not self._stop and not self._was_ended_early:
            self._accounts.dropped.update(dropped)
            self._printout.pass_over(dropped)

    def _report_poison(self, task_id: int) -> None:
        """Expect that a task is reported that five nodes died of (ACC-063)."""
        if self._rules.retries or self._rules.crash_limit:
            return
        if self._accounts.tries[task_id].losses == POISONOUS_AFTER:
            text = diagnostic(
                b"task %d '%b' was running on five nodes that died; --crash-limit N would "
                b"give it up",
                task_id,
                self._ledger.names[task_id],
            )
            self._diagnostics.need(self._diagnostics.named(text))

    # Time limits, halts and limits

    def _deadline_passed(self, event: DeadlinePassed) -> None:
        deadline = event.deadline
        if deadline.purpose is Purpose.DELAY:
            if self._time < self._delay_until:
                self._blame(Kind.TOO_EARLY, "an attempt may begin (ACC-080)")
            self._is_delaying = False
        elif deadline.purpose is Purpose.TIME_LIMIT:
            self._exceed(self._nodes[deadline.node])
        elif deadline.purpose is Purpose.LOOK and not self._stop:
            for node in self._nodes:
                self._look(node)
        elif deadline.purpose is Purpose.LISTEN and not self._stop:
            for node in self._nodes:
                self._listen(node)

    def _node_unread(self, event: NodeUnread) -> None:
        node = self._nodes[event.node]
        node.heard_at = node.beat_at = self._time

    def _before_greeting(self, node: _Node, data: bytes) -> bytes:
        """Take what came before a node's greeting; return the rest (SIL-041)."""
        before, token, after = (node.before + data).partition(TOKEN + b"\n")
        *lines, node.before = before.split(b"\n")
        if token:
            node.begun = True
            lines += [node.before] if node.before else []
            node.before = b""
        for line in lines:
            self._need_noise(node, line)
        return after

    def _need_noise(self, node: _Node, line: bytes) -> None:
        text = diagnostic(b"node %b wrote before its calculator began: '%b'", node.name, line)
        self._diagnostics.need(self._diagnostics.named(text))

    def _without_beats(self, node: _Node, data: bytes) -> bytes:
        """Return octets of standard error without beats (SIL-023)."""
        line = TOKEN + b"\n"
        data = node.kept + data
        if line in data:
            node.beat_at = self._time
        data = data.replace(line, b"")
        starts = [line[:size] for size in range(len(line), 0, -1)]
        node.kept = next(filter(data.endswith, starts), b"")
        return data.removesuffix(node.kept)

    def _listen(self, node: _Node) -> None:
        """Expect that a node is ended that has missed three beats (SIL-020, SIL-021)."""
        if node.state is not _NodeState.ALIVE or self._stop or node.exited:
            return
        limit = 3 * self._settings.silence.heartbeat
        silent = self._time - node.beat_at
        text = b"node %b has sent no heartbeat for %g seconds; killed"
        if not (node.begun or node.input_closed):
            text = b"node %b has sent no heartbeat within %g seconds of its start; killed"
        named = self._diagnostics.named(diagnostic(text, node.name, limit))
        if named not in self._reports:
            if silent > 3.5 / 3 * limit + 7 * self._lateness + A_MOMENT and not node.killed:
                self._blame(Kind.LINGERING, f"node {node.index} does not beat (SIL-020)")
            return
        if silent < limit - A_MOMENT:
            self._blame(Kind.KILLED, f"node {node.index} has beaten (SIL-022)")
        holds = bool(node.attempts)
        if self._resistance or not holds or node.input_closed:
            self._diagnostics.need(named)
        node.silenced = True
        self._lost(node, named)

    def _look(self, node: _Node) -> None:
        """Expect that a node is ended that was silent for too long (SIL-010)."""
        if node.state is not _NodeState.ALIVE or not node.attempts or self._stop:
            return
        limit = self._settings.silence.stuck
        silent = self._time - max(node.heard_at, node.head_since)
        attempt = node.attempts[0]
        text = diagnostic(
            b"node %b has written nothing for %g seconds while it worked on task %d '%b' "
            b"(--stuck); killed",
            *(node.name, limit, attempt.task_id, self._ledger.names[attempt.task_id]),
        )
        named = self._diagnostics.named(text)
        if named not in self._reports:
            # Between two looks there are a quarter of the limit, and some lateness.
            if silent > 1.25 * limit + 5 * self._lateness + A_MOMENT:
                self._blame(Kind.LINGERING, f"node {node.index} is silent (SIL-010)")
            return
        if silent < limit - A_MOMENT:
            self._blame(Kind.KILLED, f"node {node.index} has written something (SIL-010)")
        if self._resistance:
            self._diagnostics.need(named)
            node.silenced = True
        self._lost(node, named)

    def _exceed(self, node: _Node) -> None:
        """Record that a node works for too long, if it works at all (ACC-050)."""
        if self._stop or node.state is not _NodeState.ALIVE or not node.attempts:
            return
        has_time_left = self._time < node.head_since + self._accounts.time_limit - A_MOMENT
        if has_time_left and self._rules.timeout_percent:
            return  # the median has grown since the deadline was set
        if has_time_left:
            self._blame(Kind.KILLED, f"node {node.index} has some time left (ACC-050, ACC-052)")
        node.turn(_NodeState.DEAD, self._time)
        node.exceeded = True
        self._take_back_queued(node)
        attempt = node.attempts.pop()
        self._in_flight.pop(attempt.task_id, None)
        self._printout.attempt_failed(attempt.task_id)
        self._fail(node, attempt, TIME_LIMIT)

    def _is_ended_early(self) -> bool:
        """Return whether the tasks that wait will not be run, though the run is not stopped."""
        return self._accounts.is_halted or self._accounts.is_limit_reached

    def _end_early(self) -> None:
        """Let no further task be dispatched after a halt or a limit (ACC-070, ACC-081)."""
        if self._stop or not self._is_ended_early():
            return
        self._input_ended = self._was_ended_early = True
        self._ledger.drop()
        halt = self._rules.halt
        if self._accounts.is_halted and halt:
            self._leftovers += [*self._repeats, *self._retries]
            self._repeats.clear()
            self._retries.clear()
            if halt.now:
                status = 0 if self._accounts.is_halted_well else 1
                self._stop_for(Exit(status=status), is_error=False)

    def _allow_report_in_vain(self, node: _Node, last: bytes) -> None:
        """Record that a node never ends a task, which may be reported (RST-031)."""
        if not self._resistance or node.fruitless < FRUITLESS:
            return
        text = diagnostic(
            b"node %b has failed %d times in a row without ending a task, last: %b; "
            b"next restart in %g s",
            node.name,
            node.fruitless,
            last,
            self._resistance.restart_after,
        )
        self._diagnostics.allow(self._diagnostics.named(text))

    def _node_gone(self, event: NodeReaped) -> None:
        node = self._nodes[event.node]
        assert node.state is _NodeState.DEAD or self._violations, "the world makes nodes vanish"
        self._check_dead(node)
        if node.kept:
            self._apart.wrote(node.index, node.name, None, node.kept)
        if not node.begun and node.before:
            self._need_noise(node, node.before)
        self._apart.line_ends(node.index)
        node.turn(_NodeState.GONE, self._time)
        shown = visible(node.name)
        if event.left_running:
            text = b"node %b: process %d does not end; left" % (shown, node.pid)
            self._diagnostics.need(self._diagnostics.named(text))
        if not node.answered and not node.ended_in_order:
            self._allow_report_in_vain(node, b"unknown status")

    def _close_stdin(self, command: CloseStdin) -> None:
        node = self._nodes[command.node]
        if node.input_closed or node.state not in {_NodeState.ALIVE, _NodeState.DEAD}:
            self._blame(Kind.INPUT_CLOSED, f"node {node.index} is {node.state.value}, or twice")
        elif node.state is _NodeState.ALIVE and not self._stop:
            if node.deaf:
                pass  # it closed it itself
            elif node.attempts:
                self._blame(Kind.INPUT_CLOSED, f"node {node.index} holds a task (DSP-004)")
            elif not self._is_over():
                self._blame(Kind.INPUT_CLOSED, f"a task can come for node {node.index} (DSP-004)")
        node.input_closed = True
        node.was_closed_at = self._time

    def _kill_node(self, command: KillNode) -> None:
        node = self._nodes[command.node]
        if node.state not in {_NodeState.ALIVE, _NodeState.DEAD}:
            self._blame(Kind.KILLED, f"node {node.index} is {node.state.value}")
        if node.state is _NodeState.DEAD:
            self._check_dead(node)
        if command.force and not (node.terminated or node.exited or self._stop):
            self._blame(Kind.KILLED, f"node {node.index} without SIGTERM before (DTH-004)")
        node.terminated = True
        if command.force and not node.killed:
            node.killed = True
            node.killed_at = self._time
        if self._stop or (node.state is _NodeState.DEAD and not node.ended_in_order):
            return
        if node.silenced:
            return
        if not node.input_closed or self._time < node.was_closed_at + TIME_TO_END:
            self._blame(Kind.KILLED, f"node {node.index} is {node.state.value} (END-004)")
        elif not node.exited and not self._settings.finish_timeout:
            self._blame(Kind.KILLED, f"node {node.index} may take its time (END-040)")

    def _leave_node(self, command: LeaveNode) -> None:
        node = self._nodes[command.node]
        if not node.killed or self._time < node.killed_at + self._settings.graces.kill:
            self._blame(Kind.KILLED, f"node {node.index} had no time to end (END-047)")

    # Tasks

    def _read_more(self, _command: ReadMore) -> None:
        if self._reading:
            self._blame(Kind.READING, "input is being read already")
        if self._input_ended:
            self._blame(Kind.READING, "the input has ended")
        if self._settings.prefetch != AUTO and (self._task_waits() or self._retry_waits()):
            self._blame(Kind.READING, "a task waits already (DSP-023)")
        self._reading = True

    def _stdin_chunk(self, event: StdinChunk) -> None:
        self._reading = False
        assert self._unread_input.startswith(event.data), "the world reads another input"
        self._unread_input = self._unread_input[len(event.data) :]
        if not self._input_ended and not self._stop:
            self._ledger.read(event.data)

    def _stdin_ended(self, _event: StdinEnded) -> None:
        assert not self._unread_input, "the world does not read all of the input"
        self._reading = False
        if self._input_ended or self._stop:
            return
        self._input_ended = True
        self._ledger.end()
        refused = self._ledger.refused()
        if self._settings.graph and refused:
            report = self._refusal(refused)
            self._diagnostics.need(report)
            self._stop_for(Exit(status=1), is_error=True)

    def _refusal(self, task_id: int) -> bytes:
        if self._exec_mode:
            what = b"NUL, which no argument of a command can"
        else:
            what = b"a newline, which a calculator would take for its end"
        return self._diagnostics.named(b"task %d contains %b" % (task_id, what))

    def _stdin_failed(self, event: StdinFailed) -> None:
        self._reading = False
        if self._stop or self._input_ended:
            return
        self._input_ended = True
        self._fail_run()
        self._ledger.drop()
        report = self._diagnostics.named(b"reading from standard input failed: " + event.reason)
        self._diagnostics.need(report)
        if self._settings.graph:
            self._stop_for(Exit(status=1), is_error=True)

    def _finish_requested(self, _event: FinishRequested) -> None:
        """Let no task be dispatched that was not dispatched before (OBS-030 to OBS-033)."""
        left = self._ledger.count_left()
        if self._stop or self._ended or (self._input_ended and not left):
            return
        parts = [b"%d that were read" % left] * bool(left)
        parts += [b"the rest of the input"] * (not self._input_ended)
        text = b"no more tasks are started; left: " + b", ".join(parts)
        self._diagnostics.need(self._diagnostics.named(text))
        self._was_cut = not self._input_ended
        if self._settings.graph and not self._input_ended:
            self._stop_for(Exit(status=1), is_error=False)
            return
        self._input_ended = self._failed = True
        self._ledger.drop()

    def _send(self, command: Send) -> None:
        node = self._nodes[command.node]
        if self._exec_mode and not node.prepared:
            node.prepared = True
            if b"_paexec_task() {" in command.data:
                return  # what the shell has to know before its first task
            self._blame(Kind.FABRICATED, f"node {node.index} cannot know what a task is")
        tasks = self._tasks_in(command.data)
        task_ids = [self._ledger.id_of(task) for task in tasks]
        if not task_ids or min(task_ids) <= 0:
            self._blame(Kind.FABRICATED, f"node {node.index} was sent {command.data!r}")
            return
        self._check_pace(task_ids)
        for task_id in task_ids:
            self._check_node_for(node, task_id)
            self._check_task(node, task_id)
            self._accounts.dispatched.add(task_id)
            self._in_flight[task_id] = node.index
            node.attempts.append(_Attempt(task_id, self._prefix(node, task_id)))
            if len(node.attempts) == 1:
                self._head_begins(node)
        self._given_tasks.add(node.index)
        self._end_early()

    def _check_pace(self, task_ids: list[int]) -> None:
        """Ask whether attempts may begin (ACC-070, ACC-080, ACC-081)."""
        accounts = self._accounts
        if accounts.is_halted:
            self._blame(Kind.EXIT, f"tasks {task_ids} dispatched after a halt (ACC-070)")
        if accounts.is_limit_reached and not accounts.dispatched.issuperset(task_ids):
            self._blame(Kind.EXIT, f"tasks {task_ids} are too many (ACC-081)")
        if not self._rules.delay:
            return
        if self._time < self._delay_until:
            self._blame(Kind.TOO_EARLY, f"tasks {task_ids} (ACC-080)")
        self._delay_until = self._time + self._rules.delay
        self._is_delaying = True

    def _head_begins(self, node: _Node) -> None:
        head = node.attempts[0]
        node.head_since = self._time
        if self._settings.print_task:
            for line in self._ledger.names[head.task_id].split(b"\n"):
                self._print(head, line)

    def _tasks_in(self, data: bytes) -> list[bytes]:
        if not data.endswith(b"\n"):
            return []
        if not self._exec_mode:
            return data[:-1].split(b"\n")
        calls = CALL.findall(data)
        tasks = [unquoted(word) for word in calls]
        return tasks if data == b"".join(call(task, self._marker) for task in tasks) else []

    def _check_node_for(self, node: _Node, task_id: int) -> None:
        if node.state is not _NodeState.ALIVE:
            self._blame(
                Kind.SENT_TO_DEAD, f"task {task_id}: node {node.index} is {node.state.value}"
            )
        elif node.input_closed:
            self._blame(Kind.SENT_TO_DEAD, f"task {task_id}: input of {node.index} is closed")
        elif len(node.attempts) >= self._most or (
            self._settings.prefetch == AUTO and node.attempts and not node.answered
        ):
            held = [attempt.task_id for attempt in node.attempts]
            self._blame(
                Kind.CROWDED, f"{task_id} and {held} on node {node.index} (PRE-010, PRE-040)"
            )
        elif (
            self._settings.prefetch == 1
            and task_id not in self._retries
            and any(other.index < node.index for other in self._idle())
        ):
            self._blame(Kind.MISORDERED, f"task {task_id}: an idle node is before {node.index}")
        if self._stop:
            self._blame(Kind.EXIT, f"task {task_id} dispatched while the run is being stopped")

    def _check_task(self, node: _Node, task_id: int) -> None:
        if task_id in self._done:
            self._blame(Kind.DUPLICATED, f"task {task_id} is done (DTH-013)")
        elif task_id in self._in_flight:
            other = self._in_flight[task_id]
            self._blame(Kind.DUPLICATED, f"task {task_id}: nodes {other} and {node.index}")
        elif task_id in self._retries:
            self._retries.remove(task_id)
            if node.index in self._accounts.avoids(task_id) and self._others_live(task_id):
                self._blame(
                    Kind.MISORDERED, f"task {task_id} has failed on node {node.index} (ACC-061)"
                )
        elif not node.attempts and (kept := self._retry_for(node)):
            self._blame(Kind.MISORDERED, f"task {task_id} before {kept} (DTH-012)")
        elif self._repeats:
            if task_id != self._repeats[-1]:
                self._blame(
                    Kind.MISORDERED, f"task {task_id} before {self._repeats[-1]} (DTH-011, DTH-012)"
                )
            if task_id in self._repeats:
                self._repeats.remove(task_id)
            else:
                self._ledger.dispatch(task_id)
        else:
            if self._ledger.is_held_back(task_id):
                self._blame(Kind.TOO_EARLY, f"task {task_id} waits for others")
            elif task_id != self._ledger.next():
                self._blame(Kind.MISORDERED, f"task {task_id} before {self._ledger.next()}")
            self._ledger.dispatch(task_id)

    def _asked(self, fact: Asked) -> None:
        for node in self._nodes:
            if node.pid == fact.pid:
                node.asked.append(fact.task)

    def _greeted(self, fact: Greeted) -> None:
        for node in self._nodes:
            if node.pid == fact.pid:
                node.greeted = True

    # Results

    def _node_output(self, event: NodeOutput) -> None:
        node = self._nodes[event.node]
        if node.state is not _NodeState.ALIVE:
            return
        node.heard_at = self._time
        if not node.begun:
            unread = self._before_greeting(node, event.data)
            if unread:
                self._see_stray_octets(node, unread)
            return
        if not node.attempts:
            self._see_stray_octets(node, event.data)
            return
        unread = event.data
        while node.attempts:
            attempt = node.attempts[0]
            for line in node.reader.read(unread):
                if line is None:
                    self._attempt_done(node, attempt)
                else:
                    attempt.last_line = line
                    attempt.output.lines.append(line)
                    self._print(attempt, line)
            if not attempt.is_done or node.deaf:
                return
            unread = b""
        if rest := node.reader.take_rest():
            self._see_stray_octets(node, rest)

    def _node_errors(self, event: NodeErrors) -> None:
        node = self._nodes[event.node]
        data = event.data
        if self._settings.silence.heartbeat:
            data = self._without_beats(node, data)
        head = None
        if node.attempts:
            attempt = node.attempts[0]
            head = attempt.task_id, self._ledger.names[attempt.task_id], attempt.output
        if data:
            self._apart.wrote(node.index, node.name, head, data)

    def _see_stray_octets(self, node: _Node, octets: bytes) -> None:
        """Take in what a node wrote while it held no task (RES-030 to RES-034)."""
        deceives = not self._exec_mode
        if deceives and not node.input_closed:
            node.stray_reported = False
            self._report_once(
                node,
                b"node %b wrote outside of a task: '%b'; its results can no longer be matched "
                b"to tasks (often a login shell prints a greeting)",
                octets,
            )
            if not self._resistance:
                self._stop_for(Exit(status=1), is_error=True)
                return
            if node.answered:
                self._fail_run()
            self._lost(node, b"")
            return
        counts = deceives and node.answered and not self._failed and not self._stop
        if counts and node.reader.ends_in(octets):
            self._fail_run()
            node.stray_reported = False
            self._report_once(
                node,
                b"node %b wrote an extra end-of-task marker: '%b'; its results may belong "
                b"to other tasks (often a login shell prints a greeting)",
                octets,
            )
        self._report_once(node, b"node %b wrote outside of a task; discarded: '%b'", octets)

    def _report_once(self, node: _Node, template: bytes, octets: bytes) -> None:
        if not node.stray_reported:
            node.stray_reported = True
            report = self._diagnostics.named(diagnostic(template, node.name, octets))
            self._diagnostics.need(report)

    def _attempt_done(self, node: _Node, attempt: _Attempt) -> None:
        del node.attempts[0]
        attempt.is_done = True
        task = self._ledger.names[attempt.task_id]
        is_shifted = node.answered >= len(node.asked) or node.asked[node.answered] != task
        if is_shifted and not node.greeted:
            self._blame(Kind.MISCREDITED, f"the EOT for another task ends task {attempt.task_id}")
        node.answered += 1
        self._apart.attempt_ends(node.index, attempt.output)
        self._in_flight.pop(attempt.task_id, None)
        self._accounts.took(self._time - node.head_since, self._time)
        reason = self._why_failed(node, attempt)
        if reason and self._accounts.fails(node.index, attempt.task_id, reason):
            self._failed_attempts += 1
            self._printout.attempt_failed(attempt.task_id)
            self._print_end(attempt)
            self._repeat(attempt.task_id)
        else:
            self._apart.done(attempt.task_id, task, attempt.output)
            self._task_done(attempt, task, has_failed=bool(reason))
        if node.deaf:
            node.turn(_NodeState.DEAD, self._time)
        elif node.attempts:
            self._head_begins(node)

    def _why_failed(self, node: _Node, attempt: _Attempt) -> bytes:
        """Return why an attempt failed that has a result; nothing if it did not."""
        graph = self._settings.graph
        if self._exec_mode:
            return b"exit status 3" if node.reader.has_failed else b""
        if not graph or attempt.last_line == graph.success:
            return b""
        return b"status failure" if attempt.last_line == graph.failure else b"no status"

    def _task_done(self, attempt: _Attempt, task: bytes, *, has_failed: bool) -> None:
        self._done.add(attempt.task_id)
        if not has_failed:
            self._accounts.succeeds(attempt.task_id)
        if self._settings.graph:
            self._see_status(attempt, task)
        if self._settings.print_eot:
            self._print(attempt, self._settings.eot)
        self._printout.task_done(attempt.task_id)

    def _see_status(self, attempt: _Attempt, task: bytes) -> None:
        graph = self._settings.graph
        assert graph
        success = attempt.last_line == graph.success
        dropped = self._ledger.done(attempt.task_id, success=success)
        if success:
            return
        self._pass_over(dropped)
        if attempt.last_line == graph.failure:
            self._print_dependants(attempt, dropped)
            return
        self._print(attempt, b"?")
        self._failed = True
        report = self._diagnostics.named(
            b"task %d '%b' ended without a status; dependants dropped: %d"
            % (attempt.task_id, visible(task), len(dropped))
        )
        self._diagnostics.need(report)

    # What is printed

    def _prefix(self, node: _Node, task_id: int) -> bytes:
        settings = self._settings
        words = []
        if settings.show_node:
            words.append(node.name)
        if settings.show_task_id:
            words.append(b"%d" % task_id)
        if settings.show_pid:
            words.append(b"%d" % node.pid)
        prefix = b"".join(word + b" " for word in words)
        if settings.tag is None:
            return prefix
        return prefix + self._ledger.names[task_id].join(settings.tag.split(b"{}")) + b"\t"

    def _print(self, attempt: _Attempt, line: bytes, *, is_fatal: bool = False) -> None:
        if not self._muted:
            line_due = Line(attempt.prefix, line, is_fatal)
            self._printout.expect(attempt.task_id, line_due)

    # Diagnostics

    def _report(self, command: Report) -> None:
        text = command.text
        if self._diagnostics.accept(text):
            return
        if self._is_refusal(text):
            self._input_ended = True
            self._fail_run()
            self._ledger.drop()
        elif text == self._expected_summary_of(text):
            self._summary = text
        elif self._is_about_all_nodes(text) or self._is_about_lost_node(text):
            self._stop_for(Exit(status=1), is_error=False)
        elif not self._is_about_slow_end(text):
            self._blame(Kind.DIAGNOSTIC, f"{text!r}")

    def _is_refusal(self, text: bytes) -> bool:
        """Return whether a node was idle for a task that cannot be sent (FRM-013, EXE-004)."""
        refused = self._ledger.refused()
        waits = refused and refused == self._ledger.next() and not self._repeats
        return bool(waits and text == self._refusal(refused) and not self._stop)

    def _is_about_all_nodes(self, text: bytes) -> bool:
        words = b"all nodes failed"
        if self._resistance and self._resistance.wait:
            words += b": none of them can be started"
        return text == words and self._all_nodes_failed()

    def _all_nodes_failed(self) -> bool:
        """Return whether the run has to end because all nodes are dead (DTH-030, RST-030)."""
        return (
            not self._stop
            and self._resistance is not None
            and (self._hopeless or not self._resistance.wait)
            and (self._task_waits() or bool(self._retries))
            and not any(node.exceeded for node in self._nodes)
            and all(node.state in {_NodeState.DEAD, _NodeState.GONE} for node in self._nodes)
        )

    def _is_about_lost_node(self, text: bytes) -> bool:
        """Return whether a task came for a node that is dead (END-011)."""
        if self._resistance or self._stop or not self._task_waits():
            return False
        return any(
            text == b"Node %b exited unexpectedly" % visible(node.name)
            for node in self._nodes
            if node.state in {_NodeState.DEAD, _NodeState.GONE}
            and not (node.died_at_work or node.exceeded)
        )

    def _is_about_slow_end(self, text: bytes) -> bool:
        """Return whether a calculator takes too long to end without a diagnostic.

        If it is too long for ``--finish-timeout`` the run fails (END-041).
        """
        timeout = self._settings.finish_timeout
        notice = self._settings.graces.finish_notice
        for node in self._nodes:
            if node.state not in {_NodeState.ALIVE, _NodeState.DEAD} or not node.input_closed:
                continue
            name = self._diagnostics.named(b"node %b has " % visible(node.name))
            seconds = self._time - node.was_closed_at
            if text.startswith(name + b"not ended %d seconds" % notice):
                return not node.exited and seconds > notice - 0.01
            if text == name + b"ended, but others hold its output; not waited for":
                return node.exited and seconds > min(notice, timeout or inf) - 0.01
            if text == name + b"not ended within %g seconds (--finish-timeout); killed" % timeout:
                self._fail_run()
                return not node.exited and timeout > 0 and seconds > timeout - 0.01
        return False

    # The end

    def _output_closed(self, _event: OutputClosed) -> None:
        self._broken = True
        self._mute()
        self._stop_for(Exit(signal=SIGPIPE))

    def _mute(self) -> None:
        self._muted = True
        self._printout.break_off()

    def _output_failed(self, event: OutputFailed) -> None:
        self._broken = True
        self._mute()
        report = self._diagnostics.named(b"writing to standard output failed: " + event.reason)
        self._diagnostics.need(report)
        self._stop_for(Exit(status=1), is_error=True)

    def _holding_failed(self, event: HoldingFailed) -> None:
        if self._muted:
            return
        self._printout.end()  # groups that are whole are still good (GRP-035)
        self._printout.forget_open()
        self._muted = True
        report = self._diagnostics.named(b"holding lines back failed: " + event.reason)
        self._diagnostics.need(report)
        self._stop_for(Exit(status=1), is_error=True)

    def _pass_on(self, command: Write | Hold | Release) -> None:
        if self._broken:
            self._blame(Kind.FABRICATED, f"{command} for an output that is broken (END-020)")

    def _drain_output(self, _command: DrainOutput) -> None:
        if self._draining:
            self._blame(Kind.EXIT, "the output is drained twice")
        if self._broken:
            self._blame(Kind.EXIT, "an output that is broken is drained")
        self._draining = True
        self._drains_since = self._time

    def _output_drained(self, _event: OutputDrained) -> None:
        given_up_at = self._drains_since + self._settings.graces.drain + self._lateness
        if self._stop and self._stop.signal and self._time > given_up_at:
            self._blame(Kind.EXIT, "nobody took the output, and it was waited for (GRP-025)")
        self._drained = True

    def _fail_run(self) -> None:
        """Let the run fail because of something that is neither a task nor a lost node."""
        self._failed = True
        self._accounts.had_error = True

    def _stop_for(self, cause: Exit, *, is_requested: bool = False, is_error: bool = False) -> None:
        """Let the run end at once; of several causes the first decides how.

        A signal decides after a failure too (END-030). Whatever happens while the output is being
        drained ends the run there and then.
        """
        self._accounts.had_error |= is_error
        self._accounts.is_stopped = True
        if not self._stop or self._draining or (is_requested and not self._stop.signal):
            self._stop = cause

    def _stop_requested(self, event: StopRequested) -> None:
        self._is_urgent = self._stop is not None and not self._draining
        self._stop_for(Exit(signal=event.signal), is_requested=True)

    def _known(self) -> set[int]:
        return set(range(1, len(self._ledger.names)))

    def _expected_summary_of(self, text: bytes) -> bytes:
        """Return a text if it is a summary: ``_exit`` looks at what it says."""
        name = self._diagnostics.named(b"")
        number = text.removeprefix(name).partition(b" task")[0]
        return text if not self._summary and number.isdigit() else b""

    def _check_accounts(self, command: Exit, plain: Exit) -> None:
        accounts, known = self._accounts, self._known()
        accounts.close([*self._leftovers, *self._repeats, *self._retries])
        expected = accounts.outcome(plain, known, read_all=self._input_ended and not self._was_cut)
        if command != expected and (not expected.signal or command.signal != expected.signal):
            self._blame(Kind.EXIT, f"{command} instead of {expected}")
        summary = accounts.summary(known, by_signal=expected.signal != 0)
        told = self._summary.removeprefix(self._diagnostics.named(b""))
        if bool(told) != bool(summary) or not told.startswith(summary):
            self._blame(Kind.DIAGNOSTIC, f"{told!r} instead of {summary!r} (ACC-010)")

    def _exit(self, command: Exit) -> None:
        self._ended = True
        self._check_accounts(command, self._stop or Exit(status=int(self._failed)))
        if not self._stop and (not self._is_over() or self._in_flight):
            self._blame(Kind.LOST, f"not done: {self._not_done()}")
        self._apart.end()
        if not command.signal and not self._muted and not self._drained:
            self._blame(Kind.LOST, "the output was not written")
        if not self._stop and any(node.state is _NodeState.NEW for node in self._nodes):
            self._blame(Kind.EXIT, "a node was never started (DSP-002)")
        if not self._is_nothing_left():
            states = [node.state.value for node in self._nodes]
            self._blame(Kind.EXIT, f"processes are left (END-003): {states}")

    def _is_nothing_left(self) -> bool:
        return all(node.state in {_NodeState.NEW, _NodeState.GONE} for node in self._nodes)

    def _not_done(self) -> str:
        waiting = [*self._in_flight, *self._repeats]
        if self._ledger.next():
            waiting.append(self._ledger.next())
        return f"{waiting} among others"

    def _crashed(self, fact: Crashed) -> None:
        self._ended = True
        self._blame(Kind.CRASHED, fact.error)

    def _stuck(self, fact: Stuck) -> None:
        self._ended = True
        states = [node.state.value for node in self._nodes]
        self._blame(Kind.ENDLESS, f"{fact.why}; nodes: {states}; not done: {self._not_done()}")

    # What is always true

    def _idle(self) -> Sequence[_Node]:
        return [node for node in self._nodes if node in self._open() and not node.attempts]

    def _open(self) -> Sequence[_Node]:
        return [
            node
            for node in self._nodes
            if node.state is _NodeState.ALIVE and node.begun and not node.input_closed
        ]

    def _check_shares(self) -> None:
        """Ask whether tasks went to nodes that hold the fewest (PRE-012, PRE-013)."""
        open_nodes = self._open()
        fewest = min((len(node.attempts) for node in open_nodes), default=0)
        most = fewest + 1 if self._most < inf or not fewest else inf
        for node in open_nodes:
            if node.index in self._given_tasks and len(node.attempts) > most:
                self._blame(Kind.MISORDERED, f"node {node.index} holds more than others (PRE-013)")
        self._given_tasks.clear()

    def _task_waits(self) -> bool:
        """Return whether a task waits that goes to every node."""
        return bool(self._repeats or (self._ledger.next() and not self._is_ended_early()))

    def _retry_waits(self) -> bool:
        """Return whether a task waits for another node, and none is idle."""
        return bool(self._retries and not self._idle())

    def _others_live(self, task_id: int) -> bool:
        """Return whether a node lives on which a task has not failed."""
        living = {
            node.index
            for node in self._nodes
            if node.state in {_NodeState.NEW, _NodeState.STARTING}
            or (node.state is _NodeState.ALIVE and not (node.input_closed or node.deaf))
        }
        return bool(living - self._accounts.avoids(task_id))

    def _retry_for(self, node: _Node) -> int:
        """Return a task that waits for another node, such as this one; 0: none does."""
        for task_id in self._retries:
            if node.index not in self._accounts.avoids(task_id) or not self._others_live(task_id):
                return task_id
        return 0

    def _is_over(self) -> bool:
        """Return whether no task can come for any node."""
        if not self._input_ended or self._repeats or self._retries or self._ledger.has_more():
            return False
        # A node that takes too long loses its queued tasks (ACC-052).
        takes_back = self._rules.has_time_limit and self._settings.prefetch != 1
        may_repeat = self._resistance or self._rules.retries > 1 or takes_back
        return not may_repeat or not self._in_flight

    def _check_what_is_always_true(self) -> None:
        if self._joining and not self._stop:
            self._blame(Kind.WAITING, f"{self._joining!r} does not join (HST-023)")
        self._joining = b""
        for node in self._nodes:
            if node.state is _NodeState.DEAD:
                if not node.input_closed:
                    self._blame(Kind.INPUT_OPEN, f"node {node.index} is dead (DTH-004)")
                self._check_dead(node)
                if (node.exceeded or node.silenced) and not (node.terminated or self._stop):
                    text = f"node {node.index} gets no SIGTERM (ACC-050, SIL-002)"
                    self._blame(Kind.LINGERING, text)
            elif node.state is _NodeState.GONE:
                self._check_gone(node)
            elif not self._stop:
                self._check_head(node)
        if self._stop:
            for node in self._nodes:
                if node.state is _NodeState.ALIVE and not node.input_closed:
                    self._blame(Kind.INPUT_OPEN, f"node {node.index} (END-012, END-030)")
            return
        self._check_shares()
        idle = self._idle()
        roomy = idle
        if self._settings.prefetch != AUTO:
            roomy = [node for node in self._open() if len(node.attempts) < self._most]
        if self._is_delaying:
            self._check_delay()
        elif roomy and self._task_waits():
            self._blame(Kind.WAITING, f"node {roomy[0].index} has room (DSP-011, GRA-026, PRE-011)")
        nobody = all(node.state in {_NodeState.DEAD, _NodeState.GONE} for node in self._nodes)
        is_wanted = idle or nobody or self._settings.graph
        waits = self._task_waits() or self._retry_waits()
        if is_wanted and not (self._input_ended or self._reading or waits):
            self._blame(Kind.READING, "nobody reads on, and no task waits (DSP-020, DTH-032)")
        if not self._is_delaying:
            for node in idle:
                if task_id := self._retry_for(node):
                    text = f"task {task_id} waits for a node like {node.index} (ACC-060)"
                    self._blame(Kind.WAITING, text)
        if idle and self._is_over():
            self._blame(Kind.INPUT_OPEN, f"node {idle[0].index} (DSP-003)")
        if self._all_nodes_failed():
            self._blame(Kind.EXIT, "all nodes are dead, and the run goes on (DTH-030)")

    def _check_delay(self) -> None:
        if self._time > self._delay_until + self._lateness + A_MOMENT:
            self._blame(Kind.WAITING, "the next attempt is late (ACC-080)")

    def _check_head(self, node: _Node) -> None:
        """Blame the run if a node works for too long (ACC-050)."""
        limit = self._accounts.time_limit * (ABOUT if self._rules.timeout_percent else 1)
        if not limit or not node.attempts or node.state is not _NodeState.ALIVE:
            return
        # A result can make the limit shorter than the time that has passed.
        due = max(node.head_since + limit, self._accounts.learned_at)
        if self._time > due + self._lateness + A_MOMENT:
            self._blame(Kind.LINGERING, f"node {node.index} goes on (ACC-050)")

    def _check_dead(self, node: _Node) -> None:
        """Blame the run if the remains of a dead node last too long."""
        if node.ended_in_order or not (self._resistance or node.exceeded):
            return
        age = self._time - node.since
        if age > self._time_to_terminate and not node.terminated:
            self._blame(Kind.LINGERING, f"node {node.index} died {age:.1f} s ago (DTH-004)")
        elif age > self._time_to_kill and not node.killed:
            self._blame(Kind.LINGERING, f"node {node.index} ignores SIGTERM (DTH-004)")

    def _check_gone(self, node: _Node) -> None:
        if node.exceeded and not self._stop and not self._is_over():
            if self._time > node.since + STARTS_TAKE:
                self._blame(Kind.RESTART, f"node {node.index} is not started again (ACC-050)")
            return
        if self._stop or not self._resistance or not self._resistance.restart_after:
            return
        if self._is_over():
            return
        due = node.since + self._resistance.restart_after + STARTS_TAKE + self._lateness
        if self._time > due:
            self._blame(Kind.RESTART, f"node {node.index} is gone since {node.since} (RST-004)")
