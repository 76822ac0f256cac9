"""The engine, event by event. Random schedules are in ``test_engine_schedules``."""

from __future__ import annotations

import signal

import pytest

from paexec_trio.core.commands import (
    CloseStdin,
    Deadline,
    DrainOutput,
    Exit,
    KillNode,
    LeaveNode,
    Purpose,
    ReadMore,
    Report,
    Send,
    SetDeadline,
    StartNode,
    Write,
)
from paexec_trio.core.ending import SIGPIPE
from paexec_trio.core.engine import Engine
from paexec_trio.core.events import (
    DeadlinePassed,
    Event,
    NodeEnded,
    NodeNotStarted,
    NodeOutput,
    NodeReaped,
    NodeStarted,
    NodeUnwritable,
    OutputClosed,
    OutputDrained,
    OutputFailed,
    RunStarted,
    StdinChunk,
    StdinEnded,
    StdinFailed,
    StopRequested,
)
from paexec_trio.core.settings import GRACES, Settings
from paexec_trio.core.states import IllegalStepError
from tests.core.playbook import FIRST_PID, Playbook, names, started

SIGINT = int(signal.SIGINT)
SIGTERM = int(signal.SIGTERM)


# Starting


def test_nodes_start_one_after_the_other() -> None:
    """DSP-001, DSP-002: all of them, without waiting for input."""
    assert (
        Playbook(Settings(nodes=names(3)))
        >> RunStarted()
        << StartNode(0)
        << ReadMore()
        >> NodeStarted(0, 11)
        << StartNode(1)
        >> NodeStarted(1, 12)
        << StartNode(2)
        >> NodeStarted(2, 13)
    )


def test_nodes_that_run_are_served_while_others_start() -> None:
    assert (
        Playbook(Settings(nodes=names(2)))
        >> RunStarted()
        << StartNode(0)
        << ReadMore()
        >> StdinChunk(b"a\nb\nc\n")
        >> NodeStarted(0, 11)
        << StartNode(1)
        << Send(0, b"a\n")
        >> NodeOutput(0, b"\n")
        << Send(0, b"b\n")
        >> NodeStarted(1, 12)
        << Send(1, b"c\n")
    )


def test_half_a_task_is_read_on_when_a_node_is_idle() -> None:
    """DSP-023: not before, nobody could take it."""
    assert (
        Playbook(Settings(nodes=names(1)))
        >> RunStarted()
        << StartNode(0)
        << ReadMore()
        >> StdinChunk(b"a")
        >> NodeStarted(0, 11)
        << ReadMore()
        >> StdinChunk(b"b\n")
        << Send(0, b"ab\n")
    )


def test_all_nodes_start_for_an_empty_input() -> None:
    """DSP-002, DSP-003: and each one's input is closed at once."""
    assert (
        Playbook(Settings(nodes=names(2)))
        >> RunStarted()
        << StartNode(0)
        << ReadMore()
        >> StdinEnded()
        >> NodeStarted(0, 11)
        << StartNode(1)
        << CloseStdin(0)
        >> NodeStarted(1, 12)
        << CloseStdin(1)
        << SetDeadline(Deadline(Purpose.NOTICE), GRACES.finish_notice)
    )


def test_a_node_that_cannot_be_started_fails_the_run() -> None:
    """LCH-028."""
    assert (
        Playbook(Settings(nodes=names(3), program=b"paexec"))
        >> RunStarted()
        << StartNode(0)
        << ReadMore()
        >> NodeStarted(0, 11)
        << StartNode(1)
        >> NodeNotStarted(1, b"cannot run ssh: gone")
        << Report(b"paexec: cannot run ssh: gone")
        << CloseStdin(0)
        << SetDeadline(Deadline(Purpose.TERMINATE), GRACES.stop)
        >> NodeEnded(0)
        >> NodeReaped(0)
        << DrainOutput()
        >> OutputDrained()
        << Exit(status=1)
    )


def test_the_only_node_cannot_be_started() -> None:
    assert (
        Playbook(Settings(nodes=names(1)))
        >> RunStarted()
        << StartNode(0)
        << ReadMore()
        >> NodeNotStarted(0, b"no")
        << Report(b"paexec-trio: no")
        << SetDeadline(Deadline(Purpose.TERMINATE), GRACES.stop)
        << DrainOutput()
        >> OutputDrained()
        << Exit(status=1)
    )


# Dispatch


def test_of_several_idle_nodes_the_lowest_is_next() -> None:
    """DSP-014."""
    playbook = started(3) >> StdinChunk(b"a\nb\nc\n")
    assert playbook << Send(0, b"a\n") << Send(1, b"b\n") << Send(2, b"c\n")
    assert (
        playbook
        >> NodeOutput(2, b"\n")
        << ReadMore()
        >> NodeOutput(0, b"\n")
        >> NodeOutput(1, b"\n")
        >> StdinChunk(b"d\ne\n")
        << Send(0, b"d\n")
        << Send(1, b"e\n")
        << ReadMore()
    )


