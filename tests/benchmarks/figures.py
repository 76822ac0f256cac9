"""Keep the figures in a file, so that one section can be measured anew without the others."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.benchmarks.comparison import Row, Unit
from tests.benchmarks.running import Failed


@dataclass(frozen=True)
class Measured:
    """The figures of one section, and how they were made: a sentence."""

    made: str
    rows: Sequence[Row]


def load(file: Path) -> dict[str, Measured]:
    """Read figures by the name of their section; none if there is no file."""
    if not file.exists():
        return {}
    return {
        name: Measured(section["made"], [_row(row) for row in section["rows"]])
        for name, section in json.loads(file.read_text()).items()
    }


def save(file: Path, figures: Mapping[str, Measured]) -> None:
    """Write figures."""
    plain = {name: asdict(section) for name, section in figures.items()}
    file.write_text(json.dumps(plain, indent=1) + "\n")


def _row(row: Mapping[str, Any]) -> Row:
    return Row(
        row["label"],
        Unit(**row["unit"]),
        {
            program: [
                Failed(**figure) if isinstance(figure, dict) else figure for figure in of_program
            ]
            for program, of_program in row["figures"].items()
        },
    )
