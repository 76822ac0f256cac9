"""Faults in what is told of the progress of runs."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import Any, cast

from paexec_trio.cli import invocation
from paexec_trio.cli import main as program
from paexec_trio.core import engine
from paexec_trio.core.events import StdinChunk
from paexec_trio.core.fleet import Fleet
from paexec_trio.core.reading import Reader
from paexec_trio.core.snapshot import Snapshot
from paexec_trio.core.tasks import FlatTasks
from paexec_trio.runtime.run import Run
from paexec_trio.runtime.streams import StandardStreams
from paexec_trio.services import progressline, statusline
from paexec_trio.services.interface import Facts
from tests.zoo.mutant import breaks
from tests.zoo.planting import around, instead, put

Options = list[tuple[str, bytes]]


def service() -> ModuleType:
    """Return the module of the service: it loads trio, which a short run is to do without."""
    return import_module("paexec_trio.services.progressservice")


def with_progress(plant: Callable[[], None]) -> None:
    """Plant a fault in runs that tell of their progress only."""

    @instead(invocation, "interpret")
    def interpret(
        right: Callable[..., invocation.Invocation], *arguments: Any
    ) -> invocation.Invocation:
        call = right(*arguments)
        if call.progress:
            plant()
        return call


def change_lines(change: Callable[[bytes], bytes | None]) -> None:
    """Change each progress line, without its name; those that become ``None`` are left out."""

    @around(Run, "report")
    def report(right: Callable[..., None], self: Run, text: bytes) -> None:
        changed = change(text) if b" done" in text else text
        if changed is not None:
            right(self, changed)


def change_counts(change: Callable[[Snapshot, Any], Snapshot]) -> None:
    """Change what is counted; the dispatcher knows more."""

    @instead(engine, "take_snapshot")
    def take(right: Callable[..., Snapshot], *arguments: Any) -> Snapshot:
        return change(right(*arguments), arguments[2])


def without(word: bytes) -> Callable[[bytes], bytes]:
    """Return what takes the part with this word out of a line."""

    def change(text: bytes) -> bytes:
        return b", ".join(part for part in text.split(b", ") if word not in part)

    return change


# What the option changes


@breaks("PRG-002")
def writes_progress_lines_to_standard_output_too() -> None:
    def change(text: bytes) -> bytes:
        os.write(1, text + b"\n")
        return text

    change_lines(change)


@breaks("PRG-002")
def ends_well_whatever_happens_if_it_shows_the_progress() -> None:
    @instead(program, "_run")
    def run(right: Callable[..., int], call: invocation.Invocation, *rest: Any) -> int:
        status = right(call, *rest)
        return 0 if call.progress else status


@breaks("PRG-003")
def shows_the_progress_unasked() -> None:
    @instead(invocation, "interpret")
    def interpret(
        right: Callable[..., object], name: str, options: Options, *rest: object
    ) -> object:
        return right(name, [("--progress", b""), *options], *rest)


@breaks("PRG-004")
def reads_all_tasks_to_know_how_many_there_are() -> None:
    with_progress(lambda: put(FlatTasks, "needs_whole_input", True))


@breaks("PRG-004")
def reads_ahead_to_know_how_many_tasks_there_are() -> None:
    def plant() -> None:
        @around(Reader, "chunk")
        def chunk(right: Callable[..., bool], self: Reader, event: StdinChunk) -> bool:
            may_follow = right(self, event)
            self.read_more()
            return may_follow

    with_progress(plant)


# The lines


@breaks("PRG-010")
def writes_progress_lines_to_standard_output() -> None:
    def change(text: bytes) -> None:
        os.write(1, b"paexec: " + text + b"\n")

    change_lines(change)


@breaks("PRG-010")
def does_not_say_whose_progress_it_is() -> None:
    @around(Run, "report")
    def report(_right: object, self: Run, text: bytes) -> None:
        self.streams.report(text)


@breaks("PRG-011")
def counts_tasks_as_done_when_they_are_dispatched() -> None:
    change_counts(lambda now, _: now._replace(done=now.done + now.in_flight))


@breaks("PRG-011")
def counts_lost_tasks_as_done() -> None:
    change_counts(
        lambda now, dispatcher: now._replace(
            done=now.done + dispatcher._accounts.given_up  # noqa: SLF001
        )
    )


@breaks("PRG-011")
def counts_tasks_as_done_that_wait_for_another_attempt() -> None:
    change_counts(
        lambda now, dispatcher: now._replace(done=now.done + dispatcher.waiting.count_reassigned())
    )


@breaks("PRG-011")
def counts_attempts_that_failed() -> None:
    given_up = 0

    @around(Fleet, "give_up")
    def give_up(right: Callable[..., None], self: Fleet, *attempt: object) -> None:
        nonlocal given_up
        given_up += 1
        right(self, *attempt)

    change_counts(lambda now, _: now._replace(done=now.done + given_up))


@breaks("PRG-011", "PRG-013")
def counts_successes_only() -> None:
    change_counts(lambda now, _: now._replace(done=now.done - now.failed, failed=0))


@breaks("PRG-012")
def says_that_queued_tasks_run() -> None:
    @instead(statusline, "progress_line")
    def line(right: Callable[..., bytes], now: Snapshot, *rest: Any, **words: Any) -> bytes:
        running = b"%d running" % sum(1 for node in now.nodes if node.in_flight)
        return right(now, *rest, **words).replace(running, b"%d running" % now.in_flight)


@breaks("PRG-012")
def says_that_idle_nodes_run() -> None:
    @instead(statusline, "progress_line")
    def line(right: Callable[..., bytes], now: Snapshot, *rest: Any, **words: Any) -> bytes:
        nodes = tuple(node._replace(in_flight=1) for node in now.nodes)
        return right(now._replace(nodes=nodes), *rest, **words)


@breaks("PRG-012")
def does_not_say_how_many_run() -> None:
    change_lines(without(b"running"))


@breaks("PRG-013")
def does_not_say_how_many_have_failed() -> None:
    change_lines(without(b"failed"))


@breaks("PRG-013")
def counts_tasks_that_are_not_run_as_failed() -> None:
    change_counts(
        lambda now, dispatcher: now._replace(
            failed=now.failed + dispatcher._tasks.count_dropped()  # noqa: SLF001
        )
    )


@breaks("PRG-014")
def leaves_out_the_rate() -> None:
    change_lines(without(b"/s"))


@breaks("PRG-014")
def tells_the_rate_by_the_minute() -> None:
    @instead(progressline, "_line")
    def line(
        right: Callable[..., bytes], now: Snapshot, running: object, seconds: float, *rest: Any
    ) -> bytes:
        return right(now, running, seconds / 60, *rest)


@breaks("PRG-014")
def tells_the_rate_since_the_line_before() -> None:
    before = {"done": 0, "seconds": 0.0}

    @instead(progressline, "_line")
    def line(
        right: Callable[..., bytes], now: Snapshot, running: object, seconds: float, *rest: Any
    ) -> bytes:
        rate = (now.done - before["done"]) / max(1e-6, seconds - before["seconds"])
        before.update(done=now.done, seconds=seconds)
        wrong = now.done / rate if rate else 1e9
        return right(now, running, wrong, *rest)


# When they come


@breaks("PRG-020")
def tells_of_progress_only_where_there_is_some() -> None:
    last: list[bytes] = []

    def change(text: bytes) -> bytes | None:
        counts = text.rpartition(b", ")[0]
        if last[-1:] == [counts]:
            return None
        last.append(counts)
        return text

    change_lines(change)


@breaks("PRG-020")
def tells_the_totals_only() -> None:
    change_lines(lambda text: text if b"total" in text else None)


@breaks("PRG-021")
def tells_the_progress_a_hundred_times_a_second() -> None:
    put(service(), "PERIOD", 0.01)


@breaks("PRG-022")
def tells_no_totals() -> None:
    change_lines(lambda text: None if b"total" in text else text)


@breaks("PRG-022")
def does_not_say_that_these_are_the_totals() -> None:
    change_lines(lambda text: text.removeprefix(b"total: "))


@breaks("PRG-022")
def tells_no_totals_of_a_short_run() -> None:
    put(program, "_load_totals", lambda: None)


@breaks("PRG-022")
def tells_no_totals_after_a_signal() -> None:
    @instead(service(), "_report_totals")
    def report(right: Callable[..., None], facts: Facts) -> None:
        run: Run = cast("Any", facts)._run  # noqa: SLF001
        if not run.host.stopped_by:
            right(facts)


@breaks("PRG-022")
def tells_totals_although_a_run_goes_on() -> None:
    @instead(statusline, "progress_line")
    def line(_right: object, *arguments: Any, **words: Any) -> bytes:
        return progressline.last_line(*arguments, **words)


@breaks("PRG-023")
def waits_for_the_reader_of_progress_lines() -> None:
    @around(StandardStreams, "report")
    def report(right: Callable[..., None], self: StandardStreams, text: bytes) -> None:
        if b" done" in text:
            sys.stderr.buffer.write(text + b"\n")
            sys.stderr.buffer.flush()
        else:
            right(self, text)
