"""The text of ``--progress``: how far a run is, when it will end, and its oldest task."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, final

from paexec_trio.services.progressline import progress_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from paexec_trio.core.overview import BusyNode
    from paexec_trio.core.snapshot import Snapshot
    from paexec_trio.nursery.results import Statistics, Total

LEAST_AGE = 1.0
"""Seconds that a task has run before it is shown as the oldest."""


def oldest_of(nodes: Sequence[BusyNode]) -> tuple[BusyNode, float] | None:
    """Return the node that has worked longest on its task, and for how long; if that is known."""
    ages = [(node.age, node) for node in nodes if node.age is not None]
    if not ages:
        return None
    age, node = max(ages, key=lambda pair: pair[0])
    return (node, age) if age >= LEAST_AGE else None


def status_line(
    now: Snapshot | Statistics,
    seconds: float,
    *,
    has_statuses: bool,
    total: Total | None,
    oldest: tuple[BusyNode, float] | None,
) -> bytes:
    """Return the line.

    Args:
        now: counts of the tasks.
        seconds: for how many seconds the run has gone on.
        has_statuses: whether calculators say if a task succeeded.
        total: how many tasks there are, if that is known.
        oldest: the node that has worked longest on its task, and for how many seconds.
    """
    parts = progress_line(now, seconds, has_statuses=has_statuses).split(b", ")
    if total:
        mark = b"" if total.is_exact else b"about "
        parts[0] += b" of %b%d" % (mark, total.tasks)
        if now.done and seconds > 0:
            left = (total.tasks - now.done) * seconds / now.done
            parts.append(short_duration(left) + b" left")
    if oldest:
        node, age = oldest
        task = b"oldest: %d '%b' on %b" % (node.task_id, node.task, node.name)
        parts.append(task + b" for " + short_duration(age))
    return b", ".join(parts)


def short_duration(seconds: float) -> bytes:
    """Return a duration for people, in the two largest units."""
    whole = max(0, round(seconds))
    if whole < 60:
        return b"%d s" % whole
    if whole < 3600:
        return b"%d min %02d s" % divmod(whole, 60)
    return b"%d h %02d min" % divmod(whole // 60, 60)


@final
class Cut(NamedTuple):
    """A text that fits on a line.

    Attributes:
        text: its octets.
        columns: how many columns it takes.
    """

    text: bytes
    columns: int


def cut(text: bytes, columns: int) -> Cut:
    """Cut a text in UTF-8 so that it takes at most some columns of a terminal."""
    from unicodedata import combining, east_asian_width

    used = 0
    kept: list[str] = []
    for character in text.decode("utf-8", "replace"):
        width = 0 if combining(character) else 1 + (east_asian_width(character) in "WF")
        if used + width > columns:
            break
        used += width
        kept.append(character)
    return Cut("".join(kept).encode(), used)
