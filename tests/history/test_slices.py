"""Slices from facts and from job logs."""

from __future__ import annotations

import pytest

from paexec_trio.core.facts import (
    AttemptAnswered,
    AttemptBegan,
    AttemptFailed,
    Backpressure,
    Fact,
    Fate,
    LifeBegan,
    LifeEnded,
    NodeLost,
    StartFailed,
)
from paexec_trio.core.joblog import LogEntry
from paexec_trio.history.slices import Moment, Outcome, Slice, history_of, slices_of_log


@pytest.mark.parametrize(
    ("fact", "piece"),
    [
        (
            AttemptAnswered(5.0, 1, 7, b"a", 2, 1.5, True, 0, ()),
            Slice(1, 7, b"a", 2, 3.5, 1.5, Outcome.SUCCEEDED),
        ),
        (
            AttemptAnswered(5.0, 1, 7, b"a", 1, 1.5, False, 3, ()),
            Slice(1, 7, b"a", 1, 3.5, 1.5, Outcome.FAILED, b"exit status 3"),
        ),
        (
            AttemptAnswered(5.0, 1, 7, b"a", 1, 1.5, False, 0, ()),
            Slice(1, 7, b"a", 1, 3.5, 1.5, Outcome.FAILED, b"failure"),
        ),
        *(
            (
                AttemptFailed(5.0, 1, 7, b"a", 1, 1.5, b"node lost", fate, ()),
                Slice(1, 7, b"a", 1, 3.5, 1.5, outcome, b"node lost"),
            )
            for fate, outcome in (
                (Fate.RETRIED, Outcome.RETRIED),
                (Fate.FAILED, Outcome.FAILED),
                (Fate.GIVEN_UP, Outcome.GIVEN_UP),
            )
        ),
        (LifeBegan(2.0, 1, 4711, 2), Moment(2.0, 1, b"restarted")),
        (StartFailed(2.0, 1, b"no such file"), Moment(2.0, 1, b"not started: no such file")),
        (NodeLost(2.0, 1), Moment(2.0, 1, b"lost")),
        (LifeEnded(2.0, 1, b"signal 9"), Moment(2.0, 1, b"ended: signal 9")),
        (Backpressure(2.0, True), Moment(2.0, -1, b"the reader is slow")),
        (Backpressure(2.0, False), Moment(2.0, -1, b"the reader is back")),
    ],
)
def test_what_a_fact_adds(fact: Fact, piece: Slice | Moment) -> None:
    assert [*history_of([fact])] == [piece]


@pytest.mark.parametrize(
    "fact",
    [
        AttemptBegan(1.0, 0, 1, b"a", 1),
        LifeBegan(1.0, 0, 4711, 1),
        LifeEnded(1.0, 0, b"exit status 0"),
    ],
)
def test_facts_that_add_nothing(fact: Fact) -> None:
    assert not [*history_of([fact])]


def entry(
    task_id: int, node: bytes, began: float, seconds: float, **changes: int | bytes
) -> LogEntry:
    made = LogEntry(task_id, b"task %d" % task_id, node, began, seconds, 0)
    return made._replace(**changes)  # type: ignore[arg-type]


def test_a_log_begins_at_0_and_is_ordered_by_time() -> None:
    nodes, slices = slices_of_log([entry(2, b"b", 101.0, 1.0), entry(1, b"a", 100.0, 3.0)])
    assert nodes == (b"a", b"b")
    assert [(piece.node, piece.task_id, piece.began) for piece in slices] == [
        (0, 1, 0.0),
        (1, 2, 1.0),
    ]


def test_nodes_of_the_same_name_are_told_apart_where_they_overlap() -> None:
    nodes, slices = slices_of_log(
        [entry(1, b"h", 0.0, 2.0), entry(2, b"h", 1.0, 2.0), entry(3, b"h", 2.0, 1.0)]
    )
    assert nodes == (b"h", b"h")
    assert [piece.node for piece in slices] == [0, 1, 0]


def test_an_attempt_that_another_one_follows_was_tried_again() -> None:
    _, slices = slices_of_log(
        [
            entry(1, b"h", 0.0, 1.0, status=b"timeout", exitval=-1),
            entry(1, b"h", 1.0, 1.0, status=b"failure", exitval=3, attempt=2),
        ]
    )
    assert [(piece.outcome, piece.reason) for piece in slices] == [
        (Outcome.RETRIED, b"time limit"),
        (Outcome.FAILED, b"exit status 3"),
    ]


def test_an_empty_log() -> None:
    assert slices_of_log([]) == ((), [])
