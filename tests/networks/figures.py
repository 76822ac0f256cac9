"""The file of what campaigns came to, from which the tables of the page are made."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from tests.networks.faults import FAULTS
from tests.networks.running import Outcome
from tests.networks.trials import ALL, LIMIT, ONE, OPTIONS, Case

Figures = dict[str, Any]


def load(file: Path) -> Figures:
    """Read the figures; none if there is no file."""
    figures: Figures = json.loads(file.read_text()) if file.exists() else {}
    return figures


def save(file: Path, figures: Figures) -> None:
    """Write the figures, in an order of their own."""
    file.write_text(json.dumps(figures, indent=1, sort_keys=True) + "\n")


def described(found: Iterable[tuple[Case, Outcome]]) -> Figures:
    """Return outcomes by program, fault, scope and options."""
    figures: Figures = {}
    for case, outcome in found:
        of_program = figures.setdefault(case.program.name, {})
        of_fault = of_program.setdefault(case.fault.name, {}).setdefault(case.scope, {})
        of_fault[case.options] = outcome.as_dict()
    return figures


def _outcomes(of_program: Figures) -> list[tuple[str, str, Outcome]]:
    """Return the outcomes of a program, each with its options and scope."""
    return [
        (options, scope, Outcome(**values))
        for of_fault in of_program.values()
        for scope, of_scope in of_fault.items()
        for options, values in of_scope.items()
    ]


def shown(outcome: Outcome) -> str:
    """Return an outcome in a few words."""
    if outcome.status is None:
        words = f"**hangs** at {outcome.right}"
    elif outcome.is_whole:
        words = f"whole, {outcome.seconds:.0f} s"
        if outcome.status:
            words += f", status {outcome.status}"
    else:
        words = f"{outcome.right}, status {outcome.status}"
        if not outcome.is_honest:
            words = f"{outcome.right}, **status 0**"
    if outcome.wrong:
        words += f", {outcome.wrong} wrong"
    if outcome.left_there:
        words += ", *left there*"
    if outcome.left_here:
        words += ", *left here*"
    return words


def rows_of(table: Sequence[Sequence[str]]) -> str:
    """Return a table, the first row of which is its head, as reStructuredText."""
    lines = [".. list-table::", "   :header-rows: 1", ""]
    for row in table:
        lines += [f"   {'*' if not index else ' '} - {cell}" for index, cell in enumerate(row)]
    return "\n".join(lines) + "\n" if len(table) > 1 else ""


def summary(trials: Figures) -> str:
    """Return the table that shows the programs side by side."""
    head = ["program", "runs", "whole", "failed, and said so", "hung", "of these: no host is left"]
    table = [[*head, "wrong, and status 0", "something left"]]
    for program, of_program in trials.items():
        found = _outcomes(of_program)
        hung = [(options, scope) for options, scope, each in found if each.status is None]
        whole = sum(each.is_whole and each.status == 0 for _, _, each in found)
        honest = sum(each.is_honest for _, _, each in found)
        figures = [
            len(found),
            whole,
            honest - whole,
            len(hung),
            sum(each == ("-Z 2 -w", ALL) for each in hung),
            sum(each.status is not None and not each.is_honest for _, _, each in found),
            sum(each.left_here or each.left_there for _, _, each in found),
        ]
        table.append([f"``{program}``", *map(str, figures)])
    return rows_of(table)


def tables(figures: Figures) -> str:
    """Return the page's part that is made from the figures."""
    parts = []
    trials = figures.get("trials", {})
    if trials:
        parts += [summary(trials), f"A run is said to hang if it takes {LIMIT:.0f} seconds.\n"]
    for program, of_program in trials.items():
        title = f"``{program}``"
        parts.append(f"{title}\n{'~' * len(title)}\n")
        table = [["fault", "of", *(f"``{o}``" if o != "none" else o for o in OPTIONS)]]
        for fault in FAULTS:
            for scope in (ONE, ALL):
                cells = of_program.get(fault.name, {}).get(scope, {})
                row = [shown(Outcome(**cells[o])) if o in cells else "" for o in OPTIONS]
                table.append([fault.name, scope, *row])
        parts.append(rows_of(table))
    return "\n".join(parts)


def storms(figures: Figures) -> str:
    """Return the table of storms."""
    table = [["program", "tasks with one result", "seconds", "status", "faults"]]
    for program, storm in figures.get("storm", {}).items():
        outcome = Outcome(**storm["outcome"])
        faults = ", ".join(f"{name} {number}" for name, number in storm["faults"].items())
        table.append(
            [
                f"``{program}``",
                f"{outcome.right:,} of {outcome.tasks:,}",
                f"{outcome.seconds:.0f}",
                "hung" if outcome.status is None else str(outcome.status),
                faults,
            ]
        )
    return rows_of(table)


def distances(figures: Figures) -> str:
    """Return the table of distances."""
    table = [["program", "tasks", "seconds", "tasks a second"]]
    for program, (tasks, seconds) in figures.get("distance", {}).items():
        table.append([f"``{program}``", f"{tasks:,}", f"{seconds:.1f}", f"{tasks / seconds:,.0f}"])
    return rows_of(table)


def write(directory: Path, figures: Figures) -> None:
    """Write the figures, and make the tables of the page anew."""
    directory.mkdir(exist_ok=True)
    save(directory / "figures.json", figures)
    (directory / "faults.inc").write_text(tables(figures))
    (directory / "storm.inc").write_text(storms(figures))
    (directory / "distance.inc").write_text(distances(figures))
