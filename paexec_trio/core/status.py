"""The status of a task: what the last line of its result says (the chapter Graphs of the spec)."""

from __future__ import annotations

from enum import Enum
from typing import final

from paexec_trio.core.framing import NEWLINE


class Status(Enum):
    """How a task ended."""

    SUCCESS = "success"
    FAILURE = "failure"
    MISSING = "?"
    """The line before the EOT was neither, or there was none."""


@final
class StatusWords:
    """Recognizes the lines that tell a status (GRA-030).

    Args:
        success: the text that says that a task succeeded.
        failure: the text that says that it failed.
    """

    __slots__ = ("_failure", "_success")

    def __init__(self, success: bytes, failure: bytes) -> None:
        self._success = success + NEWLINE
        self._failure = failure + NEWLINE

    def status_of(self, lines: bytes | bytearray) -> Status:
        """Return what the last of some whole lines says; there has to be at least one."""
        if _last_line_is(self._success, lines):
            return Status.SUCCESS
        if _last_line_is(self._failure, lines):
            return Status.FAILURE
        return Status.MISSING


def _last_line_is(line: bytes, lines: bytes | bytearray) -> bool:
    before = len(lines) - len(line)
    return lines.endswith(line) and (before == 0 or lines[before - 1 : before] == NEWLINE)
