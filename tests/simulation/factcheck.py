"""Compares the facts that a run tells with what has happened in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import final

from paexec_trio.core.accounts import LOST
from paexec_trio.core.ending import Phase
from paexec_trio.core.events import NodeNotStarted, NodeReaped, NodeStarted
from paexec_trio.core.facts import (
    AttemptAnswered,
    AttemptBegan,
    AttemptFailed,
    Fact,
    Fate,
    LifeBegan,
    LifeEnded,
    PhaseChanged,
    StartFailed,
)
from tests.simulation.history import History

Outline = list[tuple[str, int, int]]
"""Changes of nodes: what, its node, and the id of its process or 0."""


@final
class FactCheck:
    """Follows the facts of a run, and says what cannot be.

    Attributes:
        problems: what is wrong, at best nothing.
        answered: how many tasks are done, by their ids.
        failed: how many tasks have failed without a result.
    """

    def __init__(self) -> None:
        self.problems: list[str] = []
        self.answered: Counter[int] = Counter()
        self.failed: Counter[int] = Counter()
        # The tasks that wait for another attempt, with the reason of the last one.
        self.retried: dict[int, bytes] = {}
        self._heads: dict[int, AttemptBegan] = {}
        self._failures: Counter[int] = Counter()
        self._tasks: dict[int, bytes] = {}
        self._alive: dict[int, int] = {}
        self._lives: Counter[int] = Counter()
        self._at = 0.0
        self.phase = Phase.RUNNING

    def follow(self, facts: Sequence[Fact]) -> None:
        """Take facts, in their order."""
        for fact in facts:
            if fact.at < self._at:
                self.problems.append(f"it is before the last one: {fact}")
            self._at = fact.at
            match fact:
                case AttemptBegan():
                    self._began(fact)
                case AttemptAnswered():
                    self._ended(fact)
                    self._failures.pop(fact.task_id, None)
                    self.answered[fact.task_id] += 1
                case AttemptFailed():
                    self._ended(fact)
                    self._failures[fact.task_id] += 1
                    if fact.fate is Fate.RETRIED:
                        self.retried[fact.task_id] = fact.reason
                    self.failed[fact.task_id] += fact.fate is Fate.FAILED
                case LifeBegan():
                    self._lives[fact.node] += 1
                    self._require(fact.life == self._lives[fact.node], fact)
                    self._require(fact.node not in self._alive, fact)
                    self._alive[fact.node] = fact.pid
                case LifeEnded():
                    self._require(fact.node in self._alive, fact)
                    self._require(fact.node not in self._heads, fact)
                    self._alive.pop(fact.node, None)
                case PhaseChanged():
                    self._require(fact.phase > self.phase, fact)
                    self.phase = fact.phase

    def _began(self, fact: AttemptBegan) -> None:
        self._require(fact.node in self._alive, fact)
        self._require(fact.node not in self._heads, fact)
        self._require(fact.attempt == 1 + self._failures[fact.task_id], fact)
        self._require(self._tasks.setdefault(fact.task_id, fact.task) == fact.task, fact)
        self._require(not self.answered[fact.task_id] and not self.failed[fact.task_id], fact)
        self._heads[fact.node] = fact
        self.retried.pop(fact.task_id, None)

    def _ended(self, fact: AttemptAnswered | AttemptFailed) -> None:
        head = self._heads.pop(fact.node, None)
        same = head is not None and head[2:5] == fact[2:5]
        self._require(same, fact)
        self._require(head is not None and fact.seconds == fact.at - head.at, fact)

    def _require(self, is_right: bool, fact: Fact) -> None:
        if not is_right:
            self.problems.append(f"cannot be: {fact}")

    def end(self) -> None:
        """Check that nothing is left open when the run is over."""
        self._require_nothing(self._heads, "attempts without an end")
        self._require_nothing(self._alive, "nodes without an end")
        if self.phase is not Phase.OVER:
            self.problems.append("the run is not over")

    def _require_nothing(self, left: object, what: str) -> None:
        if left:
            self.problems.append(f"{what}: {left}")


def outline_of(facts: Sequence[Fact]) -> Outline:
    """Return the changes of nodes that facts tell."""
    outline: Outline = []
    for fact in facts:
        match fact:
            case LifeBegan():
                outline.append(("started", fact.node, fact.pid))
            case StartFailed():
                outline.append(("not started", fact.node, 0))
            case LifeEnded():
                outline.append(("ended", fact.node, 0))
    return outline


def outline_of_history(history: History) -> Outline:
    """Return the changes of nodes that happened."""
    outline: Outline = []
    for _, item in history.entries:
        match item:
            case NodeStarted():
                outline.append(("started", item.node, item.pid))
            case NodeNotStarted():
                outline.append(("not started", item.node, 0))
            case NodeReaped():
                outline.append(("ended", item.node, 0))
    return outline


def problems_of(facts: Sequence[Fact], history: History, done: int) -> list[str]:
    """Return what is wrong with the facts of a run that is over.

    Args:
        facts: all of them.
        history: what has happened.
        done: how many tasks were done, or failed without a result.
    """
    check = FactCheck()
    check.follow(facts)
    check.end()
    if outline_of(facts) != outline_of_history(history):
        check.problems.append("the changes of nodes are others than those that happened")
    # A task whose last attempt had a result has failed, if the run ends before another one.
    left = sum(reason != LOST for reason in check.retried.values())
    told = check.answered.total() + check.failed.total() + left
    if told != done:
        check.problems.append(f"{told} tasks have ended by the facts, {done} by the engine")
    return check.problems
