"""Faults on the way of results from calculators to standard output."""

from __future__ import annotations

import re
from collections.abc import Callable

from paexec_trio.core import results
from paexec_trio.core.commands import Command, DrainOutput, Exit, Write
from paexec_trio.core.dispatching import Dispatcher
from paexec_trio.core.engine import Engine
from paexec_trio.core.events import Event
from paexec_trio.core.framing import NEWLINE, ResultFramer
from paexec_trio.core.nodes import Attempt, Node
from paexec_trio.core.printing import Printer
from paexec_trio.core.results import Results
from paexec_trio.core.states import NodeState
from paexec_trio.core.suspicion import discarded
from tests.simulation.violations import Kind
from tests.zoo.mutant import breaks, shows_as
from tests.zoo.planting import (
    Exchange,
    Exchanged,
    Piece,
    around,
    change_commands,
    change_exchange,
    change_output,
    change_results,
    instead,
    put,
)


@breaks("RES-005", "EOT-001")
def takes_each_read_for_a_result() -> None:
    change_results(lambda _, piece: (piece[0], piece[1], piece[2] or b""))


@shows_as(Kind.LOST)
@breaks("RES-005")
def forgets_the_beginning_of_a_line() -> None:
    @around(ResultFramer, "feed")
    def feed(right: Callable[..., Piece], self: ResultFramer, data: bytes) -> Piece:
        self._held.clear()
        return right(self, data)


@breaks("RES-001")
def drops_the_line_before_the_eot() -> None:
    def change(_framer: ResultFramer, piece: Piece) -> Piece:
        line, lines, rest = piece
        if rest is not None:
            lines = lines[: lines.rfind(NEWLINE, 0, -1) + 1]
        return line, lines, rest

    change_results(change)


@breaks("RES-008")
def credits_octets_after_the_eot_to_the_next_task() -> None:
    kept: dict[int, bytes] = {}

    @around(ResultFramer, "feed")
    def feed(right: Callable[..., Piece], self: ResultFramer, data: bytes) -> Piece:
        line, lines, rest = right(self, kept.pop(id(self), b"") + data)
        if rest:
            kept[id(self)] = rest
            rest = b""
        return line, lines, rest


@breaks("RES-003")
def prints_lines_that_are_not_whole() -> None:
    def change(self: ResultFramer, piece: Piece) -> Piece:
        line, lines, rest = piece
        lines += bytes(self._held)
        self._held.clear()
        return line, lines, rest

    change_results(change)


@breaks("RES-002")
def prints_lines_in_reverse() -> None:
    def change(_framer: ResultFramer, piece: Piece) -> Piece:
        line, lines, rest = piece
        return line, b"".join(reversed(lines.splitlines(keepends=True))), rest

    change_results(change)


@breaks("RES-001")
def prints_lines_twice() -> None:
    change_results(lambda _, piece: (piece[0], piece[1] * 2, piece[2]))


@breaks("RES-004", "DSP-021")
def prints_everything_at_the_end() -> None:
    kept: list[Command] = []

    def change(_self: Engine, _event: Event, commands: list[Command]) -> list[Command]:
        kept.extend(command for command in commands if isinstance(command, Write))
        others: list[Command] = [c for c in commands if not isinstance(c, Write)]
        if any(isinstance(command, DrainOutput | Exit) for command in others):
            others = kept + others
        return others

    change_commands(change)


@breaks("RES-004")
def prints_results_when_they_are_whole() -> None:
    kept: dict[Attempt, list[bytes]] = {}
    write = Printer.write

    @around(Printer, "write")
    def keep(_right: object, _self: Printer, attempt: Attempt, data: bytes) -> None:
        kept.setdefault(attempt, []).append(bytes(data))

    @around(Printer, "done")
    def done(right: Callable[..., None], self: Printer, node: Node, attempt: Attempt) -> None:
        right(self, node, attempt)
        write(self, attempt, b"".join(kept.pop(attempt, [])))


@breaks("RES-007", "LIM-003")
def cuts_long_lines() -> None:
    @around(Printer, "write")
    def write(right: Callable[..., None], self: Printer, attempt: Attempt, data: bytes) -> None:
        lines = bytes(data).splitlines(keepends=True)
        right(
            self, attempt, b"".join(line[: 1 << 16].removesuffix(b"\n") + b"\n" for line in lines)
        )


@breaks("RES-006")
def ends_result_lines_at_nul() -> None:
    change_output(lambda _, data: re.sub(rb"\0[^\n]*", b"", data))


@breaks("RES-006")
def drops_carriage_returns() -> None:
    change_output(lambda _, data: data.replace(b"\r", b""))


