"""Faults that show in large runs."""

from __future__ import annotations

import os
import resource
from collections.abc import Callable, Mapping

from paexec_trio.cli import invocation
from paexec_trio.core.engine import Engine
from paexec_trio.core.events import NodeNotStarted
from paexec_trio.core.faults import Blame
from paexec_trio.core.fleet import Fleet
from paexec_trio.core.framing import NEWLINE
from paexec_trio.core.nodes import Attempt, Node
from paexec_trio.core.printing import Printer
from paexec_trio.core.results import Results
from paexec_trio.core.settings import Settings
from paexec_trio.core.tasks import FlatTasks, RefusedTaskError
from paexec_trio.runtime import run
from paexec_trio.runtime.children import Children
from paexec_trio.runtime.process import NodeProcess
from paexec_trio.runtime.run import Run
from tests.zoo.mutant import breaks
from tests.zoo.planting import around, change_tasks, instead, put


@breaks("LIM-002")
def cuts_tasks_at_4096_octets() -> None:
    change_tasks(lambda task: task[:4096])


SET_SIZE = 1024
"""How many descriptors one can wait for with ``select``."""


@breaks("LIM-001")
def waits_for_few_descriptors_only() -> None:
    @around(Children, "_watch_stdout")
    def watch(right: Callable[..., None], self: Children, process: NodeProcess) -> None:
        if process.stdout < SET_SIZE:
            right(self, process)


def find_out_when_descriptors_run_out() -> None:
    """Do not look at the limit before nodes are started."""
    put(run, "make_room_for", lambda _nodes: True)


@breaks("LIM-005")
def makes_do_with_the_nodes_that_could_be_started() -> None:
    find_out_when_descriptors_run_out()

    @around(Engine, "__init__")
    def init(
        right: Callable[..., None], self: Engine, settings: Settings, **options: object
    ) -> None:
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        right(self, settings._replace(nodes=settings.nodes[: (soft - 64) // 3]), **options)


@breaks("LIM-005")
def leaves_processes_behind_when_descriptors_run_out() -> None:
    find_out_when_descriptors_run_out()

    @around(Fleet, "not_started")
    def not_started(_right: object, _self: Fleet, event: NodeNotStarted) -> bool:
        os.write(2, event.reason + b"\n")
        os._exit(1)


@breaks("LIM-004")
def remembers_all_tasks() -> None:
    remembered: list[tuple[int, bytes]] = []

    @around(FlatTasks, "take")
    def take(right: Callable[..., tuple[int, bytes]], self: FlatTasks) -> tuple[int, bytes]:
        remembered.append(right(self))
        return remembered[-1]


@breaks("LIM-006")
def takes_blank_lines_into_memory_at_once() -> None:
    @around(Printer, "blank_lines")
    def blank_lines(_right: object, self: Printer, attempt: Attempt, count: int) -> None:
        self.write(attempt, (attempt.prefix + NEWLINE) * count)


def limit_lines(change: Callable[[int], int]) -> None:
    """Take another limit for the one that is given."""

    @instead(invocation, "line_limit")
    def limit(right: Callable[..., int], values: Mapping[str, bytes]) -> int:
        return change(right(values))


@breaks("LIM-012", "LIM-013", "LIM-014")
def takes_lines_of_any_length() -> None:
    limit_lines(lambda _limit: 1 << 40)


@breaks("LIM-015")
def takes_no_line_of_the_size_of_the_limit() -> None:
    limit_lines(lambda limit: max(1, limit - 1))


@breaks("LIM-011")
def takes_thousands_for_a_k() -> None:
    limit_lines(lambda limit: limit * 1000 >> 10 if not limit % 1024 else limit)


@breaks("LIM-013")
def ends_the_run_for_a_long_line() -> None:
    @around(Results, "refuse_long_line")
    def refuse(_right: object, self: Results, node: Node) -> None:
        self._ending.fail(b"line limit of 2048 octets at " + node.name, Blame.CALCULATOR)


@breaks("LIM-014")
def drops_the_tasks_before_a_long_one() -> None:
    @around(FlatTasks, "feed")
    def feed(right: Callable[..., None], self: FlatTasks, chunk: bytes) -> None:
        try:
            right(self, chunk)
        except RefusedTaskError:
            self.abandon()
            raise


@breaks("LIM-016")
def leaves_calculators_when_memory_runs_out() -> None:
    @around(Run, "give_up")
    def give_up(right: Callable[..., None], self: Run, problem: bytes) -> None:
        right(self, problem)
        os._exit(1)
