"""Faults in what options and their words mean, and in what is refused."""

from __future__ import annotations

import getopt
import os
import re
import subprocess
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from paexec_trio.cli import invocation
from paexec_trio.cli import main as cli
from paexec_trio.cli.errors import UsageError
from paexec_trio.core import visible
from paexec_trio.core.commands import Report
from paexec_trio.core.engine import Engine
from paexec_trio.core.settings import GraphSettings, Reassign, Settings
from paexec_trio.runtime import diagnostics, host
from paexec_trio.runtime.host import Host
from tests.zoo.invocations import (
    Options,
    Split,
    Variables,
    Words,
    change_options,
    change_split,
    change_variables,
)
from tests.zoo.mutant import around, breaks, change_results, instead, put

# What is without effect, and what is not


@breaks("OPT-006")
def refuses_words_for_graphs_without_one() -> None:
    @instead(invocation, "_message_words")
    def words(right: Callable[..., Words], options: Options) -> Words:
        found = right(options)
        if {b"s", b"f", b"d", b"w"} & found.keys() and not {"-g", "-s", "-W"} & dict(
            options
        ).keys():
            raise UsageError(b"bad argument for -m: there is no graph")
        return found


@breaks("OPT-006")
def goes_on_after_deaths_if_there_is_a_word_for_them() -> None:
    change_options(
        lambda options: [
            *options,
            *[("-z", b"") for name, value in options if name == "-m" and value.startswith(b"F=")],
        ]
    )


@breaks("OPT-007")
def refuses_bad_sizes_of_buffers() -> None:
    def change(variables: Variables) -> Variables:
        value = variables.get(b"PAEXEC_BUFSIZE", b"1")
        if not value.isdigit() or not int(value):
            raise UsageError(b"bad PAEXEC_BUFSIZE: '%b'" % value)
        return variables

    change_variables(change)


@breaks("OPT-007")
def cuts_lines_at_the_size_of_buffers() -> None:
    value = os.environb.get(b"PAEXEC_BUFSIZE", b"")
    size = int(value) if value.isdigit() and int(value) else None

    def cut(lines: bytes) -> bytes:
        return b"".join(line[:size] + b"\n" for line in lines.splitlines())

    change_results(lambda _, piece: (cut(bytes(piece[0])), cut(piece[1]), piece[2]))


@breaks("OPT-008")
def debugs_on_standard_output() -> None:
    @around(Host, "report")
    def report(_right: Callable[..., None], self: Host, text: bytes) -> None:
        self._print(text + b"\n")


@breaks("OPT-008")
def shows_weights_on_standard_output() -> None:
    @around(Host, "_report")
    def report(right: Callable[..., None], self: Host, command: Report) -> None:
        if b"weight" in command.text:
            self._print(command.text + b"\n")
        else:
            right(self, command)


def change_settings(change: Callable[[Settings], Settings]) -> None:
    """Change the settings of a run."""

    @around(Engine, "__init__")
    def init(right: Callable[..., None], self: Engine, settings: Settings) -> None:
        right(self, change(settings))


@breaks("OPT-009")
def ends_lines_of_a_graph_at_newlines_always() -> None:
    change_settings(lambda right: right._replace(terminator=b"\n") if right.graph else right)


@breaks("OPT-009")
def has_no_eot_line_without_output_of_commands() -> None:
    change_settings(
        lambda right: (
            right._replace(print_eot=False)
            if right.exec_mode and right.exec_mode.discard_output
            else right
        )
    )


@breaks("OPT-009")
def shows_one_of_task_and_process() -> None:
    change_settings(
        lambda right: right._replace(show_task_id=right.show_task_id and not right.show_pid)
    )


# Usage errors


@breaks("OPT-020")
def exits_with_status_2_after_a_usage_error() -> None:
    @around(UsageError, "__init__")
    def init(right: Callable[..., None], self: UsageError, *arguments: object, **_: object) -> None:
        right(self, *arguments)
        self.status = 2


