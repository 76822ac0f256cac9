"""The engine when nodes die, event by event. Random schedules are in ``test_death_schedules``."""

from __future__ import annotations

import signal

import pytest

from paexec_trio.core.commands import (
    CloseStdin,
    Deadline,
    Discard,
    DrainOutput,
    Exit,
    Hold,
    KillNode,
    LeaveNode,
    Purpose,
    ReadMore,
    Release,
    Report,
    Send,
    SetDeadline,
    StartNode,
    Write,
)
from paexec_trio.core.engine import Engine
from paexec_trio.core.events import (
    DeadlinePassed,
    NodeEnded,
    NodeNotStarted,
    NodeOutput,
    NodeReaped,
    NodeStarted,
    NodeUnwritable,
    OutputDrained,
    RunStarted,
    StdinChunk,
    StdinEnded,
    StdinFailed,
    StopRequested,
)
from paexec_trio.core.grouping import Grouping
from paexec_trio.core.settings import (
    GRACES,
    GraphSettings,
    Reassign,
    Settings,
)
from tests.core.playbook import FIRST_PID, Playbook, burial, names, started

Z = Reassign()
Z5 = Reassign(restart_after=5)
Z5_WAIT = Reassign(restart_after=5, wait=True)

RESTART = SetDeadline(Deadline(Purpose.RESTART), 5)


def resistant(nodes: int, on_death: Reassign = Z, **options: bytes | bool | Grouping) -> Playbook:
    """Return a playbook whose nodes run already, with a ``ReadMore`` outstanding."""
    return started(nodes, on_death=on_death, **options)


# Reassignment


def test_the_task_of_a_dead_node_goes_to_an_idle_one() -> None:
    """DTH-010, DTH-020: although the input has ended, the idle node is there for it (DSP-004)."""
    assert (
        resistant(2)
        >> StdinChunk(b"a\n")
        << Send(0, b"a\n")
        << ReadMore()
        >> StdinEnded()
        >> NodeOutput(0, b"begun\nhalf")
        << Write(b"begun\n")
        >> NodeEnded(0)
        << CloseStdin(0)
        << Write(b"fatal\n")
        << burial(0)
        << Send(1, b"a\n")
        >> NodeReaped(0)
        >> NodeOutput(1, b"result\n\n")
        << Write(b"result\n")
        << CloseStdin(1)
        << SetDeadline(Deadline(Purpose.NOTICE), GRACES.finish_notice)
        >> NodeEnded(1)
        >> NodeReaped(1)
        << DrainOutput()
        >> OutputDrained()
        << Exit(status=0)
    )


def test_a_node_that_cannot_be_written_to_is_dead() -> None:
    """DTH-001; that its output ends later is no news, what it still writes is no result."""
    assert (
        resistant(2)
        >> StdinChunk(b"a\n")
        << Send(0, b"a\n")
        << ReadMore()
        >> NodeUnwritable(0, b"Broken pipe")
        << CloseStdin(0)
        << Write(b"fatal\n")
        << burial(0)
        << Send(1, b"a\n")
        >> NodeOutput(0, b"late\n\n")
        >> NodeEnded(0)
        >> NodeReaped(0)
    )


def test_every_line_of_a_failed_attempt_has_its_prefixes() -> None:
    """DTH-022, DTH-023, DTH-025."""
    script = resistant(
        2, show_node=True, show_task_id=True, show_pid=True, print_eot=True, print_task=True
    )
    first, second = b"n0 1 %d " % FIRST_PID, b"n1 1 %d " % (FIRST_PID + 1)
    assert (
        script
        >> StdinChunk(b"a\n")
        << Write(first + b"a\n")
        << Send(0, b"a\n")
        << ReadMore()
        >> NodeEnded(0)
        << CloseStdin(0)
        << Write(first + b"fatal\n" + first + b"\n")
        << burial(0)
        << Write(second + b"a\n")
        << Send(1, b"a\n")
        >> NodeOutput(1, b"x\n\n")
        << Write(second + b"x\n" + second + b"\n")
    )


