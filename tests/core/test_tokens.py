"""Tokens among octets of others, however these are cut into pieces."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from paexec_trio.core.tokens import TokenFilter

TOKEN = b"abab"
LINE = TOKEN + b"\n"

texts = st.lists(st.sampled_from([LINE, b"a", b"ab", b"aba", b"b", b"\n", b"x\n"]), max_size=12)
"""Octets, tokens among them; whatever looks like the beginning of a token is likely."""


def pieces(data: bytes, sizes: list[int]) -> list[bytes]:
    """Cut octets into pieces of these sizes, and the rest."""
    cut = []
    for size in sizes:
        cut.append(data[:size])
        data = data[size:]
    return [*cut, data]


@given(texts, st.lists(st.integers(0, 7), max_size=12))
def test_tokens_are_taken_out_however_they_are_cut(parts: list[bytes], sizes: list[int]) -> None:
    data = b"".join(parts)
    stream = TokenFilter(TOKEN)
    taken = [stream.take(piece) for piece in pieces(data, sizes)]
    rest = b"".join([octets for octets, _ in taken]) + stream.rest()
    assert rest == data.replace(LINE, b"")
    assert sum([count for _, count in taken]) == data.count(LINE)


@given(texts, st.lists(st.integers(0, 7), max_size=12))
def test_the_first_token_divides_the_octets(parts: list[bytes], sizes: list[int]) -> None:
    data = b"".join(parts)
    stream = TokenFilter(TOKEN)
    before, after = b"", None
    for piece in pieces(data, sizes):
        if after is not None:
            after += piece
            continue
        part, after = stream.first(piece)
        before += part
    expected, line, rest = data.partition(LINE)
    assert before + (stream.rest() if after is None else b"") == expected
    assert after == (rest if line else None)


def test_little_is_kept_back() -> None:
    """Only the beginning of a token is: a prompt without a newline has to be seen."""
    stream = TokenFilter(TOKEN)
    assert stream.take(b"prompt: ") == (b"prompt: ", 0)
    assert stream.take(b"data") == (b"dat", 0)
    assert stream.take(b"x") == (b"ax", 0)
