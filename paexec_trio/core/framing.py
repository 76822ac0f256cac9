"""Where tasks and results begin and end in streams of octets."""

from __future__ import annotations

from typing import ClassVar, final

NEWLINE = b"\n"
NUL = b"\0"

LINE_LIMIT = 1 << 30
"""Octets that a line may have by default (``--line-limit``)."""


class LongLineError(Exception):
    """A calculator writes a line of more octets than ``Settings.line_limit`` (LIM-012)."""


def long_line(lines: bytes | bytearray, terminator: bytes, limit: int) -> int:
    """Return where the first line of more than ``limit`` octets begins, or -1 if there is none.

    The terminator of a line does not count. The octets after the last terminator count as a line.
    """
    begin = 0
    while len(lines) - begin > limit:
        end = lines.rfind(terminator, begin, begin + limit + 1)
        if end < 0:
            return begin
        begin = end + 1
    return -1


@final
class TaskFramer:
    """Cuts standard input into whole tasks (FRM-001 to FRM-006).

    How the input was cut into chunks never changes the tasks.

    Args:
        terminator: the octet that ends a task, ``NEWLINE`` or, with ``-0``, ``NUL``.
        limit: how many octets a task may have (LIM-014).

    Attributes:
        found_long: whether a longer task was found. It is dropped, with all octets after it.
    """

    __slots__ = ("_limit", "_tail", "_tail_size", "_terminator", "found_long")

    def __init__(self, terminator: bytes = NEWLINE, limit: int = LINE_LIMIT) -> None:
        self._terminator = terminator
        self._limit = limit
        # The unterminated rest, in pieces: joining them at the end keeps a long task linear.
        self._tail: list[bytes] = []
        self._tail_size = 0
        self.found_long = False

    def feed(self, chunk: bytes) -> bytes:
        """Add octets of the input; return the tasks that are whole now, with their terminators."""
        if self.found_long:
            return b""
        end = chunk.rfind(self._terminator) + 1
        if not end:
            self._tail.append(chunk)
            self._tail_size += len(chunk)
            tasks = b""
        elif self._tail_size + chunk.find(self._terminator) > self._limit:
            self._tail_size += end
            tasks = b""
        else:
            tasks = b"".join([*self._tail, chunk[:end]])
            self._tail = [chunk[end:]]
            self._tail_size = len(chunk) - end
        if self._tail_size > self._limit or len(tasks) > self._limit:
            return self._before_long_task(tasks)
        return tasks

    def _before_long_task(self, tasks: bytes) -> bytes:
        """Return the tasks before the first one that is too long, if one is."""
        begin = long_line(tasks, self._terminator, self._limit)
        if begin >= 0:
            tasks = tasks[:begin]
        elif self._tail_size <= self._limit:
            return tasks
        self.found_long = True
        self._tail = []
        return tasks

    def end(self) -> bytes:
        """Record the end of the input; return the unterminated rest as a task, if there is one."""
        rest = b"".join(self._tail)
        self._tail = []
        self._tail_size = 0
        if not rest:
            return b""
        if self._terminator == NUL:
            rest = rest.removesuffix(NEWLINE)
        return rest + self._terminator


@final
class ResultFramer:
    """Cuts the output of one calculator into result lines and EOTs (RES-005, EOT-002).

    It works on chunks, not on lines, and searches no octet twice.

    Args:
        eot: the end-of-task marker, without newline.
        limit: how many octets a line may have; it may always have as many as the EOT.
    """

    __slots__ = ("_eot_line", "_held", "_limit", "_newline_eot_line")

    blank_lines_before: ClassVar[int] = 0
    """Always 0, since only ``ExecFramer`` holds blank lines back."""

    def __init__(self, eot: bytes, limit: int = LINE_LIMIT) -> None:
        self._limit = max(limit, len(eot))
        self._eot_line = eot + NEWLINE
        self._newline_eot_line = NEWLINE + self._eot_line
        # The beginning of a line whose newline has not come yet. Holds no newline.
        self._held = bytearray()

    def whole(self, data: bytes) -> bytes | None:
        """Return the lines of a result if these octets are one, with its EOT and nothing else.

        If they are not, the framer is unchanged, and :meth:`feed` or :meth:`cut` can take them.
        """
        if self._held or len(data) > self._limit:
            return None
        lines, marker, rest = data.partition(self._newline_eot_line)
        if rest:
            return None
        # Comparing one octet first spares most results the call of startswith().
        if marker and data[0] != self._eot_line[0]:
            return lines + NEWLINE
        if data.startswith(self._eot_line):
            return b"" if data == self._eot_line else None
        return lines + NEWLINE if marker else None

    def cut(self, data: bytes, most: int) -> tuple[list[bytes], bytes]:
        """Cut whole results off octets that follow on an EOT.

        It costs a few operations for each result, where :meth:`feed` costs a copy of all that
        follows; and it must not be used when a line has begun in an earlier chunk.

        Args:
            data: octets of the calculator's output, after an EOT that ``feed`` found.
            most: how many results may be cut off.

        Returns:
            The whole lines of each result, without its EOT, and the octets after the last EOT.
        """
        if len(data) > self._limit:
            return [], data  # a line may be too long: see feed
        *pieces, last = data.split(self._newline_eot_line, most)
        eot_line = self._eot_line
        if not data.startswith(eot_line) and self._newline_eot_line + eot_line not in data:
            return [piece + NEWLINE for piece in pieces], last
        results = []
        for piece in pieces:
            lines = piece + NEWLINE
            while lines.startswith(eot_line):  # results without a line
                results.append(b"")
                lines = lines[len(eot_line) :]
            results.append(lines)
        while last.startswith(eot_line):
            results.append(b"")
            last = last[len(eot_line) :]
        if len(results) > most:
            del results[most:]
            last = data[sum(map(len, results)) + most * len(eot_line) :]
        return results, last

    def feed(self, data: bytes) -> tuple[bytearray | bytes, bytes, bytes | None]:
        """Add octets of the calculator's output.

        Returns:
            ``(line, lines, rest)``: ``line``, one whole line that began in an earlier chunk, or
            nothing; ``lines``, the whole lines after it; ``rest``, the octets after the EOT, or
            ``None`` if no EOT came. Lines include their newlines and come before the EOT.

        Raises:
            LongLineError: a line is too long; the framer is not to be used any more.
        """
        limit = self._limit
        line: bytearray | bytes = b""
        if self._held:
            end = data.find(NEWLINE) + 1
            if not end:
                self._held += data
                if len(self._held) > limit:
                    raise LongLineError
                return b"", b"", None
            # A long line is handed over as it is, not copied once more.
            line, self._held = self._held, bytearray()
            line += data[:end]
            data = data[end:]
            if len(line) > limit + 1:
                raise LongLineError
            if line == self._eot_line:
                return b"", b"", data
        # From here on data begins at the beginning of a line.
        if data.startswith(self._eot_line):
            return line, b"", data[len(self._eot_line) :]
        found = data.find(self._newline_eot_line)
        if len(data) > limit and long_line(data[: found + 1] or data, NEWLINE, limit) >= 0:
            raise LongLineError
        if found >= 0:
            return line, data[: found + 1], data[found + len(self._newline_eot_line) :]
        end = data.rfind(NEWLINE) + 1
        if end < len(data):
            self._held += data[end:]
            data = data[:end]
        return line, data, None
