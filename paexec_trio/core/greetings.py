"""Greetings: a node tells when its calculator begins (SIL-040 to SIL-042)."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from paexec_trio.core.framing import NEWLINE
from paexec_trio.core.tokens import TokenFilter

if TYPE_CHECKING:
    from paexec_trio.core.nodes import Node
    from paexec_trio.core.reporting import Reporter

_LONGEST = 1 << 12
"""Octets of a line that is not whole, at most, before they are reported."""


@final
class Greetings:
    """Waits for the greeting of each process, and reports what came before it.

    Args:
        reporter: reports what login shells print.
    """

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter
        self._token = b""
        self._filters: dict[int, TokenFilter] = {}
        self._lines: dict[int, bytes] = {}

    def begin(self, token: bytes) -> None:
        """Learn the token of this run."""
        self._token = token

    def started(self, node: Node) -> None:
        """Expect the greeting of a new process of a node."""
        self._filters[node.index] = TokenFilter(self._token)
        self._lines[node.index] = b""

    def expects(self, node: Node) -> bool:
        """Return whether the greeting of a node has not come yet."""
        return node.index in self._filters

    def output(self, node: Node, data: bytes) -> bytes | None:
        """Take what a node wrote before its greeting.

        Returns:
            The octets after the greeting; ``None`` if it has not come.
        """
        before, after = self._filters[node.index].first(data)
        whole, newline, rest = (self._lines[node.index] + before).rpartition(NEWLINE)
        if newline:
            for line in whole.split(NEWLINE):
                self._report(node, line)
        if rest and (after is not None or len(rest) > _LONGEST):
            self._report(node, rest)
            rest = b""
        self._lines[node.index] = rest
        if after is not None:
            self._forget(node)
        return after

    def ended(self, node: Node) -> None:
        """Report the rest of what a node wrote that has never greeted."""
        kept = self._filters.get(node.index)
        if kept:
            rest = self._lines[node.index] + kept.rest()
            if rest:
                self._report(node, rest)
            self._forget(node)

    def _forget(self, node: Node) -> None:
        del self._filters[node.index], self._lines[node.index]

    def _report(self, node: Node, line: bytes) -> None:
        text = b"node %b wrote before its calculator began: '%b'"
        self._reporter.report(text, node.name, line)
