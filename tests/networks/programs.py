"""The programs of the campaigns."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_SILENCE = {
    ("--heartbeat=off", "--no-ssh-defaults"): "paexec-trio --heartbeat=off --no-ssh-defaults",
    ("--heartbeat=5", "--stuck=20"): "paexec-trio --heartbeat=5 --stuck=20",
}
"""Options that decide which silent deaths a run sees, where the program has them."""


@dataclass(frozen=True)
class Program:
    """A program with options that it is always run with.

    Attributes:
        name: what the tables call it.
        words: that start it.
        options: that all of its runs have.
        can_prefetch: whether it has ``--prefetch``.
    """

    name: str
    words: Sequence[str]
    options: Sequence[str] = ()
    can_prefetch: bool = False


def find(paexec: str, ours: str | None = None) -> list[Program]:
    """Return ours, as it is and with the options of silent deaths, and the C program.

    Args:
        paexec: the C program, which may be missing.
        ours: another build of ours than that of this interpreter.
    """
    words = (ours or str(Path(sys.executable).with_name("paexec-trio")),)
    shown = subprocess.run([*words, "-h"], capture_output=True, text=True, check=True)
    found = [Program("paexec-trio", words, can_prefetch=True)]
    for options, name in _SILENCE.items():
        if all(option.partition("=")[0] in shown.stdout + shown.stderr for option in options):
            found.append(Program(name, words, options))
    theirs = shutil.which(paexec)
    if theirs:
        found.append(Program("paexec (C)", (theirs,)))
    return found
