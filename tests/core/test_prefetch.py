"""Prefetch: how tasks are divided, and the engine event by event.

Random schedules are in ``tests/simulation``.
"""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from paexec_trio.core import commands as do
from paexec_trio.core import events as on
from paexec_trio.core.grouping import Grouping
from paexec_trio.core.settings import (
    AUTO,
    GRACES,
    READ_AHEAD,
    GraphSettings,
    Reassign,
    Settings,
)
from paexec_trio.core.windowcontrol import MAX_OCTETS
from paexec_trio.core.windows import spread_evenly
from tests.core.playbook import (
    Playbook,
    burial,
    ended,
    names,
    out_of_step,
    passed,
    restarting,
    started,
    stopping,
)

Z = Reassign()
END_OF_RUN = do.SetDeadline(do.Deadline(do.Purpose.NOTICE), GRACES.finish_notice)


# How tasks are divided

NODES = st.lists(
    st.tuples(st.integers(min_value=0, max_value=9), st.integers(min_value=0, max_value=9)),
    max_size=7,
)


@given(nodes=NODES, tasks=st.integers(min_value=0, max_value=80))
@example(nodes=[(0, 3), (0, 3)], tasks=3)
@example(nodes=[(0, 1), (0, 3), (0, 3)], tasks=6)
@example(nodes=[(0, 300), (0, 1000)], tasks=1000)
def test_tasks_go_where_the_fewest_are(nodes: list[tuple[int, int]], tasks: int) -> None:
    """PRE-010, PRE-011, PRE-013: one after the other to the first of those that hold the fewest."""
    held = [count for count, _ in nodes]
    most = [limit for _, limit in nodes]
    expected = list(held)
    for _ in range(tasks):
        open_nodes = [(expected[n], n) for n in range(len(nodes)) if expected[n] < most[n]]
        if open_nodes:
            expected[min(open_nodes)[1]] += 1
    given_tasks = spread_evenly(held, most, tasks)
    assert [a + b for a, b in zip(held, given_tasks, strict=True)] == expected


def test_each_node_has_a_limit() -> None:
    """What is missing is no reason to leave nodes out."""
    with pytest.raises(ValueError, match="shorter"):
        spread_evenly([0, 0], [1], 1)


# Dispatch and results


def test_several_tasks_are_sent_at_once() -> None:
    """PRE-010, PRE-011: as many as there is room for; several results are several rooms."""
    assert (
        started(1, prefetch=3)
        >> on.StdinChunk(b"a\nb\nc\nd\ne\nf\n")
        << do.Send(0, b"a\nb\nc\n")
        >> on.NodeOutput(0, b"of a\n\nof b\n\nof")
        << do.Write(b"of a\nof b\n")
        << do.Send(0, b"d\ne\n")
        >> on.NodeOutput(0, b" c\n\n")
        << do.Write(b"of c\n")
        << do.Send(0, b"f\n")
        >> on.NodeOutput(0, b"\n\n\n")
        << do.ReadMore()
        >> on.StdinEnded()
        << do.CloseStdin(0)
        << END_OF_RUN
    )


def test_the_last_result_and_what_follows_on_it() -> None:
    """PRE-020: octets outside of tasks are noticed when the node holds none any more."""
    assert (
        started(1, prefetch=3)
        >> on.StdinChunk(b"a\nb\nc\n")
        << do.Send(0, b"a\nb\nc\n")
        >> on.NodeOutput(0, b"of a\n\nof b\n\nof c\n\nstray\n\n")
        << do.Write(b"of a\nof b\nof c\n")
        << out_of_step(rb"stray\n\n")
        << stopping(0)
    )


def test_input_is_read_while_there_is_room() -> None:
    """PRE-011, DSP-023: and not otherwise."""
    assert (
        started(1, prefetch=2)
        >> on.StdinChunk(b"a\n")
        << do.Send(0, b"a\n")
        << do.ReadMore()
        >> on.StdinChunk(b"b\n")
        << do.Send(0, b"b\n")
        >> on.NodeOutput(0, b"\n")
        << do.ReadMore()
    )


