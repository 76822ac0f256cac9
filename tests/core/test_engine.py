"""The engine, event by event. Random schedules are in ``tests/simulation``."""

from __future__ import annotations

import signal

import pytest

from paexec_trio.core import commands as do
from paexec_trio.core import events as on
from paexec_trio.core.ending import SIGPIPE
from paexec_trio.core.engine import Engine
from paexec_trio.core.settings import Settings
from paexec_trio.core.states import IllegalStepError
from tests.core.playbook import (
    FIRST_PID,
    Playbook,
    ended,
    finishing,
    killing,
    leaving,
    names,
    passed,
    reaped,
    started,
    stopping,
)

SIGINT = int(signal.SIGINT)
SIGTERM = int(signal.SIGTERM)


# Starting


def test_nodes_start_one_after_the_other() -> None:
    """DSP-001, DSP-002: all of them, without waiting for input."""
    assert (
        Playbook(Settings(nodes=names(3)))
        >> on.RunStarted()
        << do.StartNode(0)
        << do.ReadMore()
        >> on.NodeStarted(0, 11)
        << do.StartNode(1)
        >> on.NodeStarted(1, 12)
        << do.StartNode(2)
        >> on.NodeStarted(2, 13)
    )


def test_nodes_that_run_are_served_while_others_start() -> None:
    assert (
        Playbook(Settings(nodes=names(2)))
        >> on.RunStarted()
        << do.StartNode(0)
        << do.ReadMore()
        >> on.StdinChunk(b"a\nb\nc\n")
        >> on.NodeStarted(0, 11)
        << do.StartNode(1)
        << do.Send(0, b"a\n")
        >> on.NodeOutput(0, b"\n")
        << do.Send(0, b"b\n")
        >> on.NodeStarted(1, 12)
        << do.Send(1, b"c\n")
    )


def test_half_a_task_is_read_on_when_a_node_is_idle() -> None:
    """DSP-023: not before, nobody could take it."""
    assert (
        Playbook(Settings(nodes=names(1)))
        >> on.RunStarted()
        << do.StartNode(0)
        << do.ReadMore()
        >> on.StdinChunk(b"a")
        >> on.NodeStarted(0, 11)
        << do.ReadMore()
        >> on.StdinChunk(b"b\n")
        << do.Send(0, b"ab\n")
    )


def test_all_nodes_start_for_an_empty_input() -> None:
    """DSP-002, DSP-003: and each one's input is closed at once."""
    assert (
        Playbook(Settings(nodes=names(2)))
        >> on.RunStarted()
        << do.StartNode(0)
        << do.ReadMore()
        >> on.StdinEnded()
        >> on.NodeStarted(0, 11)
        << do.StartNode(1)
        << do.CloseStdin(0)
        >> on.NodeStarted(1, 12)
        << finishing(1)
    )


def test_a_node_that_cannot_be_started_fails_the_run() -> None:
    """LCH-028."""
    assert (
        Playbook(Settings(nodes=names(3), program=b"paexec"))
        >> on.RunStarted()
        << do.StartNode(0)
        << do.ReadMore()
        >> on.NodeStarted(0, 11)
        << do.StartNode(1)
        >> on.NodeNotStarted(1, b"cannot run ssh: gone")
        << do.Report(b"paexec: cannot run ssh: gone")
        << stopping(0)
        >> reaped(0)
        << ended(status=1)
    )


def test_the_only_node_cannot_be_started() -> None:
    assert (
        Playbook(Settings(nodes=names(1)))
        >> on.RunStarted()
        << do.StartNode(0)
        << do.ReadMore()
        >> on.NodeNotStarted(0, b"no")
        << do.Report(b"paexec-trio: no")
        << stopping()
        << ended(status=1)
    )


# Dispatch


def test_of_several_idle_nodes_the_lowest_is_next() -> None:
    """DSP-014."""
    playbook = started(3) >> on.StdinChunk(b"a\nb\nc\n")
    assert playbook << do.Send(0, b"a\n") << do.Send(1, b"b\n") << do.Send(2, b"c\n")
    assert (
        playbook
        >> on.NodeOutput(2, b"\n")
        << do.ReadMore()
        >> on.NodeOutput(0, b"\n")
        >> on.NodeOutput(1, b"\n")
        >> on.StdinChunk(b"d\ne\n")
        << do.Send(0, b"d\n")
        << do.Send(1, b"e\n")
        << do.ReadMore()
    )


