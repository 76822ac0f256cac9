"""Starting: nodes are started one after the other, and dead ones again (the chapter Restart)."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, final

from paexec_trio.core.commands import Command, Deadline, Purpose, SetDeadline, StartNode
from paexec_trio.core.states import NodeState, Step

if TYPE_CHECKING:
    from collections.abc import Sequence

    from paexec_trio.core.dispatching import Dispatcher
    from paexec_trio.core.nodes import Node
    from paexec_trio.core.settings import Settings

_REAPED = NodeState.REAPED


@final
class Starter:
    """Starts nodes.

    Args:
        settings: decide whether and when dead nodes are started again.
        nodes: all nodes, by their indices.
        dispatcher: knows how many nodes live.
        commands: the list that all parts of the engine share.

    Attributes:
        restarts: whether dead nodes are started again.
        drained: the indices of nodes that take no more tasks and are not started again.
        is_winding_down: whether no node is needed any more.
        reviving: the indices of nodes that are started again as soon as nothing is left of them.
    """

    def __init__(
        self,
        settings: Settings,
        nodes: Sequence[Node],
        dispatcher: Dispatcher,
        commands: list[Command],
    ) -> None:
        self._restart_after = settings.on_death.restart_after if settings.on_death else 0.0
        self.restarts = self._restart_after > 0
        self._nodes = nodes
        self._dispatcher = dispatcher
        self._commands = commands
        # The nodes to be started now, in this order.
        self._to_start: deque[int] = deque()
        self._is_starting = True
        # Dead nodes will be started when the deadline passes.
        self._is_restart_arranged = False
        # Nodes that joined have deadlines of their own: that of the others may come too early for
        # them (RST-005).
        self._joined: set[int] = set()
        self.drained: set[int] = set()
        self.reviving: set[int] = set()
        self.is_winding_down = False

    def begin(self) -> None:
        """Plan the start of all nodes."""
        self._to_start.extend(range(len(self._nodes)))

    def join(self, node: Node) -> None:
        """Plan the start of a node that was added; start it if the others were started."""
        self._joined.add(node.index)
        self._to_start.append(node.index)
        if not self._is_starting:
            self.start_next()

    def gone(self, node: Node) -> None:
        """Arrange the restart of a node of which nothing is left, if it joined (RST-004)."""
        if self.restarts and node.index in self._joined - self.drained:
            deadline = Deadline(Purpose.RESTART, node.index)
            self._commands.append(SetDeadline(deadline, self._restart_after))

    def restart_joined(self, node: Node) -> None:
        """Start a node again that joined, when its deadline passes."""
        is_needed = not self.is_winding_down and node.index not in self.drained
        if is_needed and node.state is _REAPED and node.index not in self._to_start:
            self._to_start.append(node.index)
            if not self._is_starting:
                self.start_next()

    def start_next(self) -> None:
        """Start the next node, if one is left to be started.

        One after the other: nodes that run already are served while the others start, and after a
        failure no start is under way that would have to be called back.
        """
        if not self._to_start:
            self._is_starting = False
            return
        self._is_starting = True
        node = self._nodes[self._to_start.popleft()]
        if node.state is _REAPED:
            self._dispatcher.living += 1
        self.reviving.discard(node.index)
        node.step(Step.START)
        self._commands.append(StartNode(node.index))

    def arrange_restart(self) -> None:
        """Set the deadline for a round of starts, counted from the end of the last one (RST-005).

        Nothing happens if none is needed or one is arranged already.
        """
        if (
            self._is_starting
            or self._is_restart_arranged
            or self._dispatcher.living == len(self._nodes) - len(self.drained)
        ):
            return
        self._is_restart_arranged = True
        deadline = Deadline(Purpose.RESTART)
        self._commands.append(SetDeadline(deadline, self._restart_after))

    def restart(self) -> None:
        """Start the dead nodes again, unless nobody needs them any more (RST-012)."""
        self._is_restart_arranged = False
        if self.is_winding_down:
            return
        excluded = {*self.drained, *self._to_start, *self._joined}
        # The processes of a node that is not reaped yet have to end first (RST-007).
        self._to_start.extend(
            node.index
            for node in self._nodes
            if node.state is _REAPED and node.index not in excluded
        )
        if not self._is_starting:
            self.start_next()

    def revive(self, node: Node) -> None:
        """Start a node again now, nothing being left of it, if it was ended for that (ACC-050)."""
        if node.index not in self.reviving or self.is_winding_down:
            return
        self._to_start.append(node.index)
        if not self._is_starting:
            self.start_next()

    def drain(self, node: Node) -> None:
        """Let a node not be started again."""
        self.drained.add(node.index)
        self.reviving.discard(node.index)
        if node.index in self._to_start and node.state is _REAPED:
            self._to_start.remove(node.index)

    def wind_down(self) -> None:
        """Start no node again (RST-012), but each once (DSP-002)."""
        if not self.is_winding_down:
            self.is_winding_down = True
            nodes = self._nodes
            self._to_start = deque(i for i in self._to_start if nodes[i].state is NodeState.NEW)
