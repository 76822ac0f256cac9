"""Prefixes and rendered lines (the chapter Prefixes of the specification)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paexec_trio.core.rendering import LAZY_ABOVE, LazyLines, PrefixMaker, is_too_much, render


@pytest.mark.parametrize(
    ("node", "task_id", "pid", "expected"),
    [
        (False, False, False, b""),
        (True, False, False, b"host "),
        (False, True, False, b"7 "),
        (False, False, True, b"4711 "),
        (True, True, False, b"host 7 "),
        (True, False, True, b"host 4711 "),
        (False, True, True, b"7 4711 "),
        (True, True, True, b"host 7 4711 "),
    ],
)
def test_prefixes(node: bool, task_id: bool, pid: bool, expected: bytes) -> None:
    """PFX-001 to PFX-006."""
    maker = PrefixMaker(show_node=node, show_task_id=task_id, show_pid=pid)
    assert maker.make(b"host", 7, 4711, b"task") == expected


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        (b"", b"7 \t"),
        (b"{}", b"7 a{}\t"),
        (b"<{}|{}>", b"7 <a{}|a{}>\t"),
        (b"{{}}\xff", b"7 {a{}}\xff\t"),
    ],
)
def test_tags(tag: bytes, expected: bytes) -> None:
    """PTK-010 to PTK-013."""
    maker = PrefixMaker(show_node=False, show_task_id=True, show_pid=False, tag=tag)
    assert not maker.are_empty
    assert maker.make(b"host", 7, 4711, b"a{}") == expected


def test_a_tag_without_prefixes() -> None:
    maker = PrefixMaker(show_node=False, show_task_id=False, show_pid=False, tag=b"")
    assert not maker.are_empty
    assert maker.make(b"host", 7, 4711, b"a") == b"\t"


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (b"", b""),
        (b"\n", b"p \n"),
        (b"a\n", b"p a\n"),
        (b"a\nb\n", b"p a\np b\n"),
        (b"\n\na\n\n", b"p \np \np a\np \n"),
        (b"\0\r\n\xff\n", b"p \0\r\np \xff\n"),
    ],
)
def test_every_line_is_prefixed(lines: bytes, expected: bytes) -> None:
    """PFX-007."""
    assert render(b"p ", lines) == expected


@given(prefix=st.binary(), lines=st.lists(st.binary().filter(lambda line: b"\n" not in line)))
def test_rendering_equals_prefixing_line_by_line(prefix: bytes, lines: list[bytes]) -> None:
    text = b"".join(line + b"\n" for line in lines)
    # A prefix never holds a newline: names of nodes cannot.
    prefix = prefix.replace(b"\n", b"")
    assert render(prefix, text) == b"".join(prefix + line + b"\n" for line in lines)


@given(
    prefix=st.binary(max_size=5),
    lines=st.lists(st.binary(max_size=5).map(lambda text: text.replace(b"\n", b"")), min_size=1),
    times=st.integers(1, 5),
    size=st.integers(1, 30),
)
def test_lazy_lines_are_the_same_lines(
    prefix: bytes, lines: list[bytes], times: int, size: int
) -> None:
    text = b"".join(line + b"\n" for line in lines)
    lazy = LazyLines(prefix, text, times)
    expected = render(prefix, text) * times
    taken = b""
    while lazy:
        assert len(lazy) == len(expected) - len(taken)
        piece = lazy.take(size)
        assert piece.endswith(b"\n")
        taken += piece
    assert taken == expected
    assert lazy.take(size) == b""


def test_lazy_lines_are_taken_in_small_pieces() -> None:
    """LIM-006: neither many blank lines nor prefixes of many short lines are in memory at once."""
    prefix = b"p" * 1000
    for lazy in (LazyLines(b"", b"\n", 10**12), LazyLines(prefix, b"\nab\n" * 50_000)):
        for _ in range(20):
            assert 0 < len(lazy.take()) <= LAZY_ABOVE // 2
        assert len(lazy) > LAZY_ABOVE


def test_what_is_too_much() -> None:
    assert not is_too_much(b"p" * 64, b"\n" * (1 << 16))
    assert is_too_much(b"p" * 65, b"\n" * (1 << 16))
    assert not is_too_much(b"p" * 65, b"x" * (1 << 16) + b"\n")
