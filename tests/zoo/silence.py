"""Faults in what follows from the silence of nodes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from paexec_trio.cli import invocation, silenceoptions, sshdefaults
from paexec_trio.cli.invocation import Invocation
from paexec_trio.core import heartbeats, stuck, wrapper
from paexec_trio.core.commands import Command, KillNode, Purpose, Report, SetDeadline, Write
from paexec_trio.core.dispatching import Dispatcher
from paexec_trio.core.engine import Engine
from paexec_trio.core.events import Event, NodeStarted
from paexec_trio.core.fleet import Fleet
from paexec_trio.core.greetings import Greetings
from paexec_trio.core.heartbeats import Heartbeats
from paexec_trio.core.nodes import Node
from paexec_trio.core.silence import Silence
from paexec_trio.core.states import NodeState
from paexec_trio.core.stuck import StuckNode, StuckWatch
from paexec_trio.core.terminating import Terminator
from paexec_trio.core.tokens import TokenFilter
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


# Heartbeats


@breaks("SIL-020")
@shows_as(Kind.LINGERING, Kind.ENDLESS)
def never_looks_for_missed_beats() -> None:
    @around(Heartbeats, "look")
    def look(_right: object, self: Heartbeats) -> Iterator[Node]:
        self.arrange()
        return iter(())


@breaks("SIL-020")
@shows_as(Kind.LINGERING, Kind.ENDLESS)
def takes_any_octet_of_standard_error_for_a_beat_and_makes_some_up() -> None:
    @around(Heartbeats, "look")
    def look(right: Callable[..., Iterator[Node]], self: Heartbeats) -> Iterator[Node]:
        self._silent_looks.clear()
        return right(self)


@breaks("SIL-020")
@shows_as(Kind.LINGERING)
def expects_beats_of_busy_nodes_only() -> None:
    put(heartbeats, "RUNNING", {NodeState.BUSY, NodeState.CONNECTING})


@breaks("SIL-021")
@shows_as(Kind.LINGERING, Kind.ENDLESS)
def waits_for_the_first_beat_for_ever() -> None:
    put(heartbeats, "RUNNING", heartbeats.RUNNING - {NodeState.CONNECTING})


@breaks("SIL-022")
@shows_as(Kind.KILLED)
def does_not_hear_beats() -> None:
    @around(Heartbeats, "errors")
    def errors(right: Callable[..., bytes], self: Heartbeats, index: int, data: bytes) -> bytes:
        before = self._silent_looks[index]
        rest = right(self, index, data)
        self._silent_looks[index] = before
        return rest


@breaks("SIL-023")
@shows_as(Kind.FABRICATED, Kind.LOST)
def prints_beats() -> None:
    @around(Heartbeats, "errors")
    def errors(right: Callable[..., bytes], self: Heartbeats, index: int, data: bytes) -> bytes:
        right(self, index, data)
        return data


@breaks("SIL-023")
def drops_the_line_in_which_a_beat_comes() -> None:
    @around(TokenFilter, "take")
    def take(
        right: Callable[..., tuple[bytes, int]], self: TokenFilter, data: bytes
    ) -> tuple[bytes, int]:
        rest, beats = right(self, data)
        return (b"" if beats else rest), beats


@breaks("SIL-023")
@shows_as(Kind.LOST, Kind.FABRICATED)
def drops_what_may_be_the_beginning_of_a_beat() -> None:
    @around(TokenFilter, "_keep_back")
    def keep_back(right: Callable[..., None], self: TokenFilter, parts: list[bytes]) -> None:
        right(self, parts)
        if len(self._kept) < 8:
            self._kept = b""


def change_loop(old: bytes, new: bytes) -> None:
    """Change the loop that beats."""
    assert old in wrapper.LOOP
    put(wrapper, "LOOP", wrapper.LOOP.replace(old, new))


@breaks("SIL-024")
def dies_of_a_beat_that_cannot_be_written() -> None:
    change_loop(b"trap : PIPE; ", b"")


@breaks("SIL-024")
def beats_on_behind_a_cut_link() -> None:
    change_loop(b' && echo "$n"; do', b'; do echo "$n";')


@breaks("SIL-024")
def sends_no_sigkill_behind_a_cut_link() -> None:
    change_loop(b"kill -s KILL 0", b":")


@breaks("SIL-025")
def beats_when_the_calculator_has_ended() -> None:
    put(wrapper, "BEATER", wrapper.BEATER.replace(b"kill $b; ", b""))


@breaks("SIL-025")
def leaves_a_sleep_on_the_node() -> None:
    change_loop(b"trap 'kill $!; exit' TERM; ", b"")


@breaks("SIL-026")
def gives_the_calculator_no_input() -> None:
    put(wrapper, "BEATER", wrapper.BEATER.replace(b'(exec "$@"', b'(exec </dev/null "$@"'))


@breaks("SIL-026")
def lets_the_wrapper_split_arguments() -> None:
    put(wrapper, "BEATER", wrapper.BEATER.replace(b'(exec "$@"', b"(exec $*"))
    put(wrapper, "GREETER", wrapper.GREETER.replace(b'exec "$@"', b"exec $*"))


@breaks("SIL-027")
def beats_never_by_default() -> None:
    change_rules(lambda rules: rules._replace(heartbeat=0.0) if rules.heartbeat == 5 else rules)


@breaks("SIL-027")
def beats_by_default_with_any_transport_and_without_z() -> None:
    @instead(silenceoptions, "silence_of")
    def silence_of(
        right: Callable[..., Silence], values: dict[str, bytes], transport: tuple[bytes, ...]
    ) -> Silence:
        rules = right(values, transport)
        return rules if "--heartbeat" in values else rules._replace(heartbeat=5.0)

    put(invocation, "silence_of", silenceoptions.silence_of)


# Greetings


@breaks("SIL-040")
def sends_tasks_before_the_greeting() -> None:
    @around(Fleet, "started")
    def started(right: Callable[..., bool], self: Fleet, event: NodeStarted) -> bool:
        right(self, event)
        self.greeted(self._nodes[event.node])
        return True


@breaks("SIL-041")
@shows_as(Kind.DIAGNOSTIC)
def says_nothing_of_what_a_login_shell_prints() -> None:
    put(Greetings, "_report", lambda *_: None)


@breaks("SIL-041")
def takes_what_a_login_shell_prints_for_a_result() -> None:
    change_rules(lambda rules: rules._replace(greeting=False))


@breaks("SIL-042")
def gives_tasks_up_with_nodes_that_never_greet() -> None:
    @around(Fleet, "died")
    def died(right: Callable[..., None], self: Fleet, node: Node, *rest: Any, idle: bool) -> None:
        right(self, node, *rest, idle=idle)
        if not idle and not rest[0]:
            self._commands.append(Write(b"fatal\n"))


@breaks("SIL-042")
def waits_for_a_node_that_never_greets() -> None:
    @around(Dispatcher, "node_started")
    def node_started(right: Callable[..., None], self: Dispatcher, node: Node) -> None:
        if node.state is not NodeState.ENDED:
            right(self, node)


# ssh


@breaks("SIL-050")
def gives_ssh_no_keepalives() -> None:
    put(sshdefaults, "_missing", lambda *_: iter(()))


@breaks("SIL-050")
def does_not_ask_what_the_user_has_set() -> None:
    put(sshdefaults, "_is_unset", lambda *_: True)


@breaks("SIL-051")
def always_gives_ssh_keepalives() -> None:
    @instead(invocation, "interpret")
    def interpret(right: Callable[..., Invocation], *rest: Any) -> Invocation:
        return right(*rest)._replace(ssh_defaults=True)
