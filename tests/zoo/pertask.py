"""Faults in how the output of tasks is kept apart."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from paexec_trio.cli import invocation
from paexec_trio.cli import main as program
from paexec_trio.cli.errors import UsageError
from paexec_trio.core import errorlines
from paexec_trio.core.commands import (
    Command,
    DropStored,
    Exit,
    JoinErrors,
    PrintErrors,
    ReleaseErrors,
    StoreErrors,
    StoreOutput,
    StoreResult,
)
from paexec_trio.core.dispatching import Dispatcher
from paexec_trio.core.ending import Ending
from paexec_trio.core.engine import Engine
from paexec_trio.core.errorlines import ErrorLines
from paexec_trio.core.events import Event, NodeErrors, NodeOutput, NodeReaped
from paexec_trio.core.nodes import Attempt, Node
from paexec_trio.core.rendering import LazyLines, PrefixMaker, render
from paexec_trio.core.settings import Settings, StderrMode
from paexec_trio.core.storing import Storing
from paexec_trio.core.visible import visible
from paexec_trio.core.wrapping import OutletWrapper
from paexec_trio.runtime import resultfiles
from paexec_trio.runtime.errorpipes import ErrorPipes
from paexec_trio.runtime.errorrelay import ErrorRelay
from paexec_trio.runtime.output import Diagnostics, Output
from paexec_trio.runtime.process import NodeProcess
from paexec_trio.runtime.resultfiles import ResultFiles
from tests.simulation.violations import Kind
from tests.zoo.mutant import breaks, shows_as
from tests.zoo.planting import (
    Exchange,
    Exchanged,
    around,
    change_eot_lines,
    change_exchange,
    instead,
    put,
)
from tests.zoo.prefixes import Make

# Tags


def change_tag(change: Callable[[bytes, bytes], bytes]) -> None:
    """Change what stands before the tab, given the text of the option and the task."""

    @around(PrefixMaker, "make")
    def make(
        right: Make, self: PrefixMaker, node: bytes, task_id: int, pid: int, task: bytes
    ) -> bytes:
        if self._tag is None:
            return right(self, node, task_id, pid, task)
        text, self._tag = self._tag, b""
        prefixes = right(self, node, task_id, pid, b"").removesuffix(b"\t")
        self._tag = text
        return prefixes + change(text, task) + b"\t"


@breaks("PTK-010", "PTK-011")
def knows_the_options_of_tags_and_has_none() -> None:
    put(invocation, "tag_of", lambda _: None)


@breaks("PTK-011")
def prints_the_task_whatever_the_tag_is_to_be() -> None:
    change_tag(lambda _text, task: task)


@breaks("PTK-011")
def puts_the_task_into_a_tag_once() -> None:
    change_tag(lambda text, task: text.replace(b"{}", task, 1))


@breaks("PTK-011")
def prefers_the_task_to_another_tag() -> None:
    @instead(invocation, "tag_of")
    def tag_of(right: Callable[..., bytes | None], values: dict[str, bytes]) -> bytes | None:
        return b"{}" if "--tag" in values else right(values)


@breaks("PTK-010", "PTK-011")
def ends_a_tag_by_a_blank() -> None:
    @around(PrefixMaker, "make")
    def make(right: Make, self: PrefixMaker, *arguments: object) -> bytes:
        prefix = right(self, *arguments)
        return prefix[:-1] + b" " if prefix.endswith(b"\t") else prefix


@breaks("PTK-012")
def puts_the_tag_before_the_prefixes() -> None:
    @around(PrefixMaker, "make")
    def make(right: Make, self: PrefixMaker, *arguments: object) -> bytes:
        text, self._tag = self._tag, None
        prefixes = right(self, *arguments)
        self._tag = text
        return right(self, *arguments).removeprefix(prefixes) + prefixes


@breaks("PTK-013")
def makes_tags_visible() -> None:
    change_tag(lambda text, task: text.replace(b"{}", visible(task)))


@breaks("PTK-013")
def replaces_braces_that_come_with_the_task() -> None:
    change_tag(lambda text, task: text.replace(b"{}", task).replace(b"{}", task))


@breaks("PTK-014")
def accepts_tags_of_several_lines() -> None:
    @instead(invocation, "tag_of")
    def tag_of(right: Callable[..., bytes | None], values: dict[str, bytes]) -> bytes | None:
        return values.get("--tagstring", right({**values, "--tagstring": b""}))


@breaks("PTK-010")
def prints_the_eot_line_without_tag() -> None:
    def change(attempt: Attempt, line: bytes) -> bytes:
        return line.removeprefix(attempt.prefix) if attempt.prefix.endswith(b"\t") else line

    change_eot_lines(change)


@shows_as(Kind.MISCREDITED)
@breaks("PTK-010")
def keeps_the_tag_of_the_task_before() -> None:
    @change_exchange
    def exchange(right: Exchange, _self: Dispatcher, node: Node, data: bytes) -> Exchanged | None:
        attempt = node.attempts[0]
        prefix = attempt.prefix
        found = right(data)
        if prefix.endswith(b"\t"):
            attempt.prefix = prefix
        return found


# Standard error


def change_errors(change: Callable[[ErrorLines, Node, bytes], bytes]) -> None:
    """Change what a node writes on its standard error."""

    @around(ErrorLines, "errors")
    def errors(right: Callable[..., None], self: ErrorLines, node: Node, data: bytes) -> None:
        right(self, node, change(self, node, data))


@breaks("PTK-020")
def takes_unknown_values_for_mixed() -> None:
    @instead(invocation, "error_mode")
    def error_mode(right: Callable[..., StderrMode], values: dict[str, bytes]) -> StderrMode:
        try:
            return right(values)
        except UsageError:
            return StderrMode.MIXED


@breaks("PTK-020", "PTK-030", "PTK-032", "PTK-035")
def knows_the_option_of_standard_error_and_does_nothing() -> None:
    put(invocation, "error_mode", lambda _: StderrMode.MIXED)


@breaks("PTK-021")
def reads_standard_error_to_mix_it() -> None:
    put(Settings, "reads_stderr", True)


@breaks("PTK-022")
def prints_standard_error_on_standard_output() -> None:
    @around(ErrorRelay, "print")
    def relay(_right: object, self: ErrorRelay, data: bytes) -> None:
        output = self._diagnostics._output  # noqa: SLF001
        assert isinstance(output, Output)
        output.write(data)


@breaks("PTK-022")
def fails_if_something_is_on_standard_error() -> None:
    def change(_lines: ErrorLines, node: Node, data: bytes) -> bytes:
        node.answered = 0
        written.append(node)
        return data

    written: list[Node] = []
    change_errors(change)

    @instead(program, "_run")
    def run(right: Callable[..., int], *arguments: object) -> int:
        return right(*arguments) or bool(written)


@breaks("PTK-023")
def prints_standard_error_as_it_comes() -> None:
    @around(ErrorLines, "errors")
    def errors(_right: object, self: ErrorLines, _node: Node, data: bytes) -> None:
        self._commands.append(PrintErrors(data))


@breaks("PTK-023")
def makes_standard_error_visible() -> None:
    change_errors(
        lambda _lines, _node, data: b"\n".join(visible(line) for line in data.split(b"\n"))
    )


@shows_as(Kind.MISCREDITED)
@breaks("PTK-023")
def prints_lines_of_standard_error_twice() -> None:
    @around(ErrorLines, "_pass_on")
    def pass_on(right: Callable[..., None], self: ErrorLines, line: object, data: bytes) -> None:
        right(self, line, data)
        right(self, line, data)


@shows_as(Kind.LOST)
@breaks("PTK-023")
def drops_blank_lines_of_standard_error() -> None:
    @around(ErrorLines, "_pass_on")
    def pass_on(right: Callable[..., None], self: ErrorLines, line: object, data: bytes) -> None:
        right(self, line, re.sub(rb"\n+", b"\n", data).lstrip(b"\n"))


@breaks("PTK-023")
def cuts_lines_of_standard_error_too_early() -> None:
    put(errorlines, "LONGEST_PART", 1 << 12)


@breaks("PTK-024")
def lets_the_next_line_follow_on_one_without_an_end() -> None:
    @around(ErrorLines, "_end_line")
    def end_line(_right: object, self: ErrorLines, key: int) -> None:
        line = self._open.pop(key, None)
        if line and line.octets:
            self._pass_on(line, line.octets)


@shows_as(Kind.LOST)
@breaks("PTK-024")
def drops_lines_without_an_end() -> None:
    @around(ErrorLines, "_end_line")
    def end_line(_right: object, self: ErrorLines, key: int) -> None:
        self._open.pop(key, None)


@breaks("PTK-030")
def reads_standard_error_after_results() -> None:
    @around(Engine, "handle")
    def handle(right: Callable[..., list[Command]], self: Engine, event: Event) -> list[Command]:
        if isinstance(event, NodeErrors):
            late.append(event)
            return []
        commands = right(self, event)
        if isinstance(event, NodeOutput | NodeReaped):
            while late:
                commands += right(self, late.pop(0))
        return commands

    late: list[Event] = []


@breaks("PTK-030")
def reads_standard_error_when_its_turn_comes() -> None:
    put(ErrorPipes, "rest", lambda _self, _process: iter(()))


@shows_as(Kind.MISCREDITED)
@breaks("PTK-030", "PTK-035")
def takes_standard_error_for_that_of_the_first_task() -> None:
    first: list[Attempt] = []

    @around(ErrorLines, "_pass_on")
    def pass_on(right: Callable[..., None], self: ErrorLines, line: Any, data: bytes) -> None:
        if line.attempt:
            first.append(line.attempt)
            line.attempt = first[0]
        right(self, line, data)


@breaks("PTK-032")
def prints_groups_at_once() -> None:
    @around(ErrorLines, "_pass_on")
    def pass_on(right: Callable[..., None], self: ErrorLines, line: Any, data: bytes) -> None:
        right(self, line, data)
        if line.attempt and line.attempt.task_id in self._held:
            self._held.remove(line.attempt.task_id)
            self._commands.append(ReleaseErrors(line.attempt.task_id))


@breaks("PTK-032")
def prints_groups_before_results() -> None:
    @around(ErrorLines, "done")
    def done(right: Callable[..., None], self: ErrorLines, node: Node, attempt: Attempt) -> None:
        before = len(self._commands)
        right(self, node, attempt)
        new = self._commands[before:]
        errors = [command for command in new if isinstance(command, ReleaseErrors)]
        self._commands[before:] = [command for command in new if command not in errors]
        self._commands[:0] = errors


@breaks("PTK-033")
def prints_groups_in_the_order_of_their_ends() -> None:
    @around(ErrorLines, "__init__")
    def init(right: Callable[..., None], self: ErrorLines, *parts: object, **_: object) -> None:
        right(self, *parts, groups_results=False)


@shows_as(Kind.LOST)
@breaks("PTK-034")
def drops_the_groups_of_attempts_that_failed() -> None:
    @around(ErrorLines, "forget")
    def forget(_right: object, self: ErrorLines, attempt: Attempt) -> None:
        self._inner.forget(attempt)
        self._held.discard(attempt.task_id)
        self._commands.append(JoinErrors(-1, attempt.task_id))

    @around(ErrorRelay, "write_rest")
    def write_rest(right: Callable[..., Any], self: ErrorRelay, patience: float) -> Any:
        self._held.discard(-1)
        return right(self, patience)


@breaks("PTK-035")
def does_not_name_the_node_of_a_line() -> None:
    @instead(errorlines, "_prefix_of")
    def prefix_of(_right: object, _node: Node, attempt: Attempt | None) -> bytes:
        return b"%d: " % attempt.task_id if attempt else b""


@shows_as(Kind.LOST)
@breaks("PTK-035")
def does_not_name_the_task_of_a_line() -> None:
    @instead(errorlines, "_prefix_of")
    def prefix_of(_right: object, node: Node, _attempt: object) -> bytes:
        return node.name + b": "


@breaks("PTK-035")
def prints_tagged_lines_when_the_task_is_done() -> None:
    waiting: list[Command] = []

    @around(ErrorLines, "_pass_on")
    def pass_on(right: Callable[..., None], self: ErrorLines, line: Any, data: bytes) -> None:
        before = len(self._commands)
        right(self, line, data)
        if self._is_tagged and line.attempt:
            waiting.extend(self._commands[before:])
            del self._commands[before:]

    @around(ErrorLines, "done")
    def done(right: Callable[..., None], self: ErrorLines, *arguments: object) -> None:
        right(self, *arguments)
        self._commands += waiting
        waiting.clear()


@shows_as(Kind.LOST)
@breaks("PTK-036")
def drops_lines_that_belong_to_no_task() -> None:
    change_errors(lambda _lines, node, data: data if node.attempts else b"")


@shows_as(Kind.MISCREDITED)
@breaks("PTK-036")
def takes_lines_of_no_task_for_those_of_the_last_one() -> None:
    last: list[Attempt] = []

    @around(ErrorLines, "done")
    def done(right: Callable[..., None], self: ErrorLines, node: Node, attempt: Attempt) -> None:
        last[:] = [attempt]
        right(self, node, attempt)

    @instead(errorlines, "_prefix_of")
    def prefix_of(right: Callable[..., bytes], node: Node, attempt: Attempt | None) -> bytes:
        return right(node, attempt or next(iter(last), None))


@breaks("PTK-037")
def waits_for_the_end_of_standard_error() -> None:
    @around(ErrorPipes, "end")
    def end(right: Callable[..., Any], self: ErrorPipes, process: NodeProcess) -> Any:
        os.set_blocking(process.stderr, True)
        while process.stderr >= 0 and (data := os.read(process.stderr, 1 << 16)):
            yield NodeErrors(process.node, data)
        yield from right(self, process)


@breaks("PTK-038")
def reads_no_standard_error_while_nobody_reads_its_own() -> None:
    @around(ErrorPipes, "_read")
    def read(right: Callable[..., Any], self: ErrorPipes, process: NodeProcess) -> Any:
        return iter(()) if blocked and blocked[0].size else right(self, process)

    blocked: list[Diagnostics] = []

    @around(Diagnostics, "write")
    def write(right: Callable[..., None], self: Diagnostics, data: bytes) -> None:
        blocked[:] = [self]
        right(self, data)


@breaks("PTK-038")
def waits_for_the_reader_of_standard_error() -> None:
    @around(Diagnostics, "write")
    def write(_right: object, self: Diagnostics, data: bytes | LazyLines) -> None:
        self._output.flush()
        with suppress(OSError):
            os.write(2, data.take() if isinstance(data, LazyLines) else data)


@breaks("PTK-039")
def keeps_standard_error_in_memory() -> None:
    @around(ErrorRelay, "__init__")
    def init(right: Callable[..., None], self: ErrorRelay, *parts: object) -> None:
        right(self, *parts)
        self._held._spill_above = math.inf  # noqa: SLF001


# Files


def change_paths(name: str, change: Callable[[bytes, int], bytes]) -> None:
    """Change the paths of directories."""

    @around(ResultFiles, name)
    def path(right: Callable[..., bytes], self: ResultFiles, task_id: int, *rest: object) -> bytes:
        return change(right(self, task_id, *rest), task_id)


def change_stored(change: Callable[[Command], Command | None]) -> None:
    """Change the commands that are about files; those that become ``None`` are left out."""

    @around(Engine, "handle")
    def handle(right: Callable[..., list[Command]], self: Engine, event: Event) -> list[Command]:
        kinds = StoreOutput | StoreErrors | StoreResult | DropStored
        changed = [
            change(command) if isinstance(command, kinds) else command
            for command in right(self, event)
        ]
        return [command for command in changed if command is not None]


@breaks("PTK-050", "PTK-051", "PTK-052", "PTK-053", "PTK-058")
def knows_the_option_of_files_and_makes_none() -> None:
    put(invocation, "results_directory", lambda _: b"")


@breaks("PTK-050")
def numbers_directories_from_0() -> None:
    @around(ResultFiles, "_place")
    def place(right: Callable[..., bytes], self: ResultFiles, task_id: int) -> bytes:
        return right(self, task_id - 1)


@breaks("PTK-050")
def puts_all_directories_into_one() -> None:
    def change(path: bytes, _task_id: int) -> bytes:
        directory, _, name = path.rpartition(b"/")
        return directory.rpartition(b"/")[0] + b"/0000/" + name

    change_paths("_place", change)
    change_paths("_hidden", change)


@breaks("PTK-050")
def names_directories_by_bare_numbers() -> None:
    change_paths("_place", lambda path, task_id: path[:-7] + b"%d" % task_id)


@breaks("PTK-051")
def writes_prefixes_to_files() -> None:
    prefixes: dict[int, bytes] = {}

    @around(Storing, "lines")
    def lines(right: Callable[..., None], self: Storing, attempt: Attempt, data: bytes) -> None:
        prefixes[attempt.task_id] = attempt.prefix
        right(self, attempt, data)

    def change(command: Command) -> Command:
        if isinstance(command, StoreOutput) and isinstance(command.data, bytes):
            prefix = prefixes.get(command.task_id, b"")
            return StoreOutput(command.task_id, render(prefix, command.data))
        return command

    change_stored(change)


@shows_as(Kind.MISCREDITED)
@breaks("PTK-051")
def writes_the_status_of_commands_to_files() -> None:
    def change(command: Command) -> Command:
        if isinstance(command, StoreResult):
            return StoreResult(command.task_id, command.task)
        return command

    change_stored(change)


@breaks("PTK-051")
def leaves_blank_lines_out_of_files() -> None:
    def change(command: Command) -> Command:
        if isinstance(command, StoreOutput) and isinstance(command.data, bytes):
            return StoreOutput(command.task_id, re.sub(rb"\n+", b"\n", command.data))
        return command

    change_stored(change)


@shows_as(Kind.MISCREDITED)
@breaks("PTK-052")
def writes_no_standard_error_to_files() -> None:
    change_stored(lambda command: None if isinstance(command, StoreErrors) else command)


@breaks("PTK-052")
def writes_standard_error_to_the_output() -> None:
    def change(command: Command) -> Command:
        if isinstance(command, StoreErrors):
            return StoreOutput(command.task_id, command.data)
        return command

    change_stored(change)


@breaks("PTK-053")
def writes_the_task_with_its_newline() -> None:
    def change(command: Command) -> Command:
        if isinstance(command, StoreResult):
            return StoreResult(command.task_id, command.task + b"\n", command.left_out)
        return command

    change_stored(change)


@breaks("PTK-053")
def writes_no_number() -> None:
    @instead(resultfiles, "_append_to")
    def append_to(right: Callable[..., None], path: bytes, data: bytes) -> None:
        if not path.endswith(b"/seq"):
            right(path, data)


@breaks("PTK-054")
def writes_files_in_their_place() -> None:
    @around(ResultFiles, "_hidden")
    def hidden(
        right: Callable[..., bytes], self: ResultFiles, task_id: int, *suffix: bytes
    ) -> bytes:
        return right(self, task_id, *suffix) if suffix else self._place(task_id)


@breaks("PTK-055")
def keeps_the_files_of_attempts_that_failed() -> None:
    put(ResultFiles, "drop", lambda _self, _task_id: None)


@shows_as(Kind.MISCREDITED)
@breaks("PTK-055")
def stores_the_output_of_all_attempts_together() -> None:
    change_stored(lambda command: None if isinstance(command, DropStored) else command)


@shows_as(Kind.LOST)
@breaks("PTK-061")
def keeps_nothing_of_tasks_without_a_result() -> None:
    def change(command: Command) -> Command:
        if isinstance(command, StoreResult) and command.reason:
            return DropStored(command.task_id)
        return command

    change_stored(change)


@shows_as(Kind.FABRICATED)
@breaks("PTK-061")
def does_not_say_why_there_is_no_result() -> None:
    def change(command: Command) -> Command:
        if not isinstance(command, StoreResult):
            return command
        return StoreResult(command.task_id, command.task, command.left_out)

    change_stored(change)


@shows_as(Kind.MISCREDITED)
@breaks("PTK-061", "PTK-055")
def keeps_all_attempts_of_tasks_without_a_result() -> None:
    @around(Storing, "given_up")
    def given_up(_right: object, self: Storing, attempt: Attempt, reason: bytes) -> None:
        OutletWrapper.given_up(self, attempt, reason)


@breaks("PTK-056")
def keeps_earlier_directories() -> None:
    @around(ResultFiles, "_give_place")
    def give_place(
        right: Callable[..., None], self: ResultFiles, command: StoreResult, stored: object
    ) -> None:
        place = os.fsdecode(self._place(command.task_id))
        if not Path(place).exists():
            right(self, command, stored)


@breaks("PTK-056")
def writes_into_earlier_directories() -> None:
    @around(ResultFiles, "_give_place")
    def give_place(
        right: Callable[..., None], self: ResultFiles, command: StoreResult, stored: object
    ) -> None:
        place = Path(os.fsdecode(self._place(command.task_id)))
        others = {path.name: path.read_bytes() for path in place.glob("*")}
        right(self, command, stored)
        for name in others.keys() - {"stdout", "stderr", "seq", "task"}:
            (place / name).write_bytes(others[name])


@shows_as(Kind.LOST)
@breaks("PTK-057")
def prints_nothing_that_it_stores() -> None:
    put(
        Storing,
        "lines",
        lambda self, attempt, lines: self._commands.append(StoreOutput(attempt.task_id, lines)),
    )


@breaks("PTK-057")
def prints_no_standard_error_that_it_stores() -> None:
    @around(Storing, "errors")
    def errors(right: Callable[..., None], self: Storing, node: Node, data: bytes) -> None:
        before = len(self._commands)
        right(self, node, data)
        self._commands[before:] = [
            command for command in self._commands[before:] if isinstance(command, StoreErrors)
        ]


@breaks("PTK-058")
def makes_no_directory() -> None:
    @around(ResultFiles, "__init__")
    def init(right: Callable[..., None], self: ResultFiles, directory: bytes) -> None:
        Path(os.fsdecode(directory)).stat()
        right(self, directory)


@breaks("PTK-059")
def starts_although_the_directory_cannot_be_used() -> None:
    @around(ResultFiles, "__init__")
    def init(right: Callable[..., None], self: ResultFiles, directory: bytes) -> None:
        try:
            right(self, directory)
        except OSError:
            right(self, b"/tmp")
            self._directory = directory


@breaks("PTK-059")
def does_not_name_the_directory_that_cannot_be_used() -> None:
    @around(ResultFiles, "__init__")
    def init(right: Callable[..., None], self: ResultFiles, directory: bytes) -> None:
        try:
            right(self, directory)
        except OSError as error:
            raise OSError(error.errno, "no directory") from None


@breaks("PTK-060")
def goes_on_although_files_cannot_be_written() -> None:
    put(Ending, "storing_failed", lambda _self, _event: False)


@breaks("PTK-060")
def says_nothing_of_files_that_cannot_be_written() -> None:
    def fail(self: Ending, _event: object) -> bool:
        self.stop(Exit(status=1))
        return True

    put(Ending, "storing_failed", fail)


@breaks("PTK-060")
def ends_well_although_files_cannot_be_written() -> None:
    @around(Ending, "storing_failed")
    def fail(right: Callable[..., bool], self: Ending, event: object) -> bool:
        right(self, event)
        self._outcome = Exit()
        return True
