"""Receipts: which results a program has dealt with, for the job log."""

from __future__ import annotations

from inspect import CORO_CLOSED, getcoroutinestate
from typing import TYPE_CHECKING, final

import trio

if TYPE_CHECKING:
    from collections.abc import Callable

_MANY = 64
"""Trio tasks with a result, above which those that have ended are looked for."""


@final
class Receipts:
    """The last result that each trio task has received.

    A trio task that comes for the next result has dealt with the last one. A program that is killed
    before that gets the result again when it resumes.

    Args:
        log: records that the program has dealt with the result of a task, named by its id.
    """

    def __init__(self, log: Callable[[int], None]) -> None:
        self._log = log
        self._last: dict[trio.lowlevel.Task, int] = {}

    def come(self) -> None:
        """Record that this trio task comes for a result."""
        task_id = self._last.pop(trio.lowlevel.current_task(), None)
        if task_id is not None:
            self._log(task_id)

    def receive(self, receiver: trio.lowlevel.Task, task_id: int) -> None:
        """Record that a trio task has a result, with which it has to deal."""
        if len(self._last) >= _MANY:
            for task in list(self._last):
                if getcoroutinestate(task.coro) == CORO_CLOSED:
                    self._log(self._last.pop(task))
        self._last[receiver] = task_id

    def settle(self) -> None:
        """Record that all results were dealt with: the block was left."""
        while self._last:
            self._log(self._last.popitem()[1])
