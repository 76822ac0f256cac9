"""Faults in how a command line is split, in what options mean, and in what is refused."""

from __future__ import annotations

import getopt
import os
import subprocess
from collections.abc import Callable, Sequence
from typing import Any

from paexec_trio.cli import invocation, nodelist
from paexec_trio.cli import main as cli
from paexec_trio.cli.errors import UsageError
from paexec_trio.cli.nodelist import NodeList, parse_nodes
from paexec_trio.cli.syntax import HELP, VERSION, HelpRequested, Syntax
from paexec_trio.core.engine import Engine
from paexec_trio.core.execmode import ExecMode
from paexec_trio.core.settings import Settings
from paexec_trio.runtime.host import Host
from paexec_trio.runtime.output import Output
from tests.zoo.invocations import (
    Options,
    Split,
    Variables,
    Words,
    change_options,
    change_split,
    change_variables,
)
from tests.zoo.mutant import breaks
from tests.zoo.planting import around, change_results, instead, put

# Splitting


def refuse_words(is_bad: Callable[[str, bool], bool]) -> None:
    """Refuse words of options by their letters and by whether the first one takes a value."""

    @instead(getopt, "do_shorts")
    def do_shorts(
        right: Callable[..., object], found: object, letters: str, known: str, *rest: object
    ) -> object:
        if is_bad(letters, letters[0] + ":" in known):
            raise getopt.GetoptError(f"option -{letters} not recognized", letters)
        return right(found, letters, known, *rest)


@breaks("OPT-001")
def knows_one_letter_in_a_word_only() -> None:
    refuse_words(lambda letters, has_value: not has_value and len(letters) > 1)


@breaks("OPT-001")
def finds_values_in_the_next_word_only() -> None:
    refuse_words(lambda letters, has_value: has_value and len(letters) > 1)


@breaks("OPT-001")
def takes_values_that_look_like_options_for_options() -> None:
    def split(right: Callable[[list[str]], Split], arguments: list[str]) -> Split:
        options, free = right(arguments)
        for name, value in options:
            if value.startswith(b"-") and os.fsdecode(value) in arguments:
                raise UsageError(b"option requires an argument -- '%b'" % name.encode())
        return options, free

    change_split(split)


@breaks("OPT-002")
def ends_the_options_at_the_announcement_of_free_arguments() -> None:
    def split(right: Callable[[list[str]], Split], arguments: list[str]) -> Split:
        if "-C" not in arguments:
            return right(arguments)
        end = arguments.index("-C") + 1
        options, _ = right(arguments[:end])
        return options, list(map(os.fsencode, arguments[end:]))

    change_split(split)


@breaks("OPT-003")
def finds_options_among_free_arguments() -> None:
    put(getopt, "getopt", getopt.gnu_getopt)


@breaks("OPT-003")
def takes_the_end_of_the_options_for_a_free_argument() -> None:
    def split(right: Callable[[list[str]], Split], arguments: list[str]) -> Split:
        options, free = right(arguments)
        ended = [b"--"] if "--" in arguments[: len(arguments) - len(free)] else []
        return options, ended + free

    change_split(split)


@breaks("OPT-004")
def takes_the_first_of_several_values() -> None:
    change_options(
        lambda options: [
            (name, value if name == "-m" else next(v for n, v in options if n == name))
            for name, value in options
        ]
    )


@breaks("OPT-004")
def takes_the_first_of_several_words_for_the_same() -> None:
    @instead(invocation, "_message_words")
    def words(right: Callable[..., Words], options: Options) -> Words:
        return right(list(reversed(options)))


@breaks("OPT-004")
def minds_values_that_are_overridden() -> None:
    def change(options: Options) -> Options:
        for name, value in options:
            if name == "-n":
                parse_nodes(value)
        return options

    change_options(change)


@breaks("OPT-005")
def prefers_variables_to_options() -> None:
    @instead(invocation, "interpret")
    def interpret(
        right: Callable[..., object],
        program: str,
        options: Options,
        free: Sequence[bytes],
        environment: Variables,
    ) -> object:
        variables = {"-n": b"PAEXEC_NODES", "-t": b"PAEXEC_TRANSPORT"}
        left = [option for option in options if variables.get(option[0]) not in environment]
        return right(program, left, free, environment)


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
        assert isinstance(self._output, Output)
        self._output.write(text + b"\n")


@breaks("OPT-008")
def shows_weights_on_standard_output() -> None:
    @around(Host, "report")
    def report(right: Callable[..., None], self: Host, text: bytes) -> None:
        if b"weight" in text:
            assert isinstance(self._output, Output)
            self._output.write(text + b"\n")
        else:
            right(self, text)


def change_settings(change: Callable[[Settings], Settings]) -> None:
    """Change the settings of a run."""

    @around(Engine, "__init__")
    def init(
        right: Callable[..., None], self: Engine, settings: Settings, **options: object
    ) -> None:
        right(self, change(settings), **options)


@breaks("OPT-009")
def ends_lines_of_a_graph_at_newlines_always() -> None:
    change_settings(lambda right: right._replace(terminator=b"\n") if right.graph else right)