def test_tasks_go_out_in_the_order_of_the_input() -> None:
    """DSP-012."""
    assert (
        started(2)
        >> on.StdinChunk(b"a\nb\nc\nd\n")
        << do.Send(0, b"a\n")
        << do.Send(1, b"b\n")
        >> on.NodeOutput(1, b"\n")
        << do.Send(1, b"c\n")
        >> on.NodeOutput(0, b"\n")
        << do.Send(0, b"d\n")
    )


def test_a_node_holds_one_task_at_a_time() -> None:
    """DSP-010: the next one is sent when the EOT line is whole."""
    assert (
        started(eot=b"end")
        >> on.StdinChunk(b"a\nb\n")
        << do.Send(0, b"a\n")
        >> on.NodeOutput(0, b"1\n")
        << do.Write(b"1\n")
        >> on.NodeOutput(0, b"end")
        >> on.NodeOutput(0, b"\n")
        << do.Send(0, b"b\n")
    )


def test_input_is_read_only_when_a_node_wants_a_task() -> None:
    """DSP-023."""
    assert (
        started()
        >> on.StdinChunk(b"a\nb\nc")
        << do.Send(0, b"a\n")
        >> on.NodeOutput(0, b"\n")
        << do.Send(0, b"b\n")
        >> on.NodeOutput(0, b"\n")
        << do.ReadMore()
        >> on.StdinChunk(b"\n")
        << do.Send(0, b"c\n")
    )


def test_more_is_not_asked_for_twice() -> None:
    playbook = started(2) >> on.StdinChunk(b"a\nb\n") << do.Send(0, b"a\n") << do.Send(1, b"b\n")
    assert playbook >> on.NodeOutput(0, b"\n") << do.ReadMore() >> on.NodeOutput(1, b"\n")


def test_empty_tasks_are_tasks() -> None:
    """FRM-003."""
    assert (
        started(2, show_task_id=True)
        >> on.StdinChunk(b"\n\n")
        << do.Send(0, b"\n")
        << do.Send(1, b"\n")
        >> on.NodeOutput(1, b"r\n\n")
        << do.Write(b"2 r\n")
        << do.ReadMore()
    )


def test_an_unterminated_last_task_is_sent_with_a_newline() -> None:
    """FRM-002, FRM-010."""
    assert (
        started()
        >> on.StdinChunk(b"a")
        << do.ReadMore()
        >> on.StdinEnded()
        << do.Send(0, b"a\n")
        >> on.NodeOutput(0, b"\n")
        << finishing(0)
    )


def test_octets_of_tasks_are_kept() -> None:
    """FRM-011."""
    task = bytes(octet for octet in range(256) if octet != 0x0A)
    assert started() >> on.StdinChunk(task + b"\n") << do.Send(0, task + b"\n")


def test_with_nul_as_terminator_tasks_are_sent_as_lines() -> None:
    """FRM-005, FRM-010."""
    assert (
        started(2, terminator=b"\0")
        >> on.StdinChunk(b"a b\0c\0")
        << do.Send(0, b"a b\n")
        << do.Send(1, b"c\n")
    )


# Results


def test_result_lines_are_printed_when_they_arrive() -> None:
    """RES-004: and a line that is not whole is not."""
    assert (
        started()
        >> on.StdinChunk(b"a\n")
        << do.Send(0, b"a\n")
        >> on.NodeOutput(0, b"one\ntw")
        << do.Write(b"one\n")
        >> on.NodeOutput(0, b"o")
        >> on.NodeOutput(0, b"\nthree\n")
        << do.Write(b"two\nthree\n")
        >> on.NodeOutput(0, b"\n")
        << do.ReadMore()
    )


def test_lines_of_different_nodes_are_not_mixed() -> None:
    """RES-003."""
    assert (
        started(2)
        >> on.StdinChunk(b"a\nb\n")
        << do.Send(0, b"a\n")
        << do.Send(1, b"b\n")
        >> on.NodeOutput(0, b"from")
        >> on.NodeOutput(1, b"to")
        >> on.NodeOutput(0, b" a\n")
        << do.Write(b"from a\n")
        >> on.NodeOutput(1, b" b\n")
        << do.Write(b"to b\n")
    )


