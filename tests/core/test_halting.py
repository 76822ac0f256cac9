"""Runs that end early: halts, limits, and the time between attempts."""

from __future__ import annotations

import pytest

from paexec_trio.core import commands as do
from paexec_trio.core import events as on
from paexec_trio.core.accounting import Accounting, Halt, Summing, Why
from paexec_trio.core.settings import Reassign
from tests.core.playbook import (
    finishing,
    passed,
    reaped,
    started,
    started_graph,
    stopping,
    summed_up,
)

FIRST_FAILURE = Halt(Why.FAIL, 1)


def rules(halt: Halt, retries: int = 0) -> Accounting:
    return Accounting(halt=halt, retries=retries, status_of_tasks=True, summing=Summing.FAILURES)


def test_a_halt_waits_for_what_is_under_way() -> None:
    """ACC-070: nothing is dispatched any more, and its status is the number of failures."""
    assert (
        started_graph(2, b"a\nb\nc\n", accounting=rules(FIRST_FAILURE))
        << do.Send(0, b"a\n")
        >> on.NodeStarted(1, 12)
        << do.Send(1, b"b\n")
        >> on.NodeOutput(0, b"failure\n\n")
        << do.Write(b"failure\na\n")
        << do.CloseStdin(0)
        >> on.NodeOutput(1, b"success\n\n")
        << do.Write(b"success\n")
        << finishing(1)
        >> reaped(0)
        >> reaped(1)
        << summed_up(
            b"3 tasks: 1 failed, 1 never ran: 1 'a' (status failure), 3 'c' (not started)", status=1
        )
    )


def test_a_halt_now_ends_what_is_under_way() -> None:
    """ACC-070, ACC-022."""
    assert (
        started_graph(2, b"a\nb\n", accounting=rules(FIRST_FAILURE._replace(now=True)))
        << do.Send(0, b"a\n")
        >> on.NodeStarted(1, 12)
        << do.Send(1, b"b\n")
        >> on.NodeOutput(0, b"failure\n\n")
        << do.Write(b"failure\na\n")
        << stopping(0, 1)
        >> reaped(0)
        >> reaped(1)
        << summed_up(
            b"2 tasks: 1 failed, 1 given up: 1 'a' (status failure), 2 'b' (not finished)",
            status=1,
        )
    )


def test_a_halt_for_success_ends_well() -> None:
    """ACC-072: though a task failed, and others never ran."""
    assert (
        started_graph(1, b"a\nb\nc\n", accounting=rules(Halt(Why.SUCCESS, 1, now=True)))
        << do.Send(0, b"a\n")
        >> on.NodeOutput(0, b"failure\n\n")
        << do.Write(b"failure\na\n")
        << do.Send(0, b"b\n")
        >> on.NodeOutput(0, b"success\n\n")
        << do.Write(b"success\n")
        << stopping(0)
        >> reaped(0)
        << summed_up(b"3 tasks: 1 failed, 1 never ran: 1 'a' (status failure), 3 'c' (not started)")
    )


def test_the_input_is_not_read_after_a_halt() -> None:
    """ACC-070: in flat mode each result counts as a success."""
    assert (
        started(accounting=Accounting(halt=Halt(Why.DONE, 1)))
        >> on.StdinChunk(b"a\nb\n")
        << do.Send(0, b"a\n")
        >> on.NodeOutput(0, b"of a\n\n")
        << do.Write(b"of a\n")
        << finishing(0)
    )


def test_nothing_is_tried_again_after_a_halt() -> None:
    """ACC-070: a task that waits for another attempt has failed then, one under way fails."""
    assert (
        started_graph(2, b"a\nb\n", accounting=rules(Halt(Why.SUCCESS, 1), retries=3))
        << do.Send(0, b"a\n")
        >> on.NodeStarted(1, 12)
        << do.Send(1, b"b\n")
        >> on.NodeOutput(0, b"failure\n\n")
        << do.Write(b"failure\nfatal\n")
        >> on.NodeOutput(1, b"success\n\n")
        << do.Write(b"success\n")
        << finishing(0, 1)
        >> reaped(0)
        >> reaped(1)
        << summed_up(b"2 tasks: 1 failed: 1 'a' (status failure)")
    )


