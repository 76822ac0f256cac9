"""Faults in what happens when nodes die."""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Callable, Iterator, Sequence
from heapq import heappush

from paexec_trio.core.commands import CloseStdin, Command, Exit
from paexec_trio.core.dispatching import Dispatcher
from paexec_trio.core.engine import Engine
from paexec_trio.core.events import Event, NodeEnded, NodeOutput, NodeReaped, NodeUnwritable
from paexec_trio.core.faults import Blame
from paexec_trio.core.fleet import Fleet
from paexec_trio.core.framing import NEWLINE
from paexec_trio.core.nodes import Attempt, Node
from paexec_trio.core.printing import Printer
from paexec_trio.core.results import Results
from paexec_trio.core.states import NodeState
from paexec_trio.core.status import Status
from paexec_trio.core.terminating import Terminator
from paexec_trio.runtime.children import Children
from paexec_trio.runtime.process import NodeProcess
from tests.simulation.violations import Kind
from tests.zoo.mutant import breaks, shows_as
from tests.zoo.planting import Exchange, Exchanged, around, change_exchange, put, without_prefix

Events = Callable[..., Iterator[Event]]
GiveUp = Callable[..., None]
Died = Callable[..., None]
Attempts = Sequence[Attempt]


@shows_as(Kind.LOST, Kind.MISORDERED, Kind.WAITING)
@breaks("DTH-010")
def loses_the_task_of_a_dead_node() -> None:
    @around(Fleet, "give_up")
    def give_up(right: GiveUp, self: Fleet, attempt: Attempt, reason: bytes) -> None:
        right(self, attempt, reason)
        self._dispatcher.waiting.to_reassign.pop()


@shows_as(Kind.SENT_TO_DEAD, Kind.INPUT_CLOSED)
@breaks("DTH-001")
def gives_tasks_to_dead_nodes() -> None:
    @around(Fleet, "died")
    def died(right: Died, self: Fleet, node: Node, attempts: Attempts, **options: bool) -> None:
        heappush(self._dispatcher.idle, node.index)
        right(self, node, attempts, **options)


@shows_as(Kind.DUPLICATED, Kind.LOST)
@breaks("DTH-013")
def repeats_a_task_whose_eot_was_read() -> None:
    last: dict[Node, Attempt] = {}

    @around(Results, "done")
    def done(right: Callable[..., None], self: Results, node: Node) -> None:
        last[node] = node.attempts[0]
        right(self, node)

    @around(Fleet, "died")
    def died(right: Died, self: Fleet, node: Node, attempts: Attempts, **options: bool) -> None:
        if node in last:
            self._dispatcher.waiting.reassign(last.pop(node))
        right(self, node, attempts, **options)


@breaks("DTH-010")
def is_killed_by_sigpipe() -> None:
    @around(NodeProcess, "write_unsent")
    def write(right: Callable[..., None], self: NodeProcess) -> None:
        try:
            right(self)
        except BrokenPipeError:
            os.kill(os.getpid(), signal.SIGKILL)
            raise


@breaks("DTH-001")
def survives_one_death_only() -> None:
    @around(Fleet, "died")
    def died(right: Died, self: Fleet, node: Node, attempts: Attempts, **options: bool) -> None:
        right(self, node, attempts, **options)
        self._settings = self._settings._replace(on_death=None)


@breaks("DTH-010")
def loses_a_task_whose_second_attempt_fails() -> None:
    failed: set[int] = set()

    @around(Fleet, "give_up")
    def give_up(right: GiveUp, self: Fleet, attempt: Attempt, reason: bytes) -> None:
        right(self, attempt, reason)
        if attempt.task_id in failed:
            self._dispatcher.waiting.to_reassign.pop()
        failed.add(attempt.task_id)


@shows_as(Kind.EXIT, Kind.ENDLESS)
@breaks("DTH-030")
def waits_for_ever_when_all_nodes_are_dead() -> None:
    put(Fleet, "all_failed", lambda _self: None)


@breaks("DTH-030")
def exits_with_status_0_when_all_nodes_are_dead() -> None:
    @around(Fleet, "all_failed")
    def all_failed(_right: object, self: Fleet) -> None:
        self._reporter.report_bare([b"all nodes failed"])
        self._ending.stop(Exit())


@breaks("DTH-032")
def fails_though_no_node_is_needed_any_more() -> None:
    @around(Fleet, "died")
    def died(right: Died, self: Fleet, node: Node, attempts: Attempts, **options: bool) -> None:
        right(self, node, attempts, **options)
        if not self._dispatcher.living:
            self._ending.fail(b"all nodes failed", Blame.NODES)


