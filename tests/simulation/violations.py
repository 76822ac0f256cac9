"""Violations: the ways in which a run can be wrong."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple


class Kind(Enum):
    """Sorts of violations, in the words of the messages."""

    LOST = "lost"
    DUPLICATED = "duplicated"
    MISCREDITED = "credited to the wrong task"
    TOO_EARLY = "started before its dependencies"
    SENT_TO_DEAD = "sent to a dead node"
    NO_FATAL = "no fatal line for a failed attempt"
    FABRICATED = "made up"
    MISORDERED = "in the wrong order"
    CROWDED = "two tasks at a time"
    READING = "input read at the wrong time"
    WAITING = "a task waits though a node is idle"
    INPUT_OPEN = "input of a calculator still open"
    INPUT_CLOSED = "input of a calculator closed too early"
    KILLED = "killed without need"
    LINGERING = "left of a dead node"
    RESTART = "restart"
    DIAGNOSTIC = "diagnostic"
    EXIT = "wrong end"
    ENDLESS = "no end"
    FACTS = "facts that do not fit"
    CRASHED = "exception"


class Violation(NamedTuple):
    """Something that is wrong, and when it showed."""

    time: float
    kind: Kind
    text: str

    def __str__(self) -> str:
        """Return a line for people."""
        return f"{self.time:10.4f} {self.kind.value}: {self.text}"
