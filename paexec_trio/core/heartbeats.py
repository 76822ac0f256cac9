"""Heartbeats: tokens that each node writes on its standard error (SIL-020 to SIL-023).

They tell the silence of a link from that of a calculator that works for a long time. Twice per
interval the nodes are looked at. As with stuck nodes, looks are counted and not seconds.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, final

from paexec_trio.core.commands import Command, Deadline, Purpose, SetDeadline
from paexec_trio.core.silence import MISSED
from paexec_trio.core.states import NodeState
from paexec_trio.core.tokens import TokenFilter

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from paexec_trio.core.nodes import Node

_LOOKS = 2
"""How often the nodes are looked at per interval."""

RUNNING = {
    *(NodeState.CONNECTING, NodeState.IDLE, NodeState.BUSY, NodeState.DRAINING),
    *(NodeState.HALF_CLOSED, NodeState.CLOSING),
}
"""The states of a node that has to beat."""


@final
class Heartbeats:
    """Takes the beats out of what nodes write on their standard error, and misses those that lack.

    Args:
        seconds: the time between two beats.
        nodes: all nodes, by their indices.
        commands: the list that all parts of the engine share.

    Attributes:
        patience: the seconds without a beat after which a node is dead.
    """

    def __init__(self, seconds: float, nodes: Sequence[Node], commands: list[Command]) -> None:
        self._between = seconds / _LOOKS
        self.patience = MISSED * seconds
        self._nodes = nodes
        self._commands = commands
        self._token = b""
        self._filters: dict[int, TokenFilter] = {}
        self._silent_looks: defaultdict[int, int] = defaultdict(int)

    def begin(self, token: bytes) -> None:
        """Learn the token of this run; arrange the first look."""
        self._token = token
        self.arrange()

    def started(self, index: int) -> None:
        """Expect beats of a new process of a node."""
        self._filters[index] = TokenFilter(self._token)
        self._silent_looks[index] = 0

    def errors(self, index: int, data: bytes) -> bytes:
        """Take octets that a node wrote on its standard error; return those that are no beats."""
        if index not in self._filters:
            return data
        rest, beats = self._filters[index].take(data)
        if beats:
            self._silent_looks[index] = 0
        return rest

    def heard(self, index: int) -> None:
        """Record that a node may have beaten, and was not read: octets wait on the way."""
        self._silent_looks[index] = 0

    def ended(self, index: int) -> bytes:
        """Return the last octets of a node's standard error: nothing is left of it."""
        kept = self._filters.pop(index, None)
        return kept.rest() if kept else b""

    def arrange(self) -> None:
        """Set the deadline of the next look."""
        self._commands.append(SetDeadline(Deadline(Purpose.LISTEN), self._between))

    def look(self) -> Iterator[Node]:
        """Yield the nodes that have missed too many beats; arrange the next look."""
        self.arrange()
        for node in self._nodes:
            if node.state not in RUNNING or node.exited:
                continue
            self._silent_looks[node.index] += 1
            if self._silent_looks[node.index] > _LOOKS * MISSED:
                yield node
