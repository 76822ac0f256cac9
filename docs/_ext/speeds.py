"""A directive for small tables of speed, made from the committed figures of the benchmarks."""

from __future__ import annotations

import json
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple

from sphinx.util.docutils import SphinxDirective

if TYPE_CHECKING:
    from docutils import nodes
    from sphinx.application import Sphinx
    from sphinx.util.typing import ExtensionMetadata

FIGURES = Path(__file__).resolve().parents[1] / "benchmarks" / "figures.json"


class Line(NamedTuple):
    """A line of a table.

    Attributes:
        title: its first cell.
        section: of the benchmarks.
        label: of a row of that section.
    """

    title: str
    section: str
    label: str


class Table(NamedTuple):
    """A table of tasks per second.

    Attributes:
        columns: the title of each column, and the names of the programs of which it shows the first
            that was measured.
        lines: the others.
    """

    columns: dict[str, tuple[str, ...]]
    lines: tuple[Line, ...]


TABLES = {
    "tools": Table(
        {
            "paexec-trio": ("--prefetch auto", "paexec-trio"),
            "paexec in C": ("paexec",),
            "xargs -P": ("xargs -P",),
            "GNU parallel": ("GNU parallel",),
        },
        (
            Line("a process per task, 2 at a time", "commands", "/bin/echo, 2 at a time"),
            Line("2 calculators on this machine", "tasks", "2 nodes"),
            Line("8 calculators on this machine", "tasks", "8 nodes"),
            Line("a calculator at 50 ms each way", "link", "50 ms each way"),
        ),
    ),
    "link": Table(
        {
            "default": ("paexec-trio",),
            "--prefetch 16": ("--prefetch 16",),
            "--prefetch auto": ("--prefetch auto",),
            "paexec in C": ("paexec",),
        },
        tuple(
            Line(f"{latency} ms each way", "link", f"{latency} ms each way")
            for latency in (0, 5, 20, 50)
        ),
    ),
}


def figure(figures: dict[str, Any], line: Line, programs: tuple[str, ...]) -> str:
    """Return the median of what was measured; a dash if nothing was."""
    (row,) = (row for row in figures[line.section]["rows"] if row["label"] == line.label)
    for program in programs:
        if program in row["figures"]:
            return f"{round(median(row['figures'][program])):,}"
    return "—"


def cells(table: Table) -> list[list[str]]:
    """Return the cells of each line of a table, titles first."""
    figures = json.loads(FIGURES.read_text())
    return [
        ["tasks per second", *table.columns],
        *(
            [line.title, *(figure(figures, line, names) for names in table.columns.values())]
            for line in table.lines
        ),
    ]


class SpeedTable(SphinxDirective):
    """A table of tasks per second."""

    optional_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return the table."""
        self.env.note_dependency(str(FIGURES))
        table = TABLES[self.arguments[0] if self.arguments else "tools"]
        text = [".. list-table::", "   :header-rows: 1", "   :class: figures", ""]
        for line in cells(table):
            first, *others = line
            text += [f"   * - {first}", *(f"     - {cell}" for cell in others)]
        return self.parse_text_to_nodes("\n".join(text))


def setup(app: Sphinx) -> ExtensionMetadata:
    """Add the directive."""
    app.add_directive("speed-table", SpeedTable)
    return {"parallel_read_safe": True}
