"""Faults in how the end of a result is marked and found."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from paexec_trio.cli import invocation
from paexec_trio.cli.invocation import Invocation
from paexec_trio.core.dispatching import Dispatcher
from paexec_trio.core.events import NodeEnded
from paexec_trio.core.fleet import Fleet
from paexec_trio.core.framing import NEWLINE, ResultFramer
from paexec_trio.core.nodes import Attempt, Node
from paexec_trio.core.printing import Printer
from paexec_trio.core.results import Results
from paexec_trio.core.settings import MAGIC_EOT, Settings
from tests.simulation.violations import Kind
from tests.zoo.invocations import change_invocation, change_variables
from tests.zoo.mutant import breaks, shows_as
from tests.zoo.planting import (
    Exchange,
    Exchanged,
    around,
    change_eot_lines,
    change_exchange,
    change_output,
    instead,
)


@breaks("EOT-002")
def takes_blanks_for_the_eot() -> None:
    change_output(lambda _, data: re.sub(rb"(?m)^[ \t\r]+$", b"", data))


@breaks("EOT-002")
def takes_what_begins_with_the_eot_for_it() -> None:
    def change(self: ResultFramer, data: bytes) -> bytes:
        eot = self._eot_line[:-1]
        return re.sub(rb"(?m)^%b.*$" % re.escape(eot), lambda _: eot, data) if eot else data

    change_output(change)


@breaks("EOT-004", "EOT-005", "EOT-006")
def knows_only_the_default_eot() -> None:
    @around(ResultFramer, "__init__")
    def init(right: Callable[..., None], self: ResultFramer, _eot: bytes) -> None:
        right(self, b"")


@breaks("EOT-008")
def takes_empty_lines_for_any_eot() -> None:
    def change(self: ResultFramer, data: bytes) -> bytes:
        return re.sub(rb"(?m)^\n", lambda _: self._eot_line, data)

    change_output(change)


@breaks("EOT-009")
def does_not_tell_calculators_the_eot() -> None:
    def change(found: Invocation) -> Invocation:
        variables = {**found.launch.variables, b"PAEXEC_EOT": b"other"}
        return found._replace(launch=found.launch._replace(variables=variables))

    change_invocation(change)


@breaks("EOT-010")
def always_prints_the_eot() -> None:
    @around(Printer, "__init__")
    def init(right: Callable[..., None], self: Printer, settings: Settings, *rest: object) -> None:
        right(self, settings._replace(print_eot=True), *rest)


@breaks("EOT-012")
def takes_the_end_of_output_for_the_eot() -> None:
    results: dict[Fleet, Results] = {}

    @around(Results, "__init__")
    def init(right: Callable[..., None], self: Results, *parts: object) -> None:
        right(self, *parts)
        results.update({part: self for part in parts if isinstance(part, Fleet)})

    @around(Fleet, "ended")
    def ended(right: Callable[..., bool], self: Fleet, event: NodeEnded) -> bool:
        node = self._nodes[event.node]
        if node.attempts:
            results[self].done(node)
        return right(self, event)


# The default


@breaks("EOT-003")
def has_another_eot_by_default() -> None:
    change_variables(lambda variables: {b"PAEXEC_EOT": b".", **variables})


@breaks("EOT-013")
def drops_newlines_from_the_eot() -> None:
    @instead(invocation, "_message_words")
    def words(right: Callable[..., Words], options: Options) -> Words:
        return {key: text.replace(b"\n", b"") for key, text in right(options).items()}


Options = Sequence[tuple[str, bytes]]
Words = Mapping[bytes, bytes]


@breaks("EOT-007")
def prefers_the_magic_eot() -> None:
    @instead(invocation, "_message_words")
    def words(right: Callable[..., Words], options: Options) -> Words:
        return right(sorted(options, key=lambda option: option[0] == "-y"))


@breaks("EOT-007")
def prefers_an_eot_that_is_given() -> None:
    @instead(invocation, "_message_words")
    def words(right: Callable[..., Words], options: Options) -> Words:
        return right(sorted(options, key=lambda option: option[0] != "-y"))


@breaks("EOT-011")
def flushes_without_printing_the_eot() -> None:
    @instead(invocation, "interpret")
    def interpret(
        right: Callable[..., object], program: str, options: Options, *rest: object
    ) -> object:
        return right(program, [option for option in options if option[0] != "-E"], *rest)


@breaks("EOT-011")
def prints_the_eot_once_for_each_option() -> None:
    times = 0

    @instead(invocation, "interpret")
    def interpret(
        right: Callable[..., object], program: str, options: Options, *rest: object
    ) -> object:
        nonlocal times
        times = len({"-e", "-E"} & dict(options).keys())
        return right(program, options, *rest)

    change_eot_lines(lambda _attempt, line: line * times)


@breaks("EOT-011")
def prints_an_empty_line_for_every_eot() -> None:
    change_eot_lines(lambda attempt, _line: attempt.prefix + NEWLINE)


@breaks("EOT-011")
def prints_no_eot_after_an_empty_result() -> None:
    printed: set[int] = set()
    change_eot_lines(lambda attempt, line: line if attempt.task_id in printed else b"")

    @around(Printer, "lines")
    def lines(right: Callable[..., None], self: Printer, attempt: Attempt, lines: bytes) -> None:
        printed.add(attempt.task_id)
        right(self, attempt, lines)


@breaks("EOT-020", "EXE-057")
def tells_commands_its_eot() -> None:
    @instead(invocation, "_passed_variables")
    def passed(right: Callable[..., Words], environment: Words) -> Words:
        return {**right(environment), b"PAEXEC_EOT": MAGIC_EOT}


# The fast path


@shows_as(Kind.FABRICATED)
@breaks("EOT-010")
def prints_the_eot_of_results_that_come_whole() -> None:
    @change_exchange
    def exchange(right: Exchange, _self: Dispatcher, node: Node, data: bytes) -> Exchanged | None:
        prefix = node.attempts[0].prefix
        found = right(data)
        return found and (found[0] + prefix + NEWLINE, found[1])


@shows_as(Kind.LOST)
@breaks("EOT-011")
def prints_no_eot_after_a_result_that_comes_whole() -> None:
    @change_exchange
    def exchange(right: Exchange, self: Dispatcher, _node: Node, data: bytes) -> Exchanged | None:
        self._result_end = b""
        return right(data)


@shows_as(Kind.FABRICATED, Kind.DUPLICATED, Kind.CROWDED)
@breaks("EOT-001")
def takes_whole_lines_for_a_whole_result() -> None:
    @change_exchange
    def exchange(right: Exchange, _self: Dispatcher, node: Node, data: bytes) -> Exchanged | None:
        eot_line = node.framer._eot_line  # type: ignore[union-attr]  # noqa: SLF001
        return right(data) or (right(data + eot_line) if data.endswith(NEWLINE) else None)
