"""The service behind ``--progress`` on a terminal: one line that is repainted."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

import trio

from paexec_trio.services.progressline import last_line
from paexec_trio.services.statusline import cut, oldest_of, status_line

if TYPE_CHECKING:
    from paexec_trio.runtime.screen import Screen
    from paexec_trio.services.interface import Facts

PERIOD = 0.25
"""Seconds between two paintings."""

MANY = 200
"""Nodes that are looked at each time; of more, they are looked at less often."""


@final
class PaintedProgress:
    """Repaints a line, and reports the totals when the run is over.

    Args:
        screen: the terminal.
    """

    def __init__(self, screen: Screen) -> None:
        self._screen = screen

    async def __call__(
        self, facts: Facts, /, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Do so until the run is over."""
        task_status.started()
        try:
            while True:
                nodes = self._paint(facts)
                with trio.move_on_after(PERIOD * (1 + nodes // MANY)):
                    await facts.wait_over()
                    return
        finally:
            self._screen.erase()
            facts.report(
                last_line(facts.statistics(), facts.seconds, has_statuses=facts.has_statuses)
            )

    def _paint(self, facts: Facts) -> int:
        """Paint the line; return how many nodes are busy."""
        busy = facts.busy()
        line = status_line(
            facts.statistics(),
            facts.seconds,
            has_statuses=facts.has_statuses,
            total=facts.total(),
            oldest=oldest_of(busy),
        )
        # In the last column some terminals begin a new row.
        self._screen.paint(*cut(line, self._screen.columns() - 1))
        return len(busy)
