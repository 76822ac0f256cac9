"""How a run waits for its descriptors beside other tasks of trio."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

import trio

if TYPE_CHECKING:
    import select
    from collections.abc import Iterable

    from paexec_trio.runtime.waiting import Ready

_BATCHES_PER_CHECKPOINT = 32
"""Batches of events handled in a row before other tasks of trio, and cancellation, have a turn."""


@final
class WaitAmongOthers:
    """Lets other tasks of trio run; the :class:`~paexec_trio.runtime.waiting.Waiter` for that."""

    def __init__(self) -> None:
        self._batches_left = _BATCHES_PER_CHECKPOINT

    def now(self) -> float:
        """Return trio's time."""
        return trio.current_time()

    async def wait(self, epoll: select.epoll, deadline: float | None) -> Ready:
        """Return what is ready."""
        ready = epoll.poll(0)
        if ready:
            self._batches_left -= 1
            if not self._batches_left:
                await self.give_way()
            return ready
        if deadline is None:
            await trio.lowlevel.wait_readable(epoll.fileno())
        else:
            with trio.move_on_at(deadline):
                await trio.lowlevel.wait_readable(epoll.fileno())
        self._batches_left = _BATCHES_PER_CHECKPOINT
        return epoll.poll(0)

    async def give_way(self) -> None:
        """Let other tasks, and cancellation, have a turn."""
        await trio.lowlevel.checkpoint()
        self._batches_left = _BATCHES_PER_CHECKPOINT

    async def wait_for_ends(self, pidfds: Iterable[int], seconds: float) -> None:
        """Wait."""
        with trio.CancelScope(shield=True), trio.move_on_after(seconds):
            for pidfd in pidfds:
                await trio.lowlevel.wait_readable(pidfd)
