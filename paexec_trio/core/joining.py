"""Joining: nodes that are added while a run goes on, and those that are not wanted any more."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from paexec_trio.core.commands import AddNode, Command
from paexec_trio.core.ending import Ending, Phase
from paexec_trio.core.events import DrainRequested
from paexec_trio.core.framing import ResultFramer
from paexec_trio.core.nodenames import LocalNode
from paexec_trio.core.nodes import Node

if TYPE_CHECKING:
    from paexec_trio.core.dispatching import Dispatcher
    from paexec_trio.core.events import NodeAdded, NodesWanted
    from paexec_trio.core.fleet import Fleet
    from paexec_trio.core.outlets import Outlet
    from paexec_trio.core.settings import Settings
    from paexec_trio.core.starting import Starter


@final
class Joining:
    """Adds nodes to a run, and drains those that are not wanted any more; keeps nothing itself.

    Args:
        settings: say how results are framed.
        nodes: all nodes, by their indices; the new ones are added to them.
        dispatcher: knows how many nodes live.
        starter: starts nodes, and knows which ones are drained.
        fleet: drains nodes.
        ending: knows whether the run goes on.
        outlet: is told of each new node.
        commands: the list that all parts of the engine share.
    """

    def __init__(
        self,
        settings: Settings,
        nodes: list[Node],
        dispatcher: Dispatcher,
        starter: Starter,
        fleet: Fleet,
        ending: Ending,
        outlet: Outlet,
        commands: list[Command],
    ) -> None:
        self._settings = settings
        self._nodes = nodes
        self._dispatcher = dispatcher
        self._starter = starter
        self._fleet = fleet
        self._ending = ending
        self._outlet = outlet
        self._commands = commands

    def added(self, event: NodeAdded) -> bool:
        """Start one more node, unless no task needs it any more (HST-024)."""
        if not self._may_join:
            return False
        self._add(event.name)
        return True

    def wanted(self, event: NodesWanted) -> bool:
        """Add the nodes that are missing, then drain those that are too many (HST-023).

        Of several nodes of one name the last ones are drained.
        """
        if not self._may_join:
            return False
        missing: dict[tuple[bytes, bool], list[bytes]] = {}
        for name in event.names:
            missing.setdefault(_key(name), []).append(name)
        drained = self._starter.drained
        surplus = []
        for node in self._nodes:
            if node.index in drained:
                continue
            names = missing.get(_key(node.name))
            if names:
                names.pop()
            else:
                surplus.append(node.index)
        # Before any is drained: a run without nodes fails. In the order of their names.
        for name in event.names:
            if missing[_key(name)]:
                self._add(missing[_key(name)].pop())
        for index in reversed(surplus):
            self._fleet.drain(DrainRequested(index))
        return True

    @property
    def _may_join(self) -> bool:
        return self._ending.phase is Phase.RUNNING and not self._starter.is_winding_down

    def _add(self, name: bytes) -> None:
        settings = self._settings
        framer = ResultFramer(settings.eot, settings.line_limit)
        node = Node(len(self._nodes), name, framer)
        self._nodes.append(node)
        self._dispatcher.living += 1
        self._outlet.node_added(name)
        self._commands.append(AddNode(name))
        self._starter.join(node)


def _key(name: bytes) -> tuple[bytes, bool]:
    return bytes(name), isinstance(name, LocalNode)