def test_idle_nodes_come_first() -> None:
    """PRE-012, PRE-013."""
    assert (
        started(3, prefetch=2)
        >> on.StdinChunk(b"a\nb\nc\nd\n")
        << do.Send(0, b"a\nb\n")
        << do.Send(1, b"c\n")
        << do.Send(2, b"d\n")
        << do.ReadMore()
        >> on.NodeOutput(2, b"\n")
        >> on.StdinChunk(b"e\nf\ng\nh\n")
        << do.Send(1, b"e\n")
        << do.Send(2, b"f\ng\n")
    )


def test_task_lines_come_with_the_heads() -> None:
    """PRE-021, PRE-022."""
    assert (
        started(1, prefetch=3, print_task=True, show_task_id=True, print_eot=True)
        >> on.StdinChunk(b"a\nb\nc\n")
        << do.Write(b"1 a\n")
        << do.Send(0, b"a\nb\nc\n")
        >> on.NodeOutput(0, b"of a\n\nof b\n\n")
        << do.Write(b"1 of a\n1 \n2 b\n2 of b\n2 \n3 c\n")
        << do.ReadMore()
    )


def test_tasks_before_one_that_is_refused_are_done() -> None:
    """PRE-017: the run goes on until they are answered."""
    refusal = b"task 3 contains a newline, which a calculator would take for its end"
    assert (
        started(1, prefetch=9, terminator=b"\0")
        >> on.StdinChunk(b"a\0b\0c\nd\0e\0")
        << do.Send(0, b"a\nb\n")
        << do.Report(b"paexec-trio: " + refusal)
        >> on.NodeOutput(0, b"\n\n")
        << do.CloseStdin(0)
        << END_OF_RUN
    )


# Finding the number


def test_it_grows_while_answers_come_as_soon_as_that_of_a_single_task() -> None:
    """PRE-040, PRE-041: after two of them; half of a MiB of tasks would wait for that."""
    assert (
        started(1, prefetch=AUTO)
        >> on.TimePassed(0.0)
        >> on.StdinChunk(b"a\nb\n" + b"more\n" * 10)
        << do.Send(0, b"a\n")
        >> on.TimePassed(0.1)
        >> on.NodeOutput(0, b"\n")
        << do.Send(0, b"b\n")
        >> on.TimePassed(0.2)
        >> on.NodeOutput(0, b"\n")
        << do.Send(0, b"more\n" * 4)
        >> on.TimePassed(0.3)
        >> on.NodeOutput(0, b"\n" * 4)
        << do.Send(0, b"more\n" * 6)
        << do.ReadMore()
    )


def test_tasks_are_sent_when_a_quarter_is_done() -> None:
    """A calculator that flushes each answer is not sent each task for itself."""
    script = started(1, prefetch=AUTO)
    script >> on.TimePassed(0.0) >> on.StdinChunk(b"task\n" * 100) << do.Send(0, b"task\n")
    script >> on.TimePassed(0.1) >> on.NodeOutput(0, b"\n") << do.Send(0, b"task\n")
    script >> on.TimePassed(0.2) >> on.NodeOutput(0, b"\n") << do.Send(0, b"task\n" * 4)
    script >> on.TimePassed(0.3) >> on.NodeOutput(0, b"\n" * 4) << do.Send(0, b"task\n" * 16)
    script >> on.TimePassed(0.4) >> on.NodeOutput(0, b"\n" * 3)
    script >> on.NodeOutput(0, b"\n") << do.Send(0, b"task\n" * 4)
    assert script


