"""Where the time of reading, checking and scheduling a graph goes.

Usage: python -m tests.benchmarks.graphsteps

For people working on the core; whole runs, beside the C program, are among the other benchmarks.
Prints a table about a random graph of N tasks and 2 N edges, without calculators: the seconds of
processor time to read it, to check and weigh it, and to take one ready task after another and make
ready what waits for it; then the same by the whole engine, which makes commands of it all; and the
peak of memory. The lines are in the order of the tasks, or shuffled.
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
from tests.benchmarks.graphs import SEED, random_graph

CHUNK = 1 << 16


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
    """Print the figures of a graph."""
    steps = seconds_of_steps(graph)
    peak = peak_of_memory()
    columns = (*steps, sum(steps), seconds_of_engine(graph))
    print(*(f"{seconds:9.2f}" for seconds in columns), f"{peak:8} MiB", flush=True)


def print_rows(graph: Path) -> None:
    """Print the table; each row is measured in a process of its own."""
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
            module = "tests.benchmarks.graphsteps"
            subprocess.run([sys.executable, "-m", module, "--row", graph], check=True)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.graphsteps")
    parser.add_argument("--row", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.row:
        print_row(arguments.row)
        return
    with tempfile.TemporaryDirectory() as directory:
        print_rows(Path(directory, "graph"))


if __name__ == "__main__":
    main()