def test_a_task_may_have_no_result_line() -> None:
    assert (
        started()
        >> on.StdinChunk(b"a\n")
        << do.Send(0, b"a\n")
        >> on.NodeOutput(0, b"\n")
        << do.ReadMore()
    )


def test_with_another_eot_empty_lines_are_results() -> None:
    """EOT-008."""
    assert (
        started(eot=b"done")
        >> on.StdinChunk(b"a\n")
        << do.Send(0, b"a\n")
        >> on.NodeOutput(0, b"\n\ndone\n")
        << do.Write(b"\n\n")
        << do.ReadMore()
    )


@pytest.mark.parametrize("line", [b"done ", b" done", b"done\r", b"donedone", b"DONE", b"don", b""])
def test_a_line_that_is_almost_the_eot_is_a_result(line: bytes) -> None:
    """EOT-002."""
    assert (
        started(eot=b"done")
        >> on.StdinChunk(b"a\n")
        << do.Send(0, b"a\n")
        >> on.NodeOutput(0, line + b"\n")
        << do.Write(line + b"\n")
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
        >> on.StdinChunk(b"task\n")
        << do.Write(prefix + b"task\n")
        << do.Send(0, b"task\n")
        >> on.NodeOutput(0, b"a\n\nb")
        << do.Write(prefix + b"a\n" + prefix + b"\n")
        >> on.NodeOutput(0, b"c\nd\nend\n")
        << do.Write(prefix + b"bc\n" + prefix + b"d\n" + prefix + b"end\n")
        << do.ReadMore()
    )


def test_the_task_line_comes_at_dispatch() -> None:
    """PFX-009."""
    assert (
        started(print_task=True)
        >> on.StdinChunk(b"a\nb\n")
        << do.Write(b"a\n")
        << do.Send(0, b"a\n")
        >> on.NodeOutput(0, b"\n")
        << do.Write(b"b\n")
        << do.Send(0, b"b\n")
    )


def test_the_empty_eot_is_printed_as_an_empty_line() -> None:
    """EOT-011."""
    assert (
        started(print_eot=True)
        >> on.StdinChunk(b"a\n")
        << do.Send(0, b"a\n")
        >> on.NodeOutput(0, b"r\n\n")
        << do.Write(b"r\n\n")
        << do.ReadMore()
    )


def test_what_comes_from_a_node_that_ended_is_dropped_without_a_word() -> None:
    assert (
        started()
        >> on.StdinEnded()
        << finishing(0)
        >> on.NodeEnded(0)
        >> on.NodeOutput(0, b"late\n")
    )


# The normal end


def test_a_run_from_the_first_event_to_the_last() -> None:
    """END-001 to END-003."""
    assert (
        started(2)
        >> on.StdinChunk(b"a\nb\nc\n")
        << do.Send(0, b"a\n")
        << do.Send(1, b"b\n")
        >> on.NodeOutput(0, b"A\n\n")
        << do.Write(b"A\n")
        << do.Send(0, b"c\n")
        >> on.NodeOutput(1, b"B\n\n")
        << do.Write(b"B\n")
        << do.ReadMore()
        >> on.StdinEnded()
        << do.CloseStdin(1)
        >> reaped(1)
        >> on.NodeOutput(0, b"C\n\n")
        << do.Write(b"C\n")
        << finishing(0)
        >> reaped(0)
        << ended(status=0)
    )


def test_input_of_idle_nodes_is_closed_while_others_work() -> None:
    """DSP-003, DSP-004."""
    assert (
        started(3)
        >> on.StdinChunk(b"a\n")
        << do.Send(0, b"a\n")
        << do.ReadMore()
        >> on.StdinEnded()
        << do.CloseStdin(1)
        << do.CloseStdin(2)
        >> on.NodeOutput(0, b"\n")
        << finishing(0)
    )


def test_a_node_that_ends_idle_is_no_error_if_no_task_comes() -> None:
    """END-007."""
    assert (
        started()
        >> on.NodeEnded(0)
        << do.CloseStdin(0)
        >> on.NodeReaped(0)
        >> on.StdinEnded()
        << finishing()
        << ended(status=0)
    )


