"""Finding the programs under test: paexec itself, and its companions beside it."""

from __future__ import annotations

import os
import shlex
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from conformance.harness.outcome import InconclusiveError

if TYPE_CHECKING:
    from collections.abc import Sequence

#: The companion programs, each with what it puts in place of ``paexec`` in a program's name.
COMPANIONS = {"paargs": ("paargs",), "reorder": ("pareorder", "paexec_reorder")}

#: The value of a companion's option that says that there is no such program.
NONE = "none"


class MissingProgramError(InconclusiveError):
    """A program that was named or is needed is not there."""


def resolve(option: str, command: str) -> list[str]:
    """The words of a command line, the program with its path.

    Raises:
        MissingProgramError: there is no such program, or it cannot be executed.
    """
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise MissingProgramError(f"{option}: cannot run {command!r}: {error}") from error
    program = shutil.which(words[0]) if words else None
    if program is None:
        raise MissingProgramError(f"{option}: cannot run {command!r}: {_fault_of(words)}")
    return [os.path.abspath(program), *words[1:]]  # noqa: PTH100 (keeps symlinks)


def whole(command: str) -> str:
    """Return the command line that names the program with its path; as it is if there is none."""
    try:
        return command if command == NONE else shlex.join(resolve("", command))
    except MissingProgramError:
        return command


def _fault_of(words: Sequence[str]) -> str:
    """Why nothing can be run by these words."""
    if not words:
        return "it names no program"
    path = Path(words[0])
    if path.is_dir():
        return "it is a directory"
    if "/" in words[0] and path.exists():
        return "it is not executable"
    return "no such program"


def find_companion(name: str, command: str | None, implementation: Sequence[str]) -> list[str]:
    """The words that start a companion program.

    Args:
        name: which one.
        command: its command line, as the user gave it; ``None``: it is searched for beside the
            implementation under test, under the name that has ``paexec`` replaced.
        implementation: the words of the implementation under test.

    Raises:
        MissingProgramError: it was not found.
    """
    if command is not None:
        return resolve(f"--{name}", command)
    paexec = Path(implementation[0])
    for replacement in COMPANIONS[name]:
        path = paexec.with_name(paexec.name.replace("paexec", replacement))
        if path.name != paexec.name and os.access(path, os.X_OK):
            return [str(path)]
    raise MissingProgramError(
        f"no {name} beside {paexec}: name it with --{name}=PATH, or say --{name}={NONE}"
    )
