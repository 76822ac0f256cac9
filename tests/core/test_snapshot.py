"""Snapshots: they add up at each moment, and a look at a run changes nothing in it."""

from __future__ import annotations

from copy import deepcopy

from hypothesis import given
from hypothesis import strategies as st

from paexec_trio.core import commands as do
from paexec_trio.core import events as on
from paexec_trio.core.addedtasks import AddedTasks
from paexec_trio.core.collecting import Collector
from paexec_trio.core.commands import Command
from paexec_trio.core.engine import Engine
from paexec_trio.core.settings import AUTO, GraphSettings, Reassign, Settings
from paexec_trio.core.snapshot import NodeSnapshot, Snapshot
from paexec_trio.core.states import NodeState
from tests.core.playbook import FIRST_PID, names, started


def test_a_run_at_one_moment() -> None:
    playbook = started(2, prefetch=2, on_death=Reassign()) >> on.StdinChunk(b"a\nb\nc\nd\ne\nf\n")
    assert playbook << do.Send(0, b"a\nb\n") << do.Send(1, b"c\nd\n")
    assert playbook >> on.NodeOutput(1, b"\n") << do.Send(1, b"e\n")
    nodes = (NodeSnapshot(b"n0", NodeState.BUSY, 2), NodeSnapshot(b"n1", NodeState.BUSY, 2))
    assert playbook.engine.snapshot() == Snapshot(1, 0, 4, 1, nodes)
    playbook.engine.handle(on.NodeEnded(0))
    nodes = (NodeSnapshot(b"n0", NodeState.ENDED, 0), NodeSnapshot(b"n1", NodeState.BUSY, 2))
    assert playbook.engine.snapshot() == Snapshot(1, 0, 2, 3, nodes)
    playbook.engine.handle(on.NodeReaped(0))
    assert playbook.engine.snapshot().nodes[0].state is NodeState.REAPED


RESTART = do.Purpose.RESTART
ANSWERS = (b"success\n\n", b"failure\n\n", b"x\nsuccess\n\n", b"\n")


@given(
    nodes=st.integers(1, 3),
    prefetch=st.sampled_from([1, 2, AUTO]),
    has_status=st.booleans(),
    may_die=st.booleans(),
    data=st.data(),
)
def test_snapshots_add_up_and_change_nothing(
    nodes: int,
    prefetch: int,
    has_status: bool,
    may_die: bool,
    data: st.DataObject,
) -> None:
    """Of two engines that see the same events one is asked after each; both do the same."""
    engine = Engine(
        Settings(
            names(nodes),
            prefetch=prefetch,
            graph=GraphSettings(every_line=True) if has_status else None,
            on_death=Reassign(restart_after=1.0, wait=True) if may_die else None,
        ),
        Collector,
        AddedTasks(has_status=has_status),
    )
    unseen = deepcopy(engine)
    added = delivered = dropped = failed = 0
    held = dict.fromkeys(range(nodes), 0)
    living: set[int] = set()
    pending: list[Command] = []
    restarts: list[do.Deadline] = []

    def tell(event: on.Event) -> None:
        nonlocal delivered, dropped, failed
        commands = engine.handle(event)
        assert commands == unseen.handle(event)
        for command in commands:
            if isinstance(command, do.Send):
                held[command.node] += command.data.count(b"\n")
            elif isinstance(command, do.Deliver):
                delivered += 1
                dropped += len(command.dropped)
                failed += command.status is not None and command.status.value != "success"
                held[command.node] -= 1
            elif isinstance(command, do.SetDeadline):
                if command.deadline.purpose is RESTART:
                    restarts.append(command.deadline)
            elif isinstance(command, do.StartNode):
                pending.append(command)
        now = engine.snapshot()
        assert now == engine.snapshot()
        assert now.done == delivered
        assert now.failed == failed
        assert now.in_flight == sum(node.in_flight for node in now.nodes) == sum(held.values())
        assert [node.in_flight for node in now.nodes] == list(held.values())
        known = now.done + now.in_flight + now.waiting + dropped
        # A run that was stopped has dropped the tasks that waited.
        assert known == added if engine.takes_tasks else known <= added

    tell(on.RunStarted())
    for _ in range(data.draw(st.integers(1, 25), "steps")):
        possible = ["add"]
        if restarts:
            possible.append("restart")
        if pending:
            possible.append("start")
        if any(held.values()):
            possible.append("answer")
        if living:
            possible += ["die", "drain"]
        step = data.draw(st.sampled_from(possible), "step")
        if step == "add":
            added += 1
            tell(on.TaskAdded(added, b"%d" % added))
        elif step == "start":
            command = pending.pop()
            assert isinstance(command, do.StartNode)
            living.add(command.node)
            tell(on.NodeStarted(command.node, FIRST_PID))
        elif step == "restart":
            tell(on.DeadlinePassed(restarts.pop()))
        elif step == "answer":
            node = data.draw(st.sampled_from([n for n, count in held.items() if count]), "node")
            tell(on.NodeOutput(node, data.draw(st.sampled_from(ANSWERS), "answer")))
        else:
            node = data.draw(st.sampled_from(sorted(living)), "node")
            if step == "drain":
                tell(on.DrainRequested(node))
                continue
            living.discard(node)
            held[node] = 0
            tell(on.NodeEnded(node))
            tell(on.NodeReaped(node, status=1))
