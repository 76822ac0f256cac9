"""Engines: their words, and the files that add others."""

from __future__ import annotations

import pytest

from paexec_trio.core.engines import ENGINES, parse_engines, words_of
from paexec_trio.core.nodenames import NodeWordError


@pytest.mark.parametrize("name", ENGINES)
def test_each_engine_has_a_place_for_the_node_and_a_shell(name: str) -> None:
    """HST-050."""
    words = words_of(name.encode(), {})
    assert sum(b"%n" in word for word in words) == 1
    assert words[-2:] == (b"/bin/sh", b"-c")


def test_engines_of_the_user_come_first() -> None:
    """HST-054."""
    assert words_of(b"podman", {b"podman": (b"x", b"%n")}) == (b"x", b"%n")
    assert words_of(b"mine", {}) == words_of(b"\xff", {}) == ()


def test_a_file_of_engines() -> None:
    """HST-054."""
    text = b"# comment\n\n  mine  run 'a b' %n\nother x%n # %n\n"
    assert parse_engines(text) == {
        b"mine": (b"run", b"a b", b"%n"),
        b"other": (b"x%n", b"#", b"%n"),
    }


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"\na b c\n", "line 2: expected a name"),
        (b"a", "line 1: expected a name"),
        (b"a/b x %n", "line 1: expected a name without '/' and words with %n"),
        (b"a 'x %n", "line 1: unbalanced quotes"),
    ],
)
def test_bad_files_of_engines(text: bytes, reason: str) -> None:
    """HST-055."""
    with pytest.raises(NodeWordError, match=f"^{reason}"):
        parse_engines(text)
