"""The job log: what a line of it says, and how (the section Job log of the spec)."""

from __future__ import annotations

from binascii import hexlify
from bisect import bisect_right
from hashlib import sha256
from typing import NamedTuple, final

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

HASH_OCTETS = 8
"""How many octets of the hash of a task the log has."""

_HASH_DIGITS = 2 * HASH_OCTETS
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
    return hexlify(sha256(task).digest()[:HASH_OCTETS])


def escaped(text: bytes) -> bytes:
    """Return octets as they stand in a field (ACC-035)."""
    if b"\t" not in text and b"\n" not in text:
        return text
    return text.replace(b"\\", b"\\\\").replace(b"\t", b"\\t").replace(b"\n", b"\\n")


def unescaped(text: bytes) -> bytes:
    """Return the octets of a field that was escaped."""
    parts = text.split(b"\\\\")
    return b"\\".join(part.replace(b"\\t", b"\t").replace(b"\\n", b"\n") for part in parts)


# The fields as they are kept until they are written. To format many lines at once takes half of the
# time that one line after the other takes.
_LINE = b"%d\t%b\t%b\t%.3f\t%d\t%d\t%b\t%b\t%b\t%b\t%d\n"
_FIELDS_KEPT = 11

NO_FAILURE = b"0\t0"
"""The fields Exitval and Signal of a success."""

FIRST_SUCCESS = b"1\tsuccess"
"""The fields Attempt and Status of a success without a failure before."""


@final
class LogBuffer:
    """Lines that were not written yet, in the order of the output.

    Attributes:
        fields: the fields of all lines, as :meth:`add` adds them.
        ends: for each line how many octets of output there are up to the end of its result.
        epoch: the seconds from 1970 to the zero of the clock of the run.
    """

    def __init__(self) -> None:
        self.fields: list[bytes | float] = []
        self.ends: list[int] = []
        self.epoch = 0.0

    def start_time(self, began: float) -> bytes:
        """Return the field Starttime."""
        return b"%.3f" % (began + self.epoch)

    def add(self, entry: LogEntry, end: int) -> None:
        """Add the line of an attempt whose result ends after ``end`` octets of output."""
        task_id, task, node, began, seconds, received, exitval, signal, attempt, status = entry
        self.fields += (
            *(task_id, escaped(node), self.start_time(began), seconds, len(task) + 1, received),
            *(b"%d\t%d" % (exitval, signal), escaped(task), b"%d\t%b" % (attempt, status)),
            *(hash_of(task), end),
        )
        self.ends.append(end)

    def take(self, written: int) -> bytes:
        """Remove and return the lines whose results are among the first ``written`` octets."""
        ends, fields = self.ends, self.fields
        count = len(ends)
        if count and ends[-1] > written:
            count = bisect_right(ends, written)
        if not count:
            return b""
        if count == len(ends):
            lines = _LINE * count % tuple(fields)
            ends.clear()
            fields.clear()
        else:
            lines = _LINE * count % tuple(fields[: count * _FIELDS_KEPT])
            del ends[:count], fields[: count * _FIELDS_KEPT]
        return lines


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
