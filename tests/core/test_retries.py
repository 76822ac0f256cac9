"""Retries in the engine: which node a failed task goes to, and when it is failed for good."""

from __future__ import annotations

import pytest

from paexec_trio.core import commands as do
from paexec_trio.core import events as on
from paexec_trio.core.accounting import Accounting, Summing
from paexec_trio.core.settings import Reassign
from tests.core.playbook import (
    burial,
    finishing,
    reaped,
    started,
    started_graph,
    summed_up,
)

TWICE = Accounting(retries=2, summing=Summing.FAILURES, status_of_tasks=True)
THRICE = Accounting(retries=3)


def lost(node: int) -> list[on.Event | do.Command]:
    """Return the loss of a node that worked on a task which is tried again."""
    return [on.NodeEnded(node), do.CloseStdin(node), do.Write(b"fatal\n"), burial(node)]


def test_a_failed_task_goes_to_another_node() -> None:
    """ACC-003, ACC-060, ACC-061: and if it fails there, too, it has failed."""
    assert (
        started_graph(2, b"a b\n", accounting=TWICE)
        << do.Send(0, b"a\n")
        >> on.NodeStarted(1, 12)
        >> on.NodeOutput(0, b"failure\n\n")
        << do.Write(b"failure\nfatal\n")
        << do.Send(1, b"a\n")
        >> on.NodeOutput(1, b"failure\n\n")
        << do.Write(b"failure\na b\n")
        << finishing(0, 1)
        >> reaped(0)
        >> reaped(1)
        << summed_up(
            b"2 tasks: 1 failed, 1 never ran: 1 'a' (status failure), 2 'b' (depends on 1)",
            status=1,
        )
    )


def test_a_retry_waits_for_another_node() -> None:
    """ACC-061: meanwhile the node on which it failed does another task."""
    assert (
        started_graph(2, b"a\nb\nc\n", accounting=TWICE)
        << do.Send(0, b"a\n")
        >> on.NodeStarted(1, 12)
        << do.Send(1, b"b\n")
        >> on.NodeOutput(0, b"failure\n\n")
        << do.Write(b"failure\nfatal\n")
        << do.Send(0, b"c\n")
        >> on.NodeOutput(0, b"success\n\n")
        << do.Write(b"success\n")
        >> on.NodeOutput(1, b"success\n\n")
        << do.Write(b"success\n")
        << do.Send(1, b"a\n")
        >> on.NodeOutput(1, b"success\n\n")
        << do.Write(b"success\n")
        << finishing(0, 1)
    )


def test_a_node_that_is_not_there_is_not_waited_for() -> None:
    """ACC-061, END-007: without ``-z`` a node that ended while it was idle is none that lives."""
    assert (
        started_graph(2, b"a\n", accounting=TWICE)
        << do.Send(0, b"a\n")
        >> on.NodeStarted(1, 12)
        >> on.NodeEnded(1)
        << do.CloseStdin(1)
        >> on.NodeOutput(0, b"failure\n\n")
        << do.Write(b"failure\nfatal\n")
        << do.Send(0, b"a\n")
    )


def test_each_retry_goes_to_a_node_that_has_not_failed() -> None:
    """ACC-061: when all have, to any."""
    playbook = started_graph(3, b"a\n", accounting=Accounting(retries=9))
    playbook << do.Send(0, b"a\n") >> on.NodeStarted(1, 12) << do.StartNode(2)
    playbook >> on.NodeStarted(2, 13)
    for node, other in ((0, 1), (1, 2), (2, 0), (0, 0)):
        playbook >> on.NodeOutput(node, b"failure\n\n") << do.Write(b"failure\nfatal\n")
        playbook << do.Send(other, b"a\n")
    assert playbook


