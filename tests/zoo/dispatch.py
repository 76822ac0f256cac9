"""Faults in which node gets which task, and when."""

from __future__ import annotations

import os
import select
from collections import deque
from collections.abc import Callable

from paexec_trio.core.commands import Command, Exit
from paexec_trio.core.dispatching import Dispatcher
from paexec_trio.core.engine import Engine
from paexec_trio.core.events import Event, StdinChunk, StdinEnded
from paexec_trio.core.framing import NEWLINE
from paexec_trio.core.launch import Launch
from paexec_trio.core.nodes import Attempt, Node
from paexec_trio.core.reading import Reader
from paexec_trio.core.starting import Starter
from paexec_trio.core.tasks import FlatTasks
from paexec_trio.runtime import host, output
from paexec_trio.runtime.children import Children
from paexec_trio.runtime.nonblocking import NonblockingWriter
from paexec_trio.runtime.output import Output
from paexec_trio.runtime.process import NodeProcess
from tests.simulation.violations import Kind
from tests.zoo.framing import change_input
from tests.zoo.invocations import shell_text
from tests.zoo.mutant import breaks, shows_as
from tests.zoo.planting import Exchange, Exchanged, around, change_commands, change_exchange, put


@breaks("DSP-013")
def skips_tasks_that_it_has_seen() -> None:
    seen: set[bytes] = set()

    def fresh(lines: list[bytes]) -> list[bytes]:
        new = [line for line in lines if line not in seen]
        seen.update(new)
        return new

    change_input(fresh)


@breaks("DSP-022")
def waits_while_a_calculator_does_not_read() -> None:
    @around(NodeProcess, "__init__")
    def init(
        right: Callable[..., None], self: NodeProcess, *words: object, **options: object
    ) -> None:
        right(self, *words, **options)
        os.set_blocking(self.stdin, True)


@shows_as(Kind.CROWDED, Kind.MISORDERED)
@breaks("DSP-010")
def sends_two_tasks_to_a_node() -> None:
    @around(Dispatcher, "dispatch_next")
    def dispatch(right: Callable[..., None], self: Dispatcher) -> None:
        node = self._nodes[self.idle[0]]
        right(self)
        if self._tasks.ready:
            task_id, task = self._tasks.take()
            node.attempts.append(Attempt(task_id, task, b""))
            self._wire.send(node, task)


@breaks("DSP-011")
def uses_the_first_node_only() -> None:
    @around(Dispatcher, "dispatch")
    def dispatch(right: Callable[..., None], self: Dispatcher) -> None:
        others = [index for index in self.idle if index > 0] if self._tasks.ready else []
        self.idle = [index for index in self.idle if index not in others]
        right(self)
        self.idle += others


@breaks("DSP-001")
def starts_a_calculator_for_each_task() -> None:
    loop = b'while IFS= read -r task; do printf "%s\\n" "$task" | eval "$1"; done'

    @around(Launch, "argv")
    def argv(right: Callable[..., list[bytes]], self: Launch, *node: object) -> list[bytes]:
        words, text = right(self, *node), shell_text(self)
        return words if self.transport or not text else [*words[:2], loop, b"sh", text]


@breaks("DSP-011")
def waits_until_all_nodes_are_idle() -> None:
    @around(Dispatcher, "dispatch")
    def dispatch(right: Callable[..., None], self: Dispatcher) -> None:
        if not any(node.attempts for node in self._nodes) or not self._tasks.ready:
            right(self)


@breaks("DSP-020")
def reads_all_input_first() -> None:
    kept: list[bytes] = []

    @around(FlatTasks, "feed")
    def feed(right: Callable[..., None], self: FlatTasks, chunk: bytes) -> None:
        right(self, chunk)
        kept.extend(self.ready)
        self.ready.clear()

    @around(FlatTasks, "end")
    def end(right: Callable[..., None], self: FlatTasks) -> None:
        right(self)
        self.ready.extendleft(reversed(kept))


@breaks("DSP-003", "DSP-004")
def leaves_the_input_of_calculators_open() -> None:
    put(Children, "close_stdin", lambda _self, _node: None)