def test_tasks_go_out_in_the_order_of_the_input() -> None:
    """DSP-012."""
    assert (
        started(2)
        >> StdinChunk(b"a\nb\nc\nd\n")
        << Send(0, b"a\n")
        << Send(1, b"b\n")
        >> NodeOutput(1, b"\n")
        << Send(1, b"c\n")
        >> NodeOutput(0, b"\n")
        << Send(0, b"d\n")
    )


def test_a_node_holds_one_task_at_a_time() -> None:
    """DSP-010: the next one is sent when the EOT line is whole."""
    assert (
        started(eot=b"end")
        >> StdinChunk(b"a\nb\n")
        << Send(0, b"a\n")
        >> NodeOutput(0, b"1\n")
        << Write(b"1\n")
        >> NodeOutput(0, b"end")
        >> NodeOutput(0, b"\n")
        << Send(0, b"b\n")
    )


def test_input_is_read_only_when_a_node_wants_a_task() -> None:
    """DSP-023."""
    assert (
        started()
        >> StdinChunk(b"a\nb\nc")
        << Send(0, b"a\n")
        >> NodeOutput(0, b"\n")
        << Send(0, b"b\n")
        >> NodeOutput(0, b"\n")
        << ReadMore()
        >> StdinChunk(b"\n")
        << Send(0, b"c\n")
    )


def test_more_is_not_asked_for_twice() -> None:
    playbook = started(2) >> StdinChunk(b"a\nb\n") << Send(0, b"a\n") << Send(1, b"b\n")
    assert playbook >> NodeOutput(0, b"\n") << ReadMore() >> NodeOutput(1, b"\n")


def test_empty_tasks_are_tasks() -> None:
    """FRM-003."""
    assert (
        started(2, show_task_id=True)
        >> StdinChunk(b"\n\n")
        << Send(0, b"\n")
        << Send(1, b"\n")
        >> NodeOutput(1, b"r\n\n")
        << Write(b"2 r\n")
        << ReadMore()
    )


def test_an_unterminated_last_task_is_sent_with_a_newline() -> None:
    """FRM-002, FRM-010."""
    assert (
        started()
        >> StdinChunk(b"a")
        << ReadMore()
        >> StdinEnded()
        << Send(0, b"a\n")
        >> NodeOutput(0, b"\n")
        << CloseStdin(0)
        << SetDeadline(Deadline(Purpose.NOTICE), GRACES.finish_notice)
    )


def test_octets_of_tasks_are_kept() -> None:
    """FRM-011."""
    task = bytes(octet for octet in range(256) if octet != 0x0A)
    assert started() >> StdinChunk(task + b"\n") << Send(0, task + b"\n")


def test_with_nul_as_terminator_tasks_are_sent_as_lines() -> None:
    """FRM-005, FRM-010."""
    assert (
        started(2, terminator=b"\0")
        >> StdinChunk(b"a b\0c\0")
        << Send(0, b"a b\n")
        << Send(1, b"c\n")
    )


# Results


def test_result_lines_are_printed_when_they_arrive() -> None:
    """RES-004: and a line that is not whole is not."""
    assert (
        started()
        >> StdinChunk(b"a\n")
        << Send(0, b"a\n")
        >> NodeOutput(0, b"one\ntw")
        << Write(b"one\n")
        >> NodeOutput(0, b"o")
        >> NodeOutput(0, b"\nthree\n")
        << Write(b"two\nthree\n")
        >> NodeOutput(0, b"\n")
        << ReadMore()
    )


def test_lines_of_different_nodes_are_not_mixed() -> None:
    """RES-003."""
    assert (
        started(2)
        >> StdinChunk(b"a\nb\n")
        << Send(0, b"a\n")
        << Send(1, b"b\n")
        >> NodeOutput(0, b"from")
        >> NodeOutput(1, b"to")
        >> NodeOutput(0, b" a\n")
        << Write(b"from a\n")
        >> NodeOutput(1, b" b\n")
        << Write(b"to b\n")
    )


def test_a_task_may_have_no_result_line() -> None:
    assert started() >> StdinChunk(b"a\n") << Send(0, b"a\n") >> NodeOutput(0, b"\n") << ReadMore()


def test_with_another_eot_empty_lines_are_results() -> None:
    """EOT-008."""
    assert (
        started(eot=b"done")
        >> StdinChunk(b"a\n")
        << Send(0, b"a\n")
        >> NodeOutput(0, b"\n\ndone\n")
        << Write(b"\n\n")
        << ReadMore()
    )


@pytest.mark.parametrize("line", [b"done ", b" done", b"done\r", b"donedone", b"DONE", b"don", b""])
def test_a_line_that_is_almost_the_eot_is_a_result(line: bytes) -> None:
    """EOT-002."""
    assert (
        started(eot=b"done")
        >> StdinChunk(b"a\n")
        << Send(0, b"a\n")
        >> NodeOutput(0, line + b"\n")
        << Write(line + b"\n")
    )


