"""The arguments of the API that stand for rules of the chapter Accounting of the spec."""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING, Literal, NamedTuple, final

from paexec_trio.core.accounting import (
    MOST_PERCENT,
    Halt,
    LogSettings,
    Resume,
    Why,
    is_number,
    parse_halt,
)
from paexec_trio.core.settings import StderrMode
from paexec_trio.nursery.texts import Text, name_of

if TYPE_CHECKING:
    from collections.abc import Mapping


@final
class JobLog(NamedTuple):
    """A file with a line for each attempt that has ended (the section Job log of the spec).

    Attributes:
        path: the name of the file.
        sync: whether each line is on the disk when it was written.
        resume: whether the run skips tasks that have ended according to the file. They have no
            result. With ``"failed"`` those that failed are run again. With ``False`` an existing
            log is replaced.
    """

    path: Text
    sync: bool = False
    resume: bool | Literal["failed"] = False


_RESUMES = {
    False: Resume.NOTHING,
    True: Resume.UNFINISHED,
    "failed": Resume.UNSUCCESSFUL,
}

STDERR = 2
"""The descriptor that calculators write diagnostics to by default."""


def number_of(name: str, value: int) -> int:
    """Return a number from 1.

    Args:
        name: the name of the argument, for the error.
        value: its value.

    Raises:
        TypeError: it is no number.
        ValueError: it is less than 1.
    """
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{name}: expected a number, not {value!r}")
    if value < 1:
        raise ValueError(f"{name}: {value} is less than 1")
    return value


def optional_number(name: str, options: Mapping[str, object]) -> int:
    """Return an argument that is a number from 1, or 0 if it is not given.

    Raises:
        TypeError: it is no number.
        ValueError: it is less than 1.
    """
    return number_of(name, options[name]) if name in options else 0  # type: ignore[arg-type]


def check_seconds(name: str, value: float) -> None:
    """Check an argument that is a time.

    Raises:
        TypeError: it is no number.
        ValueError: no time has that many seconds.
    """
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise TypeError(f"{name}: expected seconds, not {value!r}")
    if not 0 <= value < math.inf:  # as NaN is not
        raise ValueError(f"{name}: {value} seconds are not possible")


def time_limit(value: float | str) -> tuple[float, int]:
    """Return the argument ``timeout`` in seconds, or in percent (ACC-050, ACC-051).

    Raises:
        TypeError: it is neither a number nor a text.
        ValueError: its value is not possible.
    """
    if isinstance(value, str):
        number = value.removesuffix("%")
        if number == value or not is_number(number.encode()):
            raise ValueError(
                f"timeout: {value!r} is not possible; expected seconds or a percentage"
            )
        return 0.0, int(number)
    check_seconds("timeout", value)
    return value, 0


def halt_of(value: Halt | str | None) -> Halt | None:
    """Return the argument ``halt`` (ACC-070, ACC-071).

    Raises:
        TypeError: it is no rule.
        ValueError: its value is not possible.
    """
    if isinstance(value, str):
        try:
            return parse_halt(value.encode(errors="replace"))
        except ValueError as error:
            raise ValueError(f"halt: {value!r} is not possible; expected {error}") from None
    if value is None:
        return None
    if not isinstance(value, Halt) or not isinstance(value.why, Why):
        raise TypeError(f"halt: expected a text or a Halt, not {value!r}")
    if bool(value.number) == bool(value.percent):
        raise ValueError(f"halt: expected either a number or a percentage, not {value!r}")
    number = number_of("halt", value.number or value.percent)
    if value.percent and number > MOST_PERCENT:
        raise ValueError(f"halt: {number} percent are not possible")
    return value


def log_of(value: Text | JobLog | None) -> LogSettings | None:
    """Return the argument ``joblog`` (ACC-030 to ACC-043).

    Raises:
        TypeError: it is neither the name of a file nor a ``JobLog``.
        ValueError: its value is not possible.
    """
    if value is None:
        return None
    log = value if isinstance(value, JobLog) else JobLog(value)
    path = name_of("joblog", log.path)
    if not isinstance(log.sync, bool):
        raise TypeError(f"joblog: sync: expected a bool, not {log.sync!r}")
    if not isinstance(log.resume, bool | str):
        raise TypeError(f"joblog: resume: expected a bool or 'failed', not {log.resume!r}")
    if log.resume not in _RESUMES:
        raise ValueError(f"joblog: resume: {log.resume!r} is neither a bool nor 'failed'")
    return LogSettings(path, sync=log.sync, resume=_RESUMES[log.resume])


def stderr_of(value: int | str) -> tuple[int, StderrMode]:
    """Return the descriptor that the argument ``stderr`` stands for, and what becomes of octets.

    Raises:
        TypeError: it is neither a descriptor nor a text.
        ValueError: its value is not possible.
    """
    if isinstance(value, str):
        modes = {mode.value.decode(): mode for mode in StderrMode}
        if value not in modes:
            raise ValueError(f"stderr: {value!r} is not possible; expected mixed, group or tag")
        return STDERR, modes[value]
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"stderr: expected a descriptor or a text, not {value!r}")
    if value != STDERR:  # a daemon may have closed that one: its calculators do without
        try:
            os.fstat(value)
        except (OSError, OverflowError):
            raise ValueError(f"stderr: descriptor {value} is not open") from None
    return value, StderrMode.MIXED
