"""Flat tasks and graphs of tasks as sources of what is dispatched."""

from __future__ import annotations

import pytest

from paexec_trio.core.framing import NEWLINE, NUL
from paexec_trio.core.status import Status
from paexec_trio.core.tasks import FlatTasks, GraphTasks, InputError, RefusedTaskError
from paexec_trio.core.weights import Weighting


def graph_tasks(
    text: bytes, terminator: bytes = b"\n", weighting: Weighting = Weighting.OWN
) -> GraphTasks:
    tasks = GraphTasks(terminator, NEWLINE, b" ", b"weight:", weighting)
    tasks.feed(text)
    tasks.end()
    return tasks


def take_all(tasks: FlatTasks | GraphTasks) -> list[tuple[int, bytes]]:
    taken = []
    while tasks.ready:
        taken.append(tasks.take())
    return taken


def test_flat_tasks_are_numbered() -> None:
    tasks = FlatTasks(NEWLINE, NEWLINE)
    tasks.feed(b"a\n\nb")
    assert not tasks.needs_whole_input
    assert take_all(tasks) == [(1, b"a"), (2, b"")]
    tasks.end()
    assert not tasks.is_exhausted()
    assert take_all(tasks) == [(3, b"b")]
    assert tasks.is_exhausted()
    assert tasks.done(1, Status.MISSING) == []


def test_flat_tasks_with_newlines_are_refused() -> None:
    """FRM-013."""
    tasks = FlatTasks(NUL, NEWLINE)
    tasks.feed(b"a\0b\nc\0")
    assert tasks.take() == (1, b"a")
    with pytest.raises(RefusedTaskError) as caught:
        tasks.take()
    assert b"task 2" in caught.value.reason


def test_ready_tasks_in_the_order_of_their_ids() -> None:
    """WGT-003."""
    assert take_all(graph_tasks(b"c d\nb\na\n")) == [(1, b"c"), (3, b"b"), (4, b"a")]


@pytest.mark.parametrize(
    ("weighting", "order"),
    [
        (Weighting.OWN, [b"d", b"b", b"a"]),
        (Weighting.SUM_OVER_DEPENDANTS, [b"a", b"d", b"b"]),
        (Weighting.MAXIMUM_OVER_DEPENDANTS, [b"a", b"d", b"b"]),
    ],
)
def test_heavier_first(weighting: Weighting, order: list[bytes]) -> None:
    """WGT-001, WGT-004 to WGT-006, WGT-010."""
    text = b"weight: a -1\na c\nb\nweight: c 50\nweight: d 7\n"
    tasks = graph_tasks(text, weighting=weighting)
    assert [name for _, name in take_all(tasks)] == order


def test_a_success_makes_ready() -> None:
    """GRA-025: only when all tasks before have succeeded; a repeated edge counts once."""
    tasks = graph_tasks(b"a c\nb c\na c\n")
    assert take_all(tasks) == [(1, b"a"), (3, b"b")]
    assert tasks.done(1, Status.SUCCESS) == []
    assert not tasks.ready
    assert not tasks.is_exhausted()
    tasks.done(3, Status.SUCCESS)
    assert take_all(tasks) == [(2, b"c")]
    assert tasks.is_exhausted()


@pytest.mark.parametrize("status", [Status.FAILURE, Status.MISSING])
def test_a_failure_drops_all_dependants(status: Status) -> None:
    """GRA-040, GRA-042, GRA-045, GRA-051: common dependants are named each time, dropped once."""
    tasks = graph_tasks(b"a c\nb c\nc d\ne\n")
    assert len(take_all(tasks)) == 3
    assert tasks.done(1, status) == [b"c", b"d"]
    assert tasks.done(3, status) == [b"c", b"d"]
    assert tasks.done(5, Status.SUCCESS) == []
    assert tasks.is_exhausted()
    assert not tasks.ready


def test_a_dropped_task_does_not_become_ready() -> None:
    """GRA-040: also if all others that it depends on succeed."""
    tasks = graph_tasks(b"a c\nb c\n")
    take_all(tasks)
    tasks.done(1, Status.FAILURE)
    tasks.done(3, Status.SUCCESS)
    assert not tasks.ready


@pytest.mark.parametrize("cut", range(7))
def test_lines_may_be_cut_anywhere(cut: int) -> None:
    text = b"a b\nc"
    tasks = GraphTasks(NEWLINE, NEWLINE, b" ", b"weight:", Weighting.OWN)
    tasks.feed(text[:cut])
    tasks.feed(text[cut:])
    tasks.end()
    assert take_all(tasks) == [(1, b"a"), (3, b"c")]


def test_bad_lines() -> None:
    """GRA-010: upstream's words; a newline in it does not make two lines of the diagnostic."""
    with pytest.raises(InputError) as caught:
        graph_tasks(b"a b c\n")
    assert caught.value.diagnostics == [b"Bad input line: a b c"]
    with pytest.raises(InputError) as caught:
        graph_tasks(b"a b\nc d", terminator=b"\0")
    assert caught.value.diagnostics == [b"Bad input line: a b\\nc d"]


def test_cycles() -> None:
    """GRA-020: upstream's words."""
    with pytest.raises(InputError) as caught:
        graph_tasks(b"a b\nb a\n")
    assert caught.value.diagnostics == [
        b"Cyclic dependancy detected:",
        b"  a -> b",
        b"  b -> a",
    ]


def test_newlines_in_a_graph_are_refused_before_anything_starts() -> None:
    """FRM-013."""
    with pytest.raises(RefusedTaskError) as caught:
        graph_tasks(b"a\0b\nc\0", terminator=b"\0")
    assert b"task 2" in caught.value.reason


def test_the_empty_graph() -> None:
    """GRA-012."""
    tasks = graph_tasks(b"")
    assert not tasks.ready
    assert tasks.is_exhausted()


def test_abandoned_tasks() -> None:
    for tasks in (graph_tasks(b"a b\nc\n"), FlatTasks(NEWLINE, NEWLINE)):
        if isinstance(tasks, FlatTasks):
            tasks.feed(b"a\nb")
        tasks.abandon()
        assert not tasks.ready
        assert tasks.is_exhausted()


def test_weights_described() -> None:
    """WGT-008: as upstream."""
    tasks = graph_tasks(b"a b\nweight: b 5\n", weighting=Weighting.SUM_OVER_DEPENDANTS)
    assert tasks.describe_weights() == [
        b"weight [a]=1",
        b"sum_weight [a]=6",
        b"weight [b]=5",
        b"sum_weight [b]=5",
    ]
