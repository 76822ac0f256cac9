"""The service behind ``--progress``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from paexec_trio.services.progressline import last_line
from paexec_trio.services.statusline import oldest_of, status_line

if TYPE_CHECKING:
    from paexec_trio.services.interface import Facts

PERIOD = 1.0
"""Seconds between two lines."""


async def progress(
    facts: Facts, /, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
) -> None:
    """Report once a second how far a run is, and its totals when it is over.

    Start it in a nursery around the block of the run: ``nursery.start_soon(services.progress,
    run)``. It returns when the run is over. If it is cancelled, it reports the totals so far.

    Args:
        facts: the run, for example a :class:`~paexec_trio.Distributor`.
        task_status: is told at once.
    """
    task_status.started()
    try:
        while await _goes_on(facts):
            facts.report(
                status_line(
                    facts.statistics(),
                    facts.seconds,
                    has_statuses=facts.has_statuses,
                    total=facts.total(),
                    oldest=oldest_of(facts.busy()),
                )
            )
    except trio.Cancelled:
        _report_totals(facts)
        raise
    _report_totals(facts)


async def _goes_on(facts: Facts) -> bool:
    """Wait for the next line; return whether there is to be one."""
    with trio.move_on_after(PERIOD) as period:
        await facts.wait_over()
    return period.cancelled_caught


def _report_totals(facts: Facts) -> None:
    facts.report(last_line(facts.statistics(), facts.seconds, has_statuses=facts.has_statuses))
