"""Faults in what is told of runs while they go on."""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Callable, Iterator
from typing import Any

from paexec_trio.cli import invocation
from paexec_trio.cli import main as program
from paexec_trio.cli.startup import STOP_SIGNALS
from paexec_trio.core import overview
from paexec_trio.core.commands import Exit
from paexec_trio.core.ending import Ending
from paexec_trio.core.facts import AttemptBegan, AttemptFailed, Fact, FactStream, Fate, LifeBegan
from paexec_trio.core.nodes import Node
from paexec_trio.core.reading import Reader
from paexec_trio.core.reporting import Reporter
from paexec_trio.core.witness import Witness
from paexec_trio.runtime import requests, screen
from paexec_trio.runtime.output import Diagnostics
from paexec_trio.runtime.run import Run
from paexec_trio.runtime.screen import Screen
from tests.simulation.violations import Kind
from tests.zoo.mutant import breaks, shows_as
from tests.zoo.planting import around, instead, put

# The stream of facts


def change_facts(change: Callable[[Any], Fact | None]) -> None:
    """Change each fact; those that become ``None`` are left out."""

    @around(FactStream, "tell")
    def tell(right: Callable[..., None], self: FactStream, fact: Fact) -> None:
        changed = change(fact)
        if changed is not None:
            right(self, changed)


@shows_as(Kind.FACTS)
def does_not_tell_of_attempts_that_follow_at_once() -> None:
    @around(Witness, "_exchange")
    def exchange(right: Callable[..., None], self: Witness, *arguments: Any) -> None:
        tell = self._stream.tell
        self._stream.tell = (  # type: ignore[method-assign]
            lambda fact: None if isinstance(fact, AttemptBegan) else tell(fact)
        )
        right(self, *arguments)
        del self._stream.tell


@shows_as(Kind.FACTS)
def counts_the_attempts_of_all_tasks_as_first_ones() -> None:
    change_facts(lambda fact: fact._replace(attempt=1) if isinstance(fact, AttemptBegan) else fact)


@shows_as(Kind.FACTS)
def tells_of_each_life_of_a_node_as_its_first() -> None:
    change_facts(lambda fact: fact._replace(life=1) if isinstance(fact, LifeBegan) else fact)


@shows_as(Kind.FACTS)
def does_not_tell_of_attempts_that_end_with_the_run() -> None:
    @around(Witness, "_close_attempts")
    def close(_right: object, _self: Witness, _node: Node) -> None:
        pass


@shows_as(Kind.FACTS)
def says_of_tasks_that_have_failed_that_they_are_retried() -> None:
    change_facts(
        lambda fact: fact._replace(fate=Fate.RETRIED) if isinstance(fact, AttemptFailed) else fact
    )


# The overview


def change_overview(change: Callable[[bytes], bytes | None]) -> None:
    """Change each line of an overview; those that become ``None`` are left out."""

    @instead(overview, "overview_of")
    def overview_of(right: Callable[..., Iterator[bytes]], *rest: Any) -> list[bytes]:
        lines = [change(line) for line in right(*rest)]
        return [line for line in lines if line is not None]


@breaks("OBS-010")
def ignores_sigusr1() -> None:
    put(requests, "OVERVIEW", frozenset())


@breaks("OBS-010")
def gives_an_overview_when_the_run_is_over() -> None:
    @around(Run, "report_overview")
    def report(right: Callable[..., None], self: Run) -> None:
        self._handling.callback(right, self)


@breaks("OBS-011")
def gives_an_overview_of_the_whole_only() -> None:
    change_overview(lambda line: None if line.startswith(b"node ") else line)


@breaks("OBS-011")
def gives_an_overview_of_busy_nodes_only() -> None:
    change_overview(lambda line: None if b"idle" in line or b"closed" in line else line)


@breaks("OBS-011")
def shows_no_tasks() -> None:
    change_overview(lambda line: re.sub(rb"'.*?'", b"''", line))


@breaks("OBS-011")
def shows_no_task_ids() -> None:
    change_overview(lambda line: re.sub(rb"task \d+ (?=')", b"task ", line).split(b";")[0])


