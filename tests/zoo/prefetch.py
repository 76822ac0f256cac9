"""Faults in tasks that wait at nodes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress

from paexec_trio.cli import invocation
from paexec_trio.core import prefetch
from paexec_trio.core.engine import Engine
from paexec_trio.core.framing import ResultFramer
from paexec_trio.core.nodes import Attempt, Node
from paexec_trio.core.pace import Pace
from paexec_trio.core.prefetch import Depths
from paexec_trio.core.settings import AUTO, Settings
from paexec_trio.core.status import Status
from paexec_trio.core.tasks import FlatTasks, GraphTasks
from paexec_trio.runtime.host import Host
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
    @around(Depths, "tasks_sent")
    def sent(right: Callable[..., None], self: Depths, node: Node, *rest: object) -> None:
        right(self, node, *rest)
        self.roomy.discard(node.index)

    put(Depths, "is_to_be_filled", lambda _self, _node: False)


@shows_as(Kind.MISORDERED)
@breaks("PRE-012")
def fills_the_first_node_first() -> None:
    def shares(held: Sequence[int], most: Sequence[int], tasks: int) -> list[int]:
        given = []
        for count, limit in zip(held, most, strict=True):
            given.append(min(max(0, limit - count), tasks))
            tasks -= given[-1]
        return given

    put(prefetch, "shares", shares)


@breaks("PRE-014")
def takes_a_short_write_for_a_whole_one() -> None:
    @around(Host, "_send_to")
    def send(right: Callable[..., None], self: Host, process: NodeProcess, data: bytes) -> None:
        try:
            os.write(process.stdin, data)
        except OSError:
            right(self, process, data)


@breaks("PRE-014")
def sends_tasks_before_what_is_left_of_earlier_ones() -> None:
    @around(Host, "_send_to")
    def send(right: Callable[..., None], self: Host, process: NodeProcess, data: bytes) -> None:
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
    @around(Engine, "__init__")
    def init(right: Callable[..., None], self: Engine, settings: Settings) -> None:
        right(self, settings)
        if settings.exec_mode:
            self._depths = Depths(self._nodes, 1)


@breaks("PRE-017")
def drops_queued_tasks_when_one_is_refused() -> None:
    @around(Engine, "_fail_input")
    def fail(_right: object, self: Engine, reason: bytes) -> None:
        self._fail(reason)


@breaks("PRE-017")
def drops_queued_commands_when_one_is_refused() -> None:
    @around(Engine, "_fail_input")
    def fail(right: Callable[..., None], self: Engine, reason: bytes) -> None:
        if self._settings.exec_mode:
            self._fail(reason)
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
    @around(Pace, "__init__")
    def init(right: Callable[..., None], self: Pace) -> None:
        right(self)
        self.depth = 4


@breaks("PRE-041")
def never_finds_that_a_link_is_slow() -> None:
    put(Pace, "_decide", lambda _self, _seconds: None)


@breaks("PRE-042")
def fills_queues_also_towards_the_end() -> None:
    @around(Depths, "divide")
    def divide(
        right: Callable[..., list[int]], self: Depths, nodes: Sequence[int], tasks: int, _: int
    ) -> list[int]:
        return right(self, nodes, tasks, 1)


# Results


@breaks("PRE-020")
def takes_results_for_those_of_the_tasks_that_came_last() -> None:
    @around(Engine, "_give")
    def give(right: Callable[..., bool], self: Engine, node: Node, count: int) -> bool:
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
    printed: set[int] = set()

    @around(Engine, "_print_task")
    def print_task(right: Callable[..., None], self: Engine, attempt: Attempt) -> None:
        if attempt.task_id not in printed:
            printed.add(attempt.task_id)
            right(self, attempt)

    @around(Engine, "_give")
    def give(right: Callable[..., bool], self: Engine, node: Node, count: int) -> bool:
        was_enough = right(self, node, count)
        if self._settings.print_task:
            for attempt in node.attempts:
                self._print_task(attempt)
        return was_enough


@breaks("PRE-021")
def prints_the_task_line_with_the_result() -> None:
    waiting: set[int] = set()
    print_task = Engine._print_task  # noqa: SLF001
    put(Engine, "_print_task", lambda _self, attempt: waiting.add(id(attempt)))

    @around(Engine, "_print")
    def write(right: Callable[..., None], self: Engine, attempt: Attempt, data: bytes) -> None:
        if id(attempt) in waiting:
            waiting.remove(id(attempt))
            print_task(self, attempt)
        right(self, attempt, data)


# Death


@shows_as(Kind.FABRICATED, Kind.DUPLICATED, Kind.MISORDERED)
@breaks("PRE-030")
def counts_queued_tasks_as_attempted() -> None:
    @around(Engine, "_take_back_queued")
    def take_back(_right: object, _self: Engine, _node: Node) -> None:
        pass


@shows_as(Kind.LOST, Kind.WAITING, Kind.MISORDERED)
@breaks("PRE-031")
def loses_the_queued_tasks_of_a_dead_node() -> None:
    @around(Engine, "_take_back_queued")
    def take_back(_right: object, _self: Engine, node: Node) -> None:
        while len(node.attempts) > 1:
            node.attempts.pop()


@breaks("PRE-031")
def dispatches_new_tasks_before_those_that_were_queued_at_a_dead_node() -> None:
    @around(Engine, "_take_several")
    def take_several(right: TakeSeveral, self: Engine, count: int) -> Tasks:
        if not self._tasks.count_ready():
            return right(self, count)
        self._to_reassign, later = [], self._to_reassign
        tasks = right(self, count)
        self._to_reassign = later
        return tasks


@shows_as(Kind.FABRICATED, Kind.LOST, Kind.MISORDERED, Kind.DUPLICATED)
@breaks("PRE-033")
def ends_nodes_that_read_no_further_task() -> None:
    @around(Engine, "_sizes_of_queued")
    def sizes(_right: object, _self: Engine, _node: Node) -> Iterator[int]:
        return iter(())


@breaks("PRE-043")
def auto_lets_long_tasks_wait_at_a_node() -> None:
    @around(Pace, "_decide")
    def decide(right: Callable[..., None], self: Pace, _seconds: float) -> None:
        right(self, 0.0)
