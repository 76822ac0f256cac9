"""The sections of the benchmarks."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from tests.benchmarks import bench as b
from tests.benchmarks import graphs, reorder
from tests.benchmarks.apiruns import WAYS
from tests.benchmarks.bench import AfterProof, Bench, BesideStart, WithStart
from tests.benchmarks.checks import (
    FileCheck,
    TallyCheck,
    each_number_once,
    failure_of_root,
    grouped_by_task,
    something,
    tallied,
)
from tests.benchmarks.comparison import Comparison, Measure
from tests.benchmarks.programs import JOBLOG, OURS, THEIRS, Words
from tests.benchmarks.running import Failed, Job, Trial, Usage
from tests.benchmarks.syscalls import CallsPerTask, calls_per_task

Comparisons = Iterator[Comparison[Any]]


@dataclass(frozen=True)
class Section:
    """Comparisons that make one table."""

    name: str
    title: str
    text: str
    comparisons: Callable[[Bench], Comparisons]


def into_file(jobs: Mapping[str, Job], check: FileCheck) -> dict[str, Trial]:
    """Return runs whose results go to a file."""
    return {name: partial(job.into_file, check) for name, job in jobs.items()}


def into_pipe(jobs: Mapping[str, Job], check: TallyCheck) -> dict[str, Trial]:
    """Return runs whose results go into a pipe."""
    return {name: partial(job.into_pipe, check) for name, job in jobs.items()}


def into_nothing(jobs: Mapping[str, Job], check: TallyCheck) -> dict[str, Trial]:
    """Return runs whose results go to ``/dev/null``, after one that shows that they are right."""
    return {
        name: AfterProof(job.into_nothing, partial(job.into_pipe, check))
        for name, job in jobs.items()
    }


def beside_start(
    runs: Mapping[str, Trial], starts: Mapping[str, Trial]
) -> dict[str, Callable[[], WithStart | Failed]]:
    """Return runs, each beside one that does little more than start."""
    return {name: BesideStart(run, starts[name]) for name, run in runs.items()}


def rate_of_tasks(bench: Bench) -> Comparisons:
    """Tasks a second."""
    for nodes in bench.nodes(1, 2, 4, 8, 32, 128, 400):
        tasks = bench.tasks(50_000 if nodes < 4 else 100_000, 50_000, nodes)
        few = b.few(tasks, nodes)
        jobs = {
            name: bench.local(words, nodes, bench.calculator("echo"), bench.numbers(tasks))
            for name, words in bench.programs.distributors().items()
        }
        label = "1 node" if nodes == 1 else f"{nodes} nodes"
        starts = {name: replace(job, stdin=bench.numbers(few)) for name, job in jobs.items()}
        yield Comparison(
            [
                b.of_run(b.tasks_a_second(label, tasks)),
                b.tasks_a_second_without_start(label, tasks, nodes),
                b.of_run(b.processor_time(label, tasks)),
                b.processor_time_without_start(label, tasks, nodes),
            ],
            beside_start(
                into_file(jobs, each_number_once(tasks)),
                into_file(starts, each_number_once(few)),
            ),
        )


DIGITS_OF_PID = 9
"""How many more digits than one the id of a process may have."""


def logging(bench: Bench) -> Comparisons:
    """Cost of the job log."""
    for nodes in (1, 4):
        tasks = bench.size(100_000, quick=20_000)
        log = bench.directory / "log"
        calls: dict[str, Words] = {
            OURS: [bench.programs.ours],
            JOBLOG: [bench.programs.ours, "--joblog", log],
            THEIRS: [bench.programs.theirs],
        }
        jobs = {
            name: bench.local(words, nodes, bench.calculator("echo"), bench.numbers(tasks))
            for name, words in calls.items()
        }
        label = "1 node" if nodes == 1 else f"{nodes} nodes"
        yield Comparison([b.processor_time(label, tasks)], into_file(jobs, each_number_once(tasks)))


def rate_of_results(bench: Bench) -> Comparisons:
    """Octets a second."""
    lines = bench.size(125_000, quick=40_000)
    shapes = [(nodes, 100, lines, 80) for nodes in bench.nodes(1, 2)]
    shapes.append((1, 1, 1, bench.size(400_000_000, quick=50_000_000)))
    for nodes, tasks, lines, size in shapes:
        for prefixes in ((), ("-lrp",)):
            jobs = {
                name: bench.local(
                    [*words, *prefixes],
                    nodes,
                    bench.calculator("lines", str(lines), str(size)),
                    bench.numbers(tasks),
                )
                for name, words in bench.programs.distributors(prefetch=False).items()
            }
            octets = more = 0
            if prefixes:
                # The node, the number of the task, the id of the process; a blank behind each.
                octets = lines * sum(len(f"0 {task} 1 ") for task in range(1, tasks + 1))
                more = lines * tasks * DIGITS_OF_PID
            of_text = tasks * lines * size
            check = tallied(tasks * lines, octets + of_text, more)
            what = (
                f"{size}-octet lines, n={nodes}" if lines > 1 else f"one line of {size / 1e6:g} MB"
            )
            label = " ".join([what, *prefixes])
            for where, trials in (
                ("> /dev/null", into_nothing(jobs, check)),
                ("| reader", into_pipe(jobs, check)),
            ):
                yield Comparison(
                    [
                        b.megabytes_a_second(f"{label} {where}", of_text),
                        b.processor_time_of_results(f"{label} {where}", of_text),
                    ],
                    trials,
                )


SHELLS = "two shells"


def _two_shells(command: str, tasks: int) -> Words:
    """Return a call of two shells that share the tasks beforehand: what distributing adds to."""
    loop = f'i=$0; while [ "$i" -le {tasks} ]; do {command} "$i"; i=$((i + 2)); done'
    return ["sh", "-c", 'sh -c "$0" 1 & sh -c "$0" 2 & wait', loop]


def command_for_each(bench: Bench) -> Comparisons:
    """``-x`` and programs that do nothing else."""
    tasks = bench.size(2000, quick=400)
    jobs = {
        name: bench.job(words, bench.numbers(tasks))
        for name, words in bench.programs.starting_each(2, ["/bin/echo"]).items()
    }
    jobs[SHELLS] = bench.job(_two_shells("/bin/echo", tasks), Path("/dev/null"))
    label = "/bin/echo, 2 at a time"
    yield Comparison(
        [b.tasks_a_second(label, tasks), b.processor_time(label, tasks)],
        into_file(jobs, each_number_once(tasks)),
    )
    lines, size = bench.size(1_250_000, quick=400_000), 80
    command: Words = [bench.tools.calculator, "print", str(lines), str(size)]
    jobs = {
        name: bench.job(words, bench.numbers(1))
        for name, words in bench.programs.starting_each(1, command).items()
    }
    yield Comparison(
        [b.megabytes_a_second(f"{lines:,} lines of {size} octets from one | reader", lines * size)],
        into_pipe(jobs, tallied(lines, lines * size)),
    )


def start(bench: Bench) -> Comparisons:
    """The time to the first result."""
    for nodes in bench.nodes(1, 100, 400):
        numbers = bench.numbers(nodes)
        check = tallied(nodes, numbers.stat().st_size)
        label = f"first result, {nodes} at a time"
        jobs = {
            name: bench.local(words, nodes, bench.calculator("echo"), numbers)
            for name, words in bench.programs.distributors(prefetch=False).items()
        }
        for name, words in bench.programs.starting_each(nodes, ["/bin/echo"]).items():
            jobs.setdefault(name, bench.job(words, numbers))
        yield Comparison([b.milliseconds_to_first(label)], into_pipe(jobs, check))
    jobs = {
        name: bench.job(words, Path("/dev/null"))
        for name, words in bench.programs.telling_version().items()
    }
    yield Comparison([b.milliseconds("printing the version")], into_file(jobs, something))


def memory(bench: Bench) -> Comparisons:
    """Memory with many tasks."""
    for complete in (200_000, 1_000_000, 5_000_000):
        tasks = bench.size(complete, quick=complete // 20)
        jobs = {
            name: bench.job(
                [*words, "-n", "+8", "-c", bench.calculator("echo")],
                bench.numbers(tasks),
                limit=8 * bench.extent.limit,
            )
            for name, words in bench.programs.distributors(prefetch=False).items()
        }
        yield Comparison(
            [b.peak(f"{tasks:,} tasks")], into_file(jobs, each_number_once(tasks)), rounds=1
        )


def many_nodes(bench: Bench) -> Comparisons:
    """More nodes than old interfaces of the system allow."""
    for nodes in bench.nodes(2000):
        numbers = bench.numbers(10 * nodes)
        check = tallied(10 * nodes, numbers.stat().st_size)
        jobs = {
            name: bench.local(words, nodes, bench.calculator("echo"), numbers)
            for name, words in bench.programs.distributors(prefetch=False).items()
        }
        label = f"{nodes} nodes, {10 * nodes:,} tasks"
        yield Comparison(
            [b.milliseconds_to_first(f"{label}: first"), b.seconds(f"{label}: all"), b.peak(label)],
            into_pipe(jobs, check),
            rounds=2,
        )


MOST_TASKS_OF_THE_C_PROGRAM = 200_000
"""Its time grows with the square of the tasks of a graph; it would need an hour for a million."""


def graph(bench: Bench) -> Comparisons:
    """Graph mode."""
    say = partial(bench.calculator, "say")
    for complete in (10_000, 100_000, 1_000_000):
        tasks = bench.size(complete, quick=complete // 20)
        lines = graphs.random_graph(tasks, 2 * tasks)
        comparison = _graph(
            bench, f"{tasks:,} tasks, {2 * tasks:,} edges", lines, tasks, say("success")
        )
        if tasks > MOST_TASKS_OF_THE_C_PROGRAM:
            comparison = replace(comparison, trials={OURS: comparison.trials[OURS]}, rounds=1)
        yield comparison
    tasks = bench.size(64_000, quick=16_000)
    yield _graph(bench, f"{tasks:,} tasks", graphs.independent(tasks), tasks, say("success"))
    yield _graph(bench, f"chain of {tasks:,}", graphs.chain(tasks), tasks, say("success"))
    lines = graphs.debian_graph()
    tasks = len(set(lines.split()))
    yield _graph(bench, f"Debian: {tasks:,} packages", lines, tasks, say("success"))
    steps = bench.size(20_000, quick=10_000)
    lines = graphs.ladder(steps)
    names = frozenset(lines.split())
    yield _graph(
        bench,
        f"{steps:,} diamonds in a row, the first task fails",
        lines,
        len(names),
        say("failure"),
        failure_of_root(b"n0", names),
    )


def _graph(
    bench: Bench,
    label: str,
    lines: bytes,
    tasks: int,
    calculator: str,
    check: FileCheck | None = None,
) -> Comparison[Usage]:
    file = bench.directory / "graph"
    file.write_bytes(lines)
    jobs = {
        name: bench.job(
            [*words, "-g", "-l", "-n", "+2", "-c", calculator],
            file,
            limit=max(bench.extent.limit, tasks / 2_000),
        )
        for name, words in bench.programs.distributors(prefetch=False).items()
    }
    return Comparison(
        [b.seconds(label), b.processor_time(label, tasks), b.peak(f"{label}: memory")],
        into_file(jobs, check or each_number_once(tasks, b" success")),
    )


def reordering(bench: Bench) -> Comparisons:
    """The companions for reordering."""
    inputs = {
        ("-Mm", True): 100_000,
        ("-Ms", True): 100_000,
        ("-Mm", False): 100_000,
        ("-Mf", True): 10_000,
    }
    for (method, eot), complete in inputs.items():
        tasks = bench.size(complete, quick=complete // 10)
        file = bench.directory / f"mixed-{tasks}-{eot}"
        if not file.exists():
            reorder.make_input(file, tasks, eot=eot)
        reorderers = {OURS: bench.programs.our_reorder, THEIRS: bench.programs.their_reorder}
        jobs = {
            name: bench.job([program, "-l", method], file) for name, program in reorderers.items()
        }
        kind = "" if eot else " without EOT lines"
        label = f"{tasks * reorder.LINES:,} lines{kind}, {method}"
        yield Comparison(
            [b.seconds(label), b.peak(f"{label}: memory")],
            into_file(jobs, grouped_by_task(tasks, reorder.result(eot=eot))),
        )


def mixture(bench: Bench) -> Comparisons:
    """Long and short tasks."""
    nodes = 8
    for long, short in ((200, 2), (20, 1), (50, 50)):
        tasks = bench.size(1600, quick=400)
        jobs = {
            name: bench.local(
                words, nodes, bench.calculator("work", str(long), str(short)), bench.numbers(tasks)
            )
            for name, words in bench.programs.distributors().items()
        }
        label = f"{long} ms each" if long == short else f"{long} ms, 19 times {short} ms"
        yield Comparison(
            [b.seconds(label), b.processor_time(label, tasks)],
            into_file(jobs, each_number_once(tasks)),
        )


def link(bench: Bench) -> Comparisons:
    """Links that take time."""
    nodes = 4
    # With fewer tasks the start, and finding out how many each node should hold, would decide.
    for delay, complete in {0: 40_000, 5: 4_000, 20: 1_600, 50: 1_600}.items():
        tasks = bench.size(complete, quick=complete // 5)
        words = ["-t", f"{bench.tools.link} {delay}", "-n", " ".join(f"n{i}" for i in range(nodes))]
        jobs = {
            name: bench.job(
                [*program, *words, "-c", bench.calculator("echo")],
                bench.numbers(tasks),
                limit=4 * bench.extent.limit,
            )
            for name, program in bench.programs.distributors().items()
        }
        label = f"{delay} ms each way"
        yield Comparison(
            [b.tasks_a_second(label, tasks), b.processor_time(label, tasks)],
            into_file(jobs, each_number_once(tasks)),
        )


def system_calls(bench: Bench) -> Comparisons:
    """Work that can be counted."""
    many = bench.size(4000, quick=2000)
    few = many // 4
    for nodes in (1, 8):
        arguments = ["-n", f"+{nodes}", "-c", bench.calculator("echo")]
        trials = {
            name: partial(calls_per_task, [*words, *arguments], few, many, bench.directory)
            for name, words in bench.programs.distributors().items()
        }
        label = "1 node" if nodes == 1 else f"{nodes} nodes"
        measure = Measure[CallsPerTask](label, b.CALLS_A_TASK, lambda calls: calls.total)
        yield Comparison([measure], trials)


def python(bench: Bench) -> Comparisons:
    """The API for Python, beside others."""
    for nodes in (1, 4, 8):
        tasks = bench.size(100_000, quick=20_000)
        numbers, command = bench.numbers(tasks), bench.calculator("echo")
        jobs = {
            OURS: bench.local([bench.programs.ours], nodes, command, numbers),
            THEIRS: bench.local([bench.programs.theirs], nodes, command, numbers),
        }
        for way in WAYS:
            words = [sys.executable, "-m", "tests.benchmarks.apiruns", way, str(nodes), command]
            jobs[way] = bench.job(words, numbers)
        label = "1 node" if nodes == 1 else f"{nodes} nodes"
        yield Comparison(
            [
                b.tasks_a_second(label, tasks),
                b.processor_time(label, tasks),
                b.peak(f"{label}: memory"),
            ],
            into_file(jobs, each_number_once(tasks)),
        )


def python_memory(bench: Bench) -> Comparisons:
    """The memory of a program that uses the API."""
    for complete in (20_000, 200_000, 1_000_000):
        tasks = bench.size(complete, quick=complete // 10)
        jobs = {
            way: bench.job(
                [
                    *(sys.executable, "-m", "tests.benchmarks.apiruns", way),
                    *("4", bench.calculator("echo")),
                ],
                bench.numbers(tasks),
                limit=8 * bench.extent.limit,
            )
            for way in ("channels", "map_tasks")
        }
        words, command = bench.programs.distributors(prefetch=False), bench.calculator("echo")
        for name, program in words.items():
            jobs[name] = bench.local(program, 4, command, bench.numbers(tasks))
        label = f"{tasks:,} tasks"
        yield Comparison([b.peak(label)], into_file(jobs, each_number_once(tasks)), rounds=1)


SECTIONS = (
    Section(
        "tasks",
        "Tasks",
        "The calculator prints each task, a number, and the end-of-task marker. The time is that of"
        " the whole run, with the start of the program and of all calculators. Results go to a"
        " file. The processor time is that of the distributor alone, in user and system mode, with"
        " its start, and without: less that of a run with fewer tasks, made just before.",
        rate_of_tasks,
    ),
    Section(
        "joblog",
        "Job log",
        "100,000 tasks, each printed by the calculator, with a line for each in the job log and"
        " without. The last column is the processor time with the log by that without it.",
        logging,
    ),
    Section(
        "results",
        "Results",
        "The calculator prints 10 MB for each of 100 tasks, or one huge line for a single one. What"
        " ``-lrp`` adds does not count. The reader of the pipe only counts what it reads. Results"
        " in ``/dev/null`` cannot be checked; each program is run once more for that.",
        rate_of_results,
    ),
    Section(
        "commands",
        "One command for each task",
        "``-x`` beside programs made for it. None of them keeps results in memory. The two shells"
        " do half of the tasks each without asking anyone: nothing that starts a process for each"
        " task by a shell can be faster.",
        command_for_each,
    ),
    Section(
        "start",
        "Start",
        "From the start of the program to the first octet of the results, with as many tasks as"
        " can be worked on at a time. ``xargs`` and GNU parallel run ``/bin/echo`` for each task.",
        start,
    ),
    Section(
        "memory",
        "Memory",
        "The largest process of a run with 8 nodes, the calculators included.",
        memory,
    ),
    Section(
        "python",
        "From Python",
        "The calculator prints each task. *channels* sends tasks and receives results in two tasks"
        " of trio, *map_tasks* iterates over the results, *run_tasks* makes a list. The pools call"
        " a function of Python that returns the task, in as many processes as there are nodes.",
        python,
    ),
    Section(
        "python-memory",
        "Memory from Python",
        "The largest process of a run with 4 nodes, the calculators included.",
        python_memory,
    ),
    Section(
        "nodes",
        "Many nodes",
        "Calculators on one machine, with 10 tasks for each.",
        many_nodes,
    ),
    Section(
        "graphs",
        "Graphs",
        "Random graphs, one without edges, a chain, the dependencies of Debian's packages, and one"
        " in which a failure spreads on many paths, with two nodes. The C program's time grows with"
        " the square of the tasks, so it has no part in the largest.",
        graph,
    ),
    Section(
        "reorder",
        "Reordering",
        "``pareorder-trio`` beside ``paexec_reorder``, an awk script. Each task has ten lines, and"
        " those of eight tasks at a time are mixed.",
        reordering,
    ),
    Section(
        "link",
        "Links",
        "Four nodes behind links on which octets take some time each way.",
        link,
    ),
    Section(
        "mixture",
        "Long and short tasks",
        "With eight nodes; the tasks do nothing but wait. Every twentieth one is long.",
        mixture,
    ),
    Section(
        "calls",
        "System calls",
        "Those of the distributor alone, counted by ``strace``, which many tasks need more than"
        " few. Unlike times, they are the same on a busy machine, at least with one node.",
        system_calls,
    ),
)