@breaks("OPT-009")
def has_no_eot_line_without_output_of_commands() -> None:
    @around(Engine, "__init__")
    def init(
        right: Callable[..., None],
        self: Engine,
        settings: Settings,
        *,
        exec_mode: ExecMode | None = None,
    ) -> None:
        if exec_mode and exec_mode.discard_output:
            settings = settings._replace(print_eot=False)
        right(self, settings, exec_mode=exec_mode)


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
    @instead(invocation, "interpret")
    def interpret(
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


@breaks("OPT-060")
def accepts_newlines_in_words() -> None:
    put(invocation, "refuse_newline", lambda _key, _text: None)


# Help and version


def change_help(change: Callable[[Syntax], Syntax]) -> None:
    """Change the table that the help is made from."""

    @around(Syntax, "help_text")
    def help_text(right: Callable[..., str], self: Syntax, program: str) -> str:
        return right(change(self), program)


def leave_out(name: str) -> Callable[[Syntax], Syntax]:
    """Return what leaves an option out of a table."""
    return lambda syntax: syntax._replace(
        options=tuple(option for option in syntax.options if option.name != name)
    )


@breaks("OPT-010")
def does_not_name_an_option_in_the_help() -> None:
    change_help(leave_out("-W"))


@breaks("OPT-010")
def helps_if_it_is_the_first_that_is_asked_for() -> None:
    def split(right: Callable[[list[str]], Split], arguments: list[str]) -> Split:
        try:
            return right(arguments)
        except HelpRequested:
            if arguments[0].startswith(("-h", "-V")):
                raise
            return right([word for word in arguments if word not in {"-h", "-V"}])

    change_split(split)


@breaks("OPT-010")
def needs_a_whole_call_to_help() -> None:
    def split(right: Callable[[list[str]], Split], arguments: list[str]) -> Split:
        try:
            return right(arguments)
        except HelpRequested:
            if "-n" not in arguments:
                raise UsageError(b"-n option is mandatory!") from None
            raise

    change_split(split)


def change_information(option: str, change: Callable[[Callable[[], int]], int]) -> None:
    """Change what prints the help or the version."""

    @instead(cli, "print_help_or_version")
    def print_help_or_version(
        right: Callable[..., int], program: str, syntax: Syntax, wanted: str
    ) -> int:
        if wanted != option:
            return right(program, syntax, wanted)
        return change(lambda: right(program, syntax, wanted))


@breaks("OPT-010")
def exits_with_status_1_after_the_help() -> None:
    change_information(HELP.name, lambda right: right() or 1)


@breaks("OPT-011")
def prints_the_version_on_standard_error() -> None:
    def print_help_or_version(right: Callable[[], int]) -> int:
        os.dup2(2, 1)
        return right()

    change_information(VERSION.name, print_help_or_version)


@breaks("OPT-011")
def prints_the_version_without_its_name() -> None:
    def print_help_or_version(_right: Callable[[], int]) -> int:
        os.write(1, b"1.0\n")
        return 0

    change_information(VERSION.name, print_help_or_version)


@breaks("OPT-012")
def does_not_name_an_extension_in_the_help() -> None:
    change_help(leave_out("--prefetch"))


@breaks("OPT-012")
def names_an_extension_that_it_lacks() -> None:
    def change(options: Options) -> Options:
        if "--group" in dict(options):
            raise UsageError(b"--group is not supported")
        return options

    change_options(change)


@breaks("OPT-022")
def shows_its_usage_after_each_diagnostic() -> None:
    @instead(cli, "write_diagnostic")
    def write(right: Callable[[int, bytes], None], fd: int, line: bytes) -> None:
        right(fd, line)
        right(fd, b"usage: paexec [OPTIONS]")


@breaks("OPT-022")
def does_not_say_what_is_wrong() -> None:
    @instead(cli, "write_diagnostic")
    def write(right: Callable[[int, bytes], None], fd: int, line: bytes) -> None:
        right(fd, line.partition(b":")[0] + b": usage error")


# Traps


@breaks("OPT-063")
def takes_a_number_without_plus_for_a_count() -> None:
    @instead(nodelist, "_nodes")
    def nodes(right: Callable[[bytes], NodeList], value: bytes) -> NodeList:
        return right(b"+" + value if value.isdigit() else value)


@breaks("OPT-063")
def takes_commas_for_gaps() -> None:
    @instead(nodelist, "_nodes")
    def nodes(right: Callable[[bytes], NodeList], value: bytes) -> NodeList:
        return right(value.replace(b",", b" "))


@breaks("OPT-061", "OPT-062")
def says_nothing_about_places_of_the_task() -> None:
    put(invocation, "of_command", lambda *_: ())


@breaks("OPT-063")
def replaces_within_arguments() -> None:
    @instead(invocation, "_command_per_task")
    def command(right: Callable[..., Any], *arguments: object) -> Any:
        found = right(*arguments)
        return found and found._replace(command=found.command.replace(b"'$1/'", b'"$1"/'))