@pytest.mark.parametrize(("fatal", "printed"), [(b"gone", b"gone\nE\n"), (b"", b"E\n")])
def test_the_word_for_fatal(fatal: bytes, printed: bytes) -> None:
    """DTH-021, DTH-022."""
    assert (
        resistant(2, Reassign(fatal=fatal), print_eot=True, eot=b"E")
        >> StdinChunk(b"a\n")
        << Send(0, b"a\n")
        << ReadMore()
        >> NodeEnded(0)
        << CloseStdin(0)
        << Write(printed)
        << burial(0)
        << Send(1, b"a\n")
    )


def test_nothing_of_a_failed_attempt_is_left_in_its_group() -> None:
    """GRP-013: no fatal line either; the next attempt begins a new group."""
    assert (
        resistant(2, grouping=Grouping.GROUP, print_eot=True, print_task=True)
        >> StdinChunk(b"a\n")
        << Hold(1, b"a\n")
        << Send(0, b"a\n")
        << ReadMore()
        >> NodeOutput(0, b"begun\n")
        << Hold(1, b"begun\n")
        >> NodeEnded(0)
        << CloseStdin(0)
        << Discard(1)
        << burial(0)
        << Hold(1, b"a\n")
        << Send(1, b"a\n")
        >> NodeOutput(1, b"result\n\n")
        << Hold(1, b"result\n\n")
        << Release(1)
    )


def test_reassigned_tasks_go_first_and_the_last_failure_before_the_others() -> None:
    """DTH-011, DTH-012."""
    assert (
        resistant(3)
        >> StdinChunk(b"a\nb\nc\nd\n")
        << Send(0, b"a\n")
        << Send(1, b"b\n")
        << Send(2, b"c\n")
        >> NodeEnded(0)
        << CloseStdin(0)
        << Write(b"fatal\n")
        << burial(0)
        >> NodeEnded(1)
        << CloseStdin(1)
        << Write(b"fatal\n")
        << burial(1)
        >> NodeOutput(2, b"\n")
        << Send(2, b"b\n")
        >> NodeOutput(2, b"\n")
        << Send(2, b"a\n")
        >> NodeOutput(2, b"\n")
        << Send(2, b"d\n")
    )


def test_a_task_whose_eot_came_is_done() -> None:
    """DTH-013: the next one was an attempt."""
    assert (
        resistant(2)
        >> StdinChunk(b"a\nb\nc\n")
        << Send(0, b"a\n")
        << Send(1, b"b\n")
        >> NodeOutput(0, b"done\n\n")
        << Write(b"done\n")
        << Send(0, b"c\n")
        >> NodeEnded(0)
        << CloseStdin(0)
        << Write(b"fatal\n")
        << burial(0)
        >> NodeOutput(1, b"\n")
        << Send(1, b"c\n")
    )


def test_the_status_of_a_failed_attempt_does_not_count() -> None:
    """DTH-014: neither for its task nor for those that depend on it."""
    assert (
        Playbook(Settings(nodes=names(2), on_death=Z, graph=GraphSettings()))
        >> RunStarted()
        << ReadMore()
        >> StdinChunk(b"a b\n")
        << ReadMore()
        >> StdinEnded()
        << StartNode(0)
        >> NodeStarted(0, 1)
        << StartNode(1)
        << Send(0, b"a\n")
        >> NodeStarted(1, 2)
        >> NodeOutput(0, b"success\n")
        << Write(b"success\n")
        >> NodeEnded(0)
        << CloseStdin(0)
        << Write(b"fatal\n")
        << burial(0)
        << Send(1, b"a\n")
        >> NodeOutput(1, b"failure\n\n")
        << Write(b"failure\na b\n")
        << CloseStdin(1)
        << SetDeadline(Deadline(Purpose.NOTICE), GRACES.finish_notice)
    )


