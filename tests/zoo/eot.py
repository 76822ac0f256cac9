"""Faults in how the end of a result is marked and found."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from paexec_trio.cli import invocation
from paexec_trio.core.commands import Write
from paexec_trio.core.engine import Engine
from paexec_trio.core.framing import NEWLINE, ResultFramer
from paexec_trio.core.launch import Launch
from paexec_trio.core.nodes import Attempt
from paexec_trio.core.settings import MAGIC_EOT
from tests.zoo.invocations import change_variables
from tests.zoo.mutant import breaks
from tests.zoo.planting import around, change_output, instead


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
    @around(Launch, "__init__")
    def init(right: Callable[..., None], self: Launch, **fields: object) -> None:
        variables = fields.get("variables")
        assert isinstance(variables, dict)
        right(self, **fields | {"variables": variables | {b"PAEXEC_EOT": b"other"}})


@breaks("EOT-010")
def always_prints_the_eot() -> None:
    @around(Engine, "_attempt_done")
    def done(right: Callable[..., None], self: Engine, *arguments: object) -> None:
        right(self, *arguments)
        if not self._settings.print_eot:
            self._commands.append(Write(self._settings.eot + NEWLINE))


@breaks("EOT-012")
def takes_the_end_of_output_for_the_eot() -> None:
    @around(Engine, "_node_ended")
    def ended(right: Callable[..., None], self: Engine, event: object) -> None:
        node = self._nodes[event.node]  # type: ignore[attr-defined]
        if node.attempts:
            self._attempt_done(node)
        right(self, event)


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

    @around(Engine, "_print")
    def print_(right: Callable[..., None], self: Engine, attempt: Attempt, data: bytes) -> None:
        ends = self._settings.print_eot and data == attempt.prefix + self._settings.eot + b"\n"
        right(self, attempt, data * times if ends else data)


@breaks("EOT-011")
def prints_an_empty_line_for_every_eot() -> None:
    @around(Engine, "_print")
    def print_(right: Callable[..., None], self: Engine, attempt: Attempt, data: bytes) -> None:
        ends = self._settings.print_eot and data == attempt.prefix + self._settings.eot + b"\n"
        right(self, attempt, attempt.prefix + b"\n" if ends else data)


@breaks("EOT-011")
def prints_no_eot_after_an_empty_result() -> None:
    printed: set[int] = set()

    @around(Engine, "_print")
    def print_(right: Callable[..., None], self: Engine, attempt: Attempt, data: bytes) -> None:
        ends = self._settings.print_eot and data == attempt.prefix + self._settings.eot + b"\n"
        if not ends or attempt.task_id in printed:
            right(self, attempt, data)
        printed.add(attempt.task_id)


@breaks("EOT-020", "EXE-057")
def tells_commands_its_eot() -> None:
    @instead(invocation, "_passed_variables")
    def passed(right: Callable[..., Words], environment: Words) -> Words:
        return {**right(environment), b"PAEXEC_EOT": MAGIC_EOT}