@breaks("DSP-015")
def waits_for_the_node_that_has_a_task() -> None:
    @around(Children, "send")
    def send(right: Callable[..., None], self: Children, process: NodeProcess, data: bytes) -> None:
        right(self, process, data)
        select.select([process.stdout], [], [], 30)


@breaks("DSP-012")
def takes_the_last_task_first() -> None:
    @around(FlatTasks, "take")
    def take(_right: Callable[..., object], self: FlatTasks) -> tuple[int, bytes]:
        self._last_id += 1
        return self._last_id, self.ready.pop()


@breaks("DSP-013")
def dispatches_the_first_task_twice() -> None:
    repeated: set[int] = set()

    @around(FlatTasks, "take")
    def take(right: Callable[..., tuple[int, bytes]], self: FlatTasks) -> tuple[int, bytes]:
        task_id, task = right(self)
        if task_id == 1 and not repeated:
            repeated.add(task_id)
            self.ready.append(task)
        return task_id, task


@breaks("DSP-023")
def reads_as_much_as_it_can() -> None:
    @around(Reader, "chunk")
    def chunk(right: Callable[..., bool], self: Reader, event: StdinChunk) -> bool:
        may_follow = right(self, event)
        self.read_more()
        return may_follow


@breaks("DSP-002")
def starts_calculators_when_the_input_begins() -> None:
    has_begun = False

    @around(Starter, "start_next")
    def start(right: Callable[..., None], self: Starter) -> None:
        if has_begun:
            right(self)

    @around(Reader, "chunk")
    def chunk(right: Callable[..., bool], self: Reader, event: StdinChunk) -> bool:
        nonlocal has_begun
        if not has_begun:
            has_begun = True
            self._starter.start_next()
        return right(self, event)

    def change(_engine: Engine, event: Event, commands: list[Command]) -> list[Command]:
        is_without_nodes = isinstance(event, StdinEnded) and not has_begun
        return [*commands, Exit()] if is_without_nodes else commands

    change_commands(change)


def congest_above(octets: int) -> None:
    """Read no results while more octets than these wait to be printed."""
    for module in (host, output):
        put(module, "CONGESTED_ABOVE", octets)


@breaks("DSP-024")
def reads_no_results_while_some_wait_to_be_printed() -> None:
    congest_above(0)


@breaks("DSP-024", "GRP-025")
def does_nothing_else_until_what_it_prints_was_read() -> None:
    @around(NonblockingWriter, "__init__")
    def init(right: Callable[..., None], self: NonblockingWriter, fd: int) -> None:
        right(self, fd)
        os.set_blocking(self.fd, True)


@breaks("DSP-025")
def keeps_all_results_that_nobody_reads_in_memory() -> None:
    congest_above(1 << 40)


@breaks("DSP-025")
def reads_the_last_output_of_nodes_though_nobody_reads_its_own() -> None:
    put(Output, "is_congested", False)


@breaks("DSP-014")
def gives_tasks_to_the_idle_node_of_highest_index() -> None:
    @around(Dispatcher, "dispatch_next")
    def dispatch(right: Callable[..., None], self: Dispatcher) -> None:
        self.idle.sort(reverse=True)
        right(self)


@shows_as(Kind.INPUT_CLOSED)
@breaks("DSP-004")
def closes_idle_nodes_while_a_task_may_be_repeated() -> None:
    @around(Dispatcher, "is_over")
    def is_over(_right: object, self: Dispatcher) -> bool:
        return not self.has_waiting() and self._tasks.is_exhausted()


# The fast path


@shows_as(Kind.DUPLICATED, Kind.MISCREDITED)
@breaks("DSP-013")
def exchanges_a_result_for_a_task_that_stays_in_the_queue() -> None:
    @change_exchange
    def exchange(right: Exchange, self: Dispatcher, _node: Node, data: bytes) -> Exchanged | None:
        ready = self._tasks.ready
        found = right(data)
        if found and isinstance(ready, deque):
            ready.appendleft(found[1].removesuffix(NEWLINE))
        return found
