"""Tests that may last long begin before the others."""

from __future__ import annotations

import ast
import random
from typing import TYPE_CHECKING, cast

import pytest

from conformance.harness.order import dealt
from conformance.selftest.running import SUITE

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


class Item:
    """A test, as far as its order depends on it."""

    def __init__(self, name: str, seconds: float) -> None:
        self.name = name
        self.seconds = seconds

    def get_closest_marker(self, name: str) -> pytest.Mark | None:
        return (
            pytest.mark.lasting(self.seconds).mark if self.seconds and name == "lasting" else None
        )


def order_of(durations: Sequence[float], workers: int) -> list[Item]:
    items = [Item(f"{number}", seconds) for number, seconds in enumerate(durations)]
    return cast("list[Item]", dealt(cast("list[pytest.Item]", items), workers))


def parts_of(order: list[Item], workers: int) -> list[list[Item]]:
    """Cut the list as pytest-xdist does."""
    left, parts = [*order], []
    for worker in range(workers):
        size = len(left) // (workers - worker)
        parts.append(left[:size])
        del left[:size]
    return parts


def names_of(items: Sequence[Item]) -> list[str]:
    return [item.name for item in items]


def test_each_worker_begins_with_some_that_last() -> None:
    parts = parts_of(order_of([0, 60, 0, 0, 300, 0, 0, 600, 0, 60, 0], 3), 3)
    assert [names_of(part) for part in parts] == [
        ["7", "9", "0"],
        ["4", "2", "3", "5"],
        ["1", "6", "8", "10"],
    ]


def test_no_test_is_lost_by_order() -> None:
    dice = random.Random(7)  # noqa: S311 (nobody attacks)
    for _ in range(300):
        durations = dice.choices([0, 60, 300], [8, 1, 1], k=dice.randrange(40))
        workers = dice.randrange(2, 6)
        order = order_of(durations, workers)
        assert sorted(names_of(order), key=int) == [str(n) for n in range(len(durations))]
        others = [int(item.name) for item in order if not item.seconds]
        assert others == sorted(others)
        lasting = sum(map(bool, durations))
        for part in parts_of(order, workers) if 2 * lasting <= len(order) else []:
            seconds = [item.seconds for item in part]
            assert seconds == sorted(seconds, reverse=True)


def test_one_worker_keeps_the_order() -> None:
    """Its user reads the results as they come."""
    assert names_of(order_of([0, 60, 0, 300], 1)) == ["0", "1", "2", "3"]


@pytest.mark.parametrize("path", sorted(SUITE.glob("test_*.py")), ids=lambda path: path.stem)
def test_who_waits_for_volume_is_marked(path: Path) -> None:
    """Such a wait may take minutes in vain."""
    body = ast.parse(path.read_text()).body
    functions = {node.name: node for node in body if isinstance(node, ast.FunctionDef)}
    waiting: set[str] = set()
    while more := {name for name, n in functions.items() if _waits(n, waiting)} - waiting:
        waiting |= more
    unmarked = {
        name
        for name in waiting
        if name.startswith("test_")
        and not any("mark.lasting(" in ast.unparse(d) for d in functions[name].decorator_list)
    }
    assert unmarked == set()


def _waits(function: ast.FunctionDef, helpers: set[str]) -> bool:
    """Whether a function names the bound for volume, or one of these functions."""
    return any(
        (isinstance(node, ast.Attribute) and node.attr == "volume_bound")
        or (isinstance(node, ast.Name) and node.id in helpers)
        for node in ast.walk(function)
    )
