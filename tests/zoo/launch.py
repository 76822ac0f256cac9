"""Faults in how calculators and transports are started: the command and the environment."""

from __future__ import annotations

import os
import re
import shlex
import threading
from collections.abc import Callable, Iterable, Sequence

from paexec_trio.cli import hostoptions, invocation
from paexec_trio.cli.errors import UsageError
from paexec_trio.cli.invocation import Invocation
from paexec_trio.core import launch
from paexec_trio.core import launch as launch_module
from paexec_trio.core import words as words_module
from paexec_trio.core.commands import Exit
from paexec_trio.core.ending import Ending
from paexec_trio.core.launch import Launch
from paexec_trio.core.words import UnbalancedError, quote, split_words
from paexec_trio.runtime import process
from tests.zoo.invocations import (
    Options,
    Variables,
    change_argv,
    change_invocation,
    change_options,
    change_variables,
    shell_text,
    without,
)
from tests.zoo.mutant import breaks
from tests.zoo.planting import around, instead, put

# The command


@breaks("LCH-001")
def overlooks_the_variable_for_the_shell() -> None:
    change_variables(without(b"PAEXEC_SH"))


@breaks("LCH-001")
def runs_the_command_by_the_users_login_shell() -> None:
    change_variables(lambda variables: {b"PAEXEC_SH": variables.get(b"SHELL", b""), **variables})


@breaks("LCH-001")
def runs_local_commands_without_a_shell() -> None:
    change_argv(lambda launch, argv, _: argv if launch.transport else words_of(launch) or argv)


def words_of(launch: Launch) -> list[bytes]:
    """Return the words of a command line for the shell; nothing if quotes are not closed in it."""
    try:
        return split_words(shell_text(launch))
    except UnbalancedError:
        return []


def change_free_arguments(change: Callable[[Sequence[bytes]], bytes | Sequence[bytes]]) -> None:
    """Change what is made of free arguments."""

    @instead(invocation, "_command")
    def command(right: Callable[..., object], calculator: bytes | Sequence[bytes]) -> object:
        return right(calculator if isinstance(calculator, bytes) else change(calculator))


@breaks("LCH-002")
def lets_the_shell_evaluate_the_arguments_of_a_calculator() -> None:
    change_free_arguments(b" ".join)


@breaks("LCH-002")
def drops_empty_arguments_of_a_calculator() -> None:
    change_free_arguments(lambda arguments: list(filter(None, arguments)))


@breaks("LCH-004")
def cuts_long_commands() -> None:
    @instead(invocation, "_command")
    def command(right: Callable[..., object], calculator: bytes | Sequence[bytes]) -> object:
        return right(calculator[:4095])


def put_last(letter: str) -> None:
    """Let one of -c and -C be the last one of them, wherever it stands."""

    @instead(invocation, "_calculator")
    def calculator(right: Callable[..., object], options: Options, *rest: object) -> object:
        return right(sorted(options, key=lambda option: option[0] == letter), *rest)


@breaks("LCH-003")
def prefers_free_arguments_to_the_command() -> None:
    put_last("-C")


@breaks("LCH-003")
def prefers_the_command_to_free_arguments() -> None:
    put_last("-c")


def change_start(change: Callable[[int, int], int]) -> None:
    """Change which descriptor becomes standard error, given those for output and error."""

    @instead(process, "spawn")
    def spawn(
        right: Callable[..., int],
        argv: object,
        environment: object,
        stdin: int,
        stdout: int,
        stderr: int,
        **options: object,
    ) -> int:
        return right(argv, environment, stdin, stdout, change(stdout, stderr), **options)


@breaks("LCH-005")
def discards_standard_error() -> None:
    change_start(lambda _stdout, _stderr: os.open(os.devnull, os.O_WRONLY))


@breaks("LCH-005", "TRN-002")
def takes_standard_error_for_output() -> None:
    change_start(lambda stdout, _stderr: stdout)


@breaks("LCH-005")
def passes_standard_error_on() -> None:
    def pass_on(reading: int) -> None:
        while data := os.read(reading, 4096):
            os.write(2, data)

    @instead(process, "spawn")
    def spawn(right: Callable[..., int], *words: object, **options: object) -> int:
        reading, writing = os.pipe2(os.O_CLOEXEC)
        pid = right(*words[:-1], writing, **options)
        os.close(writing)
        threading.Thread(target=pass_on, args=(reading,)).start()
        return pid


# The environment


def change_inherited(change: Callable[[Variables], Variables]) -> None:
    """Change what local calculators inherit."""

    @around(Launch, "environment")
    def environment(
        right: Callable[..., object],
        self: Launch,
        inherited: Iterable[tuple[bytes, bytes]],
        *node: object,
    ) -> object:
        changed = inherited if self.transport else change(dict(inherited)).items()
        return right(self, changed, *node)


