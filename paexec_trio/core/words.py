"""The quoting rules of the POSIX shell, for octets: splitting into words, and quoting."""

from __future__ import annotations

import re

_TOKEN = re.compile(
    rb"""(?P<gap>[ \t\n]+)
       | '(?P<single>[^']*)'
       | "(?P<double>(?:[^"\\]|\\.)*)"
       | \\(?P<escaped>.)
       | (?P<plain>[^ \t\n'"\\]+)""",
    re.DOTALL | re.VERBOSE,
)

# Inside double quotes a backslash is special only before these.
_ESCAPE_IN_DOUBLE_QUOTES = re.compile(rb'\\([$`"\\\n])')


class UnbalancedError(ValueError):
    """A quote is not closed, or a backslash has nothing after it."""


def split_words(text: bytes) -> list[bytes]:
    """Split text into words as the shell does, without expanding anything (LCH-022, LCH-023).

    Raises:
        UnbalancedError: a quote is not closed, or the text ends with an unquoted backslash.
    """
    words: list[bytes] = []
    in_word = False
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise UnbalancedError
        position = match.end()
        kind = match.lastgroup or ""
        if kind == "gap":
            in_word = False
            continue
        piece = match[kind]
        if kind == "double":
            piece = _ESCAPE_IN_DOUBLE_QUOTES.sub(_unescape, piece)
        elif kind == "escaped" and piece == b"\n":
            continue  # a continued line
        if in_word:
            words[-1] += piece
        else:
            words.append(piece)
            in_word = True
    return words


def quoted_texts(text: bytes) -> list[bytes]:
    """Return the texts between single quotes, as far as the quotes are balanced."""
    texts = []
    position = 0
    while match := _TOKEN.match(text, position):
        if match.lastgroup == "single":
            texts.append(match["single"])
        position = match.end()
    return texts


def _unescape(match: re.Match[bytes]) -> bytes:
    return b"" if match[1] == b"\n" else match[1]


def quote(word: bytes) -> bytes:
    """Quote a word so that a POSIX shell takes it as it is, reserved words and aliases too."""
    return b"'" + word.replace(b"'", b"'\\''") + b"'"
