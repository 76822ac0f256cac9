"""Channels that give the changes of a run's nodes to tasks of trio."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, final

import trio

from paexec_trio.core.commands import AddNode
from paexec_trio.nursery.results import NodeChange

if TYPE_CHECKING:
    from collections.abc import Sequence

    from paexec_trio.core.commands import TellChange


@final
class NodeChanges:
    """Tells changes of nodes to all who watch them.

    Args:
        names: the names of the nodes, by their indices.

    Attributes:
        names: the same; nodes that join are added.
    """

    def __init__(self, names: Sequence[bytes]) -> None:
        self.names = list(names)
        self._watchers: list[trio.MemorySendChannel[NodeChange]] = []

    def watch(self, *, is_over: bool) -> trio.MemoryReceiveChannel[NodeChange]:
        """Return a channel of all changes from now on; it ends at once if the run is over."""
        sender, receiver = trio.open_memory_channel[NodeChange](math.inf)
        if is_over:
            sender.close()
        else:
            self._watchers.append(sender)
        return receiver

    def tell(self, change: TellChange | AddNode) -> None:
        """Tell all watchers of a change; take note of a node that joins."""
        if isinstance(change, AddNode):
            self.names.append(change.name)
            return
        news = NodeChange(
            self.names[change.node], change.change, change.reason.decode(errors="replace")
        )
        for watcher in self._watchers.copy():
            try:
                watcher.send_nowait(news)
            except trio.BrokenResourceError:
                self._watchers.remove(watcher)

    def end(self) -> None:
        """End all channels: the run is over."""
        for watcher in self._watchers:
            watcher.close()
