"""The witness: tells the facts of a run that the core knows."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from paexec_trio.core.accounts import LOST, NOT_FINISHED
from paexec_trio.core.commands import Change
from paexec_trio.core.execmode import ExecFramer
from paexec_trio.core.facts import (
    AttemptAnswered,
    AttemptBegan,
    AttemptFailed,
    Fate,
    LifeBegan,
    LifeEnded,
    NodeLost,
    PhaseChanged,
    StartFailed,
)
from paexec_trio.core.status import Status
from paexec_trio.core.wrapping import OutletWrapper

if TYPE_CHECKING:
    from collections.abc import Sequence

    from paexec_trio.core.ending import Phase
    from paexec_trio.core.facts import FactStream
    from paexec_trio.core.nodes import Attempt, Node
    from paexec_trio.core.outlets import Outlet
    from paexec_trio.core.resuming import Past
    from paexec_trio.core.settings import Settings


@final
class Witness(OutletWrapper):
    """Tells facts to a stream. It is the outermost outlet of a run that is given one.

    Args:
        settings: whether tasks have a status.
        stream: is told the facts.
        inner: the outlet of the run.
        past: the attempts of earlier runs, if there were some.
    """

    def __init__(
        self, settings: Settings, stream: FactStream, inner: Outlet, past: Past | None
    ) -> None:
        super().__init__(inner)
        self.result_end = inner.result_end
        self.exchanged = self._exchange
        self._inner_exchanged = inner.exchanged
        self._has_status = settings.graph is not None
        self._stream = stream
        stream.nodes = settings.nodes
        self._start: float | None = None
        self._lives = [0] * len(settings.nodes)
        self._died: set[int] = set()
        # The attempts that calculators work on, and those that have failed for a reason to come;
        # each with its node and the time at which it began.
        self._running: dict[Attempt, tuple[int, float]] = {}
        self._forgotten: dict[Attempt, tuple[int, float]] = {}
        self._dropped: Sequence[bytes] = ()
        # How many attempts of a task have failed, if some have.
        self._failures = past.attempts.copy() if past else {}

    @property
    def now(self) -> float:
        """The time in seconds, as the last ``TimePassed`` had it."""
        return self._inner.now

    @now.setter
    def now(self, now: float) -> None:
        if self._start is None:
            self._start = now
        self._stream.at = now - self._start
        self._inner.now = now

    # Attempts

    def begun(self, node: Node, attempt: Attempt) -> None:
        """Tell that an attempt began."""
        self._tell_begun(node.index, attempt, attempt.task_id, attempt.task)
        self._inner.begun(node, attempt)

    def _tell_begun(self, index: int, attempt: Attempt, task_id: int, task: bytes) -> None:
        at = self._stream.at
        self._running[attempt] = index, at
        number = 1 + self._failures.get(task_id, 0) if self._failures else 1
        self._stream.tell(AttemptBegan(at, index, task_id, task, number))

    def _exchange(
        self,
        node: Node,
        attempt: Attempt,
        received: int,
        written: int,
        next_id: int,
        next_task: bytes,
    ) -> None:
        """Tell of a whole result that the fast path writes, and of the next attempt."""
        if self._inner_exchanged:
            self._inner_exchanged(node, attempt, received, written, next_id, next_task)
        self._tell_answered(node, attempt, succeeded=True)
        self._tell_begun(node.index, attempt, next_id, next_task)

    def failed(self, attempt: Attempt, dropped: Sequence[bytes]) -> None:
        """Note the dependants that are not run; ``done`` tells them."""
        self._dropped = dropped
        self._inner.failed(attempt, dropped)

    def done(self, node: Node, attempt: Attempt) -> None:
        """Tell that a task is done."""
        framer = node.framer
        exit_status = framer.exit_status if type(framer) is ExecFramer else 0
        succeeded = attempt.status is Status.SUCCESS if self._has_status else not exit_status
        self._tell_answered(node, attempt, succeeded=succeeded, exit_status=exit_status)
        self._inner.done(node, attempt)

    def _tell_answered(
        self, node: Node, attempt: Attempt, *, succeeded: bool, exit_status: int = 0
    ) -> None:
        at, task_id = self._stream.at, attempt.task_id
        _, began = self._running.pop(attempt)
        number = 1 + self._failures.pop(task_id, 0) if self._failures else 1
        dropped: tuple[bytes, ...] = ()
        if self._dropped:
            dropped, self._dropped = tuple(self._dropped), ()
        self._stream.tell(
            AttemptAnswered(
                *(at, node.index, task_id, attempt.task, number),
                *(at - began, succeeded, exit_status, dropped),
            )
        )

    def forget(self, attempt: Attempt) -> None:
        """Note that an attempt has failed; the reason comes later."""
        self._forgotten[attempt] = self._running.pop(attempt)
        self._inner.forget(attempt)

    def given_up(self, attempt: Attempt, reason: bytes) -> None:
        """Tell that an attempt has failed, and that another one follows."""
        self._tell_failed(attempt, reason, Fate.RETRIED)
        self._inner.given_up(attempt, reason)

    def no_result(
        self, node: Node, attempt: Attempt, dropped: Sequence[bytes], reason: bytes
    ) -> None:
        """Tell that a task has failed."""
        self._dropped = dropped
        self._tell_failed(attempt, reason, Fate.FAILED)
        self._inner.no_result(node, attempt, dropped, reason)

    def _tell_failed(self, attempt: Attempt, reason: bytes, fate: Fate) -> None:
        at, task_id = self._stream.at, attempt.task_id
        index, began = self._forgotten.pop(attempt)
        number = self._failures[task_id] = 1 + self._failures.get(task_id, 0)
        if fate is not Fate.RETRIED:
            del self._failures[task_id]
        dropped, self._dropped = tuple(self._dropped), ()
        self._stream.tell(
            AttemptFailed(
                *(at, index, task_id, attempt.task, number),
                *(at - began, reason, fate, dropped),
            )
        )

    # Nodes, and the run

    def node_added(self, name: bytes) -> None:
        """Keep account of one more node."""
        super().node_added(name)
        self._stream.nodes = (*self._stream.nodes, name)
        self._lives.append(0)

    def node_changed(self, node: Node, change: Change, reason: bytes = b"") -> None:
        """Tell of a change of a node."""
        at, index, tell = self._stream.at, node.index, self._stream.tell
        match change:
            case Change.STARTED:
                self._lives[index] += 1
                self._died.discard(index)
                tell(LifeBegan(at, index, node.pid, self._lives[index]))
            case Change.NOT_STARTED:
                tell(StartFailed(at, index, reason))
            case Change.DIED:
                self._died.add(index)
                tell(NodeLost(at, index))
            case Change.ENDED:
                self._close_attempts(node)
                tell(LifeEnded(at, index, reason))
        self._inner.node_changed(node, change, reason)

    def _close_attempts(self, node: Node) -> None:
        """Tell that the attempts of a node have failed whose reason nobody has told."""
        left = [attempt for attempt, (index, _) in self._forgotten.items() if index == node.index]
        reason = LOST if node.index in self._died else NOT_FINISHED
        for attempt in left:
            self._tell_failed(attempt, reason, Fate.GIVEN_UP)

    def phase_changed(self, phase: Phase) -> None:
        """Tell of a phase of the run."""
        self._stream.tell(PhaseChanged(self._stream.at, phase))
        self._inner.phase_changed(phase)
