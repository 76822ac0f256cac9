"""Engines with one bug each, to see whether the simulation finds it.

Each function here plants a bug, named by what the engine does then.
"""
# ruff: noqa: SLF001 (bugs are planted inside)

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from heapq import heappush

import pytest

from paexec_trio.core import engine
from paexec_trio.core.commands import (
    CloseStdin,
    Command,
    Discard,
    Exit,
    KillNode,
    LeaveNode,
    Purpose,
    Release,
    Send,
    SetDeadline,
    Write,
)
from paexec_trio.core.engine import Engine, Phase
from paexec_trio.core.events import (
    DeadlinePassed,
    Event,
    NodeEnded,
    NodeOutput,
    NodeReaped,
    NodeStarted,
)
from paexec_trio.core.framing import NEWLINE
from paexec_trio.core.grouping import OrderedGroups
from paexec_trio.core.nodes import Attempt, Node
from paexec_trio.core.pace import Pace
from paexec_trio.core.settings import Reassign
from paexec_trio.core.states import NodeState
from paexec_trio.core.status import Status
from paexec_trio.core.tasks import GraphTasks
from tests.simulation.violations import Kind
from tests.simulation.world import FIRST_PID

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
    right = Engine._end_node

    def wrong(self: Engine, node: Node, diagnostic: bytes) -> None:
        framer = node.framer
        right(self, node, diagnostic)
        node.framer = framer

    patch.setattr(Engine, "_end_node", wrong)


@shows_as(Kind.LOST, Kind.FABRICATED)
def keeps_the_status_of_the_dead_attempt(patch: pytest.MonkeyPatch) -> None:
    died, done = Engine._node_died, Engine._attempt_done
    statuses: dict[tuple[Engine, int], Status] = {}

    def remember(self: Engine, node: Node, attempts: list[Attempt], on_death: Reassign) -> None:
        statuses.update({(self, attempt.task_id): attempt.status for attempt in attempts})
        died(self, node, attempts, on_death)

    def wrong(self: Engine, node: Node) -> None:
        attempt = node.attempts[0]
        if attempt.status is Status.MISSING:
            attempt.status = statuses.get((self, attempt.task_id), Status.MISSING)
        done(self, node)

    patch.setattr(Engine, "_node_died", remember)
    patch.setattr(Engine, "_attempt_done", wrong)


@shows_as(Kind.DUPLICATED, Kind.LOST)
def repeats_a_task_whose_eot_was_the_last_it_read(patch: pytest.MonkeyPatch) -> None:
    done, died = Engine._attempt_done, Engine._node_died
    last: dict[tuple[Engine, int], Attempt] = {}

    def remember(self: Engine, node: Node) -> None:
        last[self, node.index] = node.attempts[0]
        done(self, node)

    def wrong(self: Engine, node: Node, attempts: list[Attempt], on_death: Reassign) -> None:
        repeated = last.pop((self, node.index), None)
        if repeated and not attempts:
            self._to_reassign.append((repeated.task_id, repeated.task))
        died(self, node, attempts, on_death)

    patch.setattr(Engine, "_attempt_done", remember)
    patch.setattr(Engine, "_node_died", wrong)


@shows_as(Kind.DUPLICATED)
def reassigns_twice(patch: pytest.MonkeyPatch) -> None:
    right = Engine._node_died

    def wrong(self: Engine, node: Node, attempts: list[Attempt], on_death: Reassign) -> None:
        self._to_reassign.extend((attempt.task_id, attempt.task) for attempt in attempts)
        right(self, node, attempts, on_death)

    patch.setattr(Engine, "_node_died", wrong)


@shows_as(Kind.LOST, Kind.MISORDERED, Kind.WAITING)
def drops_the_task_of_a_dead_node(patch: pytest.MonkeyPatch) -> None:
    right = Engine._node_died

    def wrong(self: Engine, node: Node, attempts: list[Attempt], on_death: Reassign) -> None:
        before = self._to_reassign[:]
        self._to_reassign = []
        right(self, node, attempts, on_death)
        self._to_reassign = before

    patch.setattr(Engine, "_node_died", wrong)


