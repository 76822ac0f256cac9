"""The deadlines of a run."""

from __future__ import annotations

from heapq import heappop, heappush, heapreplace
from time import monotonic
from typing import TYPE_CHECKING, final

from paexec_trio.core.commands import Purpose

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from paexec_trio.core.commands import Deadline


@final
class Timers:
    """Deadlines by their names.

    Its clock stands still while this process is stopped with its nodes (END-044).

    Attributes:
        at: when each deadline passes. The heap may have an earlier time for a deadline that was put
            off: the deadline moves to its new place when the earlier time comes. So putting off is
            cheap.

    Args:
        clock: returns the time in seconds; only differences count.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self.at: dict[Deadline, float] = {}
        self._heap: list[tuple[float, Deadline]] = []
        self._clock = clock
        self._stopped_seconds = 0.0
        self.times_set = 0
        """How many deadlines were set so far."""
        self.giving_up: dict[Deadline, float] = {}
        """The deadlines of ``Purpose.GIVE_UP``, each with its seconds."""

    def now(self) -> float:
        """Return the time of a clock that stands still while the process is stopped."""
        return self._clock() - self._stopped_seconds

    def set(self, deadline: Deadline, seconds: float) -> None:
        """Set a deadline to pass after ``seconds``, in place of an earlier setting."""
        at = self.now() + seconds
        self.times_set += 1
        # A later time finds its place when the earlier entry comes up.
        if at < self.at.get(deadline, float("inf")) or deadline not in self.at:
            heappush(self._heap, (at, deadline))
        self.at[deadline] = at
        if deadline.purpose is Purpose.GIVE_UP:
            self.giving_up[deadline] = seconds

    def put_off_giving_up(self) -> None:
        """Set the deadlines of ``Purpose.GIVE_UP`` anew: somebody takes the output (GRP-024)."""
        for deadline, seconds in self.giving_up.items():
            self.at[deadline] = self.now() + seconds

    def next(self) -> float | None:
        """Return when the next deadline passes."""
        heap = self._heap
        while heap:
            at, deadline = heap[0]
            current = self.at.get(deadline)
            if current is None:
                heappop(heap)
            elif current > at:
                heapreplace(heap, (current, deadline))
            else:
                return at
        return None

    def passed(self) -> Iterator[Deadline]:
        """Yield the deadlines that have passed by now."""
        now = self.now()
        while (at := self.next()) is not None and at <= now:
            _, deadline = heappop(self._heap)
            del self.at[deadline]
            self.giving_up.pop(deadline, None)
            yield deadline

    def stand_still(self, seconds: float) -> None:
        """Put all deadlines off by ``seconds`` in which the process was stopped."""
        self._stopped_seconds += seconds
