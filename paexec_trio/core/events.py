"""What happened: the inputs of the engine, in the past tense.

Nodes are named by their index. Treat events as immutable; they are not frozen only because a
frozen dataclass takes three times as long to make, and one is made for each chunk.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from paexec_trio.core.commands import Timer


@dataclass(slots=True)
class RunStarted:
    """The run begins; the first event of every run."""

    nonce: bytes = b""
    """Letters and digits that no command can guess; needed with ``Settings.exec_mode`` only."""


@dataclass(slots=True)
class TimePassed:
    """The clock shows so many seconds; the first event of each batch, with ``AUTO`` only."""

    now: float


@dataclass(slots=True)
class NodeStarted:
    """The node's process runs and accepts tasks."""

    node: int
    pid: int


@dataclass(slots=True)
class NodeNotStarted:
    """The node's process could not be started; ``reason`` says what and why, for people."""

    node: int
    reason: bytes


@dataclass(slots=True)
class NodeOutput:
    """The calculator wrote these octets; never empty."""

    node: int
    data: bytes


@dataclass(slots=True)
class NodeUnwritable:
    """The node does not accept input any more, though its output has not ended.

    ``unsent``: how many octets of what it was to be sent did not reach it, the last ones.
    """

    node: int
    reason: bytes
    unsent: int = 0


@dataclass(slots=True)
class NodeEnded:
    """No result can come from this node any more: its output or its process ended."""

    node: int


@dataclass(slots=True)
class NodeGone:
    """Nothing is left of this node's processes. Comes after :class:`NodeEnded`.

    ``left_running``: its process may not be signalled and did not end; nobody waits for it.
    """

    node: int
    left_running: bool = False


@dataclass(slots=True)
class StdinChunk:
    """These octets were read from standard input; never empty."""

    data: bytes


@dataclass(slots=True)
class StdinEnded:
    """Standard input is at its end."""


@dataclass(slots=True)
class StdinFailed:
    """Standard input cannot be read."""

    reason: bytes


@dataclass(slots=True)
class OutputClosed:
    """The reader of standard output is gone."""


@dataclass(slots=True)
class OutputFailed:
    """Writing to standard output failed."""

    reason: bytes


@dataclass(slots=True)
class HoldingFailed:
    """There is no room for what is to be held, or it cannot be read again.

    What is held already is still there, unless it could not be read.
    """

    reason: bytes


@dataclass(slots=True)
class OutputDrained:
    """All that was to be written has been written; the answer to ``DrainOutput``."""


@dataclass(slots=True)
class TimerFired:
    """The time of a ``SetTimer`` is over."""

    timer: Timer


@dataclass(slots=True)
class StopRequested:
    """Somebody wants the run to end, by this signal."""

    signal: int


Event = (
    RunStarted
    | TimePassed
    | NodeStarted
    | NodeNotStarted
    | NodeOutput
    | NodeUnwritable
    | NodeEnded
    | NodeGone
    | StdinChunk
    | StdinEnded
    | StdinFailed
    | OutputClosed
    | OutputFailed
    | HoldingFailed
    | OutputDrained
    | TimerFired
    | StopRequested
)
