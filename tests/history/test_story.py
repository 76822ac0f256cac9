"""The story of a run: what is gathered, and the critical path."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paexec_trio.core.graph import TaskGraph
from paexec_trio.history.slices import Moment, Outcome, Slice
from paexec_trio.history.story import LONGEST, MOST_FAILURES, Story
from paexec_trio.history.timeline import endings_of, load_of


def attempt(task_id: int, began: float, seconds: float, **changes: int) -> Slice:
    piece = Slice(0, task_id, b"%d" % task_id, 1, began, seconds, Outcome.SUCCEEDED)
    return piece._replace(**changes)  # type: ignore[arg-type]


def test_what_is_counted() -> None:
    story = Story([b"a", b"b"])
    story.add(
        [
            attempt(1, 0.0, 2.0),
            attempt(2, 1.0, 3.0, node=1, outcome=Outcome.FAILED),
            Moment(9.0, 1, b"lost"),
        ]
    )
    story.end()
    assert story.attempts == 2
    assert story.busy == 5.0
    assert story.seconds == 9.0
    assert story.counts[Outcome.FAILED] == 1
    assert [piece.task_id for piece in story.failures] == [2]


def test_the_longest_attempts_are_kept_longest_first() -> None:
    story = Story([b"a"])
    story.add([attempt(number, 0.0, float(number % 50)) for number in range(1, 101)])
    story.end()
    assert len(story.longest) == LONGEST
    assert [piece.task_id for piece in story.longest[:4]] == [49, 99, 48, 98]


def test_failures_beyond_the_first_are_counted() -> None:
    story = Story([b"a"])
    story.add([attempt(n, 0.0, 1.0, outcome=Outcome.FAILED) for n in range(MOST_FAILURES + 5)])
    assert len(story.failures) == MOST_FAILURES
    assert story.failure_count == MOST_FAILURES + 5


edges = st.lists(
    st.tuples(st.integers(1, 8), st.integers(1, 8)).filter(lambda edge: edge[0] < edge[1])
)


@given(edges=edges, seconds=st.lists(st.integers(0, 9), min_size=8, max_size=8))
def test_the_critical_path_is_the_longest_chain(
    edges: list[tuple[int, int]], seconds: list[int]
) -> None:
    graph = TaskGraph(
        [b"", *(b"%d" % task for task in range(1, 9))],
        [before for before, _ in edges],
        [after for _, after in edges],
        {},
    )
    story = Story([b"a"])
    story.keep_durations()
    story.add([attempt(task, 0.0, float(seconds[task - 1])) for task in range(1, 9)])
    chain = story.critical_path(
        graph.topological_order(), graph.dependants, graph.names.__getitem__
    )

    def longest_from(task: int) -> int:
        after = [longest_from(other) for before, other in edges if before == task]
        return seconds[task - 1] + max(after, default=0)

    assert sum(link.seconds for link in chain) == max(map(longest_from, range(1, 9)))
    pairs = pairwise(link.task_id for link in chain)
    assert {*pairs} <= {*edges}


def test_a_task_that_never_ran_is_not_in_the_path() -> None:
    story = Story([b"a"])
    story.keep_durations()
    story.add([attempt(1, 0.0, 2.0)])
    after = {1: [2], 2: []}
    chain = story.critical_path([1, 2], after.__getitem__, lambda task: b"%d" % task)
    assert [link.task_id for link in chain] == [1]


@given(
    st.lists(st.tuples(st.integers(0, 90), st.integers(0, 20)), min_size=1, max_size=20),
    st.integers(1, 40),
)
def test_the_load_of_a_row_is_its_time_at_work(
    attempts: list[tuple[int, int]], columns: int
) -> None:
    """One after the other: a node works on one task."""
    story = Story([b"a"])
    at = 0.0
    for task_id, (pause, seconds) in enumerate(attempts, 1):
        at += pause
        story.add([attempt(task_id, at, float(seconds))])
        at += seconds
    load = load_of(story.rows[0], story.seconds, columns)
    assert len(load) == columns
    width = story.seconds / columns
    assert sum(load) * width == pytest.approx(story.busy, rel=1e-3, abs=1e-3)
    assert sum(endings_of(story, columns)) == len(attempts)
