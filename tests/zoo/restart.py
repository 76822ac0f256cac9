"""Faults in restarts, and in what the options about them mean."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from heapq import heapify

from paexec_trio.cli import invocation
from paexec_trio.cli.errors import UsageError
from paexec_trio.core import fleet
from paexec_trio.core.commands import Command, Deadline, KillNode, Purpose, SetDeadline
from paexec_trio.core.dispatching import Dispatcher
from paexec_trio.core.engine import Engine
from paexec_trio.core.events import Event, NodeOutput, NodeStarted
from paexec_trio.core.faults import Blame
from paexec_trio.core.fleet import Fleet
from paexec_trio.core.nodes import Node
from paexec_trio.core.results import Results
from paexec_trio.core.settings import Reassign
from paexec_trio.core.starting import Starter
from paexec_trio.core.states import TRANSITIONS, NodeState, Step
from paexec_trio.core.wire import Wire
from paexec_trio.runtime import children
from paexec_trio.runtime.process import NodeProcess
from tests.simulation.violations import Kind
from tests.zoo.invocations import Words
from tests.zoo.mutant import breaks, raises, shows_as
from tests.zoo.planting import around, change_commands, instead, put, put_item


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
    def seconds(_right: object, _option: str, value: bytes) -> float:
        try:
            return float(value)
        except ValueError:
            raise UsageError(b"invalid argument for option -Z: '%b'" % value) from None


@breaks("RST-002")
def takes_whole_seconds_only() -> None:
    @instead(invocation, "_seconds")
    def seconds(right: Callable[[str, bytes], float], option: str, value: bytes) -> float:
        return right(option, value.replace(b".", b"x"))


@raises(OverflowError)
@breaks("RST-002")
def ends_when_a_time_is_longer_than_the_system_waits() -> None:
    def check(_engine: Engine, _event: Event, commands: list[Command]) -> list[Command]:
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
    put(Starter, "arrange_restart", lambda _self: None)


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
    @around(Starter, "restart")
    def restart(right: Callable[..., None], self: Starter) -> None:
        right(self)
        living = (NodeState.IDLE, NodeState.BUSY)
        self._commands += [KillNode(n.index, force=True) for n in self._nodes if n.state in living]


@shows_as(Kind.RESTART)
@breaks("RST-004", "RST-005")
def starts_the_timer_anew_with_each_task() -> None:
    @around(Wire, "send")
    def send(right: Callable[..., None], self: Wire, node: Node, task: bytes) -> None:
        right(self, node, task)
        on_death = self._settings.on_death
        if on_death:
            self._commands.append(SetDeadline(Deadline(Purpose.RESTART), on_death.restart_after))


@shows_as(Kind.WAITING, Kind.INPUT_OPEN)
@breaks("RST-009")
def gives_no_tasks_to_restarted_nodes() -> None:
    @around(Fleet, "started")
    def started(right: Callable[..., bool], self: Fleet, event: NodeStarted) -> bool:
        was_there = self._nodes[event.node].pid
        may_follow = right(self, event)
        if was_there:
            self._dispatcher.idle.remove(event.node)
            heapify(self._dispatcher.idle)
        return may_follow


@shows_as(Kind.LOST, Kind.FABRICATED, Kind.MISCREDITED)
@breaks("RST-009")
def puts_the_rest_of_a_former_life_before_the_next() -> None:
    put(Wire, "disconnect", lambda _self, _node: None)


@breaks("RST-011")
def loses_a_descriptor_with_each_restart() -> None:
    @around(NodeProcess, "retire")
    def retire(right: Callable[..., None], self: NodeProcess) -> None:
        os.dup(0)
        right(self)


@shows_as(Kind.DIAGNOSTIC)
@breaks("RST-020")
def does_not_wait() -> None:
    @around(Fleet, "all_failed")
    def all_failed(_right: object, self: Fleet) -> None:
        self._ending.fail(b"all nodes failed", Blame.NODES)


@breaks("RST-006")
def restarts_nodes_when_a_calculator_writes() -> None:
    fallen_due: list[Starter] = []
    restart = Starter.restart
    put(Starter, "restart", fallen_due.append)

    @around(Results, "take")
    def take(right: Callable[..., bool], self: Results, event: NodeOutput) -> bool:
        may_follow = right(self, event)
        if fallen_due:
            restart(fallen_due.pop())
        return may_follow


@breaks("RST-004", "RST-006")
def restarts_nodes_only_if_a_task_waits() -> None:
    fallen_due: list[Starter] = []

    @around(Starter, "restart")
    def restart(right: Callable[..., None], self: Starter) -> None:
        if self._dispatcher.has_waiting():
            right(self)
        else:
            fallen_due.append(self)

    @around(Dispatcher, "dispatch")
    def dispatch(right: Callable[..., None], self: Dispatcher) -> None:
        right(self)
        if fallen_due and self.has_waiting():
            fallen_due.pop().restart()


@shows_as(Kind.RESTART, Kind.CRASHED)
@breaks("RST-007")
def starts_a_node_again_while_its_process_is_there() -> None:
    put_item(TRANSITIONS, (NodeState.ENDED, Step.START), NodeState.STARTING)

    @around(Starter, "restart")
    def restart(right: Callable[..., None], self: Starter) -> None:
        still_there = [node.index for node in self._nodes if node.state is NodeState.ENDED]
        self._dispatcher.living += len(still_there)
        self._to_start.extend(still_there)
        right(self)


@shows_as(Kind.LOST, Kind.MISORDERED, Kind.WAITING)
@breaks("RST-010")
def forgets_tasks_that_failed_when_it_restarts_nodes() -> None:
    @around(Starter, "restart")
    def restart(right: Callable[..., None], self: Starter) -> None:
        self._dispatcher.waiting.to_reassign.clear()
        right(self)


@breaks("RST-012")
def waits_for_restarts_at_the_end() -> None:
    @around(Fleet, "wind_down")
    def wind_down(right: Callable[..., bool], self: Fleet) -> bool:
        on_death = self._settings.on_death
        if on_death and on_death.restart_after and self._dispatcher.living < len(self._nodes):
            return False
        return right(self)


@breaks("RST-030")
def waits_for_a_transport_that_does_not_exist() -> None:
    put(children, "_WILL_NOT_CHANGE", set())


@breaks("RST-020")
def does_not_wait_for_a_transport_that_was_there() -> None:
    @around(Fleet, "started")
    def started(right: Callable[..., bool], self: Fleet, event: NodeStarted) -> bool:
        may_follow = right(self, event)
        self._is_hopeless = True
        return may_follow

    @around(Fleet, "all_failed")
    def failed(right: Callable[..., None], self: Fleet) -> None:
        if self._reported_start_failures:
            right(self)


@breaks("RST-031")
def restarts_for_ever_without_a_word() -> None:
    put(fleet, "should_report", lambda _: False)


@breaks("RST-031")
def reports_each_death_without_a_result() -> None:
    put(fleet, "should_report", lambda _: True)


@shows_as(Kind.RESTART)
@breaks("RST-004")
def restarts_nodes_only_once() -> None:
    restarted: set[Starter] = set()

    @around(Starter, "restart")
    def restart(right: Callable[..., None], self: Starter) -> None:
        if self not in restarted:
            restarted.add(self)
            right(self)


# The suite would have to take a slow machine for a late restart.
@shows_as(Kind.RESTART)
def restarts_late() -> None:
    change_restart_timer(lambda seconds: 3 * seconds)
