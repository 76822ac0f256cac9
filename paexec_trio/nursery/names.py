"""The names of tasks that others may depend on."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from paexec_trio.core.status import Status
from paexec_trio.nursery.errors import TaskRefusedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_SUCCEEDED = (None, Status.SUCCESS)


@final
class Names:
    """The added tasks by name: the id of each, and whether it succeeded."""

    def __init__(self) -> None:
        self._ids: dict[bytes, int] = {}
        self._names: dict[int, bytes] = {}
        self._failed: set[bytes] = set()

    def __bool__(self) -> bool:
        """Return whether an added task is not done yet."""
        return bool(self._names)

    def resolve(self, task: bytes, after: Iterable[bytes]) -> tuple[int, ...]:
        """Return the ids of the tasks in ``after`` that are not done yet.

        Args:
            task: the name of the task to be added.
            after: the names of the tasks that it depends on.

        Raises:
            TaskRefusedError: the task was added before, or a task in ``after`` was not added or
                did not succeed.
        """
        if task in self._ids:
            raise TaskRefusedError(f"task {task!r} was added before")
        ids = []
        for name in dict.fromkeys(after):
            if name not in self._ids:
                raise TaskRefusedError(f"task {task!r} depends on {name!r}, which was not added")
            if name in self._failed:
                raise TaskRefusedError(f"task {task!r} depends on {name!r}, which did not succeed")
            if self._ids[name] in self._names:
                ids.append(self._ids[name])
        return tuple(ids)

    def added(self, task: bytes, task_id: int) -> None:
        """Record that a task was added."""
        self._ids[task] = task_id
        self._names[task_id] = task

    def done(
        self, task_id: int, status: Status | None, dropped: Sequence[bytes]
    ) -> list[tuple[int, bytes]]:
        """Record that a task is done, and which of its dependants will not be run.

        Returns:
            These dependants, with their ids.
        """
        name = self._names.pop(task_id, None)
        if name is not None and status not in _SUCCEEDED:
            self._failed.add(name)
        self._failed.update(dropped)
        ids = [(self._ids[task], task) for task in dropped]
        for dropped_id, _ in ids:
            del self._names[dropped_id]
        return ids