@breaks("RES-009")
def reports_octets_outside_a_task_each_time() -> None:
    @around(Results, "take_stray_octets")
    def take(right: Callable[..., None], self: Results, node: Node, octets: bytes) -> None:
        node.stray_octets_reported = False
        right(self, node, octets)


@shows_as(Kind.EXIT, Kind.DIAGNOSTIC)
@breaks("RES-030", "RES-031")
def discards_what_an_idle_node_writes() -> None:
    @around(Results, "out_of_step")
    def bear(_right: object, self: Results, node: Node, octets: bytes) -> None:
        if not node.stray_octets_reported:
            node.stray_octets_reported = True
            self._reporter.report(discarded(node, octets))


@breaks("RES-030")
def does_not_mind_an_eot_of_an_idle_node() -> None:
    @around(Results, "out_of_step")
    def out_of_step(right: Callable[..., None], self: Results, node: Node, octets: bytes) -> None:
        if octets != NEWLINE:
            right(self, node, octets)


@shows_as(Kind.EXIT)
@breaks("RES-032")
def trusts_what_a_node_out_of_step_has_answered() -> None:
    @around(Results, "out_of_step")
    def out_of_step(right: Callable[..., None], self: Results, node: Node, octets: bytes) -> None:
        node.answered = 0
        right(self, node, octets)


@shows_as(Kind.EXIT, Kind.DIAGNOSTIC)
@breaks("RES-033")
def does_not_mind_a_result_too_many() -> None:
    put(results, "ends_result", lambda *_: False)


@breaks("RES-033")
def does_not_mind_a_result_too_many_with_z() -> None:
    @around(Results, "take_stray_octets")
    def take(right: Callable[..., None], self: Results, node: Node, octets: bytes) -> None:
        if node.state is not NodeState.CLOSING or not self._settings.on_death:
            right(self, node, octets)


@breaks("RES-033")
def looks_for_an_eot_after_the_end_in_each_read_alone() -> None:
    @instead(results, "ends_result")
    def ends_result(right: Callable[..., bool], node: Node, octets: bytes, eot: bytes) -> bool:
        node.stray_end = NEWLINE
        return right(node, octets, eot)


@breaks("RES-034")
def minds_everything_after_the_end() -> None:
    put(results, "ends_result", lambda *_: True)


@breaks("RES-034")
def minds_empty_lines_after_the_end() -> None:
    @instead(results, "ends_result")
    def ends_result(right: Callable[..., bool], node: Node, octets: bytes, _eot: bytes) -> bool:
        return right(node, octets, b"")


@breaks("RES-035")
def does_not_show_octets_outside_a_task() -> None:
    for name in ("out_of_step", "shifted", "discarded"):
        right = getattr(results, name)
        put(results, name, lambda node, _octets, right=right: right(node, b""))


@shows_as(Kind.LOST)
@breaks("RES-005")
def loses_lines_that_come_in_pieces() -> None:
    put(Printer, "line", lambda _self, _attempt, _line: None)


# The fast path


@shows_as(Kind.LOST)
@breaks("RES-001")
def drops_the_last_line_of_a_result_that_comes_whole() -> None:
    @change_exchange
    def exchange(right: Exchange, _self: Dispatcher, _node: Node, data: bytes) -> Exchanged | None:
        found = right(data)
        return found and (found[0][: found[0].rfind(NEWLINE, 0, -1) + 1], found[1])


@shows_as(Kind.LOST)
@breaks("RES-005")
def forgets_that_a_line_has_begun_when_the_rest_looks_whole() -> None:
    @change_exchange
    def exchange(right: Exchange, _self: Dispatcher, node: Node, data: bytes) -> Exchanged | None:
        framer = node.framer
        if isinstance(framer, ResultFramer):
            framer._held.clear()  # noqa: SLF001
        return right(data)


# Before a node is idle the event of its last result tells that it has answered. What is left is a
# wrong diagnostic about nodes that only ever die.
@shows_as(Kind.DIAGNOSTIC)
def forgets_that_a_node_has_answered() -> None:
    @change_exchange
    def exchange(right: Exchange, _self: Dispatcher, node: Node, data: bytes) -> Exchanged | None:
        found = right(data)
        node.answered = 0
        return found


@shows_as(Kind.LOST)
@breaks("RES-004")
def prints_a_result_that_comes_whole_with_the_next() -> None:
    kept: dict[Node, bytes] = {}

    @change_exchange
    def exchange(right: Exchange, _self: Dispatcher, node: Node, data: bytes) -> Exchanged | None:
        found = right(data)
        if found is None:
            return None
        lines, kept[node] = kept.get(node, b""), found[0]
        return lines, found[1]
