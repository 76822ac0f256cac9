"""The attempts of a job log, of ours or of GNU parallel's, for the pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from paexec_trio.core.joblog import (
    FAILURE,
    FIELDS,
    PARALLEL_FIELDS,
    RETRIED,
    SEPARATOR,
    SUCCESS,
    BadLogError,
    LogEntry,
    parse,
    unescaped,
    whole_lines,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

_PARALLEL_COUNT = len(PARALLEL_FIELDS)


def entries_of(octets: bytes) -> list[LogEntry]:
    """Return the attempts of a log; a last line that was cut off does not count.

    Raises:
        BadLogError: a line is not one of a job log.
    """
    octets = whole_lines(octets)
    head, _, rest = octets.partition(b"\n")
    if head.split(SEPARATOR) == [*PARALLEL_FIELDS]:
        return [*_of_parallel(rest)]
    if head.split(SEPARATOR) != [*FIELDS]:
        raise BadLogError(1)
    parse(octets)
    return [_entry(line.split(SEPARATOR)) for line in rest.split(b"\n")[:-1]]


def _entry(fields: list[bytes]) -> LogEntry:
    seq, node, began, seconds, _, received, exitval, signal, text, attempt, status, *_ = fields
    return LogEntry(
        int(seq),
        unescaped(text),
        unescaped(node),
        float(began),
        float(seconds),
        int(received),
        int(exitval),
        int(signal),
        int(attempt),
        status,
    )


def _of_parallel(lines: bytes) -> Iterator[LogEntry]:
    """Yield the jobs of a log of GNU parallel, which has a line for each attempt, too."""
    attempts: dict[int, int] = {}
    for number, line in enumerate(lines.split(b"\n")[:-1], 2):
        fields = line.split(SEPARATOR, _PARALLEL_COUNT - 1)
        try:
            seq, node, began, seconds, _, received, exitval, signal, text = fields
            task_id = int(seq)
            attempts[task_id] = attempts.get(task_id, 0) + 1
            failed = int(exitval) or int(signal)
            yield LogEntry(
                task_id,
                text,
                node,
                float(began),
                float(seconds),
                int(received),
                int(exitval),
                int(signal),
                attempts[task_id],
                (RETRIED if int(exitval) < 0 else FAILURE) if failed else SUCCESS,
            )
        except ValueError:
            raise BadLogError(number) from None
