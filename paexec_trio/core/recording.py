"""Recording: what the job log is told of each attempt (the section Job log of the spec)."""

from __future__ import annotations

from binascii import hexlify
from collections import deque
from hashlib import sha256
from typing import TYPE_CHECKING, final

from paexec_trio.core import accounts, joblog
from paexec_trio.core.commands import (
    Command,
    Discard,
    Hold,
    HoldLines,
    Join,
    LogAttempt,
    Release,
    Write,
    WriteLines,
)
from paexec_trio.core.execmode import ExecFramer
from paexec_trio.core.joblog import (
    FIRST_SUCCESS,
    HASH_OCTETS,
    NO_FAILURE,
    LogBuffer,
    LogEntry,
    escaped,
)
from paexec_trio.core.status import Status
from paexec_trio.core.wrapping import OutletWrapper

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from paexec_trio.core.events import NodeReaped
    from paexec_trio.core.nodes import Attempt, Node
    from paexec_trio.core.outlets import Outlet
    from paexec_trio.core.resuming import Past
    from paexec_trio.core.settings import Settings

_WITHOUT_RESULT = {accounts.LOST: joblog.LOST, accounts.TIME_LIMIT: joblog.TIMEOUT}
"""The reasons of attempts that have no result, with their status."""

_Moment = tuple[float, bytes]
"""A time of the run, and how the log shows it."""


@final
class _Line:
    """A line of the log that is not complete yet.

    Attributes:
        attempt: the attempt that it is about.
        entry: what is known of it.
        is_complete: whether all of it is known.
        is_in_group: whether it waits for its group to be written.
        end: the octets of output up to the end of its result, once they are known.
    """

    __slots__ = ("attempt", "end", "entry", "is_complete", "is_in_group")

    def __init__(self, attempt: Attempt, entry: LogEntry, *, is_complete: bool) -> None:
        self.attempt = attempt
        self.entry = entry
        self.is_complete = is_complete
        self.is_in_group = False
        self.end = 0


class _Part:
    """A part of a group: the octets of one task, and the line that follows them."""

    __slots__ = ("line", "octets")

    def __init__(self) -> None:
        self.octets = 0
        self.line: _Line | None = None


@final
class OutputOrder:
    """Counts the octets of the output, and puts the lines of the log into its order.

    No line is logged before one whose result comes earlier in the output. So the largest ``End`` of
    a log, wherever it was cut off, is the end of the last result that it has.

    Args:
        commands: the list that all parts of the engine share.
        written: how many octets of output there are already.
    """

    def __init__(self, commands: list[Command], written: int) -> None:
        self._commands = commands
        self.written = written
        self._groups: dict[int, list[_Part]] = {}
        self._lines: deque[_Line] = deque()

    def attach(self, group: int, line: _Line) -> None:
        """Let a line follow what the group of its task holds, and will be held until it is done."""
        self._part(group).line = line
        line.is_in_group = True

    def add(self, line: _Line) -> None:
        """Let a line follow the output so far."""
        line.end = self.written
        self._lines.append(line)
        self.log()

    def follow(self, start: int) -> None:
        """Count the octets of the commands from ``start`` on."""
        commands = self._commands
        for command in commands[start:]:
            match command:
                case Write(data):
                    self.written += len(data)
                case WriteLines(lines):
                    self.written += len(lines)
                case Hold(group, data):
                    self._part(group).octets += len(data)
                case HoldLines(group, lines):
                    self._part(group).octets += len(lines)
                case Join(group, other):
                    self._groups.setdefault(group, []).extend(self._groups.pop(other, ()))
                case Release(group):
                    self._release(group)
                case Discard(group):
                    self._groups.pop(group, None)
        self.log()

    def _part(self, group: int) -> _Part:
        parts = self._groups.setdefault(group, [])
        if not parts:
            parts.append(_Part())
        return parts[-1]

    def _release(self, group: int) -> None:
        for part in self._groups.pop(group, ()):
            self.written += part.octets
            if part.line:
                part.line.end = self.written
                self._lines.append(part.line)

    def log(self) -> None:
        """Log the lines that are complete, up to the first one that is not."""
        lines = self._lines
        while lines and lines[0].is_complete:
            line = lines.popleft()
            self._commands.append(LogAttempt(line.entry, line.end))


