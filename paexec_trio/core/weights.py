"""Weights: the order of ready tasks (the chapter Weights of the spec)."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from paexec_trio.core.graph import TaskGraph


class Weighting(IntEnum):
    """Which weight decides about the order of ready tasks: the values of ``-W``."""

    OWN = 0
    SUM_OVER_DEPENDANTS = 1
    MAXIMUM_OVER_DEPENDANTS = 2


_MASK_BITS = 1 << 30
"""Bits that the sets of dependants of all tasks may take at a time: 128 MiB."""

_MIN_BLOCK = 512
"""Dependants that are looked at together at least, however large the graph."""


def own_weights(graph: TaskGraph) -> list[int]:
    """Return the weight of each task by its id; 1 where none is given (WGT-002)."""
    weights = [1] * (len(graph) + 1)
    for task, weight in graph.weights.items():
        weights[task] = weight
    return weights


def maxima_over_dependants(graph: TaskGraph, order: Sequence[int]) -> list[int]:
    """Return for each task the largest weight among it and its dependants (``-W2``, WGT-005).

    Args:
        graph: the tasks.
        order: a topological order of it.
    """
    maxima = own_weights(graph)
    for task in reversed(order):
        for dependant in graph.dependants(task):
            maxima[task] = max(maxima[task], maxima[dependant])
    return maxima


def sums_over_dependants(graph: TaskGraph, order: Sequence[int]) -> list[int]:
    """Return the sum of weights of each task and its dependants (``-W1``, WGT-004).

    A dependant counts once, however many paths lead to it. If there is never more than one path,
    as in chains and trees, that is linear. Otherwise sets have to be united, and no algorithm is
    known that does this exactly in linear time: this one takes dependants in blocks and keeps, for
    each task, a set of those of one block as the bits of an integer. With V tasks, E edges and B
    dependants a block it takes V/B rounds over V + E sets of B bits. The sets take 128 MiB:
    quadratic, but with a factor of a few thousandths.

    Args:
        graph: the tasks.
        order: a topological order of it.
    """
    if all(count <= 1 for count in graph.predecessors):
        return _sums_over_trees(graph, order)
    own = own_weights(graph)
    sums = [0] * len(own)
    size = block_size(len(graph))
    for start in range(0, len(order), size):
        block = order[start : start + size]
        _add_block(graph, order[: start + len(block)], block, own, sums)
    return sums


def block_size(tasks: int) -> int:
    """Return how many dependants are looked at together in a graph of ``tasks`` tasks."""
    return max(_MIN_BLOCK, _MASK_BITS // tasks)


def _sums_over_trees(graph: TaskGraph, order: Sequence[int]) -> list[int]:
    sums = own_weights(graph)
    for task in reversed(order):
        sums[task] += sum(sums[dependant] for dependant in graph.dependants(task))
    return sums


def _add_block(
    graph: TaskGraph,
    candidates: Sequence[int],
    block: Sequence[int],
    own: Sequence[int],
    sums: list[int],
) -> None:
    """Add to each candidate's sum the weights of those of the block that are it or depend on it.

    Args:
        graph: the tasks.
        candidates: the tasks up to the end of the block, in topological order: no other can have
            a dependant in the block.
        block: the tasks whose weights are added.
        own: the weight of each task.
        sums: is added to.
    """
    planes = _weight_planes([own[task] for task in block])
    masks: dict[int, int] = {task: 1 << bit for bit, task in enumerate(block)}
    for task in reversed(candidates):
        mask = masks.get(task, 0)
        for dependant in graph.dependants(task):
            mask |= masks.get(dependant, 0)
        if mask:
            masks[task] = mask
            sums[task] += sum(factor * (mask & members).bit_count() for factor, members in planes)


def _weight_planes(weights: Sequence[int]) -> list[tuple[int, int]]:
    """Return factors and sets of positions, so that a weight is the sum of its sets' factors.

    One set for each different weight if those are few, otherwise one for each binary digit.
    """
    planes: dict[int, int] = {}
    if len(set(weights)) <= 8:
        for position, weight in enumerate(weights):
            planes[weight] = planes.get(weight, 0) | 1 << position
    else:
        for position, weight in enumerate(weights):
            sign = -1 if weight < 0 else 1
            rest = abs(weight)
            while rest:
                digit = rest & -rest
                planes[sign * digit] = planes.get(sign * digit, 0) | 1 << position
                rest ^= digit
    return list(planes.items())
