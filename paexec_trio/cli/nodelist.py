"""The value of ``-n``: which nodes there are (the chapter Nodes of the spec)."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from paexec_trio.cli.errors import UsageError
from paexec_trio.core.nodenames import MAX_NODES
from paexec_trio.core.visible import diagnostic

if TYPE_CHECKING:
    from collections.abc import Sequence

    from paexec_trio.runtime.hostfile import Hostfile

_FIRST_OCTETS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_/"
_GAPS = b" \t\r\n"
_GAPS_TO_SPACES = bytes.maketrans(_GAPS, b" " * len(_GAPS))
_SPECIAL = b"*%[+"
"""A list without these octets has one node per word."""


class NodeList(NamedTuple):
    """The nodes of a run.

    Attributes:
        names: the names, or the indices in decimal.
        counted: whether they were given as a number, which drops the transport (NOD-002).
        hostfile: the file that names them, which may change while the run goes on.
    """

    names: tuple[bytes, ...]
    counted: bool
    hostfile: Hostfile | None = None


def parse_nodes(value: bytes, option: bytes = b"-n") -> NodeList:
    """Read the value of ``-n`` or ``PAEXEC_NODES``.

    Args:
        value: what to read.
        option: what diagnostics call the option.

    Raises:
        UsageError: NOD-008, NOD-009.
    """
    try:
        return _nodes(value)
    except _InvalidError as error:
        raise UsageError(b"invalid argument for option %b: " % option + error.reason) from None


class _InvalidError(Exception):
    """The value means no nodes; the octets say why."""

    def __init__(self, template: bytes, *foreign: bytes) -> None:
        self.reason = diagnostic(template, *foreign)
        super().__init__(self.reason)


def _nodes(value: bytes) -> NodeList:
    # Not split() alone, which takes vertical tabs and form feeds for gaps too.
    words = tuple(filter(None, value.translate(_GAPS_TO_SPACES).split(b" ")))
    if value.startswith(b"+") and len(words) == 1:
        return NodeList(_count(value), counted=True)
    if value.startswith(b":"):
        names = _read_file(value[1:])
    elif value.translate(None, _SPECIAL) == value:
        names = words
        if not names or names[0][0] not in _FIRST_OCTETS:
            raise _InvalidError(b"'%b'", value)
    else:
        names = _expanded(value, words)
    for name in names:
        if name.startswith(b"-"):
            raise _InvalidError(b"node '%b' begins with a hyphen", name)
        if b"\0" in name:  # no program can be given such an argument
            raise _InvalidError(b"node '%b' contains a NUL", name)
    return NodeList(names, counted=False)


def _expanded(value: bytes, words: Sequence[bytes]) -> tuple[bytes, ...]:
    """Return the names in a list that may have words for several nodes (the chapter Hosts)."""
    from paexec_trio.core.nodenames import NodeWordError
    from paexec_trio.core.nodewords import begins_list, expand

    if words[0][0] not in _FIRST_OCTETS and not begins_list(words[0]):
        raise _InvalidError(b"'%b'", value)
    try:
        return tuple(expand(words, _expand_set))
    except NodeWordError as error:
        raise _InvalidError(error.reason) from None


def _expand_set(text: bytes) -> Sequence[bytes]:
    from paexec_trio.runtime.nodesets import expand_set

    return expand_set(text)


def _count(value: bytes) -> tuple[bytes, ...]:
    digits = value[1:]
    # isdigit() first: int() takes blanks and underscores too, and refuses very long numbers.
    if not digits.isdigit() or len(digits.lstrip(b"0")) > len(str(MAX_NODES)):
        raise _InvalidError(b"'%b'", value)
    count = int(digits.lstrip(b"0") or b"0")
    if not 1 <= count <= MAX_NODES:
        raise _InvalidError(b"'%b'", value)
    return tuple(b"%d" % index for index in range(count))


def _read_file(path: bytes) -> tuple[bytes, ...]:
    try:
        with open(path, "rb") as file:  # noqa: PTH123 (a path of octets)
            lines = [line.strip(_GAPS) for line in file.read().split(b"\n")]
    except (OSError, ValueError) as error:
        raise UsageError(
            b"Cannot obtain a list of nodes from '%b': %b", path, _reason(error)
        ) from None
    names = tuple(line for line in lines if line and not line.startswith(b"#"))
    if not names:
        raise _InvalidError(b"':%b'", path)
    return names


def _reason(error: OSError | ValueError) -> bytes:
    reason = error.strerror if isinstance(error, OSError) else str(error)
    return os.fsencode(reason or "")
