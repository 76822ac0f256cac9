"""The page about a run: one file of HTML that needs nothing else."""

from __future__ import annotations

from html import escape
from statistics import median
from typing import TYPE_CHECKING

from paexec_trio.history.slices import Outcome
from paexec_trio.history.timeline import (
    COLUMNS,
    curve,
    endings_of,
    labels,
    load_of,
    smoothed,
    timeline,
)
from paexec_trio.history.trace import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from paexec_trio.history.slices import Slice
    from paexec_trio.history.story import Link, Story

STYLE = """
:root { color-scheme: light dark; --fore: #1c2733; --back: #fff; --dim: #5b6b7c; --line: #d9e0e8;
  --tile: #f4f7fa; --ok: #2f7dc1; --failed: #d23b3b; --retried: #e09a2b; --given-up: #8a8f98; }
@media (prefers-color-scheme: dark) { :root { --fore: #dde5ee; --back: #14191f; --dim: #93a1b0;
  --line: #303a46; --tile: #1c232c; --ok: #4b9fe6; --failed: #f06a6a; --retried: #f0b455; } }
* { box-sizing: border-box }
body { background: var(--back); color: var(--fore); font: 15px/1.5 system-ui, sans-serif;
  margin: 0 auto; max-width: 1100px; padding: 1rem }
h1 { font-size: 1.4rem; margin: .3rem 0 1rem } h2 { font-size: 1.1rem; margin: 1.8rem 0 .5rem }
p { color: var(--dim); margin: .3rem 0 }
.tiles { display: grid; gap: .6rem; grid-template-columns: repeat(auto-fit, minmax(7.5rem, 1fr)) }
.tiles div { background: var(--tile); border-radius: 8px; padding: .6rem .8rem }
.tiles b { display: block; font-size: 1.25rem; font-variant-numeric: tabular-nums;
  white-space: nowrap }
.tiles .bad b { color: var(--failed) }
.plot { display: grid; gap: 0 .5rem; grid-template-columns: minmax(3rem, 11rem) 1fr }
.plot ol { list-style: none; margin: 0; padding: 0; text-align: right }
.plot li { font: 11px/14px ui-monospace, monospace; height: 14px; overflow: hidden;
  text-overflow: ellipsis; white-space: nowrap }
.plot small { align-self: center; color: var(--dim); text-align: right }
svg { display: block; overflow: visible; width: 100% }
.ok { fill: var(--ok) } .failed { fill: var(--failed) } .retried { fill: var(--retried) }
.given-up { fill: var(--given-up) }
.moment path { fill: var(--failed); stroke: var(--failed); stroke-width: .6;
  vector-effect: non-scaling-stroke }
.curve { margin-bottom: 5px }
.curve polygon { fill: var(--ok); opacity: .55 }
.axis { color: var(--dim); display: flex; font-size: 11px; justify-content: space-between }
.key span { margin-right: 1rem; white-space: nowrap }
.key i { border-radius: 2px; display: inline-block; height: .7em; margin-right: .3em; width: .7em }
.wide { overflow-x: auto }
table { border-collapse: collapse; width: 100% }
th, td { border-bottom: 1px solid var(--line); padding: .25rem .6rem .25rem 0; text-align: left;
  vertical-align: top }
th { color: var(--dim); font-weight: 600 } td.n, th.n { font-variant-numeric: tabular-nums;
  text-align: right; white-space: nowrap }
td.text { font-family: ui-monospace, monospace; font-size: .86em; overflow-wrap: anywhere }
@media (max-width: 40rem) { .plot { grid-template-columns: minmax(2rem, 5.5rem) 1fr } }
"""

_NAMES = {
    Outcome.SUCCEEDED: "succeeded",
    Outcome.FAILED: "failed",
    Outcome.RETRIED: "failed, tried again",
    Outcome.GIVEN_UP: "given up",
}

MOST_NODES = 500
"""Nodes in the table."""


