"""Faults in the framing of tasks, from standard input to calculators."""

from __future__ import annotations

from collections.abc import Callable

from paexec_trio.core.dispatching import Dispatcher
from paexec_trio.core.framing import NEWLINE, TaskFramer
from paexec_trio.core.nodes import Node
from paexec_trio.core.tasks import FlatTasks
from tests.simulation.violations import Kind
from tests.zoo.mutant import breaks, raises, shows_as
from tests.zoo.planting import (
    Exchange,
    Exchanged,
    around,
    change_exchange,
    change_sent,
    change_tasks,
)


@breaks("FRM-004")
def adds_an_empty_task_at_the_end() -> None:
    @around(TaskFramer, "end")
    def end(right: Callable[..., bytes], self: TaskFramer) -> bytes:
        return right(self) or self._terminator


@breaks("FRM-005")
def ends_tasks_at_newlines_with_0_too() -> None:
    @around(FlatTasks, "_add")
    def add(right: Callable[..., None], self: FlatTasks, tasks: bytes) -> None:
        right(self, tasks.replace(NEWLINE, self._terminator))


@breaks("FRM-011")
def takes_crlf_for_the_end_of_a_task() -> None:
    change_tasks(lambda task: task.removesuffix(b"\r"))


@breaks("FRM-002")
def drops_an_unterminated_last_task() -> None:
    @around(TaskFramer, "end")
    def end(right: Callable[..., bytes], self: TaskFramer) -> bytes:
        right(self)
        return b""


@breaks("FRM-011")
def trims_blanks() -> None:
    change_tasks(lambda task: task.strip(b" \t"))


@breaks("FRM-011")
def eats_backslashes() -> None:
    change_tasks(lambda task: task.replace(b"\\", b""))


def change_input(change: Callable[[list[bytes]], list[bytes]]) -> None:
    """Change the whole tasks that were read, each with its terminator."""

    @around(FlatTasks, "_add")
    def add(right: Callable[..., None], self: FlatTasks, tasks: bytes) -> None:
        lines = [task + NEWLINE for task in tasks.split(NEWLINE)[:-1]]
        right(self, b"".join(change(lines)))


@breaks("FRM-003", "PFX-003")
def skips_empty_tasks() -> None:
    change_input(lambda lines: [line for line in lines if line != NEWLINE])


@raises(UnicodeDecodeError)
@breaks("FRM-011")
def knows_only_utf_8() -> None:
    change_tasks(lambda task: task.decode().encode())


@breaks("FRM-011")
def replaces_what_is_not_utf_8() -> None:
    change_tasks(lambda task: task.decode(errors="replace").encode())


@breaks("FRM-001")
def splits_at_vertical_tabs() -> None:
    change_input(lambda lines: [line.replace(b"\v", NEWLINE) for line in lines])


@breaks("FRM-001")
def splits_at_carriage_returns() -> None:
    change_input(lambda lines: [line.replace(b"\r", NEWLINE) for line in lines])


@breaks("FRM-011")
def ends_tasks_at_nul() -> None:
    change_tasks(lambda task: task.partition(b"\0")[0])


@breaks("FRM-010", "FRM-012")
def sends_the_newline_with_the_next_task() -> None:
    waiting: dict[int, bytes] = {}

    def change(node: int, data: bytes) -> bytes:
        data = waiting.get(node, b"") + data.removesuffix(NEWLINE)
        waiting[node] = NEWLINE
        return data

    change_sent(change)


@breaks("FRM-010", "FRM-011")
def sends_tasks_without_newline() -> None:
    change_sent(lambda _node, data: data.removesuffix(NEWLINE))


@breaks("FRM-013")
def sends_tasks_with_newlines() -> None:
    @around(FlatTasks, "__init__")
    def init(
        right: Callable[..., None], self: FlatTasks, terminator: bytes, _: bytes, limit: int
    ) -> None:
        right(self, terminator, terminator, limit)


@breaks("FRM-006")
def keeps_the_trailing_newline_with_0() -> None:
    @around(TaskFramer, "end")
    def end(_right: Callable[..., bytes], self: TaskFramer) -> bytes:
        rest = b"".join(self._tail)
        self._tail = []
        return rest + self._terminator if rest else b""


@breaks("FRM-001")
def ends_a_task_with_each_read() -> None:
    @around(TaskFramer, "feed")
    def feed(right: Callable[..., bytes], self: TaskFramer, chunk: bytes) -> bytes:
        return right(self, chunk) + self.end()


# The fast path


@shows_as(Kind.LOST, Kind.FABRICATED)
@breaks("FRM-010")
def exchanges_a_result_for_a_task_without_newline() -> None:
    @change_exchange
    def exchange(right: Exchange, _self: Dispatcher, _node: Node, data: bytes) -> Exchanged | None:
        found = right(data)
        return found and (found[0], found[1].removesuffix(NEWLINE))
