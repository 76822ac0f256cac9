"""Faults in which node gets which task, and when."""

from __future__ import annotations

import os
import select
from collections.abc import Callable

from paexec_trio.core import engine
from paexec_trio.core.commands import Exit, Send
from paexec_trio.core.engine import Engine
from paexec_trio.core.events import RunStarted
from paexec_trio.core.framing import NEWLINE
from paexec_trio.core.launch import Launch
from paexec_trio.core.nodes import Attempt
from paexec_trio.core.states import NodeState
from paexec_trio.core.tasks import FlatTasks
from paexec_trio.runtime import host
from paexec_trio.runtime.host import Host
from paexec_trio.runtime.nonblocking import NonblockingWriter
from paexec_trio.runtime.process import NodeProcess
from tests.simulation.violations import Kind
from tests.zoo.framing import change_input
from tests.zoo.mutant import breaks, shows_as
from tests.zoo.planting import around, put


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
    def init(right: Callable[..., None], self: NodeProcess, *arguments: object) -> None:
        right(self, *arguments)
        os.set_blocking(self.stdin, True)


@shows_as(Kind.CROWDED, Kind.MISORDERED)
@breaks("DSP-010")
def sends_two_tasks_to_a_node() -> None:
    @around(Engine, "_dispatch_next_task")
    def dispatch(right: Callable[..., None], self: Engine) -> None:
        node = self._nodes[self._idle[0]]
        right(self)
        if self._tasks.ready:
            task_id, task = self._tasks.take()
            node.attempts.append(Attempt(task_id, task, b""))
            self._commands.append(Send(node.index, task + NEWLINE))


@breaks("DSP-011")
def uses_the_first_node_only() -> None:
    @around(Engine, "_dispatch")
    def dispatch(right: Callable[..., None], self: Engine) -> None:
        others = [index for index in self._idle if index > 0] if self._tasks.ready else []
        self._idle = [index for index in self._idle if index not in others]
        right(self)
        self._idle += others


@breaks("DSP-001")
def starts_a_calculator_for_each_task() -> None:
    loop = b'while IFS= read -r task; do printf "%s\\n" "$task" | eval "$1"; done'

    @around(Launch, "argv")
    def argv(right: Callable[..., list[bytes]], self: Launch, node: bytes) -> list[bytes]:
        words = right(self, node)
        if self.transport or not isinstance(self.command, bytes):
            return words
        return [*words[:2], loop, b"sh", self.command]


@breaks("DSP-011")
def waits_until_all_nodes_are_idle() -> None:
    @around(Engine, "_dispatch")
    def dispatch(right: Callable[..., None], self: Engine) -> None:
        if not any(node.attempts for node in self._nodes) or not self._tasks.ready:
            right(self)


@breaks("DSP-020")
def reads_all_input_first() -> None:
    @around(Engine, "_dispatch_next_task")
    def dispatch(right: Callable[..., None], self: Engine) -> None:
        if self._stdin_ended:
            right(self)
        else:
            assert isinstance(self._tasks, FlatTasks)
            kept.extend(self._tasks.ready)
            self._tasks.ready.clear()

    kept: list[bytes] = []

    @around(FlatTasks, "end")
    def end(right: Callable[..., None], self: FlatTasks) -> None:
        right(self)
        self.ready.extendleft(reversed(kept))


@breaks("DSP-003", "DSP-004")
def leaves_the_input_of_calculators_open() -> None:
    @around(Host, "_close_stdin")
    def close(_right: Callable[..., None], _self: Host, _command: object) -> None:
        pass


@breaks("DSP-015")
def waits_for_the_node_that_has_a_task() -> None:
    @around(Host, "_send")
    def send(right: Callable[..., None], self: Host, command: Send) -> None:
        right(self, command)
        select.select([self._processes[command.node].stdout], [], [], 30)


@breaks("DSP-012")
def takes_the_last_task_first() -> None:
    @around(FlatTasks, "take")
    def take(_right: Callable[..., object], self: FlatTasks) -> tuple[int, bytes]:
        self._last_id += 1
        return self._last_id, self.ready.pop()


@breaks("DSP-013")
def dispatches_the_first_task_twice() -> None:
    @around(FlatTasks, "take")
    def take(right: Callable[..., tuple[int, bytes]], self: FlatTasks) -> tuple[int, bytes]:
        task_id, task = right(self)
        if task_id == 1 and not hasattr(take, "done"):
            take.done = True  # type: ignore[attr-defined]
            self.ready.append(task)
        return task_id, task


@breaks("DSP-023")
def reads_as_much_as_it_can() -> None:
    @around(Engine, "_dispatch")
    def dispatch(right: Callable[..., None], self: Engine) -> None:
        right(self)
        if not self._stdin_ended:
            self._read_more()


@breaks("DSP-002")
def starts_calculators_when_the_input_begins() -> None:
    @around(Engine, "_run_started")
    def run_started(_right: object, self: Engine, event: RunStarted) -> None:
        self._nonce = event.nonce
        self._to_start.extend(range(len(self._nodes)))
        self._read_more()

    @around(Engine, "_stdin_chunk")
    def chunk(right: Callable[..., None], self: Engine, event: object) -> None:
        right(self, event)
        if self._nodes[0].state is NodeState.NEW:
            self._start_next_node()

    @around(Engine, "_stdin_ended_event")
    def ended(right: Callable[..., None], self: Engine, event: object) -> None:
        right(self, event)
        if self._nodes[0].state is NodeState.NEW:
            self._commands.append(Exit())


@breaks("DSP-024")
def reads_no_results_while_some_wait_to_be_printed() -> None:
    put(host, "_OUTPUT_LIMIT", 0)


@breaks("DSP-024", "GRP-025")
def does_nothing_else_until_what_it_prints_was_read() -> None:
    @around(NonblockingWriter, "__init__")
    def init(right: Callable[..., None], self: NonblockingWriter, fd: int) -> None:
        right(self, fd)
        os.set_blocking(self.fd, True)


@breaks("DSP-025")
def keeps_all_results_that_nobody_reads_in_memory() -> None:
    put(host, "_OUTPUT_LIMIT", 1 << 40)


@breaks("DSP-025")
def reads_the_last_output_of_nodes_though_nobody_reads_its_own() -> None:
    put(Host, "_has_to_wait", lambda _self, _process: False)


@breaks("DSP-014")
def gives_tasks_to_the_idle_node_of_highest_index() -> None:
    put(engine, "heappop", lambda idle: idle.pop(idle.index(max(idle))))
