"""Looks at a run that services take now and then."""

from __future__ import annotations

from typing import TYPE_CHECKING

from paexec_trio.core.overview import busy_nodes
from paexec_trio.nursery.results import Total

if TYPE_CHECKING:
    from paexec_trio.core.engine import Engine
    from paexec_trio.core.overview import BusyNode, PipeTimesOf


def total_of(engine: Engine | None, share_read: float | None) -> Total | None:
    """Return how many tasks there are, or about how many; ``None`` if nothing is known.

    Args:
        engine: that of the run, while there is one.
        share_read: how much of the input was read, if that is known.
    """
    if engine is None:
        return None
    now = engine.snapshot()
    known = now.done + now.in_flight + now.waiting
    if not engine.takes_tasks:
        return Total(known, is_exact=True)
    return Total(round(known / share_read), is_exact=False) if share_read and known else None


def busy_of(engine: Engine | None, pipe_times_of: PipeTimesOf) -> list[BusyNode]:
    """Return the nodes that hold tasks."""
    return busy_nodes(engine, pipe_times_of) if engine else []