@pytest.mark.parametrize(
    ("options", "prefix"),
    [
        ({}, b""),
        ({"show_task_id": True}, b"1 "),
        ({"show_node": True}, b"n0 "),
        ({"show_pid": True}, b"1000 "),
        ({"show_task_id": True, "show_node": True}, b"n0 1 "),
        ({"show_task_id": True, "show_node": True, "show_pid": True}, b"n0 1 1000 "),
    ],
)
def test_prefixes_stand_before_every_line(options: dict[str, bool], prefix: bytes) -> None:
    """PFX-001 to PFX-007: results cut in lines, empty ones, the EOT line and the task line."""
    assert FIRST_PID == 1000
    assert (
        started(eot=b"end", print_eot=True, print_task=True, **options)
        >> StdinChunk(b"task\n")
        << Write(prefix + b"task\n")
        << Send(0, b"task\n")
        >> NodeOutput(0, b"a\n\nb")
        << Write(prefix + b"a\n" + prefix + b"\n")
        >> NodeOutput(0, b"c\nd\nend\n")
        << Write(prefix + b"bc\n" + prefix + b"d\n" + prefix + b"end\n")
        << ReadMore()
    )


def test_the_task_line_comes_at_dispatch() -> None:
    """PFX-009."""
    assert (
        started(print_task=True)
        >> StdinChunk(b"a\nb\n")
        << Write(b"a\n")
        << Send(0, b"a\n")
        >> NodeOutput(0, b"\n")
        << Write(b"b\n")
        << Send(0, b"b\n")
    )


def test_the_empty_eot_is_printed_as_an_empty_line() -> None:
    """EOT-011."""
    assert (
        started(print_eot=True)
        >> StdinChunk(b"a\n")
        << Send(0, b"a\n")
        >> NodeOutput(0, b"r\n\n")
        << Write(b"r\n\n")
        << ReadMore()
    )


def test_what_comes_from_a_node_that_ended_is_dropped_without_a_word() -> None:
    assert (
        started()
        >> StdinEnded()
        << CloseStdin(0)
        << SetDeadline(Deadline(Purpose.NOTICE), GRACES.finish_notice)
        >> NodeEnded(0)
        >> NodeOutput(0, b"late\n")
    )


# The normal end


def test_a_run_from_the_first_event_to_the_last() -> None:
    """END-001 to END-003."""
    assert (
        started(2)
        >> StdinChunk(b"a\nb\nc\n")
        << Send(0, b"a\n")
        << Send(1, b"b\n")
        >> NodeOutput(0, b"A\n\n")
        << Write(b"A\n")
        << Send(0, b"c\n")
        >> NodeOutput(1, b"B\n\n")
        << Write(b"B\n")
        << ReadMore()
        >> StdinEnded()
        << CloseStdin(1)
        >> NodeEnded(1)
        >> NodeReaped(1)
        >> NodeOutput(0, b"C\n\n")
        << Write(b"C\n")
        << CloseStdin(0)
        << SetDeadline(Deadline(Purpose.NOTICE), GRACES.finish_notice)
        >> NodeEnded(0)
        >> NodeReaped(0)
        << DrainOutput()
        >> OutputDrained()
        << Exit(status=0)
    )


def test_input_of_idle_nodes_is_closed_while_others_work() -> None:
    """DSP-003, DSP-004."""
    assert (
        started(3)
        >> StdinChunk(b"a\n")
        << Send(0, b"a\n")
        << ReadMore()
        >> StdinEnded()
        << CloseStdin(1)
        << CloseStdin(2)
        >> NodeOutput(0, b"\n")
        << CloseStdin(0)
        << SetDeadline(Deadline(Purpose.NOTICE), GRACES.finish_notice)
    )


def test_a_node_that_ends_idle_is_no_error_if_no_task_comes() -> None:
    """END-007."""
    assert (
        started()
        >> NodeEnded(0)
        << CloseStdin(0)
        >> NodeReaped(0)
        >> StdinEnded()
        << SetDeadline(Deadline(Purpose.NOTICE), GRACES.finish_notice)
        << DrainOutput()
        >> OutputDrained()
        << Exit(status=0)
    )


def test_calculators_that_do_not_end_are_named_and_waited_for() -> None:
    """END-040; the output of one is held by others, for which nobody waits."""
    advice = b"10 seconds after the end of its input; --finish-timeout SECONDS would end it"
    assert (
        started(4)
        >> StdinEnded()
        << CloseStdin(0)
        << CloseStdin(1)
        << CloseStdin(2)
        << CloseStdin(3)
        << SetDeadline(Deadline(Purpose.NOTICE), GRACES.finish_notice)
        >> NodeEnded(0)
        >> NodeReaped(0)
        >> NodeEnded(1)
        >> NodeEnded(2, exited=True)
        >> DeadlinePassed(Deadline(Purpose.NOTICE))
        << Report(b"paexec-trio: node n1 has not ended " + advice)
        << Report(b"paexec-trio: node n2 has ended, but others hold its output; not waited for")
        << KillNode(2, force=True)
        << Report(b"paexec-trio: node n3 has not ended " + advice)
        >> NodeReaped(2)
        >> NodeEnded(3)
        >> NodeReaped(3)
        >> NodeReaped(1)
        << DrainOutput()
        >> OutputDrained()
        << Exit(status=0)
    )