def test_calculators_that_do_not_end_are_named_and_waited_for() -> None:
    """END-040; the output of one is held by others, for which nobody waits."""
    advice = b"10 seconds after the end of its input; --finish-timeout SECONDS would end it"
    assert (
        started(4)
        >> on.StdinEnded()
        << finishing(0, 1, 2, 3)
        >> reaped(0)
        >> on.NodeEnded(1)
        >> on.NodeEnded(2, exited=True)
        >> passed(do.Purpose.NOTICE)
        << do.Report(b"paexec-trio: node n1 has not ended " + advice)
        << do.Report(b"paexec-trio: node n2 has ended, but others hold its output; not waited for")
        << do.KillNode(2, force=True)
        << do.Report(b"paexec-trio: node n3 has not ended " + advice)
        >> on.NodeReaped(2)
        >> reaped(3)
        >> on.NodeReaped(1)
        << ended(status=0)
    )


def test_nobody_waits_for_those_who_hold_the_output_of_a_calculator_that_ends_late() -> None:
    """END-043."""
    advice = b"10 seconds after the end of its input; --finish-timeout SECONDS would end it"
    assert (
        started(2)
        >> on.StdinEnded()
        << finishing(0, 1)
        >> passed(do.Purpose.NOTICE)
        << do.Report(b"paexec-trio: node n0 has not ended " + advice)
        << do.Report(b"paexec-trio: node n1 has not ended " + advice)
        >> on.NodeEnded(0, exited=True)
        << finishing()
        >> passed(do.Purpose.NOTICE)
        << do.Report(b"paexec-trio: node n0 has ended, but others hold its output; not waited for")
        << do.KillNode(0, force=True)
        >> on.NodeReaped(0)
        >> reaped(1)
        << ended(status=0)
    )


def test_a_finish_timeout_later_than_the_notice_is_announced() -> None:
    """END-040."""
    ended_by = b"10 seconds after the end of its input; --finish-timeout 20 ends it"
    assert (
        started(finish_timeout=20.0)
        >> on.StdinEnded()
        << finishing(0)
        << do.SetDeadline(do.Deadline(do.Purpose.TERMINATE), 20.0)
        >> passed(do.Purpose.NOTICE)
        << do.Report(b"paexec-trio: node n0 has not ended " + ended_by)
    )


def test_calculators_that_take_longer_than_the_finish_timeout_are_killed() -> None:
    """END-041, END-047; the run fails, and does not wait for what SIGKILL does not end."""
    not_within = b" has not ended within 1.5 seconds (--finish-timeout); killed"
    assert (
        started(5, finish_timeout=1.5)
        >> on.StdinEnded()
        << finishing(0, 1, 2, 3, 4)
        << do.SetDeadline(do.Deadline(do.Purpose.TERMINATE), 1.5)
        >> reaped(0)
        >> on.NodeEnded(1)
        >> on.NodeEnded(3, exited=True)
        >> passed(do.Purpose.TERMINATE)
        << do.Report(b"paexec-trio: node n1" + not_within)
        << do.Report(b"paexec-trio: node n2" + not_within)
        << do.Report(b"paexec-trio: node n3 has ended, but others hold its output; not waited for")
        << do.Report(b"paexec-trio: node n4" + not_within)
        << do.KillNode(1, force=False)
        << do.KillNode(2, force=False)
        << do.KillNode(3, force=False)
        << do.KillNode(4, force=False)
        << killing()
        >> on.NodeReaped(1)
        >> on.NodeReaped(3)
        >> passed(do.Purpose.NOTICE)
        >> passed(do.Purpose.KILL)
        << do.KillNode(2, force=True)
        << do.KillNode(4, force=True)
        << leaving()
        >> reaped(2)
        >> passed(do.Purpose.LEAVE)
        << do.LeaveNode(4)
        >> on.NodeEnded(4)
        >> on.NodeReaped(4, left_running=True)
        << do.Report(b"paexec-trio: node n4: process 1004 does not end; left")
        << ended(status=1)
    )


