"""Reading graphs, their order, their cycles and their dependants."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paexec_trio.core.graph import BadLineError, CycleError, TaskGraph

NAMES = st.sampled_from([b"", b"a", b"b", b"c", b"d", b"e", b"f", b"\xff", b"\0"])
EDGES = st.lists(st.tuples(NAMES, NAMES), max_size=20)


def graph_of(*lines: bytes, delimiter: bytes = b" ", weight_word: bytes = b"weight:") -> TaskGraph:
    graph = TaskGraph(delimiter, weight_word)
    graph.add_lines(list(lines))
    return graph


def reach(edges: list[tuple[bytes, bytes]], name: bytes) -> set[bytes]:
    """Return the names to which at least one edge leads, directly or not."""
    reached: set[bytes] = set()
    while more := {b for a, b in edges if a == name or a in reached} - reached:
        reached |= more
    return reached


def test_tasks_are_numbered_by_first_appearance() -> None:
    """GRA-005, also in lines of weights; GRA-006: a task that comes again is the same."""
    graph = graph_of(b"c b", b"weight: x 3", b"a", b"b a", b"c")
    assert graph.names[1:] == [b"c", b"b", b"x", b"a"]


def test_names_may_be_empty() -> None:
    """GRA-004: a line that begins or ends with the delimiter, and an empty line."""
    graph = graph_of(b" a", b"b ", b"")
    assert graph.names[1:] == [b"", b"a", b"b"]
    assert list(graph.dependants(1)) == [2]
    assert list(graph.dependants(3)) == [1]


@pytest.mark.parametrize("line", [b"a b c", b"a b c d", b"a  b", b"   ", b"weight: a b c"])
def test_lines_with_too_many_words(line: bytes) -> None:
    """GRA-010."""
    with pytest.raises(BadLineError) as caught:
        graph_of(b"fine", line)
    assert caught.value.line == line


@pytest.mark.parametrize("number", [b"", b"x", b"1.5", b"+", b"--1", b"1e3", b"\xb2", b"9" * 5000])
def test_weights_that_are_no_numbers(number: bytes) -> None:
    """WGT-011; the longest is longer than Python converts."""
    line = b"weight: a " + number
    with pytest.raises(BadLineError) as caught:
        graph_of(line)
    assert caught.value.line == line


def test_the_largest_weight_counts() -> None:
    """WGT-002, WGT-010: also below one, and beyond a machine word."""
    big = 10**30
    graph = graph_of(
        b"weight: a -3",
        b"weight: a -2",
        b"a",
        b"weight: b %d" % big,
        b"weight: b 1",
        b"weight: c +0",
    )
    assert graph.weights == {1: -2, 2: big, 3: 0}


def test_two_words_with_the_word_for_weights_are_an_edge() -> None:
    graph = graph_of(b"weight: a")
    assert graph.names[1:] == [b"weight:", b"a"]
    assert list(graph.dependants(1)) == [2]


def test_other_delimiter_and_other_word() -> None:
    """GRA-003, WGT-009."""
    graph = graph_of(b"a b;c d", b"w;a b;7", delimiter=b";", weight_word=b"w")
    assert graph.names[1:] == [b"a b", b"c d"]
    assert graph.weights == {1: 7}


def test_no_delimiter() -> None:
    """GRA-003: the whole line is the task."""
    graph = graph_of(b"a b c", b"weight: a 1", b"", delimiter=b"")
    assert graph.names[1:] == [b"a b c", b"weight: a 1", b""]


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
