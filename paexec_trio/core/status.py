"""The status of a task, from the last line of its result (the chapter Graphs of the spec)."""

from __future__ import annotations

from enum import Enum
from typing import final

from paexec_trio.core.framing import NEWLINE


class Status(Enum):
    """How a task ended."""

    SUCCESS = "success"
    """The last line of the result says so."""
    FAILURE = "failure"
    """The last line of the result says so."""
    MISSING = "?"
    """The last line of the result says neither, or there is none. The run fails then."""
    NOT_RUN = "not run"
    """The task was never dispatched, because a task that it depends on did not succeed."""


@final
class StatusWords:
    """Recognizes the lines that state a status (GRA-030).

    Args:
        success: the text that says that a task succeeded.
        failure: the text that says that it failed.
    """

    __slots__ = ("_words",)

    def __init__(self, success: bytes, failure: bytes) -> None:
        # Each with its line, and with the line at the end of several.
        self._words = [
            (status, word + NEWLINE, NEWLINE + word + NEWLINE)
            for status, word in ((Status.SUCCESS, success), (Status.FAILURE, failure))
        ]

    def status_of(self, lines: bytes | bytearray) -> Status:
        """Return the status in the last of at least one whole line."""
        for status, line, last_line in self._words:
            if lines == line or lines.endswith(last_line):
                return status
        return Status.MISSING
