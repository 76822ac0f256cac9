"""Commands: the outputs of the engine, in the imperative.

Treat commands as immutable, see :class:`~paexec_trio.core.record.Record`.
"""

from __future__ import annotations

from enum import Enum, IntEnum
from typing import TYPE_CHECKING, NamedTuple, final

from paexec_trio.core.record import Record

if TYPE_CHECKING:
    from paexec_trio.core.joblog import LogEntry
    from paexec_trio.core.rendering import LazyLines
    from paexec_trio.core.status import Status


class Purpose(IntEnum):
    """The reason for a deadline, and the action that follows when it passes.

    The action is a case in ``Engine._deadline_passed`` or ``Terminator.deadline_passed``.
    """

    TERMINATE = 1
    """Send SIGTERM to the nodes that are still there."""
    KILL = 2
    """Send SIGKILL to the nodes that are still there."""
    GIVE_UP = 3
    """Give up the output, because nobody reads it. Each octet written postpones this deadline."""
    REAP = 4
    """Send a dead node SIGTERM; the next time SIGKILL; then leave its processes."""
    RESTART = 5
    """Start the dead nodes again."""
    NOTICE = 6
    """Name the nodes that a finished run still waits for."""
    LEAVE = 7
    """Leave the nodes that are still there after SIGKILL."""
    TIME_LIMIT = 8
    """End a node whose calculator has worked on its task for too long."""
    DELAY = 9
    """Dispatch the next task."""
    LOOK = 10
    """Look for nodes that hold a task and have written nothing for too long."""
    LISTEN = 11
    """Look for nodes that have missed too many beats."""


@final
class Deadline(NamedTuple):
    """The name of a deadline. A purpose has one deadline per run, per node or per attempt.

    No command cancels a deadline. When it passes, the engine checks whether it still applies.

    Attributes:
        purpose: the action that follows.
        node: the node, or -1 for the whole run.
        task_id: the task of the attempt, or 0 if the deadline is not about an attempt.
    """

    purpose: Purpose
    node: int = -1
    task_id: int = 0


class Change(Enum):
    """How a node has changed."""

    STARTED = "started"
    """Its process runs; it takes tasks."""
    NOT_STARTED = "not started"
    """Its process could not be started."""
    DIED = "died"
    """No result can come from it any more, though its work was not done."""
    ENDED = "ended"
    """Its processes are gone, or those that survived SIGKILL were given up."""


@final
class AddNode(Record):
    """Remember one more node; its index is the next one."""

    __slots__ = __match_args__ = ("name",)

    def __init__(self, name: bytes) -> None:
        self.name = name


@final
class StartNode(Record):
    """Start the node's process; answered by ``NodeStarted`` or ``NodeNotStarted``."""

    __slots__ = __match_args__ = ("node",)

    def __init__(self, node: int) -> None:
        self.node = node


@final
class Send(Record):
    """Send octets to the calculator, after the octets that are still unsent."""

    __slots__ = __match_args__ = ("node", "data")

    def __init__(self, node: int, data: bytes) -> None:
        self.node = node
        self.data = data


@final
class CloseStdin(Record):
    """Close the calculator's standard input now, and drop unsent octets."""

    __slots__ = __match_args__ = ("node",)

    def __init__(self, node: int) -> None:
        self.node = node


@final
class KillNode(Record):
    """Send SIGTERM, or with ``force`` SIGKILL, to all processes of the node."""

    __slots__ = __match_args__ = ("node", "force")

    def __init__(self, node: int, force: bool) -> None:
        self.node = node
        self.force = force


@final
class LeaveNode(Record):
    """Stop waiting for a node that survives SIGKILL; answered by ``NodeReaped``."""

    __slots__ = __match_args__ = ("node",)

    def __init__(self, node: int) -> None:
        self.node = node


@final
class Write(Record):
    """Write octets to standard output. A run uses either this command or ``Release``."""

    __slots__ = __match_args__ = ("data",)

    def __init__(self, data: bytes | bytearray) -> None:
        self.data = data


@final
class WriteLines(Record):
    """Write lines with their prefixes to standard output, in pieces, as the reader takes them."""

    __slots__ = __match_args__ = ("lines",)

    def __init__(self, lines: LazyLines) -> None:
        self.lines = lines


@final
class Hold(Record):
    """Append octets to the group's held output; create the group if it does not exist."""

    __slots__ = __match_args__ = ("group", "data")

    def __init__(self, group: int, data: bytes | bytearray) -> None:
        self.group = group
        self.data = data


@final
class HoldLines(Record):
    """Append lines with their prefixes to the group's held output, as ``Hold`` does."""

    __slots__ = __match_args__ = ("group", "lines")

    def __init__(self, group: int, lines: LazyLines) -> None:
        self.group = group
        self.lines = lines


@final
class Join(Record):
    """Move the held output of ``other`` to the end of ``group``; either may be empty."""

    __slots__ = __match_args__ = ("group", "other")

    def __init__(self, group: int, other: int) -> None:
        self.group = group
        self.other = other


@final
class Release(Record):
    """Write the group's held output to standard output, after all other output."""

    __slots__ = __match_args__ = ("group",)

    def __init__(self, group: int) -> None:
        self.group = group


@final
class Discard(Record):
    """Drop the group's held output."""

    __slots__ = __match_args__ = ("group",)

    def __init__(self, group: int) -> None:
        self.group = group


@final
class PrintErrors(Record):
    """Write octets of calculators to standard error, after the output so far."""

    __slots__ = __match_args__ = ("data",)

    def __init__(self, data: bytes | LazyLines) -> None:
        self.data = data


