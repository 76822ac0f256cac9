"""How a run shares a nursery with other tasks."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import closing
from typing import Any, cast

import pytest
import trio
import trio.testing

from paexec_trio import Calculator, Exit, Launch, Run, Settings, serve
from paexec_trio.core.settings import GRACES
from paexec_trio.nursery.loop import work_in_company
from paexec_trio.runtime.entrance import Entrance
from tests.runtime.harness import ECHO, LIMIT, PIDS, Witness, conversation, open_descriptors

pytestmark = pytest.mark.trio

SETTINGS, LAUNCH = Settings(nodes=(b"0",)), Launch(Calculator(ECHO))


class Pipes:
    """Pipes as standard input and output of a run."""

    def __init__(self) -> None:
        self.stdin, self.tasks = os.pipe()
        self.results, self.stdout = os.pipe()

    def run(self, command: bytes = ECHO, settings: Settings = SETTINGS) -> Run:
        launch = Launch(Calculator(command))
        return Run(settings, launch, stdin=self.stdin, stdout=self.stdout)

    def close_tasks(self) -> None:
        os.close(self.tasks)
        self.tasks = -1

    def close(self) -> None:
        for fd in (self.stdin, self.tasks, self.results, self.stdout):
            if fd >= 0:
                os.close(fd)


@pytest.fixture
def pipes() -> Iterator[Pipes]:
    with closing(Pipes()) as pipes:
        yield pipes


async def test_other_tasks_have_a_turn_while_there_is_always_something(pipes: Pipes) -> None:
    """Results that come faster than they can be printed do not starve them."""
    with open(os.devnull, "wb") as nowhere:  # noqa: PTH123 (a device)
        os.dup2(nowhere.fileno(), pipes.stdout)
    os.write(pipes.tasks, b"task\n")
    turns = 0
    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve, pipes.run(b"read -r task; exec yes"))
        with trio.fail_after(LIMIT):
            while turns < 100:
                await trio.lowlevel.checkpoint()
                turns += 1
        nursery.cancel_scope.cancel()


async def test_a_run_that_goes_on_for_ever_can_be_cancelled(pipes: Pipes) -> None:
    with open(os.devnull, "wb") as nowhere:  # noqa: PTH123
        os.dup2(nowhere.fileno(), pipes.stdout)
    os.write(pipes.tasks, b"task\n")
    with trio.fail_after(LIMIT), trio.move_on_after(0.1) as scope:
        await serve(pipes.run(b"read -r task; exec yes"))
    assert scope.cancelled_caught


async def test_a_cancelled_run_starts_nothing(pipes: Pipes) -> None:
    before = open_descriptors()
    this = pipes.run()
    with trio.CancelScope() as scope:
        scope.cancel()
        await serve(this)
    assert scope.cancelled_caught
    assert not this.has_begun
    assert open_descriptors() == before


async def test_a_run_checkpoints_though_it_is_over_at_once(pipes: Pipes) -> None:
    pipes.close_tasks()
    this = pipes.run(b"exit")
    with trio.testing.assert_checkpoints():
        await serve(this)
    assert this.result == Exit(status=0)


async def test_a_nursery_can_wait_for_the_start(pipes: Pipes) -> None:
    this = pipes.run()
    with trio.fail_after(LIMIT):
        async with trio.open_nursery() as nursery:
            await nursery.start(serve, this)
            assert this.has_begun
            assert not this.is_over
            pipes.close_tasks()
    assert this.result == Exit(status=0)


async def test_a_run_that_cannot_start_is_an_error_of_the_start(pipes: Pipes) -> None:
    os.close(pipes.stdout)
    before = open_descriptors()
    this = pipes.run()
    pipes.stdout = -1
    with pytest.raises(ExceptionGroup) as raised:
        async with trio.open_nursery() as nursery:
            await nursery.start(serve, this)
    assert raised.group_contains(OSError, match="Bad file descriptor")
    assert open_descriptors() == before


async def test_a_run_is_served_once(pipes: Pipes) -> None:
    """Otherwise nobody would end what the second run starts."""
    pipes.close_tasks()
    this = pipes.run()
    assert await serve(this) == Exit(status=0)
    with pytest.raises(RuntimeError, match="only once"):
        await serve(this)
    assert this.result == Exit(status=0)


async def test_a_run_that_was_cancelled_before_its_start_is_not_started_later(pipes: Pipes) -> None:
    pipes.close_tasks()
    this = pipes.run()
    with trio.CancelScope() as scope:
        scope.cancel()
        await serve(this)
    with pytest.raises(RuntimeError, match="only once"):
        await serve(this)
    assert not this.has_begun


async def test_another_cancellation_does_not_cut_the_end_short() -> None:
    """The calculators have all their grace."""
    command = (
        b"trap 'sleep 0.2; exit' TERM; read -r task; echo $$; echo; sleep 1000 & wait; sleep 1000"
    )
    graces = GRACES._replace(stop=0.01, term=LIMIT)
    async with conversation(command, graces=graces) as talk:
        await talk.feed(b"a\n")
        pid = await talk.line()
        with closing(Witness(pid)) as calculator:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(talk.cancel)
                await trio.testing.wait_all_tasks_blocked()
                await calculator.ended()
            assert calculator.has_ended()


async def test_a_run_that_has_begun_without_a_loop_goes_on_in_one(pipes: Pipes) -> None:
    """As the programs do: nothing is lost in between."""
    os.write(pipes.tasks, b"a\nb\n")
    this = pipes.run(PIDS)
    this.begin()
    assert this.has_begun
    pipes.close_tasks()
    with trio.fail_after(LIMIT):
        await serve(this)
    first, second = os.read(pipes.results, 100).split()
    assert first == second
    assert this.result == Exit(status=0)


async def test_an_interrupted_end_is_taken_up_by_somebody_else(pipes: Pipes) -> None:
    """As the programs do when trio fails."""
    os.write(pipes.tasks, b"a\n")
    this = pipes.run(b"trap '' TERM; read -r task; echo $$; while :; do sleep 1000; done")
    this.begin()
    pid = first_line(this, pipes.results)
    with closing(Witness(pid)) as calculator:
        ending = this.ending()
        assert next(ending) > 0
        assert this.ending() is ending
        this.end_alone()
        assert calculator.has_ended()
    assert this.result == Exit(status=1)


def first_line(this: Run, results: int) -> bytes:
    """Take steps, without a loop, until the run prints something."""
    os.set_blocking(results, False)
    while True:
        this.host.patience()
        try:
            return os.read(results, 100)
        except BlockingIOError:
            this.host.poll(LIMIT)
            this.step()


async def test_a_signal_ends_a_run_that_waits(pipes: Pipes) -> None:
    """END-030: a handler of Python runs too late for that, but Python writes to trio's pipe."""
    signum = signal.SIGUSR1
    this = Run(SETTINGS, LAUNCH, stdin=pipes.stdin, stdout=pipes.stdout, stop_signals=[signum])
    async with trio.open_nursery() as nursery:
        await nursery.start(serve, this)
        await trio.testing.wait_all_tasks_blocked()
        os.kill(os.getpid(), signum)
    assert this.result == Exit(signal=signum)