def test_nobody_waits_for_those_who_hold_the_output_of_a_calculator_that_ends_late() -> None:
    """END-043."""
    advice = b"10 seconds after the end of its input; --finish-timeout SECONDS would end it"
    assert (
        started(2)
        >> StdinEnded()
        << CloseStdin(0)
        << CloseStdin(1)
        << SetDeadline(Deadline(Purpose.NOTICE), GRACES.finish_notice)
        >> DeadlinePassed(Deadline(Purpose.NOTICE))
        << Report(b"paexec-trio: node n0 has not ended " + advice)
        << Report(b"paexec-trio: node n1 has not ended " + advice)
        >> NodeEnded(0, exited=True)
        << SetDeadline(Deadline(Purpose.NOTICE), GRACES.finish_notice)
        >> DeadlinePassed(Deadline(Purpose.NOTICE))
        << Report(b"paexec-trio: node n0 has ended, but others hold its output; not waited for")
        << KillNode(0, force=True)
        >> NodeReaped(0)
        >> NodeEnded(1)
        >> NodeReaped(1)
        << DrainOutput()
        >> OutputDrained()
        << Exit(status=0)
    )


def test_a_finish_timeout_later_than_the_notice_is_announced() -> None:
    """END-040."""
    ended_by = b"10 seconds after the end of its input; --finish-timeout 20 ends it"
    assert (
        started(finish_timeout=20.0)
        >> StdinEnded()
        << CloseStdin(0)
        << SetDeadline(Deadline(Purpose.NOTICE), GRACES.finish_notice)
        << SetDeadline(Deadline(Purpose.TERMINATE), 20.0)
        >> DeadlinePassed(Deadline(Purpose.NOTICE))
        << Report(b"paexec-trio: node n0 has not ended " + ended_by)
    )


def test_calculators_that_take_longer_than_the_finish_timeout_are_killed() -> None:
    """END-041, END-047; the run fails, and does not wait for what SIGKILL does not end."""
    not_within = b" has not ended within 1.5 seconds (--finish-timeout); killed"
    assert (
        started(5, finish_timeout=1.5)
        >> StdinEnded()
        << CloseStdin(0)
        << CloseStdin(1)
        << CloseStdin(2)
        << CloseStdin(3)
        << CloseStdin(4)
        << SetDeadline(Deadline(Purpose.NOTICE), GRACES.finish_notice)
        << SetDeadline(Deadline(Purpose.TERMINATE), 1.5)
        >> NodeEnded(0)
        >> NodeReaped(0)
        >> NodeEnded(1)
        >> NodeEnded(3, exited=True)
        >> DeadlinePassed(Deadline(Purpose.TERMINATE))
        << Report(b"paexec-trio: node n1" + not_within)
        << Report(b"paexec-trio: node n2" + not_within)
        << Report(b"paexec-trio: node n3 has ended, but others hold its output; not waited for")
        << Report(b"paexec-trio: node n4" + not_within)
        << KillNode(1, force=False)
        << KillNode(2, force=False)
        << KillNode(3, force=False)
        << KillNode(4, force=False)
        << SetDeadline(Deadline(Purpose.KILL), GRACES.term)
        >> NodeReaped(1)
        >> NodeReaped(3)
        >> DeadlinePassed(Deadline(Purpose.NOTICE))
        >> DeadlinePassed(Deadline(Purpose.KILL))
        << KillNode(2, force=True)
        << KillNode(4, force=True)
        << SetDeadline(Deadline(Purpose.LEAVE), GRACES.kill)
        >> NodeEnded(2)
        >> NodeReaped(2)
        >> DeadlinePassed(Deadline(Purpose.LEAVE))
        << LeaveNode(4)
        >> NodeEnded(4)
        >> NodeReaped(4, left_running=True)
        << Report(b"paexec-trio: node n4: process 1004 does not end; left")
        << DrainOutput()
        >> OutputDrained()
        << Exit(status=1)
    )


def test_the_finish_timeout_fails_no_run_whose_calculators_have_ended() -> None:
    """END-041: only others hold the output."""
    assert (
        started(finish_timeout=1.5)
        >> StdinEnded()
        << CloseStdin(0)
        << SetDeadline(Deadline(Purpose.NOTICE), GRACES.finish_notice)
        << SetDeadline(Deadline(Purpose.TERMINATE), 1.5)
        >> NodeEnded(0, exited=True)
        >> DeadlinePassed(Deadline(Purpose.TERMINATE))
        << Report(b"paexec-trio: node n0 has ended, but others hold its output; not waited for")
        << KillNode(0, force=False)
        << SetDeadline(Deadline(Purpose.KILL), GRACES.term)
        >> NodeReaped(0)
        << DrainOutput()
        >> OutputDrained()
        << Exit(status=0)
    )


# Loss of a node

LOST = Report(b"Node n0 exited unexpectedly")


