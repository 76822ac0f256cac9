"""Faults in what happens when nodes die."""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Callable, Iterator
from heapq import heappush

from paexec_trio.core.commands import CloseStdin, Command, Exit, Report
from paexec_trio.core.engine import Engine
from paexec_trio.core.events import Event, NodeEnded, NodeOutput, NodeReaped, NodeUnwritable
from paexec_trio.core.framing import NEWLINE
from paexec_trio.core.nodes import Attempt, Node
from paexec_trio.core.settings import Reassign
from paexec_trio.core.states import NodeState
from paexec_trio.runtime.host import Host
from paexec_trio.runtime.process import NodeProcess
from tests.simulation.violations import Kind
from tests.zoo.mutant import breaks, shows_as
from tests.zoo.planting import around, put, without_prefix

Events = Callable[..., Iterator[Event]]


GiveUp = Callable[..., None]


@shows_as(Kind.LOST, Kind.MISORDERED, Kind.WAITING)
@breaks("DTH-010")
def loses_the_task_of_a_dead_node() -> None:
    @around(Engine, "_give_up_attempt")
    def give_up(right: GiveUp, self: Engine, *arguments: object) -> None:
        right(self, *arguments)
        self._to_reassign.pop()


@shows_as(Kind.SENT_TO_DEAD, Kind.INPUT_CLOSED)
@breaks("DTH-001")
def gives_tasks_to_dead_nodes() -> None:
    @around(Engine, "_node_died")
    def died(right: Callable[..., None], self: Engine, node: Node, *rest: object) -> None:
        heappush(self._idle, node.index)
        right(self, node, *rest)


@shows_as(Kind.DUPLICATED, Kind.LOST)
@breaks("DTH-013")
def repeats_a_task_whose_eot_was_read() -> None:
    last: dict[int, tuple[int, bytes]] = {}

    @around(Engine, "_attempt_done")
    def done(right: Callable[..., None], self: Engine, *arguments: object) -> None:
        node = next(a for a in arguments if isinstance(a, Node))
        last[node.index] = (node.attempts[0].task_id, node.attempts[0].task)
        right(self, *arguments)

    @around(Engine, "_node_died")
    def died(right: Callable[..., None], self: Engine, node: Node, *rest: object) -> None:
        if node.index in last:
            self._to_reassign.append(last.pop(node.index))
        right(self, node, *rest)


@breaks("DTH-010")
def is_killed_by_sigpipe() -> None:
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)

    @around(NodeProcess, "_write")
    def write(right: Callable[..., int], self: NodeProcess, data: bytes) -> int:
        try:
            return right(self, data)
        except BrokenPipeError:
            os.kill(os.getpid(), signal.SIGKILL)
            raise


@breaks("DTH-001")
def survives_one_death_only() -> None:
    @around(Engine, "_node_died")
    def died(right: Callable[..., None], self: Engine, *arguments: object) -> None:
        right(self, *arguments)
        self._settings = self._settings._replace(on_death=None)


@breaks("DTH-010")
def loses_a_task_whose_second_attempt_fails() -> None:
    failed: set[int] = set()

    @around(Engine, "_give_up_attempt")
    def give_up(right: GiveUp, self: Engine, attempt: Attempt, *rest: object) -> None:
        right(self, attempt, *rest)
        if attempt.task_id in failed:
            self._to_reassign.pop()
        failed.add(attempt.task_id)


@shows_as(Kind.EXIT, Kind.ENDLESS)
@breaks("DTH-030")
def waits_for_ever_when_all_nodes_are_dead() -> None:
    @around(Engine, "_all_nodes_failed")
    def all_failed(_right: object, _self: Engine) -> None:
        pass


@breaks("DTH-030")
def exits_with_status_0_when_all_nodes_are_dead() -> None:
    @around(Engine, "_all_nodes_failed")
    def all_failed(_right: object, self: Engine) -> None:
        self._commands.append(Report(b"all nodes failed"))
        self._stop(Exit())


