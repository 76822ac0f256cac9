"""Grouping: when the lines of each task are printed (the chapter Grouping of the spec)."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Protocol, final

from paexec_trio.core.commands import Command, Join, Release


class Grouping(Enum):
    """How lines of different tasks are kept apart."""

    NONE = ""
    """Lines are printed as they come."""
    GROUP = "--group"
    """The lines of a task are printed together."""
    KEEP_ORDER = "--keep-order"
    """The same, in the order of the task ids."""


class Groups(Protocol):
    """Decides which groups are printed when a task is done; a group is named by its task's id."""

    def done(self, task_id: int) -> list[Command]:
        """Record that a task is done; return the commands for the held groups."""

    def rest(self) -> list[Command]:
        """Release the groups of the tasks that are done; no further task will be."""


@final
class UnorderedGroups:
    """Each group is printed when its task is done (GRP-012)."""

    def done(self, task_id: int) -> list[Command]:
        """Release the group."""
        return [Release(task_id)]

    def rest(self) -> list[Command]:
        """Return nothing: each group was released when its task was done."""
        return []


@final
class OrderedGroups:
    """Groups are printed in the order of task ids (GRP-020).

    Finished tasks that wait for an earlier one form runs of consecutive ids. The groups of such a
    run are joined to one group, named after the first of them. So the state grows with the number
    of gaps between runs, not with the number of waiting tasks. In flat mode each gap has at least
    one task that a node holds, so there are no more gaps than such tasks (GRP-031).

    Args:
        will_not_run: says of a task id whether that task exists and will never be dispatched.
    """

    def __init__(self, will_not_run: Callable[[int], bool]) -> None:
        self._will_not_run = will_not_run
        self._next = 1
        # The runs of tasks that wait, by their first and by their last id.
        self._last_by_first: dict[int, int] = {}
        self._first_by_last: dict[int, int] = {}

    def done(self, task_id: int) -> list[Command]:
        """Release the group and those that have waited for it, or let it wait."""
        commands: list[Command] = []
        if task_id == self._next:
            commands.append(Release(task_id))
            self._next += 1
        else:
            self._add(task_id, commands)
        self._release_next(commands)
        return commands

    def _add(self, task_id: int, commands: list[Command]) -> None:
        first = last = task_id
        if task_id - 1 in self._first_by_last:
            first = self._first_by_last.pop(task_id - 1)
            commands.append(Join(first, task_id))
        if task_id + 1 in self._last_by_first:
            last = self._last_by_first.pop(task_id + 1)
            commands.append(Join(first, task_id + 1))
        self._last_by_first[first] = last
        self._first_by_last[last] = first

    def _release_next(self, commands: list[Command]) -> None:
        while True:
            last = self._last_by_first.pop(self._next, None)
            if last is not None:
                del self._first_by_last[last]
                commands.append(Release(self._next))
                self._next = last + 1
            elif self._will_not_run(self._next):  # GRP-023
                self._next += 1
            else:
                return

    def rest(self) -> list[Command]:
        """Release the groups that wait for tasks that will not be done any more (GRP-024)."""
        runs = sorted(self._last_by_first)
        self._last_by_first.clear()
        self._first_by_last.clear()
        return [Release(first) for first in runs]
