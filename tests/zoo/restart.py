"""Faults in restarts, and in what the options about them mean."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

from paexec_trio.cli import invocation
from paexec_trio.cli.errors import UsageError
from paexec_trio.core import engine
from paexec_trio.core.commands import Command, Deadline, KillNode, Purpose, Send, SetDeadline
from paexec_trio.core.engine import Engine
from paexec_trio.core.events import DeadlinePassed, Event
from paexec_trio.core.nodes import Node
from paexec_trio.core.settings import Reassign
from paexec_trio.core.states import TRANSITIONS, NodeState, Step
from paexec_trio.runtime import host
from paexec_trio.runtime.process import NodeProcess
from tests.simulation.violations import Kind
from tests.zoo.invocations import Words
from tests.zoo.mutant import breaks, shows_as
from tests.zoo.planting import around, change_commands, instead, put


def change_resistance(
    change: Callable[[Mapping[str, bytes], Reassign | None], Reassign | None],
) -> None:
    """Change what the options about the death of nodes mean."""

    @instead(invocation, "_reassign")
    def on_death(
        right: Callable[..., Reassign | None], values: Mapping[str, bytes], words: Words
    ) -> Reassign | None:
        return change(values, right(values, words))


@breaks("RST-021")
def always_waits_for_restarts() -> None:
    change_resistance(
        lambda _, right: right._replace(wait=bool(right.restart_after)) if right else None
    )


Values = Mapping[str, bytes]


Understand = Callable[[Values, object], Reassign | None]


@breaks("RST-001")
def needs_z_beside_the_time_of_restarts() -> None:
    @instead(invocation, "_reassign")
    def on_death(right: Understand, values: Values, words: object) -> Reassign | None:
        return right(values, words) if "-z" in values else None


@breaks("RST-002")
def takes_what_the_language_takes_for_a_number_of_seconds() -> None:
    @instead(invocation, "_seconds")
    def seconds(_right: object, value: bytes) -> float:
        try:
            return float(value)
        except ValueError:
            raise UsageError(b"invalid argument for option -Z: '%b'" % value) from None


@breaks("RST-002")
def takes_whole_seconds_only() -> None:
    @instead(invocation, "_seconds")
    def seconds(right: Callable[[bytes], float], value: bytes) -> float:
        return right(value.replace(b".", b"x"))


@breaks("RST-002")
def ends_when_a_time_is_longer_than_the_system_waits() -> None:
    def check(_self: Engine, _event: Event, commands: list[Command]) -> list[Command]:
        for command in commands:
            if isinstance(command, SetDeadline) and command.seconds >= 1 << 21:
                raise OverflowError("timeout is too large")
        return commands

    change_commands(check)


@breaks("RST-003")
def takes_no_time_for_the_shortest_one() -> None:
    @instead(invocation, "_reassign")
    def on_death(right: Understand, values: Values, words: object) -> Reassign | None:
        settings = right(values, words)
        if settings and "-Z" in values and not settings.restart_after:
            return settings._replace(restart_after=0.01)
        return settings


@breaks("RST-022")
def has_w_without_effect_where_nothing_is_restarted() -> None:
    @instead(invocation, "_reassign")
    def on_death(right: Understand, values: Values, words: object) -> Reassign | None:
        try:
            return right(values, words)
        except UsageError:
            return right({name: value for name, value in values.items() if name != "-w"}, words)


@shows_as(Kind.RESTART)
@breaks("RST-004")
def never_restarts() -> None:
    @around(Engine, "_arrange_restart")
    def arrange(_right: object, _self: Engine) -> None:
        pass


def change_restart_timer(change: Callable[[float], float]) -> None:
    """Change the seconds between two rounds of restarts."""

    def changed(_self: Engine, _event: Event, commands: list[Command]) -> list[Command]:
        for command in commands:
            if isinstance(command, SetDeadline) and command.deadline.purpose is Purpose.RESTART:
                command.seconds = change(command.seconds)
        return commands

    change_commands(changed)


@shows_as(Kind.RESTART)
@breaks("RST-005")
def restarts_at_once() -> None:
    change_restart_timer(lambda _: 0.0)


@shows_as(Kind.KILLED)
@breaks("RST-008")
def ends_living_nodes_with_a_restart() -> None:
    def change(self: Engine, event: Event, commands: list[Command]) -> list[Command]:
        if isinstance(event, DeadlinePassed) and event.deadline.purpose is Purpose.RESTART:
            living = (NodeState.IDLE, NodeState.BUSY)
            commands += [KillNode(n.index, force=True) for n in self._nodes if n.state in living]
        return commands

    change_commands(change)


@shows_as(Kind.RESTART)
@breaks("RST-004", "RST-005")
def starts_the_timer_anew_with_each_task() -> None:
    def change(self: Engine, _event: Event, commands: list[Command]) -> list[Command]:
        on_death = self._settings.on_death
        if on_death and any(isinstance(command, Send) for command in commands):
            commands.append(SetDeadline(Deadline(Purpose.RESTART), on_death.restart_after))
        return commands

    change_commands(change)


@shows_as(Kind.WAITING, Kind.INPUT_OPEN)
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


@shows_as(Kind.LOST, Kind.FABRICATED, Kind.MISCREDITED)
@breaks("RST-009")
def puts_the_rest_of_a_former_life_before_the_next() -> None:
    @around(Engine, "_end_node")
    def end(right: Callable[..., None], self: Engine, node: Node, *rest: object) -> None:
        framer = node.framer
        right(self, node, *rest)
        node.framer = framer


@breaks("RST-011")
def loses_a_descriptor_with_each_restart() -> None:
    @around(NodeProcess, "retire")
    def retire(right: Callable[..., None], self: NodeProcess) -> None:
        if self.pidfd >= 0:
            os.dup(self.pidfd)
        right(self)


@shows_as(Kind.DIAGNOSTIC)
@breaks("RST-020")
def does_not_wait() -> None:
    @around(Engine, "_all_nodes_failed")
    def all_failed(_right: object, self: Engine) -> None:
        self._fail(b"all nodes failed")


@breaks("RST-006")
def restarts_nodes_when_a_calculator_writes() -> None:
    fallen_due: list[bool] = []
    restart = Engine._restart_dead_nodes  # noqa: SLF001
    put(Engine, "_restart_dead_nodes", lambda _self: fallen_due.append(True))

    @around(Engine, "_node_output")
    def output(right: Callable[..., None], self: Engine, event: object) -> None:
        right(self, event)
        if fallen_due:
            fallen_due.clear()
            restart(self)


@breaks("RST-004", "RST-006")
def restarts_nodes_only_if_a_task_waits() -> None:
    fallen_due: list[bool] = []

    @around(Engine, "_restart_dead_nodes")
    def restart(right: Callable[..., None], self: Engine) -> None:
        if self._to_reassign or self._tasks.ready:
            right(self)
        else:
            fallen_due.append(True)

    @around(Engine, "_dispatch")
    def dispatch(right: Callable[..., None], self: Engine) -> None:
        right(self)
        if fallen_due and (self._to_reassign or self._tasks.ready):
            fallen_due.clear()
            self._restart_dead_nodes()


@shows_as(Kind.RESTART, Kind.CRASHED)
@breaks("RST-007")
def starts_a_node_again_while_its_process_is_there() -> None:
    TRANSITIONS[NodeState.ENDED, Step.START] = NodeState.STARTING

    @around(Engine, "_restart_dead_nodes")
    def restart(right: Callable[..., None], self: Engine) -> None:
        still_there = [node.index for node in self._nodes if node.state is NodeState.ENDED]
        self._living += len(still_there)
        self._to_start.extend(still_there)
        right(self)


@shows_as(Kind.LOST, Kind.MISORDERED, Kind.WAITING)
@breaks("RST-010")
def forgets_tasks_that_failed_when_it_restarts_nodes() -> None:
    @around(Engine, "_restart_dead_nodes")
    def restart(right: Callable[..., None], self: Engine) -> None:
        self._to_reassign.clear()
        right(self)


@breaks("RST-012")
def waits_for_restarts_at_the_end() -> None:
    @around(Engine, "_is_over")
    def is_over(right: Callable[..., bool], self: Engine) -> bool:
        on_death = self._settings.on_death
        if on_death and on_death.restart_after and self._living < len(self._nodes):
            return False
        return right(self)


@breaks("RST-030")
def waits_for_a_transport_that_does_not_exist() -> None:
    put(host, "_WILL_NOT_CHANGE", set())


@breaks("RST-020")
def does_not_wait_for_a_transport_that_was_there() -> None:
    @around(Engine, "_node_started")
    def started(right: Callable[..., None], self: Engine, event: Event) -> None:
        right(self, event)
        self._hopeless = True

    @around(Engine, "_all_nodes_failed")
    def failed(right: Callable[..., None], self: Engine) -> None:
        if self._reported_start_failures:
            right(self)


@breaks("RST-031")
def restarts_for_ever_without_a_word() -> None:
    put(engine, "is_to_be_reported", lambda _: False)


@breaks("RST-031")
def reports_each_death_without_a_result() -> None:
    put(engine, "is_to_be_reported", lambda _: True)
