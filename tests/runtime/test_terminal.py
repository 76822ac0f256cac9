"""Calculators on a terminal, and without one."""

from __future__ import annotations

import os
import pty
import shlex
import subprocess
import sys

import pytest

from tests.runtime.harness import LIMIT

HAS_TERMINAL = "from paexec_trio.runtime.terminal import has_terminal; print(has_terminal())"

#: A calculator that says whether its session and its process group are its own.
WHOSE = """\
import os
input()
print(os.getsid(0) == os.getpid(), os.getpgid(0) == os.getpid())
print(flush=True)
"""


def output(*arguments: str, terminal: bool) -> bytes:
    """Run Python in a session of its own, with or without a terminal, with a task as its input."""
    ours, theirs = pty.openpty()
    words = ["setsid", "--wait", *["--ctty"] * terminal]
    words += ["sh", "-c", 'echo task | "$@"', "sh", sys.executable, *arguments]
    try:
        done = subprocess.run(
            words,
            stdin=theirs if terminal else subprocess.DEVNULL,
            capture_output=True,
            timeout=LIMIT,
            check=True,
        )
    finally:
        os.close(ours)
        os.close(theirs)
    return done.stdout


@pytest.mark.parametrize("terminal", [True, False])
def test_whether_there_is_a_terminal(terminal: bool) -> None:
    assert output("-c", HAS_TERMINAL, terminal=terminal) == b"%a\n" % terminal


@pytest.mark.parametrize("terminal", [True, False])
def test_a_terminal_is_kept_from_calculators(terminal: bool) -> None:
    calculator = f"exec {shlex.join([sys.executable, '-c', WHOSE])}"
    command = ("-m", "paexec_trio", "-n", "+1", "-c", calculator)
    assert output(*command, terminal=terminal) == b"%a True\n" % terminal
