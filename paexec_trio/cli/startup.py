"""The first steps of every program: name, signals, descriptors, help, version."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING

from paexec_trio import __version__
from paexec_trio.cli.syntax import VERSION
from paexec_trio.core.visible import visible
from paexec_trio.runtime.diagnostics import write_diagnostic, write_patiently

if TYPE_CHECKING:
    from paexec_trio.cli.syntax import Syntax


def program_name(usual: str) -> str:
    """Return the name that the program was called by, the usual one under ``python -m``.

    Control characters are made visible: a link can have any name, and it begins each diagnostic
    (SEC-002).
    """
    name = os.path.basename(sys.argv[0])  # noqa: PTH119 (pathlib takes 10 ms to load)
    return usual if name == "__main__.py" else os.fsdecode(visible(os.fsencode(name)))


STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
"""The signals that end a program and all that it started (END-030)."""


def prepare_signals() -> None:
    """Let an interrupt end the program as it ends any other, without a traceback."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    # Ignored by some parents; then the exit of no process could be waited for.
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    if os.getpid() == 1:
        # The default action does not end the first process of a container.
        for number in STOP_SIGNALS:
            if signal.getsignal(number) is signal.SIG_DFL:
                signal.signal(number, _end_at_once)


def _end_at_once(signum: int, _frame: object) -> None:
    os._exit(128 + signum)


def say_nothing_of_ignored_errors() -> None:
    """Print no traceback of errors that nobody can handle.

    When memory runs out, generators cannot be closed either. What ends the run is reported.
    """
    sys.unraisablehook = lambda _: None


def prepare_standard_descriptors() -> None:
    """Occupy closed standard descriptors, or files and pipes would get their numbers.

    The stand-ins fail as the closed ones would: one cannot be read, the other not written.
    """
    for fd, flags in ((0, os.O_WRONLY), (1, os.O_RDONLY), (2, os.O_WRONLY)):
        try:
            os.fstat(fd)
        except OSError:
            # The lowest free number is fd, because those below are open.
            os.open(os.devnull, flags)


def print_help_or_version(program: str, syntax: Syntax, option: str) -> int:
    """Print the help or the version, whichever the option asks for; return the exit status."""
    version = f"{program} {__version__}\n"
    text = version if option == VERSION.name else syntax.help_text(program)
    try:
        write_patiently(1, os.fsencode(text))
    except OSError as error:
        line = f"{program}: writing failed: {error.strerror}"
        write_diagnostic(2, os.fsencode(line))
        return 1
    return 0