def time_text(seconds: float) -> str:
    """Return a time for people."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 120:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"


def page(title: str, story: Story, chain: Sequence[Link] = (), *, is_graph: bool = False) -> str:
    """Return the page.

    Args:
        title: names the run.
        story: what happened, after its ``end``.
        chain: the critical path of a graph.
        is_graph: whether the run had one.
    """
    body = [
        f"<h1>{escape(title)}</h1>",
        _tiles(story),
        *(_pictures(story) if story.attempts else ["<p>No attempt has ended.</p>"]),
        *(_path(story, chain) if is_graph else []),
        *_failures(story),
        *_attempts("The longest attempts", story, story.longest),
        *_nodes(story),
    ]
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style>" + "\n".join(body) + "\n</html>\n"
    )


def _tiles(story: Story) -> str:
    available = story.seconds * len(story.rows)
    deaths = sum(moment.node >= 0 and moment.text == b"lost" for moment in story.moments)
    tiles = [
        ("", "succeeded", f"{story.counts[Outcome.SUCCEEDED]:,}"),
        ("bad", "failed", f"{story.counts[Outcome.FAILED]:,}"),
        ("bad", "tried again", f"{story.counts[Outcome.RETRIED]:,}"),
        ("bad", "given up", f"{story.counts[Outcome.GIVEN_UP]:,}"),
        ("", "wall time", time_text(story.seconds)),
        ("", "tasks per second", f"{story.attempts / (story.seconds or 1):,.1f}"),
        ("", "nodes that worked", f"{len(story.rows):,}"),
        ("", "of their time at work", f"{100 * story.busy / (available or 1):.0f} %"),
        ("bad", "deaths of nodes", f"{deaths:,}"),
    ]
    shown_tiles = "".join(
        f'<div class="{kind}"><b>{value}</b>{name}</div>'
        for kind, name, value in tiles
        if kind != "bad" or value != "0"
    )
    return f'<div class="tiles">{shown_tiles}</div>'


def _pictures(story: Story) -> Iterable[str]:
    loads = [load_of(row, story.seconds) for row in story.rows.values()]
    load = [sum(column) for column in zip(*loads, strict=True)]
    width = story.seconds / COLUMNS or 1.0
    rates = smoothed([count / width for count in endings_of(story)])
    names = "".join(f"<li>{escape(name)}</li>" for name in labels(story))
    yield "<h2>Timeline</h2>"
    yield '<div class="plot">'
    yield f"<small>nodes at work, at most {max(load):.0f}</small>{curve(load, 'nodes at work')}"
    yield f"<small>tasks per second, at most {max(rates):,.1f}</small>"
    yield curve(rates, "tasks per second")
    yield f"<ol>{names}</ol><div>{timeline(story)}</div>"
    ticks = "".join(f"<span>{time_text(story.seconds * part / 4)}</span>" for part in range(5))
    yield f'<div></div><div class="axis">{ticks}</div></div>'
    keys = [
        ("ok", "at work"),
        ("failed", "failed; with a mark: the node died"),
        ("retried", "failed, tried again"),
        ("given-up", "given up"),
    ]
    yield '<p class="key">' + "".join(
        f'<span><i style="background:var(--{name})"></i>{text}</span>' for name, text in keys
    )


def _path(story: Story, chain: Sequence[Link]) -> Iterable[str]:
    total = sum(link.seconds for link in chain)
    yield "<h2>Critical path</h2>"
    yield (
        f"<p>These {len(chain)} tasks wait for each other. They took {time_text(total)} of "
        f"{time_text(story.seconds)}; more nodes cannot make the run shorter than that.</p>"
    )
    yield _table(
        ["task", "", "seconds"],
        [[str(link.task_id), shown(link.task), f"{link.seconds:.3f}"] for link in chain],
    )


def _failures(story: Story) -> Iterable[str]:
    if story.failures:
        left_out = story.failure_count - len(story.failures)
        yield from _attempts("Attempts without success", story, story.failures)
        if left_out:
            yield f"<p>and {left_out:,} more</p>"


def _attempts(title: str, story: Story, slices: Sequence[Slice]) -> Iterable[str]:
    if not slices:
        return
    yield f"<h2>{title}</h2>"
    yield _table(
        ["task", "", "seconds", "node", "began", "end"],
        [
            [
                str(piece.task_id),
                shown(piece.task),
                f"{piece.seconds:.3f}",
                shown(story.nodes[piece.node]),
                time_text(piece.began),
                f"{_NAMES[piece.outcome]}{': ' if piece.reason else ''}{shown(piece.reason)}",
            ]
            for piece in slices
        ],
    )


def _nodes(story: Story) -> Iterable[str]:
    yield "<h2>Nodes</h2>"
    rows = []
    for index, row in sorted(story.rows.items())[:MOST_NODES]:
        rows.append(
            [
                str(index),
                shown(story.nodes[index]),
                f"{len(row):,}",
                f"{100 * sum(row.seconds) / (story.seconds or 1):.0f} %",
                f"{median(row.seconds):.3f}",
                f"{max(row.seconds):.3f}",
                f"{sum(outcome != Outcome.SUCCEEDED for outcome in row.outcomes):,}",
            ]
        )
    yield _table(["", "node", "attempts", "at work", "median s", "longest s", "failed"], rows)
    if len(story.rows) > MOST_NODES:
        yield f"<p>and {len(story.rows) - MOST_NODES:,} more</p>"


_KINDS = {"": "text", "node": "name", "end": "word"}
"""The classes of columns by their heads; all others have numbers."""


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    classes = [_KINDS.get(head, "n") if number else "n" for number, head in enumerate(heads)]
    head = "".join(f'<th class="{kind}">{name}' for kind, name in zip(classes, heads, strict=True))
    body = "".join(
        "<tr>"
        + "".join(
            f'<td class="{kind}">{escape(cell)}' for kind, cell in zip(classes, row, strict=True)
        )
        for row in rows
    )
    return f'<div class="wide"><table><tr>{head}{body}</table></div>'
