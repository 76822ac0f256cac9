"""The programs as the first process of a container: signals without default action, and orphans."""

from __future__ import annotations

import os
import signal
import subprocess
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.harness import LIMIT

BIN = Path(sysconfig.get_path("scripts"))

AS_ROOT = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
CONTAINER = ["unshare", *AS_ROOT, "--pid", "--fork", "--kill-child", "--mount-proc"]

pytestmark = pytest.mark.skipif(
    subprocess.run([*CONTAINER, "true"], capture_output=True, check=False).returncode != 0,
    reason="this machine lets nobody but root make a namespace of processes (unshare)",
)


class FirstProcess:
    """A program that runs as process 1 of a namespace, and the process that made it."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    def feed(self, data: bytes) -> None:
        assert self._process.stdin
        self._process.stdin.write(data)
        self._process.stdin.flush()

    def line(self) -> bytes:
        assert self._process.stdout
        return self._process.stdout.readline()

    def diagnostic(self) -> bytes:
        assert self._process.stderr
        return self._process.stderr.readline()

    def send_signal(self, signum: int) -> None:
        """Send it as ``docker stop`` does, from outside."""
        outer = self._process.pid
        inner = Path(f"/proc/{outer}/task/{outer}/children").read_text().split()[0]
        os.kill(int(inner), signum)

    def wait(self) -> int:
        return self._process.wait(LIMIT)

    def end(self) -> int:
        assert self._process.stdin
        self._process.stdin.close()
        return self.wait()


@contextmanager
def first_process(program: str, *arguments: str) -> Iterator[FirstProcess]:
    with subprocess.Popen(
        [*CONTAINER, BIN / program, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        try:
            yield FirstProcess(process)
        finally:
            process.kill()


BUSY = "echo ready >&2; trap 'exit 0' TERM; while read -r task; do echo at work; sleep 1000; done"
"""A calculator that never answers."""


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_while_a_graph_is_read_ends_it(signum: signal.Signals) -> None:
    """END-030. ``-d`` tells when it reads."""
    with first_process("paexec-trio", "-d", "-g", "-n", "+1", "-c", BUSY) as program:
        program.feed(b"a b\n")
        while not program.diagnostic().startswith(b"StdinChunk"):
            pass
        program.send_signal(signum)
        assert program.wait() == 128 + signum


def test_a_signal_while_a_task_is_worked_on_ends_it() -> None:
    """END-030."""
    with first_process("paexec-trio", "-n", "+1", "-c", BUSY) as program:
        program.feed(b"a\n")
        assert program.line() == b"at work\n"
        program.send_signal(signal.SIGTERM)
        assert program.wait() == 128 + signal.SIGTERM


STUBBORN = "trap '' TERM; while read -r task; do echo at work; sleep 1000; done"


def test_a_second_signal_is_not_lost() -> None:
    with first_process("paexec-trio", "-n", "+1", "-c", STUBBORN) as program:
        program.feed(b"a\n")
        assert program.line() == b"at work\n"
        program.send_signal(signal.SIGTERM)
        program.send_signal(signal.SIGINT)
        assert program.wait() in {128 + signal.SIGTERM, 128 + signal.SIGINT}


def test_pareorder_ends_by_a_signal() -> None:
    with first_process("pareorder-trio") as program:
        program.feed(b"1 a\n1 \n2 b\n")
        assert program.line() == b"a\n"
        program.send_signal(signal.SIGTERM)
        assert program.wait() == 128 + signal.SIGTERM


ORPHAN = """
while read -r task; do
    orphan=$(true & echo $!)
    while [ -e "/proc/$orphan" ]; do :; done
    echo gone; echo
done
"""
"""A calculator that answers when its orphan was reaped."""


@pytest.mark.parametrize("inherited", ["", "sleep 1000 & "], ids=["", "child of its own"])
def test_orphans_are_reaped(inherited: str) -> None:
    """Also if the process had a child before it became the program."""
    command = [f'{inherited}exec "$0" "$@"', str(BIN / "paexec-trio"), "-n", "+1", "-c", ORPHAN]
    with first_process("/bin/sh", "-c", *command) as program:
        for _ in range(5):
            program.feed(b"a\n")
            assert program.line() == b"gone\n"
        assert program.end() == 0