class ScriptedRun:
    """A run and its host for ``work_in_company``: takes down what the loop does.

    Args:
        ready: what each look at the descriptors finds. The run is over when they are used up.
    """

    is_over = False

    def __init__(self, ready: list[bool]) -> None:
        self.host = self
        self.log: list[str] = []
        self._ready = ready

    def step(self) -> bool:
        self.log.append("step")
        return not self._ready

    def patience(self) -> float:
        return 0.001

    def poll(self, _seconds: float) -> bool:
        self.log.append("look")
        return self._ready.pop(0)

    def fileno(self) -> int:
        self.log.append("wait")
        return 0


@pytest.mark.parametrize("was_used", [True, False])
async def test_it_looks_again_before_it_waits_for_the_answers_to_new_tasks(
    was_used: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def wait_readable(_fd: int) -> None:
        """Find it readable at once."""

    monkeypatch.setattr(trio.lowlevel, "wait_readable", wait_readable)
    run = cast("Any", ScriptedRun([False, False, True]))
    entrance = Entrance(run)
    entrance.was_used = was_used
    await work_in_company(run, entrance)
    looks = ["look", "look"] if was_used else ["look"]
    expected = ["step", *looks, "wait", "look", "step"]
    assert run.log[: len(expected)] == expected
    assert not entrance.was_used
