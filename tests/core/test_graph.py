"""The order of graphs, their cycles and their dependants."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paexec_trio.core.graph import CycleError, TaskGraph
from paexec_trio.core.graphreader import GraphReader

NAMES = st.sampled_from([b"", b"a", b"b", b"c", b"d", b"e", b"f", b"\xff", b"\0"])
EDGES = st.lists(st.tuples(NAMES, NAMES), max_size=20)


def graph_of(*lines: bytes) -> TaskGraph:
    reader = GraphReader()
    reader.add(b"".join(line + b"\n" for line in lines))
    return reader.graph()


def reach(edges: list[tuple[bytes, bytes]], name: bytes) -> set[bytes]:
    """Return the names to which at least one edge leads, directly or not."""
    reached: set[bytes] = set()
    while more := {b for a, b in edges if a == name or a in reached} - reached:
        reached |= more
    return reached


def test_dependants_the_last_edge_first() -> None:
    """GRA-044: depth first, each once."""
    graph = graph_of(b"a b", b"a c", b"c d", b"b d", b"d e", b"a b")
    names = [graph.names[task] for task in graph.all_dependants(1)]
    assert names == [b"b", b"d", b"e", b"c"]


@pytest.mark.parametrize(
    ("lines", "cycle"),
    [
        ([b"a a"], [b"a", b"a"]),
        ([b"x a", b"a b", b"b c", b"c a"], [b"a", b"b", b"c", b"a"]),
        ([b"a b", b"b a", b"c d", b"d c"], [b"a", b"b", b"a"]),
        ([b"a b", b"a c", b"c a", b"b a"], [b"a", b"c", b"a"]),
    ],
)
def test_cycles(lines: list[bytes], cycle: list[bytes]) -> None:
    """GRA-020: the one that upstream reports."""
    with pytest.raises(CycleError) as caught:
        graph_of(*lines).topological_order()
    assert caught.value.cycle == cycle


def test_a_cycle_of_many_tasks() -> None:
    count = 100_000
    graph = graph_of(*[b"%d %d" % (task, (task + 1) % count) for task in range(count)])
    with pytest.raises(CycleError) as caught:
        graph.topological_order()
    assert caught.value.cycle == [b"%d" % (task % count) for task in range(count + 1)]


@pytest.mark.parametrize("lines", [[b"a b", b"b c", b"a c"], [b"c", b"b c", b"a b", b"a c"]])
def test_order_of_tasks_that_are_in_order_and_of_others(lines: list[bytes]) -> None:
    graph = graph_of(*lines)
    names = [graph.names[task] for task in graph.topological_order()]
    assert names == [b"a", b"b", b"c"]


def test_order_of_many_tasks() -> None:
    """Written down in the reverse order."""
    count = 1000
    graph = graph_of(*[b"%d %d" % (task - 1, task) for task in range(count, 0, -1)])
    assert [graph.names[task] for task in graph.topological_order()] == [
        b"%d" % task for task in range(count + 1)
    ]


def test_edges_have_two_ends() -> None:
    """A missing end is an error; the edge is not left out."""
    with pytest.raises(ValueError, match="longer"):
        TaskGraph([b"", b"a", b"b"], [1], [2, 2], {})


def test_failure_in_a_ladder_of_diamonds() -> None:
    """GRA-061: as many paths as 2 to the power of 10,000."""
    lines = []
    for step in range(10_000):
        lines += [b"n%d a%d" % (step, step), b"n%d b%d" % (step, step)]
        lines += [b"a%d n%d" % (step, step + 1), b"b%d n%d" % (step, step + 1)]
    graph = graph_of(*lines)
    assert len(graph.all_dependants(1)) == len(graph) - 1


@given(EDGES)
def test_order_and_cycles_against_a_naive_model(edges: list[tuple[bytes, bytes]]) -> None:
    """Every task once and after those it depends on, or a cycle that really is one."""
    graph = graph_of(*[before + b" " + after for before, after in edges])
    ids = {name: task for task, name in enumerate(graph.names) if task}
    if any(graph.names[task] in reach(edges, graph.names[task]) for task in ids.values()):
        with pytest.raises(CycleError) as caught:
            graph.topological_order()
        cycle = caught.value.cycle
        assert len(cycle) > 1
        assert cycle[0] == cycle[-1]
        assert {*itertools.pairwise(cycle)} <= {*edges}
        return
    order = graph.topological_order()
    assert sorted(order) == sorted(ids.values())
    for before, after in edges:
        assert order.index(ids[before]) < order.index(ids[after])


@given(EDGES, NAMES)
def test_dependants_against_a_naive_model(edges: list[tuple[bytes, bytes]], name: bytes) -> None:
    """GRA-042: cycles are no trouble either."""
    graph = graph_of(*[before + b" " + after for before, after in edges], name)
    ids = {name: task for task, name in enumerate(graph.names) if task}
    dependants = graph.all_dependants(ids[name])
    assert len(dependants) == len({*dependants})
    assert {graph.names[task] for task in dependants} == reach(edges, name) - {name}
