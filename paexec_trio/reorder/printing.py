"""Format the lines of a block for printing."""

from __future__ import annotations

from collections.abc import Callable

Printer = Callable[[bytes, bytes], bytes]
"""Returns what is printed for a task and lines of it, which begin with its id and a space."""


def printer(*, keep_ids: bool, remove_blanks: bool) -> Printer:
    """Return what prints lines with or without task ids and leading blanks (RDR-010 to RDR-012)."""
    if keep_ids:
        return _without_blanks if remove_blanks else _as_they_are
    return _bare_without_blanks if remove_blanks else _bare


def _as_they_are(_task: bytes, lines: bytes) -> bytes:
    return lines


def _bare(task: bytes, lines: bytes) -> bytes:
    # A newline comes before each line but the first.
    return lines[len(task) + 1 :].replace(b"\n%b " % task, b"\n")


def _without_blanks(task: bytes, lines: bytes) -> bytes:
    return (b"\n" + lines).replace(b"\n%b  " % task, b"\n%b " % task)[1:]


def _bare_without_blanks(task: bytes, lines: bytes) -> bytes:
    return _bare(task, _without_blanks(task, lines))
