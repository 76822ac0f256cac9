"""Watching: what follows from the silence of nodes (the chapter Silence of the spec)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

from paexec_trio.core import events as on
from paexec_trio.core.commands import Command, Purpose
from paexec_trio.core.ending import Ending, Phase
from paexec_trio.core.stuck import StuckWatch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from paexec_trio.core.fleet import Fleet
    from paexec_trio.core.nodes import Node
    from paexec_trio.core.settings import Settings

Handlers = dict[type[on.Event], "Callable[[Any], bool]"]
"""The method that handles each class of events."""


@final
class Watching:
    """Stands before the handlers of events that tell whether a node lives.

    Args:
        settings: those of the run.
        nodes: all nodes, by their indices.
        fleet: ends nodes.
        ending: knows how far the run is.
        commands: the list that all parts of the engine share.
        handlers: the handlers of the engine.
    """

    def __init__(
        self,
        settings: Settings,
        nodes: Sequence[Node],
        fleet: Fleet,
        ending: Ending,
        commands: list[Command],
        handlers: Handlers,
    ) -> None:
        self._fleet = fleet
        self._ending = ending
        self._stuck = StuckWatch(settings.silence, nodes, commands)
        self._handlers = handlers.copy()
        handlers |= {
            on.RunStarted: self._begin,
            on.NodeOutput: self._output,
            on.NodeUnread: self._unread,
            on.DeadlinePassed: self._deadline_passed,
        }

    def _begin(self, event: on.RunStarted) -> bool:
        self._stuck.arrange()
        return self._handlers[on.RunStarted](event)

    def _output(self, event: on.NodeOutput) -> bool:
        self._stuck.heard(event.node)
        return self._handlers[on.NodeOutput](event)

    def _unread(self, event: on.NodeUnread) -> bool:
        """Record that a node is not silent, but not read (SIL-011)."""
        self._stuck.heard(event.node)
        return False

    def _deadline_passed(self, event: on.DeadlinePassed) -> bool:
        if event.deadline.purpose is not Purpose.LOOK:
            return self._handlers[on.DeadlinePassed](event)
        if self._ending.phase is not Phase.RUNNING:
            return False
        for node, seconds in self._stuck.look():
            self._end_stuck(node, seconds)
            if self._ending.phase is not Phase.RUNNING:
                break
        return True

    def _end_stuck(self, node: Node, seconds: float) -> None:
        """End a node that was silent for too long, as any dead one (SIL-010)."""
        attempt = node.attempts[0]
        self._fleet.end_silent(
            node,
            b"node %b has written nothing for %g seconds while it worked on task %d '%b' "
            b"(--stuck); killed",
            *(node.name, seconds, attempt.task_id, attempt.task),
        )
