"""The part of a distributor that changes which nodes there are."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

import trio

from paexec_trio.core.events import DrainRequested, NodeAdded, NodesWanted
from paexec_trio.core.states import NodeState
from paexec_trio.nursery.texts import Text, name_of, octets_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from paexec_trio.core.snapshot import Snapshot
    from paexec_trio.nursery.nodechanges import NodeChanges
    from paexec_trio.nursery.outcome import Outcome
    from paexec_trio.nursery.session import Session


class NodeControl(ABC):
    """Adds and drains nodes of a run; a base of :class:`~paexec_trio.Distributor`."""

    _changes: NodeChanges
    _outcome: Outcome
    _session: Session

    @abstractmethod
    def _snapshot(self) -> Snapshot:
        """Return how far the run is."""

    @trio.lowlevel.enable_ki_protection
    async def drain(self, node: Text) -> None:
        """Give a node no more tasks; wait until it has done those that it holds and has ended.

        The node is not restarted. If several nodes have this name, all of them are drained.

        Raises:
            ValueError: no node has this name.
            trio.BrokenResourceError: the run was cancelled.
            DistributorError: the run could not go on.
        """
        name = octets_of("node", node)
        if name not in self._changes.names:
            raise ValueError(f"drain: no node is named {name!r}")
        with self._changes.watch(is_over=self._outcome.is_decided) as changes:
            for index, other in enumerate(self._changes.names):
                if other == name and not self._outcome.is_decided:
                    self._session.submit(DrainRequested(index))
            await trio.lowlevel.checkpoint()
            while not self._has_ended(name):
                try:
                    await changes.receive()
                except trio.EndOfChannel:
                    break
        self._outcome.raise_error()

    @trio.lowlevel.enable_ki_protection
    def add_node(self, node: Text) -> None:
        """Start one more node while the run goes on, or another one of a name that there is.

        Nothing happens if no task needs the node any more, because the run has ended or its last
        tasks are being done.

        Args:
            node: its name; one of :func:`~paexec_trio.node_names` may be on this machine.

        Raises:
            TypeError: the name is neither ``str`` nor ``bytes`` nor a path.
            ValueError: it is empty or contains a NUL.
        """
        self._session.submit(NodeAdded(name_of("node", node)))

    @trio.lowlevel.enable_ki_protection
    def want_nodes(self, nodes: Iterable[Text]) -> None:
        """Let the run have these nodes: start those that are missing, drain all others.

        A name that is given twice stands for two nodes. Drained nodes finish their tasks; this
        does not wait for them. If no node is given, nothing happens.

        Raises:
            TypeError: a name is neither ``str`` nor ``bytes`` nor a path.
            ValueError: a name is empty or contains a NUL.
        """
        names = tuple([name_of("nodes", node) for node in nodes])
        if names:
            self._session.submit(NodesWanted(names))

    def _has_ended(self, name: bytes) -> bool:
        return all(
            node.state is NodeState.REAPED for node in self._snapshot().nodes if node.name == name
        )
