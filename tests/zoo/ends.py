"""Faults in the ends of runs, and in how calculators end."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from paexec_trio.cli import invocation
from paexec_trio.core.commands import CloseStdin, Command, Exit, KillNode, Report
from paexec_trio.core.engine import Engine, Phase
from paexec_trio.core.events import Event, OutputFailed, StdinEnded, StopRequested
from paexec_trio.core.framing import NEWLINE
from paexec_trio.core.nodes import Attempt, Node
from paexec_trio.core.tasks import FlatTasks
from paexec_trio.runtime import relatives
from paexec_trio.runtime import run as run_module
from paexec_trio.runtime.ends import Ends
from paexec_trio.runtime.host import Host
from paexec_trio.runtime.process import NodeProcess
from paexec_trio.runtime.relatives import Census, Relative, descendants
from tests.simulation.violations import Kind
from tests.zoo.mutant import breaks, shows_as
from tests.zoo.planting import around, change_commands, put


@breaks("END-002")
def ends_with_the_input() -> None:
    @around(Engine, "_stdin_ended_event")
    def ended(right: Callable[..., None], self: Engine, event: object) -> None:
        right(self, event)
        self._stop(Exit())


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


@shows_as(Kind.ENDLESS, Kind.EXIT)
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


@breaks("END-032", "END-006")
def leaves_a_process_that_holds_the_input_of_a_calculator() -> None:
    @around(NodeProcess, "__init__")
    def init(right: Callable[..., None], self: NodeProcess, *arguments: object) -> None:
        right(self, *arguments)
        if not os.fork():
            os.set_inheritable(self.stdin, True)
            os.execv("/bin/sleep", ["sleep", "60"])


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


@shows_as(Kind.KILLED, Kind.EXIT, Kind.DIAGNOSTIC)
@breaks("END-040")
def kills_calculators_after_ten_seconds() -> None:
    """As versions before this one did, with status 0."""

    @around(Engine, "_name_those_waited_for")
    def name(_right: Callable[..., None], self: Engine) -> None:
        self._terminate()
        self._outcome = Exit()


@breaks("END-048")
def waits_without_a_word() -> None:
    put(Engine, "_name_those_waited_for", lambda _self: None)


@breaks("END-041")
def ends_with_status_0_after_the_finish_timeout() -> None:
    @around(Engine, "_report_timeout")
    def report(right: Callable[..., None], self: Engine, node: Node) -> None:
        right(self, node)
        self._outcome = Exit()


@breaks("END-041")
def ignores_the_finish_timeout() -> None:
    @around(Engine, "_terminate")
    def terminate(right: Callable[..., None], self: Engine) -> None:
        if self._phase is not Phase.FINISHING:
            right(self)


@breaks("END-042")
def takes_the_finish_timeout_0() -> None:
    put(invocation, "_finish_timeout", lambda values: float(values.get("--finish-timeout") or 0))


@breaks("END-043")
def kills_daemons() -> None:
    @around(Ends, "_members")
    def members(
        _right: Callable[..., object],
        _self: Ends,
        census: Census,
        of: Collection[NodeProcess],
        _living: Collection[NodeProcess],
    ) -> list[Relative]:
        own = {process.pid for process in of}
        return [r for r in descendants(census, [os.getpid()]) if r.pid not in own]


@breaks("END-044")
def stops_alone() -> None:
    def stopped(_self: Ends, _living: object) -> AbstractContextManager[None]:
        return nullcontext()

    put(Ends, "stopped", stopped)


@breaks("END-044")
def does_not_continue_calculators() -> None:
    @around(NodeProcess, "signal_group")
    def send(right: Callable[..., bool], self: NodeProcess, signum: signal.Signals) -> bool:
        return True if signum is signal.SIGCONT else right(self, signum)


@breaks("END-045")
def counts_the_time_of_a_stop() -> None:
    @around(Host, "_suspend")
    def suspend(right: Callable[..., None], self: Host) -> None:
        deadlines = dict(self._deadlines)
        right(self)
        self._deadlines.update(deadlines)


@breaks("END-046")
def minds_a_stop_that_was_ignored() -> None:
    signal.signal(signal.SIGTSTP, signal.SIG_DFL)


@breaks("END-049")
def waits_for_a_reader_of_diagnostics() -> None:
    @around(Host, "_say_if_drained")
    def say(right: Callable[..., None], self: Host) -> None:
        if not self._diagnostics.size:
            right(self)


@breaks("END-050", "END-051")
def overlooks_other_process_groups() -> None:
    put(Ends, "_members", lambda *_: [])


@breaks("END-050")
def overlooks_orphans() -> None:
    put(run_module, "adopt_orphans", lambda: True)


@breaks("END-051")
def ends_what_dead_nodes_left_with_the_run() -> None:
    @around(Ends, "bury")
    def bury(right: Callable[..., None], self: Ends, *arguments: Any) -> None:
        right(self, *arguments)
        self._ended += self._died.values()
        self._died.clear()


@breaks("END-051")
def ends_what_all_nodes_have_started_with_one() -> None:
    @around(Ends, "_members")
    def members(
        right: Callable[..., list[Relative]],
        self: Ends,
        census: Census,
        of: Collection[NodeProcess],
        living: Collection[NodeProcess],
    ) -> list[Relative]:
        found = right(self, census, [*of, *living], living)
        return [r for r in found if r.group not in {process.pid for process in living}]


@breaks("END-052")
def takes_the_children_of_a_shell_for_its_own() -> None:
    put(relatives, "has_children", lambda: False)
