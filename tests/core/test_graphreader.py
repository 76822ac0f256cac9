"""Reading graphs: every kind of line, one by one and in blocks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paexec_trio.core.graph import TaskGraph
from paexec_trio.core.graphreader import MOST_DIGITS, BadLineError, GraphReader


def graph_of(*lines: bytes, delimiter: bytes = b" ", weight_word: bytes = b"weight:") -> TaskGraph:
    reader = GraphReader(b"\n", delimiter, weight_word)
    reader.add(b"".join(line + b"\n" for line in lines))
    return reader.graph()


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


@pytest.mark.parametrize(
    "number", [b"", b"x", b"1.5", b"+", b"--1", b"1e3", b"\xb2", b"9" * 5000 + b"x"]
)
def test_weights_that_are_no_numbers(number: bytes) -> None:
    """WGT-011."""
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


@pytest.mark.parametrize("sign", [b"", b"-", b"+"])
def test_the_digits_of_a_weight(sign: bytes) -> None:
    """WGT-010, WGT-020: the line is counted over blocks, edges, weights and single tasks."""
    most = sign + b"7" * MOST_DIGITS
    graph = graph_of(b"weight: a " + most)
    assert graph.weights == {1: int(most)}
    reader = GraphReader()
    reader.add(b"a b\nc\nweight: a 1\n")
    reader.add(b"d\nweight: a 2\n")
    with pytest.raises(BadLineError) as caught:
        reader.add(b"d e\nweight: a %b7\n" % most)
    assert caught.value.number == 7
    assert caught.value.fault == b"expected at most %d digits, got %d" % (
        MOST_DIGITS,
        MOST_DIGITS + 1,
    )


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


@pytest.mark.parametrize("line", [b"a b", b" ", b"b ", b"weight: b 1", b"a b c"])
def test_a_delimiter_that_is_the_terminator_delimits_nothing(line: bytes) -> None:
    reader = GraphReader(b"\n", b"\n")
    reader.add(line + b"\n")
    assert reader.graph().names == [b"", line]


def test_newlines_do_not_end_lines_that_end_with_nul() -> None:
    reader = GraphReader(b"\0")
    reader.add(b"a\n b\n\0\n\0")
    graph = reader.graph()
    assert graph.names == [b"", b"a\n", b"b\n", b"\n"]
    assert list(graph.dependants(1)) == [2]


def test_a_delimiter_is_one_octet() -> None:
    with pytest.raises(ValueError, match="octet"):
        GraphReader(b"\n", b"->")


LINES = st.lists(
    st.lists(st.sampled_from([b"", b"a", b"b", b"c", b"w", b"7"]), min_size=1, max_size=3).map(
        b" ".join
    )
)


@given(LINES, st.integers(0, 20))
def test_blocks_against_a_naive_model(lines: list[bytes], cut: int) -> None:
    """Lines of three words, which are read one by one, are no trouble for their neighbours."""
    names: list[bytes] = [b""]
    edges: list[tuple[bytes, bytes]] = []
    weights: dict[bytes, int] = {}
    bad = None
    for number, line in enumerate(lines, 1):
        words = line.split(b" ")
        if len(words) == 3:
            if words[0] != b"w" or words[2] != b"7":
                bad = line, number
                break
            words = [words[1]]
            weights[words[0]] = 7
        names += [word for word in dict.fromkeys(words) if word not in names[1:]]
        if len(words) == 2:
            edges.append((words[0], words[1]))

    reader = GraphReader(b"\n", b" ", b"w")
    blocks = [b"".join(line + b"\n" for line in part) for part in (lines[:cut], lines[cut:])]
    if bad is not None:
        with pytest.raises(BadLineError) as caught:
            list(map(reader.add, blocks))
        assert (caught.value.line, caught.value.number) == bad
        return
    for block in blocks:
        reader.add(block)
    graph = reader.graph()
    assert graph.names == names
    assert {graph.names[task]: weight for task, weight in graph.weights.items()} == weights
    for task in range(1, len(names)):
        expected = [after for before, after in edges if before == names[task]]
        assert [graph.names[each] for each in graph.dependants(task)] == expected[::-1]
        assert graph.predecessors[task] == sum(after == names[task] for _, after in edges)


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (b"a b c d", b'expected "TASK", "TASK DEPENDANT" or "w TASK NUMBER", got 4 words'),
        (
            b"a  b",
            b'expected "TASK", "TASK DEPENDANT" or "w TASK NUMBER", got 3 words, one of them empty',
        ),
        (b"w a 1.5", b"expected a whole number, got '1.5'"),
        (b"w a \x1b", b"expected a whole number, got '\\033'"),
    ],
)
def test_a_bad_line_is_told_what_was_expected(line: bytes, fault: bytes) -> None:
    reader = GraphReader(b"\n", b" ", b"w")
    with pytest.raises(BadLineError) as caught:
        reader.add(line + b"\n")
    assert caught.value.fault == fault
