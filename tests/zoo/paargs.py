"""Faults of the companion program that runs one command for each line, as xargs does."""

from __future__ import annotations

import getopt
import os
from collections.abc import Callable, Sequence
from typing import Any

from paexec_trio import __version__
from paexec_trio.cli import main, paargs
from paexec_trio.cli import options as paexec
from paexec_trio.cli.invocation import Invocation
from paexec_trio.core import execmode, wire
from paexec_trio.core.commands import Exit
from paexec_trio.core.ending import Ending
from paexec_trio.core.nodes import Attempt
from paexec_trio.core.results import Results
from paexec_trio.core.settings import Settings
from paexec_trio.core.status import Status
from paexec_trio.core.tasks import FlatTasks
from paexec_trio.core.words import quote
from tests.zoo.mutant import breaks
from tests.zoo.planting import around, instead, put

Options = Sequence[tuple[str, bytes]]
Understand = Callable[..., Invocation]


def change_options(change: Callable[[Options], Options]) -> None:
    """Change the options, as paexec names them, which are pairs of name and value in their order.

    The first of them are those that are always set.
    """

    @instead(paargs, "interpret")
    def interpret(right: Understand, program: str, options: Options, *rest: object) -> Invocation:
        return right(program, change(options), *rest)


def change_settings(change: Callable[[Settings], Settings]) -> None:
    """Change what comes of a call."""

    @instead(paargs, "parse")
    def parse(right: Understand, *arguments: object) -> Invocation:
        invocation = right(*arguments)
        return invocation._replace(settings=change(invocation.settings))


def without_values(*names: str) -> Callable[[Options], Options]:
    """Return what removes these options."""
    return lambda options: [option for option in options if option[0] not in names]


@breaks("ARG-001")
def paargs_leaves_its_paexec_running_when_it_is_stopped() -> None:
    @instead(paargs, "distribute")
    def distribute(right: Callable[..., int], *arguments: object) -> int:
        child = os.fork()
        if child:
            return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        return right(*arguments)


# Options


@breaks("ARG-001", "ARG-030")
def paargs_prints_no_task_ids() -> None:
    change_options(without_values("-l"))


@breaks("ARG-001", "ARG-030")
def paargs_prints_no_eot() -> None:
    change_options(without_values("-e"))


@breaks("ARG-002")
def paargs_takes_options_after_the_command() -> None:
    put(getopt, "getopt", getopt.gnu_getopt)


@breaks("ARG-003")
def paargs_has_no_tasks_that_end_with_nul() -> None:
    change_options(without_values("-0"))


@breaks("ARG-003")
def paargs_never_discards_output() -> None:
    change_options(without_values("-X"))


@breaks("ARG-003")
def paargs_uses_its_own_eot_only() -> None:
    change_options(lambda options: [*options, ("-y", b"")])


@breaks("ARG-004")
def paargs_knows_no_variable_for_the_transport() -> None:
    @instead(paargs, "parse")
    def parse(
        right: Understand, program: str, words: Sequence[str], variables: dict[bytes, bytes]
    ) -> Invocation:
        known = {k: v for k, v in variables.items() if k != b"PAEXEC_TRANSPORT"}
        return right(program, words, known)


@breaks("ARG-004")
def paargs_passes_no_variables() -> None:
    @instead(paargs, "parse")
    def parse(
        right: Understand, program: str, words: Sequence[str], variables: dict[bytes, bytes]
    ) -> Invocation:
        return right(program, words, {k: v for k, v in variables.items() if k != b"PAEXEC_ENV"})


@breaks("ARG-004")
def paargs_runs_commands_by_one_shell_only() -> None:
    @instead(paargs, "parse")
    def parse(
        right: Understand, program: str, words: Sequence[str], variables: dict[bytes, bytes]
    ) -> Invocation:
        return right(program, words, {**variables, b"PAEXEC_SH": b"/bin/sh"})


@breaks("ARG-005")
def paargs_ignores_options_without_a_letter() -> None:
    change_options(lambda options: [option for option in options if not option[0].startswith("--")])


# The command


@breaks("ARG-010")
def paargs_drops_newlines_at_the_end_of_arguments() -> None:
    right = execmode.arguments_with_task
    put(
        execmode,
        "arguments_with_task",
        lambda words, replaced: right([word.rstrip(b"\n") for word in words], replaced),
    )


@breaks("ARG-010")
def paargs_drops_empty_arguments() -> None:
    right = execmode.arguments_with_task
    put(
        execmode,
        "arguments_with_task",
        lambda words, replaced: right([word for word in words if word], replaced),
    )


@breaks("ARG-011")
def paargs_splits_a_task_into_words() -> None:
    put(execmode, "command_with_task", lambda text, _replaced: text + b" $1")


@breaks("ARG-012")
def paargs_adds_a_task_that_has_replaced_something() -> None:
    right = execmode.arguments_with_task
    put(
        execmode,
        "arguments_with_task",
        lambda words, replaced: right(words, replaced) + (b' "$1"' if replaced else b""),
    )


