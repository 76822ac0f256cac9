"""The lines of ``--progress`` (the chapter Progress of the spec). Does not need trio."""

from __future__ import annotations

from math import floor, log10
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from paexec_trio.core.snapshot import Snapshot
    from paexec_trio.nursery.results import Statistics


def progress_line(now: Snapshot | Statistics, seconds: float, *, has_statuses: bool) -> bytes:
    """Return the line that says how far a run is.

    Args:
        now: counts of the tasks.
        seconds: for how many seconds the run has gone on.
        has_statuses: whether calculators say if a task succeeded.
    """
    running = sum(1 for node in now.nodes if node.in_flight)  # PRG-012: others are queued
    return _line(now, [b"%d running" % running], seconds, has_statuses)


def last_line(now: Snapshot | Statistics, seconds: float, *, has_statuses: bool) -> bytes:
    """Return the line that says how far a run came; the arguments are those of the other lines."""
    return b"total: %b, %b s" % (_line(now, [], seconds, has_statuses), _three_digits(seconds))


def _line(
    now: Snapshot | Statistics, running: list[bytes], seconds: float, has_statuses: bool
) -> bytes:
    failed = [b"%d failed" % now.failed] if has_statuses else []
    rate = _three_digits(now.done / seconds if seconds > 0 else 0.0)
    return b", ".join([b"%d done" % now.done, *running, *failed, rate + b"/s"])


def _three_digits(number: float) -> bytes:
    """Return a number in decimal, with at least three digits that say something."""
    decimals = max(0, 2 - floor(log10(number))) if number > 0 else 0
    return f"{number:.{decimals}f}".encode()