def test_the_finish_timeout_fails_no_run_whose_calculators_have_ended() -> None:
    """END-041: only others hold the output."""
    assert (
        started(finish_timeout=1.5)
        >> on.StdinEnded()
        << finishing(0)
        << do.SetDeadline(do.Deadline(do.Purpose.TERMINATE), 1.5)
        >> on.NodeEnded(0, exited=True)
        >> passed(do.Purpose.TERMINATE)
        << do.Report(b"paexec-trio: node n0 has ended, but others hold its output; not waited for")
        << do.KillNode(0, force=False)
        << killing()
        >> on.NodeReaped(0)
        << ended(status=0)
    )


# Loss of a node

LOST = do.Report(b"Node n0 exited unexpectedly")


def test_a_node_lost_at_work_fails_the_run_and_ends_the_others() -> None:
    """END-010, END-012."""
    assert (
        started(3)
        >> on.StdinChunk(b"a\nb\nwaits\n")
        << do.Send(0, b"a\n")
        << do.Send(1, b"b\n")
        << do.Send(2, b"waits\n")
        >> on.NodeOutput(2, b"\n")
        << do.ReadMore()
        >> on.NodeEnded(0)
        << do.CloseStdin(0)
        << LOST
        << stopping(1, 2)
        >> on.NodeReaped(0)
        >> passed(do.Purpose.TERMINATE)
        << do.KillNode(1, force=False)
        << do.KillNode(2, force=False)
        << killing()
        >> reaped(2)
        >> reaped(1)
        << ended(status=1)
    )


def test_the_unterminated_line_of_a_lost_node_is_not_printed() -> None:
    """END-013, END-014, EOT-012."""
    assert (
        started(eot=b"end")
        >> on.StdinChunk(b"a\n")
        << do.Send(0, b"a\n")
        >> on.NodeOutput(0, b"whole\nend")
        << do.Write(b"whole\n")
        >> on.NodeEnded(0)
        << do.CloseStdin(0)
        << LOST
        << stopping()
    )


@pytest.mark.parametrize("buried", [False, True])
def test_a_node_lost_while_idle_is_missed_when_its_task_comes(buried: bool) -> None:
    """END-011."""
    playbook = started(2) >> on.NodeEnded(0) << do.CloseStdin(0)
    if buried:
        playbook = playbook >> on.NodeReaped(0)
    assert playbook >> on.StdinChunk(b"a\n") << LOST << stopping(1)


def test_a_lost_node_that_is_not_next_is_not_missed_yet() -> None:
    assert (
        started(2)
        >> on.NodeEnded(1)
        << do.CloseStdin(1)
        >> on.StdinChunk(b"a\n")
        << do.Send(0, b"a\n")
        << do.ReadMore()
    )


def test_no_task_is_sent_after_a_loss() -> None:
    assert (
        started(2)
        >> on.StdinChunk(b"a\nb\nc\n")
        << do.Send(0, b"a\n")
        << do.Send(1, b"b\n")
        >> on.NodeEnded(0)
        << do.CloseStdin(0)
        << LOST
        << stopping(1)
        >> on.NodeOutput(1, b"b done\n\n")
        << do.Write(b"b done\n")
    )


def test_a_second_loss_is_not_reported() -> None:
    assert (
        started(2)
        >> on.StdinChunk(b"a\nb\n")
        << do.Send(0, b"a\n")
        << do.Send(1, b"b\n")
        >> on.NodeEnded(0)
        << do.CloseStdin(0)
        << LOST
        << stopping(1)
        >> on.NodeEnded(1)
    )


def test_the_end_of_a_node_is_taken_in_once() -> None:
    assert (
        started()
        >> on.StdinChunk(b"a\n")
        << do.Send(0, b"a\n")
        >> on.NodeEnded(0)
        << do.CloseStdin(0)
        << LOST
        << stopping()
        >> on.NodeEnded(0)
    )


def test_a_node_that_takes_no_input_while_it_works_fails_the_run() -> None:
    assert (
        started(2)
        >> on.StdinChunk(b"a\n")
        << do.Send(0, b"a\n")
        << do.ReadMore()
        >> on.NodeUnwritable(0, b"Broken pipe")
        << do.CloseStdin(0)
        << do.Report(b"paexec-trio: Sending task to the node failed: Broken pipe")
        << stopping(1)
    )