@breaks("OPT-021")
def starts_a_calculator_before_all_is_checked() -> None:
    @instead(invocation, "understand")
    def understand(
        right: Callable[..., object], program: str, options: Options, *rest: object
    ) -> object:
        try:
            return right(program, options, *rest)
        except UsageError:
            words = [b"/bin/sh", b"-c", dict(options).get("-c", b":")]
            subprocess.run(words, stdin=subprocess.DEVNULL, check=False)
            raise


@breaks("OPT-021")
def prints_usage_errors_on_standard_output() -> None:
    @instead(cli, "write_diagnostic")
    def write_diagnostic(right: Callable[..., None], _fd: int, text: bytes) -> None:
        right(1, text)


@breaks("OPT-023")
def passes_over_unknown_letters() -> None:
    @instead(getopt, "do_shorts")
    def do_shorts(
        right: Callable[..., object], found: object, letters: str, known: str, *rest: object
    ) -> object:
        return right(found, "".join(o for o in letters if o in known), known, *rest)


@breaks("OPT-024")
def takes_a_missing_value_for_an_empty_one() -> None:
    def split(right: Callable[[list[str]], Split], arguments: list[str]) -> Split:
        try:
            return right(arguments)
        except UsageError:
            return right([*arguments, ""])

    change_split(split)


@breaks("OPT-024")
def restarts_nodes_at_once_without_the_seconds() -> None:
    def split(right: Callable[[list[str]], Split], arguments: list[str]) -> Split:
        return right([*arguments, "0"] if arguments[-1] == "-Z" else arguments)

    change_split(split)


@breaks("OPT-025")
def has_a_node_by_default() -> None:
    change_variables(lambda variables: {b"PAEXEC_NODES": b"+1", **variables})


@breaks("OPT-026")
def has_a_calculator_by_default() -> None:
    change_options(lambda options: [("-c", b"cat"), *options])


def change_calculator(
    change: Callable[[Callable[..., object], Options, Sequence[bytes]], object],
) -> None:
    """Change which calculator options and free arguments mean."""

    @instead(invocation, "_calculator")
    def calculator(
        right: Callable[..., object], options: Options, free: Sequence[bytes], program: bytes
    ) -> object:
        return change(lambda *both: right(*both, program), options, free)


@breaks("OPT-027")
def passes_over_free_arguments() -> None:
    change_calculator(
        lambda right, options, free: right(options, free if "-C" in dict(options) else [])
    )


@breaks("OPT-027")
def takes_free_arguments_for_the_calculator_unasked() -> None:
    change_calculator(
        lambda right, options, free: right([*options, *([("-C", b"")] if free else [])], free)
    )


@breaks("OPT-027")
def adds_free_arguments_to_a_command_for_each_task() -> None:
    def calculator(right: Callable[..., object], options: Options, free: Sequence[bytes]) -> object:
        names = dict(options)
        if "-C" in names or not {"-x", "-X", "-J"} & names.keys():
            return right(options, free)
        return b" ".join([names.get("-c", b""), *free])

    change_calculator(calculator)


@breaks("OPT-028")
def has_a_program_where_none_is_given() -> None:
    change_calculator(
        lambda right, options, free: right(
            options, free or ([b"cat"] if "-C" in dict(options) else [])
        )
    )


def change_word(change: Callable[[bytes, UsageError], tuple[bytes, bytes]]) -> None:
    """Change what becomes of a value of -m that is bad."""

    @instead(invocation, "_message_word")
    def message_word(right: Callable[..., object], value: bytes) -> object:
        try:
            return right(value)
        except UsageError as error:
            return change(value, error)


@breaks("OPT-029")
def passes_over_unknown_keys() -> None:
    def change(_value: bytes, error: UsageError) -> tuple[bytes, bytes]:
        if b"bad argument for -m:" not in error.message:
            raise error
        return b"", b""

    change_word(change)