@final
class HoldErrors(Record):
    """Append octets of calculators to the group's held errors, as ``Hold`` does with output."""

    __slots__ = __match_args__ = ("group", "data")

    def __init__(self, group: int, data: bytes) -> None:
        self.group = group
        self.data = data


@final
class JoinErrors(Record):
    """Move the held errors of ``other`` to the end of ``group``; the latter may have none."""

    __slots__ = __match_args__ = ("group", "other")

    def __init__(self, group: int, other: int) -> None:
        self.group = group
        self.other = other


@final
class ReleaseErrors(Record):
    """Write the group's held errors to standard error, after the output so far."""

    __slots__ = __match_args__ = ("group",)

    def __init__(self, group: int) -> None:
        self.group = group


@final
class StoreOutput(Record):
    """Append lines of a result to the stored output of the task (PTK-051)."""

    __slots__ = __match_args__ = ("task_id", "data")

    def __init__(self, task_id: int, data: bytes | bytearray | LazyLines) -> None:
        self.task_id = task_id
        self.data = data


@final
class StoreErrors(Record):
    """Append octets of a calculator's standard error to those stored for the task (PTK-052)."""

    __slots__ = __match_args__ = ("task_id", "data")

    def __init__(self, task_id: int, data: bytes) -> None:
        self.task_id = task_id
        self.data = data


@final
class StoreResult(Record):
    """Give the stored output of the task its place: the task is done.

    ``left_out``: how many octets at the end of the stored output do not belong there. ``reason``:
    why the task failed without a result, or nothing.
    """

    __slots__ = __match_args__ = ("task_id", "task", "left_out", "reason")

    def __init__(self, task_id: int, task: bytes, left_out: int = 0, reason: bytes = b"") -> None:
        self.task_id = task_id
        self.task = task
        self.left_out = left_out
        self.reason = reason


@final
class DropStored(Record):
    """Drop the stored output of the task, if there is any: its attempt has failed."""

    __slots__ = __match_args__ = ("task_id",)

    def __init__(self, task_id: int) -> None:
        self.task_id = task_id


@final
class Deliver(Record):
    """Deliver the result of a task; only :class:`~paexec_trio.core.collecting.Collector` does.

    ``output``: the octets that the calculator wrote, without the EOT. ``node``: the node that did
    the task. ``status``: ``None`` in flat mode. ``attempts``: how many were made.
    ``dropped``: the tasks that will not be run because of this one's status. ``seconds``: the time
    from when the calculator began to work on it to its EOT. ``reason``: why there is no result, or
    nothing. ``exit_status``: that of the command, ``None`` if a calculator did the task.
    ``stderr``: the octets of the task on standard error, if they are kept.
    """

    __slots__ = __match_args__ = (
        "task_id",
        "task",
        "output",
        "node",
        "status",
        "attempts",
        "dropped",
        "seconds",
        "reason",
        "exit_status",
        "stderr",
    )

    def __init__(
        self,
        task_id: int,
        task: bytes,
        output: bytes,
        node: int,
        status: Status | None = None,
        attempts: int = 1,
        dropped: tuple[bytes, ...] = (),
        seconds: float = 0.0,
        reason: bytes = b"",
        exit_status: int | None = None,
        stderr: bytes = b"",
    ) -> None:
        self.task_id = task_id
        self.task = task
        self.output = output
        self.node = node
        self.status = status
        self.attempts = attempts
        self.dropped = dropped
        self.seconds = seconds
        self.reason = reason
        self.exit_status = exit_status
        self.stderr = stderr


@final
class TellChange(Record):
    """Tell of a change of a node; only :class:`~paexec_trio.core.collecting.Collector` does.

    ``reason``: why it was not started, or how it ended.
    """

    __slots__ = __match_args__ = ("node", "change", "reason")

    def __init__(self, node: int, change: Change, reason: bytes = b"") -> None:
        self.node = node
        self.change = change
        self.reason = reason


@final
class LogAttempt(Record):
    """Log an attempt as soon as the first ``end`` octets of the output are written."""

    __slots__ = __match_args__ = ("entry", "end")

    def __init__(self, entry: LogEntry, end: int) -> None:
        self.entry = entry
        self.end = end


@final
class Report(Record):
    """Write a diagnostic and a newline to standard error, after the output so far."""

    __slots__ = __match_args__ = ("text",)

    def __init__(self, text: bytes) -> None:
        self.text = text


@final
class ReadMore(Record):
    """Read one more chunk of standard input; answered by one ``Stdin...`` event."""

    __slots__ = ()


@final
class DrainOutput(Record):
    """Emit ``OutputDrained`` when all output is written."""

    __slots__ = ()


@final
class SetDeadline(Record):
    """Emit ``DeadlinePassed`` after ``seconds``; setting the same deadline again replaces it."""

    __slots__ = __match_args__ = ("deadline", "seconds")

    def __init__(self, deadline: Deadline, seconds: float) -> None:
        self.deadline = deadline
        self.seconds = seconds


@final
class Exit(Record):
    """End the run; always the last command.

    ``signal``: the signal that ends the program, or 0 to exit with ``status``.
    """

    __slots__ = __match_args__ = ("status", "signal")

    def __init__(self, status: int = 0, signal: int = 0) -> None:
        self.status = status
        self.signal = signal


Command = (
    AddNode
    | StartNode
    | Send
    | CloseStdin
    | KillNode
    | LeaveNode
    | Write
    | WriteLines
    | Hold
    | HoldLines
    | Join
    | Release
    | Discard
    | PrintErrors
    | HoldErrors
    | JoinErrors
    | ReleaseErrors
    | StoreOutput
    | StoreErrors
    | StoreResult
    | DropStored
    | Deliver
    | TellChange
    | LogAttempt
    | Report
    | ReadMore
    | DrainOutput
    | SetDeadline
    | Exit
)
