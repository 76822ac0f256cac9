"""The program as its users call it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import IO

LIMIT = 60
"""Seconds after which a test gives up. Nothing is waited for by time alone."""

PROGRAM = (sys.executable, "-Werror", "-m", "paexec_trio")

ECHO = 'while IFS= read -r task; do printf "%s\\n\\n" "$task"; done'
"""A calculator whose result is the task."""

PIDS = 'while read -r task; do echo "$$"; echo; done'
"""A calculator whose result is the id of its process."""

Arguments = Sequence[str | bytes | os.PathLike[str]]
Result = subprocess.CompletedProcess[bytes]


def call(
    *arguments: str | bytes | os.PathLike[str],
    stdin: bytes = b"",
    environment: Mapping[str, str | bytes] | None = None,
    before: Arguments = (),
) -> Result:
    """Run the program to its end; ``before`` is put in front of the command line."""
    return subprocess.run(
        [*before, *PROGRAM, *arguments],
        input=stdin,
        capture_output=True,
        env={**os.environ, **environment} if environment else None,
        timeout=LIMIT,
        check=False,
    )


def call_in_shell(redirections: str, *arguments: str, stdin: bytes = b"") -> Result:
    """Run the program with redirections of the shell, such as ``>&-``."""
    return call(
        *arguments, stdin=stdin, before=("/bin/sh", "-c", f'exec "$@" {redirections}', "sh")
    )


class Program:
    """The program while it runs; its standard input stays open."""

    def __init__(self, *arguments: str, before: Arguments = ()) -> None:
        self._process = subprocess.Popen(
            [*before, *PROGRAM, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def __enter__(self) -> Program:
        self._process.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.__exit__(None, None, None)

    def feed(self, data: bytes) -> None:
        stream = self._stream(self._process.stdin)
        stream.write(data)
        stream.flush()

    def close_input(self) -> None:
        self._stream(self._process.stdin).close()

    def line(self) -> bytes:
        """Return the next line of its standard output."""
        return self._stream(self._process.stdout).readline()

    def stop_reading(self) -> None:
        self._stream(self._process.stdout).close()

    def send_signal(self, signum: int) -> None:
        self._process.send_signal(signum)

    def end(self, *, keep_input_open: bool = False) -> int:
        """Wait for its end; return its status, negative for a signal."""
        if not keep_input_open:
            self._stream(self._process.stdin).close()
        return self._process.wait(LIMIT)

    def diagnostic(self) -> bytes:
        """Return the next line of its standard error."""
        return self._stream(self._process.stderr).readline()

    def diagnostics(self) -> bytes:
        """Return what it wrote on its standard error, after its end."""
        return self._stream(self._process.stderr).read()

    @staticmethod
    def _stream(stream: IO[bytes] | None) -> IO[bytes]:
        assert stream is not None
        return stream


def is_one_diagnostic(text: bytes) -> bool:
    """Return whether the text is one line of the program and no traceback."""
    return text.startswith(b"paexec-trio: ") and text.endswith(b"\n") and text.count(b"\n") == 1
