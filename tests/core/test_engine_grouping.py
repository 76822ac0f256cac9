"""The engine with ``--group`` and ``--keep-order``."""

from __future__ import annotations

import pytest

from paexec_trio.core.commands import (
    CloseStdin,
    Deadline,
    Discard,
    DrainOutput,
    Exit,
    Hold,
    Join,
    KillNode,
    Purpose,
    ReadMore,
    Release,
    Report,
    Send,
    SetDeadline,
    StartNode,
)
from paexec_trio.core.ending import SIGPIPE
from paexec_trio.core.events import (
    DeadlinePassed,
    HoldingFailed,
    NodeEnded,
    NodeOutput,
    NodeReaped,
    NodeStarted,
    OutputClosed,
    OutputDrained,
    RunStarted,
    StdinChunk,
    StdinEnded,
    StopRequested,
)
from paexec_trio.core.grouping import Grouping
from paexec_trio.core.settings import (
    GRACES,
    GraphSettings,
    Settings,
)
from tests.core.playbook import Playbook, names, started

BOTH = pytest.mark.parametrize("grouping", [Grouping.GROUP, Grouping.KEEP_ORDER])


def grouped(nodes: int = 1, grouping: Grouping = Grouping.KEEP_ORDER, **options: bool) -> Playbook:
    return started(nodes, grouping=grouping, **options)


@BOTH
def test_all_lines_of_a_task_are_held(grouping: Grouping) -> None:
    """GRP-002, GRP-011."""
    playbook = grouped(grouping=grouping, show_task_id=True, print_task=True, print_eot=True)
    assert (
        playbook
        >> StdinChunk(b"a\n")
        << Hold(1, b"1 a\n")
        << Send(0, b"a\n")
        >> NodeOutput(0, b"x\ny")
        << Hold(1, b"1 x\n")
        >> NodeOutput(0, b"y\nz\n\n")
        << Hold(1, b"1 yy\n1 z\n1 \n")
        << Release(1)
        << ReadMore()
    )


def test_groups_do_not_wait_for_each_other() -> None:
    """GRP-012."""
    playbook = grouped(2, Grouping.GROUP)
    assert (
        playbook
        >> StdinChunk(b"a\nb\n")
        << Send(0, b"a\n")
        << Send(1, b"b\n")
        >> NodeOutput(1, b"of b\n\n")
        << Hold(2, b"of b\n")
        << Release(2)
        << ReadMore()
        >> NodeOutput(0, b"of a\n\n")
        << Hold(1, b"of a\n")
        << Release(1)
    )


def test_groups_wait_for_earlier_tasks() -> None:
    """GRP-020, GRP-022."""
    playbook = grouped(3)
    assert (
        playbook
        >> StdinChunk(b"a\nb\nc\n")
        << Send(0, b"a\n")
        << Send(1, b"b\n")
        << Send(2, b"c\n")
        >> NodeOutput(1, b"of b\n\n")
        << Hold(2, b"of b\n")
        << ReadMore()
        >> NodeOutput(2, b"of c\n\n")
        << Hold(3, b"of c\n")
        << Join(2, 3)
        >> NodeOutput(0, b"\n")
        << Release(1)
        << Release(2)
    )


def graph(nodes: int, text: bytes) -> Playbook:
    settings = Settings(
        nodes=names(nodes), grouping=Grouping.KEEP_ORDER, graph=GraphSettings(), show_task_id=True
    )
    playbook = Playbook(settings) >> RunStarted() << ReadMore()
    playbook >> StdinChunk(text) << ReadMore() >> StdinEnded() << StartNode(0)
    for index in range(nodes):
        playbook >> NodeStarted(index, 1000 + index)
        if index + 1 < nodes:
            playbook << StartNode(index + 1)
    return playbook


def test_tasks_that_will_not_run_are_not_waited_for() -> None:
    """GRP-023: a and b depend on d, which fails; c is done before."""
    playbook = Playbook(
        Settings(nodes=names(1), grouping=Grouping.KEEP_ORDER, graph=GraphSettings())
    )
    playbook >> RunStarted() << ReadMore()
    playbook >> StdinChunk(b"a\nb\nc\nd b\nb a\ne\n") << ReadMore()
    playbook >> StdinEnded() << StartNode(0)
    playbook >> NodeStarted(0, 1) << Send(0, b"c\n")
    assert (
        playbook
        >> NodeOutput(0, b"success\n\n")
        << Hold(3, b"success\n")
        << Send(0, b"d\n")
        >> NodeOutput(0, b"failure\n\n")
        << Hold(4, b"failure\nd b a\n")
        << Join(3, 4)
        << Release(3)
        << Send(0, b"e\n")
        >> NodeOutput(0, b"success\n\n")
        << Hold(5, b"success\n")
        << Release(5)
        << CloseStdin(0)
        << SetDeadline(Deadline(Purpose.NOTICE), GRACES.finish_notice)
    )


def test_a_task_without_status_counts_as_done() -> None:
    playbook = graph(1, b"a b\nc\n")
    assert (
        playbook
        << Send(0, b"a\n")
        >> NodeOutput(0, b"maybe\n\n")
        << Hold(1, b"1 maybe\n1 ?\n")
        << Report(b"paexec-trio: task 1 'a' ended without a status; dependants dropped: 1")
        << Release(1)
        << Send(0, b"c\n")
    )