@shows_as(Kind.SENT_TO_DEAD, Kind.INPUT_CLOSED)
def gives_tasks_to_nodes_that_died_idle(patch: pytest.MonkeyPatch) -> None:
    ended, gone = Engine._node_ended, Engine._node_gone

    def is_ignored(self: Engine, node: int) -> bool:
        on_death = self._settings.on_death
        restarts = on_death is not None and on_death.restart_after > 0
        return self._nodes[node].state is NodeState.IDLE and not restarts

    def wrong_at_end(self: Engine, event: NodeEnded) -> None:
        if is_ignored(self, event.node):
            self._commands.append(CloseStdin(event.node))
        else:
            ended(self, event)

    def wrong_at_last(self: Engine, event: NodeReaped) -> None:
        if not is_ignored(self, event.node):
            gone(self, event)

    patch.setattr(Engine, "_node_ended", wrong_at_end)
    patch.setattr(Engine, "_node_gone", wrong_at_last)


@shows_as(Kind.NO_FATAL)
def prints_no_fatal_line(patch: pytest.MonkeyPatch) -> None:
    def change(self: Engine, _event: Event, commands: list[Command]) -> list[Command]:
        on_death = self._settings.on_death
        fatal = on_death.fatal + NEWLINE if on_death and on_death.fatal else b"\0"
        return [c for c in commands if not (isinstance(c, Write) and c.data.endswith(fatal))]

    change_commands(patch, change)


@shows_as(Kind.MISORDERED)
def repeats_the_first_failed_task_first(patch: pytest.MonkeyPatch) -> None:
    right = Engine._dispatch_next_task

    def wrong(self: Engine) -> None:
        self._to_reassign.reverse()
        right(self)
        self._to_reassign.reverse()

    patch.setattr(Engine, "_dispatch_next_task", wrong)


@shows_as(Kind.MISORDERED)
def repeats_failed_tasks_last(patch: pytest.MonkeyPatch) -> None:
    right = Engine._dispatch_next_task

    def wrong(self: Engine) -> None:
        failed = self._to_reassign
        if self._tasks.ready:
            self._to_reassign = []
        right(self)
        self._to_reassign = failed

    patch.setattr(Engine, "_dispatch_next_task", wrong)


@shows_as(Kind.INPUT_OPEN, Kind.LINGERING, Kind.ENDLESS)
def leaves_the_input_of_dead_nodes_open(patch: pytest.MonkeyPatch) -> None:
    right = Engine._node_died

    def wrong(self: Engine, node: Node, attempts: list[Attempt], on_death: Reassign) -> None:
        self._commands.pop()
        right(self, node, attempts, on_death)

    patch.setattr(Engine, "_node_died", wrong)


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
    patch.setattr(Engine, "_all_nodes_failed", lambda _self: None)


