"""Simulated runs from the command line.

A number replays the run of that seed. With --shrink, Hypothesis makes a bad run small, and the
result is printed as a test with a playbook. With --runs N, N runs of new seeds are tried; each that
has violations is printed, with the command that replays it, and the exit status is 1.

--mutant plants a fault in the engine first, to show what the simulation makes of it.
"""

from __future__ import annotations

import argparse
import os
import secrets
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

from tests.simulation.run import explain, simulate
from tests.simulation.script import as_playbook
from tests.zoo.catalogue import load

BATCH = 50
"""Runs that a process is given at once."""


@dataclass(slots=True)
class Tally:
    """The result of some runs."""

    runs: int = 0
    tasks_done: int = 0
    failed_attempts: int = 0
    restarts: int = 0
    bad_runs: int = 0

    def add(self, other: Tally) -> None:
        """Add the figures of other runs."""
        self.runs += other.runs
        self.tasks_done += other.tasks_done
        self.failed_attempts += other.failed_attempts
        self.restarts += other.restarts
        self.bad_runs += other.bad_runs

    def __str__(self) -> str:
        """Return a line for people."""
        return (
            f"{self.runs} runs, {self.tasks_done} tasks done, {self.failed_attempts} attempts"
            f" failed, {self.restarts} restarts, {self.bad_runs} runs with violations"
        )


def try_seeds(seeds: range) -> tuple[Tally, list[str]]:
    """Run these seeds; return the tally, and an explanation of each run with violations."""
    tally = Tally()
    explanations = []
    for seed in seeds:
        run = simulate(seed)
        bad = bool(run.verdict.violations)
        tally.add(
            Tally(
                runs=1,
                tasks_done=run.verdict.tasks_done,
                failed_attempts=run.verdict.failed_attempts,
                restarts=run.verdict.restarts,
                bad_runs=int(bad),
            )
        )
        if bad:
            explanations.append(explain(run, seed))
    return tally, explanations


def campaign(first: int, runs: int, jobs: int) -> Tally:
    """Try a range of seeds in several processes, and print what is found."""
    total = Tally()
    starts = range(first, first + runs, BATCH)
    batches: Iterator[range] = (range(start, min(start + BATCH, first + runs)) for start in starts)
    with ProcessPoolExecutor(jobs) as pool:
        for tally, explanations in pool.map(try_seeds, batches):
            total.add(tally)
            for explanation in explanations:
                print(explanation, end="\n\n", flush=True)
            if sys.stderr.isatty():
                print(f"\r{total}", end="", file=sys.stderr)
    if sys.stderr.isatty():
        print(file=sys.stderr)
    return total


def replay(seed: int, *, with_history: bool) -> bool:
    """Run one seed, and print what there is to be seen; return whether it is good."""
    run = simulate(seed)
    if with_history:
        print(*run.history.lines(), sep="\n")
    if run.verdict.violations:
        print(explain(run, seed))
    else:
        print(f"no violations; {run.scenario}")
    return not run.verdict.violations


def show_shrunk(seed: int) -> bool:
    """Print a small run with the violation of this seed's run; return whether there is none."""
    from tests.simulation.shrinking import shrink  # Hypothesis loads slowly

    try:
        run = shrink(seed)
    except ValueError as error:
        print(error)
        return True
    print(as_playbook(run), end="")
    return False


def plant(name: str) -> None:
    """Plant a fault of the zoo, for the rest of the process.

    Raises:
        KeyError: there is no such fault.
    """
    load(name)[name.replace("_", "-")].plant()


def main() -> int:
    """Understand the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("seed", type=int, nargs="?", help="replay the run of this seed")
    parser.add_argument("--history", action="store_true", help="print everything that happens")
    parser.add_argument("--shrink", action="store_true", help="print a small run that is as bad")
    parser.add_argument("--mutant", metavar="NAME", help="plant this fault in the engine first")
    parser.add_argument("--runs", type=int, metavar="N", help="try N seeds in a row")
    parser.add_argument("--first", type=int, metavar="SEED", help="from this one on; default: any")
    parser.add_argument("--jobs", type=int, metavar="N", default=os.cpu_count(), help="processes")
    options = parser.parse_args()
    if (options.seed is None) == (options.runs is None):
        parser.error("either a seed or --runs is needed")
    if options.mutant:
        plant(options.mutant)
    if options.seed is not None and options.shrink:
        return 0 if show_shrunk(options.seed) else 1
    if options.seed is not None:
        return 0 if replay(options.seed, with_history=options.history) else 1
    first = secrets.randbits(32) if options.first is None else options.first
    print(f"seeds {first} to {first + options.runs - 1}", flush=True)
    start = time.monotonic()
    total = campaign(first, options.runs, options.jobs)
    print(f"{total}; {time.monotonic() - start:.0f} s")
    return 1 if total.bad_runs else 0


if __name__ == "__main__":
    sys.exit(main())