# Idle nodes


def test_an_idle_node_dies_silently_and_gets_no_task() -> None:
    """DTH-015, DTH-016."""
    assert (
        resistant(2)
        >> NodeEnded(0)
        << CloseStdin(0)
        << burial(0)
        >> StdinChunk(b"a\nb\n")
        << Send(1, b"a\n")
        >> NodeOutput(1, b"\n")
        << Send(1, b"b\n")
    )


def test_input_is_read_on_while_all_nodes_are_dead() -> None:
    """DTH-032: they are missed only if a task comes."""
    assert (
        resistant(1)
        >> StdinChunk(b"a\n")
        << Send(0, b"a\n")
        >> NodeOutput(0, b"\n")
        << ReadMore()
        >> NodeEnded(0)
        << CloseStdin(0)
        << burial(0)
        >> StdinChunk(b"half of a long task")
        << ReadMore()
        >> StdinChunk(b"\n")
        << Report(b"all nodes failed")
        << SetDeadline(Deadline(Purpose.TERMINATE), GRACES.stop)
        >> NodeReaped(0)
        << DrainOutput()
        >> OutputDrained()
        << Exit(status=1)
    )


def test_all_nodes_are_dead_but_the_input_is_over() -> None:
    """DTH-032."""
    assert (
        resistant(1)
        >> NodeEnded(0)
        << CloseStdin(0)
        << burial(0)
        >> NodeReaped(0)
        >> StdinEnded()
        << SetDeadline(Deadline(Purpose.NOTICE), GRACES.finish_notice)
        << DrainOutput()
        >> OutputDrained()
        << Exit(status=0)
    )


# All nodes dead


def test_all_nodes_failed() -> None:
    """DTH-030: at once, and nothing else is said (DTH-031)."""
    assert (
        resistant(2)
        >> StdinChunk(b"a\nb\nc\n")
        << Send(0, b"a\n")
        << Send(1, b"b\n")
        >> NodeEnded(1)
        << CloseStdin(1)
        << Write(b"fatal\n")
        << burial(1)
        >> NodeReaped(1)
        >> NodeEnded(0)
        << CloseStdin(0)
        << Write(b"fatal\n")
        << burial(0)
        << Report(b"all nodes failed")
        << SetDeadline(Deadline(Purpose.TERMINATE), GRACES.stop)
        >> NodeReaped(0)
        << DrainOutput()
        >> OutputDrained()
        << Exit(status=1)
    )


def test_a_node_that_still_has_to_start_is_not_dead() -> None:
    assert (
        Playbook(Settings(nodes=names(2), on_death=Z))
        >> RunStarted()
        << StartNode(0)
        << ReadMore()
        >> StdinChunk(b"a\n")
        >> NodeStarted(0, 1)
        << StartNode(1)
        << Send(0, b"a\n")
        >> NodeEnded(0)
        << CloseStdin(0)
        << Write(b"fatal\n")
        << burial(0)
        >> NodeStarted(1, 2)
        << Send(1, b"a\n")
    )


def test_nodes_that_cannot_be_started_are_dead() -> None:
    """DTH-001, LCH-028: each cause is told once."""
    assert (
        Playbook(Settings(nodes=names(4), on_death=Z, program=b"paexec"))
        >> RunStarted()
        << StartNode(0)
        << ReadMore()
        >> StdinChunk(b"a\n")
        >> NodeNotStarted(0, b"cannot run ssh: gone")
        << Report(b"paexec: cannot run ssh: gone")
        << StartNode(1)
        >> NodeNotStarted(1, b"cannot run ssh: gone")
        << StartNode(2)
        >> NodeNotStarted(2, b"cannot run ssh: too many")
        << Report(b"paexec: cannot run ssh: too many")
        << StartNode(3)
        >> NodeNotStarted(3, b"cannot run ssh: gone")
        << Report(b"all nodes failed")
        << SetDeadline(Deadline(Purpose.TERMINATE), GRACES.stop)
        << DrainOutput()
        >> OutputDrained()
        << Exit(status=1)
    )