def test_an_idle_node_that_takes_no_input_is_missed_when_its_task_comes() -> None:
    """END-011."""
    assert (
        started()
        >> on.NodeUnwritable(0, b"Broken pipe")
        << do.CloseStdin(0)
        >> on.StdinChunk(b"a\n")
        << LOST
        << stopping()
    )


def test_an_idle_node_that_takes_no_input_is_no_error_if_no_task_comes() -> None:
    """END-007."""
    assert (
        started()
        >> on.NodeUnwritable(0, b"Broken pipe")
        << do.CloseStdin(0)
        >> on.StdinEnded()
        << finishing()
    )


def test_a_closed_node_need_not_take_input() -> None:
    assert started() >> on.StdinEnded() << finishing(0) >> on.NodeUnwritable(0, b"Broken pipe")


# Input that fails

REFUSED = b"contains a newline, which a calculator would take for its end"


def test_input_that_fails_lets_the_tasks_that_were_sent_be_finished() -> None:
    """END-023."""
    assert (
        started(2)
        >> on.StdinChunk(b"a\nunterminated")
        << do.Send(0, b"a\n")
        << do.ReadMore()
        >> on.StdinFailed(b"Is a directory")
        << do.Report(b"paexec-trio: reading from standard input failed: Is a directory")
        << do.CloseStdin(1)
        >> on.NodeOutput(0, b"r\n\n")
        << do.Write(b"r\n")
        << finishing(0)
        >> reaped(0)
        >> reaped(1)
        << ended(status=1)
    )


def test_input_that_fails_before_a_node_runs() -> None:
    assert (
        Playbook(Settings(nodes=names(1)))
        >> on.RunStarted()
        << do.StartNode(0)
        << do.ReadMore()
        >> on.StdinFailed(b"no")
        << do.Report(b"paexec-trio: reading from standard input failed: no")
        >> on.NodeStarted(0, 1)
        << finishing(0)
    )


def test_a_task_with_a_newline_is_refused_and_no_other_is_sent() -> None:
    """FRM-013."""
    assert (
        started(2, terminator=b"\0")
        >> on.StdinChunk(b"good\0b\nad\0next\0")
        << do.Send(0, b"good\n")
        << do.Report(b"paexec-trio: task 2 " + REFUSED)
        << do.CloseStdin(1)
        >> on.NodeOutput(0, b"r\n\n")
        << do.Write(b"r\n")
        << finishing(0)
        >> reaped(0)
        >> reaped(1)
        << ended(status=1)
    )


def test_input_that_comes_after_a_refused_task_is_dropped() -> None:
    assert (
        started(2, terminator=b"\0")
        >> on.StdinChunk(b"good\0b\nad\0")
        << do.Send(0, b"good\n")
        << do.Report(b"paexec-trio: task 2 " + REFUSED)
        << do.CloseStdin(1)
        >> on.StdinChunk(b"more\0")
        >> on.StdinEnded()
        >> on.NodeOutput(0, b"\n")
        << finishing(0)
    )


def test_without_nul_as_terminator_no_task_can_be_refused() -> None:
    assert started() >> on.StdinChunk(b"a\0b\n") << do.Send(0, b"a\0b\n")


# Requests to stop


def test_a_stop_ends_all_nodes_and_then_the_run_by_that_signal() -> None:
    """END-030: with the time that the calculators get."""
    assert (
        started(2)
        >> on.StdinChunk(b"a\n")
        << do.Send(0, b"a\n")
        << do.ReadMore()
        >> on.StopRequested(SIGTERM)
        << stopping(0, 1)
        >> on.NodeOutput(0, b"partial\n")
        << do.Write(b"partial\n")
        >> reaped(1)
        >> passed(do.Purpose.TERMINATE)
        << do.KillNode(0, force=False)
        << killing()
        >> passed(do.Purpose.KILL)
        << do.KillNode(0, force=True)
        << leaving()
        >> reaped(0)
        << do.Exit(signal=SIGTERM)
    )


