"""The options of the chapter Observing: their table and their values."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from paexec_trio.cli.errors import UsageError
from paexec_trio.cli.syntax import Option

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

VARIABLE = b"PAEXEC_PROGRESS"
"""The variable that stands for ``--progress`` on terminals (OBS-043)."""

NAMES = ("--progress", "--bar", "--eta")
"""The names of one option."""

SIGNALS = (
    ("SIGUSR1", "print on standard error what each node does, and what waits"),
    ("SIGUSR2", "start no more tasks; finish those that have begun; say what is left"),
)

OPTIONS: tuple[Option, ...] = (
    Option(
        "",
        "",
        (
            "show on standard error how many tasks are done, how many there",
            "are, when the end is expected, and the oldest running task;",
            "at the end the totals; PAEXEC_PROGRESS=auto: on terminals",
        ),
        "progress",
        details="""\
On a terminal it is one line that is repainted below all others; otherwise a line is printed once a
second. It says how many tasks are done, how many calculators work on one, with ``-g`` how many
tasks failed, and how many were done per second since the run began. The number of all tasks and the
time that is left come when the input was read to its end. Before that they are estimated if the
input is a file, from the part that was read. The last line begins with ``total:`` and has the
seconds of the run, too. It comes also if the run fails or is ended by a signal. Nothing of the
input is read ahead, and standard output stays as it is without the option.

While the line is painted, what calculators print on standard error is read and printed in whole
lines, so for them it is no terminal. A terminal whose ``TERM`` is ``dumb`` gets plain lines. No
colours are used.

With the option, or if standard error is a terminal, a hint names the usual causes if a calculator
seems to hang: it has written lines but for ten seconds no end-of-task marker, or has read its first
task ten seconds ago and written nothing. There is at most one hint per run, and none with ``-x``.
""",
    ),
    Option("", "", ("the same as --progress",), "bar"),
    Option("", "", ("the same as --progress",), "eta"),
)


def wants_progress(names: Collection[str], environment: Mapping[bytes, bytes]) -> bool:
    """Return whether a call asks for the progress.

    Args:
        names: the names of its options.
        environment: as ``os.environb`` has it.

    Raises:
        UsageError: the variable has another value.
    """
    if any(name in names for name in NAMES):
        return True
    value = environment.get(VARIABLE, b"")
    if value not in {b"", b"auto"}:
        raise UsageError(b"invalid value of %b: '%b'; expected auto", VARIABLE, value)
    return value == b"auto" and os.isatty(2)
