"""The order in which tests begin: those that may last longest first."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pytest


def duration_of(item: pytest.Item) -> float:
    """Return the seconds of the mark ``lasting`` of a test; 0 without one."""
    mark = item.get_closest_marker("lasting")
    return float(mark.args[0]) if mark else 0.0


def dealt(items: Sequence[pytest.Item], workers: int) -> list[pytest.Item]:
    """Return the tests in such an order that each worker begins with its part of the lasting ones.

    A run is over when its last test is. A wait that takes minutes in vain costs nothing if others
    go on meanwhile, so it has to begin early. With one worker the order stays as it is: its user
    reads the results as they come.

    pytest-xdist gives each worker a part of the list, all of the same length, and lets those that
    are done early take tests from the ends of the others' parts.
    """
    if workers < 2:
        return list(items)
    lasting = sorted((i for i in items if duration_of(i)), key=duration_of, reverse=True)
    others = [item for item in items if not duration_of(item)]
    order: list[pytest.Item] = []
    for worker in range(workers):
        size = (len(items) - len(order)) // (workers - worker)
        first = lasting[worker::workers]
        rest = max(0, size - len(first))
        order += [*first, *others[:rest]]
        del others[:rest]
    return [*order, *others]
