"""Nodes that take no more tasks: in each state of a node, and in each way to go on."""

from __future__ import annotations

import pytest

from paexec_trio.core import commands as do
from paexec_trio.core import events as on
from paexec_trio.core.addedtasks import AddedTasks
from paexec_trio.core.faults import Blame
from paexec_trio.core.settings import AUTO, Reassign, Settings
from paexec_trio.core.states import NodeState
from tests.core.playbook import (
    FIRST_PID,
    Playbook,
    burial,
    ended,
    finishing,
    names,
    passed,
    reaped,
    restarting,
    started,
    stopping,
)

RESTART = Reassign(fatal=b"", restart_after=5.0)


def state_of(playbook: Playbook, node: int) -> NodeState:
    return playbook.engine.snapshot().nodes[node].state


def test_an_idle_node_ends_at_once_and_gets_no_task() -> None:
    assert (
        started(2)
        >> on.DrainRequested(0)
        << do.CloseStdin(0)
        >> on.StdinChunk(b"a\n")
        << do.Send(1, b"a\n")
        >> reaped(0)
        >> on.NodeOutput(1, b"\n")
        << do.ReadMore()
        >> on.StdinEnded()
        << finishing(1)
        >> reaped(1)
        << ended()
    )


def test_a_node_that_works_finishes_its_task_first() -> None:
    playbook = started(2) >> on.StdinChunk(b"a\nb\nc\n") << do.Send(0, b"a\n") << do.Send(1, b"b\n")
    assert playbook >> on.DrainRequested(0)
    assert state_of(playbook, 0) is NodeState.DRAINING
    assert (
        playbook
        >> on.NodeOutput(0, b"of a\n\n")
        << do.Write(b"of a\n")
        << do.CloseStdin(0)
        >> reaped(0)
        >> on.NodeOutput(1, b"of b\n\n")
        << do.Write(b"of b\n")
        << do.Send(1, b"c\n")
    )


def test_a_node_finishes_all_tasks_that_it_holds() -> None:
    assert (
        started(1, prefetch=3)
        >> on.StdinChunk(b"a\nb\nc\nd\n")
        << do.Send(0, b"a\nb\nc\n")
        >> on.DrainRequested(0)
        >> on.NodeOutput(0, b"\n\n")
        >> on.NodeOutput(0, b"\n")
        << do.CloseStdin(0)
        << do.Report(b"all nodes were drained")
        << stopping()
        >> reaped(0)
        << ended(status=1)
    )


@pytest.mark.parametrize("options", [{}, {"on_death": Reassign()}, {"prefetch": 4}])
def test_the_last_task_ends_the_run(options: dict[str, object]) -> None:
    assert (
        started(1, **options)  # type: ignore[arg-type]
        >> on.StdinChunk(b"a\n")
        << do.Send(0, b"a\n")
        << (() if "prefetch" not in options else [do.ReadMore()])
        >> on.DrainRequested(0)
        << ([do.ReadMore()] if "prefetch" not in options else ())
        >> on.StdinEnded()
        >> on.NodeOutput(0, b"\n")
        << do.CloseStdin(0)
        << finishing()
        >> reaped(0)
        << ended()
    )


def test_a_node_that_has_not_started_is_started_and_ends() -> None:
    """Each node is started once (DSP-002), and its transport shows its diagnostics."""
    assert (
        Playbook(Settings(nodes=names(3)))
        >> on.RunStarted()
        << do.StartNode(0)
        << do.ReadMore()
        >> on.DrainRequested(0)  # it is being started
        >> on.DrainRequested(1)  # it will be
        >> on.StdinChunk(b"a\n")
        >> on.NodeStarted(0, FIRST_PID)
        << do.CloseStdin(0)
        << do.StartNode(1)
        >> on.NodeStarted(1, FIRST_PID)
        << do.CloseStdin(1)
        << do.StartNode(2)
        >> on.NodeStarted(2, FIRST_PID)
        << do.Send(2, b"a\n")
    )


def test_a_drained_node_that_starts_while_the_run_is_stopped_starts_no_other() -> None:
    assert (
        Playbook(Settings(nodes=names(2)))
        >> on.RunStarted()
        << do.StartNode(0)
        << do.ReadMore()
        >> on.DrainRequested(0)
        >> on.StopRequested(15)
        << stopping()
        >> on.NodeStarted(0, FIRST_PID)
        << stopping(0)
        >> reaped(0)
        << do.Exit(signal=15)
    )


