"""The pictures of a page about a run, as SVG: a row for each node, and two curves above them.

Attempts that are shorter than a pixel are not drawn one by one: a column shows how much of its time
the node worked. So the size of a picture depends on the number of nodes, not on that of tasks.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from paexec_trio.history.slices import Outcome
from paexec_trio.history.trace import shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from paexec_trio.history.story import Row, Story

COLUMNS = 500
"""The columns of a row in which time is divided; also its units in the picture."""
ROW = 14
"""The height of a row, in the same units; that of the space between two is a part of it."""
MOST_ROWS = 200
"""Rows that are drawn; with more nodes each row is the mean of several."""
MOST_BARS = 120
"""Attempts of a row that are drawn one by one."""
CURVE = 60
"""The height of the curves."""


def load_of(row: Row, seconds: float, columns: int = COLUMNS) -> list[float]:
    """Return for each column of time how much of it a node worked, from 0 to 1."""
    width = seconds / columns or 1.0
    load = [0.0] * columns
    for began, duration in zip(row.began, row.seconds, strict=True):
        end = began + duration
        first = min(max(int(began / width), 0), columns - 1)
        last = min(int(end / width), columns - 1)
        if first == last:
            load[first] += duration / width
            continue
        load[first] += (first + 1) - began / width
        for column in range(first + 1, last):
            load[column] += 1.0
        load[last] += end / width - last
    return [min(max(part, 0.0), 1.0) for part in load]


def endings_of(story: Story, columns: int = COLUMNS) -> list[int]:
    """Return for each column of time how many attempts ended in it."""
    width = story.seconds / columns or 1.0
    endings = [0] * columns
    for row in story.rows.values():
        for began, duration in zip(row.began, row.seconds, strict=True):
            endings[min(int((began + duration) / width), columns - 1)] += 1
    return endings


def timeline(story: Story) -> str:
    """Return the picture of all nodes."""
    indices = sorted(story.rows)
    groups = _grouped(indices)
    height = len(groups) * ROW
    parts = [
        f'<svg class="timeline" viewBox="0 0 {COLUMNS} {height}" preserveAspectRatio="none" '
        f'role="img" aria-label="when each node worked" style="height:{height}px">'
    ]
    for number, group in enumerate(groups):
        parts += _row(story, group, number * ROW)
    parts.append("</svg>")
    return "".join(parts)


def labels(story: Story) -> list[str]:
    """Return the name of each row."""
    names = []
    for group in _grouped(sorted(story.rows)):
        first = shown(story.nodes[group[0]])
        names.append(first if len(group) == 1 else f"{first} and {len(group) - 1} more")
    return names


def _grouped(indices: Sequence[int]) -> list[Sequence[int]]:
    size = -(-len(indices) // MOST_ROWS) or 1
    return [indices[begin : begin + size] for begin in range(0, len(indices), size)]


def _row(story: Story, group: Sequence[int], top: int) -> Iterator[str]:
    height = ROW - 3
    rows = [story.rows[index] for index in group]
    if len(rows) == 1 and len(rows[0]) <= MOST_BARS:
        yield from _bars(rows[0], story.seconds, top, height)
    else:
        loads = [load_of(row, story.seconds) for row in rows]
        for column, parts in enumerate(zip(*loads, strict=True)):
            share = sum(parts) / len(parts)
            if share > 0.005:
                yield (
                    f'<rect class="ok" x="{column}" y="{top}" width="1.05" height="{height}" '
                    f'opacity="{0.15 + 0.85 * share:.2f}"/>'
                )
        for row in rows:
            yield from _bars(row, story.seconds, top, height, only_failures=True)
    names = {index: number for number, index in enumerate(group)}
    for moment in story.moments:
        if moment.node in names:
            x = moment.at / (story.seconds or 1.0) * COLUMNS
            yield (
                f'<g class="moment"><title>{moment.at:.1f} s: {escape(shown(moment.text))}</title>'
                f'<path d="M{x:.1f} {top} l3 -3 l-6 0 z M{x:.1f} {top} v{height}"/></g>'
            )


_CLASSES = {
    Outcome.SUCCEEDED: "ok",
    Outcome.FAILED: "failed",
    Outcome.RETRIED: "retried",
    Outcome.GIVEN_UP: "given-up",
}


def _bars(
    row: Row, seconds: float, top: int, height: int, *, only_failures: bool = False
) -> Iterator[str]:
    scale = COLUMNS / (seconds or 1.0)
    drawn = 0
    for began, duration, outcome in zip(row.began, row.seconds, row.outcomes, strict=True):
        if only_failures and outcome == Outcome.SUCCEEDED:
            continue
        drawn += 1
        if drawn > MOST_BARS:
            return
        name = Outcome(outcome)
        width = max(duration * scale - 0.3, 0.5)
        yield (
            f'<rect class="{_CLASSES[name]}" x="{began * scale:.2f}" y="{top}" '
            f'width="{width:.2f}" height="{height}"/>'
        )


def curve(values: Sequence[float], label: str) -> str:
    """Return a picture of values over time, whose largest one is at the top."""
    top = max(values, default=0.0) or 1.0
    points = " ".join(
        f"{column * COLUMNS / len(values):.1f},{CURVE - value / top * (CURVE - 2):.1f}"
        for column, value in enumerate(values)
    )
    return (
        f'<svg class="curve" viewBox="0 0 {COLUMNS} {CURVE}" preserveAspectRatio="none" role="img" '
        f'aria-label="{escape(label)}" style="height:{CURVE}px">'
        f'<polygon points="0,{CURVE} {points} {COLUMNS},{CURVE}"/></svg>'
    )


def smoothed(values: Sequence[float], size: int = 10) -> list[float]:
    """Return the means of each ``size`` values that follow each other."""
    return [
        sum(values[begin : begin + size]) / len(values[begin : begin + size])
        for begin in range(0, len(values), size)
    ]
