"""Flat tasks and graphs of tasks as sources of what is dispatched."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

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


@pytest.mark.parametrize(
    ("terminator", "forbidden", "what"), [(NUL, NEWLINE, b"a newline"), (NEWLINE, NUL, b"NUL")]
)
def test_what_is_said_of_a_refused_task(terminator: bytes, forbidden: bytes, what: bytes) -> None:
    """FRM-013, EXE-004: in both modes; the octet that ends tasks is in none of them."""
    text = b"a" + terminator + b"b" + forbidden + terminator
    tasks = FlatTasks(terminator, forbidden)
    tasks.feed(text)
    tasks.take()
    with pytest.raises(RefusedTaskError) as refused:
        tasks.take()
    graph = GraphTasks(terminator, forbidden, b"", b"", Weighting.OWN)
    graph.feed(text)
    with pytest.raises(RefusedTaskError) as refused_by_graph:
        graph.end()
    assert refused.value.reason.startswith(b"task 2 contains " + what)
    assert refused_by_graph.value.reason == refused.value.reason


FLAT_TASKS = st.lists(st.sampled_from([b"", b"a", b"bc", b"d\n", b"\ne\n"]), max_size=8)


@given(FLAT_TASKS, FLAT_TASKS, st.lists(st.integers(min_value=1, max_value=4), max_size=5))
@example([b"a", b"a", b"a"], [b"a", b"d\n", b"a"], [2, 4, 4])
@example([b"a", b"d\n"], [b"d\n"], [1])
@example([b"a", b"a", b"a"], [b"d\n"], [1])
@example([b"a"] * 300, [b"d\n"], [300])
def test_several_flat_tasks(first: list[bytes], second: list[bytes], counts: list[int]) -> None:
    """PRE-017: those before one that is refused; ready is what can be taken."""
    tasks = FlatTasks(NUL, NEWLINE)
    expected: list[tuple[int, bytes]] = []
    taken = 0
    for part in (first, second):
        tasks.feed(b"".join(task + NUL for task in part))
        expected += enumerate(part, len(expected) + 1)
        for count in counts:
            waiting = expected[taken:]
            refused = next((at for at, (_, task) in enumerate(waiting) if b"\n" in task), None)
            if refused == 0:
                assert tasks.count_ready() == 1
                with pytest.raises(RefusedTaskError) as caught:
                    tasks.take_several(count)
                assert b"task %d contains" % (taken + 1) in caught.value.reason
                return
            assert tasks.count_ready() == len(waiting[:refused])
            assert tasks.take_several(count) == waiting[:refused][:count]
            taken += len(waiting[:refused][:count])


def test_ready_tasks_in_the_order_of_their_ids() -> None:
    """WGT-003."""
    assert take_all(graph_tasks(b"c d\nb\na\n")) == [(1, b"c"), (3, b"b"), (4, b"a")]


@pytest.mark.parametrize(
    ("weighting", "order"),
    [
        (Weighting.OWN, [b"d", b"b", b"a"]),
        (Weighting.SUM_OVER_DEPENDANTS, [b"d", b"a", b"b"]),
        (Weighting.MAXIMUM_OVER_DEPENDANTS, [b"a", b"d", b"b"]),
    ],
)
def test_heavier_first(weighting: Weighting, order: list[bytes]) -> None:
    """WGT-001, WGT-004 to WGT-006, WGT-010."""
    text = b"weight: a -1\na c\nb\nweight: c 50\nweight: d 49\nd e\n"
    tasks = graph_tasks(text, weighting=weighting)
    assert [name for _, name in take_all(tasks)] == order


@pytest.mark.parametrize(
    ("weighting", "order"),
    [
        (Weighting.OWN, [b"a", b"b", b"e"]),
        (Weighting.SUM_OVER_DEPENDANTS, [b"b", b"a", b"e"]),
        (Weighting.MAXIMUM_OVER_DEPENDANTS, [b"a", b"b", b"e"]),
    ],
)
def test_dependants_without_weights(weighting: Weighting, order: list[bytes]) -> None:
    """WGT-004, WGT-005: each weighs one, and only their sum makes a difference."""
    tasks = graph_tasks(b"a\nb c\nc d\ne\n", weighting=weighting)
    assert [name for _, name in take_all(tasks)] == order


def test_many_weights() -> None:
    """WGT-001: the last is the heaviest."""
    tasks = graph_tasks(b"".join(b"weight: %d %d\n" % (task, task) for task in range(1000)))
    assert [name for _, name in take_all(tasks)] == [b"%d" % task for task in range(999, -1, -1)]


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


def test_several_ready_tasks() -> None:
    tasks = graph_tasks(b"a b\nc\nd\nweight: d 2\n")
    assert tasks.count_ready() == 3
    assert tasks.take_several(2) == [(4, b"d"), (1, b"a")]
    assert tasks.count_ready() == 1
    assert not tasks.is_exhausted()


def test_tasks_that_will_not_run() -> None:
    """GRA-040; there is no such task before the input has ended, nor one after the last."""
    tasks = GraphTasks(NEWLINE, NEWLINE, b" ", b"weight:", Weighting.OWN)
    assert tasks.needs_whole_input
    assert tasks.is_exhausted()
    tasks.feed(b"c\na b\n")
    assert not tasks.will_not_run(0)
    tasks.end()
    take_all(tasks)
    assert not tasks.will_not_run(3)
    tasks.done(2, Status.FAILURE)
    assert [tasks.will_not_run(task) for task in range(1, 6)] == [
        *(False, False, True, False, False)
    ]
    assert not FlatTasks(NEWLINE, NEWLINE).will_not_run(1)


@pytest.mark.parametrize("cut", range(7))
def test_lines_may_be_cut_anywhere(cut: int) -> None:
    text = b"a b\nc"
    tasks = GraphTasks(NEWLINE, NEWLINE, b" ", b"weight:", Weighting.OWN)
    tasks.feed(text[:cut])
    tasks.feed(text[cut:])
    tasks.end()
    assert take_all(tasks) == [(1, b"a"), (3, b"c")]


def test_bad_lines() -> None:
    """GRA-010, GRA-063: upstream's words, the number, and what was expected, in one line."""
    with pytest.raises(InputError) as caught:
        graph_tasks(b"a\na b c\n")
    assert caught.value.diagnostics == [
        b'Bad input line: a b c (line 2: expected "TASK", "TASK DEPENDANT" or "weight: TASK NUMBER"'
        b", got 3 words)"
    ]
    with pytest.raises(InputError) as caught:
        graph_tasks(b"a\0a b\nc d", terminator=b"\0")
    assert caught.value.diagnostics[0].startswith(b"Bad input line: a b\\nc d (line 2: ")


def test_cycles() -> None:
    """GRA-020: upstream's words."""
    with pytest.raises(InputError) as caught:
        graph_tasks(b"a b\nb a\n")
    assert caught.value.diagnostics == [
        b"Cyclic dependency detected:",
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
        if isinstance(tasks, FlatTasks):
            tasks.end()
            assert not tasks.ready


def test_weights_described() -> None:
    """WGT-008: as upstream."""
    tasks = graph_tasks(b"a b\nweight: b 5\n", weighting=Weighting.SUM_OVER_DEPENDANTS)
    assert tasks.describe_weights() == [
        b"weight [a]=1",
        b"sum_weight [a]=6",
        b"weight [b]=5",
        b"sum_weight [b]=5",
    ]
