"""Waiting beside other tasks of trio, and alone."""

from __future__ import annotations

import os
import select
import signal
import threading
from collections.abc import Iterator

import pytest
import trio

from paexec_trio.runtime.waiting import WaitAlone, WaitAmongOthers, Waiter
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
    for deadline in (None, trio.current_time() + LIMIT, trio.current_time() - 1):
        ready = await waiter().wait(watched.epoll, deadline)
        assert ready == [(watched.reader, select.EPOLLIN)]


@pytest.mark.parametrize("waiter", WAITERS)
@pytest.mark.trio
async def test_a_deadline(waiter: type[Waiter], watched: Watched) -> None:
    deadline = trio.current_time() + 0.01
    assert await waiter().wait(watched.epoll, deadline) == []
    assert deadline <= trio.current_time() < deadline + LIMIT
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
    deadline = trio.current_time() + seconds
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
        assert await WaitAlone().wait(watched.epoll, trio.current_time() + LIMIT)
    finally:
        signal.signal(signal.SIGALRM, before)
