"""Two installations of paexec-trio beside each other, and beside the C program, in one run.

Usage: python -m tests.benchmarks.beside OTHER [--quick] [--nodes N,N...] [NAME...]

For people working on the core and the host: says what a change costs or gains. OTHER is the
program of another installation, such as ``/path/to/.venv/bin/paexec-trio`` of another checkout. The
installation whose interpreter runs this is *this*.

The programs take turns. A quotient is one of two runs of the same round: the median, the least and
the greatest; behind them that of the best figures of both, which other programs disturb least.
Where figures are times, a quotient below 1 means that *this* is faster.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from tests.benchmarks import bench as b
from tests.benchmarks.bench import Bench, Extent
from tests.benchmarks.building import build
from tests.benchmarks.checks import (
    FileCheck,
    each_number_once,
    each_task_under_its_number,
    something,
    tallied,
)
from tests.benchmarks.comparison import Comparison, Row, compare
from tests.benchmarks.programs import PARALLEL, THEIRS, Words, find
from tests.benchmarks.report import grid, how_it_was_made, shown
from tests.benchmarks.running import Failed, Job
from tests.benchmarks.sections import beside_start, into_file, into_pipe

THIS = "this"
OTHER = "other"

COMPLETE = Extent(quick=False, rounds=11, budget=60, limit=60)
QUICK = Extent(quick=True, rounds=5, budget=20, limit=60)

NODES = (1, 2, 8, 32, 128)
"""Numbers of nodes, unless others are asked for."""

Comparisons = Iterator[Comparison[Any]]


@dataclass(frozen=True)
class Pair:
    """Two installations of ours.

    Attributes:
        this: the program of the running interpreter.
        other: the program of the other one.
    """

    this: Path
    other: Path

    def calls(self, *words: str) -> dict[str, Words]:
        """Return the first words of both calls."""
        return {THIS: [self.this, *words], OTHER: [self.other, *words]}


@dataclass(frozen=True)
class Variant:
    """A kind of run in which tasks take no time.

    Attributes:
        name: by which it is chosen.
        label: by which it is shown.
        options: of our programs.
        theirs: the options of the C program, or None if it cannot do that.
        answer: words of the calculator.
        check: returns the check of so many results.
        complete: how many tasks are done in a complete run.
    """

    name: str
    label: str
    options: Words = ()
    theirs: Words | None = ()
    answer: Words = ("echo",)
    check: Callable[[int], FileCheck] = each_number_once
    complete: int = 50_000


VARIANTS = (
    Variant("default", "default"),
    Variant("lr", "-l -r", ["-l", "-r"], ["-l", "-r"], check=each_task_under_its_number),
    # More tasks: they cost so little that the short run, a tenth, would be over before it loads all
    # that the long one loads. The C program would take minutes for them.
    Variant("prefetch", "--prefetch 16", ["--prefetch", "16"], None, complete=2_000_000),
    Variant("auto", "--prefetch auto", ["--prefetch", "auto"], None, complete=4_000_000),
    Variant(
        "graph",
        "-g -l",
        ["-g", "-l"],
        ["-g", "-l"],
        answer=("say", "success"),
        check=partial(each_number_once, suffix=b" success"),
        complete=10_000,  # the C program's time grows with the square of the tasks
    ),
    Variant("group", "--group", ["--group"], None),
)


def rates(variant: Variant, pair: Pair, bench: Bench, nodes: Sequence[int]) -> Comparisons:
    """Compare tasks a second and the processor time of a task."""
    calls = pair.calls(*map(str, variant.options))
    if variant.theirs is not None:
        calls[THEIRS] = [bench.programs.theirs, *variant.theirs]
    command = bench.calculator(*map(str, variant.answer))
    for number in bench.nodes(*nodes):
        tasks = bench.tasks(variant.complete, variant.complete // 2, number)
        few = b.few(tasks, number)
        jobs = {
            name: bench.local(words, number, command, bench.numbers(tasks))
            for name, words in calls.items()
        }
        starts = {name: replace(job, stdin=bench.numbers(few)) for name, job in jobs.items()}
        label = f"{variant.label}, n={number}"
        yield Comparison(
            [
                b.of_run(b.tasks_a_second(label, tasks)),
                b.tasks_a_second_without_start(label, tasks, number),
                b.of_run(b.processor_time(label, tasks)),
                b.processor_time_without_start(label, tasks, number),
            ],
            beside_start(
                into_file(jobs, variant.check(tasks)),
                into_file(starts, variant.check(few)),
            ),
        )


def first_results(pair: Pair, bench: Bench, nodes: Sequence[int]) -> Comparisons:
    """Compare the time to the first result, of tasks that take no time and of tasks that do."""
    for number in bench.nodes(*nodes):
        numbers = bench.numbers(number)
        for milliseconds in (0, 100):
            wait = str(milliseconds)
            work = bench.calculator("work", wait, wait)
            calls = pair.calls() | {THEIRS: [bench.programs.theirs]}
            jobs = {
                name: bench.local(words, number, work, numbers) for name, words in calls.items()
            }
            if bench.programs.has_parallel:
                once: Words = [bench.tools.calculator, "once", wait]
                parallel: Words = ["parallel", "--will-cite", f"-j{number}", *once]
                jobs[PARALLEL] = bench.job(parallel, numbers)
            label = f"first result, {milliseconds} ms a task, n={number}"
            yield Comparison(
                [b.milliseconds_to_first(label)],
                into_pipe(jobs, tallied(number, numbers.stat().st_size)),
            )


def starts(pair: Pair, bench: Bench) -> Comparisons:
    """Compare what printing the version takes, and a run with a single task."""
    nothing = Path("/dev/null")
    calls = pair.calls() | {THEIRS: [bench.programs.theirs]}
    jobs = {name: bench.job([*words, "-V"], nothing) for name, words in calls.items()}
    yield _start("-V", jobs, something)
    command = bench.calculator("echo")
    one = bench.numbers(1)
    jobs = {name: bench.local(words, 1, command, one) for name, words in calls.items()}
    yield _start("a run with one task", jobs, each_number_once(1))


def _start(label: str, jobs: Mapping[str, Job], check: FileCheck) -> Comparison[Any]:
    measures = [b.milliseconds(label), b.processor_milliseconds(label)]
    return Comparison(measures, into_file(jobs, check))


def comparisons(name: str, pair: Pair, bench: Bench, nodes: Sequence[int]) -> Comparisons:
    """Return the comparisons of a name: that of a variant, ``first`` or ``start``."""
    if name == "first":
        return first_results(pair, bench, nodes)
    if name == "start":
        return starts(pair, bench)
    return rates(next(v for v in VARIANTS if v.name == name), pair, bench, nodes)


NAMES = [*(variant.name for variant in VARIANTS), "first", "start"]


def shown_quotient(row: Row, program: str, other: str) -> str:
    """Return the quotients of two programs' figures, and that of the best ones."""
    spread = row.quotient(program, other)
    best, of_other = row.best(program), row.best(other)
    if spread is None or best is None or of_other is None:
        return "-"
    return f"{spread.median:.2f} ({spread.low:.2f} to {spread.high:.2f}), {best / of_other:.2f}"


