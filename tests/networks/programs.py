"""The programs of the campaigns."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

#: Options of which each, where the program has it, makes silent deaths visible.
_NEW = {"--heartbeat": "5", "--stuck": "20"}


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


def find(paexec: str) -> list[Program]:
    """Return ours, ours with the options of silent deaths, and the C program.

    Args:
        paexec: the C program, which may be missing.
    """
    ours = str(Path(sys.executable).with_name("paexec-trio"))
    found = [Program("paexec-trio", (ours,), can_prefetch=True)]
    shown = subprocess.run([ours, "-h"], capture_output=True, text=True, check=True)
    text = shown.stdout + shown.stderr
    new = [f"{option}={value}" for option, value in _NEW.items() if option in text]
    if new:
        found.append(Program(f"paexec-trio {' '.join(new)}", (ours,), tuple(new)))
    theirs = shutil.which(paexec)
    if theirs:
        found.append(Program("paexec (C)", (theirs,)))
    return found
