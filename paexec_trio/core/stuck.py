"""Stuck nodes: they hold a task and have written nothing for a long time (SIL-010 to SIL-012).

Nothing is recorded per task, so the fast path of results costs the same as without the option. A
deadline passes four times within the time limit, and each time the nodes are compared with their
looks of the last time. Looks are counted, not seconds: a machine that was suspended for an hour has
missed one look, not an hour of octets.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple, final

from paexec_trio.core.commands import Command, Deadline, Purpose, SetDeadline
from paexec_trio.core.states import NodeState

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from paexec_trio.core.nodes import Node
    from paexec_trio.core.silence import Silence

LOOKS = 4
"""How often the nodes are looked at within the time limit."""

LEAST_TO_LEARN = 3
"""How many tasks have ended before there is a limit that was learned (SIL-012)."""

LEAST_LEARNED = 30.0
"""The least limit that is learned, in seconds."""

FACTOR = 10
"""How many times the longest silence so far is the limit that is learned."""

_BETWEEN_LOOKS = 1.0
"""Seconds between two looks if the limit is learned."""


class _Looks(NamedTuple):
    """The last looks at a node that holds a task.

    Attributes:
        trace: changes with each octet that the node writes, and with the task that it works on.
        repeats: how many looks after the first one have found the same.
    """

    trace: tuple[int, int, int]
    repeats: int


class StuckNode(NamedTuple):
    """A node that was silent for too long.

    Attributes:
        node: the node.
        seconds: the limit.
    """

    node: Node
    seconds: float


@final
class StuckWatch:
    """Finds the nodes that hold a task and write nothing.

    Args:
        rules: the time limit.
        nodes: all nodes, by their indices.
        commands: the list that all parts of the engine share.
    """

    def __init__(self, rules: Silence, nodes: Sequence[Node], commands: list[Command]) -> None:
        self._learns = rules.learns
        self._between = _BETWEEN_LOOKS if rules.learns else rules.stuck / LOOKS
        self._least = LEAST_LEARNED if rules.learns else rules.stuck
        self._nodes = nodes
        self._commands = commands
        self._chunks: defaultdict[int, int] = defaultdict(int)
        self._looks: dict[int, _Looks] = {}
        # For the limit that is learned.
        self._ended = 0
        self._longest = 0

    def heard(self, index: int) -> None:
        """Record that a node has written something, other than what the fast path takes."""
        self._chunks[index] += 1

    def arrange(self) -> None:
        """Set the deadline of the next look."""
        self._commands.append(SetDeadline(Deadline(Purpose.LOOK), self._between))

    def look(self) -> Iterator[StuckNode]:
        """Yield the nodes that have been silent for too long, and arrange the next look."""
        self.arrange()
        limit = self._limit()
        for node in self._nodes:
            if not node.attempts:
                self._without_task(node)
            elif self._count(node) >= limit > 0:
                seconds = limit * self._between
                self._looks.pop(node.index)
                if self._learns:
                    # Perhaps its task needs the time: the next node may take twice as long.
                    self._least = 2 * seconds
                yield StuckNode(node, seconds)

    def _count(self, node: Node) -> int:
        """Look at a node that holds a task; return how many looks have found the same."""
        index = node.index
        task_id = node.attempts[0].task_id
        trace = (node.pid, task_id, self._chunks[index])
        last = self._looks.get(index)
        if last and last.trace == trace:
            count = last.repeats + 1
        else:
            count = 0
            if last and last.trace[0] == node.pid:
                self._learn(last, is_end=last.trace[1] != task_id)
        self._looks[index] = _Looks(trace, count)
        return count

    def _without_task(self, node: Node) -> None:
        last = self._looks.pop(node.index, None)
        if last and node.state is NodeState.IDLE and last.trace[0] == node.pid:
            self._learn(last, is_end=True)

    def _learn(self, last: _Looks, *, is_end: bool) -> None:
        """Learn how long a node was silent that has written something since."""
        self._ended += is_end
        self._longest = max(self._longest, last.repeats + 1)

    def _limit(self) -> int:
        """Return after how many equal looks a node is stuck; 0: there is no limit yet."""
        if not self._learns:
            return LOOKS
        if self._ended < LEAST_TO_LEARN:
            return 0
        seconds = max(self._least, FACTOR * self._longest * self._between)
        return int(seconds / self._between)