@breaks("OBS-012")
def shows_tasks_as_they_are() -> None:
    def diagnostic(template: bytes, *foreign: Any) -> bytes:
        return template % foreign

    put(overview, "diagnostic", diagnostic)

    @around(Diagnostics, "report")
    def report(_right: object, self: Diagnostics, text: bytes) -> None:
        self.write(text + b"\n")


@breaks("OBS-013")
def ends_by_sigusr1() -> None:
    put(requests, "OVERVIEW", frozenset())
    put(program, "STOP_SIGNALS", (*STOP_SIGNALS, signal.SIGUSR1))


@breaks("OBS-013")
def writes_the_overview_to_standard_output() -> None:
    @instead(requests, "report_overview")
    def report(right: Callable[..., None], run: Run) -> None:
        os.write(1, b"overview\n")
        right(run)


@breaks("OBS-014")
def waits_for_the_reader_of_the_overview() -> None:
    @instead(requests, "report_overview")
    def report(_right: object, _run: Run) -> None:
        sys.stderr.buffer.write(b"overview\n")
        sys.stderr.buffer.flush()


# The early end


@breaks("OBS-030")
def goes_on_after_sigusr2() -> None:
    @around(Reader, "finish")
    def finish(_right: object, self: Reader, _event: object) -> bool:
        self._reporter.report(b"left: nothing")
        self._ending.note_failure()
        return False


@breaks("OBS-030")
def starts_what_was_read_after_sigusr2() -> None:
    @around(Reader, "finish")
    def finish(_right: object, self: Reader, _event: object) -> bool:
        self._reporter.report(b"left: the rest")
        self._ending.note_failure()
        self.has_ended = True
        return True


@breaks("OBS-031")
def ends_at_once_by_sigusr2() -> None:
    @around(Reader, "finish")
    def finish(_right: object, self: Reader, _event: object) -> bool:
        self._reporter.report(b"left: all")
        self._ending.stop(Exit(status=1))
        return True


@breaks("OBS-032")
def ends_well_although_tasks_are_left() -> None:
    @around(Reader, "finish")
    def finish(right: Callable[..., bool], self: Reader, event: object) -> bool:
        put(Ending, "note_failure", lambda _self, **_: None)
        return right(self, event)


@breaks("OBS-032")
def says_nothing_of_what_is_left() -> None:
    @around(Reader, "finish")
    def finish(right: Callable[..., bool], self: Reader, event: object) -> bool:
        reporter, self._reporter = self._reporter, Reporter(b"", [])
        may_follow = right(self, event)
        self._reporter = reporter
        return may_follow


@breaks("OBS-033")
def ends_badly_after_sigusr2_although_nothing_is_left() -> None:
    @around(Reader, "finish")
    def finish(right: Callable[..., bool], self: Reader, event: object) -> bool:
        self._ending.note_failure()
        return right(self, event)


# The progress on a terminal


@breaks("OBS-040")
def scrolls_on_a_terminal() -> None:
    @around(Screen, "paint")
    def paint(_right: object, self: Screen, text: bytes, _columns: int) -> None:
        self._send(text + b"\n")


@breaks("OBS-041")
def does_not_erase_the_line_before_others() -> None:
    put(Screen, "erase", lambda _self: None)


@breaks("OBS-041")
def paints_behind_lines_that_are_not_whole() -> None:
    @around(Screen, "paint")
    def paint(right: Callable[..., None], self: Screen, *arguments: Any) -> None:
        self._is_at_start = True
        self._erasing = lambda: b""  # type: ignore[method-assign]
        right(self, *arguments)


@breaks("OBS-042")
def paints_on_dumb_terminals() -> None:
    put(screen, "can_repaint", lambda fd, _environment: os.isatty(fd))


@breaks("OBS-043")
def ignores_the_variable_of_the_progress() -> None:
    @instead(invocation, "wants_progress")
    def wants(right: Callable[..., bool], names: object, _environment: object) -> bool:
        return right(names, {})


@breaks("OBS-043")
def obeys_the_variable_without_a_terminal() -> None:
    @instead(invocation, "wants_progress")
    def wants(right: Callable[..., bool], names: object, environment: Any) -> bool:
        return right(names, environment) or b"PAEXEC_PROGRESS" in environment


@breaks("OBS-044")
def shows_control_characters_of_the_oldest_task() -> None:
    put(overview, "excerpt", lambda octets: octets)