@breaks("LCH-010")
def gives_local_calculators_a_clean_environment() -> None:
    change_inherited(lambda variables: {b"PATH": variables[b"PATH"]})


@breaks("LCH-010")
def keeps_its_own_variables_from_calculators() -> None:
    change_inherited(
        lambda variables: {k: v for k, v in variables.items() if not k.startswith(b"PAEXEC_")}
    )


def is_utf_8(text: bytes) -> bool:
    """Return whether it can be decoded."""
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


@breaks("LCH-010")
def knows_variables_of_utf_8_only() -> None:
    change_inherited(lambda variables: {k: v for k, v in variables.items() if is_utf_8(v)})


@breaks("LCH-011")
def puts_passed_values_between_double_quotes() -> None:
    put(launch, "_without_newlines", lambda words: words)

    @around(Launch, "_command_line")
    def command_line(right: Callable[..., bytes], self: Launch, *node: object) -> bytes:
        text = right(self, *node)
        for name, value in self.variables.items():
            word = launch._for_any_shell(name + b"=" + value)  # noqa: SLF001
            text = text.replace(word, b'"%b=%b"' % (name, value), 1)
        return text


@breaks("LCH-011")
def passes_variables_to_the_first_node_only() -> None:
    """As strtok() does, which takes the text apart that it reads."""
    nodes: list[bytes] = []

    def change(launch: Launch, argv: list[bytes], node: bytes) -> list[bytes]:
        nodes.append(node)
        if len(nodes) == 1 or not launch.transport:
            return argv
        eot = {b"PAEXEC_EOT": launch.variables[b"PAEXEC_EOT"]}
        line = launch._replace(variables=eot)._command_line(node, 0)  # noqa: SLF001
        return [*argv[:-1], line]

    change_argv(change)


def change_passed(change: Callable[[Variables, Variables], Variables]) -> None:
    """Change what PAEXEC_ENV passes, which the environment is given for."""

    @instead(invocation, "_passed_variables")
    def passed(right: Callable[..., Variables], environment: Variables) -> Variables:
        return change(right(environment), environment)


def find_names(find: Callable[[bytes], list[bytes]]) -> None:
    """Find the names in PAEXEC_ENV so."""
    change_passed(
        lambda _, environment: {
            name: environment.get(name, b"")
            for name in find(environment.get(b"PAEXEC_ENV", b""))
            if name
        }
    )


@breaks("LCH-012")
def separates_variables_by_commas_only() -> None:
    find_names(lambda value: [name.strip() for name in value.split(b",")])


@breaks("LCH-012")
def knows_no_variables_after_two_separators() -> None:
    find_names(lambda value: re.split(rb"[ ,]{2}", value)[0].replace(b",", b" ").split())


@breaks("LCH-013")
def does_not_pass_unset_variables() -> None:
    change_passed(lambda passed, environment: {k: v for k, v in passed.items() if k in environment})


def change_names(change: Callable[[bytes], bytes]) -> None:
    """Change the value of PAEXEC_ENV."""
    change_variables(
        lambda variables: {**variables, b"PAEXEC_ENV": change(variables.get(b"PAEXEC_ENV", b""))}
    )


@breaks("LCH-014")
def passes_over_bad_names_of_variables() -> None:
    change_names(lambda names: b" ".join(re.findall(rb"(?<![^ ,])[^ ,=-][^ ,=]*(?![^ ,])", names)))


@breaks("LCH-014")
def takes_assignments_for_names_of_variables() -> None:
    change_names(lambda names: re.sub(rb"=[^ ,]*", b"", names))


# Transports


@breaks("LCH-020")
def reaches_localhost_without_the_transport() -> None:
    change_argv(
        lambda _, argv, node: [b"/bin/sh", b"-c", argv[-1]] if node == b"localhost" else argv
    )


@breaks("LCH-021")
def puts_the_node_before_the_words_of_the_transport() -> None:
    change_argv(
        lambda launch, argv, _: (
            [argv[0], argv[-2], *argv[1:-2], argv[-1]] if launch.transport else argv
        )
    )


@breaks("LCH-021")
def gives_the_transport_a_command_line_in_several_words() -> None:
    """Ssh puts them together again."""
    change_argv(
        lambda launch, argv, _: [*argv[:-1], *argv[-1].split(b" ")] if launch.transport else argv
    )


@breaks("LCH-001", "LCH-021")
def does_not_quote_the_command_for_the_node() -> None:
    @around(Launch, "_command_line")
    def command_line(right: Callable[..., bytes], self: Launch, *node: object) -> bytes:
        line, text = right(self, *node), shell_text(self)
        return line.removesuffix(launch_module._quoted(text)) + text if text else line  # noqa: SLF001


