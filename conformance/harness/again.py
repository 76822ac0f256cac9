"""Command lines that a reader can paste, whatever their directory."""

from __future__ import annotations

import shlex
import shutil
import sys
import sysconfig
from pathlib import Path

SUITE = Path(__file__).resolve().parent.parent
"""The directory of the suite."""

COMMAND = "paexec-conformance"
"""The program that starts an installed suite."""


def is_installed(suite: Path = SUITE) -> bool:
    """Return whether this suite is the one in the package ``paexec_conformance``, not a clone's."""
    return suite.parts[-3:-1] == ("paexec_conformance", "suite")


def command_line(*words: str) -> str:
    """Return the command line that starts this suite with these words, for a shell."""
    script = Path(sysconfig.get_path("scripts"), COMMAND)
    if is_installed() and script.exists():
        known = shutil.which(COMMAND)
        start = [COMMAND if known and Path(known) == script else str(script)]
    else:
        start = [sys.executable, str(SUITE)]
    return shlex.join([*start, *words])
