"""The program ``patop-trio``: looks at runs of ``paexec-trio``."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from paexec_trio.cli.errors import UsageError
from paexec_trio.cli.startup import (
    prepare_signals,
    prepare_standard_descriptors,
    print_help_or_version,
    program_name,
)
from paexec_trio.cli.syntax import HELP, VERSION, HelpRequested, Syntax
from paexec_trio.core.visible import diagnostic
from paexec_trio.runtime.diagnostics import reason_of, write_diagnostic, write_patiently

if TYPE_CHECKING:
    from collections.abc import Sequence

    from paexec_trio.core.joblog import LogEntry

SYNTAX = Syntax(
    summary="shows runs of paexec-trio",
    usage=("report JOBLOG > FILE.html", "trace JOBLOG > FILE.json"),
    options=(HELP, VERSION),
    variables=(),
    free="file",
)


def main() -> int:
    """Run the program and return its exit status."""
    prepare_signals()
    prepare_standard_descriptors()
    program = program_name("patop-trio")
    try:
        _, words = SYNTAX.split(sys.argv[1:])
        what, path = _interpret(words)
    except HelpRequested as wanted:
        return print_help_or_version(program, SYNTAX, wanted.option)
    except UsageError as error:
        return _fail(program, error.message)
    try:
        octets = Path(os.fsdecode(path)).read_bytes()
    except OSError as error:
        return _fail(program, diagnostic(b"reading '%b' failed: %b", path, reason_of(error)))
    from paexec_trio.core.joblog import BadLogError
    from paexec_trio.history.logentries import entries_of

    try:
        entries = entries_of(octets)
    except BadLogError as error:
        text = b"line %d of '%b' is not one of a job log"
        return _fail(program, diagnostic(text, error.number, path))
    text = _report(path, entries) if what == b"report" else _trace(entries)
    try:
        write_patiently(1, text)
    except OSError as error:
        return _fail(program, b"writing to standard output failed: " + reason_of(error))
    return 0


def _interpret(words: Sequence[bytes]) -> tuple[bytes, bytes]:
    """Return what is wanted, and the name of a job log."""
    if not words:
        raise UsageError(b"expected report or trace; -h shows how")
    what, *files = words
    if what not in {b"report", b"trace"}:
        raise UsageError(b"expected report or trace, not '%b'; -h shows how", what)
    if len(files) != 1:
        raise UsageError(b"expected one job log after %b", what)
    return what, files[0]


def _fail(program: str, text: bytes) -> int:
    write_diagnostic(2, os.fsencode(program) + b": " + text)
    return 1


def _report(path: bytes, entries: Sequence[LogEntry]) -> bytes:
    from paexec_trio.history.page import page
    from paexec_trio.history.slices import slices_of_log
    from paexec_trio.history.story import Story
    from paexec_trio.history.trace import shown

    nodes, slices = slices_of_log(entries)
    story = Story(nodes)
    story.add(slices)
    story.end()
    return page(shown(path), story).encode()


def _trace(entries: Sequence[LogEntry]) -> bytes:
    from paexec_trio.history.slices import slices_of_log
    from paexec_trio.history.trace import TraceWriter

    nodes, slices = slices_of_log(entries)
    writer = TraceWriter(b"paexec-trio")
    return writer.lines(nodes, slices) + writer.end()
