"""Diagnostics: one line each, on standard error. Loads nothing: the CLI uses it early."""

from __future__ import annotations

import os


def write_diagnostic(fd: int, text: bytes) -> None:
    r"""Write one line; newlines within the text, from names or values, are shown as ``\n``.

    A failure is not reported: there is nobody left to tell.
    """
    rest = memoryview(text.replace(b"\n", b"\\n") + b"\n")
    try:
        while rest:
            rest = rest[os.write(fd, rest) :]
    except OSError:
        return
