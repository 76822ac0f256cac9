"""Faults in running one command per task."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from paexec_trio.cli import invocation
from paexec_trio.core import execmode, execshell, tasktext, wire
from paexec_trio.core.calculators import CommandPerTask
from paexec_trio.core.commands import Send
from paexec_trio.core.execmode import ExecFramer
from paexec_trio.core.framing import NEWLINE
from paexec_trio.core.nodes import Node
from paexec_trio.core.tasks import FlatTasks
from paexec_trio.core.wire import Wire
from paexec_trio.core.words import quote
from tests.simulation.violations import Kind
from tests.zoo.mutant import breaks, shows_as
from tests.zoo.planting import Piece, around, instead, put

Options = Sequence[tuple[str, bytes]]


@breaks("EXE-001", "EXE-005", "EXE-006")
def does_not_add_the_task() -> None:
    put(execmode, "command_with_task", lambda text, _replaced: text)
    put(execmode, "arguments_with_task", lambda words, _replaced: b" ".join(map(quote, words)))


@breaks("EXE-002")
def lets_the_shell_expand_tasks() -> None:
    def call(task: bytes, marker: bytes) -> bytes:
        right = execmode.call(b"", marker)
        return right.replace(b"''", b'"%b"' % task.replace(b'"', b'\\"'), 1)

    put(wire, "call", call)


@breaks("EXE-002")
def runs_commands_with_tasks_without_blanks_at_their_ends() -> None:
    put(wire, "call", lambda task, marker: execmode.call(task.strip(b" \t"), marker))


@breaks("EXE-003")
def runs_commands_with_blanks_for_newlines() -> None:
    put(wire, "call", lambda task, marker: execmode.call(task.replace(NEWLINE, b" "), marker))


@breaks("EXE-004")
def runs_commands_with_tasks_that_hold_nul() -> None:
    @around(FlatTasks, "__init__")
    def init(
        right: Callable[..., None], self: FlatTasks, terminator: bytes, _: bytes, limit: int
    ) -> None:
        right(self, terminator, terminator, limit)


@breaks("EXE-005")
def takes_the_command_line_for_the_name_of_a_program() -> None:
    put(execmode, "command_with_task", lambda text, _replaced: quote(text) + b' "$1"')


@breaks("EXE-006")
def lets_the_shell_evaluate_free_arguments() -> None:
    put(execmode, "arguments_with_task", lambda words, _replaced: b" ".join([*words, b'"$1"']))


@breaks("EXE-007")
def runs_all_commands_in_one_shell() -> None:
    put(execmode, "_IN_SUBSHELL", b"{ $1\n} %(redirections)b")


def change_preamble(change: Callable[[bytes], bytes]) -> None:
    """Change what the shell of a node is told before the first task."""
    right = execmode.preamble
    put(wire, "preamble", lambda mode, marker: change(right(mode, marker)))


@breaks("EXE-008")
def leaves_its_own_ifs_to_the_command() -> None:
    change_preamble(lambda text: b"IFS=,\n" + text)


@breaks("EXE-009")
def lets_commands_read_the_tasks() -> None:
    change_preamble(lambda text: text.replace(b"</dev/null", b""))


@breaks("EXE-011")
def lets_an_open_quote_swallow_tasks() -> None:
    def change(text: bytes) -> bytes:
        before, _, rest = text.partition(b"eval '")
        function, _, after = rest.partition(b"' || exit\n")
        return before + function.replace(b"'\\''", b"'") + NEWLINE + after

    change_preamble(change)


@breaks("EXE-020")
def keeps_newlines_at_the_end_of_the_output() -> None:
    @around(ExecFramer, "_without_blank_end")
    def without(_right: object, self: ExecFramer, lines: bytes) -> bytes:
        self._has_lines = True
        return lines


@breaks("EXE-021")
def has_no_line_for_a_command_without_output() -> None:
    @around(ExecFramer, "_end")
    def end(right: Callable[..., bytes], self: ExecFramer) -> bytes:
        self._has_lines = True
        return right(self)


@breaks("EXE-022", "LIM-006")
def passes_on_the_output_of_a_command_when_it_has_ended() -> None:
    kept: dict[int, bytes] = {}

    @around(ExecFramer, "feed")
    def feed(right: Callable[..., Piece], self: ExecFramer, data: bytes) -> Piece:
        line, lines, rest = right(self, data)
        lines = kept.pop(id(self), b"") + bytes(line) + lines
        if rest is None:
            kept[id(self)] = lines
            lines = b""
        return b"", lines, rest


@breaks("EXE-023")
def drops_nul_from_the_output_of_commands() -> None:
    @around(ExecFramer, "feed")
    def feed(right: Callable[..., Piece], self: ExecFramer, data: bytes) -> Piece:
        return right(self, data.replace(b"\0", b""))


@breaks("EXE-024")
def ends_the_result_of_a_command_at_the_eot() -> None:
    @around(Wire, "connect")
    def connect(right: Callable[..., None], self: Wire, node: Node) -> None:
        self.nonce = self._settings.eot
        right(self, node)

    put(wire, "call", lambda task, marker: execmode.call(task, quote(marker)))


@breaks("EXE-025")
def prints_an_empty_line_for_discarded_output() -> None:
    @around(ExecFramer, "__init__")
    def init(right: Callable[..., None], self: ExecFramer, marker: bytes, **words: object) -> None:
        right(self, marker, **words | {"discard_output": False})


@breaks("EXE-026")
def discards_output_whenever_it_was_told_so() -> None:
    @instead(invocation, "_command_per_task")
    def command_per_task(
        right: Callable[..., CommandPerTask], options: Options, *rest: object
    ) -> CommandPerTask | None:
        command = right(options, *rest)
        return command._replace(discard_output=True) if "-X" in dict(options) else command


@breaks("EXE-027")
def keeps_the_default_eot_with_commands() -> None:
    @instead(invocation, "_message_words")
    def words(right: Callable[..., Mapping[bytes, bytes]], options: Options) -> object:
        return right([option for option in options if option[0] not in {"-x", "-X", "-J"}])


@breaks("EXE-028")
def does_not_wait_for_commands_in_the_background() -> None:
    put(execmode, "_BACKGROUND", re.compile(b"(?!)"))


@breaks("EXE-030", "EXE-031")
def takes_the_status_from_the_output_of_commands() -> None:
    @around(ExecFramer, "__init__")
    def init(right: Callable[..., None], self: ExecFramer, marker: bytes, **words: object) -> None:
        right(self, marker, **words | {"success": b"", "failure": b""})


@breaks("EXE-032")
def ends_with_a_command_that_fails() -> None:
    change_preamble(lambda text: text.replace(b"*) $1", b"*) exit; $1"))


@breaks("EXE-040")
def waits_for_x_beside_j() -> None:
    @instead(invocation, "_command_per_task")
    def command_per_task(right: Callable[..., object], options: Options, *rest: object) -> object:
        return right(options, *rest) if {"-x", "-X"} & dict(options).keys() else None


@breaks("EXE-041")
def replaces_the_first_of_several() -> None:
    put(execmode, "command_with_task", lambda text, replaced: text.replace(replaced, b"$1", 1))


@breaks("EXE-042")
def replaces_nothing_in_free_arguments() -> None:
    put(execmode, "arguments_with_task", lambda words, _replaced: b" ".join(map(quote, words)))


@breaks("EXE-043")
def replaces_parts_of_arguments_by_the_task() -> None:
    def arguments_with_task(words: Sequence[bytes], replaced: bytes) -> bytes:
        return b" ".join(quote(word).replace(replaced, b"'\"$1\"'") for word in words)

    put(execmode, "arguments_with_task", arguments_with_task)


@breaks("EXE-044")
def replaces_texts_of_three_octets() -> None:
    put(invocation, "REPLACED_LENGTH", 3)


@breaks("EXE-010")
def starts_a_shell_for_each_task() -> None:
    put(execmode, "_SIMPLE_COMMAND", re.compile(rb"(?!)"))
    put(execmode, "_IN_SUBSHELL", b"( $1\nexit \\$?\n) %(redirections)b")


# Where the task goes


@breaks("EXE-005", "EXE-052")
def keeps_what_stands_at_the_end_of_a_command() -> None:
    put(tasktext, "without_end", lambda text: text)


@breaks("EXE-052")
def removes_no_backslash_from_the_end_of_a_command() -> None:
    put(tasktext, "without_end", lambda text: text.rstrip(NEWLINE))


@breaks("EXE-053")
def runs_tasks_for_which_a_command_has_no_place() -> None:
    put(tasktext, "why_no_argument", lambda _text: b"")


@breaks("EXE-053")
def looks_only_at_the_last_octet_of_a_command() -> None:
    ends = (b"", b";", b"&", b"|")
    put(tasktext, "why_no_argument", lambda text: b"x" * (text.strip()[-1:] in ends))


@breaks("EXE-005")
def takes_each_number_sign_for_a_comment() -> None:
    put(tasktext, "why_no_argument", lambda text: b"x" * (b"#" in text))


# The shell


@breaks("EXE-050")
def lets_variables_set_options_of_the_shell() -> None:
    put(execshell, "environment", list)


@breaks("EXE-050")
def lets_variables_of_a_node_set_options_of_the_shell() -> None:
    put(execshell, "REMOTE_LAUNCHER", b'exec "$0" -s')


@breaks("EXE-051")
def drops_variables_that_shells_obey() -> None:
    put(execshell, "VARIABLES", {})
    put(execshell, "_GIVE_BACK", b"")


@breaks("EXE-057")
def exports_a_variable_of_its_own() -> None:
    change_preamble(lambda text: b"export _paexec_run=1\n" + text)


@breaks("EXE-054")
def tells_shells_what_to_do_before_there_is_a_task() -> None:
    @around(Wire, "connect")
    def connect(right: Callable[..., None], self: Wire, node: Node) -> None:
        right(self, node)
        if self.exec_mode:
            self._prepared.add(node.index)
            text = execmode.preamble(self.exec_mode, self.nonce)
            self._commands.append(Send(node.index, text))


@breaks("EXE-055")
def keeps_the_end_of_results_in_a_variable() -> None:
    right = execmode.preamble
    put(
        wire,
        "preamble",
        lambda mode, marker: b"_paexec_marker=%b\n" % marker + right(mode, marker),
    )


@breaks("EXE-056")
def takes_a_command_with_an_error_for_a_death() -> None:
    put(ExecFramer, "is_refusal", lambda _self, _data: False)


@breaks("EXE-011")
def lets_a_command_close_the_parenthesis_around_it() -> None:
    change_preamble(lambda text: text.replace(b"(\n{ $1\n}\n)", b"(\n:\n)"))


# The suite restarts no node of -x that has done a task.
@shows_as(Kind.FABRICATED)
def does_not_prepare_a_restarted_shell() -> None:
    connected: set[Node] = set()

    @around(Wire, "connect")
    def connect(right: Callable[..., None], self: Wire, node: Node) -> None:
        right(self, node)
        if node in connected:
            self._prepared.add(node.index)
        connected.add(node)
