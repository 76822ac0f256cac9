"""The program ``paargs-trio``: a distributor to be used as xargs is.

The chapter paargs of the spec says what it does in terms of the options of ``paexec-trio``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from paexec_trio.cli import observingoptions
from paexec_trio.cli import options as paexec
from paexec_trio.cli.invocation import Invocation, OptionNames, interpret
from paexec_trio.cli.logoptions import refuse_retries_of_graph
from paexec_trio.cli.main import distribute
from paexec_trio.cli.sections import PAARGS_SECTIONS
from paexec_trio.cli.syntax import HELP, VERSION, Option, Syntax

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_SAME = {option.letter: option for option in paexec.OPTIONS}

SYNTAX = Syntax(
    summary="runs a command for each line, on CPUs or machines in a network",
    usage=(
        "[OPTIONS] -P nodes command [argument...] < tasks",
        "[OPTIONS] -P nodes -c command < tasks",
    ),
    options=(
        HELP,
        VERSION,
        _SAME["n"]._replace(letter="P"),
        _SAME["t"],
        Option(
            "c",
            "command",
            ("the command, for the shell, instead of free arguments",),
            details="The task is its last argument.",
        ),
        _SAME["J"]._replace(
            letter="I",
            help=("XX (two octets) in the command, or an argument XX, stands", "for the task"),
            details="""\
The task is not added to the command then. Of the free arguments only one that is XX and nothing
else is replaced. With ``-c`` each XX becomes ``$1``, which the shell expands, but not between
single quotes: ``-I %% -c 'cp "%%" "%%.bak"'``.
""",
        ),
        _SAME["X"]._replace(help=("discard what the command prints",)),
        Option("f", "", ("accepted, without effect: output is always flushed",)),
        _SAME["0"],
        _SAME["z"],
        _SAME["Z"]._replace(
            help=("-z, restart dead nodes every SECONDS, and wait while all", "are dead"),
            details="Fractions are allowed; 0 is the same as ``-z``.",
        ),
        _SAME["m"]._replace(
            help=(
                "words: s=, f=: set the lines 'success' and 'failure';",
                "t=: set the line at the end of each task;",
                "d=: the input is a graph, with this octet between tasks;",
                "w=: set its 'weight:'; with -z: F=: set the line 'fatal'",
            ),
            details="""\
Can be given several times, for several keys. The input is read as a graph only with ``d=``; what a
graph is tells :manpage:`paexec-trio(1)`.
""",
        ),
        *(option for option in paexec.OPTIONS if not option.letter),
    ),
    variables=(
        ("PAEXEC_NODES, PAEXEC_TRANSPORT", "defaults for -P and -t"),
        ("PAEXEC_EXIT_STATUS", "default for --exit-status"),
        ("PAEXEC_ENGINES", "a file of further engines for -t"),
        ("PAEXEC_PROGRESS", "auto: --progress if standard error is a terminal"),
        ("PAEXEC_ENV", "variables to pass to commands, between blanks or commas"),
        ("PAEXEC_SH", "the shell that runs commands on the node, by default /bin/sh"),
        ("PAEXEC_BUFSIZE", "accepted and ignored"),
        ("TMPDIR", "spill directory of --group and --keep-order, by default /tmp"),
    ),
    signals=observingoptions.SIGNALS,
    sections=PAARGS_SECTIONS,
    free="command",
)

_IMPLIED = [("-C", b""), ("-x", b""), ("-l", b""), ("-e", b""), ("-g", b""), ("-m", b"d=")]
"""The options of paexec-trio that are always set (ARG-001)."""

_MEANINGS = {"-P": "-n", "-I": "-J", "-f": "-E"}
"""Options that paexec-trio has under another name (ARG-003)."""


def parse(program: str, arguments: Sequence[str], environment: Mapping[bytes, bytes]) -> Invocation:
    """Understand a call; arguments and errors are those of ``invocation.parse``."""
    given, free = SYNTAX.split(arguments)
    options = _IMPLIED + [(_MEANINGS.get(name, name), value) for name, value in given]
    invocation = interpret(program, options, free, environment, OptionNames(b"-P", b"-I"))
    settings = invocation.settings
    if settings.graph and not settings.graph.delimiter:  # ARG-020
        settings = settings._replace(graph=settings.graph._replace(every_line=True))
    if settings.on_death and settings.on_death.restart_after:  # ARG-033
        settings = settings._replace(on_death=settings.on_death._replace(wait=True))
    refuse_retries_of_graph(settings)
    return invocation._replace(settings=settings)


def main() -> int:
    """Run the program and return its exit status; it may also end by a signal (END-030)."""
    return distribute("paargs-trio", SYNTAX, parse)
