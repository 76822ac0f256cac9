"""Diagnostics: one line each, on standard error. Imports little, because the CLI uses it early."""

from __future__ import annotations

import errno
import os
import select

from paexec_trio.core.visible import visible

_PATIENCE = 2.0
"""Seconds in which nobody takes any of a diagnostic until it is given up."""


def write_diagnostic(fd: int, text: bytes) -> None:
    """Write one line; newlines within the text, and whatever a terminal obeys, are shown (SEC-002).

    A failure is not reported: there is nobody left to tell.
    """
    try:
        write_patiently(fd, visible(text) + b"\n")
    except OSError:
        return


def write_patiently(fd: int, data: bytes) -> None:
    """Write to a standard descriptor, but not for ever if nobody reads it (END-049).

    Raises:
        OSError: nobody takes any of it for two seconds, or the descriptor fails.
    """
    room = select.poll()
    room.register(fd, select.POLLOUT)
    rest = memoryview(data)
    while rest:
        if not room.poll(_PATIENCE * 1000):
            raise TimeoutError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT))
        # As much as a pipe that has room takes without blocking.
        rest = rest[os.write(fd, rest[: select.PIPE_BUF]) :]


def reason_of(error: OSError) -> bytes:
    """Return the system's words for an error."""
    return os.fsencode(error.strerror or str(error))