def test_a_node_lost_at_work_fails_the_run_and_ends_the_others() -> None:
    """END-010, END-012."""
    assert (
        started(3)
        >> StdinChunk(b"a\nb\nwaits\n")
        << Send(0, b"a\n")
        << Send(1, b"b\n")
        << Send(2, b"waits\n")
        >> NodeOutput(2, b"\n")
        << ReadMore()
        >> NodeEnded(0)
        << CloseStdin(0)
        << LOST
        << CloseStdin(1)
        << CloseStdin(2)
        << SetDeadline(Deadline(Purpose.TERMINATE), GRACES.stop)
        >> NodeReaped(0)
        >> DeadlinePassed(Deadline(Purpose.TERMINATE))
        << KillNode(1, force=False)
        << KillNode(2, force=False)
        << SetDeadline(Deadline(Purpose.KILL), GRACES.term)
        >> NodeEnded(2)
        >> NodeReaped(2)
        >> NodeEnded(1)
        >> NodeReaped(1)
        << DrainOutput()
        >> OutputDrained()
        << Exit(status=1)
    )


def test_the_unterminated_line_of_a_lost_node_is_not_printed() -> None:
    """END-013, END-014, EOT-012."""
    assert (
        started(eot=b"end")
        >> StdinChunk(b"a\n")
        << Send(0, b"a\n")
        >> NodeOutput(0, b"whole\nend")
        << Write(b"whole\n")
        >> NodeEnded(0)
        << CloseStdin(0)
        << LOST
        << SetDeadline(Deadline(Purpose.TERMINATE), GRACES.stop)
    )


@pytest.mark.parametrize("buried", [False, True])
def test_a_node_lost_while_idle_is_missed_when_its_task_comes(buried: bool) -> None:
    """END-011."""
    playbook = started(2) >> NodeEnded(0) << CloseStdin(0)
    if buried:
        playbook = playbook >> NodeReaped(0)
    assert (
        playbook
        >> StdinChunk(b"a\n")
        << LOST
        << CloseStdin(1)
        << SetDeadline(Deadline(Purpose.TERMINATE), GRACES.stop)
    )


def test_a_lost_node_that_is_not_next_is_not_missed_yet() -> None:
    assert (
        started(2)
        >> NodeEnded(1)
        << CloseStdin(1)
        >> StdinChunk(b"a\n")
        << Send(0, b"a\n")
        << ReadMore()
    )


def test_no_task_is_sent_after_a_loss() -> None:
    assert (
        started(2)
        >> StdinChunk(b"a\nb\nc\n")
        << Send(0, b"a\n")
        << Send(1, b"b\n")
        >> NodeEnded(0)
        << CloseStdin(0)
        << LOST
        << CloseStdin(1)
        << SetDeadline(Deadline(Purpose.TERMINATE), GRACES.stop)
        >> NodeOutput(1, b"b done\n\n")
        << Write(b"b done\n")
    )


def test_a_second_loss_is_not_reported() -> None:
    assert (
        started(2)
        >> StdinChunk(b"a\nb\n")
        << Send(0, b"a\n")
        << Send(1, b"b\n")
        >> NodeEnded(0)
        << CloseStdin(0)
        << LOST
        << CloseStdin(1)
        << SetDeadline(Deadline(Purpose.TERMINATE), GRACES.stop)
        >> NodeEnded(1)
    )


def test_the_end_of_a_node_is_taken_in_once() -> None:
    assert (
        started()
        >> StdinChunk(b"a\n")
        << Send(0, b"a\n")
        >> NodeEnded(0)
        << CloseStdin(0)
        << LOST
        << SetDeadline(Deadline(Purpose.TERMINATE), GRACES.stop)
        >> NodeEnded(0)
    )


def test_a_node_that_takes_no_input_while_it_works_fails_the_run() -> None:
    assert (
        started(2)
        >> StdinChunk(b"a\n")
        << Send(0, b"a\n")
        << ReadMore()
        >> NodeUnwritable(0, b"Broken pipe")
        << CloseStdin(0)
        << Report(b"paexec-trio: Sending task to the node failed: Broken pipe")
        << CloseStdin(1)
        << SetDeadline(Deadline(Purpose.TERMINATE), GRACES.stop)
    )


def test_an_idle_node_that_takes_no_input_is_missed_when_its_task_comes() -> None:
    """END-011."""
    assert (
        started()
        >> NodeUnwritable(0, b"Broken pipe")
        << CloseStdin(0)
        >> StdinChunk(b"a\n")
        << LOST
        << SetDeadline(Deadline(Purpose.TERMINATE), GRACES.stop)
    )


def test_an_idle_node_that_takes_no_input_is_no_error_if_no_task_comes() -> None:
    """END-007."""
    assert (
        started()
        >> NodeUnwritable(0, b"Broken pipe")
        << CloseStdin(0)
        >> StdinEnded()
        << SetDeadline(Deadline(Purpose.NOTICE), GRACES.finish_notice)
    )


