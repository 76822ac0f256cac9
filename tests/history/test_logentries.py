"""Reading job logs: ours, and GNU parallel's."""

from __future__ import annotations

import pytest

from paexec_trio.core.joblog import HEADER, BadLogError, LogBuffer, LogEntry
from paexec_trio.history.logentries import entries_of

PARALLEL = b"Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand\n"


def test_the_entries_of_our_log_come_back() -> None:
    entries = [
        LogEntry(1, b"a\tb", b"no\nde", 12.5, 0.25, 3),
        LogEntry(2, b"c", b"n", 13.0, 1.0, 0, -1, 0, 1, b"timeout"),
    ]
    buffer = LogBuffer()
    for entry in entries:
        buffer.add(entry, 0)
    assert entries_of(HEADER + buffer.take(0)) == entries


def test_the_jobs_of_gnu_parallel() -> None:
    log = (
        PARALLEL + b"1\t:\t1000.500\t     0.250\t0\t3\t1\t0\techo\ta\n"
        b"1\t:\t1001.000\t     0.250\t0\t3\t0\t0\techo\ta\n"
        b"2\t:\t1001.000\t     2.000\t0\t0\t-1\t15\tsleep 9\n"
    )
    assert entries_of(log) == [
        LogEntry(1, b"echo\ta", b":", 1000.5, 0.25, 3, 1, 0, 1, b"failure"),
        LogEntry(1, b"echo\ta", b":", 1001.0, 0.25, 3, 0, 0, 2, b"success"),
        LogEntry(2, b"sleep 9", b":", 1001.0, 2.0, 0, -1, 15, 1, b"retried"),
    ]


@pytest.mark.parametrize("head", [HEADER, PARALLEL])
def test_a_line_that_was_cut_off_does_not_count(head: bytes) -> None:
    assert entries_of(head + b"1\t:\t10") == []


@pytest.mark.parametrize(
    ("log", "number"),
    [
        (b"a\tb\n", 1),
        (b"", 1),
        (HEADER + b"x\n", 2),
        (PARALLEL + b"1\t:\tx\t1\t0\t0\t0\t0\tc\n", 2),
    ],
)
def test_a_line_of_something_else(log: bytes, number: int) -> None:
    with pytest.raises(BadLogError) as caught:
        entries_of(log)
    assert caught.value.number == number