def test_a_second_stop_kills_at_once_and_keeps_the_first_signal() -> None:
    assert (
        started(2)
        >> on.StopRequested(SIGINT)
        << stopping(0, 1)
        >> on.StopRequested(SIGTERM)
        << do.KillNode(0, force=True)
        << do.KillNode(1, force=True)
        << leaving()
        >> reaped(0)
        >> reaped(1)
        << do.Exit(signal=SIGINT)
    )


def test_a_signal_after_a_loss_kills_and_tells_how_the_run_ends() -> None:
    """END-030: but a second signal does not replace the first."""
    assert (
        started(2)
        >> on.StdinChunk(b"a\n")
        << do.Send(0, b"a\n")
        << do.ReadMore()
        >> on.NodeEnded(0)
        << do.CloseStdin(0)
        << do.Report(b"Node n0 exited unexpectedly")
        << stopping(1)
        >> on.NodeReaped(0)
        >> on.StopRequested(SIGTERM)
        << do.KillNode(1, force=True)
        << leaving()
        >> on.StopRequested(SIGINT)
        << do.KillNode(1, force=True)
        >> reaped(1)
        << do.Exit(signal=SIGTERM)
    )


def test_a_node_that_cannot_be_killed_is_reported() -> None:
    """END-006: the run ends all the same."""
    assert (
        started(1)
        >> on.StopRequested(SIGTERM)
        << stopping(0)
        >> on.NodeEnded(0)
        >> on.NodeReaped(0, left_running=True)
        << do.Report(b"paexec-trio: node n0: process 1000 does not end; left")
        << do.Exit(signal=SIGTERM)
    )


def test_a_node_that_was_being_started_when_the_stop_came_is_ended_too() -> None:
    assert (
        Playbook(Settings(nodes=names(2)))
        >> on.RunStarted()
        << do.StartNode(0)
        << do.ReadMore()
        >> on.StopRequested(SIGINT)
        << stopping()
        >> on.NodeStarted(0, 11)
        << stopping(0)
        >> reaped(0)
        << do.Exit(signal=SIGINT)
    )


def test_a_node_that_fails_to_start_after_the_stop_is_not_reported() -> None:
    assert (
        Playbook(Settings(nodes=names(2)))
        >> on.RunStarted()
        << do.StartNode(0)
        << do.ReadMore()
        >> on.StopRequested(SIGINT)
        << stopping()
        >> on.NodeNotStarted(0, b"no")
        << do.Exit(signal=SIGINT)
    )


def test_a_stop_while_the_calculators_end_by_themselves() -> None:
    assert (
        started()
        >> on.StdinEnded()
        << finishing(0)
        >> on.StopRequested(SIGINT)
        << stopping()
        >> passed(do.Purpose.TERMINATE)
        << do.KillNode(0, force=False)
        << killing()
        >> reaped(0)
        << do.Exit(signal=SIGINT)
    )


def test_a_stop_while_the_output_is_drained_ends_the_run_at_once() -> None:
    assert draining() >> on.StopRequested(SIGINT) << do.Exit(signal=SIGINT)


def test_input_that_arrives_after_the_stop_is_not_sent() -> None:
    assert (
        started()
        >> on.StopRequested(SIGINT)
        << stopping(0)
        >> on.StdinChunk(b"a\n")
        >> on.StdinEnded()
        >> reaped(0)
        << do.Exit(signal=SIGINT)
    )


def test_input_that_fails_after_the_stop_does_not_matter() -> None:
    """END-030: the first cause tells how the run ends."""
    assert (
        started()
        >> on.StopRequested(SIGINT)
        << stopping(0)
        >> on.StdinFailed(b"Input/output error")
        >> reaped(0)
        << do.Exit(signal=SIGINT)
    )


# Output that fails


def draining() -> Playbook:
    """Return a playbook whose nodes are gone, with output that is still being written."""
    return started() >> on.StdinEnded() << finishing(0) >> reaped(0) << do.DrainOutput()


def test_when_the_reader_goes_away_the_run_ends_as_by_sigpipe() -> None:
    """END-020: without a diagnostic, and nothing more is written."""
    assert signal.SIGPIPE == SIGPIPE
    assert (
        started(2)
        >> on.StdinChunk(b"a\n")
        << do.Send(0, b"a\n")
        << do.ReadMore()
        >> on.OutputClosed()
        << stopping(0, 1)
        >> on.NodeOutput(0, b"r\n")
        >> reaped(0)
        >> reaped(1)
        << do.Exit(signal=SIGPIPE)
    )


