"""Faults in how transports are started, and in what they can rely on while they run."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from collections.abc import Callable, Iterator, Sequence

from paexec_trio.cli import invocation
from paexec_trio.cli.errors import UsageError
from paexec_trio.cli.invocation import Invocation
from paexec_trio.core import launch as launch_module
from paexec_trio.core import words as words_module
from paexec_trio.core.commands import Exit, StartNode
from paexec_trio.core.engine import Engine
from paexec_trio.core.events import Event
from paexec_trio.core.launch import Launch
from paexec_trio.core.words import quote, split_words
from paexec_trio.runtime import host, process
from paexec_trio.runtime.host import Host
from paexec_trio.runtime.process import NodeProcess
from tests.zoo.invocations import (
    Options,
    Variables,
    change_argv,
    change_invocation,
    change_options,
    change_variables,
    without,
)
from tests.zoo.mutant import around, breaks, change_tasks, instead, put

# How they are started


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
    """Which ssh puts together again."""
    change_argv(
        lambda launch, argv, _: [*argv[:-1], *argv[-1].split(b" ")] if launch.transport else argv
    )


@breaks("LCH-001", "LCH-021")
def does_not_quote_the_command_for_the_node() -> None:
    @around(Launch, "_command_line")
    def command_line(right: Callable[..., bytes], self: Launch) -> bytes:
        text = right(self)
        if not isinstance(self.command, bytes):
            return text
        return text.removesuffix(launch_module._quoted(self.command)) + self.command  # noqa: SLF001


def split_transport(split: Callable[[bytes], Sequence[bytes]]) -> None:
    """Split the value of -t so."""
    right = invocation._transport_words  # noqa: SLF001
    put(invocation, "_transport_words", lambda value: right(value) and tuple(split(value.strip())))


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
    @instead(invocation, "_transport_words")
    def words(right: Callable[..., object], value: bytes) -> object:
        # `env NODE COMMAND` stands for the missing first word.
        return (b"env",) if value and not value.strip() else right(value)


@breaks("LCH-027")
def closes_open_quotes() -> None:
    @instead(invocation, "_transport_words")
    def words(right: Callable[..., object], value: bytes) -> object:
        try:
            return right(value)
        except UsageError:
            return right(value.replace(b"'", b"").replace(b'"', b"").replace(b"\\", b""))


@breaks("LCH-028")
def exits_with_status_127_if_the_transport_cannot_be_run() -> None:
    @around(Engine, "_node_not_started")
    def not_started(right: Callable[..., None], self: Engine, event: object) -> None:
        right(self, event)
        self._outcome = Exit(status=127)


@breaks("LCH-028")
def does_not_say_that_the_transport_cannot_be_run() -> None:
    @around(Engine, "_fail")
    def fail(_right: Callable[..., None], self: Engine, _message: bytes) -> None:
        self._stop(Exit(status=1))


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


# While they run


@breaks("TRN-002")
def ends_a_node_that_closes_standard_error() -> None:
    @instead(process, "spawn")
    def spawn(right: Callable[..., int], *words: object, **options: object) -> int:
        reading, writing = os.pipe2(os.O_CLOEXEC)
        pid = right(*words[:-1], writing, **options)
        os.close(writing)
        script = 'cat >&2; kill -9 -- "-$0"'
        if not os.fork():
            os.dup2(reading, 0)
            os.execv("/bin/sh", ["sh", "-c", script, str(pid)])
        os.close(reading)
        return pid


@breaks("TRN-003")
def drops_what_is_unread_when_a_process_ends() -> None:
    put(host, "_CHUNK", 4096)

    @around(Host, "_finish")
    def finish(right: Callable[..., Iterator[Event]], self: Host, process: NodeProcess) -> object:
        self._unwatch_stdout(process)
        process.close_stdout()
        return right(self, process)


@breaks("TRN-004")
def takes_a_closed_input_for_the_end_of_a_node() -> None:
    @around(Host, "_start_node")
    def start_node(right: Callable[..., None], self: Host, command: StartNode) -> None:
        right(self, command)
        process = self._processes.get(command.node)
        if process:
            # Nothing asked for: that nobody reads any more is reported all the same.
            self._watch(process.stdin, 0, lambda: closed(self, process))

    def closed(self: Host, process: NodeProcess) -> Iterator[Event]:
        self._unwatch_stdin(process)
        return self._unwritable(process, b"Broken pipe")


def let_run(argv: Callable[[bytes], list[bytes]]) -> None:
    """Let a program make what is sent to calculators."""
    change_tasks(lambda task: subprocess.run(argv(task), capture_output=True, check=False).stdout)


@breaks("SEC-001")
def lets_a_shell_evaluate_tasks() -> None:
    let_run(lambda task: [b"/bin/sh", b"-c", b'printf %%s "%b"' % task])


@breaks("SEC-001")
def puts_tasks_between_single_quotes() -> None:
    let_run(lambda task: [b"/bin/sh", b"-c", b"printf %%s '%b'" % task])


@breaks("SEC-001")
def takes_tasks_for_formats() -> None:
    let_run(lambda task: [b"/usr/bin/printf", task])