def test_a_closed_node_need_not_take_input() -> None:
    assert (
        started()
        >> StdinEnded()
        << CloseStdin(0)
        << SetDeadline(Deadline(Purpose.NOTICE), GRACES.finish_notice)
        >> NodeUnwritable(0, b"Broken pipe")
    )


# Input that fails

REFUSED = b"contains a newline, which a calculator would take for its end"


def test_input_that_fails_lets_the_tasks_that_were_sent_be_finished() -> None:
    """END-023."""
    assert (
        started(2)
        >> StdinChunk(b"a\nunterminated")
        << Send(0, b"a\n")
        << ReadMore()
        >> StdinFailed(b"Is a directory")
        << Report(b"paexec-trio: reading from standard input failed: Is a directory")
        << CloseStdin(1)
        >> NodeOutput(0, b"r\n\n")
        << Write(b"r\n")
        << CloseStdin(0)
        << SetDeadline(Deadline(Purpose.NOTICE), GRACES.finish_notice)
        >> NodeEnded(0)
        >> NodeReaped(0)
        >> NodeEnded(1)
        >> NodeReaped(1)
        << DrainOutput()
        >> OutputDrained()
        << Exit(status=1)
    )


def test_input_that_fails_before_a_node_runs() -> None:
    assert (
        Playbook(Settings(nodes=names(1)))
        >> RunStarted()
        << StartNode(0)
        << ReadMore()
        >> StdinFailed(b"no")
        << Report(b"paexec-trio: reading from standard input failed: no")
        >> NodeStarted(0, 1)
        << CloseStdin(0)
        << SetDeadline(Deadline(Purpose.NOTICE), GRACES.finish_notice)
    )


def test_a_task_with_a_newline_is_refused_and_no_other_is_sent() -> None:
    """FRM-013."""
    assert (
        started(2, terminator=b"\0")
        >> StdinChunk(b"good\0b\nad\0next\0")
        << Send(0, b"good\n")
        << Report(b"paexec-trio: task 2 " + REFUSED)
        << CloseStdin(1)
        >> NodeOutput(0, b"r\n\n")
        << Write(b"r\n")
        << CloseStdin(0)
        << SetDeadline(Deadline(Purpose.NOTICE), GRACES.finish_notice)
        >> NodeEnded(0)
        >> NodeReaped(0)
        >> NodeEnded(1)
        >> NodeReaped(1)
        << DrainOutput()
        >> OutputDrained()
        << Exit(status=1)
    )


def test_input_that_comes_after_a_refused_task_is_dropped() -> None:
    assert (
        started(2, terminator=b"\0")
        >> StdinChunk(b"good\0b\nad\0")
        << Send(0, b"good\n")
        << Report(b"paexec-trio: task 2 " + REFUSED)
        << CloseStdin(1)
        >> StdinChunk(b"more\0")
        >> StdinEnded()
        >> NodeOutput(0, b"\n")
        << CloseStdin(0)
        << SetDeadline(Deadline(Purpose.NOTICE), GRACES.finish_notice)
    )


def test_without_nul_as_terminator_no_task_can_be_refused() -> None:
    assert started() >> StdinChunk(b"a\0b\n") << Send(0, b"a\0b\n")


# Requests to stop


def test_a_stop_ends_all_nodes_and_then_the_run_by_that_signal() -> None:
    """END-030: with the time that the calculators get."""
    assert (
        started(2)
        >> StdinChunk(b"a\n")
        << Send(0, b"a\n")
        << ReadMore()
        >> StopRequested(SIGTERM)
        << CloseStdin(0)
        << CloseStdin(1)
        << SetDeadline(Deadline(Purpose.TERMINATE), GRACES.stop)
        >> NodeOutput(0, b"partial\n")
        << Write(b"partial\n")
        >> NodeEnded(1)
        >> NodeReaped(1)
        >> DeadlinePassed(Deadline(Purpose.TERMINATE))
        << KillNode(0, force=False)
        << SetDeadline(Deadline(Purpose.KILL), GRACES.term)
        >> DeadlinePassed(Deadline(Purpose.KILL))
        << KillNode(0, force=True)
        << SetDeadline(Deadline(Purpose.LEAVE), GRACES.kill)
        >> NodeEnded(0)
        >> NodeReaped(0)
        << Exit(signal=SIGTERM)
    )


def test_a_second_stop_kills_at_once_and_keeps_the_first_signal() -> None:
    assert (
        started(2)
        >> StopRequested(SIGINT)
        << CloseStdin(0)
        << CloseStdin(1)
        << SetDeadline(Deadline(Purpose.TERMINATE), GRACES.stop)
        >> StopRequested(SIGTERM)
        << KillNode(0, force=True)
        << KillNode(1, force=True)
        << SetDeadline(Deadline(Purpose.LEAVE), GRACES.kill)
        >> NodeEnded(0)
        >> NodeReaped(0)
        >> NodeEnded(1)
        >> NodeReaped(1)
        << Exit(signal=SIGINT)
    )


