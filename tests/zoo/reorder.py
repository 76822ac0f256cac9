"""Faults of the companion program that reorders results."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import FrameType

from paexec_trio.cli import pareorder
from paexec_trio.cli.syntax import Syntax
from paexec_trio.reorder import filter as reorder_filter
from paexec_trio.reorder import keeping, methods
from paexec_trio.reorder.blocks import BlockReader, LineBlock
from paexec_trio.reorder.fatal import FatalResults
from paexec_trio.reorder.filter import FilterError
from paexec_trio.reorder.keeping import ExternalSort
from paexec_trio.reorder.methods import ByEnd
from paexec_trio.runtime.spillfile import Extent, SpillError, SpillFile
from tests.zoo.mutant import breaks
from tests.zoo.planting import around, instead, put

Options = list[tuple[str, bytes]]
Joined = Callable[[Iterable[LineBlock]], Iterator[LineBlock]]


def change_call(change: Callable[[pareorder.Call], pareorder.Call]) -> None:
    """Change what a call of the program asks for."""

    @instead(pareorder, "parse")
    def parse(right: Callable[..., pareorder.Call], *arguments: object) -> pareorder.Call:
        return change(right(*arguments))


def change_options(change: Callable[[Options], Options]) -> None:
    """Change the options of a call, which are pairs of name and value in their order."""

    @around(Syntax, "split")
    def split(
        right: Callable[..., tuple[Options, list[bytes]]], self: Syntax, words: Sequence[str]
    ) -> tuple[Options, list[bytes]]:
        options, files = right(self, words)
        return change(options), files


# Input


@breaks("RDR-001")
def reorder_reads_its_input_only() -> None:
    change_call(lambda call: call._replace(files=[b"-"]))


@breaks("RDR-002")
def reorder_drops_an_unterminated_last_line() -> None:
    @around(BlockReader, "end")
    def end(_right: object, _self: BlockReader) -> list[object]:
        return []


@breaks("RDR-003")
def reorder_always_removes_blanks() -> None:
    change_call(lambda call: call._replace(remove_blanks=True))


@breaks("RDR-004")
def reorder_knows_only_the_default_eot() -> None:
    change_call(lambda call: call._replace(eot=b""))


@breaks("RDR-005")
def reorder_prints_eot_lines() -> None:
    @instead(methods, "joined")
    def joined(right: Joined, runs: Iterable[LineBlock]) -> Iterator[LineBlock]:
        for task, lines, eot in right(runs):
            yield task, lines + eot, eot


@breaks("RDR-005")
def reorder_overlooks_blanks_around_the_eot() -> None:
    @around(BlockReader, "__init__")
    def init(right: Callable[..., None], self: BlockReader, eot: bytes, *rest: object) -> None:
        right(self, eot, *rest)
        nearly[self] = re.compile(rb"^([0-9]+) [ \t]*%b[ \t]*$" % re.escape(eot), re.MULTILINE)
        eots[self] = eot

    @around(BlockReader, "read")
    def read(
        right: Callable[..., list[LineBlock]], self: BlockReader, chunk: bytes
    ) -> list[LineBlock]:
        return right(self, nearly[self].sub(lambda line: line[1] + b" " + eots[self], chunk))

    nearly: dict[BlockReader, re.Pattern[bytes]] = {}
    eots: dict[BlockReader, bytes] = {}


# Output


@breaks("RDR-010")
def reorder_always_prints_task_ids() -> None:
    change_call(lambda call: call._replace(keep_ids=True))


@breaks("RDR-011")
def reorder_never_prints_task_ids() -> None:
    change_call(lambda call: call._replace(keep_ids=False))


@breaks("RDR-012")
def reorder_never_removes_blanks() -> None:
    change_call(lambda call: call._replace(remove_blanks=False))


@breaks("RDR-013")
def reorder_sorts_the_lines_of_a_task() -> None:
    @around(ExternalSort, "drain")
    def drain(right: Callable[..., Iterator[bytes]], self: ExternalSort) -> Iterator[bytes]:
        for pieces in self._recent._held.values():  # noqa: SLF001
            pieces[:] = sorted(b"".join(pieces).splitlines(keepends=True))
        return right(self)


@breaks("RDR-014")
def reorder_sorts_what_ends_at_the_same_time() -> None:
    @instead(methods, "joined")
    def joined(right: Joined, runs: Iterable[LineBlock]) -> list[LineBlock]:
        return sorted(right(runs), key=lambda run: methods.number(run[0]))


@breaks("RDR-015")
def reorder_sorts_unfinished_results_as_text() -> None:
    put(methods, "number", lambda task: (0, task))


@breaks("RDR-015")
def reorder_drops_unfinished_results() -> None:
    @around(ByEnd, "end")
    def end(_right: object, _self: ByEnd) -> Iterator[bytes]:
        return iter(())


@breaks("RDR-016")
def reorder_prints_everything_at_the_end() -> None:
    kept: list[bytes] = []

    @around(ByEnd, "take")
    def take(right: Callable[..., Iterator[bytes]], self: ByEnd, runs: Iterable[object]) -> object:
        kept.extend(right(self, runs))
        return iter(())

    @around(ByEnd, "end")
    def end(right: Callable[..., Iterator[bytes]], self: ByEnd) -> object:
        return iter([*kept, *right(self)])


@breaks("RDR-017")
def reorder_never_sorts_by_task() -> None:
    change_call(lambda call: call._replace(method=b"m"))


@breaks("RDR-018")
def reorder_keeps_results_in_memory_by_method_f() -> None:
    change_call(lambda call: call._replace(method=call.method.replace(b"f", b"m")))


@breaks("RDR-020")
def reorder_makes_temporary_files_at_one_place_only() -> None:
    change_call(lambda call: call._replace(directory=b"/tmp"))


@breaks("RDR-020")
def reorder_makes_temporary_files_beside_its_input_by_default() -> None:
    @instead(pareorder, "parse")
    def parse(
        right: Callable[..., pareorder.Call], words: object, variables: Mapping[bytes, bytes]
    ) -> pareorder.Call:
        return right(words, {b"TMPDIR": b".", **variables})


@breaks("RDR-020")
def reorder_leaves_a_temporary_file_when_it_is_stopped() -> None:
    put(tempfile, "TemporaryFile", tempfile.NamedTemporaryFile)


# Dead nodes


@breaks("RDR-030")
def reorder_cuts_off_the_failure_of_a_task_called_fatal() -> None:
    @around(FatalResults, "pop")
    def pop(right: Callable[..., bool], self: FatalResults, task: bytes) -> bool:
        end = self._ends.get(task, b"")
        return right(self, task) or end.endswith(b"\n%b %b\n" % (task, self._fatal))


@breaks("RDR-031")
def reorder_knows_only_the_default_word_for_failure() -> None:
    change_call(lambda call: call._replace(failure=b"failure"))


@breaks("RDR-032")
def reorder_takes_an_empty_line_for_fatal() -> None:
    @around(FatalResults, "pop")
    def pop(right: Callable[..., bool], self: FatalResults, task: bytes) -> bool:
        end = self._ends.get(task, b"")
        return right(self, task) or (not self._fatal and end.endswith(b"\n%b \n" % task))


@breaks("RDR-032")
def reorder_uses_the_default_in_place_of_an_empty_word() -> None:
    change_call(lambda call: call._replace(fatal=call.fatal or b"fatal"))


@breaks("RDR-033")
def reorder_always_cuts_off_fatal_results() -> None:
    change_call(lambda call: call._replace(cut_fatal=True))


@breaks("RDR-033")
def reorder_cuts_off_results_without_status() -> None:
    @around(FatalResults, "pop")
    def pop(right: Callable[..., bool], self: FatalResults, task: bytes) -> bool:
        end = self._ends.get(task, b"")
        return right(self, task) or end.endswith(b"\n%b ?\n" % task)


# Errors and the end


@breaks("RDR-040")
def reorder_exits_with_status_1_after_unfinished_results() -> None:
    unfinished: list[bytes] = []

    @around(ByEnd, "end")
    def end(right: Callable[..., Iterator[bytes]], self: ByEnd) -> Iterator[bytes]:
        unfinished.extend(self._holder.in_order(methods.number))
        return right(self)

    @instead(pareorder, "_reorder")
    def reorder(right: Callable[..., int], *arguments: object) -> int:
        return right(*arguments) or int(bool(unfinished))


@breaks("RDR-041")
def reorder_skips_bad_lines() -> None:
    @around(BlockReader, "_before_bad_line")
    def before(
        _right: object, _self: BlockReader, runs: list[LineBlock], _data: bytes
    ) -> list[LineBlock]:
        return [run for run in runs if run[0]]


@breaks("RDR-041")
def reorder_numbers_the_lines_of_all_files() -> None:
    readers: list[BlockReader] = []

    @around(BlockReader, "__init__")
    def init(right: Callable[..., None], self: BlockReader, eot: bytes, *rest: object) -> None:
        right(self, eot, *rest)
        self._lines_before = sum(reader._lines_before for reader in readers[-1:])  # noqa: SLF001
        readers.append(self)


@breaks("RDR-041")
def reorder_drops_what_ended_just_before_a_bad_line() -> None:
    @around(BlockReader, "_before_bad_line")
    def before(
        right: Callable[..., object], self: BlockReader, *arguments: object
    ) -> list[LineBlock]:
        right(self, *arguments)
        return []


@breaks("RDR-043")
def reorder_passes_over_files_that_it_cannot_read() -> None:
    @instead(reorder_filter, "_chunks")
    def chunks(right: Callable[..., Iterator[bytes]], name: bytes) -> Iterator[bytes]:
        try:
            yield from right(name)
        except FilterError as error:
            os.write(2, error.message + b"\n")


@breaks("RDR-044")
def reorder_does_not_check_what_it_prints() -> None:
    @instead(reorder_filter, "_write_all")
    def write_all(right: Callable[..., None], *arguments: object) -> None:
        try:
            right(*arguments)
        except FilterError:
            return


@breaks("RDR-044")
def reorder_does_not_check_what_it_writes_to_temporary_files() -> None:
    @around(SpillFile, "write")
    def write(
        right: Callable[..., list[Extent]], self: SpillFile, *arguments: object
    ) -> list[Extent]:
        try:
            return right(self, *arguments)
        except SpillError:
            return []


@breaks("RDR-045")
def reorder_complains_that_nobody_reads() -> None:
    @instead(reorder_filter, "_write_all")
    def write_all(right: Callable[..., None], *arguments: object) -> None:
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)
        try:
            right(*arguments)
        except BrokenPipeError:
            raise FilterError(b"cannot write to standard output: Broken pipe") from None


@breaks("RDR-046")
def reorder_exits_with_a_status_on_signals() -> None:
    def leave(number: int, _frame: FrameType | None) -> None:
        sys.exit(128 + number)

    @instead(pareorder, "prepare_signals")
    def prepare(right: Callable[[], None]) -> None:
        right()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, leave)


# Calls


@breaks("RDR-047")
def reorder_uses_the_first_of_several_options() -> None:
    change_options(lambda options: options[::-1])


@breaks("RDR-047")
def reorder_takes_options_after_names_of_files() -> None:
    import getopt

    put(getopt, "getopt", getopt.gnu_getopt)


@breaks("RDR-048")
def reorder_looks_at_the_first_letter_of_a_method() -> None:
    change_options(
        lambda options: [(name, text[:1] if name == "-M" else text) for name, text in options]
    )


@breaks("RDR-049")
def reorder_exits_with_status_1_after_its_help() -> None:
    @instead(pareorder, "print_help_or_version")
    def print_help_or_version(
        right: Callable[..., int], program: str, syntax: Syntax, option: str
    ) -> int:
        return right(program, syntax, option) or int(option == "-h")


@breaks("RDR-049")
def reorder_has_an_option_that_its_help_does_not_name() -> None:
    @instead(pareorder, "print_help_or_version")
    def print_help_or_version(
        right: Callable[..., int], program: str, syntax: Syntax, option: str
    ) -> int:
        told = [known for known in syntax.options if known.letter != "l"]
        return right(program, syntax._replace(options=tuple(told)), option)


@breaks("RDR-019")
def reorder_remembers_all_results() -> None:
    remembered: list[LineBlock] = []

    @instead(methods, "joined")
    def join(right: Joined, runs: Iterable[LineBlock]) -> Iterator[LineBlock]:
        for run in right(runs):
            remembered.append(run)
            yield run


@breaks("RDR-021")
def reorder_starts_a_process_for_each_result() -> None:
    @instead(methods, "joined")
    def join(right: Joined, runs: Iterable[LineBlock]) -> Iterator[LineBlock]:
        for run in right(runs):
            subprocess.run(["/bin/true"], check=True)
            yield run


@breaks("RDR-050")
def reorder_reads_its_input_before_it_tells_its_version() -> None:
    @instead(pareorder, "print_help_or_version")
    def print_help_or_version(right: Callable[..., int], *arguments: object) -> int:
        sys.stdin.buffer.read()
        return right(*arguments)


@breaks("RDR-060")
def reorder_keeps_open_results_in_memory() -> None:
    put(keeping, "InFile", lambda directory, fatal: keeping.InMemory())  # noqa: ARG005
    put(keeping, "_task_cost", lambda _task: 0)


@breaks("RDR-061")
def reorder_takes_lines_of_any_length() -> None:
    change_call(lambda call: call._replace(line_limit=1 << 40))


@breaks("RDR-062")
def reorder_accepts_newlines_in_words() -> None:
    put(pareorder, "refuse_newline", lambda _key, _text: None)