@breaks("DTH-020")
def prints_fatal_twice() -> None:
    @around(Printer, "given_up")
    def given_up(right: GiveUp, self: Printer, attempt: Attempt, reason: bytes) -> None:
        if self._fatal_line and not self._groups:
            self.write(attempt, attempt.prefix + self._fatal_line)
        right(self, attempt, reason)


@shows_as(Kind.NO_FATAL)
@breaks("DTH-020", "DTH-021")
def prints_no_fatal_line() -> None:
    @around(Printer, "given_up")
    def given_up(right: GiveUp, self: Printer, attempt: Attempt, reason: bytes) -> None:
        self._fatal_line = b""
        right(self, attempt, reason)


@breaks("DTH-023")
def prints_fatal_without_prefix() -> None:
    @around(Printer, "given_up")
    def given_up(right: GiveUp, self: Printer, attempt: Attempt, reason: bytes) -> None:
        right(self, without_prefix(attempt), reason)


@breaks("DTH-010")
def gives_a_reassigned_task_another_id() -> None:
    @around(Fleet, "give_up")
    def give_up(right: GiveUp, self: Fleet, attempt: Attempt, reason: bytes) -> None:
        right(self, attempt, reason)
        task_id, task = self._dispatcher.waiting.to_reassign.pop()
        self._dispatcher.waiting.to_reassign.append((task_id + 1000, task))


@shows_as(Kind.MISORDERED)
@breaks("DTH-011")
def reassigns_tasks_last() -> None:
    @around(Dispatcher, "dispatch_next")
    def dispatch(right: Callable[..., None], self: Dispatcher) -> None:
        later = self.waiting.to_reassign
        if self._tasks.ready:
            self.waiting.to_reassign = []
        right(self)
        self.waiting.to_reassign = later


@shows_as(Kind.LOST, Kind.FABRICATED)
@breaks("DTH-014")
def keeps_the_status_of_a_failed_attempt() -> None:
    statuses: dict[tuple[Fleet, int], Status] = {}

    @around(Fleet, "give_up")
    def give_up(right: GiveUp, self: Fleet, attempt: Attempt, reason: bytes) -> None:
        statuses[self, attempt.task_id] = attempt.status
        right(self, attempt, reason)

    @around(Results, "done")
    def done(right: Callable[..., None], self: Results, node: Node) -> None:
        attempt = node.attempts[0]
        attempt.status = statuses.get((self._fleet, attempt.task_id), attempt.status)
        right(self, node)


@breaks("DTH-015", "DTH-031")
def reports_the_death_of_idle_nodes() -> None:
    @around(Fleet, "died")
    def died(right: Died, self: Fleet, node: Node, attempts: Attempts, **options: bool) -> None:
        self._reporter.report(b"node %b died", node.name)
        right(self, node, attempts, **options)


@breaks("DTH-002")
def exits_as_a_node_does_whose_command_is_not_found() -> None:
    @around(NodeProcess, "has_exited")
    def has_exited(right: Callable[..., bool], self: NodeProcess) -> bool:
        if self.exit_status() == 127:
            raise SystemExit(127)
        return right(self)


@breaks("DTH-002")
def ends_like_a_node_that_is_interrupted() -> None:
    @around(NodeProcess, "has_exited")
    def has_exited(right: Callable[..., bool], self: NodeProcess) -> bool:
        if self.exit_status() == -signal.SIGINT:
            os.kill(os.getpid(), signal.SIGINT)
        return right(self)


@breaks("DTH-002")
def takes_exit_status_0_for_the_end_of_a_result() -> None:
    @around(Children, "output_ended")
    def output_ended(right: Events, self: Children, process: NodeProcess) -> Iterator[Event]:
        # Its exit follows at once, or it is none that this is about.
        end = os.pidfd_open(process.pid)
        select.select([end], [], [], 0.5)
        os.close(end)
        if process.exit_status() == 0:
            yield NodeOutput(process.node, NEWLINE)
        yield from right(self, process)


@breaks("DTH-003")
def waits_for_the_end_of_the_output_of_a_process_that_has_ended() -> None:
    @around(Children, "_finish")
    def finish(right: Events, self: Children, process: NodeProcess) -> Iterator[Event]:
        if process.stdout < 0:
            yield from right(self, process)


def print_fatal_after(owner: type, name: str) -> None:
    """Print the end of failed attempts late: when a method has returned."""
    late: list[tuple[object, ...]] = []
    given_up: Callable[..., None] = Printer.given_up
    put(Printer, "given_up", lambda *arguments: late.append(arguments))

    @around(owner, name)
    def method(right: Callable[..., object], *arguments: object) -> object:
        returned = right(*arguments)
        while late:
            given_up(*late.pop(0))
        return returned


