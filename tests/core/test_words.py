"""Words as the POSIX shell splits and quotes them, compared with the shell itself."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paexec_trio.core.words import UnbalancedError, quote, split_words


def words_of_the_shell(texts: list[bytes]) -> list[list[bytes]]:
    """Let ``/bin/sh`` split texts that hold nothing for it to expand or to execute."""
    script = b"".join(
        # The number of words first: printf repeats its format for no word at all, too.
        b"set -- " + text + b'\nprintf \'%s\\0\' "$#" "$@"\n'
        for text in texts
    )
    run = subprocess.run(
        ["/bin/sh", "-s"],
        input=script,
        stdout=subprocess.PIPE,
        env={"LC_ALL": "C"},
        timeout=60,
        check=True,
    )
    fields = iter(run.stdout.split(b"\0"))
    return [[next(fields) for _ in range(int(next(fields)))] for _ in texts]


def is_complete_for_the_shell(text: bytes) -> bool:
    """Return whether ``/bin/sh`` finds the end of all quotes."""
    run = subprocess.run(
        ["/bin/sh", "-n", "-c", b"set -- " + text],
        stderr=subprocess.DEVNULL,
        env={"LC_ALL": "C"},
        timeout=60,
        check=False,
    )
    return run.returncode == 0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"", []),
        (b" \t\n ", []),
        (b"ssh", [b"ssh"]),
        (b"  ssh \t -p\n22 ", [b"ssh", b"-p", b"22"]),
        (b"'a b'", [b"a b"]),
        (b'"a b"', [b"a b"]),
        (b"a\\ b", [b"a b"]),
        (b"''", [b""]),
        (b"'' \"\"", [b"", b""]),
        (b"a''b", [b"ab"]),
        (b"'a'\"b\"c\\d", [b"abcd"]),
        (b"'\\'", [b"\\"]),
        (b"'\"'", [b'"']),
        (b'"\'"', [b"'"]),
        (b'"\\a"', [b"\\a"]),
        (b'"\\$\\`\\"\\\\"', [b'$`"\\']),
        (b"a\\\nb", [b"ab"]),
        (b"a \\\n b", [b"a", b"b"]),
        (b"\\\n", []),
        (b'"a\\\nb"', [b"ab"]),
        (b"'a\\\nb'", [b"a\\\nb"]),
        (b"'a\nb'", [b"a\nb"]),
        (b"\x0b\x0c\r\xa0", [b"\x0b\x0c\r\xa0"]),
        (b"\xff\xfe '\x80'", [b"\xff\xfe", b"\x80"]),
    ],
)
def test_words(text: bytes, words: list[bytes]) -> None:
    """LCH-022."""
    assert split_words(text) == words


@pytest.mark.parametrize(
    "text",
    [
        b"$HOME",
        b"`id`",
        b"$(id)",
        b"a;b",
        b"a|b",
        b"a&b",
        b"a>b",
        b"*",
        b"~",
        b"#a",
        b"{a,b}",
        b"!",
    ],
)
def test_nothing_is_expanded_and_no_operator_has_an_effect(text: bytes) -> None:
    """LCH-023."""
    assert split_words(text) == [text]
    assert split_words(b'"' + text + b'"') == [text]


@pytest.mark.parametrize("text", [b"'", b'"', b"a 'b", b'a "b', b"'a' 'b", b'"\\"', b"\\", b"a\\"])
def test_unbalanced_texts(text: bytes) -> None:
    """LCH-027."""
    with pytest.raises(UnbalancedError):
        split_words(text)


def octets(*excluded: bytes) -> st.SearchStrategy[bytes]:
    """One octet that is neither NUL nor one of those."""
    possible = [bytes([octet]) for octet in range(1, 256)]
    return st.sampled_from([octet for octet in possible if octet not in excluded])


def several(strategy: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    return st.lists(strategy, max_size=6).map(b"".join)


plain = st.sampled_from(
    [bytes([octet]) for octet in b"abcXYZ019_./:,+@%-^]\x01\x0b\x0c\r\x7f\x80\x81\x88\xa0\xff"]
)
single_quoted = several(octets(b"'")).map(lambda text: b"'" + text + b"'")
double_quoted = several(
    st.one_of(
        octets(b'"', b"\\", b"$", b"`"),
        octets().map(lambda octet: b"\\" + octet),
    )
).map(lambda text: b'"' + text + b'"')
escaped = octets().map(lambda octet: b"\\" + octet)
gap = st.sampled_from([b" ", b"\t", b"  "])
balanced = several(st.one_of(plain, single_quoted, double_quoted, escaped, gap))


@settings(max_examples=40)
@given(texts=st.lists(balanced, min_size=1, max_size=30))
def test_words_are_those_of_the_shell(texts: list[bytes]) -> None:
    """LCH-022: each example is one process of the shell and many texts."""
    assert [split_words(text) for text in texts] == words_of_the_shell(texts)


@given(pieces=st.lists(st.one_of(balanced, gap)))
def test_newlines_separate_words_as_blanks_do(pieces: list[bytes]) -> None:
    assert split_words(b"\n".join(pieces)) == split_words(b" ".join(pieces))


@settings(max_examples=40)
@given(text=several(st.sampled_from([b"a", b" ", b"'", b'"', b"\\", b"\\\n"])))
def test_a_text_is_unbalanced_if_the_shell_finds_no_end_of_a_quote(text: bytes) -> None:
    """LCH-027: only a backslash at the end is nothing that the shell complains about."""
    try:
        split_words(text)
    except UnbalancedError:
        trailing_backslash = text.endswith(b"\\") and is_complete_for_the_shell(text)
        assert trailing_backslash or not is_complete_for_the_shell(text)
    else:
        assert is_complete_for_the_shell(text)


arguments = st.lists(several(octets()), max_size=8)


@given(words=arguments)
def test_quoted_words_are_split_into_themselves(words: list[bytes]) -> None:
    assert split_words(b" ".join(map(quote, words))) == words


@settings(max_examples=40)
@given(lists=st.lists(arguments, min_size=1, max_size=10))
def test_the_shell_takes_quoted_words_as_they_are(lists: list[list[bytes]]) -> None:
    texts = [b" ".join(map(quote, words)) for words in lists]
    assert words_of_the_shell(texts) == lists


def test_words_are_always_quoted() -> None:
    """Also those without special octets: they may be reserved words or aliases."""
    assert quote(b"if") == b"'if'"
    assert quote(b"a b") == b"'a b'"
    assert quote(b"") == b"''"
    assert quote(b"it's") == b"'it'\\''s'"
