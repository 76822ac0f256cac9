"""The objects that a run gives to the program: results, statistics, changes of nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, final

from paexec_trio.core.framing import NEWLINE

if TYPE_CHECKING:
    from paexec_trio.core.commands import Change
    from paexec_trio.core.snapshot import NodeSnapshot
    from paexec_trio.core.status import Status


@final
class Result(NamedTuple):
    """The result of one task.

    Attributes:
        task_id: the number of the task, from 1, in the order in which tasks were given.
        task: the octets of the task.
        output: the octets that the calculator wrote for the task, without the end-of-task marker
            but with the line of the status.
        status: whether the task succeeded; ``None`` without the option ``statuses``, unless there
            is no result.
        node: the name of the node that did the task; empty for a task that was not run.
        attempts: how many times the task was dispatched; 0 for a task that was not run.
        seconds: how long the calculator worked on the last attempt, until the end of the result was
            read.
        exit_status: that of the command, with a :class:`~paexec_trio.CommandPerTask`; otherwise
            ``None``.
        problem: why there is no result, in words such as ``time limit``; empty if there is one.
        stderr: the octets that the calculator wrote on its standard error during all attempts of
            the task, with the option ``stderr="group"``; otherwise empty.
    """

    task_id: int
    task: bytes
    output: bytes
    status: Status | None
    node: bytes
    attempts: int
    seconds: float
    exit_status: int | None = None
    problem: str = ""
    stderr: bytes = b""

    @property
    def lines(self) -> list[bytes]:
        """The lines of the output, without their newlines."""
        return self.output.split(NEWLINE)[:-1]


@final
class NodeChange(NamedTuple):
    """A change of a node.

    Attributes:
        node: the name of the node.
        change: the kind of change.
        reason: why the node was not started, or how it ended, in words; otherwise empty.
    """

    node: bytes
    change: Change
    reason: str


@final
class Statistics(NamedTuple):
    """A run at one moment.

    Attributes:
        done: how many tasks were done, failures included; tasks that are not run do not count.
        failed: how many of these did not succeed; 0 without the option ``statuses``.
        in_flight: how many tasks nodes hold.
        waiting: how many tasks wait for a node or for other tasks.
        unreceived: how many results wait to be received.
        nodes: the name of each node, its state, and how many tasks it holds.
    """

    done: int
    failed: int
    in_flight: int
    waiting: int
    unreceived: int
    nodes: tuple[NodeSnapshot, ...]


@final
class Total(NamedTuple):
    """The number of tasks of a run.

    Attributes:
        tasks: how many there are.
        is_exact: whether all of them were read; otherwise it is an estimate.
    """

    tasks: int
    is_exact: bool