def test_no_node_can_be_started_and_none_is_needed() -> None:
    assert (
        Playbook(Settings(nodes=names(1), on_death=Z, program=b"paexec"))
        >> RunStarted()
        << StartNode(0)
        << ReadMore()
        >> NodeNotStarted(0, b"reason")
        << Report(b"paexec: reason")
        >> StdinEnded()
        << SetDeadline(Deadline(Purpose.NOTICE), GRACES.finish_notice)
        << DrainOutput()
        >> OutputDrained()
        << Exit(status=0)
    )


def test_the_input_fails_and_then_the_node() -> None:
    """A task that was dispatched is finished, also if that takes another attempt."""
    assert (
        resistant(2, program=b"paexec")
        >> StdinChunk(b"a\n")
        << Send(0, b"a\n")
        << ReadMore()
        >> StdinFailed(b"reason")
        << Report(b"paexec: reading from standard input failed: reason")
        >> NodeEnded(0)
        << CloseStdin(0)
        << Write(b"fatal\n")
        << burial(0)
        << Send(1, b"a\n")
        >> NodeOutput(1, b"\n")
        << CloseStdin(1)
        << SetDeadline(Deadline(Purpose.NOTICE), GRACES.finish_notice)
        >> NodeReaped(0)
        >> NodeEnded(1)
        >> NodeReaped(1)
        << DrainOutput()
        >> OutputDrained()
        << Exit(status=1)
    )


# What is left of dead nodes


def test_what_is_left_of_dead_nodes_is_ended() -> None:
    """DTH-004: SIGTERM, then SIGKILL, then it is left; each node has its own time."""
    assert (
        resistant(3)
        >> NodeEnded(0)
        << CloseStdin(0)
        << burial(0)
        >> NodeEnded(1)
        << CloseStdin(1)
        << burial(1)
        >> NodeReaped(0)
        >> DeadlinePassed(Deadline(Purpose.REAP, 0))
        >> DeadlinePassed(Deadline(Purpose.REAP, 1))
        << KillNode(1, force=False)
        << burial(1)
        >> NodeEnded(2)
        << CloseStdin(2)
        << burial(2)
        >> DeadlinePassed(Deadline(Purpose.REAP, 1))
        << KillNode(1, force=True)
        << burial(1)
        >> DeadlinePassed(Deadline(Purpose.REAP, 2))
        << KillNode(2, force=False)
        << burial(2)
        >> DeadlinePassed(Deadline(Purpose.REAP, 1))
        << LeaveNode(1)
        >> NodeReaped(1, left_running=True)
        << Report(b"paexec-trio: node n1: process 1001 does not end; left")
        >> NodeReaped(2)
        >> DeadlinePassed(Deadline(Purpose.REAP, 2))
    )


def test_the_deadline_of_an_earlier_process_does_not_end_a_later_one() -> None:
    assert (
        resistant(1, Z5)
        >> NodeEnded(0)
        << CloseStdin(0)
        << burial(0)
        << RESTART
        >> NodeReaped(0)
        >> DeadlinePassed(Deadline(Purpose.RESTART))
        << StartNode(0)
        >> NodeStarted(0, 7)
        >> DeadlinePassed(Deadline(Purpose.REAP, 0))
    )


def test_a_restarted_node_is_asked_to_end_before_it_is_killed() -> None:
    assert (
        resistant(1, Z5)
        >> NodeEnded(0)
        << CloseStdin(0)
        << burial(0)
        << RESTART
        >> DeadlinePassed(Deadline(Purpose.REAP, 0))
        << KillNode(0, force=False)
        << burial(0)
        >> NodeReaped(0)
        >> DeadlinePassed(Deadline(Purpose.RESTART))
        << StartNode(0)
        >> NodeStarted(0, 7)
        >> NodeEnded(0)
        << CloseStdin(0)
        << burial(0)
        << RESTART
        >> DeadlinePassed(Deadline(Purpose.REAP, 0))
        << KillNode(0, force=False)
        << burial(0)
    )