@final
class Recorder(OutletWrapper):
    """Logs each attempt when it has ended, and no result as one that is not in the output.

    Args:
        settings: whether tasks have a status.
        inner: the outlet of the run.
        commands: the list that all parts of the engine share.
        past: the attempts of earlier runs, if there were some.
        buffer: what the fast path logs is added to it; what ``LogAttempt`` says has to be, too.
    """

    def __init__(
        self,
        settings: Settings,
        inner: Outlet,
        commands: list[Command],
        past: Past | None = None,
        buffer: LogBuffer | None = None,
    ) -> None:
        super().__init__(inner)
        self.result_end = inner.result_end
        self.exchanged = self._exchange
        self._buffer = buffer = buffer or LogBuffer()
        self._add_fields, self._add_end = buffer.fields.extend, buffer.ends.append
        self._commands = commands
        self._has_status = settings.graph is not None
        self._order = OutputOrder(commands, past.end if past and settings.accounting.output else 0)
        self._began: list[_Moment] = [(0.0, b"")] * len(settings.nodes)
        self._names = [escaped(name) for name in settings.nodes]
        self._heads: dict[Attempt, Node] = {}
        self._received: dict[Attempt, int] = {}
        # How many attempts of a task have failed, if some have.
        self._failures = past.attempts.copy() if past else {}
        # By their nodes, the attempts without a result whose processes were not reaped yet.
        self._unreaped: dict[int, _Line] = {}
        self._now: _Moment = (0.0, b"")

    def node_added(self, name: bytes) -> None:
        """Keep account of one more node."""
        super().node_added(name)
        self._began.append((0.0, b""))
        self._names.append(escaped(name))

    @property
    def now(self) -> float:
        """The time in seconds, as the last ``TimePassed`` had it."""
        return self._now[0]

    @now.setter
    def now(self, now: float) -> None:
        self._now = now, self._buffer.start_time(now)
        self._inner.now = now

    # Octets

    def begun(self, node: Node, attempt: Attempt) -> None:
        """Note when an attempt began."""
        self._heads[attempt] = node
        self._began[node.index] = self._now
        start = len(self._commands)
        super().begun(node, attempt)
        self._order.follow(start)

    def line(self, attempt: Attempt, line: bytes | bytearray) -> None:
        """Count the octets of a line."""
        size = len(line)  # before it belongs to somebody else
        self._received[attempt] = self._received.get(attempt, 0) + size
        start = len(self._commands)
        super().line(attempt, line)
        self._order.follow(start)

    def lines(self, attempt: Attempt, lines: bytes) -> None:
        """Count the octets of lines."""
        self._received[attempt] = self._received.get(attempt, 0) + len(lines)
        start = len(self._commands)
        super().lines(attempt, lines)
        self._order.follow(start)

    def blank_lines(self, attempt: Attempt, count: int) -> None:
        """Count the octets of blank lines."""
        self._received[attempt] = self._received.get(attempt, 0) + count
        start = len(self._commands)
        super().blank_lines(attempt, count)
        self._order.follow(start)

    def failed(self, attempt: Attempt, dropped: Sequence[bytes]) -> None:
        """Count what is printed of a failure."""
        start = len(self._commands)
        super().failed(attempt, dropped)
        self._order.follow(start)

    def flush(self) -> None:
        """Log the groups that do not wait any more."""
        start = len(self._commands)
        super().flush()
        self._order.follow(start)

    # Ends

    def _exchange(
        self,
        node: Node,
        attempt: Attempt,
        received: int,
        written: int,
        next_id: int,  # noqa: ARG002 (nothing is logged of an attempt before its end)
        next_task: bytes,  # noqa: ARG002
    ) -> None:
        """Log a whole result that the fast path writes; the next attempt of the node begins."""
        task, now, index, order = attempt.task, self._now, node.index, self._order
        if self._received:
            received += self._received.pop(attempt, 0)
        success = FIRST_SUCCESS
        if self._failures:
            success = b"%d\tsuccess" % (1 + self._failures.pop(attempt.task_id, 0))
        began, start_time = self._began[index]
        self._began[index] = now
        order.written = end = order.written + written
        # What LogBuffer.add does stands here once more: it would double the time.
        self._add_fields(
            (
                attempt.task_id,
                self._names[index],
                start_time,
                now[0] - began,
                len(task) + 1,
                received,
                NO_FAILURE,
                escaped(task) if b"\t" in task else task,
                success,
                hexlify(sha256(task).digest()[:HASH_OCTETS]),
                end,
            )
        )
        self._add_end(end)

    def done(self, node: Node, attempt: Attempt) -> None:
        """Log a result when all of it was written."""
        del self._heads[attempt]
        exitval, status = _exitval_of(node), joblog.SUCCESS
        if self._has_status and attempt.status is not Status.SUCCESS:
            exitval = exitval or 1
        if exitval:
            status = joblog.FAILURE
        line = self._line(node, attempt, exitval, status, is_complete=True)
        self._failures.pop(attempt.task_id, None)
        start = len(self._commands)
        if self.is_muted:
            super().done(node, attempt)
        elif self.holds_output:
            self._order.attach(attempt.task_id, line)
            super().done(node, attempt)
            self._order.follow(start)
        else:
            super().done(node, attempt)
            self._order.follow(start)
            self._order.add(line)

    def forget(self, attempt: Attempt) -> None:
        """Note that an attempt is not finished; it is logged when its process is reaped."""
        node = self._heads[attempt]
        line = self._line(node, attempt, _exitval_of(node), joblog.LOST, is_complete=False)
        self._unreaped[node.index] = line
        start = len(self._commands)
        super().forget(attempt)
        self._order.follow(start)

    def given_up(self, attempt: Attempt, reason: bytes) -> None:
        """Note that another attempt follows; log this one now if it had a result."""
        node = self._heads.pop(attempt)
        line = self._unreaped[node.index]
        exitval = line.entry.exitval or 1
        if reason is accounts.TIME_LIMIT:
            exitval = joblog.TIME_LIMIT_EXITVAL
        line.entry = line.entry._replace(status=joblog.RETRIED, exitval=exitval)
        self._failures[attempt.task_id] = line.entry.attempt
        start = len(self._commands)
        super().given_up(attempt, reason)
        self._order.follow(start)
        if reason not in _WITHOUT_RESULT:
            del self._unreaped[node.index]
            line.is_complete = True
            self._order.add(line)

    def no_result(
        self, node: Node, attempt: Attempt, dropped: Sequence[bytes], reason: bytes
    ) -> None:
        """Note why a task failed."""
        del self._heads[attempt]
        line = self._unreaped[node.index]
        exitval = joblog.TIME_LIMIT_EXITVAL if reason is accounts.TIME_LIMIT else 1
        line.entry = line.entry._replace(status=_WITHOUT_RESULT[reason], exitval=exitval)
        self._failures.pop(attempt.task_id, None)
        if self.holds_output:
            self._order.attach(attempt.task_id, line)
        start = len(self._commands)
        super().no_result(node, attempt, dropped, reason)
        self._order.follow(start)

    def before(self, reaped: Callable[[NodeReaped], bool]) -> Callable[[NodeReaped], bool]:
        """Return a handler of an event that logs first what was lost with the node."""

        def handle(event: NodeReaped) -> bool:
            self._log_lost(event)
            return reaped(event)

        return handle

    def _log_lost(self, event: NodeReaped) -> None:
        line = self._unreaped.pop(event.node, None)
        if line is None:
            return
        self._heads.pop(line.attempt, None)
        status = event.status or 0
        exitval = line.entry.exitval
        if exitval != joblog.TIME_LIMIT_EXITVAL:
            exitval = max(1, status)
        line.entry = line.entry._replace(exitval=exitval, signal=max(0, -status))
        line.is_complete = True
        if line.is_in_group:
            self._order.log()
        else:
            self._order.add(line)

    def _line(
        self, node: Node, attempt: Attempt, exitval: int, status: bytes, *, is_complete: bool
    ) -> _Line:
        began, _ = self._began[node.index]
        entry = LogEntry(
            attempt.task_id,
            attempt.task,
            node.name,
            began,
            self.now - began,
            self._received.pop(attempt, 0),
            exitval,
            0,
            1 + self._failures.get(attempt.task_id, 0),
            status,
        )
        return _Line(attempt, entry, is_complete=is_complete)


def _exitval_of(node: Node) -> int:
    """Return the exit status of the last command that a node ran, if it runs one per task."""
    framer = node.framer
    return framer.exit_status if type(framer) is ExecFramer else 0
