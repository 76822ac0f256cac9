"""How a run waits for its descriptors, and how it does so alone.

A program that does nothing else needs no loop but its own. So it does not pay for trio's, which
costs about as much as all the rest that is done for a task (50,000 tasks through one calculator
take 1.3 s of processor time instead of 2.5 s, through four 0.9 s instead of 1.6 s), nor for loading
trio, which takes half of the time to the first result.
"""

from __future__ import annotations

import select
from time import monotonic
from typing import TYPE_CHECKING, Protocol, TypeVar, final

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable

_LONGEST_WAIT = 86400.0
"""Seconds that are waited in one go; the system takes no more than some weeks of milliseconds."""

Ready = list[tuple[int, int]]
"""Descriptors, each with what it is ready for."""

Result = TypeVar("Result")


class Waiter(Protocol):
    """Waits, and knows the time."""

    def now(self) -> float:
        """Return the time in seconds, since whenever."""

    async def wait(self, epoll: select.epoll, deadline: float | None) -> Ready:
        """Return what is ready, or nothing if the deadline comes first.

        Nothing may also be returned before the deadline.
        """

    async def give_way(self) -> None:
        """Let others have a turn before the run, which has something to do, goes on."""

    async def wait_for_ends(self, pidfds: Iterable[int], seconds: float) -> None:
        """Wait until all these processes have ended, or so long; nothing cancels that."""


@final
class WaitAlone:
    """Blocks the whole thread. Its coroutines never suspend, so no loop is needed to run them."""

    def now(self) -> float:
        """Return the time of the system's monotonic clock."""
        return monotonic()

    async def wait(self, epoll: select.epoll, deadline: float | None) -> Ready:
        """Return what is ready."""
        if deadline is None:
            return epoll.poll()
        return epoll.poll(min(max(0.0, deadline - monotonic()), _LONGEST_WAIT))

    async def give_way(self) -> None:
        """Go on: there are no others."""

    async def wait_for_ends(self, pidfds: Iterable[int], seconds: float) -> None:
        """Wait."""
        deadline = monotonic() + seconds
        for pidfd in pidfds:
            poll = select.poll()
            poll.register(pidfd, select.POLLIN)
            poll.poll(max(0.0, deadline - monotonic()) * 1000)


def run_alone(run: Coroutine[object, None, Result]) -> Result:
    """Run a coroutine that waits by ``WaitAlone`` only, and return its result."""
    try:
        run.send(None)
    except StopIteration as end:
        result: Result = end.value
        return result
    run.close()
    raise RuntimeError("it waits for something that needs a loop")
