"""Input that arrives in chunks, cut into runs: lines of one task that follow each other.

What a calculator writes at once comes as one run, so that work for each run is little.
"""

from __future__ import annotations

import re
from typing import final

from paexec_trio.core.framing import LINE_LIMIT

Run = tuple[bytes, bytes, bytes]
"""A task id as it was read; lines of the task that follow each other, with their task ids and
newlines, without the EOT line; the EOT line that follows on them, or nothing."""

_BAD: Run = (b"", b"", b"")
"""What is found for a line that does not begin with a task id and a space."""


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
class RunReader:
    """Cuts the octets of one file into runs.

    Args:
        eot: the text of EOT lines, without a newline.
        limit: how many octets the text of a line may have, whatever the length of the EOT.
    """

    def __init__(self, eot: bytes, limit: int = LINE_LIMIT) -> None:
        self._limit = limit = max(limit, len(eot))
        self._incomplete_size = 0
        text = re.escape(eot)
        self._runs = re.compile(
            rb"^(?:(?=([0-9]++) )((?:\1 (?!%b\n).*+\n)*+)(\1 %b\n)?+|.*+\n)" % (text, text),
            re.MULTILINE,
        )
        self._incomplete: list[bytes] = []
        self._lines_before = 0
        self._fault: BadLineError | None = None

    def read(self, chunk: bytes) -> list[Run]:
        """Return the runs that end in a chunk, up to a bad line if there is one; see ``check``."""
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
        runs: list[Run] = self._runs.findall(data)
        if _BAD in runs:
            runs = self._before_bad_line(runs, data)
        self._lines_before += data.count(b"\n")
        return runs

    def end(self) -> list[Run]:
        """Return what is left at the end of the file, an unterminated line (RDR-002)."""
        return self.read(b"\n") if any(self._incomplete) else []

    def check(self) -> None:
        """Raise ``BadLineError`` if the runs that were returned last ended at a bad line."""
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

    def _before_bad_line(self, runs: list[Run], data: bytes) -> list[Run]:
        good = runs[: runs.index(_BAD)]
        start = sum(len(lines) + len(eot) for _, lines, eot in good)
        number = self._lines_before + data.count(b"\n", 0, start) + 1
        self._fault = BadLineError(number, data[start : data.index(b"\n", start)])
        return good
