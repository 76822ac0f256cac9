"""A transport over a link that takes time: octets arrive some time after they were sent, each way.

Usage: link.py MILLISECONDS NODE COMMAND

Nothing waits for what is on its way: as on a real link, any number of octets can be.
"""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time
from collections import deque

_CHUNK = 1 << 16


class Pipe:
    """One direction: what comes from ``source`` goes to ``target`` after ``delay`` seconds."""

    def __init__(self, source: int, target: int, delay: float) -> None:
        self.source = source
        self._target = target
        self._delay = delay
        #: What is on its way, with the times of arrival; no octets stand for the end.
        self._on_the_way: deque[tuple[float, bytes]] = deque()
        self.open = True

    def take(self) -> bool:
        """Read what there is; whether more can come."""
        octets = os.read(self.source, _CHUNK)
        self._on_the_way.append((time.monotonic() + self._delay, octets))
        return bool(octets)

    def patience(self) -> float:
        """Seconds until something arrives."""
        if not self._on_the_way:
            return 3600
        return max(0, self._on_the_way[0][0] - time.monotonic())

    def deliver(self) -> None:
        """Write what has arrived."""
        while self.open and self._on_the_way and not self.patience():
            rest = memoryview(self._on_the_way.popleft()[1])
            self.open = bool(rest)
            try:
                while rest:
                    rest = rest[os.write(self._target, rest) :]
            except BrokenPipeError:
                self.open = False
        if not self.open and self._target >= 0:
            os.close(self._target)
            self._target = -1


def main() -> int:
    delay = float(sys.argv[1]) / 1000
    command = ["/bin/sh", "-c", sys.argv[3]]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        there = Pipe(0, os.dup(process.stdin.fileno()), delay)
        back = Pipe(process.stdout.fileno(), os.dup(1), delay)
        process.stdin.close()
        os.close(1)
        pipes = {pipe.source: pipe for pipe in (there, back)}
        while back.open:
            patience = min(there.patience(), back.patience())
            for source in select.select(list(pipes), [], [], patience)[0]:
                if not pipes[source].take():
                    del pipes[source]
            there.deliver()
            back.deliver()
    return process.returncode


if __name__ == "__main__":
    sys.exit(main())
