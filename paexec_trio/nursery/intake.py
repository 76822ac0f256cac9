"""The intake of a run: it checks tasks, and makes their senders wait for room."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, final

import trio

from paexec_trio.core.calculators import CommandPerTask
from paexec_trio.core.events import StdinEnded, TaskAdded
from paexec_trio.core.framing import NEWLINE, NUL
from paexec_trio.core.tasks import RefusedTaskError
from paexec_trio.nursery.errors import TaskRefusedError
from paexec_trio.nursery.texts import octets_of

if TYPE_CHECKING:
    from paexec_trio.core.resuming import Past
    from paexec_trio.nursery.options import Plan
    from paexec_trio.nursery.outcome import Outcome
    from paexec_trio.nursery.session import Session
    from paexec_trio.nursery.texts import Text

_NAMES = {NEWLINE: "a newline", NUL: "a NUL"}


@final
class Intake:
    """Gives tasks to a run as fast as it takes them.

    Args:
        plan: tells which tasks are possible.
        outcome: knows whether the run is over.
        past: the tasks of earlier runs; ``None``: they do not matter.

    Attributes:
        session: the run; to be set before the first task.
        has_ended: whether no more tasks are taken.
        error: why the tasks are not those of the earlier runs.
    """

    session: Session

    def __init__(self, plan: Plan, outcome: Outcome, past: Past | None = None) -> None:
        per_task = plan.launch is not None and isinstance(plan.launch.command, CommandPerTask)
        self._forbidden = NUL if per_task else NEWLINE
        self._limit = plan.settings.line_limit
        self._outcome = outcome
        self._past = past
        self._refusal = ""  # why a task was not that of the log; no later one is taken
        self.error: TaskRefusedError | None = None
        rules = plan.settings.accounting
        self._may_end_early = bool(rules.halt or rules.limit)
        self._last_id = 0
        self._has_room = False
        self._waiters = trio.lowlevel.ParkingLot()
        self.has_ended = False

    def check(self, task: Text) -> bytes:
        """Return the octets of a task.

        Raises:
            TypeError: the task is neither ``str`` nor ``bytes`` nor a path.
            TaskRefusedError: no calculator can be given this task.
        """
        try:
            octets = task if type(task) is bytes else octets_of("task", task)
        except ValueError as error:
            raise TaskRefusedError(str(error)) from None
        if self._forbidden in octets:
            raise TaskRefusedError(f"task {octets!r} contains {_NAMES[self._forbidden]}")
        if len(octets) > self._limit:
            raise TaskRefusedError(
                f"a task of {len(octets)} octets is longer than line_limit, {self._limit}"
            )
        return octets

    async def wait_for_room(self, *, is_needed: bool = True) -> bool:
        """Wait until the run has room for a task; return whether that was a checkpoint.

        Args:
            is_needed: whether the task needs room. One that waits for other tasks does not.

        Raises:
            trio.ClosedResourceError: the input has ended.
            DistributorError: the run could not go on.
        """
        await trio.lowlevel.checkpoint_if_cancelled()
        waited = False
        while True:
            self.raise_if_ended()
            if self._has_room or not is_needed:
                return waited
            waited = True
            await self._waiters.park()
            if self._outcome.was_cut:
                await trio.lowlevel.checkpoint_if_cancelled()

    def has_room(self) -> bool:
        """Return whether the run has room for a task.

        Raises:
            trio.ClosedResourceError: the input has ended.
            DistributorError: the run could not go on.
        """
        if self._outcome.is_decided or self.has_ended or self._may_end_early:
            self.raise_if_ended()
        return self._has_room

    def raise_if_ended(self) -> None:
        """Raise the error of a run that is over, or ``ClosedResourceError`` after the input."""
        if self._outcome.is_decided:
            self._outcome.raise_error()
        if self.has_ended or self._outcome.is_decided:
            raise trio.ClosedResourceError("the input of the run has ended")
        if self.had_last_task:
            raise trio.ClosedResourceError("the run has had its last task: halt or limit")

    @property
    def had_last_task(self) -> bool:
        """Whether a halt or a limit keeps the run from taking tasks."""
        if not self._may_end_early or self.has_ended:
            return False
        engine = self.session.engine
        return engine is None or not engine.takes_tasks

    def give(self, task: bytes, after: tuple[int, ...] = ()) -> int:
        """Give the run a task, whether it has room or not; return the id of the task.

        Args:
            task: the octets of the task.
            after: the ids of tasks that it depends on and that are not done yet.
        """
        self._last_id = task_id = self._last_id + 1
        if self._has_room and not after:
            has_room = self.session.add(task_id, task)
            if has_room is not None:
                self._has_room = has_room
                if has_room and self._waiters:
                    self._waiters.unpark()
                return task_id
        self._has_room = False
        self.session.submit(TaskAdded(task_id, task, after))
        return task_id

    def skip(self, task: bytes, *, has_to_wait: bool = False) -> bool | None:
        """Skip the next task if it was done in an earlier run; it has no result then.

        Args:
            task: the octets of the task.
            has_to_wait: whether it depends on a task that is not done.

        Returns:
            Whether the task succeeded; ``None`` if it has to be given.

        Raises:
            TaskRefusedError: the log has another task with this id.
            trio.ClosedResourceError: the input has ended.
            DistributorError: the run could not go on.
        """
        past = self._past
        if past is None:
            return None
        self.raise_if_ended()
        if self._refusal:
            raise TaskRefusedError(self._refusal)
        task_id = self.next_id
        try:
            is_done = past.is_done(task_id, task)
        except RefusedTaskError as refusal:
            self._refusal = os.fsdecode(refusal.reason)
            raise TaskRefusedError(self._refusal) from None
        if not is_done:
            return None
        if has_to_wait:
            raise TaskRefusedError(f"task {task!r} was done before others that it depends on")
        self._last_id = task_id
        return past.done[task_id]

    def was_skipped(self, task_id: int) -> bool:
        """Return whether a task was done in an earlier run."""
        past = self._past
        return past is not None and task_id <= self._last_id and task_id in past.done

    @property
    def next_id(self) -> int:
        """The id of the task that is given next."""
        return self._last_id + 1

    def end(self, *, is_whole: bool = True) -> None:
        """End the input: no more tasks come.

        Args:
            is_whole: whether nothing kept the program from giving all its tasks.
        """
        if not self.has_ended:
            is_whole = is_whole and not (self._refusal or self.had_last_task)
            if self._past and is_whole:
                try:
                    self._past.check_end(self._last_id)
                except RefusedTaskError as refusal:
                    self.error = TaskRefusedError(os.fsdecode(refusal.reason))
            self.has_ended = True
            if not self._outcome.is_decided:
                self.session.submit(StdinEnded())
            self._waiters.unpark_all()

    def open(self) -> None:
        """Record that the run has room for one more task."""
        self._has_room = True
        self._waiters.unpark()

    def pass_on(self) -> None:
        """Leave the room that was waited for to somebody else."""
        if self._has_room:
            self._waiters.unpark()

    def release(self) -> None:
        """Wake all senders: the run is over."""
        self._waiters.unpark_all()
