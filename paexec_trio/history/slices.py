"""Slices: the attempts of a run as the pictures show them, from facts or from a job log."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple, final

from paexec_trio.core.facts import (
    AttemptAnswered,
    AttemptFailed,
    Backpressure,
    Fate,
    LifeBegan,
    LifeEnded,
    NodeLost,
    StartFailed,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from paexec_trio.core.facts import Fact
    from paexec_trio.core.joblog import LogEntry


class Outcome(IntEnum):
    """The end of an attempt."""

    SUCCEEDED = 0
    FAILED = 1
    """The task failed."""
    RETRIED = 2
    """The attempt failed, and another one followed."""
    GIVEN_UP = 3
    """The run ended before the task did."""


@final
class Slice(NamedTuple):
    """An attempt that ended.

    Attributes:
        node: the index of the node.
        task_id: the number of the task.
        task: its octets.
        attempt: the number of the attempt, from 1.
        began: when a calculator began to work on it, in seconds since the run began.
        seconds: how long it worked.
        outcome: how it ended.
        reason: why it did not succeed; nothing if it did.
    """

    node: int
    task_id: int
    task: bytes
    attempt: int
    began: float
    seconds: float
    outcome: Outcome
    reason: bytes = b""


@final
class Moment(NamedTuple):
    """Something that happened at one moment.

    Attributes:
        at: the time in seconds since the run began.
        node: the index of the node; -1: it concerns the whole run.
        text: what it was.
    """

    at: float
    node: int
    text: bytes


_OUTCOMES = {
    Fate.RETRIED: Outcome.RETRIED,
    Fate.FAILED: Outcome.FAILED,
    Fate.GIVEN_UP: Outcome.GIVEN_UP,
}


def slice_of(fact: Fact) -> Slice | Moment | None:
    """Return what a fact adds to the history; nothing if another fact says it."""
    match fact:
        case AttemptAnswered(at, node, task_id, task, attempt, seconds, succeeded, status):
            outcome = Outcome.SUCCEEDED if succeeded else Outcome.FAILED
            reason = b"" if succeeded else b"exit status %d" % status if status else b"failure"
            return Slice(node, task_id, task, attempt, at - seconds, seconds, outcome, reason)
        case AttemptFailed(at, node, task_id, task, attempt, seconds, reason, fate):
            outcome = _OUTCOMES[fate]
            return Slice(node, task_id, task, attempt, at - seconds, seconds, outcome, reason)
        case LifeBegan(at, node, _, life) if life > 1:
            return Moment(at, node, b"restarted")
        case StartFailed(at, node, reason):
            return Moment(at, node, b"not started: " + reason)
        case NodeLost(at, node):
            return Moment(at, node, b"lost")
        case LifeEnded(at, node, how) if how not in {b"", b"exit status 0"}:
            return Moment(at, node, b"ended: " + how)
        case Backpressure(at, is_on):
            return Moment(at, -1, b"the reader is slow" if is_on else b"the reader is back")
    return None


_STATUSES = {
    b"success": (Outcome.SUCCEEDED, b""),
    b"failure": (Outcome.FAILED, b"failure"),
    b"timeout": (Outcome.FAILED, b"time limit"),
    b"lost": (Outcome.FAILED, b"node lost"),
    b"retried": (Outcome.RETRIED, b"retried"),
}


def slices_of_log(entries: Iterable[LogEntry]) -> tuple[tuple[bytes, ...], list[Slice]]:
    """Return the names of the nodes of a job log, and a slice for each of its lines.

    The time of the first attempt is 0. Nodes of the same name cannot be told apart in a log. If
    their attempts overlap, they become several nodes.
    """
    ordered = sorted(entries, key=lambda entry: entry.began)
    start = ordered[0].began if ordered else 0.0
    rows: list[bytes] = []
    ends: list[float] = []
    by_name: dict[bytes, list[int]] = {}
    last_attempts = {entry.task_id: entry.attempt for entry in ordered}
    slices = []
    for entry in ordered:
        own = by_name.setdefault(entry.node, [])
        # The log has milliseconds.
        row = next((row for row in own if ends[row] <= entry.began + 0.002), -1)
        if row < 0:
            row = len(rows)
            rows.append(entry.node)
            ends.append(0.0)
            own.append(row)
        ends[row] = entry.began + entry.seconds
        outcome, reason = _STATUSES[entry.status]
        if outcome is Outcome.FAILED and entry.exitval > 0:
            reason = b"exit status %d" % entry.exitval
        if outcome is Outcome.FAILED and last_attempts[entry.task_id] != entry.attempt:
            outcome = Outcome.RETRIED
        slices.append(
            Slice(
                row,
                entry.task_id,
                entry.task,
                entry.attempt,
                entry.began - start,
                entry.seconds,
                outcome,
                reason,
            )
        )
    return tuple(rows), slices


def history_of(facts: Iterable[Fact]) -> Iterator[Slice | Moment]:
    """Yield what facts add to the history."""
    for fact in facts:
        if (piece := slice_of(fact)) is not None:
            yield piece
