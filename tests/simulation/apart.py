"""The output of each task that is kept apart: lines on standard error, and files."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import final

from paexec_trio.core.commands import (
    Command,
    DropStored,
    HoldErrors,
    JoinErrors,
    PrintErrors,
    ReleaseErrors,
    StoreErrors,
    StoreOutput,
    StoreResult,
)
from paexec_trio.core.rendering import LazyLines
from paexec_trio.core.settings import Settings, StderrMode
from paexec_trio.core.visible import diagnostic
from tests.simulation.violations import Kind


@dataclass(slots=True)
class AttemptOutput:
    """The output of one attempt, as the specification wants it.

    Attributes:
        lines: the lines of its result.
        errors: the octets that its calculator wrote on standard error.
    """

    lines: list[bytes] = field(default_factory=list)
    errors: bytes = b""


@dataclass(slots=True)
class _OpenLine:
    output: AttemptOutput | None
    prefix: bytes
    octets: bytes = b""


@final
class Apart:
    """Compares what is printed on standard error, and stored, with what has to be.

    Args:
        settings: those of the engine.
        runs_commands: whether a command is run per task.
        blame: is told what is wrong.
    """

    def __init__(
        self, settings: Settings, runs_commands: bool, blame: Callable[[Kind, str], None]
    ) -> None:
        self._settings = settings
        self._runs_commands = runs_commands
        self._blame = blame
        self._open: dict[int, _OpenLine] = {}
        self._written = b""
        self._expected: Counter[bytes] = Counter()
        self._printed = b""
        self._held: defaultdict[int, bytes] = defaultdict(bytes)
        self._to_store: dict[int, tuple[bytes, bytes, bytes]] = {}
        self._to_keep: dict[int, tuple[bytes, bytes, bytes, bytes]] = {}
        self._output: defaultdict[int, bytes] = defaultdict(bytes)
        self._errors: defaultdict[int, bytes] = defaultdict(bytes)

    # What happens

    def wrote(
        self,
        node: int,
        name: bytes,
        head: tuple[int, bytes, AttemptOutput] | None,
        data: bytes,
    ) -> None:
        """Record what a node wrote on its standard error.

        Args:
            node: its index.
            name: its name.
            head: the id, the task and the output of the attempt that it works on.
            data: the octets.
        """
        self._written += data
        output = None
        prefix = diagnostic(b"node %b: ", name)
        if head:
            task_id, task, output = head
            prefix = diagnostic(b"node %b, task %d '%b': ", name, task_id, task)
            output.errors += data
        line = self._open.get(node)
        if line is None or line.output is not output:
            self.line_ends(node)
            line = self._open[node] = _OpenLine(output, prefix)
        *whole, line.octets = (line.octets + data).split(b"\n")
        for text in whole:
            self._expect(line, text)

    def line_ends(self, node: int) -> None:
        """Record that nothing more comes of the last line of a node."""
        line = self._open.pop(node, None)
        if line and line.octets:
            self._expect(line, line.octets)

    def attempt_ends(self, node: int, output: AttemptOutput) -> None:
        """Record that an attempt has ended, whether well or not."""
        if node in self._open and self._open[node].output is output:
            self.line_ends(node)

    def done(self, task_id: int, task: bytes, output: AttemptOutput) -> None:
        """Record that the result of an attempt is complete."""
        if not self._settings.results:
            return
        lines = list(output.lines)
        if self._runs_commands:
            if self._settings.graph:
                lines.pop()
            if lines == [b""]:
                lines.clear()
        text = b"".join(line + b"\n" for line in lines)
        self._to_store[task_id] = task, text, output.errors

    def failed(self, task_id: int, task: bytes, output: AttemptOutput, reason: bytes) -> None:
        """Record that a task failed without a result."""
        if self._settings.results:
            text = b"".join(line + b"\n" for line in output.lines)
            self._to_keep[task_id] = reason, task, text, output.errors

    def _expect(self, line: _OpenLine, text: bytes) -> None:
        is_tagged = self._settings.stderr is StderrMode.TAG
        self._expected[line.prefix + text if is_tagged else text] += 1

    # What follows

    def take(self, command: Command) -> None:
        """Take a command that is about standard error or files."""
        match command:
            case PrintErrors(data):
                self._printed += _octets_of(data)
            case HoldErrors(group, data):
                self._held[group] += data
            case JoinErrors(group, other):
                self._held[group] += self._held.pop(other, b"")
            case ReleaseErrors(group):
                if group not in self._held:
                    self._blame(Kind.FABRICATED, f"nothing is held of {group}, but released")
                self._printed += self._held.pop(group, b"")
            case StoreOutput(task_id, data):
                self._output[task_id] += _octets_of(data)
            case StoreErrors(task_id, data):
                self._errors[task_id] += data
            case DropStored(task_id):
                self._output.pop(task_id, None)
                self._errors.pop(task_id, None)
            case StoreResult(task_id, task, left_out, b""):
                self._store(task_id, task, left_out)
            case StoreResult(task_id, task, _, reason):
                self._keep(task_id, task, reason)

    def _keep(self, task_id: int, task: bytes, reason: bytes) -> None:
        """Judge the files of a task without a result."""
        output, errors = self._output.pop(task_id, b""), self._errors.pop(task_id, b"")
        expected = self._to_keep.pop(task_id, None)
        if expected is None:
            self._blame(Kind.FABRICATED, f"task {task_id} is kept, but has not failed (PTK-061)")
        # The last lines may be blank ones, or a part of a marker.
        elif (reason, task, errors) != (*expected[:2], expected[3]) or not expected[2].startswith(
            output
        ):
            kept = reason, task, output, errors
            self._blame(Kind.MISCREDITED, f"task {task_id}: {kept} is kept, not {expected}")

    def _store(self, task_id: int, task: bytes, left_out: int) -> None:
        output = self._output.pop(task_id, b"")
        stored = task, output[: len(output) - left_out], self._errors.pop(task_id, b"")
        expected = self._to_store.pop(task_id, None)
        if expected is None:
            self._blame(Kind.FABRICATED, f"task {task_id} is stored and not done (PTK-055)")
        elif stored != expected:
            self._blame(Kind.MISCREDITED, f"task {task_id}: {stored} is stored, not {expected}")

    def end(self) -> None:
        """Say what is wrong when the run is over."""
        for group in self._held:
            self._blame(Kind.LOST, f"held lines of {group} on standard error (PTK-034)")
        for task_id in self._to_store:
            self._blame(Kind.LOST, f"the files of task {task_id} (PTK-050)")
        for task_id in self._to_keep:
            self._blame(Kind.LOST, f"the files of task {task_id}, which failed (PTK-061)")
        if self._settings.stderr is StderrMode.MIXED:
            if self._printed != self._written * self._settings.reads_stderr:
                self._blame(Kind.LOST, f"{self._printed!r}, not {self._written!r} (PTK-057)")
            return
        printed = Counter(self._printed.split(b"\n")[:-1])
        for line in self._expected - printed:
            self._blame(Kind.LOST, f"{line!r} on standard error (PTK-023)")
        for line in printed - self._expected:
            self._blame(Kind.MISCREDITED, f"{line!r} on standard error (PTK-030)")


def _octets_of(data: bytes | bytearray | LazyLines) -> bytes:
    return b"".join(iter(data.take, b"")) if isinstance(data, LazyLines) else bytes(data)
