"""The engine when nodes die, event by event. Random schedules are in ``tests/simulation``."""

from __future__ import annotations

import signal

import pytest

from paexec_trio.core import commands as do
from paexec_trio.core import events as on
from paexec_trio.core.engine import Engine
from paexec_trio.core.grouping import Grouping
from paexec_trio.core.settings import (
    GraphSettings,
    Reassign,
    Settings,
)
from tests.core.playbook import (
    FIRST_PID,
    Playbook,
    burial,
    ended,
    finishing,
    killing,
    names,
    passed,
    reaped,
    started,
    stopping,
)

Z = Reassign()
Z5 = Reassign(restart_after=5)
Z5_WAIT = Reassign(restart_after=5, wait=True)

RESTART = do.SetDeadline(do.Deadline(do.Purpose.RESTART), 5)


def resistant(nodes: int, on_death: Reassign = Z, **options: bytes | bool | Grouping) -> Playbook:
    """Return a playbook whose nodes run already, with a ``ReadMore`` outstanding."""
    return started(nodes, on_death=on_death, **options)


# Reassignment


def test_the_task_of_a_dead_node_goes_to_an_idle_one() -> None:
    """DTH-010, DTH-020: although the input has ended, the idle node is there for it (DSP-004)."""
    assert (
        resistant(2)
        >> on.StdinChunk(b"a\n")
        << do.Send(0, b"a\n")
        << do.ReadMore()
        >> on.StdinEnded()
        >> on.NodeOutput(0, b"begun\nhalf")
        << do.Write(b"begun\n")
        >> on.NodeEnded(0)
        << do.CloseStdin(0)
        << do.Write(b"fatal\n")
        << burial(0)
        << do.Send(1, b"a\n")
        >> on.NodeReaped(0)
        >> on.NodeOutput(1, b"result\n\n")
        << do.Write(b"result\n")
        << finishing(1)
        >> reaped(1)
        << ended(status=0)
    )


def test_a_node_that_cannot_be_written_to_is_dead() -> None:
    """DTH-001; that its output ends later is no news, what it still writes is no result."""
    assert (
        resistant(2)
        >> on.StdinChunk(b"a\n")
        << do.Send(0, b"a\n")
        << do.ReadMore()
        >> on.NodeUnwritable(0, b"Broken pipe")
        << do.CloseStdin(0)
        << do.Write(b"fatal\n")
        << burial(0)
        << do.Send(1, b"a\n")
        >> on.NodeOutput(0, b"late\n\n")
        >> reaped(0)
    )


def test_every_line_of_a_failed_attempt_has_its_prefixes() -> None:
    """DTH-022, DTH-023, DTH-025."""
    script = resistant(
        2, show_node=True, show_task_id=True, show_pid=True, print_eot=True, print_task=True
    )
    first, second = b"n0 1 %d " % FIRST_PID, b"n1 1 %d " % (FIRST_PID + 1)
    assert (
        script
        >> on.StdinChunk(b"a\n")
        << do.Write(first + b"a\n")
        << do.Send(0, b"a\n")
        << do.ReadMore()
        >> on.NodeEnded(0)
        << do.CloseStdin(0)
        << do.Write(first + b"fatal\n" + first + b"\n")
        << burial(0)
        << do.Write(second + b"a\n")
        << do.Send(1, b"a\n")
        >> on.NodeOutput(1, b"x\n\n")
        << do.Write(second + b"x\n" + second + b"\n")
    )


@pytest.mark.parametrize(("fatal", "printed"), [(b"gone", b"gone\nE\n"), (b"", b"E\n")])
def test_the_word_for_fatal(fatal: bytes, printed: bytes) -> None:
    """DTH-021, DTH-022."""
    assert (
        resistant(2, Reassign(fatal=fatal), print_eot=True, eot=b"E")
        >> on.StdinChunk(b"a\n")
        << do.Send(0, b"a\n")
        << do.ReadMore()
        >> on.NodeEnded(0)
        << do.CloseStdin(0)
        << do.Write(printed)
        << burial(0)
        << do.Send(1, b"a\n")
    )