def test_a_signal_after_a_loss_kills_and_tells_how_the_run_ends() -> None:
    """END-030: but a second signal does not replace the first."""
    assert (
        started(2)
        >> StdinChunk(b"a\n")
        << Send(0, b"a\n")
        << ReadMore()
        >> NodeEnded(0)
        << CloseStdin(0)
        << Report(b"Node n0 exited unexpectedly")
        << CloseStdin(1)
        << SetDeadline(Deadline(Purpose.TERMINATE), GRACES.stop)
        >> NodeReaped(0)
        >> StopRequested(SIGTERM)
        << KillNode(1, force=True)
        << SetDeadline(Deadline(Purpose.LEAVE), GRACES.kill)
        >> StopRequested(SIGINT)
        << KillNode(1, force=True)
        >> NodeEnded(1)
        >> NodeReaped(1)
        << Exit(signal=SIGTERM)
    )


def test_a_node_that_cannot_be_killed_is_reported() -> None:
    """END-006: the run ends all the same."""
    assert (
        started(1)
        >> StopRequested(SIGTERM)
        << CloseStdin(0)
        << SetDeadline(Deadline(Purpose.TERMINATE), GRACES.stop)
        >> NodeEnded(0)
        >> NodeReaped(0, left_running=True)
        << Report(b"paexec-trio: node n0: process 1000 does not end; left")
        << Exit(signal=SIGTERM)
    )


def test_a_node_that_was_being_started_when_the_stop_came_is_ended_too() -> None:
    assert (
        Playbook(Settings(nodes=names(2)))
        >> RunStarted()
        << StartNode(0)
        << ReadMore()
        >> StopRequested(SIGINT)
        << SetDeadline(Deadline(Purpose.TERMINATE), GRACES.stop)
        >> NodeStarted(0, 11)
        << CloseStdin(0)
        << SetDeadline(Deadline(Purpose.TERMINATE), GRACES.stop)
        >> NodeEnded(0)
        >> NodeReaped(0)
        << Exit(signal=SIGINT)
    )


def test_a_node_that_fails_to_start_after_the_stop_is_not_reported() -> None:
    assert (
        Playbook(Settings(nodes=names(2)))
        >> RunStarted()
        << StartNode(0)
        << ReadMore()
        >> StopRequested(SIGINT)
        << SetDeadline(Deadline(Purpose.TERMINATE), GRACES.stop)
        >> NodeNotStarted(0, b"no")
        << Exit(signal=SIGINT)
    )


def test_a_stop_while_the_calculators_end_by_themselves() -> None:
    assert (
        started()
        >> StdinEnded()
        << CloseStdin(0)
        << SetDeadline(Deadline(Purpose.NOTICE), GRACES.finish_notice)
        >> StopRequested(SIGINT)
        << SetDeadline(Deadline(Purpose.TERMINATE), GRACES.stop)
        >> DeadlinePassed(Deadline(Purpose.TERMINATE))
        << KillNode(0, force=False)
        << SetDeadline(Deadline(Purpose.KILL), GRACES.term)
        >> NodeEnded(0)
        >> NodeReaped(0)
        << Exit(signal=SIGINT)
    )


def test_a_stop_while_the_output_is_drained_ends_the_run_at_once() -> None:
    assert draining() >> StopRequested(SIGINT) << Exit(signal=SIGINT)


def test_input_that_arrives_after_the_stop_is_not_sent() -> None:
    assert (
        started()
        >> StopRequested(SIGINT)
        << CloseStdin(0)
        << SetDeadline(Deadline(Purpose.TERMINATE), GRACES.stop)
        >> StdinChunk(b"a\n")
        >> StdinEnded()
        >> NodeEnded(0)
        >> NodeReaped(0)
        << Exit(signal=SIGINT)
    )


def test_input_that_fails_after_the_stop_does_not_matter() -> None:
    """END-030: the first cause tells how the run ends."""
    assert (
        started()
        >> StopRequested(SIGINT)
        << CloseStdin(0)
        << SetDeadline(Deadline(Purpose.TERMINATE), GRACES.stop)
        >> StdinFailed(b"Input/output error")
        >> NodeEnded(0)
        >> NodeReaped(0)
        << Exit(signal=SIGINT)
    )


# Output that fails


def draining() -> Playbook:
    """Return a playbook whose nodes are gone, with output that is still being written."""
    return (
        started()
        >> StdinEnded()
        << CloseStdin(0)
        << SetDeadline(Deadline(Purpose.NOTICE), GRACES.finish_notice)
        >> NodeEnded(0)
        >> NodeReaped(0)
        << DrainOutput()
    )


def test_when_the_reader_goes_away_the_run_ends_as_by_sigpipe() -> None:
    """END-020: without a diagnostic, and nothing more is written."""
    assert signal.SIGPIPE == SIGPIPE
    assert (
        started(2)
        >> StdinChunk(b"a\n")
        << Send(0, b"a\n")
        << ReadMore()
        >> OutputClosed()
        << CloseStdin(0)
        << CloseStdin(1)
        << SetDeadline(Deadline(Purpose.TERMINATE), GRACES.stop)
        >> NodeOutput(0, b"r\n")
        >> NodeEnded(0)
        >> NodeReaped(0)
        >> NodeEnded(1)
        >> NodeReaped(1)
        << Exit(signal=SIGPIPE)
    )


