"""``-x``: one command for each task (the chapter of that name in the spec).

The calculator is a shell that reads a program from its standard input. The program first defines a
function. Then, for each task, one line calls the function and another prints a marker. No command
can know the marker: the shell reads it only after the command has ended, and keeps it nowhere. As
part of a program a task needs no decoding on the node and can hold newlines, and its command is the
only process that it costs.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple, final

from paexec_trio.core.execshell import GIVE_BACK
from paexec_trio.core.framing import LINE_LIMIT, NEWLINE, ResultFramer
from paexec_trio.core.words import quote

if TYPE_CHECKING:
    from collections.abc import Sequence

# Variables and functions of the user's command live in the same shell: these names are ours. First
# of all comes what `execshell` has to say. The end of a result is a line of its own (see `call`):
# no command can know the marker.
_PREAMBLE = b"""\
%(give_back)b%(definition)b
_paexec_define() {
eval "_paexec_end() {
case \\$? in
0) $1 '
'\\$1;;
*) $1 '
'\\$1'-failed '\\$?'
'\\$1;;
esac
}"
}
_paexec_define "%(echo)b"
unset -f _paexec_define
"""

# Between double quotes. In bash an exported function of that name does not stand in for it.
_ECHO = b"${BASH_VERSINFO+builtin }echo"

# The command comes as a word, or one with an open quote would swallow the tasks. It is parsed a
# second time, for nothing: what closes the parenthesis around it does not close the brace. Shells
# that do not go on after an error of `eval` run the trap (EXE-011, EXE-056).
_ANY_COMMAND = b"""\
trap "%(echo)b '
%(marker)b-refused'" 0
_paexec_define() {
eval "_paexec_task() {
%(body)b
}" && eval "_paexec_end() (
{ $1
}
)"
}
_paexec_define %(quoted)b "%(echo)b" || exit
trap - 0"""

# A comment at the end of the command must not hide the parenthesis, so that has a line of its own;
# and two parentheses without a blank begin arithmetic.
_IN_SUBSHELL = b"( $1\n) %(redirections)b"

# Commands in the background may write when the command has ended. That is still its result, so a
# process collects it until nobody can write any more (EXE-028); the status goes round it. That
# takes two descriptors, which are not to be those that the command inherits (LCH-032).
_IN_BACKGROUND = b"""\
{ set -- \\$({ { ( $1
) </dev/null %(one)d>&- %(other)d>&-
$2 \\$? >&%(one)d; } | command cat >%(collected)b %(one)d>&- %(other)d>&-; } %(one)d>&1)
return \\${1:-1}; } %(other)d>&1"""

# An operator; it may also stand between quotes, where to take it for one costs nothing but time.
_BACKGROUND = re.compile(rb"(?<![<>&])&(?!&)")

# A program cannot change the state of the shell, and shells start it faster without a subshell:
# dash needs a third less time for a run of /bin/true. What is no program, such as a builtin, gets
# a subshell all the same.
_AS_PROGRAM = b"""\
case $(command -v %(program)b) in
*/*) _paexec_task() {
%(command)b %(redirections)b
};;
*) _paexec_task() {
( %(command)b
) %(redirections)b
};;
esac"""

_STATUS_DIGITS = 10
"""More than the exit status of a command has in any shell."""

# Words that some shell does not take for a program: with them begins another kind of command.
_RESERVED_WORDS = b"|".join(
    b"if then else elif fi do done case esac while until for in function select time coproc repeat"
    b" foreach end nocorrect noglob".split()
)

# Words without operators, assignments and substitutions; the first one is the program, and neither
# an option of `command` nor a reserved word.
_SIMPLE_COMMAND = re.compile(
    rb"""(?P<program> (?! '?- | (?: """
    + _RESERVED_WORDS
    + rb""" ) (?: [ ] | \Z ) ) ( [\w@%+:,./-]+ | '[^']+' ) )
         ( [ ]+ ( [\w@%+=:,./-] | '[^']*' | \$1 | "\$1" )+ )* """,
    re.VERBOSE | re.ASCII,
)


def command_with_task(text: bytes, replaced: bytes = b"") -> bytes:
    """Return the shell text that runs a command with the task, ``$1``, as an argument.

    Args:
        text: the value of ``-c``.
        replaced: the text that stands for the task (EXE-041); if empty, the task is added
            (EXE-005).
    """
    if not replaced:
        return text + b' "$1"'
    if all(line.strip()[:1] in {b"", b"#"} for line in text.split(NEWLINE)):
        return b":"  # between parentheses there has to be a command
    return text.replace(replaced, b"$1")


def arguments_with_task(arguments: Sequence[bytes], replaced: bytes = b"") -> bytes:
    """Do the same for free arguments (EXE-006, EXE-042, EXE-043)."""
    if not replaced:
        arguments = [*map(quote, arguments), b'"$1"']
    else:
        arguments = [
            b'"$1"' if argument == replaced else quote(argument.replace(replaced, b"$1"))
            for argument in arguments
        ]
    return b" ".join(arguments)


@final
class ExecMode(NamedTuple):
    """A :class:`~paexec_trio.core.calculators.CommandPerTask` as the engine needs it.

    Attributes:
        command: text for the shell, to which the task is known as ``$1``.
        discard_output: leave the command's output out of the results (EXE-025).
        spare_descriptors: two of 3 to 9 that the command does not inherit.
    """

    command: bytes
    discard_output: bool = False
    spare_descriptors: tuple[int, int] = (9, 8)


def preamble(mode: ExecMode, marker: bytes) -> bytes:
    """Return the text that the shell reads before the first task."""
    one, other = mode.spare_descriptors
    parts = {
        b"one": one,
        b"other": other,
        b"command": mode.command,
        b"quoted": quote(mode.command),
        b"marker": marker,
        b"echo": _ECHO,
        b"redirections": b"</dev/null >/dev/null" if mode.discard_output else b"</dev/null",
        b"collected": b"/dev/null" if mode.discard_output else b"&%d" % other,
    }
    simple = _SIMPLE_COMMAND.fullmatch(mode.command)
    if simple:
        definition = _AS_PROGRAM % {**parts, b"program": simple["program"]}
    else:
        background = _BACKGROUND.search(mode.command)
        body = (_IN_BACKGROUND if background else _IN_SUBSHELL) % parts
        definition = _ANY_COMMAND % {**parts, b"body": body}
    return _PREAMBLE % {b"give_back": GIVE_BACK, b"definition": definition, b"echo": _ECHO}


def call(task: bytes, marker: bytes) -> bytes:
    """Return the text with which the shell runs the command for a task (EXE-002, EXE-003).

    The shell reads the marker when the command has ended. The last word keeps it from ``$_``.
    """
    return b"_paexec_task %b\n_paexec_end %b .\n" % (quote(task), marker)


@final
class ExecFramer:
    """Cuts the output of the shell into results, as ``ResultFramer`` does (EXE-020 to EXE-025).

    Args:
        marker: the text that the shell prints after each command.
        discard_output: whether a result has no lines.
        success: the line to be added to the result of a command that succeeds, or nothing.
        failure: the line to be added to the result of a command that fails, or nothing.
        limit: how many octets a line may have.

    Attributes:
        blank_lines_before: the number of blank lines before the lines that ``feed`` has just
            returned. They are only counted, because there may be any number of them.
        added: how many octets of the last result, at its end, did not come from the command.
        exit_status: that of the command whose result has ended last, as the shell has it.
    """

    __slots__ = (
        "_blank_lines",
        "_discard_output",
        "_failure",
        "_failure_marker",
        "_frames",
        "_has_lines",
        "_last_octets",
        "_refusal",
        "_status",
        "_success",
        "added",
        "blank_lines_before",
        "exit_status",
    )

    def __init__(
        self,
        marker: bytes,
        *,
        discard_output: bool,
        success: bytes,
        failure: bytes,
        limit: int = LINE_LIMIT,
    ) -> None:
        # The exit status follows.
        self._failure_marker = marker + b"-failed "
        longest = len(self._failure_marker) + _STATUS_DIGITS + 1
        self._frames = ResultFramer(marker, max(limit, longest))
        # The shell prints this if it cannot parse the command; empty after the first result.
        self._refusal = NEWLINE + marker + b"-refused" + NEWLINE
        self._last_octets = b""
        self._discard_output = discard_output
        self._success = success
        self._failure = failure
        # Blank lines that came last: they belong to the result only if other lines follow.
        self._blank_lines = 0
        self.blank_lines_before = 0
        self.added = 0
        self._has_lines = False
        self._status = self.exit_status = 0

    def is_refusal(self, data: bytes) -> bool:
        """Return whether the shell reports with these octets that it cannot parse the command."""
        if not self._refusal:
            return False
        if self._refusal in data or self._refusal in self._last_octets + data[: len(self._refusal)]:
            return True
        self._last_octets = (self._last_octets + data[-len(self._refusal) :])[-len(self._refusal) :]
        return False

    def feed(self, data: bytes) -> tuple[bytearray | bytes, bytes, bytes | None]:
        """Add octets of the shell's output; return the same as ``ResultFramer``."""
        line, lines, rest = self._frames.feed(data)
        self.blank_lines_before = 0
        if line == NEWLINE or line.startswith(self._failure_marker):
            line, lines = b"", bytes(line) + lines
        if line:
            self._take_blank_lines()
        last = lines.rfind(NEWLINE, 0, -1) + 1
        if lines.startswith(self._failure_marker, last):
            self._status = int(lines[last + len(self._failure_marker) :])
            lines = lines[:last]
        if lines:
            lines = self._without_blank_end(lines)
        if rest is not None:
            lines += self._end()
        return line, lines, rest

    def _without_blank_end(self, lines: bytes) -> bytes:
        text = lines.rstrip(NEWLINE)
        if not text:
            self._blank_lines += len(lines)
            return b""
        self._take_blank_lines()
        self._blank_lines = len(lines) - len(text) - 1
        return text + NEWLINE

    def _take_blank_lines(self) -> None:
        """Other lines follow on the blank ones, so all of them belong to the result."""
        self.blank_lines_before += self._blank_lines
        self._blank_lines = 0
        self._has_lines = True

    def _end(self) -> bytes:
        """Return the last lines of a result, and be ready for the next one."""
        blank = b"" if self._has_lines or self._discard_output else NEWLINE
        status = self._failure if self._status else self._success
        self.exit_status = self._status
        self._refusal = b""
        self._blank_lines = 0
        self._has_lines = False
        self._status = 0
        self.added = len(blank) + len(status)
        return blank + status
