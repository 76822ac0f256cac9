"""Diagnostics: one line each, on standard error. Loads next to nothing: the CLI uses it early."""

from __future__ import annotations

import os

from paexec_trio.core.visible import visible


def write_diagnostic(fd: int, text: bytes) -> None:
    """Write one line; newlines within the text, and whatever a terminal obeys, are shown (SEC-002).

    A failure is not reported: there is nobody left to tell.
    """
    rest = memoryview(visible(text) + b"\n")
    try:
        while rest:
            rest = rest[os.write(fd, rest) :]
    except OSError:
        return
