"""How the output of a calculator is to be read (the chapters Results, The EOT and -x)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import final

from paexec_trio.core.execmode import ExecMode
from paexec_trio.core.settings import Settings


@final
class ResultReader:
    """Cuts the output of one process into the lines of results and their ends.

    Args:
        settings: those of the engine.
        marker: what ends the output of a command, with ``-x``.
        exec_mode: that of the engine.
    """

    def __init__(self, settings: Settings, marker: bytes, exec_mode: ExecMode | None) -> None:
        self._graph = settings.graph
        self._exec_mode = exec_mode
        self._end = marker if exec_mode else settings.eot
        self._failure = marker + b"-failed "
        self._unread = b""
        # Only with -x.
        self._blank_lines = 0
        self._has_lines = False
        self._failed = False

    def read(self, octets: bytes) -> Iterator[bytes | None]:
        """Yield lines without their newlines, and ``None`` for the end of a result.

        What follows on that is left.
        """
        self._unread += octets
        while b"\n" in self._unread:
            line, _, self._unread = self._unread.partition(b"\n")
            if line == self._end:
                if self._exec_mode:
                    yield from self._end_of_command()
                yield None
                return
            if self._exec_mode:
                yield from self._line_of_command(line)
            else:
                yield line

    def take_rest(self) -> bytes:
        """Return what is left, which was not read or is no whole line, and drop it."""
        rest, self._unread = self._unread, b""
        return rest

    def ends_in(self, octets: bytes) -> bool:
        """Return whether the end of a result is in octets that belong to none."""
        return None in list(self.read(octets))

    def _line_of_command(self, line: bytes) -> Iterator[bytes]:
        if line.startswith(self._failure):
            self._failed = True
        elif not line:
            # Blank lines at the end of the output do not count (EXE-020).
            self._blank_lines += 1
        else:
            yield from [b""] * self._blank_lines
            yield line
            self._blank_lines = 0
            self._has_lines = True

    def _end_of_command(self) -> Iterator[bytes]:
        exec_mode, graph = self._exec_mode, self._graph
        if not self._has_lines and exec_mode and not exec_mode.discard_output:
            yield b""  # EXE-021
        if graph:
            yield graph.failure if self._failed else graph.success
        self._blank_lines = 0
        self._has_lines = self._failed = False
