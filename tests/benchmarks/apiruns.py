"""A program for each way in which Python does many small tasks on several processes.

Usage: python -m tests.benchmarks.apiruns WAY NODES CALCULATOR <TASKS >RESULTS

The lines of standard input are the tasks; each result is written as a line. The calculator is a
command of the shell; the pools of Python processes call a function that returns the task.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor

import trio

import paexec_trio

_NEWLINE = b"\n"


def tasks() -> Iterator[bytes]:
    """Yield the lines of standard input."""
    for line in sys.stdin.buffer:
        yield line.removesuffix(_NEWLINE)


def write(output: bytes) -> None:
    """Write a result to standard output, when there are enough of them."""
    sys.stdout.buffer.write(output)


def echo(task: bytes) -> bytes:
    """Return what the calculator would."""
    return task + _NEWLINE


async def _channels(nodes: int, command: str, prefetch: int) -> None:
    async with (
        paexec_trio.open_distributor(nodes=nodes, command=command, prefetch=prefetch) as run,
        trio.open_nursery() as nursery,
    ):

        async def feed() -> None:
            async with run.tasks:
                for task in tasks():
                    await run.tasks.send(task)

        nursery.start_soon(feed)
        async for result in run.results:
            write(result.output)


def channels(nodes: int, command: str) -> None:
    """Send and receive, in two tasks of trio."""
    trio.run(_channels, nodes, command, 1)


def channels_prefetch(nodes: int, command: str) -> None:
    """Do the same with 16 tasks at each node."""
    trio.run(_channels, nodes, command, 16)


async def _map(nodes: int, command: str) -> None:
    async with paexec_trio.map_tasks(tasks(), nodes=nodes, command=command) as results:
        async for result in results:
            write(result.output)


def map_tasks(nodes: int, command: str) -> None:
    """Iterate over the results."""
    trio.run(_map, nodes, command)


def run_tasks(nodes: int, command: str) -> None:
    """Collect all results in a list."""
    for result in paexec_trio.run_tasks(tasks(), nodes=nodes, command=command):
        write(result.output)


def process_pool(nodes: int, _command: str) -> None:
    """Map a function with ``concurrent.futures``, a task at a time."""
    with ProcessPoolExecutor(nodes) as pool:
        for output in pool.map(echo, tasks()):
            write(output)


async def _trio_parallel(nodes: int) -> None:
    import trio_parallel

    each = tasks()
    limiter = trio.CapacityLimiter(nodes)

    async def work() -> None:
        for task in each:
            write(await trio_parallel.run_sync(echo, task, limiter=limiter))

    async with trio.open_nursery() as nursery:
        for _ in range(nodes):
            nursery.start_soon(work)


def trio_parallel(nodes: int, _command: str) -> None:
    """Call a function with ``trio_parallel``, in a task of trio for each process."""
    trio.run(_trio_parallel, nodes)


WAYS: dict[str, Callable[[int, str], None]] = {
    "channels": channels,
    "channels, prefetch 16": channels_prefetch,
    "map_tasks": map_tasks,
    "run_tasks": run_tasks,
    "process pool": process_pool,
    "trio-parallel": trio_parallel,
}
"""Each way by its name in the table."""


def main() -> None:
    """Do it."""
    _, way, nodes, command = sys.argv
    WAYS[way](int(nodes), command)


if __name__ == "__main__":
    main()
