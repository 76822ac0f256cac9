"""Graph mode at the size of a real package collection: time and memory.

Usage: python tests/benchmarks/graphs.py [--limit SECONDS]

Prints two tables. The first is about a random graph of N tasks and 2 N edges, without calculators:
the seconds of processor time to read it, to check and weigh it, and to take one ready task after
another and make ready what waits for it; then the same by the whole engine, which makes commands
of it all; and the peak of memory. The lines are in the order of the tasks, or shuffled. The second
table has whole runs with a trivial calculator on two nodes, beside the C program, which is stopped
after the limit.

The graph of Debian's main archive is made from ``apt-cache dumpavail``: an edge from each package
that a ``Depends`` names, the first of alternatives, to the package that has it. Dependencies in
Debian have cycles; an edge that closes one in a depth-first walk through the packages in
alphabetical order is left out.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from paexec_trio import Settings
from paexec_trio.core.commands import Send
from paexec_trio.core.engine import Engine
from paexec_trio.core.events import NodeOutput, NodeStarted, RunStarted, StdinChunk, StdinEnded
from paexec_trio.core.framing import NEWLINE
from paexec_trio.core.settings import GraphSettings
from paexec_trio.core.status import Status
from paexec_trio.core.tasks import GraphTasks
from paexec_trio.core.weights import Weighting

CHUNK = 1 << 16
SEED = 1
CALCULATOR = """gawk '{ print STATUS; print ""; fflush() }' STATUS=%s"""


def random_graph(tasks: int, edges: int) -> bytes:
    """Return a graph whose edges lead from lower to higher numbers."""
    chance = random.Random(SEED)  # noqa: S311 (no secret)
    lines = [b"p%d" % task for task in range(tasks)]
    for _ in range(edges):
        before = chance.randrange(tasks - 1)
        lines.append(b"p%d p%d" % (before, chance.randrange(before + 1, tasks)))
    return b"\n".join(lines) + b"\n"


def chain(tasks: int) -> bytes:
    """Return a graph in which each task depends on the one before."""
    return b"".join(b"%d %d\n" % (task, task + 1) for task in range(1, tasks))


def independent(tasks: int) -> bytes:
    """Return a graph without edges."""
    return b"".join(b"%d\n" % task for task in range(1, tasks + 1))


def ladder(steps: int) -> bytes:
    """Return diamonds in a row: the number of paths doubles with each."""
    return b"".join(
        b"n%d a%d\nn%d b%d\na%d n%d\nb%d n%d\n" % (i, i, i, i, i, i + 1, i, i + 1)
        for i in range(steps)
    )


def debian_dependencies() -> dict[str, list[str]]:
    """Return for each package of apt's lists the packages that it depends on."""
    dump = subprocess.run(["apt-cache", "dumpavail"], check=True, capture_output=True, text=True)
    dependencies: dict[str, list[str]] = {}
    package = ""
    for line in dump.stdout.splitlines():
        if line.startswith("Package: "):
            package = line.removeprefix("Package: ")
            dependencies.setdefault(package, [])
        elif line.startswith("Depends: "):
            alternatives = line.removeprefix("Depends: ").split(",")
            dependencies[package] += [
                name.split("|")[0].split("(")[0].split(":")[0].strip() for name in alternatives
            ]
    return dependencies


def debian_graph() -> bytes:
    """Return the graph of Debian's packages, with cycles broken as said above."""
    dependencies = debian_dependencies()
    lines: list[str] = []
    entered: set[str] = set()
    on_path: set[str] = set()
    for start in sorted(dependencies):
        if start in entered:
            continue
        lines.append(start)
        path = [start]
        pending: list[Iterator[str]] = [iter(dependencies[start])]
        entered.add(start)
        on_path.add(start)
        while path:
            name = next(pending[-1], None)
            if name is None:
                pending.pop()
                on_path.discard(path.pop())
            elif name in dependencies and name not in on_path:
                lines.append(f"{name} {path[-1]}")
                if name not in entered:
                    entered.add(name)
                    on_path.add(name)
                    path.append(name)
                    pending.append(iter(dependencies[name]))
    return "".join(line + "\n" for line in lines).encode()


