"""The report: a table for each section, for people and as reStructuredText."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Callable, Mapping, Sequence

from tests.benchmarks.comparison import Row, Unit
from tests.benchmarks.figures import Measured
from tests.benchmarks.programs import JOBLOG, OURS, PREFETCH, PREFETCH_16, THEIRS
from tests.benchmarks.running import Failed
from tests.benchmarks.sections import SECTIONS


def how_it_was_made(command: str, version: str, seconds: float, busyness: str) -> str:
    """Say in a sentence how figures were made, and on what: a machine, without its name.

    Args:
        command: that made them.
        version: of the C program.
        seconds: how long it took.
        busyness: what other programs did meanwhile, as a sentence.
    """
    release = ".".join(platform.release().split(".")[:2])
    return (
        f"Made by ``{command}`` in {seconds:.0f} seconds, with {version},"
        f" Python {platform.python_version()} and {platform.system()} {release} on"
        f" {len(os.sched_getaffinity(0))} cores. {busyness} The load average was"
        f" {os.getloadavg()[0]:.1f} at the end, these programs included."
    )


def shown(figure: float | Failed | None, unit: Unit) -> str:
    """Return a figure with its unit, or why there is none."""
    if figure is None:
        return "-"
    if isinstance(figure, Failed):
        return figure.reason
    return f"{figure:,.{unit.digits}f} {unit.name}"


def shown_ratio(row: Row, program: str) -> str:
    """Return how much better than the C program it was, and the least and greatest of rounds."""
    ratio = row.ratio(program, THEIRS)
    if ratio is None:
        return "-"
    if len(row.figures[program]) == 1:
        return f"{ratio.median:.2f}"
    return f"{ratio.median:.2f} ({ratio.low:.2f} to {ratio.high:.2f})"


def shown_cost(row: Row) -> str:
    """Return how many times the time without a job log it takes with one."""
    cost = row.quotient(JOBLOG, OURS)
    return f"{cost.median:.2f} ({cost.low:.2f} to {cost.high:.2f})" if cost else "-"


def escaped(text: str) -> str:
    """Return what reStructuredText reads as this text."""
    return re.sub(r"([*`|_\\])", r"\\\1", text)


def table(rows: Sequence[Row], escape: Callable[[str], str] = str) -> str:
    """Return a table as plain text, which is also how reStructuredText has it.

    Args:
        rows: its rows.
        escape: applied to each cell.
    """
    programs = list(dict.fromkeys(program for row in rows for program in row.figures))
    compared = [program for program in (OURS, PREFETCH_16, PREFETCH) if program in programs]
    head = ["", *programs, *("ratio" if name is OURS else f"ratio {name}" for name in compared)]
    head[0] = "measured"
    logged = [JOBLOG] if JOBLOG in programs else []
    head += [f"cost of {name}" for name in logged]
    body = [
        [
            row.label,
            *(shown(row.middle(program), row.unit) for program in programs),
            *(shown_ratio(row, program) for program in compared),
            *(shown_cost(row) for _ in logged),
        ]
        for row in rows
    ]
    return grid(head, [[escape(cell) for cell in line] for line in body])


def grid(head: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    """Return a table as plain text, given its cells."""
    widths = [max(len(line[column]) for line in [head, *body]) for column in range(len(head))]
    rule = "  ".join("=" * width for width in widths)
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in [head, *body]
    ]
    return "\n".join([rule, lines[0], rule, *lines[1:], rule, ""])


def tables(figures: Mapping[str, Measured]) -> str:
    """Return all tables as reStructuredText that a page includes."""
    parts: list[str] = []
    for section in SECTIONS:
        if section.name in figures:
            measured = figures[section.name]
            parts += [section.title, "-" * len(section.title), "", section.text, ""]
            parts += [".. rst-class:: figures", ""]
            parts += [table(measured.rows, escaped), measured.made, ""]
    return "\n".join(parts)
