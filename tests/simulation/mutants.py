"""Engines with one bug each, to see whether the simulation finds it.

Each function here plants a bug, named by what the engine does then.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from heapq import heappush

import pytest

from paexec_trio.core import results, windows
from paexec_trio.core.commands import (
    CloseStdin,
    Command,
    Exit,
    KillNode,
    LeaveNode,
    Purpose,
    Release,
    SetDeadline,
)
from paexec_trio.core.dispatching import Dispatcher
from paexec_trio.core.ending import Phase
from paexec_trio.core.engine import Engine
from paexec_trio.core.events import (
    Event,
    NodeEnded,
    NodeOutput,
    NodeReaped,
    NodeStarted,
)
from paexec_trio.core.fleet import Fleet
from paexec_trio.core.grouping import OrderedGroups
from paexec_trio.core.nodes import Attempt, Node
from paexec_trio.core.printing import Printer
from paexec_trio.core.results import Results
from paexec_trio.core.states import NodeState
from paexec_trio.core.status import Status
from paexec_trio.core.tasks import GraphTasks
from paexec_trio.core.terminating import Terminator
from paexec_trio.core.windowcontrol import WindowController
from paexec_trio.core.wire import Wire
from tests.simulation.violations import Kind

Planter = Callable[[pytest.MonkeyPatch], None]

MUTANTS: dict[Planter, set[Kind]] = {}
"""How each bug may show."""


def shows_as(*kinds: Kind) -> Callable[[Planter], Planter]:
    """Add a mutant to the list."""

    def add(planter: Planter) -> Planter:
        MUTANTS[planter] = set(kinds)
        return planter

    return add


def change_commands(
    patch: pytest.MonkeyPatch, change: Callable[[Engine, Event, list[Command]], list[Command]]
) -> None:
    """Change what the engine says."""
    right = Engine.handle

    def wrong(self: Engine, event: Event) -> list[Command]:
        return change(self, event, right(self, event))

    patch.setattr(Engine, "handle", wrong)


# Death


@shows_as(Kind.LOST, Kind.FABRICATED, Kind.MISCREDITED)
def forgets_to_clear_the_framer_at_death(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Wire, "disconnect", lambda _self, _node: None)


@shows_as(Kind.LOST, Kind.FABRICATED)
def keeps_the_status_of_the_dead_attempt(patch: pytest.MonkeyPatch) -> None:
    died, done = Fleet.died, Results.done
    statuses: dict[tuple[Fleet, int], Status] = {}

    def remember(self: Fleet, node: Node, attempts: list[Attempt]) -> None:
        statuses.update({(self, attempt.task_id): attempt.status for attempt in attempts})
        died(self, node, attempts)

    def wrong(self: Results, node: Node) -> None:
        attempt = node.attempts[0]
        if attempt.status is Status.MISSING:
            attempt.status = statuses.get((self._fleet, attempt.task_id), Status.MISSING)
        done(self, node)

    patch.setattr(Fleet, "died", remember)
    patch.setattr(Results, "done", wrong)


@shows_as(Kind.DUPLICATED, Kind.LOST)
def repeats_a_task_whose_eot_was_the_last_it_read(patch: pytest.MonkeyPatch) -> None:
    done, died = Results.done, Fleet.died
    last: dict[tuple[Fleet, int], Attempt] = {}

    def remember(self: Results, node: Node) -> None:
        last[self._fleet, node.index] = node.attempts[0]
        done(self, node)

    def wrong(self: Fleet, node: Node, attempts: list[Attempt]) -> None:
        repeated = last.pop((self, node.index), None)
        if repeated and not attempts:
            self._dispatcher.reassign(repeated)
        died(self, node, attempts)

    patch.setattr(Results, "done", remember)
    patch.setattr(Fleet, "died", wrong)


@shows_as(Kind.DUPLICATED)
def reassigns_twice(patch: pytest.MonkeyPatch) -> None:
    right = Fleet.give_up

    def wrong(self: Fleet, attempt: Attempt) -> None:
        self._dispatcher.reassign(attempt)
        right(self, attempt)

    patch.setattr(Fleet, "give_up", wrong)


@shows_as(Kind.LOST, Kind.MISORDERED, Kind.WAITING)
def drops_the_task_of_a_dead_node(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Fleet, "give_up", lambda self, attempt: self._outlet.given_up(attempt))


@shows_as(Kind.SENT_TO_DEAD, Kind.INPUT_CLOSED)
def gives_tasks_to_nodes_that_died_idle(patch: pytest.MonkeyPatch) -> None:
    ended, reaped = Fleet.ended, Fleet.reaped

    def is_ignored(self: Fleet, node: int) -> bool:
        on_death = self._settings.on_death
        restarts = on_death is not None and on_death.restart_after > 0
        return self._nodes[node].state is NodeState.IDLE and not restarts

    def wrong_at_end(self: Fleet, event: NodeEnded) -> bool:
        if is_ignored(self, event.node):
            self._commands.append(CloseStdin(event.node))
            return False
        return ended(self, event)

    def wrong_at_last(self: Fleet, event: NodeReaped) -> bool:
        return not is_ignored(self, event.node) and reaped(self, event)

    patch.setattr(Fleet, "ended", wrong_at_end)
    patch.setattr(Fleet, "reaped", wrong_at_last)


@shows_as(Kind.NO_FATAL)
def prints_no_fatal_line(patch: pytest.MonkeyPatch) -> None:
    right = Printer.given_up

    def wrong(self: Printer, attempt: Attempt) -> None:
        self._fatal_line = b""
        right(self, attempt)

    patch.setattr(Printer, "given_up", wrong)


@shows_as(Kind.MISORDERED)
def repeats_the_first_failed_task_first(patch: pytest.MonkeyPatch) -> None:
    right = Dispatcher.dispatch_next

    def wrong(self: Dispatcher) -> None:
        self.to_reassign.reverse()
        right(self)
        self.to_reassign.reverse()

    patch.setattr(Dispatcher, "dispatch_next", wrong)


@shows_as(Kind.MISORDERED)
def repeats_failed_tasks_last(patch: pytest.MonkeyPatch) -> None:
    right = Dispatcher.dispatch_next

    def wrong(self: Dispatcher) -> None:
        failed = self.to_reassign
        if self._tasks.ready:
            self.to_reassign = []
        right(self)
        self.to_reassign = failed

    patch.setattr(Dispatcher, "dispatch_next", wrong)


@shows_as(Kind.INPUT_OPEN, Kind.LINGERING, Kind.ENDLESS)
def leaves_the_input_of_dead_nodes_open(patch: pytest.MonkeyPatch) -> None:
    right = Fleet.died

    def wrong(self: Fleet, node: Node, attempts: list[Attempt]) -> None:
        self._commands.pop()
        right(self, node, attempts)

    patch.setattr(Fleet, "died", wrong)


@shows_as(Kind.LINGERING, Kind.ENDLESS)
def does_not_end_what_is_left_of_dead_nodes(patch: pytest.MonkeyPatch) -> None:
    def change(_self: Engine, _event: Event, commands: list[Command]) -> list[Command]:
        return [
            c
            for c in commands
            if not (isinstance(c, SetDeadline) and c.deadline.purpose is Purpose.REAP)
        ]

    change_commands(patch, change)


@shows_as(Kind.EXIT, Kind.ENDLESS)
def waits_forever_when_all_nodes_are_dead(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Fleet, "all_failed", lambda _self: None)


@shows_as(Kind.INPUT_CLOSED)
def closes_idle_nodes_while_a_task_may_be_repeated(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(
        Dispatcher,
        "is_over",
        lambda self: not self.has_waiting() and self._tasks.is_exhausted(),
    )


# Restart


@shows_as(Kind.LOST, Kind.MISORDERED, Kind.WAITING)
def drops_failed_tasks_at_a_restart(patch: pytest.MonkeyPatch) -> None:
    right = Fleet.restart

    def wrong(self: Fleet) -> None:
        self._dispatcher.to_reassign.clear()
        right(self)

    patch.setattr(Fleet, "restart", wrong)


@shows_as(Kind.WAITING, Kind.INPUT_OPEN)
def does_not_dispatch_when_a_restarted_node_is_idle(patch: pytest.MonkeyPatch) -> None:
    right = Fleet.started

    def wrong(self: Fleet, event: NodeStarted) -> bool:
        is_first = not self._nodes[event.node].pid
        return right(self, event) and is_first

    patch.setattr(Fleet, "started", wrong)


@shows_as(Kind.RESTART)
def restarts_nodes_only_once(patch: pytest.MonkeyPatch) -> None:
    right = Fleet.restart

    def wrong(self: Fleet) -> None:
        right(self)
        self._starts_arranged = True
        self._to_start = deque()

    patch.setattr(Fleet, "restart", wrong)


@shows_as(Kind.RESTART, Kind.CRASHED)
def restarts_nodes_beside_their_old_process(patch: pytest.MonkeyPatch) -> None:
    right = Fleet.restart

    def wrong(self: Fleet) -> None:
        for node in self._nodes:
            if node.state is NodeState.ENDED:
                node.state = NodeState.REAPED
        right(self)

    patch.setattr(Fleet, "restart", wrong)


@shows_as(Kind.RESTART)
def restarts_nodes_at_once(patch: pytest.MonkeyPatch) -> None:
    def change(_self: Engine, _event: Event, commands: list[Command]) -> list[Command]:
        for command in commands:
            if isinstance(command, SetDeadline) and command.deadline.purpose is Purpose.RESTART:
                command.seconds = 0.0
        return commands

    change_commands(patch, change)


@shows_as(Kind.RESTART)
def restarts_nodes_late(patch: pytest.MonkeyPatch) -> None:
    def change(_self: Engine, _event: Event, commands: list[Command]) -> list[Command]:
        for command in commands:
            if isinstance(command, SetDeadline) and command.deadline.purpose is Purpose.RESTART:
                command.seconds *= 3
        return commands

    change_commands(patch, change)


@shows_as(Kind.LOST, Kind.FABRICATED, Kind.MISCREDITED)
def prints_the_id_of_the_old_process(patch: pytest.MonkeyPatch) -> None:
    right = Fleet.started

    def wrong(self: Fleet, event: NodeStarted) -> bool:
        pid = self._nodes[event.node].pid or event.pid
        return right(self, NodeStarted(event.node, pid))

    patch.setattr(Fleet, "started", wrong)


@shows_as(Kind.FABRICATED)
def does_not_prepare_a_restarted_shell(patch: pytest.MonkeyPatch) -> None:
    right = Wire.connect

    def wrong(self: Wire, node: Node) -> None:
        prepared = self._prepared.copy()
        right(self, node)
        self._prepared |= prepared

    patch.setattr(Wire, "connect", wrong)


@shows_as(Kind.DIAGNOSTIC)
def gives_up_though_it_was_told_to_wait(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Fleet, "all_failed", lambda self: self._ending.fail(b"all nodes failed"))


# Tasks and results


@shows_as(Kind.TOO_EARLY)
def starts_tasks_before_their_dependencies(patch: pytest.MonkeyPatch) -> None:
    right = GraphTasks.done

    def wrong(self: GraphTasks, task_id: int, status: Status) -> list[bytes]:
        if status is Status.SUCCESS:
            for dependant in self._graph.dependants(task_id):
                if self._waiting_for[dependant] > 1:
                    self._waiting_for[dependant] -= 1
        return right(self, task_id, status)

    patch.setattr(GraphTasks, "done", wrong)


@shows_as(Kind.TOO_EARLY, Kind.LOST, Kind.FABRICATED)
def takes_a_failure_for_a_success(patch: pytest.MonkeyPatch) -> None:
    right = GraphTasks.done
    patch.setattr(GraphTasks, "done", lambda self, task, _status: right(self, task, Status.SUCCESS))


@shows_as(Kind.MISCREDITED)
def credits_results_to_the_next_task(patch: pytest.MonkeyPatch) -> None:
    right = Dispatcher.dispatch_next

    def wrong(self: Dispatcher) -> None:
        right(self)
        for node in self._nodes:
            for attempt in node.attempts:
                number = b"%d " % attempt.task_id
                attempt.prefix = attempt.prefix.replace(number, b"%d " % (attempt.task_id + 1))

    patch.setattr(Dispatcher, "dispatch_next", wrong)


@shows_as(Kind.CROWDED, Kind.MISORDERED)
def sends_a_task_to_a_busy_node(patch: pytest.MonkeyPatch) -> None:
    right = Results.take

    def wrong(self: Results, event: NodeOutput) -> bool:
        node = self._nodes[event.node]
        dispatcher = self._dispatcher
        alone = self._settings.prefetch == 1
        if alone and node.state is NodeState.BUSY and self._tasks.ready and not dispatcher.idle:
            node.state = NodeState.IDLE
            heappush(dispatcher.idle, node.index)
            dispatcher.dispatch()
        return right(self, event)

    patch.setattr(Results, "take", wrong)


@shows_as(Kind.LOST)
def loses_lines_that_come_in_pieces(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Printer, "line", lambda _self, _attempt, _line: None)


# Prefetch


@shows_as(Kind.FABRICATED, Kind.DUPLICATED, Kind.MISORDERED)
def blames_queued_tasks_for_the_death_of_their_node(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Dispatcher, "take_back_queued", lambda _self, _node: None)


@shows_as(Kind.LOST, Kind.WAITING, Kind.MISORDERED)
def loses_queued_tasks(patch: pytest.MonkeyPatch) -> None:
    def wrong(_self: Dispatcher, node: Node) -> None:
        while len(node.attempts) > 1:
            node.attempts.pop()

    patch.setattr(Dispatcher, "take_back_queued", wrong)


@shows_as(Kind.MISORDERED)
def puts_queued_tasks_before_the_failed_one(patch: pytest.MonkeyPatch) -> None:
    right = Fleet.give_up

    def wrong(self: Fleet, attempt: Attempt) -> None:
        right(self, attempt)
        to_reassign = self._dispatcher.to_reassign
        to_reassign.insert(0, to_reassign.pop())

    patch.setattr(Fleet, "give_up", wrong)


@shows_as(Kind.CROWDED)
def sends_one_task_too_many(patch: pytest.MonkeyPatch) -> None:
    right = windows.spread_evenly

    def wrong(held: Sequence[int], limits: Sequence[int], tasks: int) -> list[int]:
        return right(held, [limit + 1 for limit in limits], tasks)

    patch.setattr(windows, "spread_evenly", wrong)


@shows_as(Kind.MISORDERED)
def fills_one_node_after_the_other(patch: pytest.MonkeyPatch) -> None:
    def wrong(held: Sequence[int], limits: Sequence[int], tasks: int) -> list[int]:
        given = []
        for count, limit in zip(held, limits, strict=True):
            given.append(min(limit - count, tasks))
            tasks -= given[-1]
        return given

    patch.setattr(windows, "spread_evenly", wrong)


@shows_as(Kind.WAITING)
def waits_for_idle_nodes(patch: pytest.MonkeyPatch) -> None:
    right = Dispatcher.dispatch_several

    def wrong(self: Dispatcher) -> None:
        if self.idle:
            right(self)

    patch.setattr(Dispatcher, "dispatch_several", wrong)


@shows_as(Kind.FABRICATED, Kind.LOST, Kind.MISORDERED, Kind.DUPLICATED)
def takes_a_node_that_reads_no_more_for_dead(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Fleet, "half_close", lambda self, node: self.end(node, b""))


@shows_as(Kind.MISORDERED, Kind.FABRICATED, Kind.DUPLICATED)
def prints_tasks_when_they_are_sent(patch: pytest.MonkeyPatch) -> None:
    right = Dispatcher.give

    def wrong(self: Dispatcher, node: Node, count: int) -> bool:
        before = len(node.attempts)
        whole = right(self, node, count)
        for attempt in list(node.attempts)[before + (not before) :]:
            self._outlet.begun(attempt)
        return whole

    patch.setattr(Dispatcher, "give", wrong)


@shows_as(Kind.CROWDED)
def queues_tasks_before_it_has_measured(patch: pytest.MonkeyPatch) -> None:
    right = WindowController.__init__

    def wrong(self: WindowController) -> None:
        right(self)
        self.window = 4

    patch.setattr(WindowController, "__init__", wrong)


# Groups


@shows_as(Kind.FABRICATED, Kind.DUPLICATED)
def keeps_the_lines_of_a_dead_attempt(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Printer, "forget", lambda _self, _attempt: None)


@shows_as(Kind.FABRICATED, Kind.MISORDERED)
def does_not_keep_the_order(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(OrderedGroups, "done", lambda _self, task_id: [Release(task_id)])


@shows_as(Kind.LOST)
def loses_groups_that_wait_when_a_run_ends(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(OrderedGroups, "rest", lambda _self: [])


@shows_as(Kind.LOST)
def waits_for_tasks_that_will_not_be_run(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(GraphTasks, "will_not_run", lambda _self, _task_id: False)


# Ends


@shows_as(Kind.EXIT)
def forgets_that_a_status_was_missing(patch: pytest.MonkeyPatch) -> None:
    def change(_self: Engine, _event: Event, commands: list[Command]) -> list[Command]:
        return [Exit() if isinstance(c, Exit) and not c.signal else c for c in commands]

    change_commands(patch, change)


@shows_as(Kind.KILLED)
def kills_nodes_that_live(patch: pytest.MonkeyPatch) -> None:
    right = Terminator.reap

    def wrong(self: Terminator, index: int) -> None:
        states = {NodeState.IDLE, NodeState.BUSY}
        self._commands += [KillNode(n.index, False) for n in self._nodes if n.state in states]
        right(self, index)

    patch.setattr(Terminator, "reap", wrong)


@shows_as(Kind.KILLED, Kind.ENDLESS)
def kills_nodes_that_end_in_order(patch: pytest.MonkeyPatch) -> None:
    right = Terminator.reap

    def wrong(self: Terminator, _index: int) -> None:
        for node in self._nodes:
            node.died = True
            right(self, node.index)

    patch.setattr(Terminator, "reap", wrong)


@shows_as(Kind.ENDLESS, Kind.EXIT)
def waits_for_nodes_that_ignore_the_end_of_their_input(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Terminator, "kill", lambda _self: None)


@shows_as(Kind.ENDLESS)
def waits_for_what_sigkill_does_not_end(patch: pytest.MonkeyPatch) -> None:
    def change(_self: Engine, _event: Event, commands: list[Command]) -> list[Command]:
        return [command for command in commands if not isinstance(command, LeaveNode)]

    change_commands(patch, change)


@shows_as(Kind.KILLED, Kind.EXIT, Kind.DIAGNOSTIC)
def kills_calculators_that_take_long_to_end(patch: pytest.MonkeyPatch) -> None:
    """As it was before END-040."""

    def wrong(self: Terminator) -> None:
        if self._ending.phase is Phase.FINISHING:
            self.terminate()

    patch.setattr(Terminator, "name_remaining", wrong)


@shows_as(Kind.EXIT, Kind.DIAGNOSTIC)
def bears_with_a_node_out_of_step(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Results, "out_of_step", lambda _self, _node, _octets: None)


@shows_as(Kind.EXIT, Kind.DIAGNOSTIC)
def does_not_see_results_after_the_last(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(results, "ends_result", lambda _node, _octets, _eot: False)


@shows_as(Kind.EXIT)
def trusts_what_a_node_out_of_step_has_answered(patch: pytest.MonkeyPatch) -> None:
    right = Results.out_of_step

    def out_of_step(self: Results, node: Node, octets: bytes) -> None:
        node.answered = False
        right(self, node, octets)

    patch.setattr(Results, "out_of_step", out_of_step)
