"""Diagnostics that name the program."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from paexec_trio.core.commands import Command, Report
from paexec_trio.core.visible import diagnostic

if TYPE_CHECKING:
    from collections.abc import Iterable


@final
class Reporter:
    """Appends diagnostics to the commands of the event.

    Args:
        program: the name in front of diagnostics.
        commands: the list that all parts of the engine share.
    """

    def __init__(self, program: bytes, commands: list[Command]) -> None:
        self._program = program
        self._commands = commands

    def text(self, template: bytes, *foreign: bytes | float) -> bytes:
        """Return a diagnostic with the name of the program in front."""
        return self._program + b": " + diagnostic(template, *foreign)

    def report(self, template: bytes, *foreign: bytes | float) -> None:
        """Report a diagnostic with the name of the program in front."""
        self._commands.append(Report(self.text(template, *foreign)))

    def report_bare(self, texts: Iterable[bytes]) -> None:
        """Report diagnostics without the name of the program: upstream's words have none."""
        self._commands.extend(map(Report, texts))
