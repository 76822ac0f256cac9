"""Speed and memory of paexec-trio, beside the C program and others that do the same work.

The programs take turns. Medians of all rounds are shown, and how many times better paexec-trio was
than the C program: the median, the least and the greatest of what the rounds gave. A run whose
results are not complete has failed, and is shown as that.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks.bench import COMPLETE, QUICK, Bench
from tests.benchmarks.building import build
from tests.benchmarks.comparison import Row, compare
from tests.benchmarks.plot import ratio_plot
from tests.benchmarks.programs import OURS, find
from tests.benchmarks.report import about, table, tables, this_machine
from tests.benchmarks.running import Failed
from tests.benchmarks.sections import SECTIONS, Section


def measure(section: Section, bench: Bench) -> list[Row]:
    """Make all runs of a section."""
    rows: list[Row] = []
    for comparison in section.comparisons(bench):
        if sys.stderr.isatty():
            label = comparison.measures[0].label
            print(f"\r\033[K{section.name}: {label}", end="", file=sys.stderr, flush=True)
        rows += compare(comparison, bench.extent.rounds, bench.extent.budget)
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr)
    return rows


def main(words: Sequence[str] | None = None) -> int:
    """Understand the command line, measure, and report; return 1 if our program failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    names = [section.name for section in SECTIONS]
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(names)}")
    parser.add_argument("--quick", action="store_true", help="a twentieth of the work")
    parser.add_argument("--paexec", metavar="PROGRAM", default="paexec", help="the C program")
    parser.add_argument(
        "--write", metavar="DIRECTORY", type=Path, help="write the documentation's table and plot"
    )
    arguments = parser.parse_args(words)
    for name in arguments.names:
        if name not in names:
            parser.error(f"there is nothing called {name!r}")
    if arguments.write and arguments.names:
        parser.error("the documentation has all of it: --write takes no names")

    for name in [name for name in os.environ if name.startswith("PAEXEC_")]:
        del os.environ[name]
    machine = this_machine()
    begin = time.monotonic()
    measured = []
    with tempfile.TemporaryDirectory() as directory:
        try:
            tools, programs = build(Path(directory)), find(arguments.paexec)
        except RuntimeError as error:
            parser.error(str(error))
        bench = Bench(Path(directory), tools, programs, QUICK if arguments.quick else COMPLETE)
        for section in SECTIONS:
            if section.name in (arguments.names or names):
                rows = measure(section, bench)
                measured.append((section, rows))
                print(f"{section.title}\n{table(rows)}", flush=True)
    if arguments.write:
        command = "python -m tests.benchmarks" + " --quick" * arguments.quick
        plot = ratio_plot([(section.title, rows) for section, rows in measured])
        minutes = (time.monotonic() - begin) / 60
        (arguments.write / "about.inc").write_text(
            about(command, minutes, programs.their_version, machine)
        )
        (arguments.write / "results.inc").write_text(tables(measured))
        (arguments.write / "ratios.svg").write_text(plot)
    all_rows = [row for _, rows in measured for row in rows]
    return int(any(isinstance(row.middle(OURS), Failed) for row in all_rows))


if __name__ == "__main__":
    sys.exit(main())
