"""Where the mutants stand: a file for each chapter of the specification."""

from __future__ import annotations

import importlib
from pathlib import Path

from tests.zoo.mutant import MUTANTS, Mutant

CHAPTERS = (
    *(
        "options",
        "nodes",
        "hosts",
        "launch",
        "inheritance",
        "transport",
        "exec",
        "framing",
        "results",
    ),
    *("eot", "dispatch", "prefetch", "prefixes", "grouping", "graph", "weights", "ends", "death"),
    *("restart", "silence", "limits", "accounting", "joblog", "progress", "observing"),
    *("history", "pertask", "security"),
    *("paargs", "reorder"),
)
"""The chapters of the specification, in its order."""


def load(name: str = "") -> dict[str, Mutant]:
    """Return the mutants, or only those of the chapter in which the one of this name stands.

    A mutant is started very often, so it should not have to load the others.
    """
    for chapter in CHAPTERS:
        wanted = f"\ndef {name.replace('-', '_')}{'(' if name else ''}"
        if wanted in Path(__file__).with_name(f"{chapter}.py").read_text():
            importlib.import_module(f"tests.zoo.{chapter}")
    return MUTANTS


def simulated() -> dict[str, Mutant]:
    """Return the mutants that the simulation has to catch."""
    return {name: mutant for name, mutant in load().items() if mutant.shows_as}
