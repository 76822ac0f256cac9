"""The accounts of a run: its summary and its exit status."""

from __future__ import annotations

import pytest

from paexec_trio.core import commands as do
from paexec_trio.core import events as on
from paexec_trio.core.accounting import Accounting, Summing
from paexec_trio.core.settings import Reassign, Settings
from tests.core.playbook import (
    Playbook,
    burial,
    ended,
    finishing,
    names,
    reaped,
    started,
    started_graph,
    stopping,
    summed_up,
)

TOLD = Accounting(summing=Summing.FAILURES, status_of_tasks=True)
ALWAYS = Accounting(summing=Summing.ALWAYS)


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, b"0 tasks: none"), (1, b"1 task: 1 succeeded"), (3, b"3 tasks: 3 succeeded")],
)
def test_a_summary_of_successes(number: int, text: bytes) -> None:
    """ACC-013."""
    playbook = started(accounting=ALWAYS)
    for _ in range(number):
        playbook >> on.StdinChunk(b"a\n") << do.Send(0, b"a\n")
        playbook >> on.NodeOutput(0, b"\n") << do.ReadMore()
    assert playbook >> on.StdinEnded() << finishing(0) >> reaped(0) << summed_up(text)


@pytest.mark.parametrize("summing", [Summing.NEVER, Summing.FAILURES])
def test_no_summary_of_successes(summing: Summing) -> None:
    """ACC-010."""
    assert (
        started(accounting=Accounting(summing=summing))
        >> on.StdinEnded()
        << finishing(0)
        >> reaped(0)
        << ended()
    )


def test_more_than_ten_failures() -> None:
    """ACC-011, ACC-022: the first ten are named; all of them count."""
    count = 102
    graph = b"".join(b"x%d\n" % number for number in range(count))
    playbook = started_graph(1, graph, accounting=TOLD) << do.Send(0, b"x0\n")
    for number in range(count):
        playbook >> on.NodeOutput(0, b"failure\n\n") << do.Write(b"failure\nx%d\n" % number)
        if number + 1 < count:
            playbook << do.Send(0, b"x%d\n" % (number + 1))
    named = b", ".join(b"%d 'x%d' (status failure)" % (id_, id_ - 1) for id_ in range(1, 11))
    text = b"102 tasks: 102 failed: " + named + b", ..."
    assert playbook << finishing(0) >> reaped(0) << summed_up(text, status=101)


def test_the_loss_of_a_node_ends_the_run() -> None:
    """ACC-014, ACC-023: the summary says what it died of."""
    assert (
        started_graph(1, b"a\nb\n", accounting=TOLD)
        << do.Send(0, b"a\n")
        >> on.NodeEnded(0)
        << do.CloseStdin(0)
        << do.Report(b"Node n0 exited unexpectedly")
        << stopping()
        >> on.NodeReaped(0, status=-9)
        << summed_up(
            b"2 tasks: 1 given up, 1 never ran: 1 'a' (node lost: signal 9), 2 'b' (not started)",
            status=111,
        )
    )


def test_a_task_for_a_lost_node_never_ran() -> None:
    """END-011, ACC-011: it was not dispatched."""
    assert (
        started(accounting=TOLD)
        >> on.NodeEnded(0)
        << do.CloseStdin(0)
        >> on.StdinChunk(b"a\n")
        << do.Report(b"Node n0 exited unexpectedly")
        << stopping()
        >> on.NodeReaped(0, status=1)
        << summed_up(
            b"1 task: 1 never ran: 1 'a' (not started); the input was not read to its end",
            status=111,
        )
    )


def test_tasks_that_were_never_read() -> None:
    """ACC-021, ACC-023: nobody knows how many there are, but they did not all succeed."""
    assert (
        Playbook(Settings(nodes=names(1), accounting=TOLD))
        >> on.RunStarted()
        << do.StartNode(0)
        << do.ReadMore()
        >> on.NodeNotStarted(0, b"cannot run ssh: gone")
        << do.Report(b"paexec-trio: cannot run ssh: gone")
        << stopping()
        << ended(111)
    )


def test_all_nodes_are_dead() -> None:
    """ACC-023, ACC-011: what a dead node worked on was given up, what others hold is so, too."""
    assert (
        started(accounting=TOLD, on_death=Reassign(), prefetch=2)
        >> on.StdinChunk(b"a\nb\nc\n")
        << do.Send(0, b"a\nb\n")
        >> on.NodeEnded(0)
        << do.CloseStdin(0)
        << do.Write(b"fatal\n")
        << burial(0)
        << do.Report(b"all nodes failed")
        << stopping()
        >> on.NodeReaped(0)
        << summed_up(
            b"3 tasks: 2 given up, 1 never ran: 1 'a' (node lost), 2 'b' (not started), "
            b"3 'c' (not started); the input was not read to its end",
            status=111,
        )
    )


def test_a_refused_task_never_ran() -> None:
    """FRM-013, ACC-024: nor did those after it."""
    assert (
        started(accounting=TOLD, terminator=b"\0")
        >> on.StdinChunk(b"a\nb\0c\0")
        << do.Report(
            b"paexec-trio: task 1 contains a newline, which a calculator would take for its end"
        )
        << finishing(0)
        >> reaped(0)
        << summed_up(
            b"2 tasks: 2 never ran: 1 'a\\nb' (not started), 2 'c' (not started); "
            b"the input was not read to its end",
            status=255,
        )
    )


@pytest.mark.parametrize("summing", Summing)
def test_a_run_that_a_signal_ends(summing: Summing) -> None:
    """ACC-012, ACC-013."""
    playbook = started(accounting=Accounting(summing=summing))
    playbook >> on.StdinChunk(b"a\n") << do.Send(0, b"a\n")
    playbook >> on.StopRequested(15) << stopping(0)
    playbook >> reaped(0)
    if summing is Summing.ALWAYS:
        playbook << do.Report(
            b"paexec-trio: 1 task: 1 given up: 1 'a' (not finished); "
            b"the input was not read to its end"
        )
    assert playbook << do.Exit(signal=15)


@pytest.mark.parametrize(("of_tasks", "status"), [(True, 1), (False, 0)])
def test_the_exit_status(of_tasks: bool, status: int) -> None:
    """ACC-020, ACC-022."""
    rules = Accounting(status_of_tasks=of_tasks)
    assert (
        started_graph(1, b"a b\n", accounting=rules)
        << do.Send(0, b"a\n")
        >> on.NodeOutput(0, b"failure\n\n")
        << do.Write(b"failure\na b\n")
        << finishing(0)
        >> reaped(0)
        << ended(status)
    )


def test_an_error_counts_more_than_failures() -> None:
    """ACC-024."""
    assert (
        started_graph(1, b"a\n", accounting=TOLD)
        << do.Send(0, b"a\n")
        >> on.NodeOutput(0, b"failure\n\n")
        << do.Write(b"failure\na\n")
        << finishing(0)
        >> on.OutputFailed(b"no space")
        << do.Report(b"paexec-trio: writing to standard output failed: no space")
        << do.SetDeadline(do.Deadline(do.Purpose.TERMINATE), 0.2)
        >> reaped(0)
        << do.Report(
            b"paexec-trio: 1 task: 1 failed: 1 'a' (status failure); not all results were written"
        )
        << do.Exit(255)
    )
