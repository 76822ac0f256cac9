"""Faults are put into the core, one at a time; the unit tests of the module have to fail each time.

The exit status is 1 if fewer than 90 of 100 mutants of a module are killed, or if one survives that
survivors.toml does not explain, or if one is killed that it says survives.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.mutation import explained, report
from tests.mutation.session import TARGETS, copy_of_tree, mutants_of, warm_pytest

LEAST = 90
"""Of 100 mutants of each module so many have to be killed."""


def main(words: Sequence[str] | None = None) -> int:
    """Understand the command line, try the mutants, and report."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    names = [target.name for target in TARGETS]
    parser.add_argument("names", nargs="*", metavar="MODULE", help=f"one of {', '.join(names)}")
    parser.add_argument(
        "--write",
        metavar="DIRECTORY",
        type=Path,
        help="put the figures into those of the documentation, and make its table anew",
    )
    parser.add_argument(
        "--sessions",
        metavar="DIRECTORY",
        type=Path,
        help="keep results there; where a module is unchanged, try only survivors again",
    )
    arguments = parser.parse_args(words)
    for name in arguments.names:
        if name not in names:
            parser.error(f"there is no module {name!r}")

    mutants = []
    with tempfile.TemporaryDirectory() as directory:
        tree = Path(directory)
        sessions = arguments.sessions or tree
        sessions.mkdir(exist_ok=True)
        copy_of_tree(tree)
        with warm_pytest(tree) as pytest:
            for target in TARGETS:
                if target.name in (arguments.names or names):
                    mutants += mutants_of(target, tree, pytest, sessions)
    explanations = explained.load()
    verdict = explained.judge(mutants, explanations)
    figures = report.figures_of(mutants)
    print(report.table(figures), end="")
    for mutant in verdict.unexplained:
        print(f"\nsurvives: {mutant.place}")
        print(f"  - {mutant.before}\n  + {mutant.after}")
    for place, before, after in verdict.stale:
        print(f"\nis explained, and was killed or is none: {place}\n  - {before}\n  + {after}")
    if arguments.write:
        figures = report.load(arguments.write / "figures.json") | figures
        figures = {name: figures[name] for name in names if name in figures}
        report.save(arguments.write / "figures.json", figures)
        text = report.table(figures) + "\n" + report.survivors(explanations)
        (arguments.write / "results.inc").write_text(text)
    too_few = any(each.share < LEAST for each in report.figures_of(mutants).values())
    return int(too_few or bool(verdict.unexplained) or bool(verdict.stale))


if __name__ == "__main__":
    sys.exit(main())
