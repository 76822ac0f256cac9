"""The expected output of a run, and the actual one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, final

from paexec_trio.core.grouping import Grouping
from tests.simulation.violations import Kind


class Line(NamedTuple):
    """A line of an attempt, without its newline."""

    prefix: bytes
    text: bytes
    is_fatal: bool = False

    @property
    def octets(self) -> bytes:
        """Return the line as it is printed."""
        return self.prefix + self.text


@final
class Printout:
    """Compares what has to be printed with what is, step by step.

    Args:
        grouping: whether, and how, lines are held back.
    """

    def __init__(self, grouping: Grouping) -> None:
        self._grouping = grouping
        self._due: list[Line] = []
        self._printed: list[bytes] = []
        # Only with groups: those of the tasks in work, and those that wait for their turn.
        self._open: dict[int, list[Line]] = {}
        self._waiting: dict[int, list[Line]] = {}
        self._passed_over: set[int] = set()
        self._next_task = 1

    def expect(self, task_id: int, line: Line) -> None:
        """Record that the line has to be printed, now if lines are not held back."""
        if self._grouping is Grouping.NONE:
            self._due.append(line)
        else:
            self._open.setdefault(task_id, []).append(line)

    def task_done(self, task_id: int) -> None:
        """Record that there will be no more lines for a task."""
        if self._grouping is not Grouping.NONE:
            self._waiting[task_id] = self._open.pop(task_id, [])
            self._let_go()

    def pass_over(self, task_ids: list[int]) -> None:
        """Record that these tasks will not be run (GRP-023)."""
        self._passed_over.update(task_ids)

    def attempt_failed(self, task_id: int) -> None:
        """Forget the lines of an attempt, if they were held back (GRP-013)."""
        self._open.pop(task_id, None)

    def _let_go(self) -> None:
        if self._grouping is Grouping.GROUP:
            self._release_waiting()
            return
        while self._next_task in self._waiting or self._next_task in self._passed_over:
            self._due += self._waiting.pop(self._next_task, [])
            self._next_task += 1

    def _release_waiting(self) -> None:
        for task_id in sorted(self._waiting):
            self._due += self._waiting[task_id]
        self._waiting.clear()

    def end(self) -> None:
        """Record that no further task will be done: what waits for others has to come now."""
        self._release_waiting()

    def forget_open(self) -> None:
        """Record that no group will be printed that is not whole yet."""
        self._open.clear()

    def break_off(self) -> None:
        """Record that nothing can be printed any more."""
        self._due.clear()
        self._open.clear()
        self._waiting.clear()

    def check(self, octets: bytes) -> Iterator[tuple[Kind, str]]:
        """Take in what this step has printed, and yield what is wrong with it."""
        due, self._due = self._due, []
        if octets != b"".join(line.octets + b"\n" for line in due):
            yield from self._explain(octets, due)
        self._printed.append(octets)

    def _explain(self, octets: bytes, due: list[Line]) -> Iterator[tuple[Kind, str]]:
        *lines, rest = octets.split(b"\n")
        if rest:
            yield Kind.MISORDERED, f"{rest!r} is no whole line (RES-003)"
        missing = list(due)
        extra = []
        for octets in lines:
            line = next((line for line in missing if line.octets == octets), None)
            if line:
                missing.remove(line)
            else:
                extra.append(octets)
        earlier = set(b"".join(self._printed).split(b"\n")) | {line.octets for line in due}
        for octets in extra:
            line = next(
                (line for line in missing if line.text and octets.endswith(line.text)), None
            )
            if line:
                missing.remove(line)
                yield Kind.MISCREDITED, f"{octets!r} instead of {line.octets!r}"
            elif octets in earlier:
                yield Kind.DUPLICATED, f"{octets!r} was printed once more"
            else:
                yield Kind.FABRICATED, f"{octets!r} was printed"
        for line in missing:
            yield Kind.NO_FATAL if line.is_fatal else Kind.LOST, f"{line.octets!r} was not printed"
        if not rest and not extra and not missing:
            yield Kind.MISORDERED, f"{[line.octets for line in due]} came as {lines}"
