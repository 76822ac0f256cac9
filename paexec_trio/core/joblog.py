"""The job log: what a line of it says, and how (the section Job log of the spec)."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple, final

if TYPE_CHECKING:
    from collections.abc import Iterable

PARALLEL_FIELDS = (
    *(b"Seq", b"Host", b"Starttime", b"JobRuntime", b"Send", b"Receive", b"Exitval", b"Signal"),
    b"Command",
)
"""The fields of GNU parallel (ACC-031)."""

FIELDS = (*PARALLEL_FIELDS, b"Attempt", b"Status", b"Hash", b"End")
"""All fields (ACC-033)."""

SEPARATOR = b"\t"

BEGIN = SEPARATOR.join(PARALLEL_FIELDS)
"""The octets that each job log begins with, those of GNU parallel included (ACC-040)."""

HEADER = SEPARATOR.join(FIELDS) + b"\n"

TIME_LIMIT_EXITVAL = -1
"""The ``Exitval`` of an attempt that exceeded its time limit (ACC-032)."""

MOST_DIGITS = 18
"""How many digits a number may have: a longer one would not fit into 64 bits."""

_HASH_DIGITS = 16
_FIELD_COUNT = len(FIELDS)


# The words of the field Status (ACC-033).
SUCCESS = b"success"
FAILURE = b"failure"
TIMEOUT = b"timeout"
LOST = b"lost"
RETRIED = b"retried"

_STATUSES = {SUCCESS, FAILURE, TIMEOUT, LOST, RETRIED}


@final
class LogEntry(NamedTuple):
    """An attempt that ended.

    Attributes:
        task_id: the id of its task.
        task: the octets of the task.
        node: the name of the node.
        began: when the calculator began to work on it, in seconds of the clock of the run.
        seconds: for how long it worked.
        received: how many octets its result has.
        exitval: see ACC-032.
        signal: the signal that ended the process, or 0.
        attempt: the number of the attempt of this task, from 1.
        status: how it ended.
    """

    task_id: int
    task: bytes
    node: bytes
    began: float
    seconds: float
    received: int
    exitval: int = 0
    signal: int = 0
    attempt: int = 1
    status: bytes = SUCCESS


LoggedAttempt = tuple[LogEntry, int]
"""An attempt, and how many octets of output there are up to the end of its result."""


class PastAttempt(NamedTuple):
    """A line of a log that was read, as far as later runs need it.

    Attributes:
        task_id: the id of its task.
        text: the octets of the field Command.
        digest: the hash of the task.
        attempt: the number of the attempt.
        status: how it ended.
        end: how many octets of output there were up to the end of its result.
    """

    task_id: int
    text: bytes
    digest: bytes
    attempt: int
    status: bytes
    end: int


class BadLogError(Exception):
    """A line is not as the spec says; ``number`` is that of the line, from 1 (ACC-047)."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def hash_of(task: bytes) -> bytes:
    """Return the field Hash of a task (ACC-034)."""
    return sha256(task).hexdigest()[:_HASH_DIGITS].encode()


def escaped(text: bytes) -> bytes:
    """Return octets as they stand in a field (ACC-035)."""
    if b"\t" not in text and b"\n" not in text:
        return text
    return text.replace(b"\\", b"\\\\").replace(b"\t", b"\\t").replace(b"\n", b"\\n")


def unescaped(text: bytes) -> bytes:
    """Return the octets of a field that was escaped."""
    parts = text.split(b"\\\\")
    return b"\\".join(part.replace(b"\\t", b"\t").replace(b"\\n", b"\n") for part in parts)


def lines_of(attempts: Iterable[LoggedAttempt], epoch: float) -> bytes:
    """Return the lines of attempts.

    Args:
        attempts: the attempts, in their order.
        epoch: what is to be added to a time of the run to have the seconds since 1970.
    """
    return b"".join([_line_of(entry, end, epoch) for entry, end in attempts])


def _line_of(entry: LogEntry, end: int, epoch: float) -> bytes:
    task_id, task, node, began, seconds, received, exitval, signal, attempt, status = entry
    return b"%d\t%b\t%.3f\t%10.3f\t%d\t%d\t%d\t%d\t%b\t%d\t%b\t%b\t%d\n" % (
        *(task_id, escaped(node), began + epoch, seconds, len(task) + 1, received),
        *(exitval, signal, escaped(task), attempt, status, hash_of(task), end),
    )


def whole_lines(octets: bytes) -> bytes:
    """Return a log without what comes after its last newline: it was cut (ACC-047)."""
    return octets[: octets.rfind(b"\n") + 1]


def parse(octets: bytes) -> list[PastAttempt]:
    """Return the attempts of a log without its cut line; the first line is the header.

    Raises:
        BadLogError: a line is not as the spec says.
    """
    lines = octets.split(b"\n")
    if lines.pop():
        raise BadLogError(len(lines) + 1)
    if lines and lines[0].split(SEPARATOR)[:_FIELD_COUNT] != [*FIELDS]:
        raise BadLogError(1)
    return [_parse_line(line, number) for number, line in enumerate(lines[1:], 2)]


def _parse_line(line: bytes, number: int) -> PastAttempt:
    fields = line.split(SEPARATOR)
    if len(fields) != _FIELD_COUNT:
        raise BadLogError(number)
    seq, _, begin, seconds, send, receive, exitval, signal, text, attempt, word, digest, end = (
        fields
    )
    numbers = (seq, send, receive, exitval.lstrip().removeprefix(b"-"), signal, attempt, end)
    are_right = (
        all(map(_is_number, numbers))
        and _is_fraction(begin)
        and _is_fraction(seconds)
        and word in _STATUSES
        and len(digest) == _HASH_DIGITS
        and not digest.strip(b"0123456789abcdef")
        and int(seq) > 0
        and int(attempt) > 0
    )
    if not are_right:
        raise BadLogError(number)
    return PastAttempt(int(seq), text, digest, int(attempt), word, int(end))


def _is_number(field: bytes) -> bool:
    digits = field.strip(b" ")
    return digits.isdigit() and len(digits) <= MOST_DIGITS


def _is_fraction(field: bytes) -> bool:
    whole, point, fraction = field.strip(b" ").removeprefix(b"-").partition(b".")
    return whole.isdigit() and (not point or fraction.isdigit())


def task_of(past: PastAttempt) -> bytes | None:
    """Return the octets of the task of a line; ``None`` if they do not have its hash."""
    for task in (past.text, unescaped(past.text)):
        if hash_of(task) == past.digest:
            return task
    return None
