"""The user's command: a calculator that takes many tasks, or a command per task."""

from __future__ import annotations

from typing import NamedTuple, final


@final
class Calculator(NamedTuple):
    """A program that reads tasks from its standard input and writes their results.

    Attributes:
        command: text that the shell runs (LCH-001), or an argument vector that is executed without
            a shell (LCH-002, LCH-035).
    """

    command: bytes | tuple[bytes, ...]


@final
class CommandPerTask(NamedTuple):
    """A command that is run once per task (the chapter One command for each task of the spec).

    Attributes:
        command: text for the shell, in which ``$1`` is the task; a ``str`` is encoded as
            :func:`os.fsencode` does it.
        discard_output: leave the command's output out of the results (EXE-025).
    """

    command: str | bytes
    discard_output: bool = False
