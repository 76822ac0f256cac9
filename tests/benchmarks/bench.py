"""The common base of the sections: how much work they do, and how they make runs."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from pathlib import Path

from tests.benchmarks.building import Tools
from tests.benchmarks.busyness import Busyness
from tests.benchmarks.comparison import Measure, Unit
from tests.benchmarks.programs import Programs, Words
from tests.benchmarks.running import Failed, Job, Trial, Usage


@dataclass(frozen=True)
class Extent:
    """How much is done.

    Attributes:
        quick: whether the smaller of two sizes is done.
        rounds: how often each program runs, at most.
        budget: seconds after which programs that are compared do not run once more.
        limit: seconds after which a run has failed, unless it has much more to do than others.
        most_nodes: where more are asked for, this many.
        most_tasks: the same for tasks, and for lines of results.
    """

    quick: bool
    rounds: int
    budget: float
    limit: float
    most_nodes: int = 2000
    most_tasks: int = 1_000_000_000


COMPLETE = Extent(quick=False, rounds=5, budget=4, limit=30)
QUICK = Extent(quick=True, rounds=3, budget=1, limit=20)

TASKS_A_SECOND = Unit("tasks/s", greater_is_better=True)
MEGABYTES_A_SECOND = Unit("MB/s", greater_is_better=True)
MILLISECONDS = Unit("ms", greater_is_better=False, digits=1)
SECONDS = Unit("s", greater_is_better=False, digits=2)
MEBIBYTES = Unit("MiB", greater_is_better=False, digits=1)
MICROSECONDS = Unit("µs a task", greater_is_better=False, digits=1)
MILLISECONDS_A_MEGABYTE = Unit("ms a MB", greater_is_better=False, digits=2)
CALLS_A_TASK = Unit("calls a task", greater_is_better=False, digits=2)


@dataclass(frozen=True)
class WithStart:
    """A run, and one of the same program with few tasks: their difference is without any start.

    Without prefetch the short run lasts long enough to load all that a long one loads.

    Attributes:
        run: all tasks.
        start: with :func:`few` tasks; of those so far the one of the least processor time.
    """

    run: Usage
    start: Usage

    @property
    def processor(self) -> float:
        """Processor seconds for the tasks alone; at least a nanosecond, for ratios."""
        return max(1e-9, self.run.processor - self.start.processor)

    @property
    def seconds(self) -> float:
        """Seconds for the tasks alone; at least a nanosecond, for ratios."""
        return max(1e-9, self.run.seconds - self.start.seconds)


FEW_PER_NODE = 200
"""Tasks per node, at least, of a short run. Some nodes do tasks while others start, and trio is
loaded only after that: in a run with 128 nodes after more than 10,000 tasks. With ``--prefetch`` a
short run can end before that nevertheless; the loading then counts as processor time of tasks."""


def few(tasks: int, nodes: int) -> int:
    """Return how many tasks the short run beside a run has."""
    return min(tasks // 2, max(tasks // 10, FEW_PER_NODE * nodes))


def tasks_a_second(label: str, tasks: int) -> Measure[Usage]:
    """Measure a rate; the time is that of the whole run, starting and ending included."""
    return Measure(label, TASKS_A_SECOND, lambda usage: tasks / usage.seconds)


def megabytes_a_second(label: str, octets: int) -> Measure[Usage]:
    """Measure the rate of results."""
    return Measure(label, MEGABYTES_A_SECOND, lambda usage: octets / 1e6 / usage.seconds)


def milliseconds_to_first(label: str) -> Measure[Usage]:
    """Measure the time to the first result."""
    return Measure(label, MILLISECONDS, lambda usage: usage.first * 1000)


def seconds(label: str) -> Measure[Usage]:
    """Measure the time of the whole run."""
    return Measure(label, SECONDS, lambda usage: usage.seconds)


def milliseconds(label: str) -> Measure[Usage]:
    """Measure the time of a whole short run."""
    return Measure(label, MILLISECONDS, lambda usage: usage.seconds * 1000)


def processor_time(label: str, tasks: int) -> Measure[Usage]:
    """Measure the processor time of the distributor for each task, its start included."""
    label = f"{label}: processor time"
    return Measure(label, MICROSECONDS, lambda usage: usage.processor * 1e6 / tasks)


def processor_time_without_start(label: str, tasks: int, nodes: int) -> Measure[WithStart]:
    """Measure the processor time of the distributor for each task, without its start."""
    label = f"{label}: processor time without start"
    done = tasks - few(tasks, nodes)
    return Measure(label, MICROSECONDS, lambda both: both.processor * 1e6 / done)


def tasks_a_second_without_start(label: str, tasks: int, nodes: int) -> Measure[WithStart]:
    """Measure a rate without the start of the program and of the calculators."""
    done = tasks - few(tasks, nodes)
    return Measure(f"{label}: without start", TASKS_A_SECOND, lambda both: done / both.seconds)


def processor_time_of_results(label: str, octets: int) -> Measure[Usage]:
    """Measure the processor time of the distributor for each megabyte of results."""
    label = f"{label}: processor time"
    return Measure(label, MILLISECONDS_A_MEGABYTE, lambda usage: usage.processor * 1e9 / octets)


def processor_milliseconds(label: str) -> Measure[Usage]:
    """Measure the processor time of a whole short run."""
    return Measure(f"{label}: processor time", MILLISECONDS, lambda usage: usage.processor * 1000)


def of_run(measure: Measure[Usage]) -> Measure[WithStart]:
    """Return the same measure of a run that was made beside its start."""
    return Measure(measure.label, measure.unit, lambda both: measure.value(both.run))


def peak(label: str) -> Measure[Usage]:
    """Measure the memory of the distributor."""
    return Measure(label, MEBIBYTES, lambda usage: usage.peak / 1024)


@dataclass(frozen=True)
class Bench:
    """The tools with which a section makes its runs."""

    directory: Path
    tools: Tools
    programs: Programs
    extent: Extent
    busyness: Busyness = field(default_factory=Busyness)

    def size(self, complete: int, quick: int) -> int:
        """Return how many tasks or lines are done, given it for a complete and a quick run."""
        return min(quick if self.extent.quick else complete, self.extent.most_tasks)

    def tasks(self, complete: int, quick: int, nodes: int) -> int:
        """Return how many tasks are done beside a short run, which has less than half of them."""
        tasks = max(quick if self.extent.quick else complete, 3 * FEW_PER_NODE * nodes)
        return min(tasks, self.extent.most_tasks)

    def nodes(self, *numbers: int) -> list[int]:
        """Return numbers of nodes, given those that should be."""
        return sorted({min(nodes, self.extent.most_nodes) for nodes in numbers})

    def numbers(self, count: int) -> Path:
        """Return a file of tasks: the numbers from 1 on, a line each."""
        file = self.directory / f"numbers-{count}"
        if not file.exists():
            with file.open("wb") as lines:
                lines.writelines(b"%d\n" % number for number in range(1, count + 1))
        return file

    def calculator(self, *words: str) -> str:
        """Return the command line of the calculator."""
        return shlex.join([str(self.tools.calculator), *words])

    def job(self, argv: Words, stdin: Path, limit: float | None = None) -> Job:
        """Return a call that is ready to be run."""
        limit = limit or self.extent.limit
        return Job(self.tools.meter, self.directory, argv, stdin, limit, self.busyness)

    def local(self, words: Words, nodes: int, command: str, stdin: Path) -> Job:
        """Return a call of a distributor with nodes on this machine."""
        return self.job([*words, "-n", f"+{nodes}", "-c", command], stdin)


class BesideStart:
    """Makes a run with few tasks before each run, so that the start can be subtracted."""

    def __init__(self, run: Trial, start: Trial) -> None:
        self._run = run
        self._start = start
        self._least: Usage | None = None

    def __call__(self) -> WithStart | Failed:
        """Make both runs."""
        start = self._start()
        if isinstance(start, Failed):
            return start
        if self._least is None or start.processor < self._least.processor:
            self._least = start
        run = self._run()
        return run if isinstance(run, Failed) else WithStart(run, self._least)


class AfterProof:
    """Runs whose results cannot be seen, because they go to ``/dev/null``.

    Before the first of them the same is done with results that are checked.
    """

    def __init__(self, run: Trial, proof: Trial) -> None:
        self._run = run
        self._proof = proof
        self._is_proven = False

    def __call__(self) -> Usage | Failed:
        """Make a run."""
        if not self._is_proven:
            outcome = self._proof()
            if isinstance(outcome, Failed):
                return outcome
            self._is_proven = True
        return self._run()
