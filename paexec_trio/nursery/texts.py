"""The arguments of the API that stand for octets."""

from __future__ import annotations

import os

from paexec_trio.core.framing import NUL

Text = str | bytes | os.PathLike[str] | os.PathLike[bytes]
"""The types that stand for octets. A ``str`` or a path is encoded by :func:`os.fsencode`."""


def octets_of(name: str, value: Text) -> bytes:
    """Return the octets of a text.

    Args:
        name: the name of the argument, for the error.
        value: the text.

    Raises:
        TypeError: the value is neither ``str`` nor ``bytes`` nor a path.
        ValueError: the value cannot be encoded.
    """
    if isinstance(value, bytes):
        return value
    if not isinstance(value, str | os.PathLike):
        raise TypeError(f"{name}: expected str, bytes or a path, not {value!r}")
    try:
        return os.fsencode(value)
    except UnicodeEncodeError:
        raise ValueError(f"{name}: {value!r} cannot be encoded") from None


def argument_of(name: str, value: Text) -> bytes:
    """Return the octets of an argument of a program.

    Raises:
        TypeError: see :func:`octets_of`.
        ValueError: they contain a NUL, or the value cannot be encoded.
    """
    octets = octets_of(name, value)
    if NUL in octets:
        raise ValueError(f"{name}: {value!r} contains a NUL")
    return octets


def name_of(name: str, value: Text) -> bytes:
    """Return the octets of an argument that cannot be empty.

    Raises:
        TypeError: see :func:`octets_of`.
        ValueError: they are empty or contain a NUL, or the value cannot be encoded.
    """
    octets = argument_of(name, value)
    if not octets:
        raise ValueError(f"{name}: a text is empty")
    return octets
