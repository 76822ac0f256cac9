"""The report: a table for each section, for people and as reStructuredText."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass

from tests.benchmarks.comparison import Row, Unit
from tests.benchmarks.programs import OURS, PREFETCH, THEIRS
from tests.benchmarks.running import Failed
from tests.benchmarks.sections import Section


@dataclass(frozen=True)
class Machine:
    """What the figures were measured on, without its name."""

    cores: int
    python: str
    system: str
    load: float

    def __str__(self) -> str:
        """Return it as a sentence."""
        return (
            f"Python {self.python} and {self.system} on {self.cores} cores, on which"
            f" {self.load:.1f} other processes wanted to run on average when it began."
        )


def this_machine() -> Machine:
    """Describe the machine that this runs on."""
    release = ".".join(platform.release().split(".")[:2])
    return Machine(
        cores=len(os.sched_getaffinity(0)),
        python=platform.python_version(),
        system=f"{platform.system()} {release}",
        load=os.getloadavg()[0],
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


def table(rows: Sequence[Row]) -> str:
    """Return a table, as plain text that is also reStructuredText."""
    programs = list(dict.fromkeys(program for row in rows for program in row.figures))
    compared = [program for program in (OURS, PREFETCH) if program in programs]
    head = ["", *programs, *("ratio" if name is OURS else f"ratio {name}" for name in compared)]
    head[0] = "measured"
    body = [
        [
            row.label,
            *(shown(row.middle(program), row.unit) for program in programs),
            *(shown_ratio(row, program) for program in compared),
        ]
        for row in rows
    ]
    widths = [max(len(line[column]) for line in [head, *body]) for column in range(len(head))]
    rule = "  ".join("=" * width for width in widths)
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in [head, *body]
    ]
    return "\n".join([rule, lines[0], rule, *lines[1:], rule, ""])


def about(command: str, minutes: float, version: str, machine: Machine) -> str:
    """Return how the figures were made, as reStructuredText that a page includes.

    Args:
        command: that made them.
        minutes: how long it took.
        version: of the C program.
        machine: where it was.
    """
    return f"Made by ``{command}`` in {minutes:.0f} minutes, with {version}, {machine}\n"


def tables(measured: Sequence[tuple[Section, Sequence[Row]]]) -> str:
    """Return all tables as reStructuredText that a page includes."""
    parts: list[str] = []
    for section, rows in measured:
        parts += [section.title, "-" * len(section.title), "", section.text, "", table(rows)]
    return "\n".join(parts)
