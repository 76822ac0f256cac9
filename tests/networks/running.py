"""One run over hosts: the program, the fault that strikes meanwhile, and what came of both."""

from __future__ import annotations

import os
import select
import shlex
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from conformance.harness import processes
from conformance.harness.network.hosts import Network

_CALCULATOR = Path(__file__).with_name("calculator.py")

#: Seconds in which what is left after a run may still end by itself.
GRACE = 5.0


@dataclass(frozen=True)
class Outcome:
    """The outcome of a run.

    Attributes:
        right: how many tasks have exactly one result, their own.
        tasks: how many there were.
        wrong: lines under the number of a task that are not its result, and repeated results.
        seconds: how long it took, or the limit.
        status: the exit status; None if it hung, and was killed at the limit.
        left_here: whether processes of the run were left on the head.
        left_there: whether processes of the run were left on hosts.
    """

    right: int
    tasks: int
    wrong: int
    seconds: float
    status: int | None
    left_here: bool
    left_there: bool

    @property
    def is_whole(self) -> bool:
        """Whether each task has its result, and nothing else was printed for one."""
        return self.right == self.tasks and not self.wrong

    @property
    def is_honest(self) -> bool:
        """Whether it has ended, with all results and only these or with a status that says so."""
        return self.status is not None and (self.is_whole or self.status != 0)

    def as_dict(self) -> dict[str, Any]:
        """Return its values by name."""
        return asdict(self)


class Events:
    """The reports of calculators: which host begins which task."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._socket.setblocking(False)
        #: How many tasks each host has begun.
        self.begun: Counter[str] = Counter()

    def take(self, seconds: float, end: int) -> bool:
        """Wait for something to be told or for the end of a process; return whether it was told.

        Args:
            seconds: how long to wait.
            end: the descriptor of the process.
        """
        told = self._socket.fileno()
        if told not in select.select([told, end], [], [], max(0.0, seconds))[0]:
            return False
        host = self._socket.recv(1 << 16).split(b" ")[0].decode()
        self.begun[host] += 1
        return True

    def close(self) -> None:
        self._socket.close()


def judge(output: bytes, tasks: Sequence[bytes]) -> tuple[int, int]:
    """Return how many tasks have exactly one result, and how many lines are wrong.

    Args:
        output: that of a run with ``-l``, of calculators as in ``calculator.py``.
        tasks: those of the run.
    """
    found: Counter[int] = Counter()
    wrong = 0
    for line in output.splitlines():
        number, _, text = line.partition(b" ")
        if number.isdigit() and text in {b"fatal", b""}:
            continue
        index = int(number) if number.isdigit() else 0
        if 1 <= index <= len(tasks) and text == b"result of " + tasks[index - 1]:
            found[index] += 1
        else:
            wrong += 1
    once = sum(1 for times in found.values() if times == 1)
    return once, wrong + sum(times - 1 for times in found.values())


class Trial:
    """A run of a program over hosts.

    Args:
        network: the hosts.
        program: the words that start the program.
        options: those of the run.
        tasks: what it is to do.
        seconds: how long a task takes.
    """

    def __init__(
        self,
        network: Network,
        program: Sequence[str],
        options: Sequence[str],
        tasks: Sequence[bytes],
        seconds: float,
    ) -> None:
        self.network = network
        self._tasks = tasks
        path = network.directory / "events"
        self.events = Events(path)
        words = [sys.executable, "-IS", str(_CALCULATOR), str(path), str(seconds)]
        self._place = Path(tempfile.mkdtemp(dir=network.directory))
        (self._place / "tasks").write_bytes(b"".join(task + b"\n" for task in tasks))
        environment = {k: v for k, v in os.environ.items() if not k.startswith("PAEXEC_")}
        environment["PATH"] = f"{network.programs}:{environment['PATH']}"
        self._begin = time.monotonic()
        with (
            (self._place / "tasks").open("rb") as stdin,
            (self._place / "output").open("wb") as stdout,
            (self._place / "errors").open("wb") as stderr,
        ):
            self._process = subprocess.Popen(
                [
                    *program,
                    *("-lE", "-t", "ssh", "-n", network.nodes, *options),
                    *("-c", f"exec {shlex.join(words)}"),
                ],
                stdin=stdin,
                stdout=stdout,
                stderr=stderr,
                env=environment,
                start_new_session=True,
            )
        self._end = os.pidfd_open(self._process.pid)

    @property
    def seconds(self) -> float:
        """How long it has been running."""
        return time.monotonic() - self._begin

    def has_ended(self) -> bool:
        """Whether it has."""
        return bool(select.select([self._end], [], [], 0)[0])

    def watch(self, until: Callable[[], bool], limit: float) -> bool:
        """Take in what calculators tell until something holds; return whether it came to hold.

        Args:
            until: looked at after each thing that is told.
            limit: the second of the run at which this ends.
        """
        while not until():
            told = self.events.take(limit - self.seconds, self._end)
            if not told and (self.has_ended() or self.seconds >= limit):
                return until()
        return True

    def finish(self, limit: float, grace: float = GRACE) -> Outcome:
        """Wait for the end, or end it at the limit; return what came of the run."""
        self.watch(lambda: False, limit)
        seconds = self.seconds
        status = self._process.wait() if self.has_ended() else None
        here, there = self.left(grace) if status is not None else (False, False)
        self.close()
        right, wrong = judge((self._place / "output").read_bytes(), self._tasks)
        return Outcome(right, len(self._tasks), wrong, seconds, status, here, there)

    def errors(self) -> str:
        """Return what it has written to standard error."""
        return (self._place / "errors").read_text(errors="replace")

    def left(self, grace: float) -> tuple[bool, bool]:
        """Return whether something is left here, and on hosts, at the end of a grace."""
        deadline = time.monotonic() + grace
        left = []
        for found in (
            self.network.clients,
            lambda: {pid for host in self.network.hosts for pid in host.commands()},
        ):
            processes.await_ends(found(), max(0.0, deadline - time.monotonic()))
            left.append(bool(found()))
        return left[0], left[1]

    def close(self) -> None:
        """End everything that belongs to it."""
        if not self.has_ended():
            processes.kill({self._process.pid, *processes.descendants_of(self._process.pid)}, GRACE)
        self._process.wait()
        processes.kill(self.network.clients(), GRACE)
        self.events.close()
        os.close(self._end)
