"""The plot: how many times better than the C program, each measure a line, as SVG."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from xml.sax.saxutils import escape

from tests.benchmarks.comparison import Ratio, Row
from tests.benchmarks.programs import OURS, PREFETCH, PREFETCH_16, THEIRS

COLOURS = {OURS: "#1f6fb4", PREFETCH_16: "#2a9d5c", PREFETCH: "#d9622b"}
LABELS = 400
"""Width of what is left of the scale."""

SCALE = 440
LINE = 18
MARGIN = 24
LEGEND = 30
MOST_DECADES_IN_DETAIL = 3
"""With more of them there is no room for numbers between the powers of ten."""


def ratio_plot(sections: Sequence[tuple[str, Sequence[Row]]]) -> str:
    """Return a plot of all ratios: the median as a dot, from the least to the greatest a line.

    Args:
        sections: the title and the rows of each; rows and sections without ratios are left out.
    """
    lines = [(title, list(_with_ratio(rows))) for title, rows in sections]
    lines = [(title, rows) for title, rows in lines if rows]
    ratios = [ratio for _, rows in lines for _, found in rows for ratio in found.values()]
    low = math.floor(math.log10(min([0.5, *(ratio.low for ratio in ratios)])))
    high = math.ceil(math.log10(max([2.0, *(ratio.high for ratio in ratios)])))

    def place(value: float) -> float:
        return LABELS + SCALE * (math.log10(value) - low) / (high - low)

    top = MARGIN + LEGEND
    height = top + LINE * sum(len(rows) + 1 for _, rows in lines) + MARGIN
    width = LABELS + SCALE + MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}"'
        f' width="{width}" height="{height}" font-family="sans-serif" font-size="12">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
        *_legend(sorted({name for _, rows in lines for _, found in rows for name in found})),
        *_grid(low, high, place, top, height - MARGIN),
    ]
    y = top
    for title, rows in lines:
        y += LINE
        parts.append(f'<text x="8" y="{y - 4}" font-weight="bold">{escape(title)}</text>')
        for label, found in rows:
            y += LINE
            text = f'<text x="{LABELS - 12}" y="{y - 4}" text-anchor="end">{escape(label)}</text>'
            parts.append(text)
            parts += [_mark(name, ratio, place, y - 8) for name, ratio in found.items()]
    return "\n".join([*parts, "</svg>", ""])


Place = Callable[[float], float]
"""Where on the scale a ratio is."""


def _with_ratio(rows: Sequence[Row]) -> Iterator[tuple[str, dict[str, Ratio]]]:
    """Yield the rows that have ratios, with these."""
    for row in rows:
        ratios = {name: row.ratio(name, THEIRS) for name in COLOURS}
        found = {name: ratio for name, ratio in ratios.items() if ratio}
        if found:
            yield row.label, found


def _legend(names: Sequence[str]) -> Iterator[str]:
    for number, name in enumerate(names):
        x = LABELS + 170 * number
        yield f'<circle cx="{x}" cy="{MARGIN - 8}" r="4" fill="{COLOURS[name]}"/>'
        yield f'<text x="{x + 10}" y="{MARGIN - 4}">{escape(name)}</text>'
    yield f'<text x="8" y="{MARGIN - 4}">how many times better than {THEIRS}</text>'


def _grid(low: int, high: int, place: Place, top: float, bottom: float) -> Iterator[str]:
    for decade in range(low, high + 1):
        for step in (1, 2, 5) if decade < high else (1,):
            value = step * 10.0**decade
            x = place(value)
            colour = "#444" if value == 1 else "#ddd"
            yield f'<path d="M{x:.1f} {top}V{bottom}" stroke="{colour}"/>'
            if step == 1 or high - low <= MOST_DECADES_IN_DETAIL:
                yield f'<text x="{x:.1f}" y="{top - 6}" text-anchor="middle">{value:g}</text>'


def _mark(name: str, ratio: Ratio, place: Place, y: float) -> str:
    colour = COLOURS[name]
    low, middle, high = (place(value) for value in (ratio.low, ratio.median, ratio.high))
    return (
        f'<path d="M{low:.1f} {y}H{high:.1f}" stroke="{colour}" stroke-width="2"/>'
        f'<circle cx="{middle:.1f}" cy="{y}" r="4" fill="{colour}"/>'
    )