@pytest.mark.parametrize(
    ("halt", "statuses", "number"),
    [
        (Halt(Why.FAIL, 2), "sfsfs", 4),
        (Halt(Why.SUCCESS, 2), "fsfsf", 4),
        (Halt(Why.DONE, 3), "sfsfs", 3),
        (Halt(Why.FAIL, percent=50), "ffsfs", 4),
        (Halt(Why.FAIL, percent=60), "sssfffffs", 8),
        (Halt(Why.FAIL, percent=100), "fffs", 3),
        (Halt(Why.DONE, percent=1), "sffs", 3),
        (Halt(Why.FAIL, percent=50), "sfsfs", 0),
    ],
)
def test_what_halts_a_run(halt: Halt, statuses: str, number: int) -> None:
    """ACC-070, ACC-071; 0: nothing does."""
    graph = b"".join(b"%d\n" % task for task, _ in enumerate(statuses))
    playbook = started_graph(1, graph, accounting=rules(halt)) << do.Send(0, b"0\n")
    last = (number or len(statuses)) - 1
    for task, status in enumerate(statuses[: last + 1]):
        line = b"success\n" if status == "s" else b"failure\n"
        playbook >> on.NodeOutput(0, line + b"\n")
        playbook << do.Write(line if status == "s" else line + b"%d\n" % task)
        if task < last:
            playbook << do.Send(0, b"%d\n" % (task + 1))
    assert playbook << finishing(0)


def test_a_limit() -> None:
    """ACC-081: nothing is said of the task that was read and not dispatched."""
    assert (
        started(2, accounting=Accounting(limit=1, summing=Summing.FAILURES, status_of_tasks=True))
        >> on.StdinChunk(b"a\nb\n")
        << do.Send(0, b"a\n")
        << do.CloseStdin(1)
        >> on.NodeOutput(0, b"of a\n\n")
        << do.Write(b"of a\n")
        << finishing(0)
        >> reaped(0)
        >> reaped(1)
        << [do.DrainOutput(), on.OutputDrained(), do.Exit()]
    )


def test_a_lost_task_is_no_further_one() -> None:
    """ACC-081, DTH-010."""
    assert (
        started(2, accounting=Accounting(limit=1), on_death=Reassign())
        >> on.StdinChunk(b"a\nb\n")
        << do.Send(0, b"a\n")
        >> on.NodeEnded(0)
        << do.CloseStdin(0)
        << do.Write(b"fatal\n")
        << do.SetDeadline(do.Deadline(do.Purpose.REAP, 0), 2.0)
        << do.Send(1, b"a\n")
    )


def test_a_dependant_of_a_failed_task_that_was_dropped_before() -> None:
    """ACC-010, ACC-081: it counts once, and is named once."""
    every = Accounting(limit=2, summing=Summing.ALWAYS, status_of_tasks=True)
    assert (
        started_graph(2, b"a b\nc d\ne\n", accounting=every)
        << do.Send(0, b"a\n")
        >> on.NodeStarted(1, 12)
        << do.Send(1, b"c\n")
        >> on.NodeOutput(0, b"success\n\n")
        << do.Write(b"success\n")
        << do.CloseStdin(0)
        >> on.NodeOutput(1, b"failure\n\n")
        << do.Write(b"failure\nc d\n")
        << finishing(1)
        >> reaped(0)
        >> reaped(1)
        << summed_up(
            b"5 tasks: 1 succeeded, 1 failed, 3 never ran: 3 'c' (status failure), "
            b"2 'b' (not started), 4 'd' (not started), 5 'e' (not started)",
            status=1,
        )
    )


def test_some_time_passes_between_two_attempts() -> None:
    """ACC-080: with prefetch, too, a node is given one task."""
    delay = do.SetDeadline(do.Deadline(do.Purpose.DELAY), 3)
    assert (
        started(2, accounting=Accounting(delay=3), prefetch=4)
        >> on.StdinChunk(b"a\nb\n")
        << do.Send(0, b"a\n")
        << delay
        >> on.NodeOutput(0, b"\n")
        >> passed(do.Purpose.DELAY)
        << do.Send(0, b"b\n")
        << delay
        << do.ReadMore()
        >> on.StdinChunk(b"c\n")
        >> passed(do.Purpose.DELAY)
        << do.Send(1, b"c\n")
        << delay
        << do.ReadMore()
    )


def test_some_time_passes_before_a_retry() -> None:
    """ACC-080."""
    delay = do.SetDeadline(do.Deadline(do.Purpose.DELAY), 3)
    assert (
        started_graph(1, b"a\n", accounting=Accounting(delay=3, retries=2))
        << do.Send(0, b"a\n")
        << delay
        >> on.NodeOutput(0, b"failure\n\n")
        << do.Write(b"failure\nfatal\n")
        >> passed(do.Purpose.DELAY)
        << do.Send(0, b"a\n")
        << delay
    )
