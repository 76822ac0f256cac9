"""Graphs of tasks: of each shape that costs something, and that of a real package collection.

The graph of Debian's main archive is made from ``apt-cache dumpavail``: an edge from each package
that a ``Depends`` names, the first of alternatives, to the package that has it. Dependencies in
Debian have cycles; an edge that closes one in a depth-first walk through the packages in
alphabetical order is left out.
"""

from __future__ import annotations

import random
import subprocess
from collections.abc import Iterator

SEED = 1


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