def split_transport(split: Callable[[bytes], Sequence[bytes]]) -> None:
    """Split the value of -t so."""
    right = hostoptions._transport_words  # noqa: SLF001
    put(hostoptions, "_transport_words", lambda value: right(value) and tuple(split(value.strip())))


@breaks("LCH-022")
def splits_the_transport_at_blanks_only() -> None:
    split_transport(bytes.split)


@breaks("LCH-022")
def drops_empty_words_of_the_transport() -> None:
    split_transport(lambda value: list(filter(None, split_words(value))))


@breaks("LCH-022")
def takes_every_backslash_between_double_quotes_away() -> None:
    put(words_module, "_ESCAPE_IN_DOUBLE_QUOTES", re.compile(rb"\\(.)", re.DOTALL))


@breaks("LCH-023")
def lets_a_shell_split_the_transport() -> None:
    split_transport(lambda value: [b"/bin/sh", b"-c", b"exec " + value + b' "$@"', b"sh"])


@breaks("LCH-023")
def drops_comments_from_the_transport() -> None:
    split_transport(
        lambda value: list(map(os.fsencode, shlex.split(os.fsdecode(value), comments=True)))
    )


@breaks("LCH-023")
def expands_variables_in_the_transport() -> None:
    split_transport(lambda value: split_words(os.path.expandvars(value)))


def evaluate_nodes(form: bytes) -> None:
    """Let a shell start the transport, with the name of the node in this form."""

    def change(launch: Launch, argv: list[bytes], node: bytes) -> list[bytes]:
        if not launch.transport:
            return argv
        words = [*map(quote, launch.transport), form % node, quote(argv[-1])]
        return [b"/bin/sh", b"-c", b" ".join(words)]

    change_argv(change)


@breaks("LCH-024")
def lets_a_shell_evaluate_the_name_of_a_node() -> None:
    evaluate_nodes(b"%b")


@breaks("LCH-024")
def puts_the_name_of_a_node_between_double_quotes() -> None:
    evaluate_nodes(b'"%b"')


@breaks("LCH-025")
def overlooks_the_variable_for_the_transport() -> None:
    change_variables(without(b"PAEXEC_TRANSPORT"))


@breaks("LCH-025")
def takes_the_variable_for_one_word() -> None:
    def change(variables: Variables) -> Variables:
        value = variables.get(b"PAEXEC_TRANSPORT", b"")
        return {**variables, b"PAEXEC_TRANSPORT": quote(value) if value.strip() else b""}

    change_variables(change)


@breaks("LCH-026")
def overlooks_an_empty_transport() -> None:
    change_options(lambda options: [o for o in options if o[0] != "-t" or o[1].strip()])


@breaks("LCH-026")
def refuses_an_empty_transport() -> None:
    def change(options: Options) -> Options:
        if not dict(options).get("-t", b"ssh").strip():
            raise UsageError(b"invalid argument for option -t: ''")
        return options

    change_options(change)


@breaks("LCH-026")
def runs_the_node_if_the_transport_is_blank() -> None:
    @instead(hostoptions, "_transport_words")
    def words(right: Callable[..., object], value: bytes) -> object:
        # `env NODE COMMAND` stands for the missing first word.
        return (b"env",) if value and not value.strip() else right(value)


@breaks("LCH-027")
def closes_open_quotes() -> None:
    @instead(hostoptions, "_transport_words")
    def words(right: Callable[..., object], value: bytes) -> object:
        try:
            return right(value)
        except UsageError:
            return right(value.replace(b"'", b"").replace(b'"', b"").replace(b"\\", b""))


@breaks("LCH-028")
def exits_with_status_127_if_the_transport_cannot_be_run() -> None:
    @around(Ending, "fail")
    def fail(right: Callable[..., None], self: Ending, diagnostic: bytes) -> None:
        right(self, diagnostic)
        self._outcome = Exit(status=127)


@breaks("LCH-028")
def does_not_say_that_the_transport_cannot_be_run() -> None:
    @around(Ending, "fail")
    def fail(_right: object, self: Ending, _diagnostic: bytes) -> None:
        self.stop(Exit(status=1))


def change_local_names(change: Callable[[Invocation], Invocation]) -> None:
    """Change calls with names and without a transport."""

    def changed(found: Invocation) -> Invocation:
        is_local = not found.launch.transport and found.settings.nodes[0] != b"0"
        return change(found) if is_local else found

    change_invocation(changed)


@breaks("LCH-029")
def needs_a_transport_for_names() -> None:
    def refuse(found: Invocation) -> Invocation:
        raise UsageError(b"no transport to node " + found.settings.nodes[0])

    change_local_names(refuse)


@breaks("LCH-029")
def runs_one_calculator_for_all_names_without_a_transport() -> None:
    change_local_names(
        lambda found: found._replace(
            settings=found.settings._replace(nodes=found.settings.nodes[:1])
        )
    )
