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
from tests.benchmarks.figures import Measured, load, save
from tests.benchmarks.plot import ratio_plot
from tests.benchmarks.programs import OURS, find
from tests.benchmarks.report import how_it_was_made, table, tables
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


def write_documentation(directory: Path, measured: dict[str, Measured]) -> None:
    """Put figures in the place of older ones, and make the table and the plot anew."""
    figures = load(directory / "figures.json") | measured
    figures = {
        section.name: figures[section.name] for section in SECTIONS if section.name in figures
    }
    save(directory / "figures.json", figures)
    (directory / "results.inc").write_text(tables(figures))
    titles = {section.name: section.title for section in SECTIONS}
    plot = ratio_plot([(titles[name], section.rows) for name, section in figures.items()])
    (directory / "ratios.svg").write_text(plot)


def main(words: Sequence[str] | None = None) -> int:
    """Understand the command line, measure, and report; return 1 if our program failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    names = [section.name for section in SECTIONS]
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(names)}")
    parser.add_argument("--quick", action="store_true", help="less work")
    parser.add_argument("--paexec", metavar="PROGRAM", default="paexec", help="the C program")
    parser.add_argument(
        "--write",
        metavar="DIRECTORY",
        type=Path,
        help="put the figures into those of the documentation, and make its tables and plot anew",
    )
    arguments = parser.parse_args(words)
    for name in arguments.names:
        if name not in names:
            parser.error(f"there is nothing called {name!r}")

    for name in [name for name in os.environ if name.startswith("PAEXEC_")]:
        del os.environ[name]
    measured: dict[str, Measured] = {}
    with tempfile.TemporaryDirectory() as directory:
        try:
            tools, programs = build(Path(directory)), find(arguments.paexec)
        except RuntimeError as error:
            parser.error(str(error))
        extent = QUICK if arguments.quick else COMPLETE
        for section in SECTIONS:
            if section.name not in (arguments.names or names):
                continue
            bench = Bench(Path(directory), tools, programs, extent)
            begin = time.monotonic()
            rows = measure(section, bench)
            command = f"python -m tests.benchmarks {section.name}" + " --quick" * arguments.quick
            seconds = time.monotonic() - begin
            made = how_it_was_made(
                command, programs.their_version, seconds, bench.busyness.summary()
            )
            measured[section.name] = Measured(made, rows)
            print(f"{section.title}\n{table(rows)}", flush=True)
    if arguments.write:
        write_documentation(arguments.write, measured)
    all_rows = [row for section in measured.values() for row in section.rows]
    return int(any(isinstance(row.middle(OURS), Failed) for row in all_rows))


if __name__ == "__main__":
    sys.exit(main())
