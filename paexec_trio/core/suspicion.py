"""Diagnostics about nodes that cannot be trusted, or that never work.

A node that writes outside of a task is *out of step* (RES-030): from then on its results cannot be
matched to tasks. A node that dies again and again without ending a task is reported at growing
intervals (RST-031).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from paexec_trio.core.framing import NEWLINE
from paexec_trio.core.visible import diagnostic

if TYPE_CHECKING:
    from paexec_trio.core.nodes import Node

_OF_SHELLS = {126: b" (cannot be executed)", 127: b" (command not found)"}
"""The meaning of exit statuses of a shell."""

FIRST_REPORT = 3
"""Processes of a node that die in a row without having ended a task before the first report."""


def out_of_step(node: Node, octets: bytes) -> bytes:
    """Return the diagnostic for octets that came while a node held no task."""
    return diagnostic(
        b"node %b wrote outside of a task: '%b'; its results can no longer be matched to tasks "
        b"(often a login shell prints a greeting)",
        node.name,
        octets,
    )


def shifted(node: Node, octets: bytes) -> bytes:
    """Return the diagnostic for a result that came when all were there."""
    return diagnostic(
        b"node %b wrote an extra end-of-task marker: '%b'; its results may belong to other tasks "
        b"(often a login shell prints a greeting)",
        node.name,
        octets,
    )


def discarded(node: Node, octets: bytes) -> bytes:
    """Return the diagnostic for other octets outside of a task."""
    return diagnostic(b"node %b wrote outside of a task; discarded: '%b'", node.name, octets)


def ends_result(node: Node, octets: bytes, eot: bytes) -> bool:
    """Return whether an EOT line is among what a node wrote outside of its tasks (RES-033).

    Args:
        node: keeps the last octets that it wrote.
        octets: the next ones; the first of all begin a line.
        eot: the end-of-task marker, without newline.
    """
    line = NEWLINE + eot + NEWLINE
    octets = node.stray_end + octets
    node.stray_end = octets[-(len(line) - 1) :]
    return line in octets


def should_report(fruitless: int) -> bool:
    """Return whether to report a node after ``fruitless`` vain lives: 3, 6, 12, and so on."""
    times, rest = divmod(fruitless, FIRST_REPORT)
    return not rest and times.bit_count() == 1


def in_vain(node: Node, last: bytes, seconds: float) -> bytes:
    """Return the diagnostic for a node that has died several times without having ended a task.

    Args:
        node: the node.
        last: how it ended the last time.
        seconds: the time to the next restart.
    """
    return diagnostic(
        b"node %b has failed %d times in a row without ending a task, last: %b; "
        b"next restart in %g s",
        node.name,
        node.record.fruitless,
        last,
        seconds,
    )


def end_of(status: int | None) -> bytes:
    """Return how a process ended, for people.

    Args:
        status: as ``NodeReaped`` has it.
    """
    if status is None:
        return b"unknown status"
    if status < 0:
        return b"signal %d" % -status
    return b"exit status %d" % status + _OF_SHELLS.get(status, b"")
