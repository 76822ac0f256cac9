"""Run a mutant, or list all that the suite has to catch."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

PROGRAMS = {"ARG": "paargs", "RDR": "pareorder"}
"""The programs that have chapters of their own, by what the ids of these begin with."""


def main() -> int:
    """Plant the fault that the first argument names; then be the program that it is about."""
    sys.path[0] = str(ROOT)  # it was the directory of this file
    from tests.zoo.catalogue import load

    if len(sys.argv) == 1:
        for name, mutant in load().items():
            if mutant.breaks:
                print(name, *mutant.breaks)
        return 0
    name = sys.argv.pop(1)
    mutant = load(name)[name]
    mutant.plant()
    program = PROGRAMS.get(mutant.breaks[0][:3], "main")
    sys.argv[0] = "paexec" if program == "main" else program
    status: int = importlib.import_module(f"paexec_trio.cli.{program}").main()
    return status


if __name__ == "__main__":
    sys.exit(main())
