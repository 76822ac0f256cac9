"""Time limits in the engine: deadlines of attempts, and nodes that exceed them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paexec_trio.core import commands as do
from paexec_trio.core import events as on
from paexec_trio.core.accounting import Accounting, Summing
from paexec_trio.core.settings import Reassign
from paexec_trio.core.timelimits import _Median
from tests.core.playbook import (
    Item,
    burial,
    finishing,
    passed,
    reaped,
    restarting,
    started,
    started_graph,
    summed_up,
)

FIVE = Accounting(timeout=5, summing=Summing.FAILURES, status_of_tasks=True)
TWICE = Accounting(timeout_percent=200)


def limit(node: int, seconds: float) -> do.SetDeadline:
    """Return the deadline of the attempt that a node makes."""
    return do.SetDeadline(do.Deadline(do.Purpose.TIME_LIMIT, node), seconds)


def exceeded(node: int, *lines: bytes) -> list[Item]:
    """Return the end of a node whose attempt takes too long, with the lines printed then."""
    deadline = passed(do.Purpose.TIME_LIMIT, node)
    printed = [do.Write(line) for line in lines]
    return [deadline, do.CloseStdin(node), *printed, do.KillNode(node, False), burial(node)]


def test_an_attempt_takes_too_long() -> None:
    """ACC-050, ACC-004: the node is restarted without ``-z``, and does the next task."""
    assert (
        started(accounting=FIVE)
        >> on.StdinChunk(b"a\nb\n")
        << limit(0, 5)
        << do.Send(0, b"a\n")
        >> on.NodeOutput(0, b"begun\n")
        << do.Write(b"begun\n")
        >> exceeded(0, b"fatal\n")
        >> on.NodeOutput(0, b"late\n\n")
        >> reaped(0)
        << do.StartNode(0)
        >> on.NodeStarted(0, 77)
        << limit(0, 5)
        << do.Send(0, b"b\n")
        >> on.NodeOutput(0, b"of b\n\n")
        << do.Write(b"of b\n")
        << do.ReadMore()
        >> on.StdinEnded()
        << finishing(0)
        >> reaped(0)
        << summed_up(b"2 tasks: 1 failed: 1 'a' (time limit)", status=1)
    )


def test_sigkill_follows() -> None:
    """ACC-050: on the deadline that was set with SIGTERM."""
    assert (
        started(accounting=FIVE)
        >> on.StdinChunk(b"a\n")
        << limit(0, 5)
        << do.Send(0, b"a\n")
        >> exceeded(0, b"fatal\n")
        << do.ReadMore()
        >> passed(do.Purpose.REAP, 0)
        << do.KillNode(0, True)
        << burial(0)
    )


def test_a_task_that_takes_too_long_in_a_graph() -> None:
    """ACC-004: its dependants are not run; nobody needs the node any more."""
    assert (
        started_graph(1, b"a b\n", accounting=FIVE, print_eot=True)
        << limit(0, 5)
        << do.Send(0, b"a\n")
        >> exceeded(0, b"fatal\n", b"a b\n", b"\n")
        << do.SetDeadline(do.Deadline(do.Purpose.NOTICE), 10.0)
        >> reaped(0)
        << summed_up(
            b"2 tasks: 1 failed, 1 never ran: 1 'a' (time limit), 2 'b' (depends on 1)", status=1
        )
    )


def test_the_last_node_is_waited_for_until_it_is_restarted() -> None:
    """ACC-050, DTH-030: with ``-z`` the run does not end because all nodes are dead."""
    assert (
        started(accounting=FIVE, on_death=Reassign())
        >> on.StdinChunk(b"a\nb\n")
        << limit(0, 5)
        << do.Send(0, b"a\n")
        >> exceeded(0, b"fatal\n")
        >> reaped(0)
        << do.StartNode(0)
        >> on.NodeNotStarted(0, b"no such program")
        << do.Report(b"paexec-trio: no such program")
        << do.Report(b"all nodes failed")
        << do.SetDeadline(do.Deadline(do.Purpose.TERMINATE), 0.2)
        << do.DrainOutput()
    )


def test_a_node_is_started_once_for_a_limit_and_a_restart() -> None:
    """ACC-050, RST-004: node 0 is still starting when both are due for node 1."""
    assert (
        started(2, accounting=FIVE, on_death=Reassign(restart_after=9, wait=True))
        >> on.StdinChunk(b"a\nb\n")
        << limit(0, 5)
        << do.Send(0, b"a\n")
        << limit(1, 5)
        << do.Send(1, b"b\n")
        >> exceeded(0, b"fatal\n")
        << restarting(9)
        >> exceeded(1, b"fatal\n")
        << do.ReadMore()
        >> reaped(0)
        << do.StartNode(0)
        >> reaped(1)
        >> passed(do.Purpose.RESTART)
        >> on.NodeStarted(0, 77)
        << do.StartNode(1)
        >> on.NodeStarted(1, 78)
    )


def test_a_drained_node_is_not_restarted() -> None:
    """Though its attempt takes too long; without another one the run ends."""
    assert (
        started(accounting=FIVE, on_death=Reassign())
        >> on.StdinChunk(b"a\nb\n")
        << limit(0, 5)
        << do.Send(0, b"a\n")
        >> on.DrainRequested(0)
        >> passed(do.Purpose.TIME_LIMIT, 0)
        << do.CloseStdin(0)
        << do.Write(b"fatal\n")
        << do.KillNode(0, False)
        << burial(0)
        << do.Report(b"all nodes were drained")
        << do.SetDeadline(do.Deadline(do.Purpose.TERMINATE), 0.2)
    )


def test_the_time_begins_with_the_work() -> None:
    """ACC-052: that of a queued task when the one before has ended."""
    assert (
        started(accounting=FIVE, prefetch=2)
        >> on.StdinChunk(b"a\nb\nc\n")
        << limit(0, 5)
        << do.Send(0, b"a\nb\n")
        >> on.NodeOutput(0, b"of a\n\n")
        << do.Write(b"of a\n")
        << limit(0, 5)
        << do.Send(0, b"c\n")
        >> exceeded(0, b"fatal\n")
        >> reaped(0)
        << do.StartNode(0)
        >> on.NodeStarted(0, 77)
        << limit(0, 5)
        << do.Send(0, b"c\n")
        << do.ReadMore()
    )


def test_a_percentage_counts_when_three_have_ended() -> None:
    """ACC-051: for the attempt that is under way, too, from its begin."""
    playbook = started(2, accounting=TWICE) >> on.TimePassed(10.0)
    playbook >> on.StdinChunk(b"hang\na\nb\nc\nd\n") << do.Send(0, b"hang\n") << do.Send(1, b"a\n")
    for now, task, after in ((11.0, b"a", b"b"), (14.0, b"b", b"c")):
        playbook >> on.TimePassed(now) >> on.NodeOutput(1, b"of %b\n\n" % task)
        playbook << do.Write(b"of %b\n" % task) << do.Send(1, after + b"\n")
    assert (
        playbook
        >> on.TimePassed(15.5)
        >> on.NodeOutput(1, b"of c\n\n")
        << do.Write(b"of c\n")
        << limit(0, 0.0)  # 10 + 2 * 1.5 has passed already
        << limit(1, 3.0)
        << do.Send(1, b"d\n")
        >> exceeded(0, b"fatal\n")
    )


def test_a_median_that_grows_gives_more_time() -> None:
    """ACC-051: it is the median of all that have ended, not of those before the attempt."""
    playbook = started(2, accounting=TWICE) >> on.TimePassed(0.0)
    playbook >> on.StdinChunk(b"a\nb\nc\nd\ne\nf\n") << do.Send(0, b"a\n") << do.Send(1, b"b\n")
    playbook >> on.TimePassed(1.0)
    playbook >> on.NodeOutput(0, b"\n") << do.Send(0, b"c\n")
    playbook >> on.NodeOutput(1, b"\n") << do.Send(1, b"d\n")
    playbook >> on.TimePassed(3.0)
    playbook >> on.NodeOutput(0, b"\n") << limit(1, 0.0) << limit(0, 2.0) << do.Send(0, b"e\n")
    playbook >> on.NodeOutput(1, b"\n") << limit(1, 2.0) << do.Send(1, b"f\n")
    assert (
        playbook
        >> on.TimePassed(4.75)
        >> on.NodeOutput(0, b"\n")
        << do.ReadMore()
        >> on.TimePassed(5.0)
        >> passed(do.Purpose.TIME_LIMIT, 1)
        << limit(1, 1.5)  # the median is 1.75 now
        >> on.TimePassed(6.5)
        >> exceeded(1, b"fatal\n")
    )


def test_a_median_that_shrinks_leaves_less_time() -> None:
    """ACC-051: also to an attempt that has begun before."""
    playbook = started(2, accounting=TWICE) >> on.TimePassed(0.0)
    playbook >> on.StdinChunk(b"hang\na\nb\nc\nd\ne\nf\n")
    playbook << do.Send(0, b"hang\n") << do.Send(1, b"a\n")
    for now, after in ((10.0, b"b"), (20.0, b"c")):
        playbook >> on.TimePassed(now) >> on.NodeOutput(1, b"\n") << do.Send(1, after + b"\n")
    playbook >> on.TimePassed(21.0) >> on.NodeOutput(1, b"\n")
    playbook << limit(0, 0.0) << limit(1, 20.0) << do.Send(1, b"d\n")
    assert (
        playbook
        >> on.TimePassed(22.0)
        >> on.NodeOutput(1, b"\n")
        << limit(0, 0.0)  # the lower of the two in the middle is 1 now
        << limit(1, 2.0)
        << do.Send(1, b"e\n")
        >> exceeded(0, b"fatal\n")
    )


def test_a_limit_by_the_median_is_never_tiny() -> None:
    """ACC-051: these results came at once, as they do with prefetch."""
    playbook = started(2, accounting=TWICE) >> on.TimePassed(0.0)
    playbook >> on.StdinChunk(b"hang\na\nb\nc\nd\n")
    playbook << do.Send(0, b"hang\n") << do.Send(1, b"a\n")
    playbook >> on.NodeOutput(1, b"\n") << do.Send(1, b"b\n")
    playbook >> on.NodeOutput(1, b"\n") << do.Send(1, b"c\n")
    assert (
        playbook >> on.NodeOutput(1, b"\n") << limit(0, 0.1) << limit(1, 0.1) << do.Send(1, b"d\n")
    )


def test_failed_attempts_with_a_result_count_for_the_median() -> None:
    """ACC-051."""
    rules = Accounting(timeout_percent=200, retries=2)
    assert (
        started_graph(1, b"a\nb\n", accounting=rules)
        << do.Send(0, b"a\n")
        >> on.TimePassed(1.0)
        >> on.NodeOutput(0, b"failure\n\n")
        << do.Write(b"failure\nfatal\n")
        << do.Send(0, b"a\n")
        >> on.TimePassed(2.0)
        >> on.NodeOutput(0, b"failure\n\n")
        << do.Write(b"failure\na\n")
        << do.Send(0, b"b\n")
        >> on.TimePassed(3.0)
        >> on.NodeOutput(0, b"failure\n\n")
        << do.Write(b"failure\nfatal\n")
        << limit(0, 2.0)
        << do.Send(0, b"b\n")
    )


def test_an_idle_node_has_no_limit() -> None:
    """ACC-050: the deadline of its last attempt may pass."""
    assert (
        started(accounting=FIVE)
        >> on.StdinChunk(b"a\n")
        << limit(0, 5)
        << do.Send(0, b"a\n")
        >> on.NodeOutput(0, b"\n")
        << do.ReadMore()
        >> passed(do.Purpose.TIME_LIMIT, 0)
    )


def test_nothing_is_restarted_when_a_run_is_stopped() -> None:
    assert (
        started(accounting=FIVE)
        >> on.StdinChunk(b"a\nb\n")
        << limit(0, 5)
        << do.Send(0, b"a\n")
        >> exceeded(0, b"fatal\n")
        >> on.StopRequested(15)
        << do.SetDeadline(do.Deadline(do.Purpose.TERMINATE), 0.2)
        >> reaped(0)
        << do.Exit(111, signal=15)
    )


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=30))
def test_the_median(numbers: list[float]) -> None:
    median = _Median()
    for number in numbers:
        median.add(number)
    assert len(median) == len(numbers)
    assert median.value() == pytest.approx(sorted(numbers)[(len(numbers) - 1) // 2])
