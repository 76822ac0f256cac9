"""Tasks that a program adds one by one, while others are being done."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, final

from paexec_trio.core.status import Status

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_SUCCESS, _FAILURE = Status.SUCCESS, Status.FAILURE


@final
class AddedTasks:
    """The :class:`~paexec_trio.core.tasks.TaskSource` of a library.

    Tasks are dispatched in the order in which they become ready. Nothing is kept of a task that is
    done.

    Args:
        has_status: whether calculators state whether a task succeeded; otherwise each task that has
            a result has.

    Attributes:
        taken: how many tasks were taken.
        dependants: the tasks that wait for each task that others wait for.
    """

    needs_whole_input = False
    reads_ahead = True

    def __init__(self, *, has_status: bool) -> None:
        self._has_status = has_status
        self.ready: deque[tuple[int, bytes]] = deque()
        # Tasks that wait for others: their octets, and for how many they wait.
        self._waiting: dict[int, bytes] = {}
        self._waiting_for: dict[int, int] = {}
        self.dependants: dict[int, list[int]] = {}
        self.taken = 0
        self._dropped_count = 0

    def add(self, task_id: int, task: bytes, after: Iterable[int] = ()) -> None:
        """Add a task.

        Args:
            task_id: its id, which no other task has.
            task: its octets, which a calculator can be given.
            after: the ids of tasks that are not done yet, each once.
        """
        count = 0
        for other in after:
            self.dependants.setdefault(other, []).append(task_id)
            count += 1
        if count:
            self._waiting[task_id] = task
            self._waiting_for[task_id] = count
        else:
            self.ready.append((task_id, task))

    def feed(self, chunk: bytes) -> None:
        """Do nothing: tasks are added one by one."""

    def end(self) -> None:
        """Do nothing: each task is whole."""

    def abandon(self) -> None:
        """Drop all tasks that were not taken."""
        self.ready.clear()
        self._waiting.clear()

    def take(self) -> tuple[int, bytes]:
        """Take the task that has been ready for the longest time."""
        self.taken += 1
        return self.ready.popleft()

    def count_ready(self) -> int:
        """Return how many tasks are ready."""
        return len(self.ready)

    def count_waiting(self) -> int:
        """Return how many tasks were not taken yet."""
        return len(self.ready) + len(self._waiting)

    def waiting(self) -> Iterator[tuple[int, bytes]]:
        """Yield the tasks that are ready, and those that wait for others."""
        yield from self.ready
        yield from self._waiting.items()

    def count_dropped(self) -> int:
        """Return how many tasks were dropped because others that they depend on failed."""
        return self._dropped_count

    def dropped(self) -> Iterator[tuple[int, bytes, int]]:
        """Yield nothing: nothing is kept of such a task."""
        return iter(())

    def count_taken(self) -> int:
        """Return how many tasks were taken."""
        return self.taken

    def take_several(self, count: int) -> list[tuple[int, bytes]]:
        """Take ``count`` tasks."""
        return [self.take() for _ in range(count)]

    def done(self, task_id: int, status: Status) -> list[bytes]:
        """Make the dependants of a success ready; drop those of a task that did not succeed."""
        if task_id not in self.dependants:
            return []
        if status is _FAILURE or (self._has_status and status is not _SUCCESS):
            return self._drop_dependants(task_id)
        waiting, waiting_for = self._waiting, self._waiting_for
        for dependant in self.dependants.pop(task_id):
            if dependant not in waiting:
                continue  # another task that it waited for has failed
            waiting_for[dependant] -= 1
            if not waiting_for[dependant]:
                del waiting_for[dependant]
                self.ready.append((dependant, waiting.pop(dependant)))
        return []

    def _drop_dependants(self, task_id: int) -> list[bytes]:
        dropped = []
        pending = self.dependants.pop(task_id)
        for dependant in pending:  # grows while it is walked
            task = self._waiting.pop(dependant, None)
            if task is not None:
                del self._waiting_for[dependant]
                dropped.append(task)
                self._dropped_count += 1
                pending += self.dependants.pop(dependant, ())
        return dropped

    def will_not_run(self, task_id: int) -> bool:  # noqa: ARG002 (nothing is kept of such a task)
        """Return ``False``; only the order of printed results depends on it."""
        return False

    def is_exhausted(self) -> bool:
        """Return whether every task was taken or dropped."""
        return not self.ready and not self._waiting
