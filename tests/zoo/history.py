"""Faults in the files that show what happened in a run."""

from __future__ import annotations

import html
import os
import re
from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from types import ModuleType
from typing import Any

from paexec_trio.cli import invocation
from paexec_trio.cli import main as program
from tests.zoo.mutant import breaks
from tests.zoo.planting import around, instead

Event = dict[str, Any]


def with_files(plant: Callable[[ModuleType], None]) -> None:
    """Plant a fault in runs with such a file only: other runs need not load its modules."""

    @instead(program, "_open_history")
    def open_history(right: Callable[..., Any], call: invocation.Invocation) -> Any:
        if call.history:
            plant(import_module("paexec_trio.services.historyfiles"))
        return right(call)


def change_pieces(change: Callable[[Iterable[Any]], Iterable[Any]]) -> None:
    """Change what the facts add to the history."""

    def plant(files: ModuleType) -> None:
        @instead(files, "history_of")
        def history_of(right: Callable[..., Iterable[Any]], facts: Any) -> Iterable[Any]:
            return change(right(facts))

    with_files(plant)


def change_events(change: Callable[[Event], Event | None]) -> None:
    """Change each event of a trace; those that become ``None`` are left out."""

    def plant(_files: ModuleType) -> None:
        trace = import_module("paexec_trio.history.trace")
        dumps = trace.json.dumps

        @around(trace.TraceWriter, "lines")
        def lines(right: Callable[..., bytes], self: Any, *arguments: Any) -> bytes:
            def changed(event: Event) -> str:
                new = change(event)
                return str(dumps({"ph": "none"} if new is None else new))

            trace.json.dumps = changed
            try:
                return right(self, *arguments)
            finally:
                trace.json.dumps = dumps

    with_files(plant)


def of_attempts(change: Callable[[Event], Event | None]) -> None:
    """Change the events of attempts."""
    change_events(lambda event: change(event) if event["ph"] == "X" else event)


def change_page(change: Callable[[str], str]) -> None:
    """Change the page."""

    def plant(_files: ModuleType) -> None:
        page = import_module("paexec_trio.history.page")

        @instead(page, "page")
        def changed(right: Callable[..., str], *arguments: Any, **options: Any) -> str:
            return change(right(*arguments, **options))

    with_files(plant)


@breaks("HIS-002")
def prints_the_history_on_standard_output() -> None:
    def plant(files: ModuleType) -> None:
        @around(files.HistoryFiles, "finish")
        def finish(right: Callable[..., None], self: Any, graph: Any) -> None:
            right(self, graph)
            os.write(1, b"written\n")

    with_files(plant)


@breaks("HIS-003")
def starts_without_a_file_that_cannot_be_opened() -> None:
    def plant(files: ModuleType) -> None:
        @instead(files, "_open")
        def opened(right: Callable[[bytes], int], path: bytes) -> int:
            try:
                return right(path)
            except OSError:
                return os.open("/dev/null", os.O_WRONLY)

    with_files(plant)


@breaks("HIS-003")
def says_nothing_of_a_file_that_cannot_be_opened() -> None:
    @instead(program, "_failed")
    def failed(_right: Callable[..., Any], _call: Any, _error: Any) -> Any:
        from paexec_trio.core.commands import Exit

        return Exit(status=1)


@breaks("HIS-004")
def ends_well_without_its_file() -> None:
    def plant(files: ModuleType) -> None:
        @around(files.HistoryFiles, "finish")
        def finish(right: Callable[..., None], self: Any, graph: Any) -> None:
            right(self, graph)
            self.error = None

    with_files(plant)


@breaks("HIS-010")
def leaves_failed_attempts_out_of_the_trace() -> None:
    change_pieces(lambda pieces: [piece for piece in pieces if not getattr(piece, "outcome", 0)])


@breaks("HIS-010")
def leaves_what_came_last_out_of_the_trace() -> None:
    def plant(files: ModuleType) -> None:
        @around(files.HistoryFiles, "finish")
        def finish(right: Callable[..., None], self: Any, graph: Any) -> None:
            self._reader.take()
            right(self, graph)

    with_files(plant)


@breaks("HIS-010")
def counts_attempts_twice_in_the_trace() -> None:
    def twice(pieces: Iterable[Any]) -> Iterator[Any]:
        for piece in pieces:
            yield piece
            yield piece

    change_pieces(twice)


@breaks("HIS-011")
def names_nodes_instead_of_tasks_in_the_trace() -> None:
    of_attempts(lambda event: event | {"name": str(event["tid"])})


@breaks("HIS-011")
def traces_in_milliseconds() -> None:
    of_attempts(lambda event: event | {"ts": event["ts"] // 1000, "dur": event["dur"]})


@breaks("HIS-011")
def lets_attempts_begin_at_their_end() -> None:
    of_attempts(lambda event: event | {"ts": event["ts"] + event["dur"]})


@breaks("HIS-011")
def lets_attempts_take_no_time() -> None:
    of_attempts(lambda event: event | {"dur": 0})


@breaks("HIS-011")
def counts_tasks_from_0_in_the_trace() -> None:
    def change(event: Event) -> Event:
        return event | {"args": event["args"] | {"task": event["args"]["task"] - 1}}

    of_attempts(change)


@breaks("HIS-012")
def puts_all_attempts_in_one_row() -> None:
    change_events(lambda event: event | {"tid": 1})


@breaks("HIS-012")
def puts_each_attempt_in_a_row_of_its_own() -> None:
    of_attempts(lambda event: event | {"tid": 1000 + event["args"]["task"]})


@breaks("HIS-012")
def gives_rows_no_names() -> None:
    change_events(lambda event: None if event["ph"] == "M" else event)


@breaks("HIS-012")
def names_rows_by_numbers() -> None:
    def change(event: Event) -> Event:
        if event["ph"] != "M" or event["name"] != "thread_name":
            return event
        return event | {"args": {"name": str(event["tid"])}}

    change_events(change)


@breaks("HIS-013")
def says_that_every_attempt_succeeded() -> None:
    def change(event: Event) -> Event:
        return event | {"args": event["args"] | {"outcome": "succeeded"}}

    of_attempts(change)


@breaks("HIS-020")
def takes_its_style_from_elsewhere() -> None:
    link = '<link rel="stylesheet" href="https://example.org/style.css"><style>'
    change_page(lambda text: text.replace("<style>", link))


@breaks("HIS-021")
def takes_tasks_for_markup() -> None:
    def plant(_files: ModuleType) -> None:
        page = import_module("paexec_trio.history.page")

        @instead(page, "escape")
        def escape(_right: Callable[[str], str], text: str) -> str:
            return text

    with_files(plant)


@breaks("HIS-021")
def escapes_tasks_twice_and_back() -> None:
    change_page(html.unescape)


@breaks("HIS-022")
def shows_no_failures() -> None:
    change_page(lambda text: re.sub(r"<td.*?(?=<td|<tr|</table)", "<td>", text))


@breaks("HIS-022")
def counts_one_success_too_many() -> None:
    def change(text: str) -> str:
        return re.sub(
            r"<b>([\d,]+)</b>succeeded",
            lambda found: f"<b>{int(found[1].replace(',', '')) + 1}</b>succeeded",
            text,
        )

    change_page(change)
