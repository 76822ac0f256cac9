"""The accounts of a run: what became of its tasks (the chapter Accounting of the spec)."""

from __future__ import annotations

from bisect import insort
from enum import IntEnum
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple, final

from paexec_trio.core.accounting import Summing, Why
from paexec_trio.core.visible import excerpt

if TYPE_CHECKING:
    from collections.abc import Iterable

    from paexec_trio.core.accounting import Accounting
    from paexec_trio.core.nodes import Attempt, Node
    from paexec_trio.core.resuming import Past
    from paexec_trio.core.settings import Settings
    from paexec_trio.core.tasks import TaskSource

NAMED = 10
"""How many tasks the summary names (ACC-011)."""

POISONOUS_AFTER = 5
"""How many nodes are lost that work on a task, until it is named (ACC-063)."""

LEAST_FOR_PERCENT = 3
"""How many tasks have ended that count, until a percentage can halt the run (ACC-071)."""

SO_MANY_OR_MORE = 101
"""The exit status for more failed tasks than it can say (ACC-022)."""

TASKS_LEFT = 111
"""The exit status if tasks have no end (ACC-023)."""

ERROR = 255
"""The exit status of an error of the call or of the run (ACC-024)."""

LOST = b"node lost"
NOT_FINISHED = b"not finished"
TIME_LIMIT = b"time limit"


@final
class _Tries:
    """The failed attempts of a task.

    Attributes:
        count: how many there were.
        losses: how many of them lost their nodes.
        nodes: the indices of the nodes that made them.
        reason: why the last one failed.
    """

    __slots__ = ("count", "losses", "nodes", "reason")

    def __init__(self) -> None:
        self.count = self.losses = 0
        self.nodes: set[int] = set()
        self.reason = b""


class _End(IntEnum):
    """The end of a task without success; the summary names them in this order."""

    FAILED = 1
    GIVEN_UP = 2
    NEVER_RAN = 3


class _Named(NamedTuple):
    """A task that did not succeed, for the summary."""

    end: _End
    task_id: int
    task: bytes
    reason: bytes


