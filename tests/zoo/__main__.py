"""Run a mutant, or list all of them."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

CHAPTERS = (
    *("options", "nodes", "launch", "inheritance", "transport", "exec", "framing", "results"),
    *("eot", "dispatch", "prefetch", "prefixes", "grouping", "graph", "weights", "ends", "death"),
    *("restart", "limits", "security", "paargs", "reorder"),
)
"""The chapters of the specification, in its order; a file of mutants each."""

PROGRAMS = {"ARG": "paargs", "RDR": "pareorder"}
"""The programs that have chapters of their own, by what the ids of these begin with."""


def main() -> int:
    """Plant the fault that the first argument names; then be the program that it is about."""
    sys.path[0] = str(ROOT)  # it was the directory of this file
    wanted = sys.argv[1].replace("-", "_") if len(sys.argv) > 1 else ""
    for chapter in CHAPTERS:
        # A mutant is started very often: it loads its own chapter only.
        if f"\ndef {wanted}" in Path(__file__).with_name(f"{chapter}.py").read_text():
            importlib.import_module(f"tests.zoo.{chapter}")
    from tests.zoo.mutant import MUTANTS
    from tests.zoo.planting import do_without_exchange

    if len(sys.argv) == 1:
        for name, mutant in MUTANTS.items():
            print(name, *mutant.breaks)
        return 0
    do_without_exchange()
    mutant = MUTANTS[sys.argv.pop(1)]
    mutant.plant()
    program = PROGRAMS.get(mutant.breaks[0][:3], "main")
    sys.argv[0] = "paexec" if program == "main" else program
    status: int = importlib.import_module(f"paexec_trio.cli.{program}").main()
    return status


if __name__ == "__main__":
    sys.exit(main())
