"""Traces: what a viewer reads."""

from __future__ import annotations

import json
from typing import Any

from paexec_trio.history.slices import Moment, Outcome, Slice
from paexec_trio.history.trace import TraceWriter

NODES = (b"alpha", b"be\xffta")


def test_a_run_without_attempts_is_an_empty_array() -> None:
    writer = TraceWriter(b"paexec-trio")
    assert json.loads(writer.lines(NODES, []) + writer.end()) == []


def written(*calls: list[Slice | Moment]) -> list[dict[str, Any]]:
    writer = TraceWriter(b"paexec-trio")
    text = b"".join([writer.lines(NODES, pieces) for pieces in calls]) + writer.end()
    events: list[dict[str, Any]] = json.loads(text)
    return events


def test_an_attempt_is_a_complete_event_in_microseconds() -> None:
    event = written([Slice(1, 7, b"a\tb", 2, 1.5, 0.25, Outcome.FAILED, b"exit status 3")])[-1]
    assert (event["ph"], event["ts"], event["dur"], event["tid"]) == ("X", 1500000, 250000, 2)
    assert event["name"] == r"a\tb"
    assert event["args"] == {
        "task": 7,
        "attempt": 2,
        "outcome": "failed",
        "reason": "exit status 3",
    }


def test_each_row_is_named_once_however_many_calls_there_are() -> None:
    piece = Slice(1, 1, b"a", 1, 0.0, 1.0, Outcome.SUCCEEDED)
    events = written([piece], [piece], [Moment(1.0, -1, b"the reader is slow")])
    names = [event["args"]["name"] for event in events if event["name"] == "thread_name"]
    assert names == [r"be\377ta", "the run"]


def test_a_trace_that_was_cut_off_between_two_calls_lacks_only_the_bracket() -> None:
    writer = TraceWriter(b"paexec-trio")
    piece = Slice(0, 1, b"a", 1, 0.0, 1.0, Outcome.SUCCEEDED)
    text = writer.lines(NODES, [piece]) + writer.lines(NODES, [piece])
    assert len(json.loads(text + b"]")) == 5


def test_a_moment_of_the_run_is_an_instant_event() -> None:
    event = written([Moment(2.0, -1, b"the reader is slow")])[-1]
    assert (event["ph"], event["s"], event["ts"], event["tid"]) == ("i", "p", 2000000, 0)
