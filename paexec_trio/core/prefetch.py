"""How many of the tasks that wait each node is given (the chapter Prefetch of the spec)."""

from __future__ import annotations

from heapq import heapify, heapreplace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def shares(held: Sequence[int], most: Sequence[int], tasks: int) -> list[int]:
    """Divide tasks among nodes, so that one is given to a node that holds the fewest (PRE-013).

    Args:
        held: how many tasks each node holds.
        most: how many each may hold.
        tasks: how many tasks there are.

    Returns:
        How many tasks each node is given. Of nodes that hold equally many the first comes first.
    """
    rooms = [max(0, limit - count) for count, limit in zip(held, most, strict=True)]
    if sum(rooms) <= tasks:
        return rooms
    given = [0] * len(rooms)
    full = max(most)  # more than any node holds that can be given one
    fewest = [(held[node], node) for node, room in enumerate(rooms) if room]
    heapify(fewest)
    for _ in range(tasks):
        count, node = fewest[0]
        given[node] += 1
        heapreplace(fewest, (full if given[node] == rooms[node] else count + 1, node))
    return given