@breaks("DTH-032")
def fails_though_no_node_is_needed_any_more() -> None:
    @around(Engine, "_node_died")
    def died(right: Callable[..., None], self: Engine, *arguments: object) -> None:
        right(self, *arguments)
        if not self._living:
            self._fail(b"all nodes failed")


@breaks("DTH-020")
def prints_fatal_twice() -> None:
    @around(Engine, "_give_up_attempt")
    def give_up(right: GiveUp, self: Engine, attempt: Attempt, on_death: Reassign) -> None:
        fatal = on_death.fatal + b"\n" + attempt.prefix + on_death.fatal
        right(self, attempt, on_death._replace(fatal=fatal) if on_death.fatal else on_death)


@shows_as(Kind.NO_FATAL)
@breaks("DTH-020", "DTH-021")
def prints_no_fatal_line() -> None:
    @around(Engine, "_give_up_attempt")
    def give_up(right: GiveUp, self: Engine, attempt: Attempt, on_death: Reassign) -> None:
        right(self, attempt, on_death._replace(fatal=b""))


@breaks("DTH-023")
def prints_fatal_without_prefix() -> None:
    @around(Engine, "_give_up_attempt")
    def give_up(right: GiveUp, self: Engine, attempt: Attempt, on_death: Reassign) -> None:
        right(self, without_prefix(attempt), on_death)


@breaks("DTH-010")
def gives_a_reassigned_task_another_id() -> None:
    @around(Engine, "_give_up_attempt")
    def give_up(right: GiveUp, self: Engine, *arguments: object) -> None:
        right(self, *arguments)
        task_id, task = self._to_reassign.pop()
        self._to_reassign.append((task_id + 1000, task))


@shows_as(Kind.MISORDERED)
@breaks("DTH-011")
def reassigns_tasks_last() -> None:
    @around(Engine, "_dispatch_next_task")
    def dispatch(right: Callable[..., None], self: Engine) -> None:
        if self._to_reassign and self._tasks.ready:
            self._to_reassign, later = [], self._to_reassign
            right(self)
            self._to_reassign = later
        else:
            right(self)


@shows_as(Kind.LOST, Kind.FABRICATED)
@breaks("DTH-014")
def keeps_the_status_of_a_failed_attempt() -> None:
    statuses: dict[int, object] = {}

    @around(Engine, "_give_up_attempt")
    def give_up(right: GiveUp, self: Engine, attempt: Attempt, *rest: object) -> None:
        statuses[attempt.task_id] = attempt.status
        right(self, attempt, *rest)

    @around(Engine, "_attempt_done")
    def done(right: Callable[..., None], self: Engine, *arguments: object) -> None:
        node = next(a for a in arguments if isinstance(a, Node))
        attempt = node.attempts[0]
        attempt.status = statuses.get(attempt.task_id, attempt.status)  # type: ignore[assignment]
        right(self, *arguments)


@breaks("DTH-015", "DTH-031")
def reports_the_death_of_idle_nodes() -> None:
    @around(Engine, "_node_died")
    def died(right: Callable[..., None], self: Engine, node: Node, *rest: object) -> None:
        self._report(b"node %b died" % node.name)
        right(self, node, *rest)


@breaks("DTH-002")
def exits_as_a_node_does_whose_command_is_not_found() -> None:
    @around(Host, "_process_ended")
    def ended(right: Events, self: Host, process: NodeProcess) -> Iterator[Event]:
        end = os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if end and end.si_status == 127:
            raise SystemExit(127)
        yield from right(self, process)


@breaks("DTH-002")
def ends_like_a_node_that_is_interrupted() -> None:
    @around(Host, "_process_ended")
    def ended(right: Events, self: Host, process: NodeProcess) -> Iterator[Event]:
        end = os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if end and end.si_code == os.CLD_KILLED and end.si_status == signal.SIGINT:
            self.request_stop(signal.SIGINT)
        yield from right(self, process)


@breaks("DTH-002")
def takes_exit_status_0_for_the_end_of_a_result() -> None:
    @around(Host, "_output_ended")
    def output_ended(right: Events, self: Host, process: NodeProcess) -> Iterator[Event]:
        # Its exit follows at once, or it is none that this is about.
        select.select([process.pidfd], [], [], 0.5)
        end = os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if end and end.si_code == os.CLD_EXITED and not end.si_status:
            yield NodeOutput(process.node, NEWLINE)
        yield from right(self, process)


