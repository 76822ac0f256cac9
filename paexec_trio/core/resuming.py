"""Resuming: which tasks of a job log are run again (the section Resuming of the spec)."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, final

from paexec_trio.core.accounting import Resume
from paexec_trio.core.joblog import FAILURE, SUCCESS, TIMEOUT, BadLogError, hash_of, task_of
from paexec_trio.core.tasks import FlatTasks, GraphTasks, RefusedTaskError, refuse
from paexec_trio.core.visible import diagnostic

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from paexec_trio.core.joblog import PastAttempt
    from paexec_trio.core.status import Status

_DONE = {
    Resume.UNFINISHED: {SUCCESS, FAILURE, TIMEOUT},
    Resume.UNSUCCESSFUL: {SUCCESS},
    Resume.ONLY_UNSUCCESSFUL: {SUCCESS},
}
"""The statuses of tasks that are not run again (ACC-042, ACC-043)."""


@final
class Past:
    """The tasks of earlier runs, as a job log has them.

    Args:
        file: the name of the log, for diagnostics.
        attempts: the lines of the log, in their order.
        resume: which tasks are run again.

    Attributes:
        done: the tasks that are not run again, by their ids; whether they succeeded.
        attempts: how many attempts were made of the other tasks.
        end: the largest number of octets of output up to the end of a result.
        skipped: how many tasks of the input were not run again so far.
        failed: how many of them failed.
    """

    def __init__(
        self,
        file: bytes = b"",
        attempts: Sequence[PastAttempt] = (),
        resume: Resume = Resume.NOTHING,
    ) -> None:
        self._file = file
        self._hashes: dict[int, bytes] = {}
        self.done: dict[int, bool] = {}
        self.attempts: dict[int, int] = {}
        self.end = 0
        self.skipped = self.failed = 0
        done = _DONE.get(resume, set())
        for task_id, _, digest, number, status, end in attempts:
            self._hashes[task_id] = digest
            self.end = max(self.end, end)
            if status in done:
                self.done[task_id] = status == SUCCESS
                self.attempts.pop(task_id, None)
            else:
                self.attempts[task_id] = number
                self.done.pop(task_id, None)

    @property
    def has_tasks(self) -> bool:
        """Whether the log has any task."""
        return bool(self._hashes)

    def is_done(self, task_id: int, task: bytes) -> bool:
        """Return whether a task of the input is not run again.

        Raises:
            RefusedTaskError: the log has another task with this id (ACC-045).
        """
        digest = self._hashes.get(task_id)
        if digest is None:
            return False
        if digest != hash_of(task):
            text = b"task %d is not the one that the job log '%b' has"
            raise RefusedTaskError(diagnostic(text, task_id, self._file))
        succeeded = self.done.get(task_id)
        if succeeded is None:
            return False
        self.skipped += 1
        self.failed += not succeeded
        return True

    def check_end(self, last_id: int) -> None:
        """Check that the input has all tasks of the log.

        Raises:
            RefusedTaskError: it ends with the task ``last_id``, and others follow in the log.
        """
        missing = min((task_id for task_id in self._hashes if task_id > last_id), default=0)
        if missing:
            text = b"the input ends before task %d, which the job log '%b' has"
            raise RefusedTaskError(diagnostic(text, missing, self._file))


def unsuccessful(attempts: Sequence[PastAttempt]) -> list[tuple[int, bytes]]:
    """Return the tasks of a log that did not succeed, in the order of their ids (ACC-044).

    Raises:
        BadLogError: a line does not have the octets of its task.
    """
    last: dict[int, tuple[int, PastAttempt]] = {}
    for number, past in enumerate(attempts, 2):  # after the header
        last[past.task_id] = number, past
    tasks = []
    for task_id, (number, past) in sorted(last.items()):
        if past.status != SUCCESS:
            task = task_of(past)
            if task is None:
                raise BadLogError(number)
            tasks.append((task_id, task))
    return tasks


class NumberedTasks:
    """The :class:`~paexec_trio.core.tasks.TaskSource` of a flat list in which ids are missing.

    Args:
        tasks: the tasks with their ids, which rise.

    Attributes:
        forbidden: the octet that no task can contain, ``NEWLINE`` or ``NUL``; empty: tasks can
            contain each octet, or were refused before.
    """

    needs_whole_input = False
    reads_ahead = False

    def __init__(self, tasks: Sequence[tuple[int, bytes]] = ()) -> None:
        self.ready = deque(tasks)
        self._ids = {task_id for task_id, _ in tasks}
        self._last = tasks[-1][0] if tasks else 0
        self.forbidden = b""
        self._taken = 0

    def feed(self, chunk: bytes) -> None:
        """Do nothing: there is no input."""

    def end(self) -> None:
        """Do nothing: there is no input."""

    def abandon(self) -> None:
        """Drop all tasks that were not taken."""
        self.ready.clear()

    def take(self) -> tuple[int, bytes]:
        """Take the next task.

        Raises:
            RefusedTaskError: it contains the forbidden octet.
        """
        if self.forbidden:
            refuse(self.forbidden, *self.ready[0])  # it goes on waiting: it never ran
        self._taken += 1
        return self.ready.popleft()

    def count_ready(self) -> int:
        """Return how many tasks are ready."""
        return len(self.ready)

    def take_several(self, count: int) -> list[tuple[int, bytes]]:
        """Take ``count`` tasks, or all if there are fewer, or those before one that is refused.

        Raises:
            RefusedTaskError: the first of them contains the forbidden octet.
        """
        taken = [self.take()]
        while self.ready and len(taken) < count:
            if self.forbidden and self.forbidden in self.ready[0][1]:
                break
            taken.append(self.take())
        return taken

    def count_taken(self) -> int:
        """Return how many tasks were taken."""
        return self._taken

    def count_waiting(self) -> int:
        """Return how many tasks are ready."""
        return len(self.ready)

    def waiting(self) -> Iterator[tuple[int, bytes]]:
        """Yield the tasks that are ready."""
        return iter(self.ready)

    def count_dropped(self) -> int:
        """Return 0: nothing depends on a flat task."""
        return 0

    def dropped(self) -> Iterator[tuple[int, bytes, int]]:
        """Yield nothing."""
        return iter(())

    def done(self, task_id: int, status: Status) -> list[bytes]:  # noqa: ARG002
        """Nothing depends on a flat task."""
        return []

    def will_not_run(self, task_id: int) -> bool:
        """Return whether a task is not among them, though later ones are."""
        return task_id < self._last and task_id not in self._ids

    def is_exhausted(self) -> bool:
        """Return whether all tasks were taken."""
        return not self.ready


@final
class ResumedTasks(NumberedTasks):
    """The tasks of the input that were not done before.

    Args:
        tasks: all tasks of the input.
        past: says which of them are done.
    """

    def __init__(self, tasks: FlatTasks, past: Past) -> None:
        super().__init__()
        self._all = tasks
        self._past = past

    def feed(self, chunk: bytes) -> None:
        """Add octets of the input.

        Raises:
            RefusedTaskError: a task is not that of the log, or no calculator can be given it; those
                before it are ready.
        """
        try:
            self._all.feed(chunk)
        finally:
            self._sift()

    def _sift(self) -> None:
        while self._all.ready:
            task_id, task = self._all.take()
            if not self._past.is_done(task_id, task):
                self.ready.append((task_id, task))

    def end(self) -> None:
        """Record the end of the input.

        Raises:
            RefusedTaskError: see :meth:`feed`; or the input ends before the last task of the log.
        """
        self._all.end()
        self._sift()
        self._past.check_end(self._all.count_taken())

    def abandon(self) -> None:
        """Drop all tasks that were not taken."""
        self._all.abandon()
        super().abandon()

    def will_not_run(self, task_id: int) -> bool:
        """Return whether a task was done before."""
        return task_id in self._past.done


def skip_done(tasks: GraphTasks, past: Past) -> None:
    """Skip the tasks of a whole graph that were done before (ACC-046).

    Raises:
        RefusedTaskError: the graph has other tasks or other dependencies than that of the log.
    """
    try:
        done = [
            (task_id, past.done[task_id])
            for task_id, task in tasks.waiting()
            if past.is_done(task_id, task)
        ]
        past.check_end(tasks.count_waiting())
    except RefusedTaskError:
        past.skipped = past.failed = 0  # all of them wait
        raise
    tasks.skip(done)