def test_nothing_of_a_failed_attempt_is_left_in_its_group() -> None:
    """GRP-013: no fatal line either; the next attempt begins a new group."""
    assert (
        resistant(2, grouping=Grouping.GROUP, print_eot=True, print_task=True)
        >> on.StdinChunk(b"a\n")
        << do.Hold(1, b"a\n")
        << do.Send(0, b"a\n")
        << do.ReadMore()
        >> on.NodeOutput(0, b"begun\n")
        << do.Hold(1, b"begun\n")
        >> on.NodeEnded(0)
        << do.CloseStdin(0)
        << do.Discard(1)
        << burial(0)
        << do.Hold(1, b"a\n")
        << do.Send(1, b"a\n")
        >> on.NodeOutput(1, b"result\n\n")
        << do.Hold(1, b"result\n\n")
        << do.Release(1)
    )


def test_reassigned_tasks_go_first_and_the_last_failure_before_the_others() -> None:
    """DTH-011, DTH-012."""
    assert (
        resistant(3)
        >> on.StdinChunk(b"a\nb\nc\nd\n")
        << do.Send(0, b"a\n")
        << do.Send(1, b"b\n")
        << do.Send(2, b"c\n")
        >> on.NodeEnded(0)
        << do.CloseStdin(0)
        << do.Write(b"fatal\n")
        << burial(0)
        >> on.NodeEnded(1)
        << do.CloseStdin(1)
        << do.Write(b"fatal\n")
        << burial(1)
        >> on.NodeOutput(2, b"\n")
        << do.Send(2, b"b\n")
        >> on.NodeOutput(2, b"\n")
        << do.Send(2, b"a\n")
        >> on.NodeOutput(2, b"\n")
        << do.Send(2, b"d\n")
    )


def test_a_task_whose_eot_came_is_done() -> None:
    """DTH-013: the next one was an attempt."""
    assert (
        resistant(2)
        >> on.StdinChunk(b"a\nb\nc\n")
        << do.Send(0, b"a\n")
        << do.Send(1, b"b\n")
        >> on.NodeOutput(0, b"done\n\n")
        << do.Write(b"done\n")
        << do.Send(0, b"c\n")
        >> on.NodeEnded(0)
        << do.CloseStdin(0)
        << do.Write(b"fatal\n")
        << burial(0)
        >> on.NodeOutput(1, b"\n")
        << do.Send(1, b"c\n")
    )


def test_the_status_of_a_failed_attempt_does_not_count() -> None:
    """DTH-014: neither for its task nor for those that depend on it."""
    assert (
        Playbook(Settings(nodes=names(2), on_death=Z, graph=GraphSettings()))
        >> on.RunStarted()
        << do.ReadMore()
        >> on.StdinChunk(b"a b\n")
        << do.ReadMore()
        >> on.StdinEnded()
        << do.StartNode(0)
        >> on.NodeStarted(0, 1)
        << do.StartNode(1)
        << do.Send(0, b"a\n")
        >> on.NodeStarted(1, 2)
        >> on.NodeOutput(0, b"success\n")
        << do.Write(b"success\n")
        >> on.NodeEnded(0)
        << do.CloseStdin(0)
        << do.Write(b"fatal\n")
        << burial(0)
        << do.Send(1, b"a\n")
        >> on.NodeOutput(1, b"failure\n\n")
        << do.Write(b"failure\na b\n")
        << finishing(1)
    )


# Idle nodes


def test_an_idle_node_dies_silently_and_gets_no_task() -> None:
    """DTH-015, DTH-016."""
    assert (
        resistant(2)
        >> on.NodeEnded(0)
        << do.CloseStdin(0)
        << burial(0)
        >> on.StdinChunk(b"a\nb\n")
        << do.Send(1, b"a\n")
        >> on.NodeOutput(1, b"\n")
        << do.Send(1, b"b\n")
    )


def test_input_is_read_on_while_all_nodes_are_dead() -> None:
    """DTH-032: they are missed only if a task comes."""
    assert (
        resistant(1)
        >> on.StdinChunk(b"a\n")
        << do.Send(0, b"a\n")
        >> on.NodeOutput(0, b"\n")
        << do.ReadMore()
        >> on.NodeEnded(0)
        << do.CloseStdin(0)
        << burial(0)
        >> on.StdinChunk(b"half of a long task")
        << do.ReadMore()
        >> on.StdinChunk(b"\n")
        << do.Report(b"all nodes failed")
        << stopping()
        >> on.NodeReaped(0)
        << ended(status=1)
    )


