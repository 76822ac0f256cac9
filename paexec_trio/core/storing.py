"""Storing: the output of each task goes to files of its own (PTK-050 to PTK-060)."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from paexec_trio.core.commands import (
    Command,
    DropStored,
    StoreErrors,
    StoreOutput,
    StoreResult,
)
from paexec_trio.core.execmode import ExecFramer
from paexec_trio.core.framing import NEWLINE
from paexec_trio.core.rendering import LazyLines
from paexec_trio.core.wrapping import OutletWrapper

if TYPE_CHECKING:
    from collections.abc import Sequence

    from paexec_trio.core.nodes import Attempt, Node
    from paexec_trio.core.outlets import Outlet


@final
class Storing(OutletWrapper):
    """Stores the output of each attempt, and drops that of attempts that others follow.

    The output of an attempt that the end of the run interrupts stays where it is until the run is
    over, and is dropped then.

    Args:
        inner: what else comes of results.
        commands: the list that all parts of the engine share.
    """

    def __init__(self, inner: Outlet, commands: list[Command]) -> None:
        super().__init__(inner)
        self.tells_seconds = inner.tells_seconds
        self._commands = commands

    def line(self, attempt: Attempt, line: bytes | bytearray) -> None:
        """Store one whole line."""
        self._commands.append(StoreOutput(attempt.task_id, line))
        super().line(attempt, line)

    def lines(self, attempt: Attempt, lines: bytes) -> None:
        """Store whole lines."""
        self._commands.append(StoreOutput(attempt.task_id, lines))
        super().lines(attempt, lines)

    def blank_lines(self, attempt: Attempt, count: int) -> None:
        """Store ``count`` blank lines."""
        self._commands.append(StoreOutput(attempt.task_id, LazyLines(b"", NEWLINE, count)))
        super().blank_lines(attempt, count)

    def errors(self, node: Node, data: bytes) -> None:
        """Store octets of standard error, if they belong to a task."""
        if node.attempts:
            self._commands.append(StoreErrors(node.attempts[0].task_id, data))
        super().errors(node, data)

    def done(self, node: Node, attempt: Attempt) -> None:
        """Give the result its place, without the lines that are no part of it (PTK-051)."""
        framer = node.framer
        left_out = framer.added if isinstance(framer, ExecFramer) else 0
        # Before it is logged: a log must not have a task without its files.
        self._commands.append(StoreResult(attempt.task_id, attempt.task, left_out))
        super().done(node, attempt)

    def given_up(self, attempt: Attempt, reason: bytes) -> None:
        """Drop the output of an attempt that another one follows (PTK-055)."""
        super().given_up(attempt, reason)
        self._commands.append(DropStored(attempt.task_id))

    def no_result(
        self, node: Node, attempt: Attempt, dropped: Sequence[bytes], reason: bytes
    ) -> None:
        """Keep the output so far of a task that failed, and why it failed (PTK-061)."""
        self._commands.append(StoreResult(attempt.task_id, attempt.task, reason=reason))
        super().no_result(node, attempt, dropped, reason)
