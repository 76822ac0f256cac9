"""Faults in tasks that wait at nodes."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from math import inf
from typing import Any

from paexec_trio.cli import invocation
from paexec_trio.core import windowcontrol, windows
from paexec_trio.core.dispatching import Dispatcher
from paexec_trio.core.faults import Blame
from paexec_trio.core.framing import ResultFramer
from paexec_trio.core.nodes import Attempt, Node
from paexec_trio.core.printing import Printer
from paexec_trio.core.reading import Reader
from paexec_trio.core.settings import AUTO, Settings
from paexec_trio.core.status import Status
from paexec_trio.core.tasks import FlatTasks, GraphTasks
from paexec_trio.core.windowcontrol import WindowController
from paexec_trio.core.windows import Windows
from paexec_trio.core.wire import Wire
from paexec_trio.runtime.children import Children
from paexec_trio.runtime.process import NodeProcess
from tests.simulation.violations import Kind
from tests.zoo.mutant import breaks, shows_as
from tests.zoo.planting import Piece, around, change_results, instead, put

Tasks = list[tuple[int, bytes]]
TakeSeveral = Callable[..., Tasks]
Read = Callable[[bytes], int]


# The option


@breaks("PRE-002")
def takes_what_the_language_takes_for_a_number_of_tasks() -> None:
    @instead(invocation, "_prefetch")
    def read(right: Read, value: bytes) -> int:
        with suppress(ValueError, UnicodeDecodeError):
            return max(1, int(value.decode()))
        return right(value)


@breaks("PRE-002")
def takes_no_task_for_as_many_as_are_good() -> None:
    @instead(invocation, "_prefetch")
    def read(right: Read, value: bytes) -> int:
        return AUTO if value == b"0" else right(value)


@breaks("PRE-003")
def prefetches_unless_it_is_told_not_to() -> None:
    @instead(invocation, "interpret")
    def interpret(
        right: Callable[..., object], program: str, options: list[tuple[str, bytes]], *rest: object
    ) -> object:
        return right(program, [("--prefetch", b"2"), *options], *rest)


@breaks("PRE-003", "PRE-010")
def queues_as_many_tasks_as_a_node_may_hold() -> None:
    @instead(invocation, "_prefetch")
    def read(right: Read, value: bytes) -> int:
        depth = right(value)
        return depth if depth == AUTO else depth + 1


# Dispatch


@shows_as(Kind.WAITING)
@breaks("PRE-011")
def sends_further_tasks_when_all_are_done() -> None:
    @around(Windows, "tasks_sent")
    def sent(right: Callable[..., None], self: Windows, node: Node, *rest: object) -> None:
        right(self, node, *rest)
        self.not_full.discard(node.index)

    put(Windows, "should_refill", lambda _self, _node: False)


@shows_as(Kind.MISORDERED)
@breaks("PRE-012")
def fills_the_first_node_first() -> None:
    def spread(held: Sequence[int], limits: Sequence[int], tasks: int) -> list[int]:
        given = []
        for count, limit in zip(held, limits, strict=True):
            given.append(min(max(0, limit - count), tasks))
            tasks -= given[-1]
        return given

    put(windows, "spread_evenly", spread)


@breaks("PRE-014")
def takes_a_short_write_for_a_whole_one() -> None:
    @around(Children, "send")
    def send(right: Callable[..., None], self: Children, process: NodeProcess, data: bytes) -> None:
        try:
            os.write(process.stdin, data)
        except OSError:
            right(self, process, data)


@breaks("PRE-014")
def sends_tasks_before_what_is_left_of_earlier_ones() -> None:
    @around(Children, "send")
    def send(right: Callable[..., None], self: Children, process: NodeProcess, data: bytes) -> None:
        if process.unsent.size:
            process.unsent._pieces.appendleft(data)  # noqa: SLF001
            process.unsent.size += len(data)
        else:
            right(self, process, data)


@breaks("PRE-015")
def queues_dependants_behind_what_they_depend_on() -> None:
    done = GraphTasks.done

    @around(GraphTasks, "take_several")
    def take_several(right: TakeSeveral, self: GraphTasks, count: int) -> Tasks:
        tasks = right(self, count)
        for task_id, _ in tasks:
            done(self, task_id, Status.SUCCESS)
        return tasks

    put(
        GraphTasks,
        "done",
        lambda self, task, status: [] if status is Status.SUCCESS else done(self, task, status),
    )


@breaks("PRE-016")
def queues_no_commands() -> None:
    @around(Dispatcher, "__init__")
    def init(right: Callable[..., None], self: Dispatcher, settings: Settings, *parts: Any) -> None:
        wire: Wire = parts[-1]
        right(self, settings._replace(prefetch=1) if wire.exec_mode else settings, *parts)


@breaks("PRE-017")
def drops_queued_tasks_when_one_is_refused() -> None:
    @around(Reader, "fail")
    def fail(_right: object, self: Reader, reason: bytes) -> None:
        self._ending.fail(reason, Blame.CALLER)


@breaks("PRE-017")
def drops_queued_commands_when_one_is_refused() -> None:
    @around(Reader, "fail")
    def fail(right: Callable[..., None], self: Reader, reason: bytes) -> None:
        if b"NUL" in reason:
            self._ending.fail(reason, Blame.CALLER)
        else:
            right(self, reason)


@breaks("PRE-017")
def refuses_what_would_be_sent_together_with_a_bad_task() -> None:
    put(FlatTasks, "count_ready", lambda self: len(self.ready))

    @around(FlatTasks, "take_several")
    def take_several(_right: object, self: FlatTasks, count: int) -> Tasks:
        return [self.take() for _ in range(count)]


# Finding the number


@shows_as(Kind.CROWDED)
@breaks("PRE-040")
def begins_with_several_tasks() -> None:
    @around(WindowController, "__init__")
    def init(right: Callable[..., None], self: WindowController) -> None:
        right(self)
        self.window = 4


@breaks("PRE-041")
def never_finds_that_a_link_is_slow() -> None:
    @around(WindowController, "answered")
    def answered(right: Callable[..., None], self: WindowController, *rest: object) -> None:
        right(self, *rest)
        self.window = 1


@breaks("PRE-042")
def fills_queues_also_towards_the_end() -> None:
    @around(Windows, "divide")
    def divide(
        right: Callable[..., list[int]], self: Windows, nodes: Sequence[int], tasks: int, _: int
    ) -> list[int]:
        return right(self, nodes, tasks, 1)


# Results


@breaks("PRE-020")
def takes_results_for_those_of_the_tasks_that_came_last() -> None:
    @around(Dispatcher, "give")
    def give(right: Callable[..., bool], self: Dispatcher, node: Node, count: int) -> bool:
        before = len(node.attempts)
        was_enough = right(self, node, count)
        node.attempts.rotate(len(node.attempts) - before)
        return was_enough


@breaks("PRE-020")
def drops_what_follows_on_an_eot() -> None:
    def change(_framer: ResultFramer, piece: Piece) -> Piece:
        line, lines, rest = piece
        return line, lines, rest if rest is None else b""

    change_results(change)


@shows_as(Kind.MISORDERED, Kind.FABRICATED, Kind.DUPLICATED)
@breaks("PRE-021", "PRE-022")
def prints_task_lines_when_tasks_are_dispatched() -> None:
    printed: set[Attempt] = set()

    @around(Printer, "begun")
    def begun(right: Callable[..., None], self: Printer, node: Node, attempt: Attempt) -> None:
        if attempt not in printed:
            printed.add(attempt)
            right(self, node, attempt)

    @around(Dispatcher, "give")
    def give(right: Callable[..., bool], self: Dispatcher, node: Node, count: int) -> bool:
        was_enough = right(self, node, count)
        for attempt in node.attempts:
            self._outlet.begun(node, attempt)
        return was_enough


@breaks("PRE-021")
def prints_the_task_line_with_the_result() -> None:
    waiting: dict[Attempt, Node] = {}
    begun = Printer.begun
    put(Printer, "begun", lambda _self, node, attempt: waiting.update({attempt: node}))

    @around(Printer, "write")
    def write(right: Callable[..., None], self: Printer, attempt: Attempt, data: bytes) -> None:
        if attempt in waiting:
            begun(self, waiting.pop(attempt), attempt)
        right(self, attempt, data)


# Death


@shows_as(Kind.FABRICATED, Kind.DUPLICATED, Kind.MISORDERED)
@breaks("PRE-030")
def counts_queued_tasks_as_attempted() -> None:
    put(Dispatcher, "take_back_queued", lambda _self, _node: None)


@shows_as(Kind.LOST, Kind.WAITING, Kind.MISORDERED)
@breaks("PRE-031")
def loses_the_queued_tasks_of_a_dead_node() -> None:
    @around(Dispatcher, "take_back_queued")
    def take_back(_right: object, _self: Dispatcher, node: Node) -> None:
        while len(node.attempts) > 1:
            node.attempts.pop()


@breaks("PRE-031")
def dispatches_new_tasks_before_those_that_were_queued_at_a_dead_node() -> None:
    @around(Dispatcher, "give")
    def give(right: Callable[..., bool], self: Dispatcher, node: Node, count: int) -> bool:
        later = self.waiting.to_reassign
        if self._tasks.count_ready():
            self.waiting.to_reassign = []
        was_enough = right(self, node, count)
        self.waiting.to_reassign = later
        return was_enough


@shows_as(Kind.FABRICATED, Kind.LOST, Kind.MISORDERED, Kind.DUPLICATED)
@breaks("PRE-033")
def ends_nodes_that_read_no_further_task() -> None:
    put(Wire, "queued_octets", lambda _self, _node: 0)


@breaks("PRE-043")
def auto_lets_long_tasks_wait_at_a_node() -> None:
    put(windowcontrol, "LONG_TASK_SECONDS", inf)
    put(windowcontrol, "MAX_QUEUED_SECONDS", inf)


@shows_as(Kind.CROWDED)
@breaks("PRE-010")
def sends_one_task_too_many() -> None:
    @instead(windows, "spread_evenly")
    def spread(
        right: Callable[..., list[int]], held: Sequence[int], limits: Sequence[int], tasks: int
    ) -> list[int]:
        return right(held, [limit + 1 for limit in limits], tasks)