def test_all_nodes_are_dead_but_the_input_is_over() -> None:
    """DTH-032."""
    assert (
        resistant(1)
        >> on.NodeEnded(0)
        << do.CloseStdin(0)
        << burial(0)
        >> on.NodeReaped(0)
        >> on.StdinEnded()
        << finishing()
        << ended(status=0)
    )


# All nodes dead


def test_all_nodes_failed() -> None:
    """DTH-030: at once, and nothing else is said (DTH-031)."""
    assert (
        resistant(2)
        >> on.StdinChunk(b"a\nb\nc\n")
        << do.Send(0, b"a\n")
        << do.Send(1, b"b\n")
        >> on.NodeEnded(1)
        << do.CloseStdin(1)
        << do.Write(b"fatal\n")
        << burial(1)
        >> on.NodeReaped(1)
        >> on.NodeEnded(0)
        << do.CloseStdin(0)
        << do.Write(b"fatal\n")
        << burial(0)
        << do.Report(b"all nodes failed")
        << stopping()
        >> on.NodeReaped(0)
        << ended(status=1)
    )


def test_a_node_that_still_has_to_start_is_not_dead() -> None:
    assert (
        Playbook(Settings(nodes=names(2), on_death=Z))
        >> on.RunStarted()
        << do.StartNode(0)
        << do.ReadMore()
        >> on.StdinChunk(b"a\n")
        >> on.NodeStarted(0, 1)
        << do.StartNode(1)
        << do.Send(0, b"a\n")
        >> on.NodeEnded(0)
        << do.CloseStdin(0)
        << do.Write(b"fatal\n")
        << burial(0)
        >> on.NodeStarted(1, 2)
        << do.Send(1, b"a\n")
    )


def test_nodes_that_cannot_be_started_are_dead() -> None:
    """DTH-001, LCH-028: each cause is told once."""
    assert (
        Playbook(Settings(nodes=names(4), on_death=Z, program=b"paexec"))
        >> on.RunStarted()
        << do.StartNode(0)
        << do.ReadMore()
        >> on.StdinChunk(b"a\n")
        >> on.NodeNotStarted(0, b"cannot run ssh: gone")
        << do.Report(b"paexec: cannot run ssh: gone")
        << do.StartNode(1)
        >> on.NodeNotStarted(1, b"cannot run ssh: gone")
        << do.StartNode(2)
        >> on.NodeNotStarted(2, b"cannot run ssh: too many")
        << do.Report(b"paexec: cannot run ssh: too many")
        << do.StartNode(3)
        >> on.NodeNotStarted(3, b"cannot run ssh: gone")
        << do.Report(b"all nodes failed")
        << stopping()
        << ended(status=1)
    )


def test_no_node_can_be_started_and_none_is_needed() -> None:
    assert (
        Playbook(Settings(nodes=names(1), on_death=Z, program=b"paexec"))
        >> on.RunStarted()
        << do.StartNode(0)
        << do.ReadMore()
        >> on.NodeNotStarted(0, b"reason")
        << do.Report(b"paexec: reason")
        >> on.StdinEnded()
        << finishing()
        << ended(status=0)
    )


def test_the_input_fails_and_then_the_node() -> None:
    """A task that was dispatched is finished, also if that takes another attempt."""
    assert (
        resistant(2, program=b"paexec")
        >> on.StdinChunk(b"a\n")
        << do.Send(0, b"a\n")
        << do.ReadMore()
        >> on.StdinFailed(b"reason")
        << do.Report(b"paexec: reading from standard input failed: reason")
        >> on.NodeEnded(0)
        << do.CloseStdin(0)
        << do.Write(b"fatal\n")
        << burial(0)
        << do.Send(1, b"a\n")
        >> on.NodeOutput(1, b"\n")
        << finishing(1)
        >> on.NodeReaped(0)
        >> reaped(1)
        << ended(status=1)
    )


# What is left of dead nodes


