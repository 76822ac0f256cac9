"""The programs that are compared, and how each is told to do the same."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

OURS = "paexec-trio"
PREFETCH_16 = "--prefetch 16"
PREFETCH = "--prefetch auto"
THEIRS = "paexec"
JOBLOG = "--joblog"
XARGS = "xargs -P"
PARALLEL = "GNU parallel"

Words = Sequence[str | Path]


@dataclass(frozen=True)
class Programs:
    """The programs to be compared.

    Attributes:
        ours: our program.
        theirs: the C program.
        our_reorder: our companion for reordering.
        their_reorder: that of the C program.
        their_version: name and version of the C program.
        can_prefetch: whether ours has the option ``--prefetch``.
        has_parallel: whether GNU parallel is there.
    """

    ours: Path
    theirs: Path
    our_reorder: Path
    their_reorder: Path
    their_version: str
    can_prefetch: bool
    has_parallel: bool

    def distributors(self, *, prefetch: bool = True) -> dict[str, Words]:
        """Return the first words of each distributor's call."""
        calls: dict[str, Words] = {OURS: [self.ours]}
        if prefetch:
            calls[PREFETCH_16] = [self.ours, "--prefetch", "16"]
        if prefetch and self.can_prefetch:
            calls[PREFETCH] = [self.ours, "--prefetch", "auto"]
        return calls | {THEIRS: [self.theirs]}

    def starting_each(self, jobs: int, command: Words) -> dict[str, Words]:
        """Return calls by which each program runs a command once for each line of its input."""
        line = " ".join(str(word) for word in command)
        calls: dict[str, Words] = {
            name: [*words, "-x", "-n", f"+{jobs}", "-c", line]
            for name, words in self.distributors(prefetch=False).items()
        }
        calls[XARGS] = ["xargs", "-P", str(jobs), "-n", "1", *command]
        if self.has_parallel:
            calls[PARALLEL] = ["parallel", "--will-cite", f"-j{jobs}", *command]
        return calls

    def telling_version(self) -> dict[str, Words]:
        """Return calls that print the version."""
        calls: dict[str, Words] = {
            name: [*words, "-V"] for name, words in self.distributors(prefetch=False).items()
        }
        calls[XARGS] = ["xargs", "--version"]
        if self.has_parallel:
            calls[PARALLEL] = ["parallel", "--version"]
        return calls


def find(theirs: str) -> Programs:
    """Find the programs; ours are those of the running interpreter.

    Args:
        theirs: path or name of the C program; its companion is beside it.

    Raises:
        RuntimeError: one is missing.
    """
    ours = Path(sys.executable).with_name("paexec-trio")
    found = shutil.which(theirs)
    if found is None:
        raise RuntimeError(f"there is no program {theirs}")
    their_reorder = Path(found).with_name("paexec_reorder")
    for program in (ours, their_reorder):
        if not program.exists():
            raise RuntimeError(f"there is no program {program}")
    version = subprocess.run([found, "-V"], check=True, capture_output=True, text=True)
    help_text = subprocess.run([ours, "-h"], check=True, capture_output=True, text=True)
    return Programs(
        ours=ours,
        theirs=Path(found),
        our_reorder=ours.with_name("pareorder-trio"),
        their_reorder=their_reorder,
        their_version=" ".join(version.stdout.split()[:2]),
        can_prefetch="--prefetch" in help_text.stdout + help_text.stderr,
        has_parallel=_is_gnu_parallel(),
    )


def _is_gnu_parallel() -> bool:
    """Return whether ``parallel`` is GNU's and not that of moreutils."""
    if shutil.which("parallel") is None:
        return False
    said = subprocess.run(["parallel", "--version"], check=False, capture_output=True)
    return said.stdout.startswith(b"GNU parallel")