def test_a_lost_node_counts_as_an_attempt() -> None:
    """ACC-004, ACC-060: with ``-z``; in flat mode only a line ``fatal`` is left of the task."""
    assert (
        started(3, on_death=Reassign(), accounting=TWICE)
        >> on.StdinChunk(b"a\n")
        << do.Send(0, b"a\n")
        << do.ReadMore()
        >> lost(0)
        << do.Send(1, b"a\n")
        >> on.NodeEnded(1)
        << do.CloseStdin(1)
        << do.Write(b"fatal\n")
        << burial(1)
        >> on.StdinEnded()
        << finishing(2)
        >> on.NodeReaped(0)
        >> on.NodeReaped(1)
        >> reaped(2)
        << summed_up(b"1 task: 1 failed: 1 'a' (node lost 2 times)", status=1)
    )


def test_the_crash_limit_counts_lost_nodes_only() -> None:
    """ACC-062: with ``--retries`` other failures count there."""
    rules = Accounting(retries=9, crash_limit=2, summing=Summing.FAILURES)
    assert (
        started_graph(3, b"a\n", accounting=rules, on_death=Reassign())
        << do.Send(0, b"a\n")
        >> on.NodeStarted(1, 12)
        << do.StartNode(2)
        >> on.NodeStarted(2, 13)
        >> lost(0)
        << do.Send(1, b"a\n")
        >> on.NodeOutput(1, b"failure\n\n")
        << do.Write(b"failure\nfatal\n")
        << do.Send(2, b"a\n")
        >> on.NodeEnded(2)
        << do.CloseStdin(2)
        << do.Write(b"fatal\na\n")
        << burial(2)
        << finishing(1)
        >> on.NodeReaped(0)
        >> on.NodeReaped(2)
        >> reaped(1)
        << summed_up(b"1 task: 1 failed: 1 'a' (node lost 2 times)", status=0)
    )


def test_the_loss_of_a_node_counts_for_the_task_that_it_worked_on() -> None:
    """ACC-064: its queued tasks were not tried."""
    rules = Accounting(crash_limit=1)
    assert (
        started(2, on_death=Reassign(), prefetch=2, accounting=rules)
        >> on.StdinChunk(b"a\nb\nc\nd\n")
        << do.Send(0, b"a\nb\n")
        << do.Send(1, b"c\nd\n")
        >> on.NodeEnded(0)
        << do.CloseStdin(0)
        << do.Write(b"fatal\n")
        << burial(0)
        >> on.NodeOutput(1, b"of c\n\n")
        << do.Write(b"of c\n")
        << do.Send(1, b"b\n")
    )


@pytest.mark.parametrize("rules", [Accounting(), Accounting(retries=20), Accounting(crash_limit=7)])
def test_a_task_that_kills_five_nodes_is_named(rules: Accounting) -> None:
    """ACC-063: unless an option puts an end to that."""
    playbook = started(7, on_death=Reassign(), accounting=rules)
    playbook >> on.StdinChunk(b"a\n") << do.Send(0, b"a\n") << do.ReadMore()
    for node in range(6):
        playbook >> on.NodeEnded(node) << do.CloseStdin(node)
        if node == 4 and rules == Accounting():
            playbook << do.Report(
                b"paexec-trio: task 1 'a' was running on five nodes that died; --crash-limit N "
                b"would give it up"
            )
        playbook << do.Write(b"fatal\n") << burial(node) << do.Send(node + 1, b"a\n")
    assert playbook


def test_nothing_of_a_failed_attempt_is_left_in_its_group() -> None:
    """ACC-003: with ``--keep-order`` a failed task holds nothing up, either."""
    from paexec_trio.core.grouping import Grouping

    assert (
        started(
            2,
            on_death=Reassign(),
            accounting=Accounting(crash_limit=1),
            grouping=Grouping.KEEP_ORDER,
        )
        >> on.StdinChunk(b"a\nb\n")
        << do.Send(0, b"a\n")
        << do.Send(1, b"b\n")
        >> on.NodeOutput(0, b"begun\n")
        << do.Hold(1, b"begun\n")
        >> on.NodeOutput(1, b"of b\n\n")
        << do.Hold(2, b"of b\n")
        << do.ReadMore()
        >> on.NodeEnded(0)
        << do.CloseStdin(0)
        << do.Discard(1)
        << do.Release(1)
        << do.Release(2)
        << burial(0)
    )
