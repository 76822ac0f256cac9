"""Standard error of a run that prints what its calculators write on theirs."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from paexec_trio.core.commands import (
    Command,
    HoldErrors,
    JoinErrors,
    PrintErrors,
    ReleaseErrors,
)
from paexec_trio.core.events import HoldingFailed
from paexec_trio.core.visible import visible
from paexec_trio.runtime.holding import HeldOutput
from paexec_trio.runtime.output import CONGESTED_ABOVE
from paexec_trio.runtime.spillfile import SpillError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from typing import Any

    from paexec_trio.core.rendering import LazyLines
    from paexec_trio.runtime.output import Diagnostics
    from paexec_trio.runtime.poller import Poller

_DUE = 0
"""The group of what is to be printed as soon as there is room; other groups have ids of tasks."""


@final
class ErrorRelay:
    """Prints diagnostics and what calculators write on their standard error, each line whole.

    A slow reader keeps no calculator waiting. What it has not taken yet goes to a temporary file if
    it is much, so memory is bounded.

    Args:
        diagnostics: writes to standard error.
        poller: is told if the temporary file fails.
        spill_directory: where that file is made.
    """

    def __init__(self, diagnostics: Diagnostics, poller: Poller, spill_directory: bytes) -> None:
        self._diagnostics = diagnostics
        self._poller = poller
        self._held: HeldOutput[int] = HeldOutput(spill_directory)
        diagnostics.on_room = self._print_due

    def executors(self) -> dict[type[Command], Callable[[Any], None]]:
        """Return the function that carries out each class of commands."""
        return {
            PrintErrors: lambda command: self.print(command.data),
            HoldErrors: lambda command: self.hold(command.group, command.data),
            JoinErrors: lambda command: self.join(command.group, command.other),
            ReleaseErrors: lambda command: self.release(command.group),
        }

    def report(self, text: bytes) -> None:
        """Print a diagnostic, behind the output so far and what is printed already."""
        self.print(visible(text) + b"\n")

    def print(self, data: bytes | LazyLines) -> None:
        """Print octets, behind what is printed already."""
        self.hold(_DUE, data)
        self._print_due()

    def hold(self, group: int, data: bytes | LazyLines) -> None:
        """Append to the group's held octets."""
        try:
            self._held.hold(group, data)
        except SpillError as error:
            self._poller.emit(HoldingFailed(error.reason))

    def join(self, group: int, other: int) -> None:
        """Move the held octets of ``other`` to the end of those of ``group``."""
        try:
            self._held.join(group, other)
        except SpillError as error:
            self._poller.emit(HoldingFailed(error.reason))

    def release(self, group: int) -> None:
        """Print the group's held octets."""
        self.join(_DUE, group)
        self._print_due()

    def _print_due(self) -> None:
        """Pass on what is due, as far as the reader takes it.

        The rest stays in its group: only groups go to the file.
        """
        try:
            while self._diagnostics.size <= CONGESTED_ABOVE:
                data = self._held.take()
                if not data:
                    self._held.release(_DUE)
                    data = self._held.take()
                if not data:
                    return
                self._diagnostics.write(data)
        except SpillError as error:
            self._poller.emit(HoldingFailed(error.reason))

    def write_rest(self, patience: float) -> Generator[float, None, None]:
        """Write all that is left as long as somebody reads it (END-049).

        Args:
            patience: seconds in which nobody takes any of it until it is given up.

        Yields:
            How long to wait for the poller.
        """
        for group in sorted(self._held.groups()):
            self.join(_DUE, group)
        while True:
            self._print_due()
            if not self._diagnostics.size:
                return
            yield from self._diagnostics.write_rest(patience)
            if self._diagnostics.size:
                return

    def close(self) -> None:
        """Delete the temporary file."""
        self._held.close()