@final
class Accounts:
    """Counts the tasks that did not succeed, and decides whether a failed one is tried again.

    Args:
        settings: how often a task is tried, and when a run is halted.
        tasks: knows how many tasks there are.
        past: knows how many tasks were done in earlier runs; ``None``: there were none.

    Attributes:
        failed: how many tasks failed.
        given_up: how many tasks had no end.
        never_ran: how many tasks never ran.
        halted: whether no further attempt is to begin.
        may_end_early: whether a halt or a limit may keep tasks from being run.
        notes_successes: whether :meth:`succeeds` is to be called.
        is_stopping: whether the run is being ended, so that no attempt follows either.
    """

    def __init__(self, settings: Settings, tasks: TaskSource, past: Past | None = None) -> None:
        self._accounting: Accounting = settings.accounting
        self._program = settings.program
        self._tasks = tasks
        self._past = past
        self.failed = self.given_up = self.never_ran = 0
        self._unwanted = 0  # how many others were not to be run, because of a halt or a limit
        self._succeeded = 0  # counted only if a halt asks for it
        self._tries: dict[int, _Tries] = {}
        self._named: list[_Named] = []
        self.halted = self.is_stopping = False
        rules = self._accounting
        self.may_end_early = bool(rules.halt or rules.limit)
        self.notes_successes = bool(settings.on_death or rules.retries > 1 or rules.halt)

    # Attempts

    def fails(self, node: Node, attempt: Attempt, reason: bytes) -> bool:
        """Record that an attempt failed; return whether another one of the task follows.

        Args:
            node: the node that made it.
            attempt: the attempt.
            reason: why it failed.
        """
        tries = self._tries.setdefault(attempt.task_id, _Tries())
        tries.count += 1
        tries.nodes.add(node.index)
        tries.reason = reason
        if reason is LOST:
            tries.losses += 1
            tries.reason = _lost(tries.losses)
        if self._is_tried_again(tries, reason):
            return True
        del self._tries[attempt.task_id]
        self.failed += 1
        self._name(_End.FAILED, attempt.task_id, attempt.task, tries.reason)
        self._task_ended(Why.FAIL, self.failed)
        return False

    def _is_tried_again(self, tries: _Tries, reason: bytes) -> bool:
        rules = self._accounting
        if self.halted or self.is_stopping:
            return False
        if rules.crash_limit and tries.losses >= rules.crash_limit and reason is LOST:
            return False
        if rules.retries:
            return tries.count < rules.retries
        return reason is LOST

    def succeeds(self, task_id: int) -> None:
        """Record that an attempt succeeded."""
        self._tries.pop(task_id, None)
        if self._accounting.halt:
            self._succeeded += 1
            self._task_ended(Why.SUCCESS, self._succeeded)

    @property
    def halts_now(self) -> bool:
        """Whether a halt ends the attempts that are under way, too."""
        halt = self._accounting.halt
        return halt is not None and halt.now

    @property
    def has_halted_well(self) -> bool:
        """Whether the run was halted because enough tasks succeeded (ACC-072)."""
        halt = self._accounting.halt
        return self.halted and halt is not None and halt.why is Why.SUCCESS

    def is_poisonous(self, task_id: int) -> bool:
        """Return whether a task has lost enough nodes, not more, to be named (ACC-063)."""
        rules = self._accounting
        tries = self._tries.get(task_id)
        return (
            tries is not None
            and tries.losses == POISONOUS_AFTER
            and not (rules.crash_limit or rules.retries)
        )

    def nodes_that_failed(self, task_id: int) -> set[int]:
        """Return the nodes that a task is not to be given to, if there are others (ACC-061)."""
        tries = self._tries.get(task_id)
        return tries.nodes if tries and self._accounting.retries else set()

    def _task_ended(self, why: Why, number: int) -> None:
        halt = self._accounting.halt
        if halt is None or self.halted or self.is_stopping:
            return
        ended = self.failed + self._succeeded
        if halt.why is Why.DONE:
            number = ended
        elif halt.why is not why:
            return
        if halt.percent:
            self.halted = number >= LEAST_FOR_PERCENT and number * 100 >= halt.percent * ended
        else:
            self.halted = number >= halt.number

    # Tasks without an end

    def give_up(self, attempt: Attempt, reason: bytes) -> None:
        """Record that an attempt had no end when the run ended, or was lost with its node."""
        self._give_up(attempt.task_id, attempt.task, reason)

    def _give_up(self, task_id: int, task: bytes, reason: bytes) -> None:
        tries = self._tries.pop(task_id, None)
        self.given_up += 1
        self._name(_End.GIVEN_UP, task_id, task, tries.reason if tries else reason)

    def explain_loss(self, attempt: Attempt, how: bytes) -> None:
        """Tell how the node of an attempt that was given up has ended (ACC-014)."""
        for place, named in enumerate(self._named):
            if named.task_id == attempt.task_id:
                self._named[place] = named._replace(reason=named.reason + b": " + how)

    def give_up_lost(self, to_reassign: Iterable[tuple[int, bytes]]) -> None:
        """Record that tasks are not dispatched once more."""
        for task_id, task in to_reassign:
            tries = self._tries.get(task_id)
            if tries and not tries.reason.startswith(LOST):
                del self._tries[task_id]
                self.failed += 1
                self._name(_End.FAILED, task_id, task, tries.reason)
            else:
                self._give_up(task_id, task, b"not started")

    def drop_waiting(self, *, are_wanted: bool) -> None:
        """Record that the tasks that wait are not run, and drop them.

        Args:
            are_wanted: whether they were to be run (ACC-023).
        """
        count = self._tasks.count_waiting()
        self.never_ran += count
        if not are_wanted:
            self._unwanted += count
        for task_id, task in islice(self._tasks.waiting(), NAMED):
            self._name(_End.NEVER_RAN, task_id, task, b"not started")
        self._tasks.abandon()

    def close(self) -> None:
        """Take in the tasks that were dropped because others failed; nothing follows after that."""
        self.never_ran += self._tasks.count_dropped()
        for task_id, task, cause in islice(self._tasks.dropped(), NAMED):
            self._name(_End.NEVER_RAN, task_id, task, b"depends on %d" % cause)

    # The summary and the exit status

    def _name(self, end: _End, task_id: int, task: bytes, reason: bytes) -> None:
        """Keep a task for the summary, if it is among the first."""
        insort(self._named, _Named(end, task_id, excerpt(task), reason))
        del self._named[NAMED:]

    def summary(self, *, by_signal: bool, read_all: bool, wrote_all: bool) -> bytes:
        """Return the line that sums up what became of the tasks, or nothing (ACC-010).

        Args:
            by_signal: whether a signal ends the run (ACC-012).
            read_all: whether no task of the input is unknown (ACC-016).
            wrote_all: whether no result was lost on its way to the output (ACC-017).
        """
        summing = self._accounting.summing
        missing = self.failed + self.given_up + self.never_ran
        if summing is Summing.NEVER:
            return b""
        if summing is Summing.FAILURES and (by_signal or missing == self._not_wanted()):
            return b""
        known = self._tasks.count_taken() + self.never_ran
        skipped = self._past.skipped if self._past else 0
        failed = self._past.failed if self._past else 0
        counts = [
            (skipped - failed, b"done before"),
            (failed, b"failed before"),
            (known - missing if summing is Summing.ALWAYS else 0, b"succeeded"),
            (self.failed, b"failed"),
            (self.given_up, b"given up"),
            (self.never_ran, b"never ran"),
        ]
        known += skipped
        text = b"%b: %d %b: " % (self._program, known, b"task" if known == 1 else b"tasks")
        text += b", ".join(b"%d %b" % count for count in counts if count[0])
        if not known:
            text += b"none"
        if missing:
            text += b": " + b", ".join(map(_description, self._named))
        if missing > len(self._named):
            text += b", ..."
        if not wrote_all:
            text += b"; not all results were written"
        return text if read_all else text + b"; the input was not read to its end"

    def _not_wanted(self) -> int:
        """Return how many tasks never ran because of a limit: that is no news."""
        return 0 if self.halted else self._unwanted

    def exit_status(self, status: int, *, is_error: bool, read_all: bool) -> int:
        """Return the exit status of the run.

        Args:
            status: the one that says nothing of the tasks.
            is_error: whether something else than a task or a node failed.
            read_all: whether the input was read to its end, or no more of it was wanted.
        """
        rules = self._accounting
        if not rules.status_of_tasks:
            return status
        if is_error:
            return ERROR
        if self.has_halted_well:
            return 0
        explained = self._tasks.count_dropped() + self._unwanted
        if not self.halted and (self.given_up or self.never_ran > explained):
            return TASKS_LEFT
        if status and not read_all:
            return TASKS_LEFT  # its nodes were lost before the others were read
        failed = self.failed + (self._past.failed if self._past else 0)
        return min(failed, SO_MANY_OR_MORE)


def _lost(times: int) -> bytes:
    return LOST if times == 1 else b"%b %d times" % (LOST, times)


def _description(named: _Named) -> bytes:
    return b"%d '%b' (%b)" % named[1:]