def test_a_drained_node_that_cannot_be_started_is_dead_like_others() -> None:
    """DTH-001; the other one still does the tasks."""
    playbook = (
        Playbook(Settings(nodes=names(2), on_death=RESTART))
        >> on.RunStarted()
        << do.StartNode(0)
        << do.ReadMore()
        >> on.DrainRequested(0)
        >> on.NodeNotStarted(0, b"why")
        << do.Report(b"paexec-trio: why")
        << do.StartNode(1)
        >> on.NodeStarted(1, FIRST_PID)
        >> on.StdinChunk(b"a\n")
        << do.Send(1, b"a\n")
        >> on.NodeOutput(1, b"\n")
        << do.ReadMore()
        >> on.StdinEnded()
        << finishing(1)
    )
    assert playbook


def test_a_drained_node_that_dies_is_not_restarted_and_others_do_its_task() -> None:
    """It does not count twice among those that are gone: another one lives."""
    assert (
        started(2, on_death=RESTART)
        >> on.StdinChunk(b"a\nb\n")
        << do.Send(0, b"a\n")
        << do.Send(1, b"b\n")
        >> on.DrainRequested(0)
        >> on.NodeEnded(0)
        << do.CloseStdin(0)
        << burial(0)
        >> on.NodeReaped(0)
        >> on.NodeOutput(1, b"\n")
        << do.Send(1, b"a\n")
        >> on.NodeOutput(1, b"\n")
        << do.ReadMore()
        >> on.StdinEnded()
        << finishing(1)
        >> reaped(1)
        << ended()
    )


def test_a_half_closed_node_can_be_drained() -> None:
    """PRE-033: it reads no more, and may finish its head; then it is not restarted."""
    playbook = (
        started(2, on_death=RESTART, prefetch=2)
        >> on.StdinChunk(b"a\nb\nc\n")
        << do.Send(0, b"a\nb\n")
        << do.Send(1, b"c\n")
        << do.ReadMore()
        >> on.NodeUnwritable(0, b"why", 2)
        << do.CloseStdin(0)
        << do.Send(1, b"b\n")
    )
    assert playbook
    assert state_of(playbook, 0) is NodeState.HALF_CLOSED
    assert (
        playbook
        >> on.DrainRequested(0)
        >> on.NodeOutput(0, b"\n")
        << burial(0)
        >> reaped(0)
        >> on.NodeOutput(1, b"\n\n")
        >> on.StdinChunk(b"d\n")
        << do.Send(1, b"d\n")
        << do.ReadMore()
    )


def test_a_node_is_half_closed_while_it_is_drained() -> None:
    assert (
        started(2, on_death=RESTART, prefetch=2)
        >> on.StdinChunk(b"a\nb\nc\n")
        << do.Send(0, b"a\nb\n")
        << do.Send(1, b"c\n")
        << do.ReadMore()
        >> on.DrainRequested(0)
        >> on.NodeUnwritable(0, b"why", 2)
        << do.CloseStdin(0)
        << do.Send(1, b"b\n")
        >> on.NodeOutput(0, b"\n")
        << burial(0)
        >> reaped(0)
        >> on.NodeOutput(1, b"\n\n")
        >> on.StdinEnded()
        << finishing(1)
    )


@pytest.mark.parametrize("wait", [False, True])
def test_a_dead_node_that_is_drained_is_not_restarted(wait: bool) -> None:
    playbook = (
        started(2, on_death=RESTART._replace(wait=wait))
        >> on.NodeEnded(0)
        << do.CloseStdin(0)
        << burial(0)
        << restarting(5.0)
        >> on.NodeReaped(0)
        >> on.DrainRequested(0)
        >> passed(do.Purpose.RESTART)
        >> on.StdinChunk(b"a\n")
        << do.Send(1, b"a\n")
    )
    assert playbook


def test_a_drained_node_leaves_no_dead_one_in_its_place() -> None:
    """Of the idle nodes the next one has to live, or the run ends (END-011)."""
    assert (
        started(3, on_death=RESTART)
        >> on.NodeEnded(1)
        << do.CloseStdin(1)
        << burial(1)
        << restarting(5.0)
        >> on.NodeReaped(1)
        >> on.DrainRequested(0)
        << do.CloseStdin(0)
        >> on.StdinChunk(b"a\n")
        << do.Send(2, b"a\n")
    )


def test_a_dead_node_that_waits_for_the_start_of_another_is_not_restarted() -> None:
    assert (
        started(3, on_death=RESTART)
        >> on.NodeEnded(0)
        << do.CloseStdin(0)
        << burial(0)
        << restarting(5.0)
        >> on.NodeReaped(0)
        >> on.NodeEnded(1)
        << do.CloseStdin(1)
        << burial(1)
        >> on.NodeReaped(1)
        >> passed(do.Purpose.RESTART)
        << do.StartNode(0)
        >> on.DrainRequested(1)
        >> on.NodeStarted(0, FIRST_PID)
        >> on.NodeEnded(2)
        << do.CloseStdin(2)
        << burial(2)
        << restarting(5.0)
    )


