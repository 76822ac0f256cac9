"""Nodes that join while a run goes on, and those that are not wanted any more."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paexec_trio.core import commands as do
from paexec_trio.core import events as on
from paexec_trio.core.accounting import Accounting, LogSettings
from paexec_trio.core.engine import Engine
from paexec_trio.core.nodenames import LOCAL
from paexec_trio.core.settings import AUTO, GraphSettings, Reassign, Settings
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


def test_a_node_that_joins_is_started_and_gets_a_task_that_waits() -> None:
    assert (
        started(1)
        >> on.StdinChunk(b"a\nb\n")
        << do.Send(0, b"a\n")
        >> on.NodeAdded(b"new")
        << do.AddNode(b"new")
        << do.StartNode(1)
        >> on.NodeStarted(1, 7)
        << do.Send(1, b"b\n")
        >> on.NodeOutput(1, b"of b\n\n")
        << do.Write(b"of b\n")
        << do.ReadMore()
        >> on.StdinEnded()
        << do.CloseStdin(1)
        >> on.NodeOutput(0, b"\n")
        << finishing(0)
        >> reaped(0)
        >> reaped(1)
        << ended()
    )


def test_a_node_that_joins_while_others_start_waits_for_them() -> None:
    playbook = Playbook(Settings(nodes=names(2)))
    assert (
        playbook
        >> on.RunStarted()
        << do.StartNode(0)
        << do.ReadMore()
        >> on.NodeAdded(b"c")
        << do.AddNode(b"c")
        >> on.NodeStarted(0, FIRST_PID)
        << do.StartNode(1)
        >> on.NodeStarted(1, FIRST_PID)
        << do.StartNode(2)
        >> on.NodeStarted(2, FIRST_PID)
    )


def test_a_node_that_joins_before_the_graph_is_read_starts_with_the_others() -> None:
    playbook = Playbook(Settings(nodes=names(1), graph=GraphSettings()))
    assert (
        playbook
        >> on.RunStarted()
        << do.ReadMore()
        >> on.NodeAdded(b"c")
        << do.AddNode(b"c")
        >> on.StdinChunk(b"a\nb\n")
        << do.ReadMore()
        >> on.StdinEnded()
        << do.StartNode(0)
        >> on.NodeStarted(0, FIRST_PID)
        << do.StartNode(1)
        << do.Send(0, b"a\n")
        >> on.NodeStarted(1, FIRST_PID)
        << do.Send(1, b"b\n")
    )


def test_a_node_that_joined_is_restarted_as_others() -> None:
    assert (
        started(1, on_death=RESTART)
        >> on.NodeAdded(b"c")
        << do.AddNode(b"c")
        << do.StartNode(1)
        >> on.NodeStarted(1, 7)
        >> on.NodeEnded(1)
        << do.CloseStdin(1)
        << burial(1)
        << restarting(5.0)
        >> on.NodeReaped(1)
        << do.SetDeadline(do.Deadline(do.Purpose.RESTART, 1), 5.0)
        >> passed(do.Purpose.RESTART, 1)
        << do.StartNode(1)
    )


def test_a_node_that_joins_is_not_restarted_too_early() -> None:
    """RST-005: others died before it was started, and have their deadline."""
    assert (
        started(2, on_death=RESTART)
        >> on.NodeEnded(0)
        << do.CloseStdin(0)
        << burial(0)
        << restarting(5.0)
        >> on.NodeReaped(0)
        >> on.NodeAdded(b"c")
        << do.AddNode(b"c")
        << do.StartNode(2)
        >> on.NodeStarted(2, 7)
        >> on.NodeEnded(2)
        << do.CloseStdin(2)
        << burial(2)
        >> on.NodeReaped(2)
        << do.SetDeadline(do.Deadline(do.Purpose.RESTART, 2), 5.0)
        >> passed(do.Purpose.RESTART)
        << do.StartNode(0)
        >> on.NodeStarted(0, 8)
        << restarting(5.0)
        >> passed(do.Purpose.RESTART, 2)
        << do.StartNode(2)
    )


def test_a_node_that_joins_has_a_window_of_its_own() -> None:
    """``--prefetch auto``."""
    playbook = (
        started(1, prefetch=AUTO)
        >> on.NodeAdded(b"c")
        << do.AddNode(b"c")
        << do.StartNode(1)
        >> on.NodeStarted(1, 7)
    )
    assert playbook
    assert playbook.engine._dispatcher.windows._total == 2  # noqa: SLF001


def test_a_node_can_join_when_all_others_are_being_drained() -> None:
    """The run needs one, and has one."""
    assert (
        started(1)
        >> on.StdinChunk(b"a\nb\n")
        << do.Send(0, b"a\n")
        >> on.DrainRequested(0)
        >> on.NodeAdded(b"c")
        << do.AddNode(b"c")
        << do.StartNode(1)
        >> on.NodeOutput(0, b"\n")
        << do.CloseStdin(0)
        >> on.NodeStarted(1, 7)
        << do.Send(1, b"b\n")
    )


@pytest.mark.parametrize("event", [on.NodeAdded(b"c"), on.NodesWanted((b"c",))])
def test_no_node_joins_a_run_that_is_stopped(event: on.Event) -> None:
    assert started(1) >> on.StopRequested(15) << stopping(0) >> event


@pytest.mark.parametrize("event", [on.NodeAdded(b"c"), on.NodesWanted((b"c",))])
def test_no_node_joins_when_the_last_tasks_are_done(event: on.Event) -> None:
    """HST-024."""
    assert (
        started(2)
        >> on.StdinChunk(b"a\n")
        << do.Send(0, b"a\n")
        << do.ReadMore()
        >> on.StdinEnded()
        << do.CloseStdin(1)
        >> event
        >> on.NodeOutput(0, b"\n")
        << finishing(0)
        >> event
    )


def test_a_node_joins_for_a_task_that_may_be_tried_again() -> None:
    """With -z the last task may need another node."""
    assert (
        started(1, on_death=Reassign())
        >> on.StdinChunk(b"a\n")
        << do.Send(0, b"a\n")
        >> on.StdinEnded()
        >> on.NodeAdded(b"c")
        << do.AddNode(b"c")
        << do.StartNode(1)
        >> on.NodeStarted(1, 7)
        >> on.NodeEnded(0)
        << do.CloseStdin(0)
        << do.Write(b"fatal\n")
        << burial(0)
        << do.Send(1, b"a\n")
    )


def test_wanted_nodes_are_added_before_others_are_drained() -> None:
    """HST-023: of several nodes of one name the last one goes; new ones have new indices."""
    playbook = started(2) >> on.NodesWanted((b"n1", b"n2", b"n1"))
    assert (
        playbook
        << do.AddNode(b"n1")
        << do.StartNode(2)
        << do.AddNode(b"n2")
        << do.CloseStdin(0)
        >> on.NodeStarted(2, 7)
        << do.StartNode(3)
        >> on.NodeStarted(3, 8)
        >> on.NodesWanted((b"n1", b"n2"))
        << do.CloseStdin(2)
    )


def test_a_drained_node_that_is_wanted_again_is_a_new_one() -> None:
    assert (
        started(2)
        >> on.NodesWanted((b"n0",))
        << do.CloseStdin(1)
        >> on.NodesWanted((b"n0", b"n1"))
        << do.AddNode(b"n1")
        << do.StartNode(2)
    )


def test_a_dead_node_that_is_wanted_is_not_replaced() -> None:
    """-Z restarts it, and without -Z it stays dead."""
    assert (
        started(2, on_death=Reassign())
        >> on.NodeEnded(0)
        << do.CloseStdin(0)
        << burial(0)
        >> on.NodesWanted((b"n1", b"n0"))
    )


def test_a_node_on_this_machine_is_another_one_than_a_host_of_that_name() -> None:
    """HST-003."""
    settings = Settings(nodes=(b"localhost",))
    playbook = Playbook(settings) >> on.RunStarted() << do.StartNode(0) << do.ReadMore()
    assert (
        playbook
        >> on.NodeStarted(0, FIRST_PID)
        >> on.NodesWanted((LOCAL,))
        << do.AddNode(LOCAL)
        << do.StartNode(1)
        << do.CloseStdin(0)
    )


def test_the_log_names_a_node_that_joined() -> None:
    accounting = Accounting(log=LogSettings(b"log"))
    engine = Engine(Settings(nodes=(b"a",), accounting=accounting))
    events: list[on.Event] = [
        on.RunStarted(),
        on.NodeAdded(b"b\t"),
        on.NodeStarted(0, 1),
        on.NodeStarted(1, 2),
        on.StdinChunk(b"1\n2\n3\n"),
        on.NodeOutput(1, b"\n"),
    ]
    commands = [command for event in events for command in engine.handle(event)]
    (logged,) = [command for command in commands if isinstance(command, do.LogAttempt)]
    assert logged.entry.node == b"b\t"


NAMES = st.lists(st.sampled_from([b"a", b"b", b"c"]), min_size=1, max_size=5)


@given(NAMES, st.lists(NAMES, max_size=5))
def test_a_run_has_the_nodes_that_were_wanted_last(
    first: list[bytes], changes: list[list[bytes]]
) -> None:
    """The wishes of before do not count; no command but these follows."""
    engine = Engine(Settings(nodes=tuple(first)))
    engine.handle(on.RunStarted())
    known = list(first)
    for index in range(len(first)):
        engine.handle(on.NodeStarted(index, 1))
    for wanted in changes:
        pending = engine.handle(on.NodesWanted(tuple(wanted)))
        while pending:
            command = pending.pop(0)
            if isinstance(command, do.AddNode):
                known.append(command.name)
            elif isinstance(command, do.StartNode):
                pending += engine.handle(on.NodeStarted(command.node, 1))
            else:
                assert isinstance(command, do.CloseStdin)
        living = [node.name for node in engine.snapshot().nodes if node.state.name == "IDLE"]
        assert sorted(living) == sorted(wanted)
        assert [node.name for node in engine.snapshot().nodes] == known
