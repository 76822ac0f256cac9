"""The command line of one of the programs: a table of its options, its parser and its help.

The manual pages and the completions of shells are made from the same table.
"""

from __future__ import annotations

import getopt
import os
from typing import TYPE_CHECKING, Literal, NamedTuple

from paexec_trio.cli.errors import UsageError
from paexec_trio.core.visible import excerpt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from paexec_trio.cli.sections import Section

HELP_COLUMN = 17


class Option(NamedTuple):
    """One option.

    Attributes:
        letter: its letter, or nothing if it has only a long name.
        value: what its value is called, or nothing if it takes none.
        help: what it does, a tuple of lines; the text before the first colon or semicolon is the
            summary that shells show.
        long: a long name for the same, or nothing.
        details: what the manual page says besides the help, in reStructuredText.
        choices: the values that a shell offers; one that ends with = is to be continued.
    """

    letter: str
    value: str
    help: tuple[str, ...]
    long: str = ""
    details: str = ""
    choices: tuple[str, ...] = ()

    @property
    def spellings(self) -> list[str]:
        """Its letter and its long name, as far as it has them, with hyphens."""
        names = [f"-{self.letter}"] if self.letter else []
        return [*names, f"--{self.long}"] if self.long else names

    @property
    def brief(self) -> str:
        """The beginning of the help, in one line."""
        return " ".join(self.help).partition(":")[0].partition(";")[0]

    @property
    def name(self) -> str:
        """Its letter with a hyphen if it has one, otherwise its long name with two."""
        return f"-{self.letter}" if self.letter else f"--{self.long}"


HELP = Option("h", "", ("give this help",), "help")
VERSION = Option("V", "", ("show version",), "version")


class HelpRequested(Exception):  # noqa: N818 (no error)
    """``-h``, ``--help``, ``-V`` or ``--version``: nothing is to be run."""

    def __init__(self, option: str) -> None:
        super().__init__(option)
        self.option = option


class Syntax(NamedTuple):
    """The command line of a program; makes its help and its parser.

    Attributes:
        summary: what the program does, in a few words.
        usage: the ways to call it, each without the program's name.
        options: its options, ``HELP`` and ``VERSION`` among them.
        signals: names of signals, each with its effect.
        variables: names of variables of the environment, each with what it is for.
        sections: of the help and the manual page; none: all options in one.
        free: what the free arguments are: ``command``, with its arguments, ``file`` or nothing.
    """

    summary: str
    usage: tuple[str, ...]
    options: tuple[Option, ...]
    variables: tuple[tuple[str, str], ...]
    signals: tuple[tuple[str, str], ...] = ()
    sections: tuple[Section, ...] = ()
    free: Literal["", "command", "file"] = ""

    def split(self, arguments: Sequence[str]) -> tuple[list[tuple[str, bytes]], list[bytes]]:
        """Split arguments into options and free arguments, by the rules of POSIX getopt (OPT-001).

        Long options may be shortened as far as they stay unambiguous.

        Returns:
            The name of each option, see ``Option.name``, with its value; and the free arguments.

        Raises:
            UsageError: an option is unknown, or has no value and needs one.
            HelpRequested: an option asks for the help or the version.
        """
        letters = "".join(
            option.letter + ":" * bool(option.value) for option in self.options if option.letter
        )
        long_names = [
            option.long + "=" * bool(option.value) for option in self.options if option.long
        ]
        try:
            parsed, free = getopt.getopt(list(arguments), letters, long_names)
        except getopt.GetoptError as error:
            raise UsageError(self._fault(error)) from None
        names = {f"--{option.long}": option.name for option in self.options}
        options = [(names.get(given, given), os.fsencode(value)) for given, value in parsed]
        for name, _ in options:
            if name in {HELP.name, VERSION.name}:
                raise HelpRequested(name)
        return options, [os.fsencode(argument) for argument in free]

    def by_section(self) -> list[tuple[str, list[Option]]]:
        """Return the title and the options of each section that has any."""
        if not self.sections:
            return [("OPTIONS", list(self.options))]
        options = {option.name: option for option in self.options}
        found = [
            (title, [options[name] for name in names if name in options])
            for title, names in self.sections
        ]
        return [(title, there) for title, there in found if there]

    def _fault(self, error: getopt.GetoptError) -> bytes:
        """Say what getopt found, in the words of the C library."""
        given = excerpt(os.fsencode(error.opt))
        if f"--{error.opt}" in error.msg:
            known = {option.long: option for option in self.options if option.long}
            if error.opt in known:
                needs_value = known[error.opt].value
                ending = b"requires an argument" if needs_value else b"doesn't allow an argument"
                return b"option '--%b' %b" % (given, ending)
            if any(name.startswith(error.opt) for name in known):
                return b"option '--%b' is ambiguous" % given
            return b"unrecognized option '--%b'" % given
        if any(option.letter == error.opt for option in self.options):
            return b"option requires an argument -- '%b'" % given
        return b"invalid option -- '%b'" % given

    def help_text(self, program: str) -> str:
        """Return the text of ``-h`` (OPT-010).

        Args:
            program: the name that the program was called by.
        """
        lines = [f"{program} -- {self.summary}"]
        for number, words in enumerate(self.usage):
            lines.append(f"{'       ' if number else 'usage: '}{program} {words}")
        for title, options in self.by_section():
            lines += ["", f"{title}:"]
            for option in options:
                lines += _help_of(option)
        if self.signals:
            lines += ["", "SIGNALS:"]
            lines += [f"  {name}: {effect}" for name, effect in self.signals]
        if self.variables:
            lines += ["", "ENVIRONMENT:"]
        lines += [f"  {names}: {purpose}" for names, purpose in self.variables]
        return "\n".join(lines) + "\n"


def _help_of(option: Option) -> list[str]:
    names = f"  -{option.letter}" if option.letter else f"      --{option.long}"
    if option.letter and option.long:
        names += f", --{option.long}"
    if option.value:
        names += f" <{option.value}>"
    first, *others = option.help
    lines = []
    if len(names) >= HELP_COLUMN:
        lines.append(names)
        names = ""
    lines.append(f"{names:{HELP_COLUMN}}{first}")
    return lines + [" " * HELP_COLUMN + line for line in others]
