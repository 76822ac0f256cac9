"""Chunks of input cut into blocks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paexec_trio.reorder.blocks import BadLineError, BlockReader, LineBlock
from tests.reorder.model import Line, joined
from tests.reorder.strategies import LINES, chunks_of


def read(data: bytes, eot: bytes = b"") -> list[LineBlock]:
    reader = BlockReader(eot)
    blocks = reader.read(data) + reader.end()
    reader.check()
    return blocks


@pytest.mark.parametrize(
    ("data", "blocks"),
    [
        (b"", []),
        (b"1 a\n", [(b"1", b"1 a\n", b"")]),
        (b"1 a\n1 b\n", [(b"1", b"1 a\n1 b\n", b"")]),
        (b"1 a\n2 b\n", [(b"1", b"1 a\n", b""), (b"2", b"2 b\n", b"")]),
        (b"1 a\n1 \n", [(b"1", b"1 a\n", b"1 \n")]),
        (b"1 \n1 a\n", [(b"1", b"", b"1 \n"), (b"1", b"1 a\n", b"")]),
        (b"1 \n1 \n", [(b"1", b"", b"1 \n"), (b"1", b"", b"1 \n")]),
        (b"1 a\n2 \n", [(b"1", b"1 a\n", b""), (b"2", b"", b"2 \n")]),
        (b"1 a\n11 b\n", [(b"1", b"1 a\n", b""), (b"11", b"11 b\n", b"")]),
        (b"11 a\n1 b\n", [(b"11", b"11 a\n", b""), (b"1", b"1 b\n", b"")]),
        (b"1 a\n01 b\n", [(b"1", b"1 a\n", b""), (b"01", b"01 b\n", b"")]),
        (b"1  \n", [(b"1", b"1  \n", b"")]),
        (b"1 a\r\n1 \r\n", [(b"1", b"1 a\r\n1 \r\n", b"")]),
        (b"1 a\n1 b", [(b"1", b"1 a\n", b""), (b"1", b"1 b\n", b"")]),
        (b"1 ", [(b"1", b"", b"1 \n")]),
    ],
)
def test_blocks(data: bytes, blocks: list[LineBlock]) -> None:
    assert read(data) == blocks


@pytest.mark.parametrize("eot", [b"END", b".*", b"a b", b"%b", b"\\", b"\0", b" "])
def test_another_eot(eot: bytes) -> None:
    data = b"1 %b\n1 x%b\n1 \n1 %bx\n" % (eot, eot, eot)
    assert read(data, eot) == [
        (b"1", b"", b"1 %b\n" % eot),
        (b"1", b"1 x%b\n1 \n1 %bx\n" % (eot, eot), b""),
    ]


@pytest.mark.parametrize("bad", [b"", b" ", b"1", b"x", b" 1 a", b"1\ta", b"-1 a", b"1a b", b"\0"])
@pytest.mark.parametrize("after", [b"", b"1 c\n", b"\n\n"])
def test_bad_lines(bad: bytes, after: bytes) -> None:
    """RDR-041: what comes before them is returned, then they are named."""
    reader = BlockReader(b"")
    assert reader.read(b"1 a\n1 ") == [(b"1", b"1 a\n", b"")]
    reader.check()
    assert reader.read(b"b\n2 \n" + bad + b"\n" + after) == [
        (b"1", b"1 b\n", b""),
        (b"2", b"", b"2 \n"),
    ]
    with pytest.raises(BadLineError) as caught:
        reader.check()
    assert (caught.value.number, caught.value.line) == (4, bad)


def test_a_bad_line_without_a_newline() -> None:
    reader = BlockReader(b"")
    assert reader.read(b"1 a\n1") == [(b"1", b"1 a\n", b"")]
    reader.check()
    assert reader.end() == []
    with pytest.raises(BadLineError) as caught:
        reader.check()
    assert (caught.value.number, caught.value.line) == (2, b"1")


@given(LINES, st.data())
def test_cutting_the_input_anywhere_changes_nothing(lines: list[Line], data: st.DataObject) -> None:
    whole = joined(lines)
    reader = BlockReader(b"end")
    blocks = [block for chunk in data.draw(chunks_of(whole)) for block in reader.read(chunk)]
    blocks += reader.end()
    reader.check()
    assert b"".join(part for _, *parts in blocks for part in parts) == whole
    for task, octets, eot in blocks:
        assert octets or eot
        assert all(line.startswith(task + b" ") for line in octets.split(b"\n") if line)
        assert eot in {b"", task + b" end\n"}
        assert b"\n%b end\n" % task not in b"\n" + octets


def test_long_lines_are_not_searched_again_and_again() -> None:
    """Each octet is looked at a few times; if all were with each chunk, this would take minutes."""
    reader = BlockReader(b"")
    chunk = b"x" * 4096
    assert reader.read(b"1 ") == []
    for _ in range(10_000):
        assert reader.read(chunk) == []
    assert reader.read(b"\n") == [(b"1", b"1 " + chunk * 10_000 + b"\n", b"")]
