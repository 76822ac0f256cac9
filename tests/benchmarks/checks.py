"""Whether the results of a run are complete: without that, its speed means nothing.

Each function returns a check, and a check returns what is wrong, or nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Tally:
    """The output of a pipe, counted as it came."""

    octets: int
    lines: int


FileCheck = Callable[[Path], str]
TallyCheck = Callable[[Tally], str]


def each_number_once(count: int, suffix: bytes = b"") -> FileCheck:
    """Each number from 1 on has one line, in any order, and there is nothing else.

    Args:
        count: the last number.
        suffix: follows the number in each line.
    """

    def check(file: Path) -> str:
        seen = bytearray(count + 1)
        with file.open("rb") as lines:
            for line in lines:
                number, rest = _number_at_the_start(line)
                if rest != suffix + b"\n" or not 1 <= number <= count:
                    return f"unexpected line {line[:40]!r}"
                if seen[number]:
                    return f"{number} came twice"
                seen[number] = 1
        missing = count - sum(seen)
        if missing:
            return f"{missing} of {count} results are missing, {seen.find(0, 1)} is the first"
        return ""

    return check


def each_task_under_its_number(count: int) -> FileCheck:
    """Each number from 1 on has one line: a node, the number of the task, and the task itself."""

    def check(file: Path) -> str:
        seen = bytearray(count + 1)
        with file.open("rb") as lines:
            for line in lines:
                words = line.split(b" ")
                if len(words) != 3 or words[2] != words[1] + b"\n" or not words[1].isdigit():
                    return f"unexpected line {line[:40]!r}"
                number = int(words[1])
                if not 1 <= number <= count or seen[number]:
                    return f"unexpected line {line[:40]!r}"
                seen[number] = 1
        missing = count - sum(seen)
        return f"{missing} of {count} results are missing" if missing else ""

    return check


def _number_at_the_start(line: bytes) -> tuple[int, bytes]:
    """Split a line after its digits; the number is -1 if there are none."""
    rest = line.lstrip(b"0123456789")
    digits = line[: len(line) - len(rest)]
    return int(digits or b"-1"), rest


def failure_of_root(root: bytes, tasks: frozenset[bytes]) -> FileCheck:
    """The first task fails, and all others are named as its dependants, in any order."""

    def check(file: Path) -> str:
        lines = file.read_bytes().split(b"\n")
        if len(lines) != 3 or lines[0] != b"1 failure" or lines[2]:
            return "there is not one failure"
        first, *named = lines[1].split(b" ")[1:]
        if first != root or len(named) != len(tasks) - 1 or {root, *named} != tasks:
            return "the dependants of the failed task are not complete"
        return ""

    return check


def something(file: Path) -> str:
    """There are results."""
    return "" if file.stat().st_size else "nothing was printed"


def tallied(lines: int, octets: int, most_more: int = 0) -> TallyCheck:
    """Return a check of the number of lines and octets.

    Args:
        lines: how many.
        octets: how many at least.
        most_more: and how many more there may be, for the ids of processes.
    """

    def check(tally: Tally) -> str:
        if tally.lines != lines:
            return f"{tally.lines} lines instead of {lines}"
        if not octets <= tally.octets <= octets + most_more:
            return f"{tally.octets} octets instead of {octets}"
        return ""

    return check


def grouped_by_task(tasks: int, texts: list[bytes]) -> FileCheck:
    """The lines of each task come together, in their order, those of all tasks are there.

    Args:
        tasks: how many; their ids are 1 and so on.
        texts: the lines of each of them, behind its id.
    """

    def check(file: Path) -> str:
        seen = bytearray(tasks + 1)
        with file.open("rb") as lines:
            for first in lines:
                number, rest = _number_at_the_start(first)
                if not 1 <= number <= tasks or seen[number]:
                    return f"unexpected line {first[:40]!r}"
                seen[number] = 1
                for text in texts:
                    if rest != b" %b\n" % text:
                        return f"the lines of task {number} are not together"
                    if text is not texts[-1]:
                        other, rest = _number_at_the_start(next(lines, b""))
                        if other != number:
                            return f"the lines of task {number} are not together"
        missing = tasks - sum(seen)
        return f"{missing} of {tasks} tasks are missing" if missing else ""

    return check