@shows_as(Kind.INPUT_CLOSED)
def closes_idle_nodes_while_a_task_may_be_repeated(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(
        Engine,
        "_is_over",
        lambda self: not (self._to_reassign or self._tasks.ready) and self._tasks.is_exhausted(),
    )


# Restart


@shows_as(Kind.LOST, Kind.MISORDERED, Kind.WAITING)
def drops_failed_tasks_at_a_restart(patch: pytest.MonkeyPatch) -> None:
    right = Engine._restart_dead_nodes

    def wrong(self: Engine) -> None:
        self._to_reassign.clear()
        right(self)

    patch.setattr(Engine, "_restart_dead_nodes", wrong)


@shows_as(Kind.WAITING, Kind.INPUT_OPEN)
def does_not_dispatch_when_a_restarted_node_is_idle(patch: pytest.MonkeyPatch) -> None:
    right = Engine._node_started

    def wrong(self: Engine, event: NodeStarted) -> None:
        patched = pytest.MonkeyPatch()
        if self._nodes[event.node].pid:
            patched.setattr(Engine, "_dispatch", lambda _self: None)
        right(self, event)
        patched.undo()

    patch.setattr(Engine, "_node_started", wrong)


@shows_as(Kind.RESTART)
def restarts_nodes_only_once(patch: pytest.MonkeyPatch) -> None:
    right = Engine._restart_dead_nodes

    def wrong(self: Engine) -> None:
        right(self)
        self._starts_arranged = True
        self._to_start = deque()

    patch.setattr(Engine, "_restart_dead_nodes", wrong)


@shows_as(Kind.RESTART, Kind.CRASHED)
def restarts_nodes_beside_their_old_process(patch: pytest.MonkeyPatch) -> None:
    right = Engine._restart_dead_nodes

    def wrong(self: Engine) -> None:
        for node in self._nodes:
            if node.state is NodeState.ENDED:
                node.state = NodeState.REAPED
        right(self)

    patch.setattr(Engine, "_restart_dead_nodes", wrong)


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
    right = Engine._node_started

    def wrong(self: Engine, event: NodeStarted) -> None:
        pid = self._nodes[event.node].pid or event.pid
        right(self, NodeStarted(event.node, pid))

    patch.setattr(Engine, "_node_started", wrong)


@shows_as(Kind.FABRICATED)
def does_not_prepare_a_restarted_shell(patch: pytest.MonkeyPatch) -> None:
    def change(self: Engine, event: Event, commands: list[Command]) -> list[Command]:
        restarted = isinstance(event, NodeStarted) and event.pid >= FIRST_PID + len(self._nodes)
        if restarted and self._settings.exec_mode:
            return [c for c in commands if not (isinstance(c, Send) and b"() {" in c.data)]
        return commands

    change_commands(patch, change)


@shows_as(Kind.DIAGNOSTIC)
def gives_up_though_it_was_told_to_wait(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Engine, "_all_nodes_failed", lambda self: self._fail(b"all nodes failed"))


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
    right = Engine._dispatch_next_task

    def wrong(self: Engine) -> None:
        right(self)
        for node in self._nodes:
            for attempt in node.attempts:
                number = b"%d " % attempt.task_id
                attempt.prefix = attempt.prefix.replace(number, b"%d " % (attempt.task_id + 1))

    patch.setattr(Engine, "_dispatch_next_task", wrong)


@shows_as(Kind.CROWDED, Kind.MISORDERED)
def sends_a_task_to_a_busy_node(patch: pytest.MonkeyPatch) -> None:
    right = Engine._node_output

    def wrong(self: Engine, event: NodeOutput) -> None:
        node = self._nodes[event.node]
        alone = self._settings.prefetch == 1
        if alone and node.state is NodeState.BUSY and self._tasks.ready and not self._idle:
            node.state = NodeState.IDLE
            heappush(self._idle, node.index)
            self._dispatch()
        right(self, event)

    patch.setattr(Engine, "_node_output", wrong)


@shows_as(Kind.LOST)
def loses_lines_that_come_in_pieces(patch: pytest.MonkeyPatch) -> None:
    right = Engine._print

    def wrong(self: Engine, attempt: Attempt, data: bytes | bytearray) -> None:
        if not isinstance(data, bytearray):
            right(self, attempt, data)

    patch.setattr(Engine, "_print", wrong)


# Prefetch


@shows_as(Kind.FABRICATED, Kind.DUPLICATED, Kind.MISORDERED)
def blames_queued_tasks_for_the_death_of_their_node(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Engine, "_take_back_queued", lambda _self, _node: None)


@shows_as(Kind.LOST, Kind.WAITING, Kind.MISORDERED)
def loses_queued_tasks(patch: pytest.MonkeyPatch) -> None:
    def wrong(_self: Engine, node: Node) -> None:
        while len(node.attempts) > 1:
            node.attempts.pop()

    patch.setattr(Engine, "_take_back_queued", wrong)


@shows_as(Kind.MISORDERED)
def puts_queued_tasks_before_the_failed_one(patch: pytest.MonkeyPatch) -> None:
    right = Engine._give_up_attempt

    def wrong(self: Engine, attempt: Attempt, on_death: Reassign) -> None:
        right(self, attempt, on_death)
        self._to_reassign.insert(0, self._to_reassign.pop())

    patch.setattr(Engine, "_give_up_attempt", wrong)


@shows_as(Kind.CROWDED)
def sends_one_task_too_many(patch: pytest.MonkeyPatch) -> None:
    right = prefetch.shares

    def wrong(held: Sequence[int], most: Sequence[int], tasks: int) -> list[int]:
        return right(held, [limit + 1 for limit in most], tasks)

    patch.setattr(prefetch, "shares", wrong)


@shows_as(Kind.MISORDERED)
def fills_one_node_after_the_other(patch: pytest.MonkeyPatch) -> None:
    def wrong(held: Sequence[int], most: Sequence[int], tasks: int) -> list[int]:
        given = []
        for count, limit in zip(held, most, strict=True):
            given.append(min(limit - count, tasks))
            tasks -= given[-1]
        return given

    patch.setattr(prefetch, "shares", wrong)


@shows_as(Kind.WAITING)
def waits_for_idle_nodes(patch: pytest.MonkeyPatch) -> None:
    right = Engine._dispatch_several

    def wrong(self: Engine) -> None:
        if self._idle:
            right(self)

    patch.setattr(Engine, "_dispatch_several", wrong)


@shows_as(Kind.FABRICATED, Kind.LOST, Kind.MISORDERED, Kind.DUPLICATED)
def takes_a_node_that_reads_no_more_for_dead(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Engine, "_half_close", lambda self, node: self._end_node(node, b""))


@shows_as(Kind.MISORDERED, Kind.FABRICATED, Kind.DUPLICATED)
def prints_tasks_when_they_are_sent(patch: pytest.MonkeyPatch) -> None:
    right = Engine._give

    def wrong(self: Engine, node: Node, count: int) -> bool:
        before = len(node.attempts)
        whole = right(self, node, count)
        if self._settings.print_task:
            for attempt in list(node.attempts)[before + (not before) :]:
                self._print_task(attempt)
        return whole

    patch.setattr(Engine, "_give", wrong)


@shows_as(Kind.CROWDED)
def queues_tasks_before_it_has_measured(patch: pytest.MonkeyPatch) -> None:
    right = Pace.__init__

    def wrong(self: Pace) -> None:
        right(self)
        self.depth = 4

    patch.setattr(Pace, "__init__", wrong)


# Groups


@shows_as(Kind.FABRICATED, Kind.DUPLICATED)
def keeps_the_lines_of_a_dead_attempt(patch: pytest.MonkeyPatch) -> None:
    def change(_self: Engine, _event: Event, commands: list[Command]) -> list[Command]:
        return [command for command in commands if not isinstance(command, Discard)]

    change_commands(patch, change)


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
    def change(self: Engine, event: Event, commands: list[Command]) -> list[Command]:
        if isinstance(event, DeadlinePassed) and event.deadline.purpose is Purpose.REAP:
            states = {NodeState.IDLE, NodeState.BUSY}
            commands += [KillNode(n.index, False) for n in self._nodes if n.state in states]
        return commands

    change_commands(patch, change)


@shows_as(Kind.KILLED, Kind.ENDLESS)
def kills_nodes_that_end_in_order(patch: pytest.MonkeyPatch) -> None:
    right = Engine._bury_dead_nodes

    def wrong(self: Engine) -> None:
        for node in self._nodes:
            node.died = True
        right(self)

    patch.setattr(Engine, "_bury_dead_nodes", wrong)


@shows_as(Kind.ENDLESS, Kind.EXIT)
def waits_for_nodes_that_ignore_the_end_of_their_input(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Engine, "_kill", lambda _self: None)


@shows_as(Kind.ENDLESS)
def waits_for_what_sigkill_does_not_end(patch: pytest.MonkeyPatch) -> None:
    def change(_self: Engine, _event: Event, commands: list[Command]) -> list[Command]:
        return [command for command in commands if not isinstance(command, LeaveNode)]

    change_commands(patch, change)


@shows_as(Kind.KILLED, Kind.EXIT, Kind.DIAGNOSTIC)
def kills_calculators_that_take_long_to_end(patch: pytest.MonkeyPatch) -> None:
    """As it was before END-040."""

    def wrong(self: Engine) -> None:
        if self._phase is Phase.FINISHING:
            self._terminate()

    patch.setattr(Engine, "_name_those_waited_for", wrong)


@shows_as(Kind.EXIT, Kind.DIAGNOSTIC)
def bears_with_a_node_out_of_step(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Engine, "_out_of_step", lambda _self, _node, _octets: None)


@shows_as(Kind.EXIT, Kind.DIAGNOSTIC)
def does_not_see_results_after_the_last(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(engine, "ends_result", lambda _node, _octets, _eot: False)


@shows_as(Kind.EXIT)
def trusts_what_a_node_out_of_step_has_answered(patch: pytest.MonkeyPatch) -> None:
    right = Engine._out_of_step

    def out_of_step(self: Engine, node: Node, octets: bytes) -> None:
        node.answered = False
        right(self, node, octets)

    patch.setattr(Engine, "_out_of_step", out_of_step)
