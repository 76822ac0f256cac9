"""Results that are ready together are handled together: more nodes, fewer system calls per task.

The test is the calculators itself: it reads and writes the pipes of processes that only sleep. It
stops the program while it answers for all of them, so that all answers are found at once.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.cli.harness import LIMIT, PROGRAM

NODES = 8
ROUNDS = 5


class SleepingCalculators:
    """The pipes of calculators, which tell their process ids and sleep."""

    def __init__(self, fifo: Path) -> None:
        os.mkfifo(fifo)
        # In a subshell: this shell's standard output stays what it is.
        self.command = f"(echo $$ > '{fifo}'); exec sleep 1000"
        self._fifo = fifo
        self._pids: list[int] = []
        self._ends = ExitStack()
        self.inputs: list[int] = []
        self.outputs: list[int] = []

    def meet(self) -> None:
        """Wait for all of them."""
        # For reading and writing: so it has no end while nobody else has it open.
        with self._fifo.open("r+b", buffering=0) as lines:
            while len(self._pids) < NODES:
                wait_for_octets(lines.fileno())
                self._pids.append(int(lines.readline()))
        for pid in self._pids:
            self.inputs.append(self._open(f"/proc/{pid}/fd/0", os.O_RDONLY))
            self.outputs.append(self._open(f"/proc/{pid}/fd/1", os.O_WRONLY))

    def _open(self, path: str, flags: int) -> int:
        fd = os.open(path, flags | os.O_NONBLOCK)  # fails where it would wait for the other end
        self._ends.callback(os.close, fd)
        return fd

    def end(self) -> None:
        """End all that were met."""
        self._ends.close()
        while self._pids:
            os.kill(self._pids.pop(), signal.SIGKILL)


def wait_for_octets(fd: int) -> None:
    """Return when there is something to be read."""
    assert select.select([fd], [], [], LIMIT)[0]


def next_task(fd: int) -> bytes:
    """Return what can be read of a calculator's input at once."""
    wait_for_octets(fd)
    return os.read(fd, 100)


@pytest.fixture
def calculators(tmp_path: Path) -> Iterator[SleepingCalculators]:
    calculators = SleepingCalculators(tmp_path / "pids")
    yield calculators
    calculators.end()


def test_results_that_are_ready_together_are_written_at_once(
    tmp_path: Path, calculators: SleepingCalculators
) -> None:
    tasks = tmp_path / "tasks"
    tasks.write_bytes(b"".join(b"%d\n" % task for task in range(NODES * ROUNDS)))
    # Each write to such a socket is a message.
    results, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    results.settimeout(LIMIT)
    with tasks.open("rb") as stdin:
        process = subprocess.Popen(
            [*PROGRAM, "-n", f"+{NODES}", "-c", calculators.command],
            stdin=stdin,
            stdout=its.fileno(),
        )
    its.close()
    try:
        calculators.meet()
        for _ in range(ROUNDS):
            sent = [next_task(end) for end in calculators.inputs]
            assert all(line.count(b"\n") == 1 for line in sent), "each task in one write"
            process.send_signal(signal.SIGSTOP)
            os.waitid(os.P_PID, process.pid, os.WSTOPPED)
            for end, line in zip(calculators.outputs, sent, strict=True):
                os.write(end, line + b"\n")
            process.send_signal(signal.SIGCONT)
            assert sorted(results.recv(1 << 16).splitlines(keepends=True)) == sorted(sent)
        calculators.end()
        assert process.wait(LIMIT) == 0
        assert results.recv(1 << 16) == b""
    finally:
        process.kill()
        process.wait()
        results.close()
