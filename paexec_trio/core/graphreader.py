"""Reading a graph: from lines of the input to numbered tasks, edges and weights."""

from __future__ import annotations

from array import array
from collections import defaultdict
from itertools import compress, count, islice
from typing import final

from paexec_trio.core.framing import NEWLINE
from paexec_trio.core.graph import TaskGraph
from paexec_trio.core.visible import diagnostic

_OCTETS = bytes(range(256))

MOST_DIGITS = 1000
"""Digits that a weight may have (WGT-020).

To convert a number takes time that grows with the square of its digits, and no signal is seen
meanwhile.
"""


class BadLineError(Exception):
    """A line of the input is no task, no edge and no weight (GRA-010).

    Attributes:
        line: the line, without its terminator.
        number: its number in the input, from 1.
        fault: the expected and the found words, for people.
    """

    def __init__(self, line: bytes, number: int, fault: bytes) -> None:
        super().__init__(line, number, fault)
        self.line = line
        self.number = number
        self.fault = fault


@final
class GraphReader:
    """Understands the lines of a graph (GRA-001 to GRA-010).

    A run with a large graph spends most of its time here. So lines are read in blocks: a block is
    split into words, all words are looked up, and the separators between them show which two are
    the tasks of an edge. Only a line of three words is read by itself.

    Args:
        terminator: the octet that ends a line.
        delimiter: the octet between the words of a line, or nothing: a line is one task.
        weight_word: the first word of a line that gives a weight.

    Raises:
        ValueError: the delimiter is longer than an octet.
    """

    def __init__(
        self,
        terminator: bytes = NEWLINE,
        delimiter: bytes = b" ",
        weight_word: bytes = b"weight:",
    ) -> None:
        if len(delimiter) > 1:
            raise ValueError(f"delimiter {delimiter!r} is no octet")
        self._terminator = terminator
        # No line holds its terminator: as a delimiter it would delimit nothing.
        self._delimiter = delimiter if delimiter != terminator else b""
        self._weight_word = weight_word
        self._octets_of_words = _OCTETS.translate(None, terminator + delimiter)
        self._delimiters_as_ones = bytes(octet in self._delimiter for octet in _OCTETS)
        # Tasks are numbered from 1 in the order of their first appearance (GRA-005).
        self._numbers: defaultdict[bytes, int] = defaultdict(count(1).__next__)
        self._weights: dict[int, int] = {}
        # The task of each word of the input, and whether the next word is its dependant: 1 or 0.
        self._tasks = array("I")
        self._precedes_dependant = bytearray()
        self.lines_read = 0
        """How many lines were understood."""

    def add(self, lines: bytes) -> None:
        """Add whole lines, each with its terminator.

        Raises:
            BadLineError: a line cannot be understood.
        """
        delimiter, terminator = self._delimiter, self._terminator
        separators = lines.translate(None, self._octets_of_words)
        if delimiter:
            if delimiter + delimiter in separators:
                self._add_line_by_line(lines)
                self.lines_read += lines.count(terminator)
                return
            lines = lines.replace(delimiter, terminator)
        words = lines.split(terminator)
        words.pop()  # nothing follows the last terminator
        self._tasks.extend(map(self._numbers.__getitem__, words))
        self._precedes_dependant += separators.translate(self._delimiters_as_ones)
        self.lines_read += separators.count(terminator)

    def _add_line_by_line(self, lines: bytes) -> None:
        numbers = self._numbers
        for number, line in enumerate(lines.split(self._terminator)[:-1], self.lines_read + 1):
            words = line.split(self._delimiter)
            if len(words) <= 2:
                self._tasks.extend([numbers[word] for word in words])
                self._precedes_dependant += b"\0" if len(words) == 1 else b"\1\0"
            elif len(words) == 3 and words[0] == self._weight_word:
                fault = self._add_weight(words[1], words[2])
                if fault:
                    raise BadLineError(line, number, fault)
            else:
                raise BadLineError(line, number, self._expected(words))

    def _expected(self, words: list[bytes]) -> bytes:
        """Return the fault of a line: which lines are expected, and how many words it has."""
        edge = self._delimiter.join([b"TASK", b"DEPENDANT"])
        weight = self._delimiter.join([self._weight_word, b"TASK", b"NUMBER"])
        fault = diagnostic(b'expected "TASK", "%b" or "%b", got %d words', edge, weight, len(words))
        return fault + b", one of them empty" if b"" in words else fault

    def _add_weight(self, name: bytes, number: bytes) -> bytes:
        """Record a weight; return its fault, if it has one."""
        digits = number[1:] if number[:1] in {b"-", b"+"} else number
        if not digits.isdigit():
            return diagnostic(b"expected a whole number, got '%b'", number)
        if len(digits) > MOST_DIGITS:
            return b"expected at most %d digits, got %d" % (MOST_DIGITS, len(digits))
        task = self._numbers[name]
        weight = int(number)
        self._weights[task] = max(weight, self._weights.get(task, weight))
        return b""

    def graph(self) -> TaskGraph:
        """Return the graph that was read."""
        before = compress(self._tasks, self._precedes_dependant)
        after = compress(islice(self._tasks, 1, None), self._precedes_dependant)
        return TaskGraph(
            [b"", *self._numbers], array("I", before), array("I", after), self._weights
        )
