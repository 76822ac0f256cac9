"""The work for a node does not grow with the number of nodes: starts, ends, deaths, restarts."""

from __future__ import annotations

from collections.abc import Callable
from time import process_time
from typing import final

import pytest

from paexec_trio.core import commands as do
from paexec_trio.core import events as on
from paexec_trio.core.engine import Engine
from paexec_trio.core.settings import AUTO, Reassign, Settings

FEW = 1000
TIMES = 5
"""By what the number of nodes grows. Work that is quadratic grows by the square, 25."""

MOST = 10
"""By what the processor time may grow: five times, and what memory and a busy machine add."""


@final
class Fleet:
    """Nodes in memory that do what the engine tells them at once."""

    def __init__(
        self,
        nodes: int,
        on_death: Reassign | None = None,
        prefetch: int = 1,
        *,
        first: on.Event | None = None,
        fail_to_start: bool = False,
    ) -> None:
        self.nodes = nodes
        self.engine = Engine(Settings((b"n",) * nodes, on_death=on_death, prefetch=prefetch))
        self.fail_to_start = fail_to_start
        self.has_exited = False
        self.sent = 0
        self.holders: list[int] = []
        self.closed: list[int] = []
        commands = self.engine.handle(on.RunStarted())
        if first:
            commands += self.engine.handle(first)
        self._obey_all(commands)

    def happened(self, event: on.Event) -> None:
        """Let an event happen, and the starts that follow from it."""
        self._obey_all(self.engine.handle(event))

    def _obey_all(self, commands: list[do.Command]) -> None:
        while commands:
            started = [self._obey(command) for command in commands]
            commands = [
                command for event in started if event for command in self.engine.handle(event)
            ]

    def _obey(self, command: do.Command) -> on.Event | None:
        if type(command) is do.StartNode:
            if self.fail_to_start:
                return on.NodeNotStarted(command.node, b"no")
            return on.NodeStarted(command.node, 1)
        if type(command) is do.Send:
            self.sent += 1
            self.holders.append(command.node)
        elif type(command) is do.CloseStdin:
            self.closed.append(command.node)
        elif type(command) is do.Exit:
            self.has_exited = True
        return None

    def end_all(self) -> None:
        """Let the processes of all nodes end, one by one, the last node first."""
        for node in reversed(range(self.nodes)):
            self.happened(on.NodeEnded(node))
        for node in reversed(range(self.nodes)):
            self.happened(on.NodeReaped(node))


def an_empty_input(nodes: int) -> None:
    fleet = Fleet(nodes, Reassign())
    fleet.happened(on.StdinEnded())
    assert len(fleet.closed) == nodes
    fleet.end_all()
    fleet.happened(on.OutputDrained())
    assert fleet.has_exited


def an_input_that_ends_first(nodes: int) -> None:
    """As it is with a file: nodes are started one by one when nothing is left to do."""
    fleet = Fleet(nodes, Reassign(), first=on.StdinEnded())
    assert len(fleet.closed) == nodes
    fleet.end_all()
    fleet.happened(on.OutputDrained())
    assert fleet.has_exited


def a_task_for_each(nodes: int) -> None:
    """The input ends while all are at work."""
    fleet = Fleet(nodes, Reassign())
    fleet.happened(on.StdinChunk(b"t\n" * nodes))
    assert fleet.sent == nodes
    fleet.happened(on.StdinEnded())
    for node in range(nodes):
        fleet.happened(on.NodeOutput(node, b"r\n\n"))
    fleet.end_all()
    fleet.happened(on.OutputDrained())
    assert fleet.has_exited


def deaths_of_idle_nodes(nodes: int) -> None:
    fleet = Fleet(nodes, Reassign())
    fleet.end_all()
    fleet.happened(on.StdinChunk(b"t\n"))
    assert fleet.sent == 0


def deaths_at_work(nodes: int) -> None:
    """One task goes from node to node."""
    fleet = Fleet(nodes, Reassign())
    fleet.happened(on.StdinChunk(b"t\n"))
    fleet.happened(on.StdinEnded())
    for _ in range(nodes):
        node = fleet.holders[-1]
        fleet.happened(on.NodeEnded(node))
        fleet.happened(on.NodeReaped(node))
    assert fleet.sent == nodes


def restarts(nodes: int) -> None:
    fleet = Fleet(nodes, Reassign(restart_after=1, wait=True))
    for _ in range(2):
        fleet.end_all()
        fleet.happened(on.DeadlinePassed(do.Deadline(do.Purpose.RESTART)))
    fleet.happened(on.StdinChunk(b"t\n" * nodes))
    assert sorted(fleet.holders) == list(range(nodes))


def failures_to_start(nodes: int) -> None:
    fleet = Fleet(nodes, Reassign(), first=on.StdinChunk(b"t\n"), fail_to_start=True)
    fleet.happened(on.OutputDrained())
    assert fleet.has_exited
    assert fleet.sent == 0


def a_stop(nodes: int) -> None:
    fleet = Fleet(nodes)
    fleet.happened(on.StopRequested(15))
    assert len(fleet.closed) == nodes
    fleet.end_all()
    assert fleet.has_exited


def tasks_one_by_one(prefetch: int) -> Callable[[int], None]:
    def run(nodes: int) -> None:
        fleet = Fleet(nodes, Reassign(), prefetch)
        for _ in range(nodes):
            fleet.happened(on.StdinChunk(b"t\n"))
        assert fleet.holders == list(range(nodes))

    return run


@pytest.mark.parametrize(
    "scene",
    [
        an_empty_input,
        an_input_that_ends_first,
        a_task_for_each,
        deaths_of_idle_nodes,
        deaths_at_work,
        restarts,
        failures_to_start,
        a_stop,
        pytest.param(tasks_one_by_one(1), id="tasks"),
        pytest.param(tasks_one_by_one(3), id="tasks-prefetch"),
        pytest.param(tasks_one_by_one(AUTO), id="tasks-auto"),
    ],
)
def test_the_work_is_linear(scene: Callable[[int], None]) -> None:
    """Processor time, not time; the best of several, since others use the caches."""

    def seconds(nodes: int) -> float:
        best = float("inf")
        for _ in range(4):
            before = process_time()
            scene(nodes)
            best = min(best, process_time() - before)
        return best

    assert seconds(FEW * TIMES) < MOST * seconds(FEW)
