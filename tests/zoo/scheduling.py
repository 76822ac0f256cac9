"""Faults in who gets which task when, and in the ends of runs."""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Callable, Iterator

from paexec_trio.core import engine
from paexec_trio.core.commands import CloseStdin, Command, Exit, KillNode, Report, Send
from paexec_trio.core.engine import Engine
from paexec_trio.core.events import Event, OutputFailed, RunStarted, StdinEnded, StopRequested
from paexec_trio.core.framing import NEWLINE
from paexec_trio.core.launch import Launch
from paexec_trio.core.nodes import Attempt
from paexec_trio.core.states import NodeState
from paexec_trio.core.tasks import FlatTasks
from paexec_trio.runtime import host
from paexec_trio.runtime.host import Host
from paexec_trio.runtime.nonblocking import NonblockingWriter
from paexec_trio.runtime.process import NodeProcess
from tests.zoo.mutant import around, breaks, change_commands, put


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


@breaks("END-002")
def ends_with_the_input() -> None:
    @around(Engine, "_stdin_ended_event")
    def ended(right: Callable[..., None], self: Engine, event: object) -> None:
        right(self, event)
        self._stop(Exit())


@breaks("DSP-003", "DSP-004")
def leaves_the_input_of_calculators_open() -> None:
    @around(Host, "_close_stdin")
    def close(_right: Callable[..., None], _self: Host, _command: object) -> None:
        pass


@breaks("END-004")
def kills_calculators_instead_of_closing_their_input() -> None:
    def change(_self: Engine, _event: Event, commands: list[Command]) -> list[Command]:
        changed: list[Command] = []
        for command in commands:
            changed.append(command)
            if isinstance(command, CloseStdin):
                changed.append(KillNode(command.node, force=True))
        return changed

    change_commands(change)


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


@breaks("END-003", "END-006")
def does_not_wait_for_calculators() -> None:
    @around(Engine, "_dispatch")
    def dispatch(right: Callable[..., None], self: Engine) -> None:
        right(self)
        if self._stdin_ended and self._is_over() and not any(n.attempts for n in self._nodes):
            self._commands.append(Exit())

    @around(Host, "close")
    async def close(_right: Callable[..., object], self: Host) -> None:
        self._flush_output()


@breaks("END-005", "END-012")
def asks_calculators_to_end_and_does_not_make_them() -> None:
    @around(Engine, "_kill")
    def kill(_right: Callable[..., None], _self: Engine) -> None:
        pass


@breaks("END-020")
def complains_about_a_reader_that_goes_away() -> None:
    @around(Engine, "_output_closed")
    def closed(_right: Callable[..., None], self: Engine, _event: object) -> None:
        self._output_failed(OutputFailed(b"Broken pipe"))


@breaks("END-010")
def overlooks_nodes_that_end_at_work() -> None:
    @around(Engine, "_fail")
    def fail(right: Callable[..., None], self: Engine, message: bytes) -> None:
        if b"exited unexpectedly" not in message:
            right(self, message)


@breaks("END-010", "END-011")
def exits_with_status_0_after_a_loss() -> None:
    @around(Engine, "_fail")
    def fail(_right: Callable[..., None], self: Engine, message: bytes) -> None:
        self._commands.append(Report(message))
        self._stop(Exit())


@breaks("END-007")
def takes_every_end_for_a_loss() -> None:
    @around(Engine, "_node_ended")
    def ended(right: Callable[..., None], self: Engine, event: object) -> None:
        right(self, event)
        self._fail(b"Node exited unexpectedly")


@breaks("END-013")
def drops_what_was_printed_before_a_loss() -> None:
    @around(Host, "report")
    def report(right: Callable[..., None], self: Host, text: bytes) -> None:
        self._output.clear()
        right(self, text)


@breaks("END-014")
def prints_the_unterminated_line_of_a_lost_node() -> None:
    @around(Engine, "_node_ended")
    def ended(right: Callable[..., None], self: Engine, event: object) -> None:
        node = self._nodes[event.node]  # type: ignore[attr-defined]
        held = getattr(node.framer, "_held", b"")
        if node.attempts and held:
            self._print(node.attempts[0], bytes(held) + NEWLINE)
        right(self, event)


@breaks("END-030")
def exits_at_once_on_a_signal() -> None:
    def change(_self: Engine, event: Event, commands: list[Command]) -> list[Command]:
        return [Exit(status=1)] if isinstance(event, StopRequested) else commands

    change_commands(change)


@breaks("END-031")
def minds_signals_that_were_ignored() -> None:
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_DFL)


@breaks("TRN-001")
def gives_the_input_of_a_calculator_to_the_others() -> None:
    @around(NodeProcess, "__init__")
    def init(right: Callable[..., None], self: NodeProcess, *arguments: object) -> None:
        right(self, *arguments)
        os.set_inheritable(self.stdin, True)


@breaks("END-032", "END-006")
def leaves_a_process_that_holds_the_input_of_a_calculator() -> None:
    @around(NodeProcess, "__init__")
    def init(right: Callable[..., None], self: NodeProcess, *arguments: object) -> None:
        right(self, *arguments)
        if not os.fork():
            os.set_inheritable(self.stdin, True)
            os.execv("/bin/sleep", ["sleep", "60"])


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


@breaks("END-001")
def takes_words_in_results_for_a_failure_of_the_run() -> None:
    @around(Engine, "_print")
    def write(right: Callable[..., None], self: Engine, attempt: Attempt, data: bytes) -> None:
        right(self, attempt, data)
        if b"failure\n" in data or b"fatal\n" in data:
            self._outcome = Exit(status=1)


@breaks("END-001")
def takes_an_empty_input_for_an_error() -> None:
    @around(Engine, "_stdin_ended_event")
    def ended(right: Callable[..., None], self: Engine, event: object) -> None:
        if isinstance(self._tasks, FlatTasks) and not self._tasks._last_id:  # noqa: SLF001
            self._outcome = Exit(status=1)
        right(self, event)


@breaks("END-022")
def overlooks_a_full_disk() -> None:
    put(Engine, "_output_failed", lambda _self, _event: None)


@breaks("END-022")
def takes_a_full_disk_for_a_reader_that_goes_away() -> None:
    put(Engine, "_output_failed", Engine._output_closed)  # noqa: SLF001


def take_input_errors_for_the_end(*, of_graphs: bool) -> None:
    """Take an error of reading for the end, of a list of tasks or of a graph."""

    @around(Engine, "_stdin_failed")
    def failed(right: Callable[..., None], self: Engine, event: object) -> None:
        if self._tasks.needs_whole_input is of_graphs:
            self._stdin_ended_event(StdinEnded())
        else:
            right(self, event)


@breaks("END-023")
def takes_an_input_error_for_the_end_of_the_input() -> None:
    take_input_errors_for_the_end(of_graphs=False)


@breaks("END-023")
def takes_an_input_error_for_the_end_of_the_graph() -> None:
    take_input_errors_for_the_end(of_graphs=True)


@breaks("DSP-014")
def gives_tasks_to_the_idle_node_of_highest_index() -> None:
    put(engine, "heappop", lambda idle: idle.pop(idle.index(max(idle))))


@breaks("END-021")
def notices_the_end_of_its_reader_when_it_prints() -> None:
    @around(Host, "_output_ready")
    def ready(_right: object, self: Host) -> Iterator[Event]:
        if self._output_blocked:
            self._try_output()
        else:
            self._output_watched = False
            self._unwatch(self._writer.fd)
        return iter(())
