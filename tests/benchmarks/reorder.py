"""Make output of ``paexec -l`` for the programs that reorder it."""

from __future__ import annotations

import random
from itertools import islice
from pathlib import Path

LINES = 10
"""Lines of each task, the EOT line included."""

NODES = 8
SEED = 1


def result(*, eot: bool) -> list[bytes]:
    """Return the lines of a task's result, without its id; one is missing for the EOT line."""
    return [b"result line %d of so many" % number for number in range(LINES - eot)]


def make_input(file: Path, tasks: int, *, eot: bool) -> None:
    """Write the lines of tasks of which eight at a time are mixed one by one."""
    chance = random.Random(SEED)  # noqa: S311 (no secret)
    lines_of_task = result(eot=eot) + [b""] * eot
    waiting = iter(range(1, tasks + 1))
    held = [[task, 0] for task in islice(waiting, NODES)]
    with file.open("wb") as lines:
        while held:
            place = chance.randrange(len(held))
            task, done = held[place]
            lines.write(b"%d %b\n" % (task, lines_of_task[done]))
            if done < LINES - 1:
                held[place][1] += 1
            elif task := next(waiting, 0):
                held[place] = [task, 0]
            else:
                del held[place]