def test_output_that_fails_is_reported() -> None:
    """END-022."""
    assert (
        started()
        >> StdinChunk(b"a\n")
        << Send(0, b"a\n")
        >> OutputFailed(b"No space left on device")
        << Report(b"paexec-trio: writing to standard output failed: No space left on device")
        << CloseStdin(0)
        << SetDeadline(Deadline(Purpose.TERMINATE), GRACES.stop)
        >> NodeOutput(0, b"r\n")
        >> NodeEnded(0)
        >> NodeReaped(0)
        << Exit(status=1)
    )


def test_the_reader_goes_away_while_nodes_end_by_themselves() -> None:
    assert (
        started()
        >> StdinEnded()
        << CloseStdin(0)
        << SetDeadline(Deadline(Purpose.NOTICE), GRACES.finish_notice)
        >> OutputClosed()
        << SetDeadline(Deadline(Purpose.TERMINATE), GRACES.stop)
        >> NodeEnded(0)
        >> NodeReaped(0)
        << Exit(signal=SIGPIPE)
    )


def test_the_reader_goes_away_after_a_stop() -> None:
    """The first cause tells how the run ends."""
    assert (
        started()
        >> StopRequested(SIGTERM)
        << CloseStdin(0)
        << SetDeadline(Deadline(Purpose.TERMINATE), GRACES.stop)
        >> OutputClosed()
        >> NodeEnded(0)
        >> NodeReaped(0)
        << Exit(signal=SIGTERM)
    )


def test_the_reader_goes_away_after_a_loss() -> None:
    assert (
        started()
        >> StdinChunk(b"a\n")
        << Send(0, b"a\n")
        >> NodeEnded(0)
        << CloseStdin(0)
        << LOST
        << SetDeadline(Deadline(Purpose.TERMINATE), GRACES.stop)
        >> OutputClosed()
        >> NodeReaped(0)
        << Exit(status=1)
    )


def test_the_reader_goes_away_while_the_output_is_drained() -> None:
    assert draining() >> OutputClosed() << Exit(signal=SIGPIPE)


def test_output_fails_while_it_is_drained() -> None:
    assert (
        draining()
        >> OutputFailed(b"Input/output error")
        << Report(b"paexec-trio: writing to standard output failed: Input/output error")
        << Exit(status=1)
    )


# Timers


def test_timers_that_fire_while_the_output_is_drained_kill_nothing() -> None:
    """A slow reader may take longer than the calculators had."""
    assert (
        draining()
        >> DeadlinePassed(Deadline(Purpose.TERMINATE))
        << SetDeadline(Deadline(Purpose.KILL), GRACES.term)
        >> DeadlinePassed(Deadline(Purpose.KILL))
        << SetDeadline(Deadline(Purpose.LEAVE), GRACES.kill)
        >> OutputDrained()
        << Exit(status=0)
    )


def test_nodes_that_ended_but_are_not_gone_are_killed_too() -> None:
    """END-006: a background process may outlive its calculator."""
    assert (
        started()
        >> StdinChunk(b"a\n")
        << Send(0, b"a\n")
        >> NodeEnded(0)
        << CloseStdin(0)
        << LOST
        << SetDeadline(Deadline(Purpose.TERMINATE), GRACES.stop)
        >> DeadlinePassed(Deadline(Purpose.TERMINATE))
        << KillNode(0, force=False)
        << SetDeadline(Deadline(Purpose.KILL), GRACES.term)
        >> DeadlinePassed(Deadline(Purpose.KILL))
        << KillNode(0, force=True)
        << SetDeadline(Deadline(Purpose.LEAVE), GRACES.kill)
        >> NodeReaped(0)
        << DrainOutput()
        >> OutputDrained()
        << Exit(status=1)
    )


# Events that cannot happen


@pytest.mark.parametrize(
    "event",
    [
        NodeStarted(0, 1),
        NodeNotStarted(0, b""),
        NodeStarted(1, 1),
        NodeReaped(0),
        RunStarted(),
    ],
    ids=repr,
)
def test_impossible_events_are_refused(event: Event) -> None:
    """None of these is possible for a node that is idle."""
    playbook = started(2)
    assert playbook
    with pytest.raises(IllegalStepError):
        playbook.engine.handle(event)


def test_a_node_cannot_end_before_it_was_started() -> None:
    engine = Engine(Settings(nodes=names(1)))
    with pytest.raises(IllegalStepError):
        engine.handle(NodeEnded(0))


def test_a_node_cannot_vanish_twice() -> None:
    playbook = started() >> NodeEnded(0) << CloseStdin(0) >> NodeReaped(0)
    assert playbook
    with pytest.raises(IllegalStepError):
        playbook.engine.handle(NodeReaped(0))


def test_what_is_no_event_is_refused() -> None:
    with pytest.raises(KeyError):
        Engine(Settings(nodes=names(1))).handle(Exit())  # type: ignore[arg-type]
