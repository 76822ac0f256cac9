"""Faults in what follows from the silence of nodes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from paexec_trio.cli import invocation, silenceoptions
from paexec_trio.core import stuck
from paexec_trio.core.commands import Command, KillNode, Purpose, Report, SetDeadline
from paexec_trio.core.engine import Engine
from paexec_trio.core.events import Event
from paexec_trio.core.nodes import Node
from paexec_trio.core.silence import Silence
from paexec_trio.core.stuck import StuckNode, StuckWatch
from paexec_trio.core.terminating import Terminator
from paexec_trio.core.watching import Watching
from paexec_trio.runtime.process import NodeProcess
from tests.simulation.violations import Kind
from tests.zoo.mutant import breaks, shows_as
from tests.zoo.planting import around, change_commands, instead, put

Look = Callable[[StuckWatch], Iterator[StuckNode]]


def change_rules(change: Callable[[Silence], Silence]) -> None:
    """Change the rules that a call sets."""

    @instead(silenceoptions, "silence_of")
    def silence_of(right: Callable[..., Silence], *arguments: Any) -> Silence:
        return change(right(*arguments))

    put(invocation, "silence_of", silenceoptions.silence_of)


# The death of a silent node


@breaks("SIL-002")
@shows_as(Kind.LINGERING)
def sends_no_signal_to_a_silent_node() -> None:
    @around(Terminator, "end_now")
    def end_now(_right: object, _self: Terminator, _node: Node) -> None:
        pass

    def change(_engine: Engine, _event: Event, commands: list[Command]) -> list[Command]:
        return [c for c in commands if not isinstance(c, KillNode)]

    change_commands(change)


@breaks("SIL-002")
def sends_no_sigkill_to_a_silent_node() -> None:
    def change(_engine: Engine, _event: Event, commands: list[Command]) -> list[Command]:
        return [c for c in commands if not (isinstance(c, KillNode) and c.force)]

    change_commands(change)


@breaks("SIL-002")
def sends_sigkill_at_once_to_a_silent_node() -> None:
    @around(Terminator, "end_now")
    def end_now(right: Callable[..., None], self: Terminator, node: Node) -> None:
        right(self, node)
        for command in self._commands:
            if isinstance(command, KillNode):
                command.force = True


@breaks("SIL-002")
def goes_on_without_a_silent_node_and_its_task() -> None:
    @around(Watching, "_end")
    def end_silent(right: Callable[..., None], self: Watching, node: Node, *rest: Any) -> None:
        if self._settings.on_death:
            right(self, node, *rest)
        else:
            self._commands.append(KillNode(node.index, force=False))


@breaks("SIL-003")
@shows_as(Kind.DIAGNOSTIC)
def says_nothing_of_a_silent_node() -> None:
    def change(_engine: Engine, _event: Event, commands: list[Command]) -> list[Command]:
        return [c for c in commands if not (isinstance(c, Report) and b"--stuck" in c.text)]

    change_commands(change)


@breaks("SIL-003")
@shows_as(Kind.DIAGNOSTIC)
def names_another_node_than_the_silent_one() -> None:
    @around(Watching, "_end")
    def end_silent(
        right: Callable[..., None], self: Watching, node: Node, text: bytes, *rest: Any
    ) -> None:
        right(self, node, text, self._nodes[0].name, *rest[1:])


# Values


@breaks("SIL-004")
def takes_no_time_for_a_limit() -> None:
    @instead(silenceoptions, "_seconds")
    def seconds(right: Callable[..., float], option: str, value: bytes, others: bytes) -> float:
        return 0.0 if value in {b"0", b"0.0"} else right(option, value, others)


@breaks("SIL-004")
def takes_an_endless_time_for_a_limit() -> None:
    put(silenceoptions, "MOST_SECONDS", 1e99)


# Stuck calculators


@breaks("SIL-010")
@shows_as(Kind.LINGERING, Kind.ENDLESS)
def never_looks_for_stuck_nodes() -> None:
    @around(StuckWatch, "look")
    def look(_right: object, self: StuckWatch) -> Iterator[StuckNode]:
        self.arrange()
        return iter(())


@breaks("SIL-010")
def looks_only_once_for_stuck_nodes() -> None:
    @around(StuckWatch, "look")
    def look(right: Look, self: StuckWatch) -> Iterator[StuckNode]:
        put(StuckWatch, "arrange", lambda _: None)
        return right(self)


@breaks("SIL-010")
def counts_only_tasks_as_signs_of_life() -> None:
    put(StuckWatch, "heard", lambda *_: None)


@breaks("SIL-010")
@shows_as(Kind.KILLED)
def does_not_begin_anew_with_the_next_task() -> None:
    @around(StuckWatch, "_count")
    def count(right: Callable[..., int], self: StuckWatch, node: Node) -> int:
        last = self._looks.get(node.index)
        found = right(self, node)
        if last and last.trace[1] != node.attempts[0].task_id:
            self._looks[node.index] = self._looks[node.index]._replace(repeats=last.repeats + 1)
            return last.repeats + 1
        return found


@breaks("SIL-010")
def ends_nodes_without_a_task() -> None:
    @around(StuckWatch, "_without_task")
    def without_task(_right: object, self: StuckWatch, node: Node) -> None:
        self._chunks[node.index] -= 1
        if self._chunks[node.index] == -8:
            self._commands.append(KillNode(node.index, force=True))


@breaks("SIL-010")
@shows_as(Kind.KILLED)
def finds_nodes_stuck_in_half_the_time() -> None:
    put(stuck, "LOOKS", 2)

    @around(StuckWatch, "arrange")
    def arrange(right: Callable[..., None], self: StuckWatch) -> None:
        right(self)
        for command in self._commands:
            if isinstance(command, SetDeadline) and command.deadline.purpose is Purpose.LOOK:
                command.seconds = self._between / 2


@breaks("SIL-010")
@shows_as(Kind.LINGERING)
def finds_nodes_stuck_after_fifty_times_the_limit() -> None:
    @around(StuckWatch, "_limit")
    def limit(right: Callable[..., int], self: StuckWatch) -> int:
        return 50 * right(self)


@breaks("SIL-011")
def takes_a_node_that_is_not_read_for_a_stuck_one() -> None:
    put(NodeProcess, "has_unread_output", lambda _: False)


@breaks("SIL-012")
def takes_the_word_auto_for_one_second() -> None:
    change_rules(lambda rules: Silence(stuck=1.0) if rules.learns else rules)
    put(stuck, "LEAST_LEARNED", 1.0)