def test_it_does_not_grow_while_tasks_wait_for_each_other() -> None:
    """PRE-043."""
    assert (
        started(1, prefetch=AUTO)
        >> on.TimePassed(0.0)
        >> on.StdinChunk(b"task\n" * 20)
        << do.Send(0, b"task\n")
        >> on.TimePassed(0.1)
        >> on.NodeOutput(0, b"\n")
        << do.Send(0, b"task\n")
        >> on.TimePassed(0.2)
        >> on.NodeOutput(0, b"\n")
        << do.Send(0, b"task\n" * 4)
        >> on.TimePassed(0.3)
        >> on.NodeOutput(0, b"\n")
        << do.Send(0, b"task\n")
        >> on.TimePassed(0.4)
        >> on.NodeOutput(0, b"\n")
        << do.Send(0, b"task\n")
        >> on.TimePassed(0.5)
        >> on.NodeOutput(0, b"\n")
        << do.Send(0, b"task\n")
        >> on.TimePassed(0.6)
        >> on.NodeOutput(0, b"\n")
        >> on.TimePassed(0.7)
        >> on.NodeOutput(0, b"\n")
    )


def test_towards_the_end_nothing_is_queued() -> None:
    """PRE-042: the third task waits for the node that is idle first."""
    script = started(2, prefetch=AUTO)
    script >> on.TimePassed(0.0) >> on.StdinChunk(b"a\nb\n") << do.Send(0, b"a\n")
    script << do.Send(1, b"b\n")
    script << do.ReadMore() >> on.TimePassed(0.1) >> on.NodeOutput(0, b"\n")
    script >> on.NodeOutput(1, b"\n")
    script >> on.StdinChunk(b"c\nd\n") << do.Send(0, b"c\n") << do.Send(1, b"d\n") << do.ReadMore()
    script >> on.TimePassed(0.2) >> on.NodeOutput(0, b"\n") >> on.NodeOutput(1, b"\n")
    script >> on.StdinChunk(b"e\nf\ng\n") << do.Send(0, b"e\n") << do.Send(1, b"f\n")
    script << do.ReadMore()
    script >> on.NodeOutput(1, b"\n") << do.Send(1, b"g\n")
    assert script


def test_input_is_read_before_it_is_needed() -> None:
    """PRE-042, DSP-023: as long as few tasks wait, and not many octets."""
    assert (
        started(2, prefetch=AUTO)
        >> on.StdinChunk(b"a\nb\nc\n")
        << do.Send(0, b"a\n")
        << do.Send(1, b"b\n")
        << do.ReadMore()
        >> on.StdinChunk(b"d\ne\n")
        << do.ReadMore()
        >> on.StdinChunk(b"x" * READ_AHEAD)
        >> on.StdinChunk(b"\n" + b"f\n" * 5)
    )


def test_what_waited_for_a_queued_task_goes_to_another_node() -> None:
    """GRA-026, PRE-011: also if the node that did the task may not be given one."""
    settings = Settings(nodes=names(2), prefetch=AUTO, graph=GraphSettings())
    large = b"x" * MAX_OCTETS
    script = Playbook(settings) >> on.RunStarted() << do.ReadMore()
    script >> on.StdinChunk(b"a\nb\nc\n" + large + b" last\nd\ne\n") << do.ReadMore()
    script >> on.TimePassed(0.0) >> on.StdinEnded() << do.StartNode(0)
    script >> on.NodeStarted(0, 1000) << do.StartNode(1) << do.Send(0, b"a\n")
    script >> on.NodeStarted(1, 1001) << do.Send(1, b"b\n")
    success, line = b"success\n\n", do.Write(b"success\n")
    script >> on.TimePassed(0.1) >> on.NodeOutput(0, success) << line << do.Send(0, b"c\n")
    script >> on.TimePassed(0.2) >> on.NodeOutput(0, success) << line
    script << do.Send(0, large + b"\nd\n")
    script >> on.NodeOutput(1, success) << line << do.Send(1, b"e\n")
    script >> on.NodeOutput(1, success) << line
    script >> on.NodeOutput(0, success) << line << do.Send(1, b"last\n")
    assert script


