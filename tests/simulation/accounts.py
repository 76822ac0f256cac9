"""The accounts of a simulated run: the chapter Accounting once more, as plainly as possible."""

from __future__ import annotations

from bisect import insort
from dataclasses import dataclass, field
from typing import final

from paexec_trio.core.accounting import Accounting, Summing, Why
from paexec_trio.core.commands import Exit

LOST = b"node lost"
TIME_LIMIT = b"time limit"

LEAST_FOR_PERCENT = 3
"""How many tasks have to end in a way that halts the run by a percentage (ACC-071)."""


LEAST_FOR_MEDIAN = 3
"""How many attempts have to end before their median limits others (ACC-051)."""


@dataclass(slots=True)
class Tries:
    """The failed attempts of a task."""

    count: int = 0
    losses: int = 0
    nodes: set[int] = field(default_factory=set)
    reason: bytes = b""


@final
class RunAccounts:
    """Follows what becomes of the tasks.

    Args:
        rules: those of the run.
    """

    def __init__(self, rules: Accounting) -> None:
        self.rules = rules
        self.tries: dict[int, Tries] = {}
        self.dispatched: set[int] = set()
        self.succeeded: set[int] = set()
        self.failed: set[int] = set()
        self.dropped: set[int] = set()
        """Tasks that are not run because they depend on failed ones."""
        self.is_halted = False
        self.is_stopped = False
        """Whether the run is being ended: no attempt follows."""
        self.had_error = False
        self._seconds: list[float] = []
        self.learned_at = 0.0
        """When the limit by the median has changed last."""

    def took(self, seconds: float, now: float) -> None:
        """Record how long a calculator worked on an attempt that has a result, and when it came."""
        if self.rules.timeout_percent:
            insort(self._seconds, seconds)
            self.learned_at = now

    @property
    def time_limit(self) -> float:
        """Return for how many seconds a calculator may work on a task; 0: any time (ACC-051)."""
        percent, count = self.rules.timeout_percent, len(self._seconds)
        if not percent:
            return self.rules.timeout
        if count < LEAST_FOR_MEDIAN:
            return 0.0
        return max(0.1, self._seconds[(count - 1) // 2] * percent / 100)

    @property
    def is_limit_reached(self) -> bool:
        """Return whether no further task may be dispatched (ACC-081)."""
        return 0 < self.rules.limit <= len(self.dispatched)

    @property
    def is_halted_well(self) -> bool:
        """Return whether enough tasks succeeded (ACC-072)."""
        halt = self.rules.halt
        return self.is_halted and halt is not None and halt.why is Why.SUCCESS

    def fails(self, node: int, task_id: int, reason: bytes) -> bool:
        """Record a failed attempt; return whether another one has to follow (ACC-060, ACC-062)."""
        tries = self.tries.setdefault(task_id, Tries())
        tries.count += 1
        tries.losses += reason == LOST
        tries.nodes.add(node)
        tries.reason = reason
        if self._may_follow(tries):
            return True
        self.failed.add(task_id)
        self._task_ended()
        return False

    def _may_follow(self, tries: Tries) -> bool:
        rules = self.rules
        was_lost = tries.reason == LOST
        if self.is_halted or self.is_stopped:
            return False
        if was_lost and 0 < rules.crash_limit <= tries.losses:
            return False
        return tries.count < rules.retries if rules.retries else was_lost

    def succeeds(self, task_id: int) -> None:
        """Record that a task succeeded."""
        self.succeeded.add(task_id)
        self._task_ended()

    def _task_ended(self) -> None:
        halt = self.rules.halt
        if not halt or self.is_stopped:
            return
        ended = len(self.failed) + len(self.succeeded)
        ways = {Why.FAIL: len(self.failed), Why.SUCCESS: len(self.succeeded), Why.DONE: ended}
        count = ways[halt.why]
        if halt.percent:
            enough = count >= LEAST_FOR_PERCENT and 100 * count >= halt.percent * ended
        else:
            enough = count >= halt.number
        self.is_halted |= enough

    def avoids(self, task_id: int) -> set[int]:
        """Return the nodes that a task does not go to if there are others (ACC-061)."""
        tries = self.tries.get(task_id)
        return tries.nodes if tries and self.rules.retries else set()

    # The end

    def close(self, leftovers: list[int]) -> None:
        """Record that these tasks, which wait for another attempt, get none."""
        for task_id in leftovers:
            tries = self.tries.get(task_id)
            if tries and tries.reason != LOST:
                self.failed.add(task_id)

    def _given_up(self) -> set[int]:
        return self.dispatched - self.succeeded - self.failed

    def _not_wanted(self, never_ran: set[int]) -> set[int]:
        """Return the tasks that a limit kept from being run."""
        return never_ran - self.dropped if self.is_limit_reached else set()

    def outcome(self, plain: Exit, known: set[int], *, read_all: bool) -> Exit:
        """Return how the run has to exit (ACC-020 to ACC-024, ACC-072).

        Args:
            plain: how it would exit without the option.
            known: all tasks that were read.
            read_all: whether the input was read to its end, or no more of it was wanted.
        """
        if not self.rules.status_of_tasks or plain.signal:
            return plain
        if self.had_error:
            return Exit(status=255)
        if self.is_halted_well:
            return Exit()
        never_ran = known - self.dispatched
        left = never_ran - self.dropped - self._not_wanted(never_ran)
        if not self.is_halted and (self._given_up() or left):
            return Exit(status=111)
        if plain.status and not read_all:
            return Exit(status=111)
        return Exit(status=min(101, len(self.failed)))

    def summary(self, known: set[int], *, by_signal: bool) -> bytes:
        """Return the begin of the line that has to sum up the run, or nothing (ACC-010, ACC-013).

        Args:
            known: all tasks.
            by_signal: whether a signal ends the run.
        """
        never_ran = known - self.dispatched
        given_up = self._given_up()
        summing = self.rules.summing
        told = self.failed | given_up | never_ran
        if not self.is_halted:
            told -= self._not_wanted(never_ran)
        if summing is Summing.NEVER or (summing is Summing.FAILURES and (by_signal or not told)):
            return b""
        counts = [(len(self.succeeded), b"succeeded")] if summing is Summing.ALWAYS else []
        counts.append((len(self.failed), b"failed"))
        counts += [(len(given_up), b"given up"), (len(never_ran), b"never ran")]
        text = b"%d %b: " % (len(known), b"task" if len(known) == 1 else b"tasks")
        text += b", ".join(b"%d %b" % count for count in counts if count[0])
        first = min(self.failed or given_up or never_ran, default=0)
        return text + (b": %d '" % first if first else b"")
