"""The settings of the chapter Accounting of the spec."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple, final


class Summing(Enum):
    """When the line is printed that sums up what became of the tasks (ACC-010, ACC-013)."""

    NEVER = "never"
    """Never, as a library does."""
    FAILURES = "failures"
    """If tasks failed, were given up or never ran, as the programs do."""
    ALWAYS = "always"
    """At the end of every run."""


class Why(Enum):
    """The end of a task that counts for :class:`Halt`."""

    FAIL = "fail"
    SUCCESS = "success"
    DONE = "done"


@final
class Halt(NamedTuple):
    """When a run begins no further attempt (ACC-070, ACC-071).

    Attributes:
        why: which tasks count.
        number: how many of them are enough; 0 if ``percent`` says that.
        percent: how many hundredths of the tasks that have ended are enough.
        now: whether attempts that are under way are ended, too.
    """

    why: Why
    number: int = 0
    percent: int = 0
    now: bool = False


@final
class Accounting(NamedTuple):
    """The rules for tasks that fail, hang or lose their nodes.

    Attributes:
        retries: how many attempts of a task are made at most; 0: one, but for lost nodes (ACC-060).
        crash_limit: how many nodes a task may lose; 0: any number (ACC-062).
        timeout: the seconds that a calculator may work on a task; 0: any time (ACC-050).
        timeout_percent: the same as hundredths of the median of all tasks; 0: any time (ACC-051).
        halt: when the run begins no further attempt.
        delay: the least number of seconds between two attempts that begin (ACC-080).
        limit: how many tasks are dispatched at most; 0: all (ACC-081).
        status_of_tasks: whether the exit status says what became of the tasks (ACC-020).
        summing: when the line is printed that sums that up.
        logs: whether each attempt is logged (ACC-030).
    """

    retries: int = 0
    crash_limit: int = 0
    timeout: float = 0.0
    timeout_percent: int = 0
    halt: Halt | None = None
    delay: float = 0.0
    limit: int = 0
    status_of_tasks: bool = False
    summing: Summing = Summing.NEVER
    logs: bool = False

    @property
    def has_time_limit(self) -> bool:
        """Whether a calculator may work on a task for some time only."""
        return bool(self.timeout or self.timeout_percent)

    @property
    def watches_tasks(self) -> bool:
        """Whether something may follow from the begin or the end of any task."""
        return bool(self.has_time_limit or self.halt or self.delay or self.limit or self.logs)


NO_ACCOUNTING = Accounting()
"""The rules without any option of the chapter."""
