"""The distributor itself: events in, commands out."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, final

from paexec_trio.core import events as on
from paexec_trio.core.accounting import NO_ACCOUNTING
from paexec_trio.core.accounts import Accounts
from paexec_trio.core.addedtasks import AddedTasks
from paexec_trio.core.commands import Command, Exit, Report
from paexec_trio.core.deadlines import Deadlines
from paexec_trio.core.dispatching import Dispatcher, FastPath, LostNodeError
from paexec_trio.core.ending import Ending, Phase
from paexec_trio.core.execmode import ExecMode
from paexec_trio.core.faults import Fault
from paexec_trio.core.fleet import Fleet
from paexec_trio.core.framing import NEWLINE, NUL, ResultFramer
from paexec_trio.core.layers import make_layers
from paexec_trio.core.nodes import Node
from paexec_trio.core.outlets import OutletMaker
from paexec_trio.core.printing import Printer
from paexec_trio.core.reading import Reader
from paexec_trio.core.reporting import Reporter
from paexec_trio.core.results import Results
from paexec_trio.core.settings import Settings
from paexec_trio.core.snapshot import Snapshot, take_snapshot
from paexec_trio.core.starting import Starter
from paexec_trio.core.tasks import FlatTasks, GraphTasks, RefusedTaskError, TaskSource
from paexec_trio.core.terminating import Terminator
from paexec_trio.core.throttling import Throttle
from paexec_trio.core.waiting import WaitingTasks
from paexec_trio.core.wire import Wire

if TYPE_CHECKING:
    from paexec_trio.core.facts import FactStream
    from paexec_trio.core.graph import TaskGraph
    from paexec_trio.core.joblog import LogBuffer
    from paexec_trio.core.joining import Joining
    from paexec_trio.core.objectpath import ObjectPath
    from paexec_trio.core.overview import Parts
    from paexec_trio.core.resuming import Past

_RUNNING, _OVER = Phase.RUNNING, Phase.OVER


@final
class Engine:
    """The state machine: :meth:`handle` takes an event and returns the commands that follow.

    It is deterministic, never blocks and does no I/O. The first event has to be ``RunStarted``, and
    no event may follow an ``Exit``.

    Its parts do the work. Each event goes to a method of one part. The method records the event,
    takes the steps that follow from the event alone, and returns whether the new state may call for
    more steps. If so, the engine takes these in ``_settle``.

    Args:
        settings: the options of the run.
        make_outlet: makes the outlet of the results.
        tasks: where the tasks come from, by default from standard input.
        exec_mode: how a command is run per task; ``None`` if tasks are sent to calculators.
        past: what the job log says of earlier runs; ``None``: there were none.
        log_buffer: the fast path adds the lines of the log to it.
        facts: is told what happens; ``None``: nobody wants to know.

    Attributes:
        object_path: the fast paths of a run whose results are objects, if it can use them.
    """

    def __init__(
        self,
        settings: Settings,
        make_outlet: OutletMaker = Printer,
        tasks: TaskSource | None = None,
        *,
        exec_mode: ExecMode | None = None,
        past: Past | None = None,
        log_buffer: LogBuffer | None = None,
        facts: FactStream | None = None,
    ) -> None:
        self._commands: list[Command] = []
        commands = self._commands
        self._nodes = nodes = [
            Node(index, name, ResultFramer(settings.eot, settings.line_limit))
            for index, name in enumerate(settings.nodes)
        ]
        self._tasks = tasks = tasks or task_source(settings, past, per_task=exec_mode is not None)
        layers = make_layers(settings, make_outlet, tasks, commands, past, log_buffer, facts)
        outlet, recorder, time_limits = layers
        self._outlet = outlet
        reporter = Reporter(settings.program, commands)
        self._wire = wire = Wire(settings, commands, exec_mode)
        self._accounts = accounts = Accounts(settings, tasks, past)
        self._ending = ending = Ending(settings, nodes, accounts, outlet, reporter, commands)
        self._terminator = terminator = Terminator(settings, nodes, ending, reporter, commands)
        waiting = WaitingTasks(settings, nodes, tasks, accounts)
        throttle = Throttle(settings.accounting.delay, commands)
        self._dispatcher = dispatcher = Dispatcher(
            settings, nodes, tasks, waiting, throttle, outlet, wire
        )
        self._starter = starter = Starter(settings, nodes, dispatcher, commands)
        self._fleet = fleet = Fleet(
            settings,
            nodes,
            tasks,
            accounts,
            dispatcher,
            starter,
            outlet,
            wire,
            ending,
            terminator,
            reporter,
            commands,
        )

        def joining() -> Joining:
            from paexec_trio.core.joining import Joining  # rarely needed

            return Joining(settings, nodes, dispatcher, starter, fleet, ending, outlet, commands)

        results = Results(
            settings, nodes, tasks, accounts, dispatcher, fleet, outlet, ending, reporter, exec_mode
        )
        self._reader = reader = Reader(
            settings, tasks, past, accounts, dispatcher.windows, starter, ending, reporter, commands
        )
        deadlines = Deadlines(nodes, terminator, ending, starter, dispatcher, fleet, time_limits)
        self.object_path: ObjectPath | None = None
        is_plain = settings.prefetch == 1 and settings.accounting == NO_ACCOUNTING
        is_plain = is_plain and not settings.reads_stderr
        if isinstance(tasks, AddedTasks) and not (exec_mode or settings.graph):
            # Only here: the programs do without these modules.
            from paexec_trio.core.collecting import Collector
            from paexec_trio.core.objectpath import ObjectPath

            if is_plain and isinstance(outlet, Collector):
                self.object_path = ObjectPath(nodes, tasks, dispatcher, outlet, reader, ending)
        self._handlers: dict[type[on.Event], Callable[[Any], bool]] = {
            on.RunStarted: self._begin,
            on.TimePassed: self._time_passed,
            on.NodeStarted: fleet.started,
            on.NodeNotStarted: fleet.not_started,
            on.NodeOutput: results.take,
            on.NodeErrors: self._node_errors,
            on.NodeUnwritable: fleet.unwritable,
            on.NodeEnded: fleet.ended,
            on.NodeReaped: recorder.before(fleet.reaped) if recorder else fleet.reaped,
            on.StdinChunk: reader.chunk,
            on.TaskAdded: reader.added,
            on.DrainRequested: fleet.drain,
            on.NodeAdded: lambda event: joining().added(event),
            on.NodesWanted: lambda event: joining().wanted(event),
            on.FinishRequested: reader.finish,
            on.StdinEnded: reader.ended,
            on.StdinFailed: reader.failed,
            on.OutputClosed: ending.output_closed,
            on.OutputFailed: ending.output_failed,
            on.LogFailed: ending.log_failed,
            on.HoldingFailed: ending.holding_failed,
            on.StoringFailed: ending.storing_failed,
            on.OutputDrained: ending.output_drained,
            on.DeadlinePassed: deadlines.passed,
            on.StopRequested: terminator.stop_requested,
        }
        if settings.silence.is_watched:
            from paexec_trio.core.watching import Watching  # rarely needed

            Watching(settings, nodes, fleet, terminator, ending, reporter, commands, self._handlers)

    def handle(self, event: on.Event) -> list[Command]:
        """Record an event and return the commands that follow from it, in order.

        Raises:
            IllegalStepError: the event is impossible in the state of its node or of the run.
        """
        self._commands.clear()
        if self._handlers[type(event)](event):
            self._settle()
        return self._commands.copy()

    @property
    def fast_path(self) -> FastPath | None:
        """The fast path of results, to be asked before a ``NodeOutput`` is made, if there is one.

        It is :meth:`Dispatcher.exchange <paexec_trio.core.dispatching.Dispatcher.exchange>` or
        :meth:`ObjectPath.take <paexec_trio.core.objectpath.ObjectPath.take>`.
        """
        return self.object_path.take if self.object_path else self._dispatcher.fast_path

    @property
    def fault(self) -> Fault | None:
        """The first fault that keeps the run from going on, or makes its results doubtful."""
        return self._ending.fault

    @property
    def graph(self) -> TaskGraph | None:
        """The tasks and their edges, in graph mode."""
        return self._tasks.graph if isinstance(self._tasks, GraphTasks) else None

    @property
    def takes_tasks(self) -> bool:
        """Whether a task that is added now will be done, if all goes well."""
        return self._ending.phase is _RUNNING and not self._reader.has_ended

    @property
    def was_halted(self) -> bool:
        """Whether a halt has ended the run, and nothing else has failed (ACC-070)."""
        return self._accounts.halted and not self._ending.had_error

    @property
    def now(self) -> float:
        """The time in seconds, as the last ``TimePassed`` had it."""
        return self._outlet.now

    @property
    def tells_seconds(self) -> bool:
        """Whether results tell their seconds, for which the engine needs ``TimePassed``."""
        return self._outlet.tells_seconds

    def tell_time(self, now: float) -> None:
        """Record the time, as a ``TimePassed`` does."""
        self._dispatcher.windows.now = self._outlet.now = now

    def snapshot(self) -> Snapshot:
        """Return how far the run is."""
        return take_snapshot(self._nodes, self._tasks, self._dispatcher, self._accounts)

    def look(self) -> tuple[Parts, Phase, bool]:
        """Return what an overview is made of: parts, phase, whether more of the input may come."""
        parts = self._nodes, self._tasks, self._dispatcher, self._accounts, self._wire
        return parts, self._ending.phase, not self._reader.has_ended

    def _begin(self, event: on.RunStarted) -> bool:
        self._wire.nonce = event.nonce
        self._starter.begin()
        if not self._tasks.needs_whole_input:
            self._starter.start_next()
        self._reader.read_more()
        return False

    def _time_passed(self, event: on.TimePassed) -> bool:
        """Record the time, which decides nothing by itself."""
        self.tell_time(event.now)
        return False

    def _node_errors(self, event: on.NodeErrors) -> bool:
        """Pass on what a calculator wrote on its standard error, which decides nothing."""
        self._outlet.errors(self._nodes[event.node], event.data)
        return False

    def _settle(self) -> None:
        """Take the steps that follow from the state, until none follows.

        These steps do not depend on the event that led to the state. So no part has to know what
        other parts do next.
        """
        dispatcher, ending = self._dispatcher, self._ending
        while ending.phase is _RUNNING:
            if self._accounts.may_end_early:
                self._end_early()
                if ending.phase is not _RUNNING:
                    break
            if self._starter.restarts:
                self._starter.arrange_restart()
            try:
                dispatcher.dispatch()
            except LostNodeError as loss:
                self._fleet.lose(loss.node)
                break
            except RefusedTaskError as refusal:
                self._reader.fail(refusal.reason)
                continue
            if not dispatcher.waiting.left and (
                self._tasks.count_waiting() or not self._reader.has_ended
            ):
                continue  # that was the last task that may be dispatched
            if dispatcher.has_waiting():
                if not (dispatcher.living or dispatcher.holding):
                    self._fleet.all_failed()
                elif dispatcher.looks_ahead():
                    self._reader.read_more()
            elif not self._reader.has_ended:
                if dispatcher.wants_tasks():
                    self._reader.read_more()
            elif dispatcher.is_over() and self._fleet.wind_down():
                ending.finish()
            break
        if ending.phase is not _RUNNING:
            ending.settle()
            if ending.phase is _OVER:
                self._close_accounts()

    def _end_early(self) -> None:
        """Begin no further attempt after a halt, and no further task after the last (ACC-081)."""
        accounts, waiting = self._accounts, self._dispatcher.waiting
        if not accounts.halted:
            if not waiting.left:
                self._reader.stop()
            return
        accounts.give_up_lost(waiting.leftovers())
        self._reader.stop()
        if accounts.halts_now:
            status = 0 if accounts.has_halted_well else 1
            self._ending.stop(Exit(status=status), is_error=False)

    def _close_accounts(self) -> None:
        """Sum up what became of the tasks, and let the exit status say it."""
        accounts = self._accounts
        outcome = self._commands.pop()
        assert isinstance(outcome, Exit)  # noqa: S101 (nothing follows it)
        accounts.give_up_lost(self._dispatcher.waiting.leftovers())
        accounts.drop_waiting(are_wanted=True)
        accounts.close()
        summary = accounts.summary(
            by_signal=outcome.signal != 0,
            read_all=self._reader.read_all,
            wrote_all=not self._outlet.is_muted,
        )
        if summary:
            self._commands.append(Report(summary))
        had_error = self._ending.had_error
        read_all = self._reader.has_ended and not self._reader.was_cut
        status = accounts.exit_status(outcome.status, is_error=had_error, read_all=read_all)
        self._commands.append(Exit(status, outcome.signal))


def forbidden_octet(*, per_task: bool) -> bytes:
    """Return the octet that no task can contain: it would end a line, or an argument."""
    return NUL if per_task else NEWLINE


def task_source(settings: Settings, past: Past | None, *, per_task: bool) -> TaskSource:
    """Return where the tasks of a run come from: a graph, or a flat list.

    Args:
        settings: how tasks are read.
        past: what the job log says of earlier runs; ``None``: there were none.
        per_task: whether a command is run per task.
    """
    forbidden = forbidden_octet(per_task=per_task)
    graph = settings.graph
    if graph is None or graph.every_line:
        tasks = FlatTasks(settings.terminator, forbidden, settings.line_limit)
        if past is None or not past.has_tasks:
            return tasks
        from paexec_trio.core.resuming import ResumedTasks

        return ResumedTasks(tasks, past)
    return GraphTasks(
        settings.terminator,
        forbidden,
        graph.delimiter,
        graph.weight_word,
        graph.weighting,
        settings.line_limit,
    )