@breaks("DTH-024")
def prints_fatal_after_the_task_was_dispatched_again() -> None:
    print_fatal_after(Dispatcher, "dispatch")


@breaks("DTH-024")
def prints_fatal_when_nothing_is_left_of_the_node() -> None:
    print_fatal_after(Fleet, "reaped")


@breaks("DTH-025")
def prints_the_task_line_of_the_first_attempt_only() -> None:
    printed: set[int] = set()

    @around(Printer, "begun")
    def begun(right: Callable[..., None], self: Printer, node: Node, attempt: Attempt) -> None:
        if attempt.task_id not in printed:
            printed.add(attempt.task_id)
            right(self, node, attempt)


@shows_as(Kind.INPUT_OPEN, Kind.LINGERING, Kind.ENDLESS)
@breaks("DTH-004")
def leaves_dead_nodes_their_input() -> None:
    @around(Fleet, "end")
    def end(right: Callable[..., None], self: Fleet, node: Node, report: bytes) -> None:
        right(self, node, report)
        close = CloseStdin(node.index)
        if self._settings.on_death and close in self._commands:
            self._commands.remove(close)


@shows_as(Kind.LINGERING, Kind.ENDLESS)
@breaks("DTH-004")
def ends_what_is_left_of_dead_nodes_at_the_end_only() -> None:
    put(Terminator, "reap", lambda _self, _node: None)


@shows_as(Kind.MISORDERED)
@breaks("DTH-012")
def reassigns_tasks_in_the_order_of_the_failures() -> None:
    @around(Fleet, "give_up")
    def give_up(right: GiveUp, self: Fleet, attempt: Attempt, reason: bytes) -> None:
        right(self, attempt, reason)
        failed = self._dispatcher.waiting.to_reassign
        failed.insert(0, failed.pop())


@shows_as(Kind.SENT_TO_DEAD, Kind.INPUT_OPEN, Kind.INPUT_CLOSED)
@breaks("DTH-016")
def looks_for_dead_nodes_when_it_sends_a_task() -> None:
    unseen: list[tuple[Node, Event]] = []

    def overlook(name: str) -> None:
        @around(Fleet, name)
        def method(
            right: Callable[..., bool],
            self: Fleet,
            event: NodeEnded | NodeReaped | NodeUnwritable,
        ) -> bool:
            node = self._nodes[event.node]
            if node.state is not NodeState.IDLE:
                return right(self, event)
            unseen.append((node, event))
            return False

    for name in ("ended", "reaped", "unwritable"):
        overlook(name)

    @around(Engine, "handle")
    def handle(right: Callable[..., list[Command]], self: Engine, event: Event) -> list[Command]:
        commands = right(self, event)
        for late in [late for late in unseen if late[0].state is not NodeState.IDLE]:
            unseen.remove(late)
            commands += right(self, late[1])
        return commands


@shows_as(Kind.DUPLICATED)
@breaks("DTH-013")
def reassigns_the_task_of_a_dead_node_twice() -> None:
    @around(Fleet, "give_up")
    def give_up(right: GiveUp, self: Fleet, attempt: Attempt, reason: bytes) -> None:
        right(self, attempt, reason)
        self._dispatcher.waiting.reassign(attempt)


# The fast path


@shows_as(Kind.LOST, Kind.FABRICATED, Kind.MISCREDITED)
@breaks("DTH-010")
def reassigns_a_task_under_the_id_of_the_one_before() -> None:
    @change_exchange
    def exchange(right: Exchange, _self: Dispatcher, node: Node, data: bytes) -> Exchanged | None:
        attempt = node.attempts[0]
        task_id = attempt.task_id
        found = right(data)
        attempt.task_id = task_id
        return found


@shows_as(Kind.LOST, Kind.DUPLICATED)
@breaks("DTH-010")
def reassigns_the_task_before_the_one_that_failed() -> None:
    @change_exchange
    def exchange(right: Exchange, _self: Dispatcher, node: Node, data: bytes) -> Exchanged | None:
        attempt = node.attempts[0]
        task = attempt.task
        found = right(data)
        attempt.task = task
        return found


@shows_as(Kind.MISORDERED)
@breaks("DTH-011")
def exchanges_results_for_new_tasks_first() -> None:
    @change_exchange
    def exchange(right: Exchange, self: Dispatcher, _node: Node, data: bytes) -> Exchanged | None:
        later, self.waiting.to_reassign = self.waiting.to_reassign, []
        found = right(data)
        self.waiting.to_reassign = later
        return found
