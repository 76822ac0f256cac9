"""The engine with ``--group`` and ``--keep-order``."""

from __future__ import annotations

import pytest

from paexec_trio.core import commands as do
from paexec_trio.core import events as on
from paexec_trio.core.ending import SIGPIPE
from paexec_trio.core.grouping import Grouping
from paexec_trio.core.settings import (
    GRACES,
    GraphSettings,
    Settings,
)
from tests.core.playbook import (
    Playbook,
    ended,
    finishing,
    leaving,
    names,
    passed,
    reaped,
    started,
    stopping,
)

BOTH = pytest.mark.parametrize("grouping", [Grouping.GROUP, Grouping.KEEP_ORDER])


def grouped(nodes: int = 1, grouping: Grouping = Grouping.KEEP_ORDER, **options: bool) -> Playbook:
    return started(nodes, grouping=grouping, **options)


@BOTH
def test_all_lines_of_a_task_are_held(grouping: Grouping) -> None:
    """GRP-002, GRP-011."""
    playbook = grouped(grouping=grouping, show_task_id=True, print_task=True, print_eot=True)
    assert (
        playbook
        >> on.StdinChunk(b"a\n")
        << do.Hold(1, b"1 a\n")
        << do.Send(0, b"a\n")
        >> on.NodeOutput(0, b"x\ny")
        << do.Hold(1, b"1 x\n")
        >> on.NodeOutput(0, b"y\nz\n\n")
        << do.Hold(1, b"1 yy\n1 z\n1 \n")
        << do.Release(1)
        << do.ReadMore()
    )


def test_groups_do_not_wait_for_each_other() -> None:
    """GRP-012."""
    playbook = grouped(2, Grouping.GROUP)
    assert (
        playbook
        >> on.StdinChunk(b"a\nb\n")
        << do.Send(0, b"a\n")
        << do.Send(1, b"b\n")
        >> on.NodeOutput(1, b"of b\n\n")
        << do.Hold(2, b"of b\n")
        << do.Release(2)
        << do.ReadMore()
        >> on.NodeOutput(0, b"of a\n\n")
        << do.Hold(1, b"of a\n")
        << do.Release(1)
    )


def test_groups_wait_for_earlier_tasks() -> None:
    """GRP-020, GRP-022."""
    playbook = grouped(3)
    assert (
        playbook
        >> on.StdinChunk(b"a\nb\nc\n")
        << do.Send(0, b"a\n")
        << do.Send(1, b"b\n")
        << do.Send(2, b"c\n")
        >> on.NodeOutput(1, b"of b\n\n")
        << do.Hold(2, b"of b\n")
        << do.ReadMore()
        >> on.NodeOutput(2, b"of c\n\n")
        << do.Hold(3, b"of c\n")
        << do.Join(2, 3)
        >> on.NodeOutput(0, b"\n")
        << do.Release(1)
        << do.Release(2)
    )


def graph(nodes: int, text: bytes) -> Playbook:
    settings = Settings(
        nodes=names(nodes), grouping=Grouping.KEEP_ORDER, graph=GraphSettings(), show_task_id=True
    )
    playbook = Playbook(settings) >> on.RunStarted() << do.ReadMore()
    playbook >> on.StdinChunk(text) << do.ReadMore() >> on.StdinEnded() << do.StartNode(0)
    for index in range(nodes):
        playbook >> on.NodeStarted(index, 1000 + index)
        if index + 1 < nodes:
            playbook << do.StartNode(index + 1)
    return playbook


def test_tasks_that_will_not_run_are_not_waited_for() -> None:
    """GRP-023: a and b depend on d, which fails; c is done before."""
    playbook = Playbook(
        Settings(nodes=names(1), grouping=Grouping.KEEP_ORDER, graph=GraphSettings())
    )
    playbook >> on.RunStarted() << do.ReadMore()
    playbook >> on.StdinChunk(b"a\nb\nc\nd b\nb a\ne\n") << do.ReadMore()
    playbook >> on.StdinEnded() << do.StartNode(0)
    playbook >> on.NodeStarted(0, 1) << do.Send(0, b"c\n")
    assert (
        playbook
        >> on.NodeOutput(0, b"success\n\n")
        << do.Hold(3, b"success\n")
        << do.Send(0, b"d\n")
        >> on.NodeOutput(0, b"failure\n\n")
        << do.Hold(4, b"failure\nd b a\n")
        << do.Join(3, 4)
        << do.Release(3)
        << do.Send(0, b"e\n")
        >> on.NodeOutput(0, b"success\n\n")
        << do.Hold(5, b"success\n")
        << do.Release(5)
        << finishing(0)
    )


def test_a_task_without_status_counts_as_done() -> None:
    playbook = graph(1, b"a b\nc\n")
    assert (
        playbook
        << do.Send(0, b"a\n")
        >> on.NodeOutput(0, b"maybe\n\n")
        << do.Hold(1, b"1 maybe\n1 ?\n")
        << do.Report(b"paexec-trio: task 1 'a' ended without a status; dependants dropped: 1")
        << do.Release(1)
        << do.Send(0, b"c\n")
    )


