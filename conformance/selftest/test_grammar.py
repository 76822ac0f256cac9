"""The grammar of the specification and the parsers of the suite read streams in the same way."""

from __future__ import annotations

import re
import textwrap
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from abnf import ParseError, Rule
from hypothesis import given
from hypothesis import strategies as st

from conformance.harness.streams import (
    BadLineError,
    split_graph_line,
    split_lines,
    split_results,
    split_tasks,
    split_tasks_at_nul,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from abnf import Node

GRAMMAR = Path(__file__).resolve().parents[2] / "spec" / "protocol.abnf"


class Protocol(Rule):
    """The rules of the specification."""


Protocol.load_grammar(GRAMMAR.read_text().replace("\n", "\r\n"))


def parse(rule: str, octets: bytes) -> Node:
    """Read the whole of it; each octet is a character."""
    return Protocol(rule).parse_all(octets.decode("latin-1"))


def parts(node: Node, *names: str) -> list[bytes]:
    """Return the octets of the outermost nodes of these names, in order."""
    return [found.value.encode("latin-1") for found in _outermost(node, set(names))]


def _outermost(node: Node, names: set[str]) -> Iterator[Node]:
    for child in node.children:
        if child.name in names:
            yield child
        else:
            yield from _outermost(child, names)


def short_streams(alphabet: bytes, length: int) -> Iterator[bytes]:
    """Yield each sequence of these octets up to a length."""
    for size in range(length + 1):
        yield from map(bytes, product(alphabet, repeat=size))


ANY = st.lists(st.sampled_from([*b"a b\r\xff\0\0\n\n\n"]), max_size=40).map(bytes)


def check_tasks(octets: bytes) -> None:
    assert parts(parse("task-stream", octets), "task", "last-task") == split_tasks(octets)


def check_tasks_at_nul(octets: bytes) -> None:
    found = parts(parse("task-stream-0", octets), "task-0", "last-task-0")
    assert found == split_tasks_at_nul(octets)


def check_calculator_input(octets: bytes) -> None:
    tasks, rest = split_lines(octets)
    if rest:
        with pytest.raises(ParseError):
            parse("calculator-input", octets)
    else:
        assert parts(parse("calculator-input", octets), "task") == tasks


def check_results(octets: bytes) -> None:
    tree = parse("result-stream", octets)
    split = split_results(octets)
    whole = [node for node in tree.children if node.name == "result"]
    lines = [[line[:-1] for line in parts(result, "result-line")] for result in whole]
    broken = [node for node in tree.children if node.name == "broken-result"]
    assert lines == split.whole
    assert [line[:-1] for node in broken for line in parts(node, "result-line")] == split.broken
    assert b"".join(part for node in broken for part in parts(node, "broken-line")) == split.rest


def check_graph(octets: bytes) -> None:
    try:
        lines = [split_graph_line(line) for line in split_tasks(octets)]
    except BadLineError:
        with pytest.raises(ParseError):
            parse("graph", octets)
        return
    tree = parse("graph", octets)
    found = [
        parts(node, "name", "weight-word", "number") or [node.value.encode("latin-1")]
        for node in tree.children
        if node.name in {"graph-line", "last-line"}
    ]
    assert found == lines


@pytest.mark.parametrize(
    ("check", "alphabet"),
    [
        (check_tasks, b"a\n\0"),
        (check_tasks_at_nul, b"a\n\0"),
        (check_calculator_input, b"a\n\0"),
        (check_results, b"a\n\0"),
        (check_graph, b"a \n"),
    ],
)
def test_every_short_stream(check: object, alphabet: bytes) -> None:
    assert callable(check)
    for octets in short_streams(alphabet, 6):
        check(octets)


@given(ANY)
def test_streams(octets: bytes) -> None:
    check_tasks(octets)
    check_tasks_at_nul(octets)
    check_calculator_input(octets)
    check_results(octets)


WORDS = st.sampled_from([b"", b"a", b"weight:", b"Weight:", b"1", b"-20", b"+", b"3x", b"\xff\0"])


@given(
    st.lists(st.lists(WORDS, max_size=4).map(b" ".join), max_size=5).map(b"\n".join),
    st.sampled_from([b"", b"\n"]),
)
def test_graphs(lines: bytes, end: bytes) -> None:
    check_graph(lines + end)


@pytest.mark.parametrize("chapter", sorted(path.name for path in GRAMMAR.parent.glob("*.rst")))
def test_the_other_grammars_are_abnf(chapter: str) -> None:
    text = (GRAMMAR.parent / chapter).read_text()
    for number, block in enumerate(re.findall(r"code-block:: abnf\n\n((?:   .*\n)+)", text)):
        rules: Any = type(f"{chapter} {number}", (Rule,), {})
        rules.load_grammar(textwrap.dedent(block).replace("\n", "\r\n"))


def test_results_under_another_eot() -> None:
    assert split_results(b"a\n\nEOT\nEOT\nEOT \nx", b"EOT") == ([[b"a", b""], []], [b"EOT "], b"x")


def test_a_graph_under_another_delimiter_and_word() -> None:
    assert split_graph_line(b"w:a b:-7", b":", b"w") == [b"w", b"a b", b"-7"]
    assert split_graph_line(b"a b c", b"") == [b"a b c"]
    with pytest.raises(BadLineError):
        split_graph_line(b"weight::a:7", b":", b"w")
