"""Faults in the ends of runs, and in how calculators end."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Collection, Generator
from contextlib import AbstractContextManager, nullcontext

from paexec_trio.cli import invocation
from paexec_trio.core.commands import (
    CloseStdin,
    Command,
    Deadline,
    Exit,
    KillNode,
    LeaveNode,
    Purpose,
    SetDeadline,
)
from paexec_trio.core.ending import Ending, Phase
from paexec_trio.core.engine import Engine
from paexec_trio.core.events import (
    Event,
    NodeEnded,
    NodeOutput,
    OutputFailed,
    StdinEnded,
    StdinFailed,
    StopRequested,
)
from paexec_trio.core.faults import Blame
from paexec_trio.core.fleet import Fleet
from paexec_trio.core.framing import NEWLINE
from paexec_trio.core.nodes import Node
from paexec_trio.core.reading import Reader
from paexec_trio.core.results import Results
from paexec_trio.core.tasks import FlatTasks
from paexec_trio.core.terminating import Terminator
from paexec_trio.runtime import relatives
from paexec_trio.runtime import run as run_module
from paexec_trio.runtime.ends import Ends
from paexec_trio.runtime.host import Host
from paexec_trio.runtime.output import Diagnostics, Output
from paexec_trio.runtime.process import NodeProcess
from paexec_trio.runtime.relatives import Census, Relative, descendants
from paexec_trio.runtime.timers import Timers
from tests.simulation.violations import Kind
from tests.zoo.mutant import breaks, shows_as
from tests.zoo.planting import around, change_commands, put


@breaks("END-002")
def ends_with_the_input() -> None:
    @around(Reader, "ended")
    def ended(right: Callable[..., bool], self: Reader, event: StdinEnded) -> bool:
        right(self, event)
        self._ending.stop(Exit())
        return True


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
    @around(Fleet, "wind_down")
    def wind_down(right: Callable[..., bool], self: Fleet) -> bool:
        right(self)
        if not any(node.attempts for node in self._nodes):
            self._commands.append(Exit())
        return False

    @around(Host, "close")
    def close(_right: object, self: Host, **_: object) -> Generator[float, None, bool]:
        self._output.flush()
        yield from ()
        return True


@shows_as(Kind.ENDLESS, Kind.EXIT)
@breaks("END-005", "END-012")
def asks_calculators_to_end_and_does_not_make_them() -> None:
    put(Terminator, "kill", lambda _self: None)


@breaks("END-020")
def complains_about_a_reader_that_goes_away() -> None:
    @around(Ending, "output_closed")
    def closed(_right: object, self: Ending, _event: object) -> bool:
        return self.output_failed(OutputFailed(b"Broken pipe"))


@breaks("END-010")
def overlooks_nodes_that_end_at_work() -> None:
    @around(Ending, "fail")
    def fail(right: Callable[..., None], self: Ending, diagnostic: bytes) -> None:
        if b"exited unexpectedly" not in diagnostic:
            right(self, diagnostic)


@breaks("END-010", "END-011")
def exits_with_status_0_after_a_loss() -> None:
    @around(Ending, "fail")
    def fail(_right: object, self: Ending, diagnostic: bytes) -> None:
        self._reporter.report_bare([diagnostic])
        self.stop(Exit())


@breaks("END-007")
def takes_every_end_for_a_loss() -> None:
    @around(Fleet, "ended")
    def ended(right: Callable[..., bool], self: Fleet, event: NodeEnded) -> bool:
        right(self, event)
        self._ending.fail(b"Node exited unexpectedly", Blame.NODES)
        return True


@breaks("END-013")
def drops_what_was_printed_before_a_loss() -> None:
    @around(Host, "report")
    def report(right: Callable[..., None], self: Host, text: bytes) -> None:
        assert isinstance(self._output, Output)
        self._output.queue.clear()
        right(self, text)


@breaks("END-014")
def prints_the_unterminated_line_of_a_lost_node() -> None:
    @around(Fleet, "ended")
    def ended(right: Callable[..., bool], self: Fleet, event: NodeEnded) -> bool:
        node = self._nodes[event.node]
        held = getattr(node.framer, "_held", b"")
        if node.attempts and held:
            self._outlet.line(node.attempts[0], bytes(held) + NEWLINE)
        return right(self, event)


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
    def init(
        right: Callable[..., None], self: NodeProcess, *words: object, **options: object
    ) -> None:
        right(self, *words, **options)
        if not os.fork():
            os.set_inheritable(self.stdin, True)
            os.execv("/bin/sleep", ["sleep", "60"])


@breaks("END-001")
def takes_words_in_results_for_a_failure_of_the_run() -> None:
    @around(Results, "take")
    def take(right: Callable[..., bool], self: Results, event: NodeOutput) -> bool:
        may_follow = right(self, event)
        if b"failure\n" in event.data or b"fatal\n" in event.data:
            self._ending.note_failure()
        return may_follow


@breaks("END-001")
def takes_an_empty_input_for_an_error() -> None:
    @around(Reader, "ended")
    def ended(right: Callable[..., bool], self: Reader, event: StdinEnded) -> bool:
        if isinstance(self._tasks, FlatTasks) and not self._tasks._last_id:  # noqa: SLF001
            self._ending.note_failure()
        return right(self, event)


@breaks("END-022")
def overlooks_a_full_disk() -> None:
    put(Ending, "output_failed", lambda _self, _event: False)


@breaks("END-022")
def takes_a_full_disk_for_a_reader_that_goes_away() -> None:
    put(Ending, "output_failed", Ending.output_closed)


def take_input_errors_for_the_end(*, of_graphs: bool) -> None:
    """Take an error of reading for the end, of a list of tasks or of a graph."""

    @around(Reader, "failed")
    def failed(right: Callable[..., bool], self: Reader, event: StdinFailed) -> bool:
        if self._tasks.needs_whole_input is of_graphs:
            return self.ended(StdinEnded())
        return right(self, event)


@breaks("END-023")
def takes_an_input_error_for_the_end_of_the_input() -> None:
    take_input_errors_for_the_end(of_graphs=False)


@breaks("END-023")
def takes_an_input_error_for_the_end_of_the_graph() -> None:
    take_input_errors_for_the_end(of_graphs=True)


@breaks("END-021")
def notices_the_end_of_its_reader_when_it_prints() -> None:
    @around(Output, "_ready")
    def ready(right: Callable[..., None], self: Output) -> None:
        if self._is_blocked:
            right(self)
        else:
            self._is_watched = False
            self._poller.unwatch(self._writer.fd)


@shows_as(Kind.KILLED, Kind.EXIT, Kind.DIAGNOSTIC)
@breaks("END-040")
def kills_calculators_after_ten_seconds() -> None:
    """As versions before this one did, with status 0."""
    put(Terminator, "name_remaining", Terminator.terminate)
    ends_with_status_0_after_the_finish_timeout()


@breaks("END-048")
def waits_without_a_word() -> None:
    put(Terminator, "name_remaining", lambda _self: None)


@breaks("END-041")
def ends_with_status_0_after_the_finish_timeout() -> None:
    put(Ending, "note_failure", lambda _self: None)


@breaks("END-041")
def ignores_the_finish_timeout() -> None:
    @around(Terminator, "terminate")
    def terminate(right: Callable[..., None], self: Terminator) -> None:
        if self._ending.phase is not Phase.FINISHING:
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
    put(Timers, "stand_still", lambda _self, _seconds: None)


@breaks("END-046")
def minds_a_stop_that_was_ignored() -> None:
    signal.signal(signal.SIGTSTP, signal.SIG_DFL)


@breaks("END-049")
def waits_for_a_reader_of_diagnostics() -> None:
    @around(Diagnostics, "__init__")
    def init(right: Callable[..., None], self: Diagnostics, *parts: object) -> None:
        right(self, *parts)
        if self._writer:
            os.set_blocking(self._writer.fd, True)


@breaks("END-050", "END-051")
def overlooks_other_process_groups() -> None:
    put(Ends, "_members", lambda *_: [])


@breaks("END-050")
def overlooks_orphans() -> None:
    put(run_module, "adopt_orphans", lambda: True)


@breaks("END-051")
def ends_what_dead_nodes_left_with_the_run() -> None:
    @around(Ends, "reap")
    def reap(right: Callable[..., None], self: Ends, process: NodeProcess) -> None:
        right(self, process)
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


# Only after its grace periods, for which the suite does not wait.
@shows_as(Kind.KILLED, Kind.ENDLESS)
def kills_nodes_that_end_in_order() -> None:
    @around(Ending, "close")
    def close(right: Callable[..., None], self: Ending, node: Node) -> None:
        right(self, node)
        node.died = True
        deadline = Deadline(Purpose.REAP, node.index)
        self._commands.append(SetDeadline(deadline, self._settings.graces.term))


# The suite has no process that SIGKILL does not end.
@shows_as(Kind.ENDLESS)
def waits_for_what_sigkill_does_not_end() -> None:
    def change(_engine: Engine, _event: Event, commands: list[Command]) -> list[Command]:
        return [command for command in commands if not isinstance(command, LeaveNode)]

    change_commands(change)
