"""A run that a program talks to while its loop waits: what it takes, and whom it wakes."""

from __future__ import annotations

import select
from collections.abc import Iterator

import pytest

from paexec_trio import Calculator, Launch, Run, Settings
from paexec_trio.core.commands import Deliver, Exit
from paexec_trio.core.events import StdinEnded, TaskAdded
from paexec_trio.runtime.mailbox import Mailbox
from tests.runtime.harness import ECHO

SILENT = b"exec sleep 1000"
"""A calculator that neither answers nor ends."""


class Program:
    """A run, and a loop that is a method.

    Attributes:
        results: those that have arrived.
        wanted: how often the run had room for one more task.
    """

    def __init__(self, command: bytes) -> None:
        self.results: list[Deliver] = []
        self.wanted = 0
        mailbox = Mailbox(
            2, self.results.append, self._want, lambda _change: None, lambda _text: None
        )
        settings = Settings(nodes=(b"0",))
        self.run = Run(settings, Launch(Calculator(command)), streams=mailbox)
        self.run.begin()

    def _want(self) -> None:
        self.wanted += 1

    @property
    def is_awake(self) -> bool:
        """Whether a loop that waits now would wake."""
        return bool(select.select([self.run.host.fileno()], [], [], 0)[0])

    def sleep(self) -> None:
        """Take steps as long as they need no wait."""
        while self.run.advance():
            pass

    def finish(self) -> None:
        while not self.run.is_over:
            self.run.host.poll(self.run.host.patience())
            self.run.step()


@pytest.fixture(params=[ECHO, SILENT], ids=["echo", "silent"])
def program(request: pytest.FixtureRequest) -> Iterator[Program]:
    program = Program(request.param)
    try:
        yield program
    finally:
        program.run.end_alone()


def unfinished(program: Program) -> int:
    now = program.run.snapshot()
    return now.in_flight + now.waiting


def test_a_task_is_sent_at_once(program: Program) -> None:
    program.run.submit(TaskAdded(1, b"a"))
    assert program.run.snapshot().in_flight == 1


def test_the_loop_wakes_if_it_has_to_wait_for_something_else(program: Program) -> None:
    program.sleep()
    assert not program.is_awake
    program.run.submit(StdinEnded())  # a deadline is set
    assert program.is_awake


def test_a_run_that_is_being_ended_takes_nothing(program: Program) -> None:
    next(program.run.ending())
    program.run.submit(TaskAdded(1, b"a"))
    assert unfinished(program) == 0


@pytest.mark.parametrize("program", [ECHO], indirect=True)
def test_a_run_that_is_over_keeps_its_outcome(program: Program) -> None:
    program.run.submit(StdinEnded())
    program.finish()
    program.run.submit(TaskAdded(1, b"a"))
    assert program.run.result == Exit()


def test_what_the_program_wants_happens_at_its_time(program: Program) -> None:
    """However long the loop has waited, a task does not seem to have begun before that."""
    engine, timers = program.run.engine, program.run.host.timers
    assert engine
    while timers.now() - engine.now < 0.01:
        pass
    before = timers.now()
    program.run.submit(TaskAdded(1, b"a"))
    assert engine.now >= before
