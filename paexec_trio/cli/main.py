"""The program ``paexec-trio``."""

from __future__ import annotations

import os
import signal
import sys

from paexec_trio import __version__
from paexec_trio.cli.errors import UsageError
from paexec_trio.cli.invocation import InformationWanted, Invocation, parse
from paexec_trio.cli.options import help_text
from paexec_trio.runtime.diagnostics import write_diagnostic

_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main() -> int:
    """Run the program and return its exit status; it may also end by a signal (END-030)."""
    _prepare_signals()
    _prepare_standard_descriptors()
    sys.set_int_max_str_digits(0)  # weights are integers of any size (WGT-010)
    program = os.path.basename(sys.argv[0])  # noqa: PTH119 (pathlib takes 10 ms to load)
    if program == "__main__.py":
        program = "paexec-trio"
    try:
        invocation = parse(program, sys.argv[1:], os.environb)
    except InformationWanted as wanted:
        return _inform(program, wanted.option)
    except UsageError as error:
        write_diagnostic(2, os.fsencode(program) + b": " + error.message)
        return 1
    return _run(invocation)


def _prepare_signals() -> None:
    # While nothing runs yet, an interrupt ends the program as it ends any other: no traceback.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    # Ignored by some parents; then the exit of no process could be waited for.
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)


def _prepare_standard_descriptors() -> None:
    """Occupy closed standard descriptors, or pipes to calculators would get their numbers.

    The stand-ins fail as the closed ones would: one cannot be read, the other not written.
    """
    for fd, flags in ((0, os.O_WRONLY), (1, os.O_RDONLY), (2, os.O_WRONLY)):
        try:
            os.fstat(fd)
        except OSError:
            # The lowest free number is fd, because those below are open.
            os.open(os.devnull, flags)


def _inform(program: str, option: str) -> int:
    if option == "-V":
        fd, text = 1, f"{program} {__version__}\n"
    else:
        fd, text = 2, help_text(program)  # as upstream
    try:
        os.write(fd, os.fsencode(text))
    except OSError as error:
        line = f"{program}: writing failed: {error.strerror}"
        write_diagnostic(2, os.fsencode(line))
        return 1
    return 0


def _run(invocation: Invocation) -> int:
    import gc

    # Loading makes many objects and no garbage: collecting in between costs a tenth of it.
    gc.disable()
    import trio

    from paexec_trio.runtime.run import run

    gc.enable()

    async def run_until_end() -> int:
        outcome = await run(
            invocation.settings,
            invocation.launch,
            stop_signals=[
                number for number in _STOP_SIGNALS if signal.getsignal(number) != signal.SIG_IGN
            ],
            debug=invocation.debug,
        )
        if outcome.signal:
            signal.signal(outcome.signal, signal.SIG_DFL)
            os.kill(os.getpid(), outcome.signal)
            # Still here: the signal is blocked, or this is the first process of a container.
            return 128 + outcome.signal
        return outcome.status

    return trio.run(run_until_end)