@BOTH
def test_what_a_lost_attempt_wrote_is_forgotten(grouping: Grouping) -> None:
    """GRP-013."""
    playbook = grouped(grouping=grouping, print_task=True)
    assert (
        playbook
        >> StdinChunk(b"a\n")
        << Hold(1, b"a\n")
        << Send(0, b"a\n")
        >> NodeOutput(0, b"x\n")
        << Hold(1, b"x\n")
        >> NodeEnded(0)
        << CloseStdin(0)
        << Discard(1)
        << Report(b"Node n0 exited unexpectedly")
        << SetDeadline(Deadline(Purpose.TERMINATE), GRACES.stop)
        >> NodeReaped(0)
        << DrainOutput()
        >> OutputDrained()
        << Exit(status=1)
    )


def with_a_slow_first_task() -> Playbook:
    """Task 2 is done and waits for task 1."""
    playbook = grouped(2)
    return (
        playbook
        >> StdinChunk(b"a\nb\n")
        << Send(0, b"a\n")
        << Send(1, b"b\n")
        >> NodeOutput(0, b"of a\n")
        << Hold(1, b"of a\n")
        >> NodeOutput(1, b"of b\n\n")
        << Hold(2, b"of b\n")
        << ReadMore()
    )


def ended_by_signal() -> Playbook:
    return (
        with_a_slow_first_task()
        >> StopRequested(2)
        << CloseStdin(0)
        << CloseStdin(1)
        << SetDeadline(Deadline(Purpose.TERMINATE), GRACES.stop)
        >> NodeEnded(0)
        << Discard(1)
        >> NodeReaped(0)
        >> NodeEnded(1)
        >> NodeReaped(1)
        << Release(2)
        << SetDeadline(Deadline(Purpose.GIVE_UP), GRACES.drain)
        << DrainOutput()
    )


def test_what_is_done_is_printed_after_a_signal() -> None:
    """GRP-024."""
    assert ended_by_signal() >> OutputDrained() << Exit(signal=2)


def test_after_a_signal_nobody_waits_long_for_a_reader() -> None:
    """GRP-025."""
    assert ended_by_signal() >> DeadlinePassed(Deadline(Purpose.GIVE_UP)) << Exit(signal=2)


def test_a_second_signal_does_not_wait_at_all() -> None:
    assert ended_by_signal() >> StopRequested(15) << Exit(signal=15)


def test_after_a_second_signal_before_the_output_a_reader_has_to_be_there() -> None:
    assert (
        with_a_slow_first_task()
        >> StopRequested(2)
        << CloseStdin(0)
        << CloseStdin(1)
        << SetDeadline(Deadline(Purpose.TERMINATE), GRACES.stop)
        >> StopRequested(2)
        << KillNode(0, force=True)
        << KillNode(1, force=True)
        << SetDeadline(Deadline(Purpose.LEAVE), GRACES.kill)
        >> NodeEnded(0)
        << Discard(1)
        >> NodeReaped(0)
        >> NodeEnded(1)
        >> NodeReaped(1)
        << Release(2)
        << SetDeadline(Deadline(Purpose.GIVE_UP), GRACES.stop)
        << DrainOutput()
        >> DeadlinePassed(Deadline(Purpose.GIVE_UP))
        << Exit(signal=2)
    )


def test_what_is_done_is_printed_after_the_loss_of_a_node() -> None:
    """GRP-024."""
    assert (
        with_a_slow_first_task()
        >> NodeEnded(0)
        << CloseStdin(0)
        << Discard(1)
        << Report(b"Node n0 exited unexpectedly")
        << CloseStdin(1)
        << SetDeadline(Deadline(Purpose.TERMINATE), GRACES.stop)
        >> NodeReaped(0)
        >> NodeEnded(1)
        >> NodeReaped(1)
        << Release(2)
        << DrainOutput()
        >> OutputDrained()
        << Exit(status=1)
    )


def test_a_task_that_ends_while_the_run_is_stopped_is_done() -> None:
    assert (
        with_a_slow_first_task()
        >> StopRequested(2)
        << CloseStdin(0)
        << CloseStdin(1)
        << SetDeadline(Deadline(Purpose.TERMINATE), GRACES.stop)
        >> NodeOutput(0, b"\n")
        << Release(1)
        << Release(2)
    )


def test_after_holding_failed_only_what_is_whole_is_printed() -> None:
    """GRP-035: also if an attempt comes to its EOT later."""
    assert (
        with_a_slow_first_task()
        >> HoldingFailed(b"it is full")
        << Report(b"paexec-trio: holding lines back failed: it is full")
        << Release(2)
        << CloseStdin(0)
        << CloseStdin(1)
        << SetDeadline(Deadline(Purpose.TERMINATE), GRACES.stop)
        >> NodeOutput(0, b"more of a\n\n")
        >> HoldingFailed(b"it is full")
        >> NodeEnded(0)
        >> NodeReaped(0)
        >> NodeEnded(1)
        >> NodeReaped(1)
        << DrainOutput()
        >> OutputDrained()
        << Exit(status=1)
    )


def test_nothing_is_released_when_the_reader_is_gone() -> None:
    assert (
        with_a_slow_first_task()
        >> OutputClosed()
        << CloseStdin(0)
        << CloseStdin(1)
        << SetDeadline(Deadline(Purpose.TERMINATE), GRACES.stop)
        >> NodeOutput(0, b"\n")
        >> DeadlinePassed(Deadline(Purpose.TERMINATE))
        << KillNode(0, force=False)
        << KillNode(1, force=False)
        << SetDeadline(Deadline(Purpose.KILL), 2.0)
        >> NodeEnded(0)
        >> NodeReaped(0)
        >> NodeEnded(1)
        >> NodeReaped(1)
        << Exit(signal=SIGPIPE)
    )