def test_a_node_that_ended_is_missed_when_a_task_comes() -> None:
    """END-011: without -z."""
    assert (
        started(1, prefetch=AUTO)
        >> on.NodeEnded(0)
        << do.CloseStdin(0)
        >> on.NodeReaped(0)
        >> on.StdinChunk(b"a\n")
        << do.Report(b"Node n0 exited unexpectedly")
        << stopping()
        << ended(status=1)
    )


def test_a_new_process_is_measured_anew() -> None:
    """PRE-040."""
    restarted = started(1, prefetch=AUTO, on_death=Reassign(restart_after=1, wait=True))
    restarted >> on.TimePassed(0.0) >> on.StdinChunk(b"task\n" * 9) << do.Send(0, b"task\n")
    restarted >> on.TimePassed(0.1) >> on.NodeOutput(0, b"\n") << do.Send(0, b"task\n")
    restarted >> on.TimePassed(0.2) >> on.NodeOutput(0, b"\n") << do.Send(0, b"task\n" * 4)
    restarted << do.ReadMore() >> on.NodeEnded(0) << do.CloseStdin(0) << do.Write(b"fatal\n")
    restarted << burial(0)
    restarted << restarting(1)
    restarted >> on.NodeReaped(0) >> passed(do.Purpose.RESTART) << do.StartNode(0)
    restarted >> on.NodeStarted(0, 1001) << do.Send(0, b"task\n")
    assert restarted


def test_large_tasks_are_not_queued() -> None:
    """However short they are: a pipe holds no more."""
    large = b"x" * MAX_OCTETS + b"\n"
    script = started(1, prefetch=AUTO)
    script >> on.TimePassed(0.0) >> on.StdinChunk(large) << do.Send(0, large) << do.ReadMore()
    script >> on.NodeOutput(0, b"\n") >> on.StdinChunk(large) << do.Send(0, large) << do.ReadMore()
    script >> on.NodeOutput(0, b"\n") >> on.StdinChunk(large) << do.Send(0, large) << do.ReadMore()
    script >> on.StdinChunk(large) << do.ReadMore()
    assert script


# Death


def test_queued_tasks_are_taken_back() -> None:
    """PRE-030, PRE-031, PRE-032: the head first, then the others, then new ones."""
    assert (
        started(2, prefetch=2, on_death=Z)
        >> on.StdinChunk(b"a\nb\nc\nd\ne\n")
        << do.Send(0, b"a\nb\n")
        << do.Send(1, b"c\nd\n")
        >> on.NodeOutput(0, b"begun\n")
        << do.Write(b"begun\n")
        >> on.NodeEnded(0)
        << do.CloseStdin(0)
        << do.Write(b"fatal\n")
        << burial(0)
        >> on.NodeOutput(1, b"\n")
        << do.Send(1, b"a\n")
        >> on.NodeOutput(1, b"\n\n")
        << do.Send(1, b"b\n")
        << do.Send(1, b"e\n")
    )


def test_tasks_of_two_sorts_fill_one_node() -> None:
    """PRE-011: one that is repeated does not keep new ones from being sent in the same step."""
    assert (
        started(2, prefetch=3, on_death=Z)
        >> on.StdinChunk(b"a\nb\n")
        << do.Send(0, b"a\n")
        << do.Send(1, b"b\n")
        << do.ReadMore()
        >> on.StdinChunk(b"c\nd\ne\nf\ng\n")
        << do.Send(0, b"c\nd\n")
        << do.Send(1, b"e\nf\n")
        >> on.NodeEnded(0)
        << do.CloseStdin(0)
        << do.Write(b"fatal\n")
        << burial(0)
        >> on.NodeOutput(1, b"\n\n\n")
        << do.Send(1, b"a\nc\nd\n")
        >> on.NodeOutput(1, b"\n\n")
        << do.Send(1, b"g\n")
        << do.ReadMore()
    )


