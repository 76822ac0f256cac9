"""What is to be done: the outputs of the engine, in the imperative.

Treat commands as immutable, see :class:`~paexec_trio.core.record.Record`.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple, final

from paexec_trio.core.record import Record

if TYPE_CHECKING:
    from paexec_trio.core.rendering import LazyLines
    from paexec_trio.core.status import Status


class Purpose(IntEnum):
    """What is to be done when a deadline passes."""

    TERMINATE = 1
    """Send SIGTERM to the nodes that are still there."""
    KILL = 2
    """Send SIGKILL to the nodes that are still there."""
    GIVE_UP = 3
    """Give up the output: nobody takes it. Each octet that is written sets this deadline anew."""
    REAP = 4
    """Send SIGTERM to what is left of a dead node, then SIGKILL, then leave it."""
    RESTART = 5
    """Start the dead nodes again."""
    NOTICE = 6
    """Name the nodes that a finished run still waits for."""
    LEAVE = 7
    """Leave the nodes that are still there after SIGKILL."""


@final
class Deadline(NamedTuple):
    """The name of a deadline; each can be set as often as there are nodes and attempts.

    Attributes:
        purpose: what it is for.
        node: the node that it is about, -1 for the whole run.
        task_id: the task whose attempt it is about, 0 for none.
    """

    purpose: Purpose
    node: int = -1
    task_id: int = 0


@final
class StartNode(Record):
    """Start the node's process; answered by ``NodeStarted`` or ``NodeNotStarted``."""

    __slots__ = __match_args__ = ("node",)

    def __init__(self, node: int) -> None:
        self.node = node


@final
class Send(Record):
    """Send these octets to the calculator, after those that are still on their way."""

    __slots__ = __match_args__ = ("node", "data")

    def __init__(self, node: int, data: bytes) -> None:
        self.node = node
        self.data = data


@final
class CloseStdin(Record):
    """Close the calculator's standard input now, dropping what was not sent yet."""

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
    """Go on without a node that SIGKILL does not end; answered by ``NodeReaped``."""

    __slots__ = __match_args__ = ("node",)

    def __init__(self, node: int) -> None:
        self.node = node


@final
class Write(Record):
    """Write these octets to standard output. A run has commands of this type, or ``Release``."""

    __slots__ = __match_args__ = ("data",)

    def __init__(self, data: bytes | bytearray) -> None:
        self.data = data


@final
class WriteLines(Record):
    """Write these lines to standard output, each with its prefix, as there is room for them."""

    __slots__ = __match_args__ = ("lines",)

    def __init__(self, lines: LazyLines) -> None:
        self.lines = lines


@final
class Hold(Record):
    """Keep these octets for later, at the end of the group; there is one if there was none."""

    __slots__ = __match_args__ = ("group", "data")

    def __init__(self, group: int, data: bytes | bytearray) -> None:
        self.group = group
        self.data = data


@final
class HoldLines(Record):
    """Keep these lines for later, as ``Hold`` does."""

    __slots__ = __match_args__ = ("group", "lines")

    def __init__(self, group: int, lines: LazyLines) -> None:
        self.group = group
        self.lines = lines


@final
class Join(Record):
    """Move what is held in ``other`` to the end of ``group``; either may hold nothing."""

    __slots__ = __match_args__ = ("group", "other")

    def __init__(self, group: int, other: int) -> None:
        self.group = group
        self.other = other


@final
class Release(Record):
    """Write what is held in the group to standard output, after all that is to be written."""

    __slots__ = __match_args__ = ("group",)

    def __init__(self, group: int) -> None:
        self.group = group


@final
class Discard(Record):
    """Forget what is held in the group."""

    __slots__ = __match_args__ = ("group",)

    def __init__(self, group: int) -> None:
        self.group = group


@final
class Deliver(Record):
    """Deliver the result of a task: from :class:`~paexec_trio.core.collecting.Collector` only.

    ``output``: the octets that the calculator wrote, without the EOT. ``node``: the node that did
    the task. ``status``: ``None`` in flat mode. ``attempts``: how many were made.
    ``dropped``: the tasks that will not be run because of this one's status.
    """

    __slots__ = __match_args__ = (
        "task_id",
        "task",
        "output",
        "node",
        "status",
        "attempts",
        "dropped",
    )

    def __init__(
        self,
        task_id: int,
        task: bytes,
        output: bytes,
        node: int,
        *,
        status: Status | None = None,
        attempts: int = 1,
        dropped: tuple[bytes, ...] = (),
    ) -> None:
        self.task_id = task_id
        self.task = task
        self.output = output
        self.node = node
        self.status = status
        self.attempts = attempts
        self.dropped = dropped


@final
class Report(Record):
    """Write this diagnostic and a newline to standard error, after the output so far."""

    __slots__ = __match_args__ = ("text",)

    def __init__(self, text: bytes) -> None:
        self.text = text


@final
class ReadMore(Record):
    """Read one more chunk of standard input; answered by one ``Stdin...`` event."""

    __slots__ = ()


@final
class DrainOutput(Record):
    """Say ``OutputDrained`` when everything is written."""

    __slots__ = ()


@final
class SetDeadline(Record):
    """Emit ``DeadlinePassed`` after ``seconds``, unless the same deadline is set anew before."""

    __slots__ = __match_args__ = ("deadline", "seconds")

    def __init__(self, deadline: Deadline, seconds: float) -> None:
        self.deadline = deadline
        self.seconds = seconds


@final
class Exit(Record):
    """The run is over; always the last command.

    ``signal`` is the signal by which the program is to end, or 0 to end with ``status``.
    """

    __slots__ = __match_args__ = ("status", "signal")

    def __init__(self, status: int = 0, signal: int = 0) -> None:
        self.status = status
        self.signal = signal


Command = (
    StartNode
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
    | Deliver
    | Report
    | ReadMore
    | DrainOutput
    | SetDeadline
    | Exit
)
