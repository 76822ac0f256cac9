"""Runs that are killed at random moments, and resumed until all is done (ACC-042, ACC-049)."""

from __future__ import annotations

import os
import random
import subprocess
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from time import monotonic

import pytest

from paexec_trio.core.joblog import SUCCESS, parse
from tests.cli.harness import LIMIT, PROGRAM

TASKS = 300

RESULTS = """
while IFS= read -r n; do
    if [ $((n % 37)) = 0 ] && [ -n "$DIES" ] && mkdir "$DIES/$n" 2>/dev/null; then
        echo "$n unfinished"
        kill -9 $$
    fi
    echo "$n begins"
    if [ $((n % 50)) = 0 ]; then
        head -c 150000 /dev/zero | tr '\\0' x
        echo
    fi
    echo "$n ends"
    [ -z "$STATUS" ] || echo success
    echo
done
"""
"""A calculator of which each result is more than one line, and some do not fit into a pipe."""

FLAT = b"".join(b"%d\n" % number for number in range(1, TASKS + 1))

GRAPH = FLAT + b"".join(
    b"%d %d\n" % (number, number + 7) for number in range(1, TASKS - 6) if number % 3
)

VARIANTS = {
    "flat": (FLAT, ()),
    "graph": (GRAPH, ("-g",)),
    "deaths": (FLAT, ("-Z", "0.01", "-w")),
    "prefetch": (FLAT, ("--prefetch", "4")),
}

Options = tuple[bytes, Sequence[str]]


class Campaign:
    """Runs of the same tasks in one directory."""

    def __init__(self, directory: Path, variant: Options, order: Sequence[str]) -> None:
        self.directory = directory
        self.tasks, options = variant
        self.options = [*options, *order, "-n", "+3"]
        self.environment = {**os.environ}
        if "-g" in options:
            self.environment["STATUS"] = "1"
        if "-Z" in options:
            (directory / "deaths").mkdir(exist_ok=True)
            self.environment["DIES"] = str(directory / "deaths")
        self.environment["PAEXEC_ENV"] = "STATUS,DIES"
        (directory / "tasks").write_bytes(self.tasks)

    def start(self, *options: str) -> subprocess.Popen[bytes]:
        with (self.directory / "tasks").open("rb") as tasks:
            return subprocess.Popen(
                [*PROGRAM, *self.options, *options, "-c", RESULTS],
                stdin=tasks,
                cwd=self.directory,
                env=self.environment,
            )

    def run(self, *options: str) -> float:
        """Run to the end; return the seconds."""
        began = monotonic()
        assert self.start(*options).wait(LIMIT) == 0
        return monotonic() - began

    def output(self, name: str) -> bytes:
        return (self.directory / name).read_bytes()

    def is_done_after(self, moment: float) -> bool:
        """Resume; kill the run after some seconds; return whether it was over before."""
        process = self.start("--joblog", "log", "--resume", "--output", "out")
        with suppress(subprocess.TimeoutExpired):
            assert process.wait(moment) == 0
            return True
        process.kill()
        process.wait(LIMIT)
        return False


def results_of(output: bytes) -> Counter[bytes]:
    """Return the results; each begins with a line of its own."""
    results: list[list[bytes]] = []
    for line in output.splitlines(keepends=True):
        if line.endswith(b" begins\n"):
            results.append([])
        results[-1].append(line)
    return Counter(map(b"".join, results))


def check_log(log: bytes, output: bytes) -> None:
    """Check that the log has each task as done once, and where its result ends."""
    attempts = parse(log)
    assert sorted(each.task_id for each in attempts if each.status == SUCCESS) == [
        *range(1, TASKS + 1)
    ]
    for each in attempts:
        if each.status == SUCCESS:
            before = output[: each.end].removesuffix(b"success\n")
            assert before.endswith(b"%b ends\n" % each.text)


def disturb(directory: Path, variant: Options, order: Sequence[str], kills: int, seed: int) -> None:
    """Kill runs ``kills`` times, and compare the output with that of an undisturbed run."""
    dice = random.Random(seed)  # noqa: S311
    campaign = Campaign(directory, variant, order)
    seconds = campaign.run("--output", "expected")
    expected = campaign.output("expected")
    killed = 0
    while killed < kills:
        for name in ("log", "out"):
            (directory / name).unlink(missing_ok=True)
        while not campaign.is_done_after(
            dice.uniform(0.05, seconds) if killed < kills else float(LIMIT)
        ):
            killed += 1
        output = campaign.output("out")
        if "--keep-order" in order:
            assert output == expected
        assert results_of(output) == results_of(expected)
        check_log(campaign.output("log"), output)


ORDERS = pytest.mark.parametrize("order", [(), ("--keep-order",)], ids=["group", "order"])


@ORDERS
@pytest.mark.parametrize("name", VARIANTS)
def test_a_few_moments(tmp_path: Path, name: str, order: Sequence[str]) -> None:
    disturb(tmp_path, VARIANTS[name], order, kills=1, seed=len(name) + len(order))


@pytest.mark.long
@ORDERS
@pytest.mark.parametrize("name", VARIANTS)
def test_many_moments(tmp_path: Path, name: str, order: Sequence[str]) -> None:
    """200 moments in all."""
    disturb(tmp_path, VARIANTS[name], order, kills=25, seed=1)
