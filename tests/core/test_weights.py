"""Weights over dependants, against definitions that are slow and obvious."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paexec_trio.core import weights
from paexec_trio.core.graph import TaskGraph
from paexec_trio.core.graphreader import GraphReader

TASKS = st.integers(min_value=0, max_value=15)
WEIGHTED_GRAPHS = st.tuples(
    st.lists(st.tuples(TASKS, TASKS).filter(lambda edge: edge[0] != edge[1]), max_size=40),
    st.dictionaries(TASKS, st.integers(min_value=-(10**20), max_value=10**20) | st.integers(0, 3)),
)


def graph_of(lines: Iterable[bytes]) -> TaskGraph:
    reader = GraphReader()
    reader.add(b"".join(line + b"\n" for line in lines))
    return reader.graph()


def build(edges: list[tuple[int, int]], numbers: dict[int, int]) -> TaskGraph:
    """Build a graph without cycles: edges lead from lower to higher numbers."""
    lines = [b"%d %d" % (min(edge), max(edge)) for edge in edges]
    return graph_of(lines + [b"weight: %d %d" % pair for pair in numbers.items()])


def everything_below(graph: TaskGraph, task: int) -> list[int]:
    own = weights.own_weights(graph)
    return [own[each] for each in [task, *graph.all_dependants(task)]]


@pytest.fixture(params=[1, 2, 5, 1 << 20], ids="block of {}".format)
def blocks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Look at so many dependants at a time."""
    monkeypatch.setattr(weights, "block_size", lambda _tasks: request.param)


def test_own_weights() -> None:
    """WGT-002: one where none is given, less where less is given."""
    assert weights.own_weights(build([(1, 2)], {2: 0, 3: -7}))[1:] == [1, 0, -7]


@pytest.mark.usefixtures("blocks")
@given(WEIGHTED_GRAPHS)
def test_sums(case: tuple[list[tuple[int, int]], dict[int, int]]) -> None:
    """WGT-004: each dependant counts once, whatever the blocks."""
    graph = build(*case)
    sums = weights.sums_over_dependants(graph, graph.topological_order())
    assert sums[1:] == [sum(everything_below(graph, task + 1)) for task in range(len(graph))]


def test_sums_of_many_different_weights() -> None:
    """They are added digit by digit, with their signs; two paths to the last task are no tree."""
    numbers = dict(enumerate(range(-6, 7)))
    edges = [(first, second) for first in (0, 1) for second in range(2, 13)]
    graph = build(edges, numbers)
    sums = weights.sums_over_dependants(graph, graph.topological_order())
    names = {int(name): task for task, name in enumerate(graph.names) if name}
    assert sums[names[0]] == -6 + sum(range(-4, 7))
    assert sums[names[1]] == -5 + sum(range(-4, 7))


@pytest.mark.parametrize("tasks", [1, 3000, 100_000, 1 << 21])
def test_blocks_fill_their_memory(tasks: int) -> None:
    """128 MiB of bits, one for each task and dependant."""
    assert (
        tasks * weights.block_size(tasks) <= 8 * 128 << 20 < tasks * (weights.block_size(tasks) + 1)
    )


def test_blocks_of_huge_graphs_are_not_tiny() -> None:
    assert weights.block_size(100_000_000) == 512


@given(WEIGHTED_GRAPHS)
def test_maxima(case: tuple[list[tuple[int, int]], dict[int, int]]) -> None:
    """WGT-005."""
    graph = build(*case)
    maxima = weights.maxima_over_dependants(graph, graph.topological_order())
    assert maxima[1:] == [max(everything_below(graph, task + 1)) for task in range(len(graph))]


def test_sums_over_a_long_chain() -> None:
    """Linear where there is one path only; a set for each task would take an hour."""
    count = 100_000
    graph = graph_of(b"%d %d" % (task, task + 1) for task in range(1, count))
    sums = weights.sums_over_dependants(graph, graph.topological_order())
    assert sums[1:] == [*range(count, 0, -1)]


def test_sums_over_a_ladder_of_diamonds() -> None:
    """Exponentially many paths, three tasks a step."""
    steps = 2_000
    lines = []
    for step in range(steps):
        lines += [b"n%d a%d" % (step, step), b"n%d b%d" % (step, step)]
        lines += [b"a%d n%d" % (step, step + 1), b"b%d n%d" % (step, step + 1)]
    graph = graph_of(lines)
    sums = weights.sums_over_dependants(graph, graph.topological_order())
    assert sums[1] == 3 * steps + 1
