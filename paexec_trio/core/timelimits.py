"""Time limits: for how long a calculator may work on a task (ACC-050 to ACC-052)."""

from __future__ import annotations

from heapq import heappush, heappushpop
from typing import TYPE_CHECKING, final

from paexec_trio.core.accounts import LOST, TIME_LIMIT
from paexec_trio.core.commands import Command, Deadline, Purpose, SetDeadline
from paexec_trio.core.wrapping import OutletWrapper

if TYPE_CHECKING:
    from paexec_trio.core.accounting import Accounting
    from paexec_trio.core.nodes import Attempt, Node
    from paexec_trio.core.outlets import Outlet

LEAST_FOR_MEDIAN = 3
"""How many tasks have ended before their median says anything (ACC-051)."""

SHORTEST = 0.1
"""The least limit by the median, in seconds. Results that come at once have a median of 0."""

SHRUNK = 0.95
"""The share of its former value below which a limit sets all deadlines anew."""


@final
class _Median:
    """The median of numbers that come one by one."""

    def __init__(self) -> None:
        # Heaps of the lower half, negated, and of the upper one, which is never the longer one.
        self._lower: list[float] = []
        self._upper: list[float] = []

    def __len__(self) -> int:
        return len(self._lower) + len(self._upper)

    def add(self, number: float) -> None:
        """Take one more number in."""
        if len(self._lower) > len(self._upper):
            heappush(self._upper, -heappushpop(self._lower, -number))
        else:
            heappush(self._lower, -heappushpop(self._upper, number))

    def value(self) -> float:
        """Return the median; of an even number of numbers, the lower of the two."""
        return -self._lower[0]


@final
class TimeLimits(OutletWrapper):
    """Sets a deadline for each attempt that a calculator begins to work on.

    Args:
        accounting: the time limit.
        inner: the outlet of the run.
        commands: the list that all parts of the engine share.
    """

    def __init__(self, accounting: Accounting, inner: Outlet, commands: list[Command]) -> None:
        super().__init__(inner)
        self._seconds = accounting.timeout
        self._percent = accounting.timeout_percent
        self._commands = commands
        self._median = _Median()
        # The largest limit that a deadline was set by.
        self._largest = 0.0
        # How long the attempt took that was forgotten last: it may have had a result.
        self._forgotten = 0.0
        # The node that works on a task, and when it began.
        self._began: dict[int, tuple[int, float]] = {}

    def begun(self, node: Node, attempt: Attempt) -> None:
        """Set the deadline of an attempt."""
        self._began[attempt.task_id] = node.index, self.now
        limit = self._limit()
        if limit:
            self._largest = max(self._largest, limit)
            self._set_deadline(node.index, limit)
        super().begun(node, attempt)

    def done(self, node: Node, attempt: Attempt) -> None:
        """Learn how long an attempt took."""
        _, began = self._began.pop(attempt.task_id)
        if self._percent:
            self._learn(self.now - began)
        super().done(node, attempt)

    def _learn(self, seconds: float) -> None:
        self._median.add(seconds)
        limit = self._limit()
        if len(self._median) == LEAST_FOR_MEDIAN or limit < self._largest * SHRUNK:
            self._largest = limit
            for index, began in self._began.values():
                self._set_deadline(index, max(0.0, began + limit - self.now))

    def forget(self, attempt: Attempt) -> None:
        """Learn nothing yet of an attempt that has no result, or that another one follows."""
        _, began = self._began.pop(attempt.task_id)
        self._forgotten = self.now - began
        super().forget(attempt)

    def given_up(self, attempt: Attempt, reason: bytes) -> None:
        """Learn how long an attempt took that had a result."""
        if self._percent and reason not in (LOST, TIME_LIMIT):
            self._learn(self._forgotten)
        super().given_up(attempt, reason)

    def is_exceeded(self, node: Node) -> bool:
        """Return whether a node works on a task for too long; if not yet, look again later."""
        if not node.attempts:
            return False
        _, began = self._began[node.attempts[0].task_id]
        left = began + self._limit() - self.now
        if self._percent and left > 0:  # the median has grown
            self._largest = max(self._largest, self._limit())
            self._set_deadline(node.index, left)
            return False
        return True

    def _limit(self) -> float:
        """Return the limit in seconds; 0: there is none yet."""
        if self._percent:
            if len(self._median) < LEAST_FOR_MEDIAN:
                return 0.0
            return max(SHORTEST, self._median.value() * self._percent / 100)
        return self._seconds

    def _set_deadline(self, index: int, seconds: float) -> None:
        deadline = Deadline(Purpose.TIME_LIMIT, index)
        self._commands.append(SetDeadline(deadline, seconds))
