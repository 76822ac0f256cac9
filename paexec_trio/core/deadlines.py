"""The deadlines of a run: what follows when one has passed.

A deadline is never cancelled, so each of these steps asks the state whether it still applies.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from paexec_trio.core.commands import Purpose
from paexec_trio.core.ending import Phase

if TYPE_CHECKING:
    from collections.abc import Sequence

    from paexec_trio.core.dispatching import Dispatcher
    from paexec_trio.core.ending import Ending
    from paexec_trio.core.events import DeadlinePassed
    from paexec_trio.core.fleet import Fleet
    from paexec_trio.core.nodes import Node
    from paexec_trio.core.starting import Starter
    from paexec_trio.core.terminating import Terminator
    from paexec_trio.core.timelimits import TimeLimits

_RUNNING = Phase.RUNNING


@final
class Deadlines:
    """Takes the steps that follow from deadlines that have passed.

    Args:
        nodes: all nodes, by their indices.
        terminator: ends nodes whose time is over.
        ending: gives up an output that nobody reads.
        starter: restarts nodes.
        dispatcher: may begin an attempt again.
        fleet: is told of nodes that exceed a time limit.
        time_limits: knows whether a node still does.
    """

    def __init__(
        self,
        nodes: Sequence[Node],
        terminator: Terminator,
        ending: Ending,
        starter: Starter,
        dispatcher: Dispatcher,
        fleet: Fleet,
        time_limits: TimeLimits,
    ) -> None:
        self._nodes = nodes
        self._terminator = terminator
        self._ending = ending
        self._starter = starter
        self._dispatcher = dispatcher
        self._fleet = fleet
        self._time_limits = time_limits

    def passed(self, event: DeadlinePassed) -> bool:
        """Take the step of a deadline; return whether more may follow, as always."""
        deadline = event.deadline
        match deadline.purpose:
            case Purpose.GIVE_UP:
                self._ending.give_up_output()
            case Purpose.RESTART:
                self._restart(deadline.node)
            case Purpose.DELAY:
                self._dispatcher.throttle.time_passed()
            case Purpose.TIME_LIMIT:
                self._exceed(self._nodes[deadline.node])
            case _:
                self._terminator.deadline_passed(deadline)
        return True

    def _restart(self, node: int) -> None:
        """Restart the dead nodes, or one that has joined the run."""
        if self._ending.phase is not _RUNNING:
            return
        if node < 0:
            self._starter.restart()
        else:
            self._starter.restart_joined(self._nodes[node])

    def _exceed(self, node: Node) -> None:
        """End a node whose calculator has worked on a task for too long (ACC-050)."""
        if self._ending.phase is _RUNNING and self._time_limits.is_exceeded(node):
            self._fleet.exceed(node)
