"""Facts that a run tells the program: results, statistics, changes of nodes."""

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
        output: the octets that the calculator wrote for it, without the end-of-task marker.
        status: whether the task succeeded; ``None`` if calculators state no status.
        node: the name of the node that did it; empty for a task that was not run.
        attempts: how many attempts were made, 0 for a task that was not run.
        seconds: the time from when the calculator began to work on it, in the last attempt, until
            its end was read.
    """

    task_id: int
    task: bytes
    output: bytes
    status: Status | None
    node: bytes
    attempts: int
    seconds: float

    @property
    def lines(self) -> list[bytes]:
        """The lines of the output, without their newlines."""
        return self.output.split(NEWLINE)[:-1]


@final
class NodeChange(NamedTuple):
    """A change of a node.

    Attributes:
        node: the name of the node.
        change: what has become of it.
        reason: why it was not started, or how it ended, for people; otherwise empty.
    """

    node: bytes
    change: Change
    reason: str


@final
class Statistics(NamedTuple):
    """A run at one moment.

    Attributes:
        done: how many tasks have been answered, by a failure, too.
        failed: how many of these did not succeed; 0 if calculators state no status.
        in_flight: how many tasks nodes hold.
        waiting: how many tasks wait for a node, or for other tasks.
        unreceived: how many results wait to be received.
        nodes: the nodes: name, state, and how many tasks each holds.
    """

    done: int
    failed: int
    in_flight: int
    waiting: int
    unreceived: int
    nodes: tuple[NodeSnapshot, ...]