def test_burials_go_on_while_the_run_ends_by_itself() -> None:
    assert (
        resistant(2)
        >> NodeEnded(0)
        << CloseStdin(0)
        << burial(0)
        >> StdinEnded()
        << CloseStdin(1)
        << SetDeadline(Deadline(Purpose.NOTICE), GRACES.finish_notice)
        >> DeadlinePassed(Deadline(Purpose.REAP, 0))
        << KillNode(0, force=False)
        << burial(0)
        >> NodeReaped(0)
        >> NodeEnded(1)
        >> NodeReaped(1)
        << DrainOutput()
        >> DeadlinePassed(Deadline(Purpose.REAP, 0))
        >> OutputDrained()
        << Exit(status=0)
    )


def test_burials_leave_nodes_alone_that_end_in_order() -> None:
    """END-004: one that closed its output when its input ended has the time of the others."""
    assert (
        resistant(2)
        >> NodeEnded(0)
        << CloseStdin(0)
        << burial(0)
        >> StdinEnded()
        << CloseStdin(1)
        << SetDeadline(Deadline(Purpose.NOTICE), GRACES.finish_notice)
        >> NodeEnded(1)
        >> NodeReaped(0)
        >> DeadlinePassed(Deadline(Purpose.REAP, 1))  # of an earlier process
        >> NodeReaped(1)
        << DrainOutput()
    )


def test_a_stop_ends_dead_nodes_in_its_own_time() -> None:
    assert (
        resistant(1)
        >> NodeEnded(0)
        << CloseStdin(0)
        << burial(0)
        >> StopRequested(int(signal.SIGTERM))
        << SetDeadline(Deadline(Purpose.TERMINATE), GRACES.stop)
        >> DeadlinePassed(Deadline(Purpose.REAP, 0))
        >> DeadlinePassed(Deadline(Purpose.TERMINATE))
        << KillNode(0, force=False)
        << SetDeadline(Deadline(Purpose.KILL), GRACES.term)
        >> NodeReaped(0)
        << Exit(signal=int(signal.SIGTERM))
    )


# Restarts


def test_a_dead_node_is_restarted() -> None:
    """RST-004, RST-009, PFX-005: a new process, its own prefix, nothing of the old one."""
    assert (
        resistant(1, Z5_WAIT, show_pid=True)
        >> StdinChunk(b"a\n")
        << Send(0, b"a\n")
        >> NodeOutput(0, b"half")
        >> NodeEnded(0)
        << CloseStdin(0)
        << Write(b"%d fatal\n" % FIRST_PID)
        << burial(0)
        << RESTART
        >> NodeReaped(0)
        >> DeadlinePassed(Deadline(Purpose.RESTART))
        << StartNode(0)
        >> NodeStarted(0, 7)
        << Send(0, b"a\n")
        >> NodeOutput(0, b"result\n\n")
        << Write(b"7 result\n")
        << ReadMore()
    )


def test_restarts_come_in_rounds() -> None:
    """RST-005: one round has ended before the time to the next begins. One node after the other."""
    assert (
        resistant(3, Z5)
        >> NodeEnded(0)
        << CloseStdin(0)
        << burial(0)
        << RESTART
        >> NodeReaped(0)
        >> NodeEnded(1)
        << CloseStdin(1)
        << burial(1)
        >> NodeReaped(1)
        >> DeadlinePassed(Deadline(Purpose.RESTART))
        << StartNode(0)
        >> NodeEnded(2)
        << CloseStdin(2)
        << burial(2)
        >> NodeStarted(0, 7)
        << StartNode(1)
        >> NodeEnded(0)
        << CloseStdin(0)
        << burial(0)
        >> NodeReaped(0)
        >> NodeStarted(1, 8)
        << RESTART
        >> NodeReaped(2)
        >> DeadlinePassed(Deadline(Purpose.RESTART))
        << StartNode(0)
        >> NodeStarted(0, 9)
        << StartNode(2)
        >> NodeStarted(2, 10)
        >> NodeEnded(1)
        << CloseStdin(1)
        << burial(1)
        << RESTART
    )


