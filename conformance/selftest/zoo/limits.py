"""Faults that show in large runs."""

from __future__ import annotations

import os
from collections.abc import Callable

from conformance.selftest.zoo.mutant import around, breaks, put
from paexec_trio.core.engine import Engine
from paexec_trio.core.events import NodeNotStarted
from paexec_trio.core.states import Step
from paexec_trio.core.tasks import FlatTasks
from paexec_trio.runtime import run
from paexec_trio.runtime.host import Host
from paexec_trio.runtime.process import NodeProcess

SET_SIZE = 1024
"""How many descriptors one can wait for with ``select``."""


@breaks("LIM-001")
def waits_for_few_descriptors_only() -> None:
    @around(Host, "_watch_stdout")
    def watch(right: Callable[..., None], self: Host, process: NodeProcess) -> None:
        if process.stdout < SET_SIZE:
            right(self, process)


def find_out_when_descriptors_run_out() -> None:
    """Do not look at the limit before nodes are started."""
    put(run, "make_room_for", lambda _nodes: True)


@breaks("LIM-005")
def makes_do_with_the_nodes_that_could_be_started() -> None:
    find_out_when_descriptors_run_out()

    @around(Engine, "_node_not_started")
    def not_started(_right: object, self: Engine, event: NodeNotStarted) -> None:
        self._nodes[event.node].step(Step.NOT_STARTED)
        self._report(event.reason)
        self._start_next_node()
        self._dispatch()


@breaks("LIM-005")
def leaves_processes_behind_when_descriptors_run_out() -> None:
    find_out_when_descriptors_run_out()

    @around(Engine, "_node_not_started")
    def not_started(_right: object, _self: Engine, event: NodeNotStarted) -> None:
        os.write(2, event.reason + b"\n")
        os._exit(1)


@breaks("LIM-004")
def remembers_all_tasks() -> None:
    remembered: list[tuple[int, bytes]] = []

    @around(FlatTasks, "take")
    def take(right: Callable[..., tuple[int, bytes]], self: FlatTasks) -> tuple[int, bytes]:
        remembered.append(right(self))
        return remembered[-1]
