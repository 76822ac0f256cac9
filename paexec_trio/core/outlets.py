"""Outlets: the interface through which results become text or objects."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from paexec_trio.core.commands import Change, Command
    from paexec_trio.core.ending import Phase
    from paexec_trio.core.nodes import Attempt, Node
    from paexec_trio.core.rendering import PrefixMaker
    from paexec_trio.core.settings import Settings
    from paexec_trio.core.tasks import TaskSource


Exchanged = Callable[["Node", "Attempt", int, int, int, bytes], None]
"""Records that a whole result was written, and that the next attempt begins.

The arguments: the node; the attempt; how many octets of lines came with the EOT; how many octets
were written; the id of the next task, and that task.
"""


class Outlet(Protocol):
    """Turns results into commands.

    Attempts of different nodes interleave. The lines of one attempt come in order, after its
    :meth:`begun` and before its :meth:`done` or :meth:`forget`.
    """

    prefixes: PrefixMaker
    """Makes the prefixes of attempts."""

    is_plain: bool
    """Whether the output of an attempt is the lines of its result, unchanged, and nothing else."""

    result_end: bytes | None
    """The line that follows the lines of each result, perhaps none, if the fast path may write
    results without the outlet; ``None`` if it may not."""

    holds_output: bool
    """Whether results wait here for others."""

    keeps_errors: bool
    """Whether it keeps by itself the octets that calculators write on standard error."""

    tells_seconds: bool
    """Whether it needs to know the time."""

    now: float
    """The time in seconds, as the last ``TimePassed`` had it."""

    exchanged: Exchanged | None
    """Is told of each result that the fast path writes; ``None``: nobody wants to know."""

    is_muted: bool
    """Whether nothing is passed on any more, since nobody can take it."""

    def begun(self, node: Node, attempt: Attempt) -> None:
        """Record that a calculator works on an attempt: it has become the head of its node."""

    def line(self, attempt: Attempt, line: bytes | bytearray) -> None:
        """Pass on one whole line that came in pieces; it may be huge."""

    def lines(self, attempt: Attempt, lines: bytes) -> None:
        """Pass on whole lines of the result."""

    def blank_lines(self, attempt: Attempt, count: int) -> None:
        """Pass on ``count`` blank lines of the result; all of them could fill the memory."""

    def errors(self, node: Node, data: bytes) -> None:
        """Take octets that a calculator wrote on its standard error, if that is read."""

    def failed(self, attempt: Attempt, dropped: Sequence[bytes]) -> None:
        """Record that a task ended without success; :meth:`done` follows.

        Args:
            attempt: its status says whether it failed or had no status.
            dropped: the dependants that will not be run.
        """

    def done(self, node: Node, attempt: Attempt) -> None:
        """Record that the result of an attempt is complete."""

    def forget(self, attempt: Attempt) -> None:
        """Record that no more will come of an attempt, since its node has ended."""

    def given_up(self, attempt: Attempt, reason: bytes) -> None:
        """Record that an attempt failed, and that its task will be reassigned (DTH-020).

        Args:
            attempt: the attempt; :meth:`forget` came before.
            reason: why it failed.
        """

    def no_result(
        self, node: Node, attempt: Attempt, dropped: Sequence[bytes], reason: bytes
    ) -> None:
        """Record that a task failed without a result; :meth:`forget` came before (ACC-004).

        Args:
            node: the node that was lost with the attempt.
            attempt: its status is a failure.
            dropped: the dependants that will not be run.
            reason: why it failed.
        """

    def node_added(self, name: bytes) -> None:
        """Keep account of one more node, whose index is the next one."""

    def node_changed(self, node: Node, change: Change, reason: bytes = b"") -> None:
        """Record a change of a node.

        Args:
            node: the node.
            change: the change.
            reason: why it was not started, or how it ended.
        """

    def phase_changed(self, phase: Phase) -> None:
        """Record that the run has come into another phase."""

    def flush(self) -> None:
        """Pass on the complete results; no further task will be done."""


OutletMaker = Callable[["Settings", "list[Command]", "TaskSource"], Outlet]
"""Makes the outlet of an engine from its settings, the commands that its parts share, its tasks."""
