"""Cut input that arrives in chunks into blocks: consecutive lines of one task.

Lines that a calculator writes at once usually form one block, so the work per line is small.
"""

from __future__ import annotations

import re
from typing import final

from paexec_trio.core.framing import LINE_LIMIT

LineBlock = tuple[bytes, bytes, bytes]
"""A task id as it was read; consecutive lines of the task, with their task ids and newlines but
without the EOT line; the EOT line after them, or nothing."""

_BAD: LineBlock = (b"", b"", b"")
"""The match of a line that does not begin with a task id and a space."""


class BadLineError(Exception):
    """A line does not begin with a task id and a space (RDR-041)."""

    def __init__(self, number: int, line: bytes) -> None:
        super().__init__(number, line)
        self.number = number
        self.line = line


class LongLineError(Exception):
    """A text of the input is longer than the limit (RDR-061)."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@final
class BlockReader:
    """Cuts the octets of one file into blocks.

    Args:
        eot: the text of EOT lines, without a newline.
        limit: how many octets the text of a line may have, whatever the length of the EOT.
    """

    def __init__(self, eot: bytes, limit: int = LINE_LIMIT) -> None:
        self._limit = limit = max(limit, len(eot))
        self._incomplete_size = 0
        text = re.escape(eot)
        self._blocks = re.compile(
            rb"^(?:(?=([0-9]++) )((?:\1 (?!%b\n).*+\n)*+)(\1 %b\n)?+|.*+\n)" % (text, text),
            re.MULTILINE,
        )
        self._incomplete: list[bytes] = []
        self._lines_before = 0
        self._fault: BadLineError | None = None

    def read(self, chunk: bytes) -> list[LineBlock]:
        """Return the blocks that end in a chunk, up to the first bad line; see ``check``."""
        end = chunk.rfind(b"\n") + 1
        if not end:
            self._incomplete.append(chunk)
            self._incomplete_size += len(chunk)
            self._check_length()
            return []
        data = b"".join([*self._incomplete, chunk[:end]])
        if len(data) > self._limit:
            self._check_lengths(data)
        self._incomplete = [chunk[end:]]
        self._incomplete_size = len(chunk) - end
        blocks: list[LineBlock] = self._blocks.findall(data)
        if _BAD in blocks:
            blocks = self._before_bad_line(blocks, data)
        self._lines_before += data.count(b"\n")
        return blocks

    def end(self) -> list[LineBlock]:
        """Return what is left at the end of the file, an unterminated line (RDR-002)."""
        return self.read(b"\n") if any(self._incomplete) else []

    def check(self) -> None:
        """Raise ``BadLineError`` if the blocks that were returned last ended at a bad line."""
        if self._fault:
            raise self._fault

    def _check_length(self) -> None:
        """Raise ``LongLineError`` if the line that has no end yet is too long."""
        if self._incomplete_size > self._limit:
            task_id = self._incomplete[0].find(b" ") + 1
            if self._incomplete_size > self._limit + task_id:
                raise LongLineError(self._lines_before + 1)

    def _check_lengths(self, data: bytes) -> None:
        """Raise ``LongLineError`` if one of these lines is too long."""
        begin = 0
        for line in data.split(b"\n"):
            if len(line) > self._limit and len(line) > self._limit + line.find(b" ") + 1:
                raise LongLineError(self._lines_before + data.count(b"\n", 0, begin) + 1)
            begin += len(line) + 1

    def _before_bad_line(self, blocks: list[LineBlock], data: bytes) -> list[LineBlock]:
        good = blocks[: blocks.index(_BAD)]
        start = sum(len(lines) + len(eot) for _, lines, eot in good)
        number = self._lines_before + data.count(b"\n", 0, start) + 1
        self._fault = BadLineError(number, data[start : data.index(b"\n", start)])
        return good
