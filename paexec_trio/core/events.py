"""Events: the inputs of the engine, in the past tense.

Nodes are named by their index. Treat events as immutable, see
:class:`~paexec_trio.core.record.Record`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from paexec_trio.core.record import Record

if TYPE_CHECKING:
    from paexec_trio.core.commands import Deadline


@final
class RunStarted(Record):
    """The run begins; the first event of every run.

    ``nonce``: letters and digits that no command can guess, if a command is run per task.
    ``token``: the text by which nodes greet and beat, if they do.
    """

    __slots__ = __match_args__ = ("nonce", "token")

    def __init__(self, nonce: bytes = b"", token: bytes = b"") -> None:
        self.nonce = nonce
        self.token = token


@final
class TimePassed(Record):
    """The clock shows ``now`` seconds; the first event of each batch, with ``AUTO`` only."""

    __slots__ = __match_args__ = ("now",)

    def __init__(self, now: float) -> None:
        self.now = now


@final
class NodeStarted(Record):
    """The node's process runs and accepts tasks."""

    __slots__ = __match_args__ = ("node", "pid")

    def __init__(self, node: int, pid: int) -> None:
        self.node = node
        self.pid = pid


@final
class NodeNotStarted(Record):
    """The node's process could not be started; ``reason`` says what and why, for people.

    ``permanent``: another start would fail as well, because there is no such program.
    """

    __slots__ = __match_args__ = ("node", "reason", "permanent")

    def __init__(self, node: int, reason: bytes, permanent: bool = False) -> None:
        self.node = node
        self.reason = reason
        self.permanent = permanent


@final
class NodeOutput(Record):
    """The calculator wrote these octets; never empty."""

    __slots__ = __match_args__ = ("node", "data")

    def __init__(self, node: int, data: bytes) -> None:
        self.node = node
        self.data = data


@final
class NodeErrors(Record):
    """The calculator wrote these octets on its standard error; only if that is read; never empty.

    Comes before the ``NodeOutput`` with what the calculator wrote after them.
    """

    __slots__ = __match_args__ = ("node", "data")

    def __init__(self, node: int, data: bytes) -> None:
        self.node = node
        self.data = data


@final
class NodeUnread(Record):
    """The node has written something that is not read yet, because nobody takes our results.

    Comes before the ``DeadlinePassed`` of a look at silent nodes.
    """

    __slots__ = __match_args__ = ("node",)

    def __init__(self, node: int) -> None:
        self.node = node


@final
class NodeUnwritable(Record):
    """The node does not accept input any more, though its output has not ended.

    ``unsent``: how many of the last octets sent did not reach it.
    """

    __slots__ = __match_args__ = ("node", "reason", "unsent")

    def __init__(self, node: int, reason: bytes, unsent: int = 0) -> None:
        self.node = node
        self.reason = reason
        self.unsent = unsent


@final
class NodeEnded(Record):
    """No result can come from this node any more: its output or its process ended.

    ``exited``: its process has ended; only other processes can still hold its output open.
    """

    __slots__ = __match_args__ = ("node", "exited")

    def __init__(self, node: int, exited: bool = False) -> None:
        self.node = node
        self.exited = exited


@final
class NodeReaped(Record):
    """Nothing is left of this node's processes. Comes after :class:`NodeEnded`.

    ``left_running``: its process still runs, because it may not be signalled or survived SIGKILL;
    the run no longer waits for it. ``status``: its exit status, negative for a signal, ``None`` if
    unknown.
    """

    __slots__ = __match_args__ = ("node", "left_running", "status")

    def __init__(self, node: int, left_running: bool = False, status: int | None = None) -> None:
        self.node = node
        self.left_running = left_running
        self.status = status


@final
class StdinChunk(Record):
    """These octets were read from standard input; never empty."""

    __slots__ = __match_args__ = ("data",)

    def __init__(self, data: bytes) -> None:
        self.data = data


@final
class TaskAdded(Record):
    """A program added a task; ``after``: the tasks that it depends on and that are not done."""

    __slots__ = __match_args__ = ("task_id", "task", "after")

    def __init__(self, task_id: int, task: bytes, after: tuple[int, ...] = ()) -> None:
        self.task_id = task_id
        self.task = task
        self.after = after


@final
class DrainRequested(Record):
    """Somebody wants the node to take no more tasks, and to end when it has done those it holds."""

    __slots__ = __match_args__ = ("node",)

    def __init__(self, node: int) -> None:
        self.node = node


@final
class NodeAdded(Record):
    """Somebody wants one more node, of this name."""

    __slots__ = __match_args__ = ("name",)

    def __init__(self, name: bytes) -> None:
        self.name = name


@final
class NodesWanted(Record):
    """Somebody wants these nodes, each as often as it is named, and no others."""

    __slots__ = __match_args__ = ("names",)

    def __init__(self, names: tuple[bytes, ...]) -> None:
        self.names = names


@final
class FinishRequested(Record):
    """Somebody wants no more tasks to be started; those that have begun are finished."""

    __slots__ = ()


@final
class StdinEnded(Record):
    """Standard input is at its end."""

    __slots__ = ()


@final
class StdinFailed(Record):
    """Standard input cannot be read."""

    __slots__ = __match_args__ = ("reason",)

    def __init__(self, reason: bytes) -> None:
        self.reason = reason


@final
class OutputClosed(Record):
    """The reader of standard output is gone."""

    __slots__ = ()


@final
class OutputFailed(Record):
    """Writing to standard output failed."""

    __slots__ = __match_args__ = ("reason",)

    def __init__(self, reason: bytes) -> None:
        self.reason = reason


@final
class HoldingFailed(Record):
    """Spilling held output failed: disk full, or the file is unreadable.

    Output that was held before is still there, unless it could not be read.
    """

    __slots__ = __match_args__ = ("reason",)

    def __init__(self, reason: bytes) -> None:
        self.reason = reason


@final
class LogFailed(Record):
    """Attempts cannot be logged any more; ``reason`` names the file and says why."""

    __slots__ = __match_args__ = ("reason",)

    def __init__(self, reason: bytes) -> None:
        self.reason = reason


@final
class StoringFailed(Record):
    """Results cannot be stored any more; ``reason`` says where and why. Happens once at most."""

    __slots__ = __match_args__ = ("reason",)

    def __init__(self, reason: bytes) -> None:
        self.reason = reason


@final
class OutputDrained(Record):
    """All output has been written; the answer to ``DrainOutput``."""

    __slots__ = ()


@final
class DeadlinePassed(Record):
    """The time of a ``SetDeadline`` is over."""

    __slots__ = __match_args__ = ("deadline",)

    def __init__(self, deadline: Deadline) -> None:
        self.deadline = deadline


@final
class StopRequested(Record):
    """Somebody wants the run to end, by this signal."""

    __slots__ = __match_args__ = ("signal",)

    def __init__(self, signal: int) -> None:
        self.signal = signal


Event = (
    RunStarted
    | TimePassed
    | NodeStarted
    | NodeNotStarted
    | NodeOutput
    | NodeErrors
    | NodeUnread
    | NodeUnwritable
    | NodeEnded
    | NodeReaped
    | StdinChunk
    | TaskAdded
    | DrainRequested
    | NodeAdded
    | NodesWanted
    | FinishRequested
    | StdinEnded
    | StdinFailed
    | OutputClosed
    | OutputFailed
    | HoldingFailed
    | LogFailed
    | StoringFailed
    | OutputDrained
    | DeadlinePassed
    | StopRequested
)
