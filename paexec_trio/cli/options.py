"""The one table of options: the parser and the help text are made from it."""

from __future__ import annotations

from typing import NamedTuple


class Option(NamedTuple):
    """One option.

    Attributes:
        letter: its letter.
        value: what its value is called, or nothing if it takes none.
        help: what it does, a tuple of lines.
        long: a long name for the same, or nothing.
    """

    letter: str
    value: str
    help: tuple[str, ...]
    long: str = ""


OPTIONS: tuple[Option, ...] = (
    Option("h", "", ("give this help",), "help"),
    Option("V", "", ("show version",), "version"),
    Option(
        "n",
        "nodes",
        (
            "+NUMBER: run NUMBER calculators on this machine;",
            ":FILE: the nodes are the lines of FILE;",
            "anything else: a list of nodes separated by blanks",
        ),
    ),
    Option("t", "transport", ("program that reaches a node, such as ssh",)),
    Option("c", "command", ("the calculator, a command line for the shell",)),
    Option("C", "", ("the free arguments are the calculator and its arguments",)),
    Option("0", "", ("tasks on standard input end with NUL instead of newline",)),
    Option("y", "", ("use a magic line as end-of-task marker",)),
    Option(
        "m",
        "key=text",
        (
            "t=EOT: set the end-of-task marker, by default empty;",
            "with -g: s=, f=: set the lines 'success' and 'failure';",
            "d=: set the octet between tasks, or none; w=: set 'weight:';",
            "F=: accepted, without effect yet",
        ),
    ),
    Option(
        "g",
        "",
        (
            "standard input is a graph: lines of one task, or of two, of",
            "which the first has to succeed before the second is started",
        ),
    ),
    Option("s", "", ("the same as -g",)),
    Option(
        "W",
        "number",
        (
            "-g, and heavier tasks first, by 0: their own weight; 1: the",
            "sum of their and their dependants' weights; 2: the largest",
        ),
    ),
    Option("r", "", ("prefix each line with its node, or its number from 0",)),
    Option("l", "", ("prefix each line with its task's number, from 1",)),
    Option("p", "", ("prefix each line with the id of the node's process",)),
    Option("e", "", ("print the end-of-task marker after each result",)),
    Option("E", "", ("the same as -e",)),
    Option("i", "", ("print each task when it is dispatched",)),
    Option("I", "", ("the same as -i",)),
    Option("d", "", ("debug: write every event and command to standard error",)),
)

_LATER = "xXJzZw"
"""Options of paexec 1.1.6 that this version does not have yet."""

HELP_COLUMN = 17


def short_options() -> str:
    """Return the options in the notation of getopt."""
    return "".join(option.letter + ":" * bool(option.value) for option in OPTIONS)


def long_options() -> dict[str, str]:
    """Return the short option for each long one, with its hyphens."""
    return {f"--{option.long}": f"-{option.letter}" for option in OPTIONS if option.long}


def takes_value(letter: str) -> bool:
    """Say whether a letter is an option that needs a value."""
    return any(option.letter == letter and option.value for option in OPTIONS)


def is_planned(letter: str) -> bool:
    """Say whether a letter is an option of paexec that is still missing here."""
    return letter in _LATER


def help_text(program: str) -> str:
    """Return the text of ``-h`` (OPT-010)."""
    lines = [
        f"{program} -- distributes tasks over CPUs or machines in a network",
        f"usage: {program} [OPTIONS] -n nodes -c command < tasks",
        f"       {program} [OPTIONS] -n nodes -C command [argument...] < tasks",
        "OPTIONS:",
    ]
    for option in OPTIONS:
        names = f"  -{option.letter}"
        if option.long:
            names += f", --{option.long}"
        if option.value:
            names += f" <{option.value}>"
        first, *others = option.help
        if len(names) >= HELP_COLUMN:
            lines.append(names)
            names = ""
        lines.append(f"{names:{HELP_COLUMN}}{first}")
        lines += [" " * HELP_COLUMN + line for line in others]
    lines += [
        "ENVIRONMENT:",
        "  PAEXEC_NODES, PAEXEC_TRANSPORT, PAEXEC_EOT: for want of -n, -t, -mt= or -y",
        "  PAEXEC_ENV: variables to pass to calculators, between blanks or commas",
        "  PAEXEC_SH: the shell that runs the command on the node, by default /bin/sh",
        "  PAEXEC_BUFSIZE: accepted and ignored",
    ]
    return "\n".join(lines) + "\n"
