"""Asking a program about itself, whatever it answers: ``-V`` and ``-h``."""

from __future__ import annotations

import contextlib
import os
import selectors
import shlex
import signal
import subprocess
import time
from typing import TYPE_CHECKING, NamedTuple, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType

MOST = 1 << 20
"""How many octets of an answer are read: nobody reads more, and some programs have no end."""

_SILENT_SHARE = 1 / 24
"""After which share of the time that an answer may take the user is told of the wait: 5 s."""

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Signals that end the suite. The asked programs have sessions of their own and do not get them."""


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


def ask(
    words: Sequence[str],
    options: Sequence[str],
    seconds: float,
    tell: Callable[[str], None] = lambda _: None,
) -> dict[str, Answer]:
    """Run a program with each option alone, without input, and read what it prints.

    All runs go on at the same time. Each is killed, with its process group, if it prints too much
    or takes too long, and if a signal ends the suite meanwhile.

    Args:
        words: the command line of the program.
        options: the options.
        seconds: how long to wait for the ends of the runs and of their output.
        tell: takes a line for the user if that takes long.

    Raises:
        OSError: the program cannot be started.
    """
    runs: list[_Run] = []
    with _Signals() as signals:
        try:
            for option in options:
                runs.append(_Run(words, option))  # noqa: PERF401 (those before a failure are ended)
            _await(runs, signals, seconds, tell)
        finally:
            for run in runs:
                run.end()
    return {run.option: run.answer() for run in runs}


def _await(
    runs: Sequence[_Run], signals: _Signals, seconds: float, tell: Callable[[str], None]
) -> None:
    """Read from all runs until they have ended or must be ended."""
    begin = time.monotonic()
    bounds = [begin + seconds * _SILENT_SHARE, begin + seconds]
    with selectors.DefaultSelector() as selector:
        selector.register(signals.reader, selectors.EVENT_READ)
        for run in runs:
            for fd in run.sources:
                selector.register(fd, selectors.EVENT_READ, run)
        while bounds and (waiting := [run for run in runs if run.sources and not run.complaint]):
            if time.monotonic() >= bounds[0]:
                del bounds[0]
                if bounds:
                    commands = " and ".join(run.command for run in waiting)
                    tell(f"waiting for the end of {commands}, for {seconds:.3g} s at most")
                continue
            for key, _ in selector.select(bounds[0] - time.monotonic()):
                if key.data is None:
                    return
                if key.data.complaint or not key.data.take(key.fd):
                    selector.unregister(key.fd)
        for run in waiting:
            run.complaint = f"{run.option} did not end within {seconds:.3g} s"


class _Run:
    """One run of the program.

    Attributes:
        option: its only option.
        command: its command line, for the user.
        complaint: the first fault of the answer so far.
        sources: the descriptors that have not told their end: two streams and the process.
    """

    def __init__(self, words: Sequence[str], option: str) -> None:
        self.option = option
        self.command = shlex.join([*words, option])
        self.complaint = ""
        self._process = subprocess.Popen(
            [*words, option],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self._pipes = [self._process.stdout, self._process.stderr]
        self._octets = {pipe.fileno(): bytearray() for pipe in self._pipes}
        self._pidfd = os.pidfd_open(self._process.pid)
        self.sources = {*self._octets, self._pidfd}

    def take(self, fd: int) -> bool:
        """Take in what one of the sources has; return whether more can come."""
        if fd != self._pidfd:
            octets = os.read(fd, 1 << 16)
            self._octets[fd] += octets
            if len(self._octets[fd]) > MOST:
                self.complaint = f"{self.option} printed more than {MOST} octets"
            if octets:
                return True
        self.sources.remove(fd)
        return False

    def end(self) -> None:
        """Kill all processes of a run that has not ended, and let go of it."""
        if self.sources:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        os.close(self._pidfd)
        for pipe in self._pipes:
            pipe.close()

    def answer(self) -> Answer:
        """Return what it has printed."""
        stdout, stderr = (bytes(octets) for octets in self._octets.values())
        return Answer(stdout, stderr, self.complaint)


class _Signals:
    """Holds back the signals that end the suite until the block has ended what it started.

    Attributes:
        reader: a descriptor that is readable once a signal has come.
    """

    def __enter__(self) -> Self:
        self.reader, self._writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._wakeup = signal.set_wakeup_fd(self._writer)
        handlers = {number: signal.getsignal(number) for number in _ENDING}
        self._handlers = {n: each for n, each in handlers.items() if each is not signal.SIG_IGN}
        self._come: list[int] = []
        for number in self._handlers:
            signal.signal(number, lambda come, _: self._come.append(come))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._wakeup)
        os.close(self.reader)
        os.close(self._writer)
        if self._come:
            signal.raise_signal(self._come[0])
