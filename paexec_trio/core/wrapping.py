"""Wrapping: an outlet that watches what another one is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from paexec_trio.core.commands import Change
    from paexec_trio.core.ending import Phase
    from paexec_trio.core.nodes import Attempt, Node
    from paexec_trio.core.outlets import Exchanged, Outlet


class OutletWrapper:
    """An :class:`~paexec_trio.core.outlets.Outlet` that passes everything on to another one.

    The fast paths do not tell outlets of each task, so there is none with a wrapper that does not
    offer one itself.

    Args:
        inner: the outlet that everything is passed on to.
    """

    def __init__(self, inner: Outlet) -> None:
        self._inner = inner
        self.prefixes = inner.prefixes
        self.is_plain = False
        self.result_end: bytes | None = None
        self.holds_output = inner.holds_output
        self.keeps_errors = inner.keeps_errors
        self.tells_seconds = True
        self.exchanged: Exchanged | None = None

    @property
    def now(self) -> float:
        """The time in seconds, as the last ``TimePassed`` had it."""
        return self._inner.now

    @now.setter
    def now(self, now: float) -> None:
        self._inner.now = now

    @property
    def is_muted(self) -> bool:
        """Whether nothing is passed on any more, since nobody can take it."""
        return self._inner.is_muted

    @is_muted.setter
    def is_muted(self, is_muted: bool) -> None:
        self._inner.is_muted = is_muted

    def begun(self, node: Node, attempt: Attempt) -> None:
        """Pass it on."""
        self._inner.begun(node, attempt)

    def line(self, attempt: Attempt, line: bytes | bytearray) -> None:
        """Pass it on."""
        self._inner.line(attempt, line)

    def lines(self, attempt: Attempt, lines: bytes) -> None:
        """Pass them on."""
        self._inner.lines(attempt, lines)

    def blank_lines(self, attempt: Attempt, count: int) -> None:
        """Pass them on."""
        self._inner.blank_lines(attempt, count)

    def errors(self, node: Node, data: bytes) -> None:
        """Pass them on."""
        self._inner.errors(node, data)

    def failed(self, attempt: Attempt, dropped: Sequence[bytes]) -> None:
        """Pass it on."""
        self._inner.failed(attempt, dropped)

    def done(self, node: Node, attempt: Attempt) -> None:
        """Pass it on."""
        self._inner.done(node, attempt)

    def forget(self, attempt: Attempt) -> None:
        """Pass it on."""
        self._inner.forget(attempt)

    def given_up(self, attempt: Attempt, reason: bytes) -> None:
        """Pass it on."""
        self._inner.given_up(attempt, reason)

    def no_result(
        self, node: Node, attempt: Attempt, dropped: Sequence[bytes], reason: bytes
    ) -> None:
        """Pass it on."""
        self._inner.no_result(node, attempt, dropped, reason)

    def node_added(self, name: bytes) -> None:
        """Pass it on."""
        self._inner.node_added(name)

    def node_changed(self, node: Node, change: Change, reason: bytes = b"") -> None:
        """Pass it on."""
        self._inner.node_changed(node, change, reason)

    def phase_changed(self, phase: Phase) -> None:
        """Pass it on."""
        self._inner.phase_changed(phase)

    def flush(self) -> None:
        """Pass it on."""
        self._inner.flush()
