"""Run a mutant, or list all that the suite has to catch."""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

CRASHES = "ZOO_CRASHES"
"""The variable that names the file for exceptions by which a mutant ends."""

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
    try:
        status: int = importlib.import_module(f"paexec_trio.cli.{program}").main()
    except Exception as error:
        _note_crash(name, error, mutant.raises)
        raise
    return status


def _note_crash(name: str, error: Exception, expected: type[Exception] | None) -> None:
    """Tell the campaign of an exception that is not what the mutant is about."""
    path = os.environ.get(CRASHES)
    if path and (expected is None or not isinstance(error, expected)):
        with Path(path).open("a") as file:
            file.write(f"{name}: {type(error).__name__}: {error}\n")


if __name__ == "__main__":
    sys.exit(main())
