"""The value of ``-n``: which nodes there are (the chapter Nodes of the spec)."""

from __future__ import annotations

import os
from typing import NamedTuple

from paexec_trio.cli.errors import UsageError
from paexec_trio.core.visible import diagnostic

_MAX_NODES = 1 << 22
"""More processes than this a Linux system cannot have; names for them would fill the memory."""

_FIRST_OCTETS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_/"
_GAPS = b" \t\r\n"
_GAPS_TO_SPACES = bytes.maketrans(_GAPS, b" " * len(_GAPS))


class NodeList(NamedTuple):
    """The nodes of a run.

    Attributes:
        names: the names, or the indices in decimal.
        counted: whether they were given as a number, which drops the transport (NOD-002).
    """

    names: tuple[bytes, ...]
    counted: bool


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

    def __init__(self, template: bytes, foreign: bytes) -> None:
        self.reason = diagnostic(template, foreign)
        super().__init__(self.reason)


def _nodes(value: bytes) -> NodeList:
    if value.startswith(b"+"):
        return NodeList(_count(value), counted=True)
    if value.startswith(b":"):
        names = _read_file(value[1:])
    else:
        # Not split() alone, which takes vertical tabs and form feeds for gaps too.
        names = tuple(filter(None, value.translate(_GAPS_TO_SPACES).split(b" ")))
        if not names or value.lstrip(_GAPS)[0] not in _FIRST_OCTETS:
            raise _InvalidError(b"'%b'", value)
    for name in names:
        if name.startswith(b"-"):
            raise _InvalidError(b"node '%b' begins with a hyphen", name)
        if b"\0" in name:  # no program can be given such an argument
            raise _InvalidError(b"node '%b' contains a NUL", name)
    return NodeList(names, counted=False)


def _count(value: bytes) -> tuple[bytes, ...]:
    digits = value[1:]
    # isdigit() first: int() takes blanks and underscores too, and refuses very long numbers.
    if not digits.isdigit() or len(digits.lstrip(b"0")) > len(str(_MAX_NODES)):
        raise _InvalidError(b"'%b'", value)
    count = int(digits.lstrip(b"0") or b"0")
    if not 1 <= count <= _MAX_NODES:
        raise _InvalidError(b"'%b'", value)
    return tuple(b"%d" % index for index in range(count))


def _read_file(path: bytes) -> tuple[bytes, ...]:
    try:
        with open(path, "rb") as file:  # noqa: PTH123 (a path of octets)
            lines = [line.strip(_GAPS) for line in file.read().split(b"\n")]
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise UsageError(
            b"Cannot obtain a list of nodes from '%b': %b", path, os.fsencode(reason or "")
        ) from None
    names = tuple(line for line in lines if line and not line.startswith(b"#"))
    if not names:
        raise _InvalidError(b"':%b'", path)
    return names
