"""Throttling: some time passes between two attempts (ACC-080)."""

from __future__ import annotations

from typing import final

from paexec_trio.core.commands import Command, Deadline, Purpose, SetDeadline


@final
class Throttle:
    """Lets time pass between two attempts that begin.

    Args:
        delay: the seconds between them; 0: none.
        commands: the list that all parts of the engine share.

    Attributes:
        delays: whether any time is to pass.
        is_waiting: whether it has not passed yet.
    """

    def __init__(self, delay: float, commands: list[Command]) -> None:
        self._delay = delay
        self._commands = commands
        self.delays = delay > 0
        self.is_waiting = False

    def begun(self) -> None:
        """Record that an attempt begins."""
        self.is_waiting = True
        self._commands.append(SetDeadline(Deadline(Purpose.DELAY), self._delay))

    def time_passed(self) -> None:
        """Record that the next attempt may begin."""
        self.is_waiting = False