def chunks(graph: Path) -> Iterator[bytes]:
    """Yield a graph in the pieces in which a run reads it."""
    with graph.open("rb", buffering=0) as octets:
        yield from iter(partial(octets.read, CHUNK), b"")


def seconds_of_steps(graph: Path) -> tuple[float, float, float]:
    """Return the seconds that reading, checking and scheduling take."""
    tasks = GraphTasks(NEWLINE, NEWLINE, b" ", b"weight:", Weighting.OWN)
    start = time.process_time()
    for chunk in chunks(graph):
        tasks.feed(chunk)
    read = time.process_time()
    tasks.end()
    checked = time.process_time()
    while tasks.ready:
        task_id, _ = tasks.take()
        tasks.done(task_id, Status.SUCCESS)
    assert tasks.is_exhausted()
    return read - start, checked - read, time.process_time() - checked


def seconds_of_engine(graph: Path) -> float:
    """Return the seconds that the engine takes if each task is answered at once."""
    engine = Engine(Settings(nodes=(b"0",), graph=GraphSettings()))
    start = time.process_time()
    engine.handle(RunStarted())
    for chunk in chunks(graph):
        engine.handle(StdinChunk(chunk))
    engine.handle(StdinEnded())
    sent = engine.handle(NodeStarted(0, 1))
    while any(type(command) is Send for command in sent):
        sent = engine.handle(NodeOutput(0, b"success\n\n"))
    return time.process_time() - start


def peak_of_memory() -> int:
    """Return the most memory that this process had, in MiB."""
    # Not from getrusage(): there the parent's counts, too.
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) // 1024


def print_row(graph: Path) -> None:
    """Print the figures of a graph for the first table."""
    steps = seconds_of_steps(graph)
    peak = peak_of_memory()
    columns = (*steps, sum(steps), seconds_of_engine(graph))
    print(*(f"{seconds:9.2f}" for seconds in columns), f"{peak:8} MiB", flush=True)


def print_rows(graph: Path) -> None:
    """Print the first table; each row is measured in a process of its own."""
    print("    tasks     edges     lines     read   check  schedule    sum  engine     peak")
    for tasks in (10_000, 100_000, 1_000_000):
        lines = random_graph(tasks, 2 * tasks)
        for order in ("in order", "shuffled"):
            if order == "shuffled":
                shuffled = lines.splitlines(keepends=True)
                random.Random(SEED).shuffle(shuffled)  # noqa: S311
                lines = b"".join(shuffled)
            graph.write_bytes(lines)
            print(f"{tasks:>9,} {2 * tasks:>9,}  {order}", end=" ", flush=True)
            subprocess.run([sys.executable, __file__, "--row", graph], check=True)


def measure_run(program: str, graph: Path, status: str, limit: float) -> str:
    """Return seconds and peak memory of a whole run, or how it failed."""
    start = time.perf_counter()
    with graph.open("rb") as tasks:
        process = subprocess.Popen(
            [program, "-g", "-n", "+2", "-c", CALCULATOR % status],
            stdin=tasks,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    try:
        returncode = process.wait(limit)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return f"> {limit:g} s"
    seconds = time.perf_counter() - start
    return f"{seconds:.1f} s" if returncode == 0 else f"failed: {returncode}"


def print_runs(graph: Path, limit: float) -> None:
    """Print the second table."""
    print(f"\nwhole runs{'':24} paexec-trio     paexec")
    graphs = {
        "64,000 independent tasks": (independent(64_000), "success"),
        "1,000,000 independent tasks": (independent(1_000_000), "success"),
        "chain of 1,000,000": (chain(1_000_000), "success"),
        "100,000 diamonds, root fails": (ladder(100_000), "failure"),
        "Debian's packages": (debian_graph(), "success"),
    }
    for name, (lines, status) in graphs.items():
        graph.write_bytes(lines)
        ours = measure_run("paexec-trio", graph, status, limit)
        theirs = measure_run("paexec", graph, status, limit)
        print(f"{name:34} {ours:15} {theirs}", flush=True)


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--limit", type=float, default=120, help="seconds for a run")
    parser.add_argument("--row", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.row:
        print_row(arguments.row)
        return
    with tempfile.TemporaryDirectory() as directory:
        graph = Path(directory, "graph")
        print_rows(graph)
        print_runs(graph, arguments.limit)


if __name__ == "__main__":
    main()