def test_what_is_left_of_dead_nodes_is_ended() -> None:
    """DTH-004: SIGTERM, then SIGKILL, then it is left; each node has its own time."""
    assert (
        resistant(3)
        >> on.NodeEnded(0)
        << do.CloseStdin(0)
        << burial(0)
        >> on.NodeEnded(1)
        << do.CloseStdin(1)
        << burial(1)
        >> on.NodeReaped(0)
        >> passed(do.Purpose.REAP, 0)
        >> passed(do.Purpose.REAP, 1)
        << do.KillNode(1, force=False)
        << burial(1)
        >> on.NodeEnded(2)
        << do.CloseStdin(2)
        << burial(2)
        >> passed(do.Purpose.REAP, 1)
        << do.KillNode(1, force=True)
        << burial(1)
        >> passed(do.Purpose.REAP, 2)
        << do.KillNode(2, force=False)
        << burial(2)
        >> passed(do.Purpose.REAP, 1)
        << do.LeaveNode(1)
        >> on.NodeReaped(1, left_running=True)
        << do.Report(b"paexec-trio: node n1: process 1001 does not end; left")
        >> on.NodeReaped(2)
        >> passed(do.Purpose.REAP, 2)
    )


def test_the_deadline_of_an_earlier_process_does_not_end_a_later_one() -> None:
    assert (
        resistant(1, Z5)
        >> on.NodeEnded(0)
        << do.CloseStdin(0)
        << burial(0)
        << RESTART
        >> on.NodeReaped(0)
        >> passed(do.Purpose.RESTART)
        << do.StartNode(0)
        >> on.NodeStarted(0, 7)
        >> passed(do.Purpose.REAP, 0)
    )


def test_a_restarted_node_is_asked_to_end_before_it_is_killed() -> None:
    assert (
        resistant(1, Z5)
        >> on.NodeEnded(0)
        << do.CloseStdin(0)
        << burial(0)
        << RESTART
        >> passed(do.Purpose.REAP, 0)
        << do.KillNode(0, force=False)
        << burial(0)
        >> on.NodeReaped(0)
        >> passed(do.Purpose.RESTART)
        << do.StartNode(0)
        >> on.NodeStarted(0, 7)
        >> on.NodeEnded(0)
        << do.CloseStdin(0)
        << burial(0)
        << RESTART
        >> passed(do.Purpose.REAP, 0)
        << do.KillNode(0, force=False)
        << burial(0)
    )


def test_burials_go_on_while_the_run_ends_by_itself() -> None:
    assert (
        resistant(2)
        >> on.NodeEnded(0)
        << do.CloseStdin(0)
        << burial(0)
        >> on.StdinEnded()
        << finishing(1)
        >> passed(do.Purpose.REAP, 0)
        << do.KillNode(0, force=False)
        << burial(0)
        >> on.NodeReaped(0)
        >> reaped(1)
        << do.DrainOutput()
        >> passed(do.Purpose.REAP, 0)
        >> on.OutputDrained()
        << do.Exit(status=0)
    )


def test_burials_leave_nodes_alone_that_end_in_order() -> None:
    """END-004: one that closed its output when its input ended has the time of the others."""
    assert (
        resistant(2)
        >> on.NodeEnded(0)
        << do.CloseStdin(0)
        << burial(0)
        >> on.StdinEnded()
        << finishing(1)
        >> on.NodeEnded(1)
        >> on.NodeReaped(0)
        >> passed(do.Purpose.REAP, 1)  # of an earlier process
        >> on.NodeReaped(1)
        << do.DrainOutput()
    )


def test_a_stop_ends_dead_nodes_in_its_own_time() -> None:
    assert (
        resistant(1)
        >> on.NodeEnded(0)
        << do.CloseStdin(0)
        << burial(0)
        >> on.StopRequested(int(signal.SIGTERM))
        << stopping()
        >> passed(do.Purpose.REAP, 0)
        >> passed(do.Purpose.TERMINATE)
        << do.KillNode(0, force=False)
        << killing()
        >> on.NodeReaped(0)
        << do.Exit(signal=int(signal.SIGTERM))
    )


# Restarts


