"""System calls of a distributor for each task: work that can be counted whatever else happens."""

from __future__ import annotations

import subprocess
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.checks import each_number_once
from tests.benchmarks.running import Failed

LIMIT = 120
"""Seconds for one run, which takes one or two."""


@dataclass(frozen=True)
class CallsPerTask:
    """System calls of the distributor alone, without those of the processes that it starts."""

    of: dict[str, float]

    @property
    def total(self) -> float:
        """All kinds together."""
        return sum(self.of.values(), 0.0)


def system_calls(argv: Sequence[str | Path], tasks: int, directory: Path) -> Counter[str] | Failed:
    """Count the system calls of a run whose calculators print each task, a number."""
    counts, numbers, results = (directory / name for name in ("counts", "numbers", "results"))
    numbers.write_bytes(b"".join(b"%d\n" % number for number in range(1, tasks + 1)))
    with numbers.open("rb") as stdin, results.open("wb") as stdout:
        done = subprocess.run(
            ["strace", "-c", "-U", "calls,name", "-o", counts, *argv],
            stdin=stdin,
            stdout=stdout,
            stderr=subprocess.PIPE,
            timeout=LIMIT,
            check=False,
        )
    if done.returncode:
        return Failed(f"status {done.returncode}: {done.stderr[:200].decode(errors='replace')}")
    fault = each_number_once(tasks)(results)
    return Failed(fault) if fault else read_counts(counts.read_text())


def read_counts(text: str) -> Counter[str]:
    """Understand the table of ``strace -c``."""
    words = (line.split() for line in text.splitlines())
    return Counter(
        {row[-1]: int(row[0]) for row in words if row and row[0].isdigit() and row[-1] != "total"}
    )


def calls_per_task(
    argv: Sequence[str | Path], few: int, many: int, directory: Path
) -> CallsPerTask | Failed:
    """Count how many more calls more tasks need; so those of the start do not count."""
    before = system_calls(argv, few, directory)
    after = system_calls(argv, many, directory)
    for outcome in (before, after):
        if isinstance(outcome, Failed):
            return outcome
    assert isinstance(before, Counter)
    assert isinstance(after, Counter)
    return CallsPerTask(
        {
            name: (after[name] - before[name]) / (many - few)
            for name in after.keys() | before.keys()
            if after[name] != before[name]
        }
    )
