"""Faults in what happens when nodes die and come back."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import replace
from heapq import heappush

from conformance.selftest.zoo.mutant import around, breaks, change_commands
from paexec_trio.core.commands import Command, Exit, KillNode, Report, Send, SetTimer, Timer
from paexec_trio.core.engine import Engine
from paexec_trio.core.events import Event, TimerFired
from paexec_trio.core.nodes import Attempt, Node
from paexec_trio.core.settings import Resistance
from paexec_trio.core.states import NodeState
from paexec_trio.runtime.process import NodeProcess

GiveUp = Callable[..., None]


@breaks("DTH-010")
def loses_the_task_of_a_dead_node() -> None:
    @around(Engine, "_give_up_attempt")
    def give_up(right: GiveUp, self: Engine, *arguments: object) -> None:
        right(self, *arguments)
        self._to_reassign.pop()


@breaks("DTH-001")
def gives_tasks_to_dead_nodes() -> None:
    @around(Engine, "_node_died")
    def died(right: Callable[..., None], self: Engine, node: Node, *rest: object) -> None:
        heappush(self._idle, node.index)
        right(self, node, *rest)


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
        self._settings = replace(self._settings, resistance=None)


@breaks("DTH-010")
def loses_a_task_whose_second_attempt_fails() -> None:
    failed: set[int] = set()

    @around(Engine, "_give_up_attempt")
    def give_up(right: GiveUp, self: Engine, attempt: Attempt, *rest: object) -> None:
        right(self, attempt, *rest)
        if attempt.task_id in failed:
            self._to_reassign.pop()
        failed.add(attempt.task_id)


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
    def give_up(right: GiveUp, self: Engine, attempt: Attempt, resistance: Resistance) -> None:
        fatal = resistance.fatal + b"\n" + attempt.prefix + resistance.fatal
        right(self, attempt, replace(resistance, fatal=fatal) if resistance.fatal else resistance)


@breaks("DTH-020", "DTH-021")
def prints_no_fatal_line() -> None:
    @around(Engine, "_give_up_attempt")
    def give_up(right: GiveUp, self: Engine, attempt: Attempt, resistance: Resistance) -> None:
        right(self, attempt, replace(resistance, fatal=b""))


@breaks("DTH-023")
def prints_fatal_without_prefix() -> None:
    @around(Engine, "_give_up_attempt")
    def give_up(right: GiveUp, self: Engine, attempt: Attempt, resistance: Resistance) -> None:
        right(self, replace(attempt, prefix=b""), resistance)


@breaks("DTH-010")
def gives_a_reassigned_task_another_id() -> None:
    @around(Engine, "_give_up_attempt")
    def give_up(right: GiveUp, self: Engine, *arguments: object) -> None:
        right(self, *arguments)
        task_id, task = self._to_reassign.pop()
        self._to_reassign.append((task_id + 1000, task))


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


@breaks("RST-004")
def never_restarts() -> None:
    @around(Engine, "_arrange_restart")
    def arrange(_right: object, _self: Engine) -> None:
        pass


def change_restart_timer(change: Callable[[float], float]) -> None:
    """Change the seconds between two rounds of restarts."""

    def changed(_self: Engine, _event: Event, commands: list[Command]) -> list[Command]:
        for command in commands:
            if isinstance(command, SetTimer) and command.timer is Timer.RESTART:
                command.seconds = change(command.seconds)
        return commands

    change_commands(changed)


@breaks("RST-005")
def restarts_at_once() -> None:
    change_restart_timer(lambda _: 0.0)


@breaks("RST-008")
def ends_living_nodes_with_a_restart() -> None:
    def change(self: Engine, event: Event, commands: list[Command]) -> list[Command]:
        if isinstance(event, TimerFired) and event.timer is Timer.RESTART:
            living = (NodeState.IDLE, NodeState.BUSY)
            commands += [KillNode(n.index, force=True) for n in self._nodes if n.state in living]
        return commands

    change_commands(change)


@breaks("RST-004", "RST-005")
def starts_the_timer_anew_with_each_task() -> None:
    def change(self: Engine, _event: Event, commands: list[Command]) -> list[Command]:
        resistance = self._settings.resistance
        if resistance and any(isinstance(command, Send) for command in commands):
            commands.append(SetTimer(Timer.RESTART, resistance.restart_seconds))
        return commands

    change_commands(change)


@breaks("RST-009")
def gives_no_tasks_to_restarted_nodes() -> None:
    @around(Engine, "_node_started")
    def started(right: Callable[..., None], self: Engine, event: object) -> None:
        node = self._nodes[event.node]  # type: ignore[attr-defined]
        restarted = bool(node.pid)
        others = self._idle.copy()
        if restarted:
            self._dispatch, dispatch = (lambda: None), self._dispatch  # type: ignore[method-assign]
        right(self, event)
        if restarted:
            self._dispatch = dispatch  # type: ignore[method-assign]
            self._idle = others


@breaks("RST-009")
def puts_the_rest_of_a_former_life_before_the_next() -> None:
    @around(Engine, "_end_node")
    def end(right: Callable[..., None], self: Engine, node: Node, *rest: object) -> None:
        framer = node.framer
        right(self, node, *rest)
        node.framer = framer


@breaks("RST-011")
def loses_a_descriptor_with_each_restart() -> None:
    @around(NodeProcess, "bury")
    def bury(right: Callable[..., None], self: NodeProcess) -> None:
        if self.pidfd >= 0:
            os.dup(self.pidfd)
        right(self)


@breaks("RST-020")
def does_not_wait() -> None:
    @around(Engine, "_all_nodes_failed")
    def all_failed(_right: object, self: Engine) -> None:
        self._fail(b"all nodes failed")
