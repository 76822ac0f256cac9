"""Inheritance from this process's parent, and by its children.

The interpreter changes two things when it starts: it may put ``LC_CTYPE`` into the environment, and
it ignores ``SIGPIPE`` and ``SIGXFSZ``. Neither change must reach a calculator or a transport
(LCH-031, LCH-033). So the programs find out here what they were started with. A Python program that
calls ``paexec_trio.run`` owns its process: its calculators inherit the state that it has then.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterable

Variables = list[tuple[bytes, bytes]]
"""Names and values of an environment in their order; a name can occur twice."""

_IGNORED_BY_PYTHON = (signal.SIGPIPE, signal.SIGXFSZ)

_COERCED = (b"C.UTF-8", b"C.utf8", b"UTF-8")
"""The values that locale coercion gives ``LC_CTYPE`` (PEP 538)."""

_ignored_at_start: set[int] = set()


def environment() -> Variables:
    """Return the environment that this process was started with, octet for octet.

    Entries without a name or without ``=`` are left out: Python cannot pass them on.
    """
    try:
        with open("/proc/self/environ", "rb") as file:  # noqa: PTH123 (pathlib is slow to load)
            return parse_block(file.read())
    except OSError:  # no /proc
        return without_coercion(os.environb.items(), in_utf8_mode=bool(sys.flags.utf8_mode))


def parse_block(block: bytes) -> Variables:
    """Return the variables of an environment block as the system keeps it."""
    entries = (entry.partition(b"=") for entry in block.split(b"\0"))
    return [(name, value) for name, equals, value in entries if name and equals]


def without_coercion(inherited: Iterable[tuple[bytes, bytes]], *, in_utf8_mode: bool) -> Variables:
    """Return the variables without the ``LC_CTYPE`` that the interpreter seems to have added.

    If the user has set the same value, and the interpreter was told to use UTF-8, nothing tells the
    two apart; then the variable is left out, too.

    Args:
        inherited: the variables as the interpreter left them.
        in_utf8_mode: whether the interpreter is in UTF-8 mode, as it is after a coercion.
    """
    variables = dict(inherited)
    is_coerced = (
        in_utf8_mode
        and variables.get(b"LC_CTYPE") in _COERCED
        and not variables.get(b"LC_ALL")
        and variables.get(b"LANG", b"") in (b"", b"C", b"POSIX")
    )
    if is_coerced:
        del variables[b"LC_CTYPE"]
    return list(variables.items())


def started_with(*, ignored: Iterable[int]) -> None:
    """Note which signals were ignored when the program was started, before Python was.

    Without this call ``SIGPIPE`` and ``SIGXFSZ`` are taken for not ignored.

    Args:
        ignored: the numbers of these signals.
    """
    _ignored_at_start.clear()
    _ignored_at_start.update(ignored)


def signals_to_reset() -> list[int]:
    """Return the signals that get their default action in a process that is started (LCH-033).

    All others have the action that they have here, except that no handler outlives the start.
    """
    changed = [number for number in _IGNORED_BY_PYTHON if number not in _ignored_at_start]
    # Some parents ignore it, and many programs then cannot wait for their children.
    return [signal.SIGCHLD, *changed]
