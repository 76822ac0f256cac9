"""Writing the job log (the section Job log of the spec)."""

from __future__ import annotations

import os
import threading
from signal import SIG_BLOCK, pthread_sigmask, valid_signals
from time import time
from typing import TYPE_CHECKING, final

from paexec_trio.core.events import LogFailed
from paexec_trio.core.visible import diagnostic
from paexec_trio.runtime.diagnostics import reason_of
from paexec_trio.runtime.logfiles import is_regular, write_all

if TYPE_CHECKING:
    from paexec_trio.core.accounting import LogSettings
    from paexec_trio.core.joblog import LogBuffer
    from paexec_trio.runtime.poller import Loop
    from paexec_trio.runtime.timers import Timers

_PERIOD = 0.005
"""Seconds after a write in which lines are collected for the next: it saves half of their cost."""

_sync = getattr(os, "fdatasync", os.fsync)
"""macOS has no ``fdatasync``."""


@final
class JobLog:
    """Writes a line for each attempt, once its result was written.

    If results have to be on the disk first, a thread waits for the disk, one batch at a time.

    Args:
        settings: the name of the file, and whether its lines wait for the disk.
        fd: its descriptor.
        output: the descriptor that results are written to; ``None``: a program receives them.
        buffer: see the attribute.
        poller: is told of failures, and woken when a batch is on the disk.
        timers: have the time of the run.

    Attributes:
        buffer: the lines that were not written yet.
        is_broken: whether a line could not be written; no other one is then.
    """

    def __init__(
        self,
        settings: LogSettings,
        fd: int,
        output: int | None,
        buffer: LogBuffer,
        poller: Loop,
        timers: Timers,
    ) -> None:
        self._name = settings.file
        self._fd = fd
        self._syncs = settings.sync
        self._period = 0.0 if settings.sync else _PERIOD  # the disk sets the pace
        self._due_at = 0.0
        self._to_sync: list[int] = []
        if settings.sync and output is not None and is_regular(output):
            self._to_sync.append(output)
        self._log_is_file = is_regular(fd)
        self.buffer = buffer
        self.buffer.epoch = time() - timers.now()
        self._poller = poller
        self._timers = timers
        self._committer: threading.Thread | None = None
        self._error: OSError | None = None
        self.is_broken = False

    def is_done(self, written: int) -> bool:
        """Return whether no attempt is left that ``written`` octets of output let be logged."""
        return self.is_broken or not (
            self._committer or (self.buffer.ends and self.buffer.ends[0] <= written)
        )

    def due_at(self, written: int) -> float | None:
        """Return the time of the run at which :meth:`flush` will write; ``None``: it need not."""
        ends = self.buffer.ends
        return self._due_at if ends and ends[0] <= written and not self._committer else None

    def flush(self, written: int, *, at_once: bool) -> None:
        """Log the attempts whose results are among the first ``written`` octets of the output.

        Args:
            written: how many octets of the output are written.
            at_once: do not wait for more lines, since there will be none.
        """
        if not self.buffer.ends or self._committer:
            return
        now = self._timers.now()
        if now < self._due_at and not at_once:
            return
        if lines := self._take_lines(written):
            self._due_at = now + self._period
            if self._syncs:
                self._committer = threading.Thread(target=self._commit, args=(lines,), daemon=True)
                self._committer.start()
                return
            self._write(lines)
            if self._error:
                self._fail(self._error)

    def _write(self, lines: bytes) -> None:
        try:
            write_all(self._fd, lines)
        except OSError as error:
            self._error = error

    def _take_lines(self, written: int) -> bytes:
        self.buffer.epoch = time() - self._timers.now()
        lines = self.buffer.take(written)
        return b"" if self.is_broken else lines

    def _commit(self, lines: bytes) -> None:
        """Write lines behind their results; runs in a thread, because a disk can be slow."""
        pthread_sigmask(SIG_BLOCK, valid_signals())  # they are to wake the main thread
        self._write_durably(lines)
        self._poller.request(self._committed)

    def _write_durably(self, lines: bytes) -> None:
        try:
            for fd in self._to_sync:
                _sync(fd)
            write_all(self._fd, lines)
            if self._log_is_file:
                _sync(self._fd)
        except OSError as error:
            self._error = error

    def _committed(self) -> None:
        if self._committer:
            self._committer.join()
            self._committer = None
        if self._error:
            self._fail(self._error)

    def _fail(self, error: OSError) -> None:
        self.is_broken = True
        self._poller.emit(LogFailed(self._why(error)))

    def _why(self, error: OSError) -> bytes:
        return diagnostic(b"writing the job log '%b' failed: %b", self._name, reason_of(error))

    def finish(self, written: int) -> bytes:
        """Log the last attempts, when the run does nothing else any more.

        Returns:
            Why this failed, or nothing.
        """
        if self._committer:
            self._committer.join()
            self._committer = None
        was_broken = self.is_broken
        if not self._error and (lines := self._take_lines(written)):
            if self._syncs:
                self._write_durably(lines)
            else:
                self._write(lines)
        return b"" if was_broken or not self._error else self._why(self._error)
