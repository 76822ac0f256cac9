"""Standard error of calculators as whole lines, so that a repainted line is never torn."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from paexec_trio.core.commands import Change, Command, PrintErrors
from paexec_trio.core.framing import NEWLINE
from paexec_trio.core.wrapping import OutletWrapper

if TYPE_CHECKING:
    from paexec_trio.core.nodes import Node
    from paexec_trio.core.outlets import Outlet

LONGEST_PART = 1 << 16
"""Octets of an unfinished line that are kept; what is longer is printed as a line."""


@final
class WholeLines(OutletWrapper):
    """Prints what a node writes on its standard error line by line, as soon as a line is whole.

    Args:
        inner: the outlet of the run.
        commands: the list that all parts of the engine share.
    """

    def __init__(self, inner: Outlet, commands: list[Command]) -> None:
        super().__init__(inner)
        self.is_plain = inner.is_plain
        self.result_end = inner.result_end
        self.exchanged = inner.exchanged
        self.tells_seconds = inner.tells_seconds
        self._commands = commands
        self._parts: dict[int, bytes] = {}

    def errors(self, node: Node, data: bytes) -> None:
        """Print the lines that are whole."""
        whole, newline, rest = (self._parts.pop(node.index, b"") + data).rpartition(NEWLINE)
        if len(rest) > LONGEST_PART:
            whole, newline, rest = whole + newline + rest, NEWLINE, b""
        if newline:
            self._commands.append(PrintErrors(whole + newline))
        if rest:
            self._parts[node.index] = rest

    def node_changed(self, node: Node, change: Change, reason: bytes = b"") -> None:
        """Print the last line of a node when nothing is left of it."""
        if change is Change.ENDED and (rest := self._parts.pop(node.index, b"")):
            self._commands.append(PrintErrors(rest + NEWLINE))
        super().node_changed(node, change, reason)