def test_a_node_that_reads_no_more_finishes_its_head() -> None:
    """PRE-033: it is dead after that."""
    assert (
        started(2, prefetch=2, on_death=Z)
        >> on.StdinChunk(b"a\nb\nc\nd\n")
        << do.Send(0, b"a\nb\n")
        << do.Send(1, b"c\nd\n")
        >> on.NodeUnwritable(0, b"Broken pipe", unsent=2)
        << do.CloseStdin(0)
        >> on.NodeOutput(0, b"of a\n\nof b\n")
        << do.Write(b"of a\n")
        << burial(0)
        >> on.NodeOutput(1, b"\n")
        << do.Send(1, b"b\n")
    )


@pytest.mark.parametrize("unsent", [3, 4, 100])
def test_a_node_that_has_not_received_its_head_is_dead(unsent: int) -> None:
    """PRE-033: it could not finish it."""
    assert (
        started(1, prefetch=2, on_death=Reassign(restart_after=1, wait=True))
        >> on.StdinChunk(b"a\nb\n")
        << do.Send(0, b"a\nb\n")
        >> on.NodeUnwritable(0, b"Broken pipe", unsent)
        << do.CloseStdin(0)
        << do.Write(b"fatal\n")
        << burial(0)
        << restarting(1)
    )


def deaf() -> Playbook:
    """A node that has not received its second task, and works on the first one."""
    return (
        started(1, prefetch=2, on_death=Reassign(restart_after=1, wait=True))
        >> on.StdinChunk(b"a\nb\n")
        << do.Send(0, b"a\nb\n")
        >> on.NodeUnwritable(0, b"Broken pipe", unsent=2)
        << do.CloseStdin(0)
    )


def test_a_stop_before_a_deaf_node_says_what_it_has_done() -> None:
    """It may have received the task that was taken back, and its result is no news (PRE-033)."""
    assert (
        deaf()
        >> on.StopRequested(15)
        << stopping()
        >> on.NodeOutput(0, b"of a\n\nof b\n\n")
        << do.Write(b"of a\n")
    )


def test_a_stop_while_a_node_finishes_its_head() -> None:
    """END-030: nothing is said of its task, and its input is not closed twice."""
    assert deaf() >> on.StopRequested(2) << stopping() >> on.NodeEnded(0)


def test_a_deaf_node_that_was_restarted_has_to_explain_what_it_says() -> None:
    """RES-008: its new process has received nothing that was taken back from the former one."""
    assert (
        deaf()
        >> on.NodeOutput(0, b"\n")
        << burial(0)
        << restarting(1)
        >> on.NodeReaped(0)
        >> passed(do.Purpose.RESTART)
        << do.StartNode(0)
        >> on.NodeStarted(0, 7)
        << do.Send(0, b"b\n")
        << do.ReadMore()
        >> on.NodeOutput(0, b"\nstray\n")
        << out_of_step(rb"stray\n")
        << do.CloseStdin(0)
        << burial(0)
        << restarting(1)
    )


def test_nothing_is_held_for_queued_tasks() -> None:
    """GRP-013: so there is nothing to discard but what the head has printed."""
    assert (
        started(2, prefetch=2, on_death=Z, grouping=Grouping.GROUP)
        >> on.StdinChunk(b"a\nb\nc\nd\n")
        << do.Send(0, b"a\nb\n")
        << do.Send(1, b"c\nd\n")
        >> on.NodeOutput(0, b"of a\n\nbegun\n")
        << do.Hold(1, b"of a\n")
        << do.Release(1)
        << do.Hold(2, b"begun\n")
        << do.ReadMore()
        >> on.NodeEnded(0)
        << do.CloseStdin(0)
        << do.Discard(2)
        << burial(0)
        >> on.NodeOutput(1, b"\n")
        << do.Release(3)
        << do.Send(1, b"b\n")
    )
