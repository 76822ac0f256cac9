"""Foreign octets in diagnostics."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paexec_trio.core.visible import MOST_OCTETS, diagnostic, excerpt, visible


@pytest.mark.parametrize(
    ("octets", "shown"),
    [
        (b"", b""),
        (b"plain text, 'quoted' \\n \\", b"plain text, 'quoted' \\n \\"),
        (b"a\nb\rc\td", rb"a\nb\rc\td"),
        (b"\0\x07\x1b]0;x\x7f", rb"\000\007\033]0;x\177"),
        ("café 日本 🙂".encode(), "café 日本 🙂".encode()),
        (b"\xff\xc3(", rb"\377\303("),
        pytest.param("\x9b".encode(), rb"\302\233", id="C1 in UTF-8"),
        pytest.param(b"\x9b31m", rb"\23331m", id="C1 alone"),
        pytest.param(
            "\u202e\u2028\ufeff".encode(), b"\\342\\200\\256\\342\\200\\250\\357\\273\\277"
        ),
    ],
)
def test_what_a_terminal_would_obey_is_shown(octets: bytes, shown: bytes) -> None:
    assert visible(octets) == shown


@given(st.binary() | st.text().map(str.encode))
def test_a_diagnostic_never_holds_what_cannot_be_printed(octets: bytes) -> None:
    shown = visible(octets)
    assert shown.decode("utf-8").isprintable()
    assert visible(shown) == shown


def test_long_texts_are_cut() -> None:
    assert excerpt(b"x" * MOST_OCTETS) == b"x" * MOST_OCTETS
    assert excerpt(b"x" * (MOST_OCTETS + 1)) == b"x" * MOST_OCTETS + b"...(1 more octets)"
    assert len(excerpt(b"\0" * 3_000_000)) < 5 * MOST_OCTETS


@pytest.mark.parametrize("character", ["é", "日", "🙂"])
@pytest.mark.parametrize("before", range(MOST_OCTETS - 4, MOST_OCTETS + 1))
def test_a_cut_does_not_go_through_a_character(character: str, before: int) -> None:
    octets = character.encode()
    text = b"x" * before + octets + b"y" * MOST_OCTETS
    whole = before + len(octets) <= MOST_OCTETS
    shown, mark, _ = excerpt(text).partition(b"...(")
    if whole:
        after = b"y" * (MOST_OCTETS - before - len(octets))
        assert shown == b"x" * before + octets + after
    else:
        assert shown == b"x" * before
    assert mark
    assert excerpt(text).endswith(b"...(%d more octets)" % (len(text) - len(shown)))


def test_octets_that_only_look_like_the_beginning_of_a_character() -> None:
    assert excerpt(b"x" * (MOST_OCTETS - 1) + b"\xc3(" + b"y") == (
        b"x" * (MOST_OCTETS - 1) + rb"\303" + b"...(2 more octets)"
    )


def test_a_diagnostic_shows_each_foreign_text() -> None:
    assert diagnostic(b"100%") == b"100%"
    assert diagnostic(b"task %d: '%b' %b", 7, b"\x1b", b"b") == rb"task 7: '\033' b"
