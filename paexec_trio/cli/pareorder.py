"""The program ``pareorder-trio``."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING, NamedTuple

from paexec_trio.cli.errors import UsageError, refuse_newline
from paexec_trio.cli.invocation import line_limit
from paexec_trio.cli.options import LINE_LIMIT
from paexec_trio.cli.startup import (
    prepare_signals,
    prepare_standard_descriptors,
    print_help_or_version,
    program_name,
    say_nothing_of_ignored_errors,
)
from paexec_trio.cli.syntax import HELP, VERSION, HelpRequested, Option, Syntax
from paexec_trio.runtime.diagnostics import write_diagnostic

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from paexec_trio.reorder.methods import Method

SYNTAX = Syntax(
    summary="puts the lines of each result of 'paexec -le' together",
    usage=("[OPTIONS] [file...]",),
    options=(
        HELP,
        VERSION,
        Option(
            "M",
            "method",
            (
                "how results are kept and ordered:",
                "m: in memory, in the order in which they end (the default);",
                "f: the same, with long ones in a temporary file;",
                "s: in the order of their tasks, as sort does it",
            ),
            details="""\
With ``m`` and ``f`` a result is printed as soon as it is complete, which shows the marker that
``paexec -e`` prints after it. Those without a marker are printed at the end of the input, in the
order of their tasks. The memory for ``m`` is that of the results that are not complete, for ``f``
and ``s`` it is limited.
""",
            choices=("m", "f", "s"),
        ),
        Option("l", "", ("keep the task's number in front of each line",)),
        Option("S", "", ("remove a space at the beginning of each line, if there is one",)),
        Option(
            "g",
            "",
            (
                "the input is output of 'paexec -gle': do not print results",
                "that end with 'fatal', the line for a node that died",
            ),
            details="""\
The task is done once more, on another node, and has another result. Not with ``-Ms``.
""",
        ),
        Option("y", "", ("the end-of-task marker is the magic line of 'paexec -y'",)),
        Option("x", "", ("the same as -y",)),
        Option(
            "m",
            "key=text",
            (
                "words of the protocol:",
                "t=EOT: set the end-of-task marker, by default empty;",
                "F=, f=: with -g, set the lines 'fatal' and 'failure';",
                "s=: accepted, without effect",
            ),
            details="Can be given several times, for several keys. With ``F=`` nothing is fatal.",
            choices=("t=", "F=", "f=", "s="),
        ),
        LINE_LIMIT._replace(
            details="The number of a task, and the space after it, do not count.",
        ),
    ),
    variables=(
        ("PAEXEC_EOT", "the end-of-task marker, the default for -mt=, -y and -x"),
        ("TMPDIR", "where temporary files are, by default /tmp"),
    ),
    free="file",
)


class Call(NamedTuple):
    """A parsed call.

    Attributes:
        files: names of files, ``-`` for standard input.
        eot: the text of EOT lines.
        method: ``m``, ``f`` or ``s``.
        keep_ids: print task ids.
        remove_blanks: remove a space at the beginning of each text.
        cut_fatal: do not print the results of nodes that died.
        failure: the text that means failure.
        fatal: the text that means fatal.
        directory: where temporary files are.
        line_limit: how many octets the text of a line may have.
    """

    files: Sequence[bytes]
    eot: bytes
    method: bytes
    keep_ids: bool
    remove_blanks: bool
    cut_fatal: bool
    failure: bytes
    fatal: bytes
    directory: bytes
    line_limit: int


def parse(arguments: Sequence[str], environment: Mapping[bytes, bytes]) -> Call:
    """Understand a call.

    Args:
        arguments: the argument vector after the name, as ``sys.argv`` has it.
        environment: as ``os.environb`` has it.

    Raises:
        UsageError: RDR-048 says when.
        HelpRequested: something is to be printed and nothing to be read.
    """
    options, files = SYNTAX.split(arguments)
    letters = {name for name, _ in options}
    # The last one wins (RDR-047).
    method = dict(options).get("-M", b"m")
    if method not in {b"m", b"f", b"s"}:
        raise UsageError(b"unknown method for -M: '%b'", method)
    words = _words(options)
    eot = words.get(b"t", environment.get(b"PAEXEC_EOT", b""))
    if b"\n" in eot:
        raise UsageError(b"the end-of-task marker must not contain a newline: '%b'", eot)
    return Call(
        files=files or [b"-"],
        eot=eot,
        method=method,
        keep_ids="-l" in letters,
        remove_blanks="-S" in letters,
        cut_fatal="-g" in letters,
        failure=words.get(b"f", b"failure"),
        fatal=words.get(b"F", b"fatal"),
        directory=environment.get(b"TMPDIR") or b"/tmp",
        line_limit=line_limit(dict(options)),
    )


def _words(options: Sequence[tuple[str, bytes]]) -> dict[bytes, bytes]:
    """Return the texts that ``-m``, ``-y`` and ``-x`` set, by the keys of ``-m``."""
    words: dict[bytes, bytes] = {}
    for name, value in options:
        if name in {"-y", "-x"}:
            from paexec_trio.core.settings import MAGIC_EOT

            words[b"t"] = MAGIC_EOT
        elif name == "-m":
            key, equals, text = value.partition(b"=")
            if not equals or key not in {b"s", b"f", b"F", b"t"}:
                raise UsageError(b"bad argument for -m: '%b'", value)
            refuse_newline(key, text)
            words[key] = text
    return words


def choose_method(call: Call) -> Method:
    """Make what reorders the results."""
    from paexec_trio.reorder import keeping, methods
    from paexec_trio.reorder.fatal import FatalResults
    from paexec_trio.reorder.printing import printer

    printed = printer(keep_ids=call.keep_ids, remove_blanks=call.remove_blanks)
    if call.method == b"s":
        return methods.ByTask(printed, keeping.ExternalSort(call.directory))
    fatal = FatalResults(call.failure, call.fatal) if call.cut_fatal else None
    if call.method == b"m":
        return methods.ByEnd(printed, keeping.InMemory(), fatal)
    holder = keeping.InFile(call.directory, fatal=fatal)
    return methods.ByEnd(printed, holder, fatal)


def main() -> int:
    """Run the program and return its exit status; it may also end by a signal."""
    prepare_signals()
    prepare_standard_descriptors()
    # Ends the program when nobody reads its output (RDR-045).
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    program = program_name("pareorder-trio")
    try:
        call = parse(sys.argv[1:], os.environb)
    except HelpRequested as wanted:
        return print_help_or_version(program, SYNTAX, wanted.option)
    except UsageError as error:
        write_diagnostic(2, os.fsencode(program) + b": " + error.message)
        return error.status
    return _reorder(program, call)


def _reorder(program: str, call: Call) -> int:
    from paexec_trio.reorder.filter import FilterError, run
    from paexec_trio.runtime.spillfile import SpillError

    say_nothing_of_ignored_errors()

    try:
        run(call.files, call.eot, choose_method(call), limit=call.line_limit)
    except FilterError as error:
        message = error.message
    except SpillError as error:
        message = error.reason
    except MemoryError:
        message = b"out of memory"
        if call.method == b"m":
            message += b"; -Mf and -Ms need little"
    except BrokenPipeError:  # although SIGPIPE is not ignored: it is blocked
        return 128 + signal.SIGPIPE
    else:
        return 0
    write_diagnostic(2, os.fsencode(program) + b": " + message)
    return 1
