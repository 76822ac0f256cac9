"""The start of each program, whichever way Python was started, and its last resort."""

from __future__ import annotations

import os
import signal
import sys
from importlib import import_module

from paexec_trio.cli.errors import is_lack_of_memory
from paexec_trio.cli.startup import prepare_signals, program_name
from paexec_trio.runtime import inheritance
from paexec_trio.runtime.diagnostics import write_diagnostic
from paexec_trio.runtime.requests import FINISH, OVERVIEW, note

MODULES = {
    "paexec-trio": "paexec_trio.cli.main",
    "paargs-trio": "paexec_trio.cli.paargs",
    "pareorder-trio": "paexec_trio.cli.pareorder",
    "patop-trio": "paexec_trio.cli.patop",
}
"""Where the function ``main`` of each program is."""


def main() -> None:
    """Run the program that ``launcher.c`` was called as; does not return.

    The arguments are those that ``launcher.c`` describes.
    """
    _, _, name, blocked, ignored, stdin, *sys.argv = sys.argv
    if stdin != "0":
        os.dup2(int(stdin), 0)
        os.close(int(stdin))
    inheritance.started_with(ignored=_signals(ignored))
    # Before the mask: what was sent meanwhile is to end us as it would have done.
    prepare_signals()
    if MODULES.get(name) != MODULES["pareorder-trio"]:
        note(OVERVIEW | FINISH)
    signal.pthread_sigmask(signal.SIG_SETMASK, _signals(blocked))
    try:
        # The system's name of the process would be that of the interpreter.
        with open("/proc/self/comm", "wb", buffering=0) as comm:  # noqa: PTH123 (slow to load)
            comm.write(os.fsencode(program_name(name)))
    except OSError:
        pass
    # Nothing is left to be done that the interpreter's own end would do.
    os._exit(launch(name))


def launch(name: str) -> int:
    """Run a program and return its exit status; whatever happens, there is no traceback.

    Args:
        name: the name that it has when it is installed.
    """
    try:
        module = MODULES.get(name, MODULES["paexec-trio"])  # a copy may have any name
        return int(import_module(module).main())
    except MemoryError:
        problem = "out of memory"
    except OSError as error:
        problem = error.strerror or str(error)
    except ImportError as error:
        lacks = is_lack_of_memory(error)
        problem = "out of memory" if lacks else f"internal error: {_describe(error)}"
    except Exception as error:  # noqa: BLE001 (a bug, or a lack of something while modules load)
        problem = f"internal error: {_describe(error)}"
    write_diagnostic(2, os.fsencode(f"{program_name(name)}: {problem}"))
    return 1


def _describe(error: Exception) -> str:
    """Return what happened and where, in one line."""
    place = error.__traceback__
    while place and place.tb_next:
        place = place.tb_next
    where = f" ({place.tb_frame.f_code.co_filename}:{place.tb_lineno})" if place else ""
    return f"{type(error).__name__}: {error}{where}"


def _signals(mask: str) -> frozenset[int]:
    """Return the numbers of the signals in a set as ``launcher.c`` writes it."""
    bits = int(mask, 16)
    return frozenset(number for number in range(1, signal.NSIG) if bits >> (number - 1) & 1)
