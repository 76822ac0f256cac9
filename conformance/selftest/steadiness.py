"""Judge a build again and again on a busy machine: no verdict on any test may change.

Usage: python -m conformance.selftest.steadiness DIR --impl='CMD ARGS' [--runs N] [FOR PYTEST...]

Of each run it tells a fingerprint of its verdicts, which runs on other machines have too if they
said the same, and the test whose wait came nearest to its bound: what could change next.

DIR keeps the results of each run, so a series that was stopped goes on where it was. Exit status:
0 all runs said the same, 1 some did not, 2 a run came to no verdict.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conformance.harness.verdict import ExitStatus
from conformance.selftest.running import judge

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

Verdicts = dict[str, str]
"""The status of each test, by its name."""

Tests = list[dict[str, Any]]
"""The suite's reports on the tests of a run."""


class NoVerdictError(Exception):
    """The suite has written no results; the text is its output."""


@contextlib.contextmanager
def busy(processors: int) -> Iterator[None]:
    """Keep that many processors busy."""
    loop = ["sh", "-c", "while :; do :; done"]
    processes = [subprocess.Popen(loop) for _ in range(processors)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def run_suite(directory: Path, command: str, words: Sequence[str]) -> None:
    """Let the suite judge a build and leave its results in a directory.

    Raises:
        NoVerdictError: there are none.
    """
    files = directory / "files"
    done = judge(directory, f"--impl={command}", "--tb=no", f"--basetemp={files}", *words)
    shutil.rmtree(files, ignore_errors=True)
    if done.returncode not in {ExitStatus.AS_EXPECTED, ExitStatus.NOT_AS_EXPECTED}:
        raise NoVerdictError(done.stdout + done.stderr)


def tests_of(directory: Path) -> Tests:
    """Return the suite's report there."""
    tests: Tests = json.loads((directory / "results.json").read_text())["tests"]
    return tests


def verdicts_of(tests: Tests) -> Verdicts:
    """Return its verdicts on them."""
    return {test["test"]: test["status"] for test in tests}


def fingerprint_of(verdicts: Verdicts) -> str:
    """Return a key that is the same only for equal sets of verdicts."""
    return hashlib.sha256(json.dumps(verdicts, sort_keys=True).encode()).hexdigest()[:16]


def nearest_of(tests: Tests) -> str:
    """The test whose wait came nearest to its bound, with the share of it that it took."""
    test = max(tests, key=lambda test: float(test["patience_used"]))
    return f"{test['patience_used']:.0%} of a bound in {test['test']}"


def differences(first: Mapping[str, str], other: Mapping[str, str]) -> list[str]:
    """The tests of which two runs did not say the same."""
    names = sorted(first.keys() | other.keys())
    found = [(name, first.get(name, "missing"), other.get(name, "missing")) for name in names]
    return [f"{name}: {before}, now {now}" for name, before, now in found if before != now]


def run_series(directory: Path, runs: int, command: str, words: Sequence[str]) -> int:
    """Make all runs that are missing, and tell of each; how many were unlike the first."""
    unlike = 0
    first: Verdicts = {}
    for number in range(1, runs + 1):
        place = directory / str(number)
        begin = time.monotonic()
        if not place.exists():
            unfinished = directory / f"{number}.part"
            run_suite(unfinished, command, words)
            unfinished.rename(place)
        tests = tests_of(place)
        verdicts = verdicts_of(tests)
        first = first or verdicts
        found = differences(first, verdicts)
        unlike += bool(found)
        seconds = f"{time.monotonic() - begin:.0f} s"
        print(
            f"run {number}: {len(verdicts)} tests, {len(found)} differ, {fingerprint_of(verdicts)},"
            f" {seconds}, at most {nearest_of(tests)}",
            flush=True,
        )
        for line in found:
            print(f"  {line}", flush=True)
    return unlike


def main(words: Sequence[str] | None = None) -> int:
    """Understand the command line and make the runs; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m conformance.selftest.steadiness", description=__doc__
    )
    parser.add_argument("directory", type=Path, metavar="DIR")
    parser.add_argument("--impl", required=True, metavar="'CMD ARGS'")
    parser.add_argument("--runs", type=int, default=100, metavar="N", help="default: %(default)s")
    parser.add_argument(
        "--busy",
        type=int,
        default=os.cpu_count(),
        metavar="N",
        help="processors to be kept busy (default: all)",
    )
    arguments, others = parser.parse_known_args(words)
    try:
        with busy(arguments.busy):
            unlike = run_series(arguments.directory, arguments.runs, arguments.impl, others)
    except NoVerdictError as error:
        print(f"steadiness: no verdict:\n{error}", file=sys.stderr)
        return 2
    print(f"{arguments.runs} runs, {unlike} unlike the first")
    return 1 if unlike else 0


if __name__ == "__main__":
    sys.exit(main())