@BOTH
def test_what_a_lost_attempt_wrote_is_forgotten(grouping: Grouping) -> None:
    """GRP-013."""
    playbook = grouped(grouping=grouping, print_task=True)
    assert (
        playbook
        >> on.StdinChunk(b"a\n")
        << do.Hold(1, b"a\n")
        << do.Send(0, b"a\n")
        >> on.NodeOutput(0, b"x\n")
        << do.Hold(1, b"x\n")
        >> on.NodeEnded(0)
        << do.CloseStdin(0)
        << do.Discard(1)
        << do.Report(b"Node n0 exited unexpectedly")
        << stopping()
        >> on.NodeReaped(0)
        << ended(status=1)
    )


def with_a_slow_first_task() -> Playbook:
    """Task 2 is done and waits for task 1."""
    playbook = grouped(2)
    return (
        playbook
        >> on.StdinChunk(b"a\nb\n")
        << do.Send(0, b"a\n")
        << do.Send(1, b"b\n")
        >> on.NodeOutput(0, b"of a\n")
        << do.Hold(1, b"of a\n")
        >> on.NodeOutput(1, b"of b\n\n")
        << do.Hold(2, b"of b\n")
        << do.ReadMore()
    )


def ended_by_signal() -> Playbook:
    return (
        with_a_slow_first_task()
        >> on.StopRequested(2)
        << stopping(0, 1)
        >> on.NodeEnded(0)
        << do.Discard(1)
        >> on.NodeReaped(0)
        >> reaped(1)
        << do.Release(2)
        << do.SetDeadline(do.Deadline(do.Purpose.GIVE_UP), GRACES.drain)
        << do.DrainOutput()
    )


def test_what_is_done_is_printed_after_a_signal() -> None:
    """GRP-024."""
    assert ended_by_signal() >> on.OutputDrained() << do.Exit(signal=2)


def test_after_a_signal_nobody_waits_long_for_a_reader() -> None:
    """GRP-025."""
    assert ended_by_signal() >> passed(do.Purpose.GIVE_UP) << do.Exit(signal=2)


def test_a_second_signal_does_not_wait_at_all() -> None:
    assert ended_by_signal() >> on.StopRequested(15) << do.Exit(signal=15)


def test_after_a_second_signal_before_the_output_a_reader_has_to_be_there() -> None:
    assert (
        with_a_slow_first_task()
        >> on.StopRequested(2)
        << stopping(0, 1)
        >> on.StopRequested(2)
        << do.KillNode(0, force=True)
        << do.KillNode(1, force=True)
        << leaving()
        >> on.NodeEnded(0)
        << do.Discard(1)
        >> on.NodeReaped(0)
        >> reaped(1)
        << do.Release(2)
        << do.SetDeadline(do.Deadline(do.Purpose.GIVE_UP), GRACES.stop)
        << do.DrainOutput()
        >> passed(do.Purpose.GIVE_UP)
        << do.Exit(signal=2)
    )


def test_what_is_done_is_printed_after_the_loss_of_a_node() -> None:
    """GRP-024."""
    assert (
        with_a_slow_first_task()
        >> on.NodeEnded(0)
        << do.CloseStdin(0)
        << do.Discard(1)
        << do.Report(b"Node n0 exited unexpectedly")
        << stopping(1)
        >> on.NodeReaped(0)
        >> reaped(1)
        << do.Release(2)
        << ended(status=1)
    )


def test_a_task_that_ends_while_the_run_is_stopped_is_done() -> None:
    assert (
        with_a_slow_first_task()
        >> on.StopRequested(2)
        << stopping(0, 1)
        >> on.NodeOutput(0, b"\n")
        << do.Release(1)
        << do.Release(2)
    )


def test_after_holding_failed_only_what_is_whole_is_printed() -> None:
    """GRP-035: also if an attempt comes to its EOT later."""
    assert (
        with_a_slow_first_task()
        >> on.HoldingFailed(b"it is full")
        << do.Report(b"paexec-trio: holding lines back failed: it is full")
        << do.Release(2)
        << stopping(0, 1)
        >> on.NodeOutput(0, b"more of a\n\n")
        >> on.HoldingFailed(b"it is full")
        >> reaped(0)
        >> reaped(1)
        << ended(status=1)
    )


def test_nothing_is_released_when_the_reader_is_gone() -> None:
    assert (
        with_a_slow_first_task()
        >> on.OutputClosed()
        << stopping(0, 1)
        >> on.NodeOutput(0, b"\n")
        >> passed(do.Purpose.TERMINATE)
        << do.KillNode(0, force=False)
        << do.KillNode(1, force=False)
        << do.SetDeadline(do.Deadline(do.Purpose.KILL), 2.0)
        >> reaped(0)
        >> reaped(1)
        << do.Exit(signal=SIGPIPE)
    )
