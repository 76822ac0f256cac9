"""The options of the chapter Silence: their table and their values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from paexec_trio.cli.accountingoptions import seconds_of
from paexec_trio.cli.errors import invalid
from paexec_trio.cli.syntax import Option
from paexec_trio.core.silence import NO_SILENCE

if TYPE_CHECKING:
    from collections.abc import Mapping

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
)


def silence_of(values: Mapping[str, bytes]) -> Silence:
    """Return how long nodes may be silent.

    Args:
        values: the values of the options, by their names.

    Raises:
        UsageError: a value is impossible (SIL-003).
    """
    value = values.get("--stuck")
    if value is None:
        return NO_SILENCE
    if value == b"auto":
        return NO_SILENCE._replace(learns=True)
    return NO_SILENCE._replace(stuck=_seconds("--stuck", value, b", or auto"))


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
