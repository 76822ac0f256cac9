"""What is executed to start the calculator of a node (the chapter Launching of the spec)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, final

from paexec_trio.core import execshell
from paexec_trio.core.words import quote

if TYPE_CHECKING:
    from collections.abc import Mapping


@final
class Launch(NamedTuple):
    """How calculators are started.

    Attributes:
        command: the calculator, a command line for the shell; ``None`` if the shell itself is the
            calculator and reads commands from its standard input, as ``Settings.exec_mode`` needs.
        transport: the words of the transport; empty to run calculators on this machine.
        shell: the shell that runs the command on the node (LCH-001).
        variables: what the calculator's environment holds besides what it inherits:
            ``PAEXEC_EOT`` and the variables of ``PAEXEC_ENV`` (EOT-009, LCH-011).
    """

    command: bytes | None
    transport: tuple[bytes, ...] = ()
    shell: bytes = b"/bin/sh"
    variables: Mapping[bytes, bytes] = {}

    def argv(self, node: bytes) -> list[bytes]:
        """Return the argument vector that starts the calculator of a node (LCH-021)."""
        if self.transport:
            return [*self.transport, node, self._command_line()]
        if self.command is None:
            return [self.shell, b"-s"]
        return [self.shell, b"-c", self.command]

    def environment(self, inherited: Mapping[bytes, bytes]) -> dict[bytes, bytes]:
        """Return the environment of the process that is started on this machine (LCH-010)."""
        if self.transport:
            return dict(inherited)  # the command line sets them, on the node
        variables = {**inherited, **self.variables}
        return variables if self.command is not None else execshell.environment(variables)

    def _command_line(self) -> bytes:
        words = [b"env"]
        variables = {**self.variables, **(execshell.VARIABLES if self.command is None else {})}
        words += [quote(name + b"=" + value) for name, value in variables.items()]
        if self.command is None:
            words += [b"sh", b"-c", quote(execshell.REMOTE_LAUNCHER), quote(self.shell)]
        else:
            words += [quote(self.shell), b"-c", quote(self.command)]
        return b" ".join(words)
