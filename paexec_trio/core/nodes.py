"""What the engine knows of one node."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from paexec_trio.core.execmode import ExecFramer
from paexec_trio.core.framing import ResultFramer
from paexec_trio.core.pace import Pace
from paexec_trio.core.states import TRANSITIONS, IllegalStepError, NodeState, Step
from paexec_trio.core.status import Status


@dataclass(slots=True)
class Attempt:
    """One dispatch of one task to one node."""

    task_id: int
    task: bytes
    prefix: bytes
    """What stands in front of each line printed for this attempt."""
    status: Status = Status.MISSING
    """What the last line of its result says so far."""


@dataclass(slots=True)
class Node:
    """One node; ``attempts`` is the queue of attempts that it holds, oldest first.

    Its calculator works on the first one, the *head*; there are others with ``--prefetch`` only.

    A node that is restarted stays the same; only its process is a new one.
    """

    index: int
    name: bytes
    framer: ResultFramer | ExecFramer
    state: NodeState = NodeState.NEW
    pid: int = 0
    attempts: deque[Attempt] = field(default_factory=deque)
    stray_octets_reported: bool = False
    deafened: bool = False
    """Whether tasks that its process may have received were taken back (PRE-033)."""
    died: bool = False
    """Whether its process ended although its input was open, and is to be ended (DTH-004)."""
    pace: Pace | None = None
    """How many tasks its process should hold, with ``--prefetch auto``."""
    terminated: bool = False
    """Whether what is left of it after its death has received SIGTERM."""

    def step(self, step: Step) -> None:
        """Move on to the next state.

        Raises:
            IllegalStepError: the table of transitions does not allow it.
        """
        try:
            self.state = TRANSITIONS[self.state, step]
        except KeyError:
            raise IllegalStepError(self.state, step) from None