def test_a_node_that_is_being_restarted_ends_when_it_is_drained() -> None:
    assert (
        started(2, on_death=RESTART)
        >> on.NodeEnded(0)
        << do.CloseStdin(0)
        << burial(0)
        << restarting(5.0)
        >> on.NodeReaped(0)
        >> passed(do.Purpose.RESTART)
        << do.StartNode(0)
        >> on.DrainRequested(0)
        >> on.NodeStarted(0, FIRST_PID)
        << do.CloseStdin(0)
        >> reaped(0)
        >> on.StdinChunk(b"a\n")
        << do.Send(1, b"a\n")
    )


def test_a_dependant_starts_elsewhere_while_its_node_is_drained() -> None:
    """An idle node is not left idle until the drained one has finished all that it holds."""
    settings = Settings(nodes=names(2), prefetch=2)
    assert (
        Playbook(settings, tasks=AddedTasks(has_status=False))
        >> on.RunStarted()
        << do.StartNode(0)
        << do.ReadMore()
        >> on.NodeStarted(0, FIRST_PID)
        << do.StartNode(1)
        >> on.TaskAdded(1, b"a")
        << do.Send(0, b"a\n")
        << do.ReadMore()
        >> on.TaskAdded(2, b"b")
        << do.Send(0, b"b\n")
        << do.ReadMore()
        >> on.TaskAdded(3, b"after a", (1,))
        << do.ReadMore()
        >> on.NodeStarted(1, FIRST_PID + 1)
        >> on.DrainRequested(0)
        >> on.NodeOutput(0, b"\n")
        << do.Send(1, b"after a\n")
    )


def test_a_second_request_and_one_that_comes_too_late_change_nothing() -> None:
    assert (
        started(2, on_death=RESTART)
        >> on.DrainRequested(0)
        << do.CloseStdin(0)
        >> on.DrainRequested(0)
        >> on.StdinEnded()
        << finishing(1)
        >> on.DrainRequested(1)
        >> reaped(0)
        >> on.DrainRequested(0)
        >> reaped(1)
        << ended()
    )


def test_a_closing_node_is_not_drained_while_another_works() -> None:
    """With ``-Z`` no deadline for a restart is set because of it."""
    assert (
        started(2, on_death=RESTART)
        >> on.StdinChunk(b"a\n")
        << do.Send(0, b"a\n")
        << do.ReadMore()
        >> on.StdinEnded()
        >> on.DrainRequested(1)
        << do.CloseStdin(1)
        >> on.NodeOutput(0, b"\n")
        << finishing(0)
    )


def test_tasks_that_no_node_is_left_for_end_the_run() -> None:
    playbook = (
        started(2)
        >> on.DrainRequested(0)
        << do.CloseStdin(0)
        >> on.DrainRequested(1)
        << do.CloseStdin(1)
        >> on.StdinChunk(b"a\n")
        << do.Report(b"all nodes were drained")
        << stopping()
        >> reaped(0)
        >> reaped(1)
        << ended(status=1)
    )
    assert playbook
    fault = playbook.engine.fault
    assert fault
    assert (fault.blame, fault.reason) == (Blame.NODES, b"all nodes were drained")


def test_a_run_whose_nodes_are_all_drained_ends_with_its_input() -> None:
    assert (
        started(1)
        >> on.DrainRequested(0)
        << do.CloseStdin(0)
        >> on.NodeEnded(0)
        >> on.StdinEnded()
        << finishing()
        >> on.NodeReaped(0)
        << ended()
    )


def test_a_node_with_a_window_of_its_own_is_drained() -> None:
    """``--prefetch auto``: its window does not count any more."""
    playbook = started(2, prefetch=AUTO) >> on.DrainRequested(0) << do.CloseStdin(0)
    assert playbook
    assert playbook.engine._dispatcher.windows._total == 1  # noqa: SLF001


def test_a_stop_closes_the_input_of_a_drained_node_that_works() -> None:
    assert (
        started(1)
        >> on.StdinChunk(b"a\n")
        << do.Send(0, b"a\n")
        >> on.DrainRequested(0)
        << do.ReadMore()
        >> on.StopRequested(15)
        << stopping(0)
        >> reaped(0)
        << do.Exit(signal=15)
    )


def test_the_loss_of_a_drained_node_that_works_ends_a_run_that_needs_it() -> None:
    """END-010: without -z its task would be lost."""
    playbook = (
        started(2)
        >> on.StdinChunk(b"a\n")
        << do.Send(0, b"a\n")
        << do.ReadMore()
        >> on.DrainRequested(0)
        >> on.NodeEnded(0)
        << do.CloseStdin(0)
        << do.Report(b"Node n0 exited unexpectedly")
        << stopping(1)
    )
    assert playbook
