"""What is to be done: the outputs of the engine, in the imperative.

Treat commands as immutable, see :mod:`paexec_trio.core.events`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Timer(IntEnum):
    """The timers of a run; each of them runs at most once at a time."""

    TERMINATE = 1
    """Nodes that are still there receive SIGTERM."""
    KILL = 2
    """Nodes that are still there receive SIGKILL."""
    GIVE_UP = 3
    """Nobody takes the output. The time starts anew whenever some of it is written."""
    BURY = 4
    """What is left of dead nodes receives SIGTERM, or SIGKILL if it was not enough."""
    RESTART = 5
    """Dead nodes are started again."""


@dataclass(slots=True)
class StartNode:
    """Start the node's process; answered by ``NodeStarted`` or ``NodeNotStarted``."""

    node: int


@dataclass(slots=True)
class Send:
    """Send these octets to the calculator, after those that are still on their way."""

    node: int
    data: bytes


@dataclass(slots=True)
class CloseStdin:
    """Close the calculator's standard input now, dropping what was not sent yet."""

    node: int


@dataclass(slots=True)
class KillNode:
    """Send SIGTERM, or with ``force`` SIGKILL, to all processes of the node."""

    node: int
    force: bool


@dataclass(slots=True)
class Write:
    """Write these octets to standard output. A run has commands of this type, or ``Release``."""

    data: bytes | bytearray


@dataclass(slots=True)
class Hold:
    """Keep these octets for later, at the end of the group; there is one if there was none."""

    group: int
    data: bytes | bytearray


@dataclass(slots=True)
class Join:
    """Move what is held in ``other`` to the end of ``group``; either may hold nothing."""

    group: int
    other: int


@dataclass(slots=True)
class Release:
    """Write what is held in the group to standard output, after all that is to be written."""

    group: int


@dataclass(slots=True)
class Discard:
    """Forget what is held in the group."""

    group: int


@dataclass(slots=True)
class Report:
    """Write this diagnostic and a newline to standard error, after the output so far."""

    text: bytes


@dataclass(slots=True)
class ReadMore:
    """Read one more chunk of standard input; answered by one ``Stdin...`` event."""


@dataclass(slots=True)
class DrainOutput:
    """Say ``OutputDrained`` when everything is written."""


@dataclass(slots=True)
class SetTimer:
    """Say ``TimerFired`` in so many seconds."""

    timer: Timer
    seconds: float


@dataclass(slots=True)
class Exit:
    """The run is over; always the last command.

    ``signal`` is the signal by which the program is to end, or 0 to end with ``status``.
    """

    status: int = 0
    signal: int = 0


Command = (
    StartNode
    | Send
    | CloseStdin
    | KillNode
    | Write
    | Hold
    | Join
    | Release
    | Discard
    | Report
    | ReadMore
    | DrainOutput
    | SetTimer
    | Exit
)
