"""The settings of the chapter Accounting of the spec."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple, final

MOST_DIGITS = 9
"""How many digits a number has at most, leading zeros apart (ACC-090)."""

MOST_PERCENT = 100
"""How many hundredths of the tasks can end in some way."""

FATAL = b"fatal"
"""The line that is printed after a failed attempt, unless another one is wanted (DTH-020)."""


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
    """The rule by which a run begins no further attempt (ACC-070, ACC-071).

    Attributes:
        why: which tasks count.
        number: how many of them are enough; 0 if ``percent`` says that.
        percent: how many hundredths of the tasks that have ended are enough; 0 if ``number`` says
            that.
        now: whether attempts that are under way are ended, too.
    """

    why: Why
    number: int = 0
    percent: int = 0
    now: bool = False


def is_number(text: bytes) -> bool:
    """Return whether a text is a number from 1 that an option may have (ACC-090)."""
    return text.isdigit() and 1 <= len(text.lstrip(b"0")) <= MOST_DIGITS


def parse_halt(text: bytes) -> Halt | None:
    """Return the rule that a text such as ``now,fail=1`` stands for; ``None``: ``never``.

    Raises:
        ValueError: it stands for none; the error says what was expected.
    """
    if text == b"never":
        return None
    when, _, condition = text.partition(b",")
    why, _, number = condition.partition(b"=")
    digits = number.removesuffix(b"%")
    is_percent = digits != number
    whys = {each.value.encode(): each for each in Why}
    if when not in {b"soon", b"now"} or why not in whys or not is_number(digits):
        raise ValueError("never, or soon or now, a comma, fail=N, success=N or done=N")
    if is_percent and int(digits) > MOST_PERCENT:
        raise ValueError("a percentage up to 100%")
    return Halt(
        whys[why],
        number=0 if is_percent else int(digits),
        percent=int(digits) if is_percent else 0,
        now=when == b"now",
    )


class Resume(Enum):
    """The tasks of a job log that are run again (ACC-042 to ACC-044)."""

    NOTHING = "nothing"
    """The log begins anew."""
    UNFINISHED = "--resume"
    """Those that have no end."""
    UNSUCCESSFUL = "--resume-failed"
    """Those that did not succeed."""
    ONLY_UNSUCCESSFUL = "--retry-failed"
    """The same, and no tasks that are not in the log."""


@final
class LogSettings(NamedTuple):
    """How attempts are logged (the section Job log of the spec).

    Attributes:
        file: the name of the file.
        sync: whether a line is written only when its result is on the disk (ACC-038).
        resume: which tasks of the log are run again.
    """

    file: bytes
    sync: bool = False
    resume: Resume = Resume.NOTHING


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
        fatal: the line after an attempt without a result, or that another one follows; empty:
            none. ``Settings.on_death``, if there is one, has its own (ACC-003).
        log: how each attempt is logged; ``None``: it is not (ACC-030).
        output: the file that results are written to; empty: standard output (ACC-049).
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
    log: LogSettings | None = None
    output: bytes = b""
    fatal: bytes = FATAL

    @property
    def has_time_limit(self) -> bool:
        """Whether a calculator may work on a task for some time only."""
        return bool(self.timeout or self.timeout_percent)

    @property
    def watches_tasks(self) -> bool:
        """Whether something may follow from the begin or the end of any task."""
        return bool(self.has_time_limit or self.halt or self.delay or self.limit)


NO_ACCOUNTING = Accounting()
"""The rules without any option of the chapter."""
