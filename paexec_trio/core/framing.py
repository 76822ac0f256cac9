"""Where tasks and results begin and end in streams of octets."""

from __future__ import annotations

from collections import deque
from typing import final

NEWLINE = b"\n"
NUL = b"\0"


@final
class TaskFramer:
    """Cuts standard input into tasks (FRM-001 to FRM-006).

    How the input was cut into chunks never changes the tasks.

    Args:
        terminator: the octet that ends a task, ``NEWLINE`` or, with ``-0``, ``NUL``.
    """

    __slots__ = ("_tail", "_tasks", "_terminator")

    def __init__(self, terminator: bytes = NEWLINE) -> None:
        self._terminator = terminator
        self._tasks: deque[bytes] = deque()
        # The unterminated rest, in pieces: joining them at the end keeps a long task linear.
        self._tail: list[bytes] = []

    def feed(self, chunk: bytes) -> None:
        """Add octets of the input."""
        first, *others = chunk.split(self._terminator)
        self._tail.append(first)
        if others:
            self._tasks.append(b"".join(self._tail))
            self._tail = [others.pop()]
            self._tasks.extend(others)

    def end(self) -> None:
        """The input has ended: what is unterminated is a task, if it holds an octet."""
        rest = b"".join(self._tail)
        self._tail = []
        if rest:
            if self._terminator == NUL:
                rest = rest.removesuffix(NEWLINE)
            self._tasks.append(rest)

    def abandon(self) -> None:
        """Drop the tasks that were not taken and what is unterminated."""
        self._tail = []
        self._tasks.clear()

    def take(self) -> bytes:
        """Take the next task.

        Raises:
            IndexError: no whole task is there.
        """
        return self._tasks.popleft()

    def take_all(self) -> list[bytes]:
        """Take all whole tasks that are there."""
        tasks = list(self._tasks)
        self._tasks.clear()
        return tasks

    def __bool__(self) -> bool:
        """Say whether a whole task is there."""
        return bool(self._tasks)


@final
class ResultFramer:
    """Cuts the output of one calculator into result lines and EOTs (RES-005, EOT-002).

    The work is done for each chunk, not for each line, and no octet is searched twice.

    Args:
        eot: the end-of-task marker, without newline.
    """

    __slots__ = ("_eot_line", "_held", "_newline_eot_line")

    def __init__(self, eot: bytes) -> None:
        self._eot_line = eot + NEWLINE
        self._newline_eot_line = NEWLINE + self._eot_line
        # The beginning of a line whose newline has not come yet. Holds no newline.
        self._held = bytearray()

    def feed(self, data: bytes) -> tuple[bytearray | bytes, bytes, bytes | None]:
        """Add octets of the calculator's output.

        Returns:
            ``(line, lines, rest)``: ``line``, one whole line that began in an earlier chunk, or
            nothing; ``lines``, the whole lines after it; ``rest``, the octets after the EOT, or
            ``None`` if no EOT came. Lines include their newlines and come before the EOT.
        """
        line: bytearray | bytes = b""
        if self._held:
            end = data.find(NEWLINE) + 1
            if not end:
                self._held += data
                return b"", b"", None
            # A long line is handed over as it is, not copied once more.
            line, self._held = self._held, bytearray()
            line += data[:end]
            data = data[end:]
            if line == self._eot_line:
                return b"", b"", data
        # From here on data begins at the beginning of a line.
        if data.startswith(self._eot_line):
            return line, b"", data[len(self._eot_line) :]
        found = data.find(self._newline_eot_line)
        if found >= 0:
            return line, data[: found + 1], data[found + len(self._newline_eot_line) :]
        end = data.rfind(NEWLINE) + 1
        if end < len(data):
            self._held += data[end:]
            data = data[:end]
        return line, data, None