def test_the_first_round_of_starts_comes_to_its_end() -> None:
    assert (
        Playbook(Settings(nodes=names(2), on_death=Z5))
        >> RunStarted()
        << StartNode(0)
        << ReadMore()
        >> NodeNotStarted(0, b"reason")
        << Report(b"paexec-trio: reason")
        << StartNode(1)
        >> NodeStarted(1, 2)
        << RESTART
        >> DeadlinePassed(Deadline(Purpose.RESTART))
        << StartNode(0)
        >> NodeNotStarted(0, b"reason")
        << RESTART
    )


def test_a_node_is_not_restarted_while_something_of_it_is_left() -> None:
    """RST-007."""
    assert (
        resistant(1, Z5)
        >> NodeEnded(0)
        << CloseStdin(0)
        << burial(0)
        << RESTART
        >> DeadlinePassed(Deadline(Purpose.RESTART))
        << RESTART
        >> NodeReaped(0)
        >> DeadlinePassed(Deadline(Purpose.RESTART))
        << StartNode(0)
    )


def test_all_nodes_dead_before_their_restart() -> None:
    """RST-021."""
    assert (
        resistant(1, Z5)
        >> StdinChunk(b"a\n")
        << Send(0, b"a\n")
        >> NodeEnded(0)
        << CloseStdin(0)
        << Write(b"fatal\n")
        << burial(0)
        << RESTART
        << Report(b"all nodes failed")
        << SetDeadline(Deadline(Purpose.TERMINATE), GRACES.stop)
        >> DeadlinePassed(Deadline(Purpose.RESTART))
        >> NodeReaped(0)
        << DrainOutput()
        >> OutputDrained()
        << Exit(status=1)
    )


def test_a_node_that_is_being_restarted_is_not_dead() -> None:
    assert (
        resistant(2, Z5)
        >> NodeEnded(0)
        << CloseStdin(0)
        << burial(0)
        << RESTART
        >> NodeReaped(0)
        >> StdinChunk(b"a\n")
        << Send(1, b"a\n")
        >> DeadlinePassed(Deadline(Purpose.RESTART))
        << StartNode(0)
        >> NodeEnded(1)
        << CloseStdin(1)
        << Write(b"fatal\n")
        << burial(1)
        >> NodeStarted(0, 7)
        << RESTART
        << Send(0, b"a\n")
    )


def test_all_nodes_dead_and_waited_for() -> None:
    """RST-020: a signal ends even that (END-030)."""
    assert (
        resistant(1, Z5_WAIT)
        >> StdinChunk(b"a\n")
        << Send(0, b"a\n")
        >> NodeEnded(0)
        << CloseStdin(0)
        << Write(b"fatal\n")
        << burial(0)
        << RESTART
        >> NodeReaped(0)
        >> StdinChunk(b"b\n")
        >> StopRequested(int(signal.SIGINT))
        << SetDeadline(Deadline(Purpose.TERMINATE), GRACES.stop)
        << Exit(signal=int(signal.SIGINT))
    )


# The end


