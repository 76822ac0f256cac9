"""Words that stand for several nodes (the chapter Hosts of the spec)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from paexec_trio.core.nodenames import LOCAL, MAX_NODES, NodeWordError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    ExpandSet = Callable[[bytes], Sequence[bytes]]

GAPS = b" \t\r\n"
"""The octets between the words of a list."""

SPECIAL = b"*%[+"
"""A list without these octets has one node per word."""

_COUNTED = re.compile(rb"(.*)\*([0-9]+)", re.DOTALL)
_LOCAL = re.compile(rb"\+([0-9]+)")
_ADDRESS = re.compile(
    rb"((?:[^\[\]@]+@)?)\[([0-9A-Fa-f.]*:[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*(?:%[^\[\]]+)?)\]"
)
_FIRST_OF_LINE = re.compile(rb"[A-Za-z0-9_/%+\[]")


def begins_list(word: bytes) -> bool:
    """Return whether a list may begin with a word although no name does."""
    if word.startswith(b"%") or _LOCAL.fullmatch(word):
        return True
    counted = _COUNTED.fullmatch(word)
    return bool(_ADDRESS.fullmatch(counted[1] if counted else word))


def expand(words: Iterable[bytes], expand_set: ExpandSet) -> list[bytes]:
    """Return the names of the nodes that words stand for.

    Args:
        words: the words of a list.
        expand_set: returns the names in a nodeset.

    Raises:
        NodeWordError: HST-006.
    """
    names: list[bytes] = []
    for word in words:
        names += _names(word, expand_set)
        if len(names) > MAX_NODES:
            raise NodeWordError(b"more than %d nodes", MAX_NODES)
    return names


def parse_hosts(text: bytes, expand_set: ExpandSet) -> list[bytes]:
    """Return the names of the nodes in the text of a hostfile (HST-020).

    Args:
        text: the octets of the file.
        expand_set: returns the names in a nodeset.

    Raises:
        NodeWordError: a line is bad, or there is no node.
    """
    names: list[bytes] = []
    for number, line in enumerate(text.split(b"\n"), 1):
        try:
            words = _words_of_line(line)
            if words:  # most lines of some files are comments
                names += expand(words, expand_set)
        except NodeWordError as error:
            raise NodeWordError(b"line %d: " % number + error.reason) from None
        if len(names) > MAX_NODES:
            raise NodeWordError(b"more than %d nodes", MAX_NODES)
    if not names:
        raise NodeWordError(b"there is no node in it")
    return names


def _words_of_line(line: bytes) -> list[bytes]:
    words = []
    for word in split_gaps(line):
        if word.startswith(b"#"):
            break
        if not _FIRST_OF_LINE.match(word):
            raise NodeWordError(b"'%b' is no name of a node", word)
        words.append(word)
    return words


def split_gaps(text: bytes) -> list[bytes]:
    """Return the words between gaps."""
    # Not split() alone, which takes vertical tabs and form feeds for gaps too.
    return list(filter(None, text.translate(_GAPS_TO_SPACES).split(b" ")))


_GAPS_TO_SPACES = bytes.maketrans(GAPS, b" " * len(GAPS))


def _names(word: bytes, expand_set: ExpandSet) -> Sequence[bytes]:
    """Return the names that one word stands for."""
    local = _LOCAL.fullmatch(word)
    if local:
        return [LOCAL] * _count(word, local[1])
    count = 1
    base = word
    counted = _COUNTED.fullmatch(word)
    if counted:
        base, count = counted[1], _count(word, counted[2])
        if not base or _LOCAL.fullmatch(base):
            raise NodeWordError(b"'%b': expected the name of a node before the *", word)
    names = _base_names(base, expand_set)
    if len(names) * count > MAX_NODES:
        raise NodeWordError(b"'%b' means more than %d nodes", word, MAX_NODES)
    for name in names:
        if name.startswith(b"-"):
            raise NodeWordError(b"node '%b' begins with a hyphen", name)
        if b"\0" in name:  # no program can be given such an argument
            raise NodeWordError(b"node '%b' contains a NUL", name)
    return [name for name in names for _ in range(count)]


def _base_names(word: bytes, expand_set: ExpandSet) -> Sequence[bytes]:
    """Return the names of a word without its count."""
    if word.startswith(b"%"):
        names = expand_set(word[1:])
        if not names:
            hint = b" (is the group known?)" if b"@" in word else b""
            raise NodeWordError(b"'%b': the nodeset is empty" + hint, word)
        return names
    address = _ADDRESS.fullmatch(word)
    return [address[1] + address[2] if address else word]


def _count(word: bytes, digits: bytes) -> int:
    digits = digits.lstrip(b"0")
    # The length first: int() refuses very long numbers.
    if not digits or len(digits) > len(str(MAX_NODES)) or int(digits) > MAX_NODES:
        raise NodeWordError(b"'%b': expected a count from 1 to %d", word, MAX_NODES)
    return int(digits)
