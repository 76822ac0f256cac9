"""One run of a program, measured, and its results checked."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.benchmarks.busyness import Busyness
from tests.benchmarks.checks import FileCheck, Tally, TallyCheck

CHUNK = 1 << 16
"""Octets read at a time: what a pipe holds."""


@dataclass(frozen=True)
class Usage:
    """The costs of a run.

    Attributes:
        seconds: from the start of the program to its end.
        first: from its start to the first octet of the results; only if they went into a pipe.
        processor: seconds in which the program itself had a processor, in user and system mode;
            not the processes that it started.
        peak: KiB of memory of the largest process.
    """

    seconds: float
    first: float
    processor: float
    peak: int


@dataclass(frozen=True)
class Failed:
    """A run that cannot be compared: why, in a few words."""

    reason: str


Trial = Callable[[], Usage | Failed]
"""Makes one run."""


@dataclass(frozen=True)
class Job:
    """One call of a program.

    Args:
        meter: the program that measures.
        directory: for files while it runs.
        argv: the call.
        stdin: the tasks.
        limit: seconds after which the run has failed.
        busyness: records what other programs do meanwhile.
        environment: instead of ours.
    """

    meter: Path
    directory: Path
    argv: Sequence[str | Path]
    stdin: Path
    limit: float
    busyness: Busyness = field(default_factory=Busyness)
    environment: dict[str, str] = field(default_factory=lambda: dict(os.environ))

    def into_file(self, check: FileCheck) -> Usage | Failed:
        """Run with the results going to a file, which is checked afterwards."""
        results = self.directory / "results"
        with results.open("wb") as file:
            usage = self._run(file.fileno(), lambda: 0)
        fault = check(results) if isinstance(usage, Usage) else ""
        results.unlink()
        return Failed(fault) if fault else usage

    def into_pipe(self, check: TallyCheck) -> Usage | Failed:
        """Run with the results going into a pipe, where they are counted."""
        ours, its = os.pipe()
        reader = Reader(ours)
        try:
            usage = self._run(its, reader.read_all, close_after_start=True)
        finally:
            os.close(ours)
        if isinstance(usage, Failed):
            return usage
        fault = check(reader.tally)
        return Failed(fault) if fault else replace(usage, first=usage.first + reader.first)

    def into_nothing(self) -> Usage | Failed:
        """Run with the results going to ``/dev/null``."""
        with Path("/dev/null").open("wb") as null:
            return self._run(null.fileno(), lambda: 0)

    def _run(
        self, stdout: int, follow: Callable[[], object], *, close_after_start: bool = False
    ) -> Usage | Failed:
        with self.busyness.watch():
            return self._run_alone(stdout, follow, close_after_start=close_after_start)

    def _run_alone(
        self, stdout: int, follow: Callable[[], object], *, close_after_start: bool
    ) -> Usage | Failed:
        report = self.directory / "report"
        diagnostics = self.directory / "diagnostics"
        report.unlink(missing_ok=True)
        with self.stdin.open("rb") as tasks, diagnostics.open("wb") as stderr:
            process = subprocess.Popen(
                [self.meter, report, *self.argv],
                stdin=tasks,
                stdout=stdout,
                stderr=stderr,
                env=self.environment,
                start_new_session=True,
            )
        if close_after_start:
            os.close(stdout)
        too_late = threading.Event()

        def stop() -> None:
            too_late.set()
            os.killpg(process.pid, signal.SIGKILL)

        alarm = threading.Timer(self.limit, stop)
        alarm.start()
        try:
            follow()
            # Not reaped before the alarm is off: its id could be another's.
            os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
        finally:
            alarm.cancel()
            alarm.join()
            process.wait()
        if too_late.is_set():
            return Failed(f"> {self.limit:.3g} s")
        begin, end, processor, peak, status = (int(word) for word in report.read_text().split())
        if status:
            return Failed(_how_it_ended(os.waitstatus_to_exitcode(status), diagnostics))
        return Usage(
            seconds=(end - begin) / 1e9, first=-begin / 1e9, processor=processor / 1e9, peak=peak
        )


def _how_it_ended(status: int, diagnostics: Path) -> str:
    how = f"status {status}" if status > 0 else signal.Signals(-status).name
    lines = diagnostics.read_text(errors="replace").splitlines()
    return f"{how}: {lines[0][:30]}" if lines else how


class Reader:
    """Reads a pipe to its end.

    Attributes:
        tally: what came.
        first: when the first octets came, in seconds of the monotonic clock.
    """

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self.tally = Tally(0, 0)
        self.first = 0.0

    def read_all(self) -> None:
        """Count what comes until the end."""
        buffer = bytearray(CHUNK)
        octets = lines = 0
        while got := os.readv(self._fd, [buffer]):
            if not octets:
                self.first = time.monotonic()
            octets += got
            lines += buffer.count(b"\n", 0, got)
        self.tally = Tally(octets, lines)
