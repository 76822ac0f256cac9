"""A shell on a terminal, as somebody who types."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Self

LIMIT = 60
"""Seconds after which a test gives up. Nothing is waited for by time alone."""


class Terminal:
    """An interactive shell, in a directory of its own, on the far side of a pseudo terminal."""

    def __init__(self, command: Sequence[str], directory: Path) -> None:
        self._screen = b""
        self._terminal, theirs = pty.openpty()
        self._process = subprocess.Popen(
            ["setsid", "--ctty", *command],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            cwd=directory,
            env={"PATH": f"{directory}:/usr/bin:/bin", "TERM": "dumb", "HOME": str(directory)},
        )
        os.close(theirs)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._terminal)  # hangs up
        self._process.kill()
        self._process.wait()

    def type(self, keys: str) -> None:
        """Press these keys."""
        os.write(self._terminal, keys.encode())

    def wait_for(self, text: str) -> str:
        """Wait until this is on the screen; return what was there before it, and forget it all."""
        deadline = time.monotonic() + LIMIT
        while text.encode() not in self._screen:
            ready, _, _ = select.select([self._terminal], [], [], deadline - time.monotonic())
            assert ready, f"{text!r} did not come: {self._screen!r}"
            self._screen += os.read(self._terminal, 1 << 16)
        before, _, self._screen = self._screen.partition(text.encode())
        return before.decode()