def test_a_dead_node_is_restarted() -> None:
    """RST-004, RST-009, PFX-005: a new process, its own prefix, nothing of the old one."""
    assert (
        resistant(1, Z5_WAIT, show_pid=True)
        >> on.StdinChunk(b"a\n")
        << do.Send(0, b"a\n")
        >> on.NodeOutput(0, b"half")
        >> on.NodeEnded(0)
        << do.CloseStdin(0)
        << do.Write(b"%d fatal\n" % FIRST_PID)
        << burial(0)
        << RESTART
        >> on.NodeReaped(0)
        >> passed(do.Purpose.RESTART)
        << do.StartNode(0)
        >> on.NodeStarted(0, 7)
        << do.Send(0, b"a\n")
        >> on.NodeOutput(0, b"result\n\n")
        << do.Write(b"7 result\n")
        << do.ReadMore()
    )


def test_restarts_come_in_rounds() -> None:
    """RST-005: one round has ended before the time to the next begins. One node after the other."""
    assert (
        resistant(3, Z5)
        >> on.NodeEnded(0)
        << do.CloseStdin(0)
        << burial(0)
        << RESTART
        >> on.NodeReaped(0)
        >> on.NodeEnded(1)
        << do.CloseStdin(1)
        << burial(1)
        >> on.NodeReaped(1)
        >> passed(do.Purpose.RESTART)
        << do.StartNode(0)
        >> on.NodeEnded(2)
        << do.CloseStdin(2)
        << burial(2)
        >> on.NodeStarted(0, 7)
        << do.StartNode(1)
        >> on.NodeEnded(0)
        << do.CloseStdin(0)
        << burial(0)
        >> on.NodeReaped(0)
        >> on.NodeStarted(1, 8)
        << RESTART
        >> on.NodeReaped(2)
        >> passed(do.Purpose.RESTART)
        << do.StartNode(0)
        >> on.NodeStarted(0, 9)
        << do.StartNode(2)
        >> on.NodeStarted(2, 10)
        >> on.NodeEnded(1)
        << do.CloseStdin(1)
        << burial(1)
        << RESTART
    )


def test_the_first_round_of_starts_comes_to_its_end() -> None:
    assert (
        Playbook(Settings(nodes=names(2), on_death=Z5))
        >> on.RunStarted()
        << do.StartNode(0)
        << do.ReadMore()
        >> on.NodeNotStarted(0, b"reason")
        << do.Report(b"paexec-trio: reason")
        << do.StartNode(1)
        >> on.NodeStarted(1, 2)
        << RESTART
        >> passed(do.Purpose.RESTART)
        << do.StartNode(0)
        >> on.NodeNotStarted(0, b"reason")
        << RESTART
    )


def test_a_node_is_not_restarted_while_something_of_it_is_left() -> None:
    """RST-007."""
    assert (
        resistant(1, Z5)
        >> on.NodeEnded(0)
        << do.CloseStdin(0)
        << burial(0)
        << RESTART
        >> passed(do.Purpose.RESTART)
        << RESTART
        >> on.NodeReaped(0)
        >> passed(do.Purpose.RESTART)
        << do.StartNode(0)
    )


def test_all_nodes_dead_before_their_restart() -> None:
    """RST-021."""
    assert (
        resistant(1, Z5)
        >> on.StdinChunk(b"a\n")
        << do.Send(0, b"a\n")
        >> on.NodeEnded(0)
        << do.CloseStdin(0)
        << do.Write(b"fatal\n")
        << burial(0)
        << RESTART
        << do.Report(b"all nodes failed")
        << stopping()
        >> passed(do.Purpose.RESTART)
        >> on.NodeReaped(0)
        << ended(status=1)
    )


def test_a_node_that_is_being_restarted_is_not_dead() -> None:
    assert (
        resistant(2, Z5)
        >> on.NodeEnded(0)
        << do.CloseStdin(0)
        << burial(0)
        << RESTART
        >> on.NodeReaped(0)
        >> on.StdinChunk(b"a\n")
        << do.Send(1, b"a\n")
        >> passed(do.Purpose.RESTART)
        << do.StartNode(0)
        >> on.NodeEnded(1)
        << do.CloseStdin(1)
        << do.Write(b"fatal\n")
        << burial(1)
        >> on.NodeStarted(0, 7)
        << RESTART
        << do.Send(0, b"a\n")
    )