@breaks("DTH-003")
def waits_for_the_end_of_the_output_of_a_process_that_has_ended() -> None:
    @around(Host, "_finish")
    def finish(right: Events, self: Host, process: NodeProcess) -> Iterator[Event]:
        if process.stdout < 0:
            yield from right(self, process)


def keep_fatal_lines() -> dict[int, list[Command]]:
    """Keep back what is printed at the end of failed attempts; return what is kept, by node."""
    kept: dict[int, list[Command]] = {}

    @around(Engine, "_node_died")
    def died(right: Callable[..., None], self: Engine, node: Node, *rest: object) -> None:
        kept[-1] = kept[node.index] = []
        right(self, node, *rest)

    @around(Engine, "_give_up_attempt")
    def give_up(right: GiveUp, self: Engine, *arguments: object) -> None:
        before = len(self._commands)
        right(self, *arguments)
        kept[-1] += self._commands[before:]
        del self._commands[before:]

    return kept


@breaks("DTH-024")
def prints_fatal_after_the_task_was_dispatched_again() -> None:
    kept = keep_fatal_lines()

    @around(Engine, "_node_died")
    def died(right: Callable[..., None], self: Engine, node: Node, *rest: object) -> None:
        right(self, node, *rest)
        self._commands += kept.pop(node.index)


@breaks("DTH-024")
def prints_fatal_when_nothing_is_left_of_the_node() -> None:
    kept = keep_fatal_lines()

    @around(Engine, "_node_gone")
    def gone(right: Callable[..., None], self: Engine, event: NodeReaped) -> None:
        self._commands += kept.pop(event.node, [])
        right(self, event)


@breaks("DTH-025")
def prints_the_task_line_of_the_first_attempt_only() -> None:
    printed: set[int] = set()

    @around(Engine, "_print_task")
    def print_task(right: Callable[..., None], self: Engine, attempt: Attempt) -> None:
        if attempt.task_id not in printed:
            printed.add(attempt.task_id)
            right(self, attempt)


@shows_as(Kind.INPUT_OPEN, Kind.LINGERING, Kind.ENDLESS)
@breaks("DTH-004")
def leaves_dead_nodes_their_input() -> None:
    @around(Engine, "_end_node")
    def end(right: Callable[..., None], self: Engine, node: Node, *rest: object) -> None:
        right(self, node, *rest)
        close = CloseStdin(node.index)
        if self._settings.on_death and close in self._commands:
            self._commands.remove(close)


@shows_as(Kind.LINGERING, Kind.ENDLESS)
@breaks("DTH-004")
def ends_what_is_left_of_dead_nodes_at_the_end_only() -> None:
    put(Engine, "_bury_dead_nodes", lambda _self: None)


@shows_as(Kind.MISORDERED)
@breaks("DTH-012")
def reassigns_tasks_in_the_order_of_the_failures() -> None:
    @around(Engine, "_give_up_attempt")
    def give_up(right: GiveUp, self: Engine, *arguments: object) -> None:
        right(self, *arguments)
        self._to_reassign.insert(0, self._to_reassign.pop())


@shows_as(Kind.SENT_TO_DEAD, Kind.INPUT_CLOSED)
@breaks("DTH-016")
def looks_for_dead_nodes_when_it_sends_a_task() -> None:
    unseen: list[NodeEnded | NodeReaped | NodeUnwritable] = []

    @around(Engine, "handle")
    def handle(right: Callable[..., list[Command]], self: Engine, event: Event) -> list[Command]:
        if (
            isinstance(event, NodeEnded | NodeReaped | NodeUnwritable)
            and self._nodes[event.node].state is NodeState.IDLE
        ):
            unseen.append(event)
            return []
        commands = right(self, event)
        for late in [late for late in unseen if self._nodes[late.node].state is not NodeState.IDLE]:
            unseen.remove(late)
            commands += right(self, late)
        return commands