def table(rows: Sequence[Row]) -> str:
    """Return a table: the medians of each program, and the quotients."""
    programs = list(dict.fromkeys(program for row in rows for program in row.figures))
    references = [program for program in programs if program != THIS]
    head = ["measured", *programs, *(f"{THIS} / {name}, best" for name in references)]
    body = [
        [
            row.label,
            *(shown(row.middle(program), row.unit) for program in programs),
            *(shown_quotient(row, THIS, name) for name in references),
        ]
        for row in rows
    ]
    return grid(head, body)


def main(words: Sequence[str] | None = None) -> int:
    """Understand the command line, measure and print; return 1 if one of ours failed."""
    arguments = _parse(words)
    for name in [name for name in os.environ if name.startswith("PAEXEC_")]:
        del os.environ[name]
    failed = False
    with tempfile.TemporaryDirectory() as directory:
        tools, programs = build(Path(directory)), arguments.programs
        extent = QUICK if arguments.quick else COMPLETE
        pair = Pair(programs.ours, arguments.other)
        for name in arguments.names or NAMES:
            bench = Bench(Path(directory), tools, programs, extent)
            begin = time.monotonic()
            rows = [
                row
                for comparison in comparisons(name, pair, bench, arguments.nodes)
                for row in compare(comparison, extent.rounds, extent.budget)
            ]
            made = how_it_was_made(
                f"python -m tests.benchmarks.beside OTHER {name}" + " --quick" * arguments.quick,
                programs.their_version,
                time.monotonic() - begin,
                bench.busyness.summary(),
            )
            print(f"{table(rows)}\n{made}\n", flush=True)
            outcomes = [row.middle(ours) for row in rows for ours in (THIS, OTHER)]
            failed |= any(isinstance(outcome, Failed) for outcome in outcomes)
    return int(failed)


def _parse(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.beside",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("other", metavar="OTHER", type=Path, help="the other paexec-trio")
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"one of {', '.join(NAMES)}; all by default"
    )
    parser.add_argument("--quick", action="store_true", help="less work")
    parser.add_argument(
        "--nodes",
        metavar="N,N...",
        type=lambda text: tuple(map(int, text.split(","))),
        default=NODES,
        help=f"numbers of nodes; {','.join(map(str, NODES))} by default",
    )
    parser.add_argument("--paexec", metavar="PROGRAM", default="paexec", help="the C program")
    arguments = parser.parse_intermixed_args(words)
    for name in arguments.names:
        if name not in NAMES:
            parser.error(f"there is nothing called {name!r}")
    if not os.access(arguments.other, os.X_OK):
        parser.error(f"there is no program {arguments.other}")
    try:
        arguments.programs = find(arguments.paexec)
    except RuntimeError as error:
        parser.error(str(error))
    return arguments


if __name__ == "__main__":
    sys.exit(main())
