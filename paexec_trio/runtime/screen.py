"""A line at the bottom of a terminal, which is repainted while other lines scroll above it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from paexec_trio.runtime.nonblocking import NonblockingWriter
    from paexec_trio.runtime.writequeue import Octets

_WIDTH = 80
"""Columns of a terminal that does not say how many it has."""


def can_repaint(fd: int, environment: Mapping[bytes, bytes]) -> bool:
    """Return whether a descriptor is a terminal on which a line can be repainted."""
    return os.isatty(fd) and environment.get(b"TERM", b"") not in {b"", b"dumb", b"unknown"}


@final
class Screen:
    """A terminal with a line that is erased before anything else is written, and painted again.

    Args:
        fd: standard error, a terminal.
    """

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._write: Callable[[Octets], int] | None = None
        self._painted = 0  # columns of the line; 0: there is none
        # Whether the cursor is at the start of a line; otherwise somebody's line is not whole.
        self._is_at_start = True

    def attach(self, stdout: NonblockingWriter, stderr: NonblockingWriter | None) -> None:
        """Erase the line before something is written by these, if they write to this terminal."""
        if stderr is None:
            return
        self._write = stderr.write
        stderr.write = self._around(stderr.write)
        if os.isatty(stdout.fd) and os.fstat(stdout.fd).st_rdev == os.fstat(self._fd).st_rdev:
            stdout.write = self._around(stdout.write)

    def columns(self) -> int:
        """Return how many columns the terminal has now."""
        try:
            return os.get_terminal_size(self._fd).columns or _WIDTH
        except OSError:
            return _WIDTH

    def paint(self, text: bytes, columns: int) -> None:
        """Show a line in place of the last one, unless a line of others is not whole.

        Args:
            text: the line, without control characters, shorter than the terminal is wide.
            columns: how many columns it takes.
        """
        if self._write and self._is_at_start:
            self._send(self._erasing() + text)
            self._painted = columns

    def erase(self) -> None:
        """Erase the line."""
        if self._painted:
            self._send(self._erasing())
            self._painted = 0

    def _erasing(self) -> bytes:
        # In a terminal that has become narrower, the line takes several rows.
        rows = max(0, self._painted - 1) // self.columns()
        return b"\r" + b"\033[%dA" % rows * bool(rows) + b"\033[J" * bool(self._painted)

    def _send(self, data: bytes) -> None:
        assert self._write  # noqa: S101 (nothing is painted before)
        try:
            self._write(data)
        except OSError:  # it was hung up, which the next message meets, too
            self._painted = 0

    def _around(self, write: Callable[[Octets], int]) -> Callable[[Octets], int]:
        def erase_and_write(data: Octets) -> int:
            self.erase()
            written = write(data)
            if written:
                self._is_at_start = bytes(data[written - 1 : written]) == b"\n"
            return written

        return erase_and_write
