"""Faults in how the lines of a task are kept together and in order."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Collection
from typing import IO, Any

from paexec_trio.cli import invocation
from paexec_trio.core.commands import Command, Discard, Purpose, Release, SetDeadline, Write
from paexec_trio.core.dispatching import Dispatcher
from paexec_trio.core.ending import Ending
from paexec_trio.core.engine import Engine
from paexec_trio.core.events import Event, HoldingFailed, StopRequested
from paexec_trio.core.fleet import Fleet
from paexec_trio.core.grouping import Grouping, OrderedGroups, UnorderedGroups
from paexec_trio.core.nodes import Attempt, Node
from paexec_trio.core.outlets import Outlet
from paexec_trio.core.printing import Printer
from paexec_trio.core.reading import Reader
from paexec_trio.core.tasks import FlatTasks, GraphTasks
from paexec_trio.core.terminating import Terminator
from paexec_trio.runtime.holding import HeldOutput
from paexec_trio.runtime.spillfile import SpillError
from tests.simulation.violations import Kind
from tests.zoo.mutant import breaks, shows_as
from tests.zoo.planting import around, change_commands, instead, put

Options = Collection[str]
MIB = 1 << 20


# What a group is, and when it is printed


@breaks("GRP-010", "GRP-011", "GRP-013", "GRP-020", "GRP-021")
def knows_the_options_of_groups_and_has_none() -> None:
    put(invocation, "_grouping", lambda _: Grouping.NONE)


@breaks("GRP-002")
def leaves_task_lines_out_of_groups() -> None:
    @around(Printer, "begun")
    def begun(right: Callable[..., None], self: Printer, node: Node, attempt: Attempt) -> None:
        if not self._groups:
            right(self, node, attempt)


@breaks("GRP-002")
def prints_the_failure_line_before_the_group() -> None:
    @around(Printer, "failed")
    def failed(right: Callable[..., None], self: Printer, *arguments: object) -> None:
        self._groups, groups = None, self._groups
        right(self, *arguments)
        self._groups = groups


@breaks("GRP-010")
def prints_large_groups_in_turns() -> None:
    @around(HeldOutput, "take")
    def take(right: Callable[..., bytes], self: HeldOutput[int]) -> bytes:
        self._released.rotate(-1)
        return right(self)


def release_early(is_time: Callable[[Printer, Attempt], bool]) -> None:
    """Print what is held of an attempt at its next line, if it is time."""

    @around(Printer, "write")
    def write(right: Callable[..., None], self: Printer, attempt: Attempt, data: bytes) -> None:
        right(self, attempt, data)
        if self._groups and is_time(self, attempt):
            self._commands.append(Release(attempt.task_id))


@breaks("GRP-011", "GRP-013", "GRP-021")
def prints_the_lines_of_the_task_that_is_next_as_they_come() -> None:
    def is_next(printer: Printer, attempt: Attempt) -> bool:
        groups = printer._groups  # noqa: SLF001
        return isinstance(groups, OrderedGroups) and groups._next == attempt.task_id  # noqa: SLF001

    release_early(is_next)


@breaks("GRP-011")
def prints_the_lines_of_the_only_task_as_they_come() -> None:
    working: set[Attempt] = set()

    @around(Printer, "begun")
    def begun(right: Callable[..., None], self: Printer, node: Node, attempt: Attempt) -> None:
        working.add(attempt)
        right(self, node, attempt)

    @around(Printer, "forget")
    def forget(right: Callable[..., None], self: Printer, attempt: Attempt) -> None:
        working.remove(attempt)
        right(self, attempt)

    @around(Printer, "done")
    def done(right: Callable[..., None], self: Printer, node: Node, attempt: Attempt) -> None:
        working.remove(attempt)
        right(self, node, attempt)

    release_early(lambda _printer, attempt: working == {attempt})


@breaks("GRP-011")
def prints_a_large_group_before_its_eot() -> None:
    printed: dict[int, int] = {}

    @around(Printer, "write")
    def write(right: Callable[..., None], self: Printer, attempt: Attempt, data: bytes) -> None:
        printed[attempt.task_id] = printed.get(attempt.task_id, 0) + len(data)
        right(self, attempt, data)

    release_early(lambda _printer, attempt: printed[attempt.task_id] > 64 * MIB)


@breaks("GRP-012")
def keeps_an_order_that_nobody_asked_for() -> None:
    @instead(invocation, "_grouping")
    def grouping(right: Callable[[Options], Grouping], options: Options) -> Grouping:
        return Grouping.KEEP_ORDER if right(options) is not Grouping.NONE else Grouping.NONE


@breaks("GRP-012")
def prints_a_group_when_the_next_one_is_whole() -> None:
    before: list[int] = []

    @around(UnorderedGroups, "done")
    def done(_right: object, _self: UnorderedGroups, task_id: int) -> list[Command]:
        before.append(task_id)
        return [Release(before.pop(0))] if len(before) > 1 else []

    put(UnorderedGroups, "rest", lambda _self: [Release(task_id) for task_id in before])


# Attempts that fail


@shows_as(Kind.FABRICATED, Kind.DUPLICATED)
@breaks("GRP-013")
def keeps_the_lines_of_a_failed_attempt_for_the_next() -> None:
    def change(_self: Engine, _event: Event, commands: list[Command]) -> list[Command]:
        return [command for command in commands if not isinstance(command, Discard)]

    change_commands(change)


@breaks("GRP-013")
def prints_what_a_lost_node_has_written() -> None:
    def change(_self: Engine, _event: Event, commands: list[Command]) -> list[Command]:
        return [Release(c.group) if isinstance(c, Discard) else c for c in commands]

    change_commands(change)


@breaks("GRP-013")
def prints_fatal_beside_the_groups() -> None:
    @around(Printer, "given_up")
    def given_up(
        right: Callable[..., None], self: Printer, attempt: Attempt, reason: bytes
    ) -> None:
        if self._groups and self._fatal_line:
            self._commands.append(Write(attempt.prefix + self._fatal_line))
        right(self, attempt, reason)


def release_all(ending: Ending) -> None:
    """Print what is held of the tasks that nodes work on."""
    nodes, commands = ending._nodes, ending._commands  # noqa: SLF001
    commands += [Release(attempt.task_id) for node in nodes for attempt in node.attempts]


@breaks("GRP-013")
def prints_what_it_holds_when_a_signal_comes() -> None:
    @around(Terminator, "stop_requested")
    def stop(right: Callable[..., bool], self: Terminator, event: StopRequested) -> bool:
        if self._ending._outlet.holds_output:  # noqa: SLF001
            release_all(self._ending)
        return right(self, event)


# Order


@shows_as(Kind.FABRICATED, Kind.MISORDERED)
@breaks("GRP-020")
def keeps_the_order_in_which_tasks_are_done() -> None:
    put(OrderedGroups, "done", lambda _self, task_id: [Release(task_id)])


@breaks("GRP-020")
def keeps_no_order_if_groups_are_asked_for_too() -> None:
    @instead(invocation, "_grouping")
    def grouping(right: Callable[[Options], Grouping], options: Options) -> Grouping:
        return Grouping.GROUP if "--group" in options else right(options)


@breaks("GRP-020")
def lets_the_last_option_about_groups_win() -> None:
    @instead(invocation, "interpret")
    def interpret(
        right: Callable[..., object], program: str, options: list[tuple[str, bytes]], *rest: object
    ) -> object:
        last = [name for name, _ in options if name in {"--group", "--keep-order"}][-1:]
        others = [pair for pair in options if pair[0] not in {"--group", "--keep-order"}]
        return right(program, [*others, *((name, b"") for name in last)], *rest)


@breaks("GRP-020")
def keeps_the_order_of_dispatch() -> None:
    dispatched: list[int] = []
    whole: set[int] = set()

    @around(GraphTasks, "take")
    def take(right: Callable[..., tuple[int, bytes]], self: GraphTasks) -> tuple[int, bytes]:
        task_id, task = right(self)
        dispatched.append(task_id)
        return task_id, task

    @around(OrderedGroups, "done")
    def done(
        right: Callable[..., list[Command]], self: OrderedGroups, task_id: int
    ) -> list[Command]:
        if not dispatched:
            return right(self, task_id)
        whole.add(task_id)
        released: list[Command] = []
        while dispatched and dispatched[0] in whole:
            released.append(Release(dispatched.pop(0)))
        return released


@breaks("GRP-022")
def sorts_the_groups_at_the_end() -> None:
    whole: list[int] = []

    @around(OrderedGroups, "done")
    def done(_right: object, _self: OrderedGroups, task_id: int) -> list[Command]:
        whole.append(task_id)
        return []

    put(OrderedGroups, "rest", lambda _self: [Release(task_id) for task_id in sorted(whole)])


@breaks("GRP-022")
def overlooks_the_groups_that_waited_for_one() -> None:
    @around(OrderedGroups, "done")
    def done(
        right: Callable[..., list[Command]], self: OrderedGroups, task_id: int
    ) -> list[Command]:
        if task_id != self._next:
            return right(self, task_id)
        self._next += 1
        return [Release(task_id)]


@shows_as(Kind.LOST)
@breaks("GRP-023")
def waits_for_tasks_that_are_not_run() -> None:
    @around(OrderedGroups, "__init__")
    def init(right: Callable[..., None], self: OrderedGroups, *_: object) -> None:
        right(self, lambda _: False)


@shows_as(Kind.LOST)
@breaks("GRP-024")
def drops_what_waits_for_a_lost_task() -> None:
    put(OrderedGroups, "rest", lambda _self: [])


def drop_what_waits(outlet: Outlet) -> None:
    """Let groups that wait for others never be printed."""
    assert isinstance(outlet, Printer)
    if outlet._groups:  # noqa: SLF001
        outlet._groups.rest()  # noqa: SLF001


@breaks("GRP-024")
def drops_what_waits_when_all_nodes_have_failed() -> None:
    @around(Fleet, "all_failed")
    def failed(right: Callable[..., None], self: Fleet) -> None:
        on_death = self._settings.on_death
        if on_death and not on_death.wait:
            drop_what_waits(self._outlet)
        right(self)


@breaks("GRP-024")
def drops_what_waits_when_a_task_is_refused() -> None:
    @around(Reader, "fail")
    def fail(right: Callable[..., None], self: Reader, reason: bytes) -> None:
        drop_what_waits(self._ending._outlet)  # noqa: SLF001
        right(self, reason)


@breaks("GRP-025")
def waits_after_a_signal_until_somebody_reads() -> None:
    def change(_self: Engine, _event: Event, commands: list[Command]) -> list[Command]:
        return [
            command
            for command in commands
            if not (
                isinstance(command, SetDeadline) and command.deadline.purpose is Purpose.GIVE_UP
            )
        ]

    change_commands(change)


# Memory and temporary files


@breaks("GRP-030")
def dispatches_no_task_that_is_far_ahead_of_the_next_group() -> None:
    @around(Dispatcher, "dispatch")
    def dispatch(right: Callable[..., None], self: Dispatcher) -> None:
        outlet, tasks = self._outlet, self._tasks
        groups = outlet._groups if isinstance(outlet, Printer) else None  # noqa: SLF001
        if (
            isinstance(groups, OrderedGroups)
            and isinstance(tasks, FlatTasks)
            and tasks._last_id >= groups._next + 100  # noqa: SLF001
            and tasks.ready
        ):
            return
        right(self)


@breaks("GRP-031")
def holds_all_groups_in_memory() -> None:
    @around(HeldOutput, "__init__")
    def init(right: Callable[..., None], self: HeldOutput[int], directory: bytes) -> None:
        right(self, directory, 1 << 60)


@breaks("GRP-031")
def has_a_group_of_its_own_for_each_task_that_waits() -> None:
    @around(OrderedGroups, "_add")
    def add(_right: object, self: OrderedGroups, task_id: int, _: list[Command]) -> None:
        self._last_by_first[task_id] = self._first_by_last[task_id] = task_id


@breaks("GRP-032")
def has_a_file_for_each_group() -> None:
    files: dict[tuple[int, object], IO[Any]] = {}

    @around(HeldOutput, "hold")
    def hold(right: Callable[..., None], self: HeldOutput[int], group: int, data: bytes) -> None:
        if (id(self), group) not in files:
            try:
                files[id(self), group] = tempfile.TemporaryFile(  # noqa: SIM115
                    dir=self._directory
                )
            except OSError as error:
                raise SpillError(os.fsencode(str(error))) from None
        right(self, group, data)

    @around(HeldOutput, "release")
    def release(right: Callable[..., None], self: HeldOutput[int], group: int) -> None:
        if (id(self), group) in files:
            files.pop((id(self), group)).close()
        right(self, group)


def change_directory(change: Callable[[bytes], bytes]) -> None:
    """Change the directory of temporary files, by the right one."""

    @around(HeldOutput, "__init__")
    def init(right: Callable[..., None], self: HeldOutput[int], directory: bytes) -> None:
        right(self, change(directory))


@breaks("GRP-033")
def makes_its_files_in_tmp() -> None:
    change_directory(lambda _: b"/tmp")


@breaks("GRP-033")
def makes_its_files_where_it_is_if_it_is_not_told_where() -> None:
    change_directory(lambda right: right if os.environ.get("TMPDIR") else b".")


@breaks("GRP-033")
def makes_its_files_where_it_is_if_the_name_of_the_directory_is_empty() -> None:
    change_directory(lambda right: os.environb.get(b"TMPDIR", right) or b".")


@breaks("GRP-034")
def deletes_its_files_at_the_end() -> None:
    put(tempfile, "TemporaryFile", tempfile.NamedTemporaryFile)


@breaks("GRP-035")
def goes_on_in_memory_if_there_is_no_room() -> None:
    put(Ending, "holding_failed", lambda _self, _event: False)


@breaks("GRP-035")
def prints_the_part_of_a_group_that_it_could_hold() -> None:
    @around(Ending, "holding_failed")
    def failed(right: Callable[..., bool], self: Ending, event: HoldingFailed) -> bool:
        release_all(self)
        return right(self, event)
