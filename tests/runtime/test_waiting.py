"""Waiting beside other tasks of trio, and alone."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import threading
from collections.abc import Iterator

import pytest
import trio

from paexec_trio import Exit, Launch, Settings, run
from paexec_trio.runtime.amongothers import WaitAmongOthers
from paexec_trio.runtime.waiting import Ready, WaitAlone, Waiter, run_alone
from tests.runtime.harness import LIMIT


class Watched:
    """A pipe, and an epoll instance that knows its reader's end."""

    def __init__(self) -> None:
        self.epoll = select.epoll()
        self.reader, self._writer = os.pipe()
        self.epoll.register(self.reader, select.EPOLLIN)

    def fill(self) -> None:
        os.write(self._writer, b"x")

    def close(self) -> None:
        self.epoll.close()
        os.close(self.reader)
        os.close(self._writer)


@pytest.fixture
def watched() -> Iterator[Watched]:
    watched = Watched()
    yield watched
    watched.close()


WAITERS = [WaitAmongOthers, WaitAlone]


@pytest.mark.parametrize("waiter", WAITERS)
@pytest.mark.trio
async def test_what_is_ready(waiter: type[Waiter], watched: Watched) -> None:
    watched.fill()
    now = waiter().now()
    for deadline in (None, now + LIMIT, now - 1):
        ready = await waiter().wait(watched.epoll, deadline)
        assert ready == [(watched.reader, select.EPOLLIN)]


@pytest.mark.parametrize("waiter", WAITERS)
@pytest.mark.trio
async def test_a_deadline(waiter: type[Waiter], watched: Watched) -> None:
    deadline = waiter().now() + 0.01
    assert await waiter().wait(watched.epoll, deadline) == []
    assert deadline <= waiter().now() < deadline + LIMIT
    assert await waiter().wait(watched.epoll, deadline) == []


@pytest.mark.parametrize("waiter", WAITERS)
@pytest.mark.parametrize("seconds", [2.0**31, 1e300, float("inf")])
@pytest.mark.trio
async def test_a_deadline_beyond_what_the_system_can_wait_for(
    waiter: type[Waiter], seconds: float, watched: Watched
) -> None:
    """RST-002: a time may be of any length."""
    filler = threading.Thread(target=watched.fill)
    filler.start()
    deadline = waiter().now() + seconds
    assert await waiter().wait(watched.epoll, deadline) == [(watched.reader, select.EPOLLIN)]
    filler.join()


@pytest.mark.trio
async def test_other_tasks_have_a_turn_while_nothing_is_ready(watched: Watched) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.to_thread.run_sync, watched.fill)
        assert await WaitAmongOthers().wait(watched.epoll, None)


@pytest.mark.trio
async def test_other_tasks_have_a_turn_while_there_is_always_something(watched: Watched) -> None:
    watched.fill()
    waiter = WaitAmongOthers()
    turns = 0

    async def count_turns() -> None:
        nonlocal turns
        while True:
            await trio.lowlevel.checkpoint()
            turns += 1

    async with trio.open_nursery() as nursery:
        nursery.start_soon(count_turns)
        while turns < 3:
            assert await waiter.wait(watched.epoll, None)
        nursery.cancel_scope.cancel()


@pytest.mark.trio
async def test_waiting_among_others_can_be_cancelled(watched: Watched) -> None:
    with trio.move_on_after(0) as scope:
        await WaitAmongOthers().wait(watched.epoll, None)
    assert scope.cancelled_caught


@pytest.mark.trio
async def test_a_handler_of_a_signal_can_end_the_waiting_alone(watched: Watched) -> None:
    before = signal.signal(signal.SIGALRM, lambda *_: watched.fill())
    signal.setitimer(signal.ITIMER_REAL, 0.01)
    try:
        assert await WaitAlone().wait(watched.epoll, WaitAlone().now() + LIMIT)
    finally:
        signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("waiter", WAITERS)
@pytest.mark.trio
async def test_the_ends_of_processes(waiter: type[Waiter]) -> None:
    """Nothing cancels the waiting, and it lasts no longer than it may."""
    processes = [subprocess.Popen(["sleep", "0.01"]), subprocess.Popen(["sleep", str(LIMIT)])]
    pidfds = [os.pidfd_open(process.pid) for process in processes]
    try:
        with trio.CancelScope() as scope:
            scope.cancel()
            await waiter().wait_for_ends(pidfds[:1], LIMIT)
            assert processes[0].poll() == 0
            before = waiter().now()
            await waiter().wait_for_ends(pidfds, 0.01)
            assert 0.01 <= waiter().now() - before < LIMIT
            assert processes[1].poll() is None
    finally:
        for pidfd in pidfds:
            os.close(pidfd)
        processes[1].kill()
        processes[1].wait()


def test_a_run_that_is_alone_needs_no_loop(watched: Watched) -> None:
    async def wait() -> Ready:
        await WaitAlone().give_way()
        return await WaitAlone().wait(watched.epoll, None)

    watched.fill()
    assert run_alone(wait()) == [(watched.reader, select.EPOLLIN)]


def test_only_a_run_that_is_alone_needs_no_loop() -> None:
    async def wait() -> None:
        await trio.lowlevel.checkpoint()

    with pytest.raises(RuntimeError, match="needs a loop"):
        run_alone(wait())


def test_a_signal_that_comes_just_before_the_waiting_ends_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """END-030: Python's handler is called too late then, but Python has written to a pipe."""
    wait = WaitAlone.wait
    waits: list[Ready] = []

    async def wait_after_a_signal(
        self: WaitAlone, epoll: select.epoll, deadline: float | None
    ) -> Ready:
        if waits:
            return await wait(self, epoll, deadline)
        woken_by = signal.set_wakeup_fd(-1)
        signal.set_wakeup_fd(woken_by)
        os.write(woken_by, b"!")
        waits.append(await wait(self, epoll, self.now() + LIMIT))
        os.close(tasks)
        return waits[0]

    monkeypatch.setattr(WaitAlone, "wait", wait_after_a_signal)
    stdin, tasks = os.pipe()
    settings, launch = Settings(nodes=(b"0",)), Launch(command=b"exec cat")
    outcome = run_alone(
        run(settings, launch, stdin=stdin, stop_signals=[signal.SIGUSR1], alone=True)
    )
    os.close(stdin)
    assert outcome == Exit(status=0)
    assert waits[0], "nothing ended it"
    assert signal.set_wakeup_fd(-1) == -1
