"""Reordering 1,000,000 lines of 100,000 tasks: time and memory beside the C program's companion.

Usage: python tests/benchmarks/reorder.py [--limit SECONDS] [--rounds NUMBER]

Each task has ten lines, the EOT line included. In the first input the lines of eight tasks at a
time are mixed one by one, in the second the lines of a task come in one piece, as they do where
calculators write them at once; the third is the first without EOT lines. Of several rounds, in
which the programs take turns, the fastest counts. Time is CPU time, that of child processes
included; memory is that of the largest process.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

TASKS = 100_000
LINES = 10
NODES = 8
SEED = 1

OURS = Path(sys.executable).with_name("pareorder-trio")
THEIRS = "paexec_reorder"


def make_input(file: Path, nodes: int, eot: bool) -> None:
    """Write lines of all tasks, of which that many are worked on at the same time."""
    chance = random.Random(SEED)  # noqa: S311 (no secret)
    texts = [b"result line %d of so many" % number for number in range(LINES - 1)]
    texts.append(b"" if eot else b"the last line")
    waiting = iter(range(1, TASKS + 1))
    held = [[task, 0] for task, _ in zip(waiting, range(nodes), strict=False)]
    lines = []
    while held:
        place = chance.randrange(len(held))
        task, done = held[place]
        lines.append(b"%d %b\n" % (task, texts[done]))
        if done < LINES - 1:
            held[place][1] += 1
        elif task := next(waiting, 0):
            held[place] = [task, 0]
        else:
            del held[place]
    file.write_bytes(b"".join(lines))


def measure(command: list[str | Path], limit: float) -> tuple[float, int] | None:
    """Return CPU seconds and MiB; nothing after the limit."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)
    signal.signal(signal.SIGALRM, lambda *_: os.killpg(process.pid, signal.SIGKILL))
    signal.setitimer(signal.ITIMER_REAL, limit)
    _, status, usage = os.wait4(process.pid, 0)
    signal.setitimer(signal.ITIMER_REAL, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode == -signal.SIGKILL:
        return None
    assert process.returncode == 0, command
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss // 1024


def best(results: list[tuple[float, int] | None]) -> tuple[float, int] | None:
    """Return the fastest."""
    return min((result for result in results if result), default=None)


def shown(result: tuple[float, int] | None, limit: float) -> str:
    """Return a result as text."""
    return f"{result[0]:5.2f} s {result[1]:4d} MiB" if result else f"more than {limit:g} s"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--limit", type=float, default=120, help="seconds for a run")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    inputs = {
        "mixed line by line": (NODES, True),
        "in pieces": (1, True),
        "without EOT lines": (NODES, False),
    }
    print(f"{'':24} {'pareorder-trio':18} {'paexec_reorder':18} ratio")
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory, "input")
        for name, (nodes, eot) in inputs.items():
            # In a process of its own: the system counts our memory as that of children, too.
            maker = multiprocessing.Process(target=make_input, args=(file, nodes, eot))
            maker.start()
            maker.join()
            for method in ("-Mm", "-Mf", "-Ms"):
                ours, theirs = [], []
                for _ in range(arguments.rounds):
                    ours.append(measure([OURS, method, file], arguments.limit))
                    # What takes longer than the limit once does so again.
                    if None not in theirs:
                        theirs.append(measure([THEIRS, method, file], arguments.limit))
                ours_best, theirs_best = best(ours), best(theirs)
                ratio = f"{theirs_best[0] / ours_best[0]:.1f}" if ours_best and theirs_best else ""
                texts = [shown(result, arguments.limit) for result in (ours_best, theirs_best)]
                print(f"{name:20}{method} {texts[0]:18} {texts[1]:18} {ratio}", flush=True)


if __name__ == "__main__":
    main()
