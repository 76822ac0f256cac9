"""Diagnostics that a step may and must have."""

from __future__ import annotations

from collections.abc import Iterator
from typing import final


@final
class Diagnostics:
    """The diagnostics of one step.

    Args:
        program: the name that stands in front of most of them.
    """

    def __init__(self, program: bytes) -> None:
        self._program = program
        self._allowed: list[bytes] = []
        self._needed: list[bytes] = []

    def named(self, text: bytes) -> bytes:
        """Return a text with the name of the program in front."""
        return self._program + b": " + text

    def allow(self, text: bytes) -> None:
        """Allow this diagnostic."""
        self._allowed.append(text)

    def need(self, text: bytes) -> None:
        """Require this diagnostic."""
        self._needed.append(text)

    def accept(self, text: bytes) -> bool:
        """Record a diagnostic, and return whether it may or must come."""
        for texts in (self._needed, self._allowed):
            if text in texts:
                texts.remove(text)
                return True
        return False

    def end_step(self) -> Iterator[bytes]:
        """Yield what had to come and did not; be ready for the next step."""
        yield from self._needed
        self._allowed.clear()
        self._needed.clear()
