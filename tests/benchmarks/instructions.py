"""Processor instructions that the core needs for each task, counted by callgrind.

Usage: python -m tests.benchmarks.instructions [RUN...]

For people working on the core: a count is the same on a busy machine, and differs by less than a
hundredth from one time to the next, so it shows what a measurement of time hides. Whole programs
cannot be counted: Debian's valgrind does not know pidfd_open.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks.coreruns import RUNS

FEW, MANY = 200, 1200
"""Tasks of the two runs of which the difference is taken, so that the start does not count."""

_SUMMARY = re.compile(r"^(?:summary|totals): (\d+)$", re.MULTILINE)


def instructions_of(words: Sequence[str], directory: Path) -> int:
    """Count the instructions of a program.

    Raises:
        RuntimeError: valgrind is missing, or the program failed.
    """
    if shutil.which("valgrind") is None:
        raise RuntimeError("valgrind is missing; install the package of that name")
    counts = directory / "callgrind"
    done = subprocess.run(
        ["valgrind", "--tool=callgrind", "--quiet", f"--callgrind-out-file={counts}", *words],
        capture_output=True,
        check=False,
        # The order in sets would be another one each time.
        env=os.environ | {"PYTHONHASHSEED": "0"},
    )
    if done.returncode:
        raise RuntimeError(f"{words} failed: {done.stderr.decode(errors='replace')}")
    found = _SUMMARY.search(counts.read_text())
    if found is None:
        raise RuntimeError("callgrind has written no sum")
    return int(found[1])


def instructions_a_task(name: str) -> float:
    """Count the instructions of a run of the engine, by its name, for each task."""
    with tempfile.TemporaryDirectory() as directory:
        few, many = (
            instructions_of(
                [sys.executable, "-m", "tests.benchmarks.coreruns", name, str(tasks)],
                Path(directory),
            )
            for tasks in (FEW, MANY)
        )
    return (many - few) / (MANY - FEW)


def main(words: Sequence[str] | None = None) -> None:
    """Understand the command line and print a line for each run."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.instructions", description=__doc__
    )
    parser.add_argument("names", nargs="*", metavar="RUN", help=f"one of {', '.join(RUNS)}")
    names = parser.parse_args(words).names
    for name in names:
        if name not in RUNS:
            parser.error(f"there is no run {name!r}")
    for name in names or RUNS:
        print(f"{instructions_a_task(name):8,.0f} instructions a task: {name}", flush=True)


if __name__ == "__main__":
    main()
