"""The figures of mutation testing, kept in a file and shown in the documentation."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.mutation.explained import Explanation
from tests.mutation.session import Mutant


@dataclass(frozen=True)
class Figures:
    """The result of the mutants of one module.

    Attributes:
        mutants: how many there are.
        killed: by tests.
        too_slow: how many of these because the tests did not end.
    """

    mutants: int
    killed: int
    too_slow: int = 0

    @property
    def share(self) -> float:
        """How many of 100 mutants were killed."""
        return 100 * self.killed / self.mutants


def figures_of(mutants: Iterable[Mutant]) -> dict[str, Figures]:
    """Count, by module."""
    modules: dict[str, list[Mutant]] = {}
    for mutant in mutants:
        modules.setdefault(mutant.module, []).append(mutant)
    return {
        module: Figures(len(each), sum(m.killed for m in each), sum(m.too_slow for m in each))
        for module, each in modules.items()
    }


def load(file: Path) -> dict[str, Figures]:
    """Read figures; none if there is no file."""
    if not file.exists():
        return {}
    return {module: Figures(**each) for module, each in json.loads(file.read_text()).items()}


def save(file: Path, figures: Mapping[str, Figures]) -> None:
    """Write figures."""
    file.write_text(json.dumps({m: asdict(each) for m, each in figures.items()}, indent=1) + "\n")


def table(figures: Mapping[str, Figures]) -> str:
    """Return a table as plain text, which is also how reStructuredText has it."""
    body = [
        (name, *map(str, (each.mutants, each.killed, each.too_slow)), f"{each.share:.1f} %")
        for name, each in [*figures.items(), ("all", total(figures))]
    ]
    rows = [("module", "mutants", "killed", "by time", "share"), *body]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    rule = "  ".join("=" * width for width in widths)
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    return "\n".join([rule, lines[0], rule, *lines[1:], rule, ""])


def total(figures: Mapping[str, Figures]) -> Figures:
    """Add up all modules."""
    every = figures.values()
    return Figures(
        sum(each.mutants for each in every),
        sum(each.killed for each in every),
        sum(each.too_slow for each in every),
    )


def survivors(explanations: Iterable[Explanation]) -> str:
    """Return a list of what survives and why, as reStructuredText."""
    parts = []
    for entry in explanations:
        parts += [", ".join(f"``{place}``" for place in entry.places), ""]
        parts += ["    .. code-block:: diff", ""]
        changed = [("-", entry.before), *(("+", after) for after in entry.after)]
        parts += [
            f"       {sign} {line}".rstrip() for sign, text in changed for line in text.split("\n")
        ]
        parts += ["", f"    {entry.reason}", ""]
    return "\n".join(parts)
