"""Campaigns on hosts in network namespaces, which take many minutes.

faults: 17 faults beside 4 choices of options, on one host of two or on both.
storm: 16 hosts, 10,000 tasks, and every 2 seconds a fault that heals 3 seconds later.
distance: tasks a second over an ssh that takes 50 ms each way.
"""

from __future__ import annotations

import argparse
import secrets
import sys
from collections.abc import Sequence
from pathlib import Path

from conformance.harness.network.hosts import why_not
from tests.networks import distance, trials
from tests.networks.faults import FAULTS, named
from tests.networks.figures import Figures, described, load, tables, write
from tests.networks.programs import Program, find
from tests.networks.storm import Storm

CAMPAIGNS = ("faults", "storm", "distance")


def tell(line: str) -> None:
    """Write a line about the progress."""
    print(line, file=sys.stderr, flush=True)


def run_faults(programs: list[Program], names: Sequence[str], workers: int) -> Figures:
    """Run the campaign of single faults."""
    chosen = trials.cases(programs, [named(name) for name in names] or FAULTS)
    # Tables are in the order of the cases, whichever ends first.
    found = dict(trials.run_all(chosen, workers, tell))
    return described((case, found[case]) for case in chosen)


def run_storm(program: Program, seed: int) -> Figures:
    """Run the storm against one program."""
    tell(f"storm: {program.name}, seed {seed}")
    outcome, struck = Storm().run(program, ["-Z", "2", "-w"], seed, tell)
    tell(str(outcome))
    return {"outcome": outcome.as_dict(), "faults": dict(sorted(struck.items())), "seed": seed}


def main(words: Sequence[str] | None = None) -> int:
    """Understand the command line, run campaigns, and report."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.networks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("campaigns", nargs="*", metavar="NAME", help=", ".join(CAMPAIGNS))
    parser.add_argument("--fault", action="append", default=[], help="only this one, of faults")
    parser.add_argument("--program", action="append", default=[], help="only this one of them")
    parser.add_argument("--paexec", metavar="PROGRAM", default="paexec", help="the C program")
    parser.add_argument("--ours", metavar="PROGRAM", help="another build of paexec-trio")
    parser.add_argument("--workers", type=int, default=12, help="runs of faults side by side")
    parser.add_argument("--seed", type=int, help="of the storm")
    parser.add_argument("--write", metavar="DIRECTORY", type=Path, help="such as docs/networks")
    arguments = parser.parse_args(words)
    for name in arguments.campaigns:
        if name not in CAMPAIGNS:
            parser.error(f"there is no campaign {name!r}")
    for name in arguments.fault:
        if name not in {fault.name for fault in FAULTS}:
            parser.error(f"there is no fault {name!r}")
    if reason := why_not():
        parser.error(reason)

    programs = [
        each
        for each in find(arguments.paexec, arguments.ours)
        if not arguments.program or each.name in arguments.program
    ]
    wanted = arguments.campaigns or CAMPAIGNS
    figures: Figures = {}
    if "distance" in wanted:
        measured = list(distance.measure_all(programs))
        figures["distance"] = {each.program: [each.tasks, each.seconds] for each in measured}
    if "faults" in wanted:
        found = run_faults(programs, arguments.fault, arguments.workers)
        figures["trials"] = found
    if "storm" in wanted:
        seed = secrets.randbits(32) if arguments.seed is None else arguments.seed
        figures["storm"] = {program.name: run_storm(program, seed) for program in programs}
    if arguments.write:
        # Another campaign may have written some meanwhile.
        known = load(arguments.write / "figures.json")
        write(arguments.write, known | {n: known.get(n, {}) | new for n, new in figures.items()})
    else:
        print(tables(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
