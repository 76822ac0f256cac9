"""Asking a program about itself, whatever it answers: ``-V`` and ``-h``."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import time
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST = 1 << 20
"""How many octets of an answer are read: nobody reads more, and some programs have no end."""


class Answer(NamedTuple):
    """The output of a program that was asked something, on either stream.

    Attributes:
        stdout: the beginning of its standard output.
        stderr: the beginning of its standard error.
        complaint: what is wrong with the answer, for the user; nothing if it is whole.
    """

    stdout: bytes
    stderr: bytes
    complaint: str


def ask(words: Sequence[str], option: str, seconds: float) -> Answer:
    """Run a program with one option, without input, and read what it prints.

    The program is killed, with its process group, if it prints too much or takes too long.

    Args:
        words: the command line of the program.
        option: the option, the only one.
        seconds: how long to wait for the end of the program and of its output.

    Raises:
        OSError: the program cannot be started.
    """
    process = subprocess.Popen(
        [*words, option],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    deadline = time.monotonic() + seconds
    answer = {process.stdout: bytearray(), process.stderr: bytearray()}
    complaint = ""
    with selectors.DefaultSelector() as selector:
        for pipe in answer:
            assert pipe is not None
            selector.register(pipe, selectors.EVENT_READ)
        while selector.get_map() and not complaint:
            left = deadline - time.monotonic()
            if left <= 0:
                complaint = f"{option} did not end within {seconds:.3g} s"
                break
            for key, _ in selector.select(left):
                octets = os.read(key.fd, 1 << 16)
                if not octets:
                    selector.unregister(key.fileobj)
                answer[key.fileobj] += octets  # type: ignore[index]
                if len(answer[key.fileobj]) > MOST:  # type: ignore[index]
                    complaint = f"{option} printed more than {MOST} octets"
    if not complaint:
        try:
            process.wait(max(0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            complaint = f"{option} did not end within {seconds:.3g} s"
    if complaint:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for pipe in answer:
        assert pipe is not None
        pipe.close()
    stdout, stderr = (bytes(octets) for octets in answer.values())
    return Answer(stdout, stderr, complaint)
