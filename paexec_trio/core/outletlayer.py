"""Layers: outlets that do something besides what another outlet does."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from paexec_trio.core.commands import Change
    from paexec_trio.core.nodes import Attempt, Node
    from paexec_trio.core.outlets import Outlet


class OutletLayer:
    """An :class:`~paexec_trio.core.outlets.Outlet` that passes everything on to another one.

    It sees each result, so the fast path is not used.

    Args:
        inner: the other outlet.
    """

    def __init__(self, inner: Outlet) -> None:
        self._inner = inner
        self.prefixes = inner.prefixes
        self.is_plain = False
        self.result_end: bytes | None = None
        self.holds_output = inner.holds_output
        self.tells_seconds = inner.tells_seconds

    @property
    def now(self) -> float:
        """The time in seconds, as the last ``TimePassed`` had it."""
        return self._inner.now

    @now.setter
    def now(self, now: float) -> None:
        self._inner.now = now

    @property
    def is_muted(self) -> bool:
        """Whether no result is passed on any more, since nobody can take it."""
        return self._inner.is_muted

    @is_muted.setter
    def is_muted(self, is_muted: bool) -> None:
        self._inner.is_muted = is_muted

    def begun(self, attempt: Attempt) -> None:
        """Pass on that a calculator works on an attempt."""
        self._inner.begun(attempt)

    def line(self, attempt: Attempt, line: bytes | bytearray) -> None:
        """Pass on one whole line."""
        self._inner.line(attempt, line)

    def lines(self, attempt: Attempt, lines: bytes) -> None:
        """Pass on whole lines."""
        self._inner.lines(attempt, lines)

    def blank_lines(self, attempt: Attempt, count: int) -> None:
        """Pass on ``count`` blank lines."""
        self._inner.blank_lines(attempt, count)

    def errors(self, node: Node, data: bytes) -> None:
        """Pass on octets that a calculator wrote on its standard error."""
        self._inner.errors(node, data)

    def failed(self, attempt: Attempt, dropped: Sequence[bytes]) -> None:
        """Pass on that a task ended without success."""
        self._inner.failed(attempt, dropped)

    def done(self, node: Node, attempt: Attempt) -> None:
        """Pass on that the result of an attempt is complete."""
        self._inner.done(node, attempt)

    def forget(self, attempt: Attempt) -> None:
        """Pass on that no more will come of an attempt."""
        self._inner.forget(attempt)

    def given_up(self, attempt: Attempt) -> None:
        """Pass on that an attempt failed."""
        self._inner.given_up(attempt)

    def node_changed(self, node: Node, change: Change, reason: bytes = b"") -> None:
        """Pass on a change of a node."""
        self._inner.node_changed(node, change, reason)

    def flush(self) -> None:
        """Pass on that no further task will be done."""
        self._inner.flush()