def test_all_nodes_dead_and_waited_for() -> None:
    """RST-020: a signal ends even that (END-030)."""
    assert (
        resistant(1, Z5_WAIT)
        >> on.StdinChunk(b"a\n")
        << do.Send(0, b"a\n")
        >> on.NodeEnded(0)
        << do.CloseStdin(0)
        << do.Write(b"fatal\n")
        << burial(0)
        << RESTART
        >> on.NodeReaped(0)
        >> on.StdinChunk(b"b\n")
        >> on.StopRequested(int(signal.SIGINT))
        << stopping()
        << do.Exit(signal=int(signal.SIGINT))
    )


# The end


def test_the_end_does_not_wait_for_restarts() -> None:
    """RST-012."""
    assert (
        resistant(2, Z5)
        >> on.StdinChunk(b"a\n")
        << do.Send(0, b"a\n")
        << do.ReadMore()
        >> on.NodeEnded(1)
        << do.CloseStdin(1)
        << burial(1)
        << RESTART
        >> on.NodeReaped(1)
        >> on.StdinEnded()
        >> on.NodeOutput(0, b"\n")
        << finishing(0)
        >> passed(do.Purpose.RESTART)
        >> reaped(0)
        << ended(status=0)
    )


def test_the_end_comes_during_a_round_of_restarts() -> None:
    """RST-012: the start that is under way is the last one; that node is ended like the others."""
    assert (
        resistant(3, Z5)
        >> on.StdinChunk(b"a\n")
        << do.Send(0, b"a\n")
        << do.ReadMore()
        >> on.NodeEnded(1)
        << do.CloseStdin(1)
        << burial(1)
        << RESTART
        >> on.NodeReaped(1)
        >> on.NodeEnded(2)
        << do.CloseStdin(2)
        << burial(2)
        >> on.NodeReaped(2)
        >> on.StdinEnded()
        >> passed(do.Purpose.RESTART)
        << do.StartNode(1)
        >> on.NodeOutput(0, b"\n")
        << do.CloseStdin(0)
        >> on.NodeStarted(1, 7)
        << RESTART
        << finishing(1)
    )


def test_the_end_comes_before_all_nodes_were_started() -> None:
    """DSP-002: each is started once, a dead one not again."""
    assert (
        Playbook(Settings(nodes=names(3), on_death=Z5))
        >> on.RunStarted()
        << do.StartNode(0)
        << do.ReadMore()
        >> on.StdinEnded()
        >> on.NodeNotStarted(0, b"reason")
        << do.Report(b"paexec-trio: reason")
        << do.StartNode(1)
        >> on.NodeStarted(1, 1)
        << do.StartNode(2)
        << do.CloseStdin(1)
        >> passed(do.Purpose.RESTART)
        >> on.NodeStarted(2, 2)
        << RESTART
        << finishing(2)
    )


def test_a_stop_during_a_restart() -> None:
    assert (
        resistant(2, Z5)
        >> on.NodeEnded(0)
        << do.CloseStdin(0)
        << burial(0)
        << RESTART
        >> on.NodeReaped(0)
        >> on.NodeEnded(1)
        << do.CloseStdin(1)
        << burial(1)
        >> on.NodeReaped(1)
        >> passed(do.Purpose.RESTART)
        << do.StartNode(0)
        >> on.StopRequested(int(signal.SIGHUP))
        << stopping()
        >> on.NodeStarted(0, 7)
        << stopping(0)
        >> reaped(0)
        << do.Exit(signal=int(signal.SIGHUP))
    )


def test_a_million_octets_of_an_unfinished_line_do_not_outlive_the_node() -> None:
    """RST-011: the engine lets go of them when the node dies, not when it starts again."""
    engine = Engine(Settings(nodes=names(1), on_death=Z5_WAIT))
    engine.handle(on.RunStarted())
    engine.handle(on.NodeStarted(0, 1))
    engine.handle(on.StdinChunk(b"a\n"))
    chunk = b"x" * (1 << 20)
    engine.handle(on.NodeOutput(0, chunk))
    engine.handle(on.NodeEnded(0))
    engine.handle(on.NodeReaped(0))
    engine.handle(on.DeadlinePassed(do.Deadline(do.Purpose.RESTART)))
    engine.handle(on.NodeStarted(0, 2))
    commands = engine.handle(on.NodeOutput(0, b"short\n"))
    assert commands == [do.Write(b"short\n")]
