"""Becomes another program after it has prepared what that program inherits.

Usage: prepared.py IGNORED BLOCKED DESCRIPTORS COMMAND [ARGUMENTS...]

IGNORED, BLOCKED
    signals, by their numbers between commas; all others are not
DESCRIPTORS
    between commas: those that refer to the file ``inherited`` in the current directory
"""

from __future__ import annotations

import os
import signal
import sys


def numbers(text: str) -> set[int]:
    """The numbers between commas."""
    return {int(number) for number in text.split(",") if number}


def prepare(ignored: set[int], blocked: set[int], descriptors: set[int]) -> None:
    """Set signals and open descriptors."""
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(number, signal.SIG_IGN if number in ignored else signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
    file = os.open("inherited", os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    for fd in descriptors:
        os.dup2(file, fd)
        os.set_inheritable(fd, True)  # also if it is the same


if __name__ == "__main__":
    prepare(*map(numbers, sys.argv[1:4]))
    with open("/proc/self/environ", "rb") as block:  # noqa: PTH123 (as the system has it)
        entries = dict(entry.split(b"=", 1) for entry in block.read().split(b"\0")[:-1])
    os.execve(sys.argv[4], sys.argv[4:], entries)
