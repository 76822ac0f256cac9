"""A node, and the attempts that it holds."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, final

from paexec_trio.core.framing import NEWLINE
from paexec_trio.core.states import TRANSITIONS, IllegalStepError, NodeState, Step
from paexec_trio.core.status import Status

if TYPE_CHECKING:
    from paexec_trio.core.execmode import ExecFramer
    from paexec_trio.core.framing import ResultFramer
    from paexec_trio.core.windowcontrol import WindowController


@final
class Attempt:
    """One dispatch of one task to one node.

    Attributes:
        prefix: the text in front of each line printed for this attempt.
        status: the status in the last line of its result so far.
    """

    __slots__ = ("prefix", "status", "task", "task_id")

    def __init__(self, task_id: int, task: bytes, prefix: bytes) -> None:
        self.task_id = task_id
        self.task = task
        self.prefix = prefix
        self.status = Status.MISSING


@final
class Record:
    """The record of a node over all its processes.

    Attributes:
        fruitless: how many of its processes in a row have died without having ended a task, those
            that could not be started included.
        deaths: how many of its processes died.
        answered: how many tasks its earlier processes ended.
        written_for: the id of the last task of which a part of the result came, and not all.
    """

    __slots__ = ("answered", "deaths", "fruitless", "written_for")

    def __init__(self) -> None:
        self.fruitless = self.deaths = self.answered = self.written_for = 0


@final
class Node:
    """One node.

    A restart gives the node a new process; the object stays the same.

    Attributes:
        answered: how many tasks its process has ended, by an EOT.
        attempts: the queue of attempts that it holds, oldest first. Its calculator works on the
            first one, the *head*; there are others with ``--prefetch`` only.
        controller: finds how many tasks its process should hold, with ``--prefetch auto``.
        took_back_tasks: whether tasks that its process may have received were taken back (PRE-033).
        died: whether its process ended although its input was open, and is to be ended (DTH-004).
        record: what became of its processes.
        stray_end: the last octets that it wrote outside of a task after the end of its input, at
            first a newline; they may be the beginning of an EOT line.
        exited: whether its process has ended, so that only others can still hold its output.
        signals_sent: how many signals its processes were sent after its death.
    """

    __slots__ = (
        "answered",
        "attempts",
        "controller",
        "died",
        "exited",
        "framer",
        "index",
        "name",
        "pid",
        "record",
        "signals_sent",
        "state",
        "stray_end",
        "stray_octets_reported",
        "took_back_tasks",
    )

    def __init__(self, index: int, name: bytes, framer: ResultFramer | ExecFramer) -> None:
        self.index = index
        self.name = name
        self.framer = framer
        self.state = NodeState.NEW
        self.pid = 0
        self.attempts: deque[Attempt] = deque()
        self.answered = 0
        self.record = Record()
        self.stray_end = NEWLINE
        self.stray_octets_reported = False
        self.took_back_tasks = False
        self.died = False
        self.controller: WindowController | None = None
        self.exited = False
        self.signals_sent = 0

    def begin_life(self, pid: int, *, will_greet: bool = False) -> None:
        """Record that a new process of the node runs; forget the earlier one.

        Args:
            pid: its id.
            will_greet: whether it tells when its calculator begins.
        """
        self.step(Step.LAUNCHED if will_greet else Step.STARTED)
        self.pid = pid
        self.record.answered += self.answered
        self.answered = 0
        self.took_back_tasks = False
        self.died = self.exited = False
        self.signals_sent = 0

    def step(self, step: Step) -> None:
        """Move on to the next state.

        Raises:
            IllegalStepError: the table of transitions does not allow it.
        """
        try:
            self.state = TRANSITIONS[self.state, step]
        except KeyError:
            raise IllegalStepError(self.state, step) from None
