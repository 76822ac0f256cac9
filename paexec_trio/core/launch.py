"""The command line that starts a calculator (the chapter Launching of the spec)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple, final

from paexec_trio.core import execshell
from paexec_trio.core.calculators import Calculator, CommandPerTask
from paexec_trio.core.nodenames import LocalNode
from paexec_trio.core.words import quote

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from paexec_trio.core.wrapper import Wrapper

_LONGEST_ARGUMENT = (1 << 17) - 1
"""The octets of one argument that Linux takes at most."""

_MANY = 20
"""The number of words from which on they are decoded on the node together, not one by one."""

_BARE = re.compile(rb"[A-Za-z0-9_./:,-]+")
"""A word that no shell changes, quoted or not."""

_NAME = re.compile(rb"[A-Za-z_][A-Za-z0-9_]*")

# What a shell reads between single quotes as something else: a POSIX shell the quote only, fish a
# backslash as well, and tcsh an exclamation mark. After a backslash all read them alike.
_SPECIAL_IN_QUOTES = re.compile(rb"['\\!]+")

# No form of a newline is the same for all of them, so it travels as \n. The format's dot keeps
# newlines at the end of a word from the command substitution, which would drop them.
_DECODER = b'for w do w=$(printf %b. "$w"); shift; set -- "$@" "${w%.}"; done; exec "$@"'

# For programs whose name is an option or an assignment for env.
_RUN_ARGUMENTS = b'"$0" "$@"'


@final
class Launch(NamedTuple):
    """How calculators are started.

    Attributes:
        command: the calculator that is given the tasks, or the command that is run per task.
        transport: the words of the transport; empty to run calculators on this machine.
        fills_in: whether the name of the node takes the place of each ``%n`` in these words, and
            is no word of its own (HST-031).
        shell: the shell that runs the text of the command on the node (LCH-001).
        variables: added to the environment that the calculator inherits: ``PAEXEC_EOT`` and the
            variables of ``PAEXEC_ENV`` (EOT-009, LCH-011).
        wrapper: greets and beats for the calculator; ``None``: nobody does.
        node_words: words that the transport is given for each node, behind its own.
        tells_node: whether each calculator finds its node in its environment (HST-040).
    """

    command: Calculator | CommandPerTask
    transport: tuple[bytes, ...] = ()
    shell: bytes = b"/bin/sh"
    variables: Mapping[bytes, bytes] = {}
    fills_in: bool = False
    tells_node: bool = False
    wrapper: Wrapper | None = None
    node_words: Mapping[bytes, tuple[bytes, ...]] = {}

    def is_local(self, node: bytes) -> bool:
        """Return whether the calculator of a node is started without the transport (HST-003)."""
        return not self.transport or isinstance(node, LocalNode)

    def argv(self, node: bytes, index: int = 0) -> list[bytes]:
        """Return the argument vector that starts the calculator of a node (LCH-021)."""
        if self.is_local(node):
            return self._wrapped(self._calculator())
        line = self._command_line(node, index)
        added = self.node_words.get(node, ())
        if self.fills_in:
            program, *words = [word.replace(b"%n", node) for word in self.transport]
            return [program, *added, *words, line]
        return [*self.transport, *added, node, line]

    def _wrapped(self, words: list[bytes]) -> list[bytes]:
        return self.wrapper.wrap(words) if self.wrapper else words

    def environment(
        self, inherited: Iterable[tuple[bytes, bytes]], node: bytes = b"", index: int = 0
    ) -> list[tuple[bytes, bytes]]:
        """Return the environment of the process that is started on this machine (LCH-010)."""
        if not self.is_local(node):
            return list(inherited)  # the command line sets the variables, on the node
        variables = self.variables_of(node, index)
        kept = [entry for entry in inherited if entry[0] not in variables]
        entries = [*kept, *variables.items()]
        per_task = isinstance(self.command, CommandPerTask)
        return execshell.environment(entries) if per_task else entries

    def variables_of(self, node: bytes, index: int) -> Mapping[bytes, bytes]:
        """Return the variables that are added to the environment of the calculator of a node."""
        if not self.tells_node:
            return self.variables
        return {**self.variables, b"PAEXEC_NODE": bytes(node), b"PAEXEC_NODEID": b"%d" % index}

    def _calculator(self) -> list[bytes]:
        if isinstance(self.command, CommandPerTask):
            return [self.shell, b"-s"]  # it reads the command, and then the tasks
        command = self.command.command
        return [self.shell, b"-c", command] if isinstance(command, bytes) else list(command)

    def _command_line(self, node: bytes, index: int) -> bytes:
        """Return the text that any login shell of the node understands alike (LCH-030)."""
        variables = dict(self.variables_of(node, index))
        calculator = self._calculator()
        if isinstance(self.command, CommandPerTask):
            variables |= execshell.VARIABLES
            calculator = [b"sh", b"-c", execshell.REMOTE_LAUNCHER, self.shell]
        if calculator[0].startswith(b"-") or b"=" in calculator[0]:
            calculator = [b"/bin/sh", b"-c", _RUN_ARGUMENTS, *calculator]
        assignments = [name + b"=" + value for name, value in variables.items()]
        words = self._wrapped([b"env", *assignments, *calculator])
        line = one_line(words)
        if len(line) > _LONGEST_ARGUMENT:
            return _for_posix_shells(words)  # shorter
        return line


def one_line(words: list[bytes]) -> bytes:
    """Return text without newlines that any shell runs as these words."""
    return b" ".join(map(_for_any_shell, _without_newlines(words)))


def _without_newlines(words: list[bytes]) -> list[bytes]:
    """Return words without newlines that make a POSIX shell execute the given words."""
    if not any(b"\n" in word for word in words):
        return words
    if len(words) > _MANY:
        words = [b"/bin/sh", b"-c", b"exec " + _for_posix_shells(words)]
    encoded = [word.replace(b"\\", b"\\\\").replace(b"\n", b"\\n") for word in words]
    return [b"/bin/sh", b"-c", _DECODER, b"/bin/sh", *encoded]


def _for_posix_shells(words: list[bytes]) -> bytes:
    return b" ".join(word if _BARE.fullmatch(word) else quote(word) for word in words)


def _for_any_shell(word: bytes) -> bytes:
    """Quote a word without newlines so that POSIX shells, fish and tcsh read it alike."""
    if _BARE.fullmatch(word):
        return word
    name, equals, value = word.partition(b"=")
    if equals and _NAME.fullmatch(name):
        return name + b"=" + _quoted(value)
    return _quoted(word)


def _quoted(text: bytes) -> bytes:
    return b"'" + _SPECIAL_IN_QUOTES.sub(_outside_quotes, text) + b"'"


def _outside_quotes(match: re.Match[bytes]) -> bytes:
    return b"'" + b"".join(b"\\%c" % octet for octet in match[0]) + b"'"