def test_output_that_fails_is_reported() -> None:
    """END-022."""
    assert (
        started()
        >> on.StdinChunk(b"a\n")
        << do.Send(0, b"a\n")
        >> on.OutputFailed(b"No space left on device")
        << do.Report(b"paexec-trio: writing to standard output failed: No space left on device")
        << stopping(0)
        >> on.NodeOutput(0, b"r\n")
        >> reaped(0)
        << do.Exit(status=1)
    )


def test_the_reader_goes_away_while_nodes_end_by_themselves() -> None:
    assert (
        started()
        >> on.StdinEnded()
        << finishing(0)
        >> on.OutputClosed()
        << stopping()
        >> reaped(0)
        << do.Exit(signal=SIGPIPE)
    )


def test_the_reader_goes_away_after_a_stop() -> None:
    """The first cause tells how the run ends."""
    assert (
        started()
        >> on.StopRequested(SIGTERM)
        << stopping(0)
        >> on.OutputClosed()
        >> reaped(0)
        << do.Exit(signal=SIGTERM)
    )


def test_the_reader_goes_away_after_a_loss() -> None:
    assert (
        started()
        >> on.StdinChunk(b"a\n")
        << do.Send(0, b"a\n")
        >> on.NodeEnded(0)
        << do.CloseStdin(0)
        << LOST
        << stopping()
        >> on.OutputClosed()
        >> on.NodeReaped(0)
        << do.Exit(status=1)
    )


def test_the_reader_goes_away_while_the_output_is_drained() -> None:
    assert draining() >> on.OutputClosed() << do.Exit(signal=SIGPIPE)


def test_output_fails_while_it_is_drained() -> None:
    assert (
        draining()
        >> on.OutputFailed(b"Input/output error")
        << do.Report(b"paexec-trio: writing to standard output failed: Input/output error")
        << do.Exit(status=1)
    )


# Timers


def test_timers_that_fire_while_the_output_is_drained_kill_nothing() -> None:
    """A slow reader may take longer than the calculators had."""
    assert (
        draining()
        >> passed(do.Purpose.TERMINATE)
        << killing()
        >> passed(do.Purpose.KILL)
        << leaving()
        >> on.OutputDrained()
        << do.Exit(status=0)
    )


def test_nodes_that_ended_but_are_not_gone_are_killed_too() -> None:
    """END-006: a background process may outlive its calculator."""
    assert (
        started()
        >> on.StdinChunk(b"a\n")
        << do.Send(0, b"a\n")
        >> on.NodeEnded(0)
        << do.CloseStdin(0)
        << LOST
        << stopping()
        >> passed(do.Purpose.TERMINATE)
        << do.KillNode(0, force=False)
        << killing()
        >> passed(do.Purpose.KILL)
        << do.KillNode(0, force=True)
        << leaving()
        >> on.NodeReaped(0)
        << ended(status=1)
    )


# Events that cannot happen


@pytest.mark.parametrize(
    "event",
    [
        on.NodeStarted(0, 1),
        on.NodeNotStarted(0, b""),
        on.NodeStarted(1, 1),
        on.NodeReaped(0),
        on.RunStarted(),
    ],
    ids=repr,
)
def test_impossible_events_are_refused(event: on.Event) -> None:
    """None of these is possible for a node that is idle."""
    playbook = started(2)
    assert playbook
    with pytest.raises(IllegalStepError):
        playbook.engine.handle(event)


def test_a_node_cannot_end_before_it_was_started() -> None:
    engine = Engine(Settings(nodes=names(1)))
    with pytest.raises(IllegalStepError):
        engine.handle(on.NodeEnded(0))


def test_a_node_cannot_vanish_twice() -> None:
    playbook = started() >> on.NodeEnded(0) << do.CloseStdin(0) >> on.NodeReaped(0)
    assert playbook
    with pytest.raises(IllegalStepError):
        playbook.engine.handle(on.NodeReaped(0))


def test_what_is_no_event_is_refused() -> None:
    with pytest.raises(KeyError):
        Engine(Settings(nodes=names(1))).handle(do.Exit())  # type: ignore[arg-type]