@breaks("OPT-029")
def allows_quotes_in_words() -> None:
    def change(value: bytes, error: UsageError) -> tuple[bytes, bytes]:
        if b"symbols" not in error.message:
            raise error
        return value[:1], value[2:]

    change_word(change)


@breaks("OPT-029")
def takes_the_first_octet_of_a_delimiter() -> None:
    def change(value: bytes, error: UsageError) -> tuple[bytes, bytes]:
        if b"-md=" not in error.message:
            raise error
        return b"d", value[2:3]

    change_word(change)


# Words of the protocol, graphs and deaths


@breaks("EOT-003")
def has_another_eot_by_default() -> None:
    change_variables(lambda variables: {b"PAEXEC_EOT": b".", **variables})


@breaks("EOT-013")
def drops_newlines_from_the_eot() -> None:
    @instead(invocation, "_message_words")
    def words(right: Callable[..., Words], options: Options) -> Words:
        return {key: text.replace(b"\n", b"") for key, text in right(options).items()}


def change_resistance(
    change: Callable[[Mapping[str, bytes], Reassign | None], Reassign | None],
) -> None:
    """Change what the options about the death of nodes mean."""

    @instead(invocation, "_resistance")
    def on_death(
        right: Callable[..., Reassign | None], values: Mapping[str, bytes], words: Words
    ) -> Reassign | None:
        return change(values, right(values, words))


@breaks("RST-021")
def always_waits_for_restarts() -> None:
    change_resistance(
        lambda _, right: right._replace(wait=bool(right.restart_after)) if right else None
    )


def change_graph(**fields: Any) -> None:
    """Change how a graph is read."""

    @instead(invocation, "_graph_settings")
    def settings(right: Callable[..., GraphSettings | None], *arguments: object) -> object:
        graph = right(*arguments)
        return graph._replace(**fields) if graph else None


@breaks("GRA-003")
def knows_the_default_delimiter_only() -> None:
    change_graph(delimiter=b" ")


@breaks("GRA-031")
def knows_the_default_status_words_only() -> None:
    change_graph(success=b"success", failure=b"failure")


@breaks("WGT-009")
def knows_the_default_word_for_weights_only() -> None:
    change_graph(weight_word=b"weight:")


# What diagnostics show


def show_as(shown: Callable[[bytes], bytes]) -> None:
    """Change how foreign octets stand in diagnostics."""
    for module in (visible, diagnostics, host):
        put(module, "visible", shown)


@breaks("SEC-002")
def shows_octets_as_they_are() -> None:
    show_as(lambda octets: octets)


@breaks("SEC-002")
def shows_octets_as_they_are_but_for_newlines() -> None:
    show_as(lambda octets: octets.replace(b"\n", b"\\n"))


@breaks("SEC-002")
def shows_control_characters_of_c1() -> None:
    show_as(lambda octets: re.sub(rb"[\0-\x1f\x7f]", b"?", octets))


@breaks("SEC-002")
def shows_control_characters_of_c1_in_utf_8() -> None:
    def shown(octets: bytes) -> bytes:
        text = re.sub("[\0-\x1f\x7f]", "?", octets.decode("utf-8", "replace"))
        return text.encode()

    show_as(shown)


@breaks("SEC-003")
def shows_texts_of_any_length() -> None:
    put(visible, "MOST_OCTETS", 1 << 40)


@breaks("OPT-060")
def accepts_newlines_in_words() -> None:
    put(invocation, "refuse_newline", lambda _key, _text: None)


# Traps


@breaks("OPT-061", "OPT-062")
def says_nothing_about_places_of_the_task() -> None:
    put(invocation, "of_command", lambda *_: ())


@breaks("OPT-063")
def replaces_within_arguments() -> None:
    @instead(invocation, "_exec_settings")
    def settings(right: Callable[..., Any], *arguments: object) -> Any:
        found = right(*arguments)
        return found and found._replace(command=found.command.replace(b"'$1/'", b'"$1"/'))