@breaks("ARG-012")
def paargs_replaces_one_argument_only() -> None:
    right = execmode.arguments_with_task

    def arguments_with_task(words: Sequence[bytes], replaced: bytes) -> bytes:
        if replaced not in words:
            return right(words, replaced)
        end = words.index(replaced) + 1
        return b" ".join([right(words[:end], replaced), *map(quote, words[end:])])

    put(execmode, "arguments_with_task", arguments_with_task)


# Tasks


def change_graph(**fields: Any) -> None:
    """Change how the input is read."""

    def change(settings: Settings) -> Settings:
        assert settings.graph
        return settings._replace(graph=settings.graph._replace(**fields))

    change_settings(change)


@breaks("ARG-020", "ARG-021")
def paargs_takes_equal_lines_for_one_task() -> None:
    change_graph(every_line=False)


@breaks("ARG-020", "ARG-021")
def paargs_skips_empty_lines() -> None:
    @around(FlatTasks, "_add")
    def add(right: Callable[..., None], self: FlatTasks, tasks: bytes) -> None:
        right(self, tasks)
        waiting = [task for task in self.ready if task]
        self.ready.clear()
        self.ready.extend(waiting)


@breaks("ARG-021")
def paargs_gives_equal_lines_the_same_task_id() -> None:
    numbers: dict[bytes, int] = {}

    @around(FlatTasks, "take")
    def take(right: Callable[..., tuple[int, bytes]], self: FlatTasks) -> tuple[int, bytes]:
        _, task = right(self)
        return numbers.setdefault(task, len(numbers) + 1), task


@breaks("ARG-023")
def paargs_reads_no_graphs() -> None:
    change_options(lambda options: [*options, ("-m", b"d=")])


# Output


@breaks("ARG-030")
def paargs_prints_no_failure_line_without_a_graph() -> None:
    @around(Results, "failed")
    def failed(
        right: Callable[..., None], self: Results, attempt: Attempt, dropped: Sequence[bytes]
    ) -> None:
        graph = self._settings.graph
        if not (graph and graph.every_line and attempt.status is Status.FAILURE):
            right(self, attempt, dropped)


@breaks("ARG-031")
def paargs_exits_with_status_123_after_a_failure() -> None:
    @around(Results, "failed")
    def failed(right: Callable[..., None], self: Results, *arguments: object) -> None:
        right(self, *arguments)
        self._ending._outcome = Exit(status=123)  # noqa: SLF001


@breaks("ARG-031")
def paargs_ends_after_a_command_with_status_255() -> None:
    right = execmode.preamble

    def preamble(*arguments: object) -> bytes:
        text = right(*arguments)  # type: ignore[arg-type]
        return text.replace(b"*) $1", b"255) exit;;\n*) $1")

    put(wire, "preamble", preamble)


# Dead nodes


@breaks("ARG-032")
def paargs_resists_deaths_with_restarts_only() -> None:
    change_options(without_values("-z"))


@breaks("ARG-033")
def paargs_ends_when_all_nodes_have_died() -> None:
    def change(settings: Settings) -> Settings:
        if settings.on_death is None:
            return settings
        return settings._replace(on_death=settings.on_death._replace(wait=False))

    change_settings(change)


# Help, version and usage errors


@breaks("ARG-040")
def paargs_prints_the_help_of_paexec() -> None:
    @instead(paargs, "distribute")
    def distribute(
        right: Callable[..., int], name: str, _syntax: object, parse: Callable[..., Invocation]
    ) -> int:
        return right(name, paexec.SYNTAX, parse)


@breaks("ARG-041")
def paargs_prints_its_version_on_standard_error() -> None:
    @instead(main, "print_help_or_version")
    def print_help_or_version(
        right: Callable[..., int], program: str, syntax: object, option: str
    ) -> int:
        if option != "-V":
            return right(program, syntax, option)
        os.write(2, f"{program} {__version__}\n".encode())
        return 0


@breaks("ARG-042")
def paargs_ignores_free_arguments_beside_a_command_line() -> None:
    @instead(paargs, "interpret")
    def interpret(
        right: Understand, program: str, options: Options, free: object, *rest: object
    ) -> Invocation:
        return right(program, options, [] if "-c" in dict(options) else free, *rest)


@breaks("ARG-042")
def paargs_exits_with_status_1_after_each_usage_error() -> None:
    @instead(paargs, "distribute")
    def distribute(right: Callable[..., int], *arguments: object) -> int:
        status = right(*arguments)
        return 1 if status == 2 else status


@breaks("ARG-001")
def paargs_overlooks_the_loss_of_nodes() -> None:
    @around(Ending, "fail")
    def fail(_right: object, self: Ending, _diagnostic: bytes) -> None:
        self.stop(Exit())


@breaks("ARG-022")
def paargs_reads_all_lines_first() -> None:
    from tests.zoo.dispatch import reads_all_input_first

    reads_all_input_first()


@breaks("ARG-040", "ARG-041")
def paargs_reads_its_input_before_it_tells_about_itself() -> None:
    @instead(main, "print_help_or_version")
    def print_help_or_version(right: Callable[..., int], *arguments: object) -> int:
        os.read(0, 1 << 16)
        return right(*arguments)


@breaks("ARG-043")
def paargs_names_the_options_of_paexec() -> None:
    @instead(paargs, "interpret")
    def interpret(right: Understand, *arguments: object) -> Invocation:
        return right(*arguments[:-1])
