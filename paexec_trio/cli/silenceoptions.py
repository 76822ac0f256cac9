"""The options of the chapter Silence: their table and their values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from paexec_trio.cli.accountingoptions import seconds_of
from paexec_trio.cli.errors import invalid
from paexec_trio.cli.syntax import Option
from paexec_trio.core.silence import NO_SILENCE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from paexec_trio.core.silence import Silence

MOST_SECONDS = 1e9
"""The longest time that can be set, some thirty years (SIL-003)."""

OPTIONS: tuple[Option, ...] = (
    Option(
        "",
        "seconds",
        (
            "a node is dead if it holds a task and has written nothing",
            "for SECONDS; auto: find the limit during the run",
        ),
        "stuck",
        details="""\
The processes of the node receive SIGTERM and, 2 seconds later, SIGKILL. All else is as after any
death: with ``-z`` the task goes to another node, without it the run fails. Choose more than the
longest task takes, unless the calculator writes lines while it works. With ``auto`` the limit is
ten times the longest silence so far, at least 30 seconds, and there is none before three tasks have
ended. Each node that exceeds it doubles the 30 seconds. Fractions are allowed.
""",
        choices=("auto",),
    ),
    Option(
        "",
        "seconds",
        (
            "each node beats every SECONDS; one that misses three beats is",
            "dead, whatever its task takes; off: none does",
        ),
        "heartbeat",
        details="""\
A small shell script starts each calculator. It writes a line on standard error every SECONDS, which
the program reads and leaves out. So a link that is cut and a host that hangs are told from a task
that takes long, and calculators need no change. The processes of a dead node are ended as with
``--stuck``. On its host the script ends the calculator when the link is gone. The option implies
``--greeting``. With ``-t ssh`` and ``-z`` the default is 5 seconds. Fractions are allowed, but a
node has three beats' time to log in.
""",
        choices=("off",),
    ),
    Option(
        "",
        "",
        (
            "give a node no task before its calculator begins; show what",
            "its login shell prints on standard error",
        ),
        "greeting",
        details="""\
Otherwise the first lines of the first result are those that a login shell prints, and an empty one
among them shifts all later results. A host that cannot be reached costs no attempt and prints no
line ``fatal``.
""",
    ),
    Option(
        "",
        "",
        ("with -t ssh: add no options for lost links and silent hosts",),
        "no-ssh-defaults",
        details="""\
Otherwise ssh is given ``-o ServerAliveInterval=5 -o ServerAliveCountMax=3 -o ConnectTimeout=15``,
or those of ``--heartbeat``, unless the user has set them, in ``-t`` or in a file. ``-d`` shows what
is added.
""",
    ),
)


BY_DEFAULT = 5.0
"""The seconds between two beats with ``-t ssh`` and ``-z``, unless the user sets them (SIL-027)."""


def silence_of(values: Mapping[str, bytes], transport: Sequence[bytes]) -> Silence:
    """Return how long nodes may be silent.

    Args:
        values: the values of the options, by their names.
        transport: the words of the transport.

    Raises:
        UsageError: a value is impossible (SIL-004).
    """
    stuck = values.get("--stuck")
    heartbeat = values.get("--heartbeat")
    by_default = is_ssh(transport) and bool({"-z", "-Z"} & values.keys())
    seconds = BY_DEFAULT if by_default else 0.0
    if heartbeat == b"off":
        seconds = 0.0
    elif heartbeat is not None:
        seconds = _seconds("--heartbeat", heartbeat, b", or off")
    learns = stuck == b"auto"
    return NO_SILENCE._replace(
        stuck=0.0 if stuck is None or learns else _seconds("--stuck", stuck, b", or auto"),
        learns=learns,
        heartbeat=seconds,
        greeting="--greeting" in values,
    )


def is_ssh(transport: Sequence[bytes]) -> bool:
    """Return whether a transport is ssh, by the name of its program."""
    return bool(transport) and transport[0].rpartition(b"/")[2] == b"ssh"


def _seconds(option: str, value: bytes, others: bytes) -> float:
    """Return the seconds that an option sets; refuse 0.

    Args:
        option: its name.
        value: its value.
        others: which other values it takes, for the diagnostic.
    """
    expected = b"a number of seconds greater than 0" + others
    if not value.replace(b".", b"", 1).isdigit():
        raise invalid(option, value, expected)
    seconds = seconds_of(option, value)
    if not 0 < seconds <= MOST_SECONDS:
        raise invalid(option, value, expected)
    return seconds