def test_the_end_does_not_wait_for_restarts() -> None:
    """RST-012."""
    assert (
        resistant(2, Z5)
        >> StdinChunk(b"a\n")
        << Send(0, b"a\n")
        << ReadMore()
        >> NodeEnded(1)
        << CloseStdin(1)
        << burial(1)
        << RESTART
        >> NodeReaped(1)
        >> StdinEnded()
        >> NodeOutput(0, b"\n")
        << CloseStdin(0)
        << SetDeadline(Deadline(Purpose.NOTICE), GRACES.finish_notice)
        >> DeadlinePassed(Deadline(Purpose.RESTART))
        >> NodeEnded(0)
        >> NodeReaped(0)
        << DrainOutput()
        >> OutputDrained()
        << Exit(status=0)
    )


def test_the_end_comes_during_a_round_of_restarts() -> None:
    """RST-012: the start that is under way is the last one; that node is ended like the others."""
    assert (
        resistant(3, Z5)
        >> StdinChunk(b"a\n")
        << Send(0, b"a\n")
        << ReadMore()
        >> NodeEnded(1)
        << CloseStdin(1)
        << burial(1)
        << RESTART
        >> NodeReaped(1)
        >> NodeEnded(2)
        << CloseStdin(2)
        << burial(2)
        >> NodeReaped(2)
        >> StdinEnded()
        >> DeadlinePassed(Deadline(Purpose.RESTART))
        << StartNode(1)
        >> NodeOutput(0, b"\n")
        << CloseStdin(0)
        >> NodeStarted(1, 7)
        << RESTART
        << CloseStdin(1)
        << SetDeadline(Deadline(Purpose.NOTICE), GRACES.finish_notice)
    )


def test_the_end_comes_before_all_nodes_were_started() -> None:
    """DSP-002: each is started once, a dead one not again."""
    assert (
        Playbook(Settings(nodes=names(3), on_death=Z5))
        >> RunStarted()
        << StartNode(0)
        << ReadMore()
        >> StdinEnded()
        >> NodeNotStarted(0, b"reason")
        << Report(b"paexec-trio: reason")
        << StartNode(1)
        >> NodeStarted(1, 1)
        << StartNode(2)
        << CloseStdin(1)
        >> DeadlinePassed(Deadline(Purpose.RESTART))
        >> NodeStarted(2, 2)
        << RESTART
        << CloseStdin(2)
        << SetDeadline(Deadline(Purpose.NOTICE), GRACES.finish_notice)
    )


def test_a_stop_during_a_restart() -> None:
    assert (
        resistant(2, Z5)
        >> NodeEnded(0)
        << CloseStdin(0)
        << burial(0)
        << RESTART
        >> NodeReaped(0)
        >> NodeEnded(1)
        << CloseStdin(1)
        << burial(1)
        >> NodeReaped(1)
        >> DeadlinePassed(Deadline(Purpose.RESTART))
        << StartNode(0)
        >> StopRequested(int(signal.SIGHUP))
        << SetDeadline(Deadline(Purpose.TERMINATE), GRACES.stop)
        >> NodeStarted(0, 7)
        << CloseStdin(0)
        << SetDeadline(Deadline(Purpose.TERMINATE), GRACES.stop)
        >> NodeEnded(0)
        >> NodeReaped(0)
        << Exit(signal=int(signal.SIGHUP))
    )


def test_a_million_octets_of_an_unfinished_line_do_not_outlive_the_node() -> None:
    """RST-011: the engine lets go of them when the node dies, not when it starts again."""
    engine = Engine(Settings(nodes=names(1), on_death=Z5_WAIT))
    engine.handle(RunStarted())
    engine.handle(NodeStarted(0, 1))
    engine.handle(StdinChunk(b"a\n"))
    chunk = b"x" * (1 << 20)
    engine.handle(NodeOutput(0, chunk))
    engine.handle(NodeEnded(0))
    engine.handle(NodeReaped(0))
    engine.handle(DeadlinePassed(Deadline(Purpose.RESTART)))
    engine.handle(NodeStarted(0, 2))
    commands = engine.handle(NodeOutput(0, b"short\n"))
    assert commands == [Write(b"short\n")]
