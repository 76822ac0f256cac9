"""The value of ``-n``: which nodes there are (the chapter Nodes of the spec)."""

from __future__ import annotations

import os
from typing import NamedTuple

from paexec_trio.cli.errors import UsageError

_MAX_DIGITS = 9
"""More nodes than this has digits cannot be meant, and would only fill the memory."""

_FIRST_OCTETS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_/"
_GAPS = b" \t\r\n"


class NodeList(NamedTuple):
    """The nodes of a run.

    Attributes:
        names: the names, or the indices in decimal.
        counted: whether they were given as a number, which drops the transport (NOD-002).
    """

    names: tuple[bytes, ...]
    counted: bool


def parse_nodes(value: bytes) -> NodeList:
    """Read the value of ``-n`` or ``PAEXEC_NODES``.

    Raises:
        UsageError: NOD-008, NOD-009.
    """
    if value.startswith(b"+"):
        return NodeList(_count(value), counted=True)
    if value.startswith(b":"):
        names = _read_file(value[1:])
    else:
        names = tuple(value.strip(_GAPS).replace(b"\r", b" ").split())
        if not names or value.lstrip(_GAPS)[0] not in _FIRST_OCTETS:
            raise _invalid(value)
    for name in names:
        if name.startswith(b"-"):
            raise UsageError(
                b"invalid argument for option -n: node '%b' begins with a hyphen" % name
            )
    return NodeList(names, counted=False)


def _count(value: bytes) -> tuple[bytes, ...]:
    digits = value[1:]
    # isdigit() of octets knows the ASCII digits only.
    if not digits.isdigit() or len(digits.lstrip(b"0")) > _MAX_DIGITS or not int(digits):
        raise _invalid(value)
    return tuple(b"%d" % index for index in range(int(digits)))


def _read_file(path: bytes) -> tuple[bytes, ...]:
    try:
        with open(path, "rb") as file:  # noqa: PTH123 (a path of octets)
            lines = [line.strip(_GAPS) for line in file.read().split(b"\n")]
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise UsageError(
            b"Cannot obtain a list of nodes from '%b': %b" % (path, os.fsencode(reason or ""))
        ) from None
    names = tuple(line for line in lines if line and not line.startswith(b"#"))
    if not names:
        raise _invalid(b":" + path)
    return names


def _invalid(value: bytes) -> UsageError:
    return UsageError(b"invalid argument for option -n: '%b'" % value)
