"""Faults in how a command line is split, and in what the help and the version say."""

from __future__ import annotations

import getopt
import os
from collections.abc import Callable, Sequence

from paexec_trio.cli import invocation
from paexec_trio.cli import main as cli
from paexec_trio.cli.errors import UsageError
from paexec_trio.cli.nodelist import parse_nodes
from paexec_trio.cli.syntax import HELP, VERSION, InformationWanted, Syntax
from tests.zoo.invocations import (
    Options,
    Split,
    Variables,
    Words,
    change_options,
    change_split,
)
from tests.zoo.mutant import around, breaks, instead, put

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
    @instead(invocation, "understand")
    def understand(
        right: Callable[..., object],
        program: str,
        options: Options,
        free: Sequence[bytes],
        environment: Variables,
    ) -> object:
        variables = {"-n": b"PAEXEC_NODES", "-t": b"PAEXEC_TRANSPORT"}
        left = [option for option in options if variables.get(option[0]) not in environment]
        return right(program, left, free, environment)


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
        except InformationWanted:
            if arguments[0].startswith(("-h", "-V")):
                raise
            return right([word for word in arguments if word not in {"-h", "-V"}])

    change_split(split)


@breaks("OPT-010")
def needs_a_whole_call_to_help() -> None:
    def split(right: Callable[[list[str]], Split], arguments: list[str]) -> Split:
        try:
            return right(arguments)
        except InformationWanted:
            if "-n" not in arguments:
                raise UsageError(b"-n option is mandatory!") from None
            raise

    change_split(split)


def change_information(option: str, change: Callable[[Callable[[], int]], int]) -> None:
    """Change what prints the help or the version."""

    @instead(cli, "inform")
    def inform(right: Callable[..., int], program: str, syntax: Syntax, wanted: str) -> int:
        if wanted != option:
            return right(program, syntax, wanted)
        return change(lambda: right(program, syntax, wanted))


@breaks("OPT-010")
def exits_with_status_1_after_the_help() -> None:
    change_information(HELP.name, lambda right: right() or 1)


@breaks("OPT-011")
def prints_the_version_on_standard_error() -> None:
    def inform(right: Callable[[], int]) -> int:
        os.dup2(2, 1)
        return right()

    change_information(VERSION.name, inform)


@breaks("OPT-011")
def prints_the_version_without_its_name() -> None:
    def inform(_right: Callable[[], int]) -> int:
        os.write(1, b"1.0\n")
        return 0

    change_information(VERSION.name, inform)


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
