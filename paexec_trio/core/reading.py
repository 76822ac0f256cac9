"""Reading: the tasks of standard input."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from paexec_trio.core.accounting import Resume
from paexec_trio.core.addedtasks import AddedTasks
from paexec_trio.core.commands import Command, Exit, ReadMore
from paexec_trio.core.ending import Ending, Phase
from paexec_trio.core.faults import Blame
from paexec_trio.core.tasks import GraphTasks, InputError, RefusedTaskError, TaskSource

if TYPE_CHECKING:
    from paexec_trio.core.accounts import Accounts
    from paexec_trio.core.events import (
        FinishRequested,
        StdinChunk,
        StdinEnded,
        StdinFailed,
        TaskAdded,
    )
    from paexec_trio.core.reporting import Reporter
    from paexec_trio.core.resuming import Past
    from paexec_trio.core.settings import Settings
    from paexec_trio.core.starting import Starter
    from paexec_trio.core.windows import Windows

_RUNNING = Phase.RUNNING


@final
class Reader:
    """Asks for chunks of standard input, and feeds them to the tasks.

    Args:
        settings: decide whether the weights of tasks are reported.
        tasks: are fed.
        past: says which tasks were done in earlier runs; ``None``: there were none.
        accounts: are told which tasks are not run any more.
        windows: are told how much was read.
        starter: starts the nodes when a graph is complete.
        ending: is told if the input cannot be used.
        reporter: reports its faults.
        commands: the list that all parts of the engine share.

    Attributes:
        has_ended: whether no more of the input is read.
        read_all: whether the end of the input was met, or nothing of it is read.
        was_cut: whether the rest of the input was left because somebody wanted that.
        has_room: whether a chunk was asked for and has not come. A program may add a task then.
    """

    def __init__(
        self,
        settings: Settings,
        tasks: TaskSource,
        past: Past | None,
        accounts: Accounts,
        windows: Windows,
        starter: Starter,
        ending: Ending,
        reporter: Reporter,
        commands: list[Command],
    ) -> None:
        self._describe_weights = settings.describe_weights
        self._tasks = tasks
        self._past = past
        self._accounts = accounts
        self._windows = windows
        self._starter = starter
        self._ending = ending
        self._reporter = reporter
        self._commands = commands
        log = settings.accounting.log
        self.has_ended = log is not None and log.resume is Resume.ONLY_UNSUCCESSFUL  # ACC-044
        self.read_all = self.has_ended
        self.has_room = self.was_cut = False

    def read_more(self) -> None:
        """Ask for a chunk of the input, unless one was asked for or the input has ended."""
        if not self.has_room and not self.has_ended:
            self.has_room = True
            self._commands.append(ReadMore())

    def chunk(self, event: StdinChunk) -> bool:
        """Feed a chunk to the tasks."""
        self.has_room = False
        if self.has_ended or self._ending.phase is not _RUNNING:
            return False
        self._windows.tasks_read(len(event.data))
        try:
            self._tasks.feed(event.data)
        except InputError as error:
            self._refuse_input(error)
        except RefusedTaskError as refusal:
            # Those that come before it are run (LIM-014).
            self._end_early(refusal.reason)
        return True

    def added(self, event: TaskAdded) -> bool:
        """Add a task to the tasks."""
        self.has_room = False
        if self.has_ended or self._ending.phase is not _RUNNING:
            return False
        self._windows.tasks_read(len(event.task) + 1)
        if isinstance(self._tasks, AddedTasks):  # the only source that such a run has
            self._tasks.add(event.task_id, event.task, event.after)
        return True

    def ended(self, _event: StdinEnded) -> bool:
        """Tell the tasks that the input has ended; a graph is complete then."""
        self.has_room = False
        if self.has_ended or self._ending.phase is not _RUNNING:
            return False
        self.has_ended = self.read_all = True
        try:
            self._tasks.end()
            if self._past and isinstance(self._tasks, GraphTasks):
                from paexec_trio.core.resuming import skip_done

                skip_done(self._tasks, self._past)
        except InputError as error:
            self._refuse_input(error)
            return True
        except RefusedTaskError as refusal:
            if self._tasks.needs_whole_input:
                self._ending.fail(self._reporter.text(refusal.reason), Blame.CALLER)
            else:
                self._end_early(refusal.reason)  # ACC-045
            return True
        if isinstance(self._tasks, GraphTasks):
            if self._describe_weights:
                self._reporter.report_bare(self._tasks.describe_weights())
            self._starter.start_next()
        return True

    def failed(self, event: StdinFailed) -> bool:
        """Take no more tasks; a graph is not run at all."""
        self.has_room = False
        if self.has_ended or self._ending.phase is not _RUNNING:
            return False
        reason = b"reading from standard input failed: " + event.reason
        if self._tasks.needs_whole_input:
            self._ending.fail(self._reporter.text(reason), Blame.CALLER)
        else:
            self.fail(reason)
        return True

    def fail(self, reason: bytes) -> None:
        """Take no more tasks; those that were dispatched are finished, then the run fails."""
        self._end_early(reason)
        self._accounts.drop_waiting(are_wanted=True)

    def finish(self, _event: FinishRequested) -> bool:
        """Take no more tasks, because somebody wants that (OBS-030); say what is left."""
        left = self._tasks.count_waiting()
        if self._ending.phase is not _RUNNING or (self.has_ended and not left):
            return False
        parts = [b"%d that were read" % left] * bool(left)
        parts += [b"the rest of the input"] * (not self.has_ended)
        self._reporter.report(b"no more tasks are started; left: " + b", ".join(parts))
        if self._tasks.needs_whole_input and not self.has_ended:
            self._ending.stop(Exit(status=1), is_error=False)  # no node was started
            return True
        self._ending.note_failure(is_error=False)
        self.was_cut = not self.has_ended
        self.has_ended = True
        self._accounts.drop_waiting(are_wanted=True)
        return True

    def stop(self) -> None:
        """Take no more tasks: those that are left are not to be run."""
        self.has_ended = True
        self._accounts.drop_waiting(are_wanted=False)

    def _end_early(self, reason: bytes) -> None:
        self._reporter.report(reason)
        self._ending.note_failure()
        self.has_ended = True

    def _refuse_input(self, error: InputError) -> None:
        """End the run before anything has started."""
        self.has_ended = True
        # Upstream prints these messages without the program's name.
        self._reporter.report_bare(error.diagnostics)
        self._ending.stop(Exit(status=1))
