"""The octets of the job log."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paexec_trio.core import joblog
from paexec_trio.core.joblog import (
    BEGIN,
    HEADER,
    BadLogError,
    LogBuffer,
    LogEntry,
    PastAttempt,
    hash_of,
    parse,
    task_of,
    whole_lines,
)

ENTRY = LogEntry(7, b"a task", b"alpha", 10.25, 0.5, 12)


def lines_of(attempts: list[tuple[LogEntry, int]], epoch: float) -> bytes:
    buffer = LogBuffer()
    buffer.epoch = epoch
    for entry, end in attempts:
        buffer.add(entry, end)
    return buffer.take(1 << 60)


STATUSES = [joblog.SUCCESS, joblog.FAILURE, joblog.TIMEOUT, joblog.LOST, joblog.RETRIED]


def test_the_header() -> None:
    parallel = b"Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand"
    assert parallel == BEGIN
    assert parallel + b"\tAttempt\tStatus\tHash\tEnd\n" == HEADER


def test_a_line() -> None:
    digest = hashlib.sha256(b"a task").hexdigest()[:16].encode()
    assert lines_of([(ENTRY, 99)], 1000.0) == (
        b"7\talpha\t1010.250\t0.500\t7\t12\t0\t0\ta task\t1\tsuccess\t" + digest + b"\t99\n"
    )


@given(
    st.lists(
        st.tuples(
            st.builds(
                LogEntry,
                task_id=st.integers(1, 10**9),
                task=st.binary(max_size=20) | st.text("\\tn\t\n", max_size=8).map(str.encode),
                node=st.sampled_from([b"alpha", b"be\tta"]),
                began=st.floats(0, 1e6),
                seconds=st.floats(0, 1e6),
                received=st.integers(0, 10**12),
                exitval=st.integers(-1, 255),
                signal=st.integers(0, 64),
                attempt=st.integers(1, 1000),
                status=st.sampled_from(STATUSES),
            ),
            st.integers(0, 10**12),
        )
    )
)
def test_what_is_written_can_be_read(attempts: list[tuple[LogEntry, int]]) -> None:
    past = parse(HEADER + lines_of(attempts, 1.7e9))
    assert [(each.task_id, each.attempt, each.status, each.end) for each in past] == [
        (entry.task_id, entry.attempt, entry.status, end) for entry, end in attempts
    ]
    assert [task_of(each) for each in past] == [entry.task for entry, _ in attempts]


@pytest.mark.parametrize(
    ("task", "text"),
    [
        (b"plain \\t \\\\", b"plain \\t \\\\"),
        (b"a\tb", b"a\\tb"),
        (b"a\nb", b"a\\nb"),
        (b"\\t\t\\", b"\\\\t\\t\\\\"),
        (b"\xff\r\0", b"\xff\r\0"),
    ],
)
def test_the_text_of_a_task(task: bytes, text: bytes) -> None:
    (past,) = parse(HEADER + lines_of([(ENTRY._replace(task=task), 0)], 0.0))
    assert past.text == text
    assert task_of(past) == task


def test_a_text_that_is_not_of_its_hash() -> None:
    past = PastAttempt(1, b"a", hash_of(b"b"), 1, joblog.LOST, 0)
    assert task_of(past) is None


def test_a_cut_line_is_left_out() -> None:
    assert whole_lines(HEADER + b"1\talp") == HEADER
    assert whole_lines(HEADER[:5]) == b""
    assert whole_lines(HEADER) == HEADER


def test_an_empty_log() -> None:
    assert parse(b"") == []
    assert parse(HEADER) == []


LINE = lines_of([(ENTRY, 99)], 1000.0)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"7\talpha", b"x\talpha"),
        (b"7\talpha", b"0\talpha"),
        (b"7\talpha", b"-7\talpha"),
        (b"7\talpha", b"1234567890123456789\talpha"),
        (b"1010.250", b"now"),
        (b"1010.250", b"1010."),
        (b"0.500", b""),
        (b"\t7\t12\t0", b"\t7\tx\t0"),
        (b"\t0\t0\ta", b"\t-\t0\ta"),
        (b"\t0\t0\ta", b"\t0\t-1\ta"),
        (b"\t1\tsuccess", b"\t0\tsuccess"),
        (b"success", b"succeeded"),
        (b"success\t", b"success\tA"),
        (b"success\t", b"success\t0"),
        (b"\t99\n", b"\t-1\n"),
        (b"\t99\n", b"\n"),
        (b"\t99\n", b"\t99\t\n"),
        (b"\t99\n", b"\t99\n\n"),
    ],
)
def test_a_line_that_is_not_right(old: bytes, new: bytes) -> None:
    assert old in LINE
    changed = LINE.replace(old, new, 1)
    assert changed != LINE
    with pytest.raises(BadLogError) as caught:
        parse(HEADER + LINE + changed)
    assert caught.value.number == (4 if new.endswith(b"\n\n") else 3)


def test_a_digit_of_a_hash_that_is_none() -> None:
    digest = hash_of(ENTRY.task)
    with pytest.raises(BadLogError):
        parse(HEADER + LINE.replace(digest, digest[:-1] + b"G"))


def test_a_header_that_is_not_right() -> None:
    for header in (BEGIN + b"\n", HEADER.replace(b"End", b"Ende"), LINE):
        with pytest.raises(BadLogError) as caught:
            parse(header)
        assert caught.value.number == 1
    with pytest.raises(BadLogError):
        parse(HEADER + b"1")


def test_lines_that_have_to_wait() -> None:
    buffer = LogBuffer()
    for end in (5, 10, 10, 20):
        buffer.add(ENTRY, end)
    assert buffer.take(4) == b""
    assert buffer.take(5).endswith(b"\t5\n")
    assert buffer.take(19).count(b"\t10\n") == 2
    assert buffer.take(19) == b""
    assert buffer.take(20).endswith(b"\t20\n")
    assert buffer.take(20) == b""
