"""Records: what a run of a Python program keeps besides its results, if that is wanted."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, cast, final

from paexec_trio.core.commands import LogAttempt, PrintErrors
from paexec_trio.core.rendering import LazyLines
from paexec_trio.core.settings import StderrMode

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from paexec_trio.core.settings import Settings
    from paexec_trio.runtime.errorrelay import ErrorRelay
    from paexec_trio.runtime.output import Diagnostics
    from paexec_trio.runtime.poller import Loop, Poller
    from paexec_trio.runtime.receivedlog import ReceivedLog
    from paexec_trio.runtime.resultfiles import ResultFiles
    from paexec_trio.runtime.streams import Executors
    from paexec_trio.runtime.timers import Timers


@final
class Records:
    """The job log, the files of each task, and the standard error of calculators.

    Attributes:
        log: the job log, if there is one.
        reads_stderr: whether what calculators write on their standard error becomes events.

    Args:
        settings: those of the run.
        stderr: the descriptor that calculators write to, unless their octets are kept.
        print_line: is called with each line of calculators that is in no result.

    Raises:
        OSError: the job log or the directory cannot be used; its text says why.
    """

    def __init__(
        self, settings: Settings, stderr: int, print_line: Callable[[bytes], None]
    ) -> None:
        self._stderr = stderr
        self._print_line = print_line
        self._is_mixed = settings.stderr is StderrMode.MIXED
        self.reads_stderr = settings.reads_stderr
        self.log: ReceivedLog | None = None
        self._files: ResultFiles | None = None
        self._relay: ErrorRelay | None = None
        self._diagnostics: Diagnostics | None = None
        if settings.results:
            from paexec_trio.runtime.resultfiles import ResultFiles

            self._files = ResultFiles(settings.results, b"results")
        if settings.accounting.log:
            from paexec_trio.runtime.receivedlog import ReceivedLog

            self.log = ReceivedLog(settings.accounting.log)

    def connect(self, loop: Loop, timers: Timers) -> Executors:
        """Begin; return the functions that carry out commands.

        Args:
            loop: that of the run.
            timers: have the time of the run.
        """
        executors: Executors = {}
        if self.log:
            self.log.connect(loop, timers)
            executors[LogAttempt] = self._add
        if self._files:
            executors |= self._files.executors(loop.emit)
        if self.reads_stderr and self._is_mixed:
            # The loop of fakes, which write no errors, is never asked for more.
            executors |= self._make_relay(cast("Poller", loop)).executors()
        elif self.reads_stderr:
            executors[PrintErrors] = lambda command: self._print(command.data)
        return executors

    def _add(self, command: LogAttempt) -> None:
        """Log an attempt, unless its files or those of one before it are missing (ACC-057)."""
        if self.log and not (self._files and self._files.has_failed):
            self.log.add(command)

    def _make_relay(self, poller: Poller) -> ErrorRelay:
        from paexec_trio.runtime.errorrelay import ErrorRelay
        from paexec_trio.runtime.nonblocking import NonblockingWriter
        from paexec_trio.runtime.output import Diagnostics

        try:
            writer = NonblockingWriter(self._stderr)
        except OSError:  # a daemon may have closed it
            writer = None
        self._diagnostics = Diagnostics(writer, self, poller)
        directory = os.environb.get(b"TMPDIR") or b"/tmp"  # GRP-033
        self._relay = ErrorRelay(self._diagnostics, poller, directory)
        return self._relay

    def _print(self, data: bytes | LazyLines) -> None:
        if isinstance(data, LazyLines):
            while taken := data.take():
                self._print(taken)
            return
        for line in data.splitlines():
            self._print_line(line)

    @property
    def flush_at(self) -> float | None:
        """The time of the run at which :meth:`flush` has to be called; ``None``: at no time."""
        return self.log.flush_at if self.log else None

    def flush(self) -> None:
        """Write the lines of the log that are due."""
        if self.log:
            self.log.flush()

    def write_rest(self, patience: float) -> Generator[float, None, None]:
        """Write what is left, when the loop is over; see ``ErrorRelay.write_rest``."""
        if self.log:
            self.log.disconnect()
        if self._relay:
            yield from self._relay.write_rest(patience)

    def end_run(self) -> None:
        """Release what only the loop of the run needs; results may still be received."""
        if self.log:
            self.log.disconnect()
        if self._files:
            self._files.close()
        if self._relay and self._diagnostics:
            self._relay.close()
            self._diagnostics.close()
            self._relay = None

    @property
    def problem(self) -> bytes:
        """Why the log lacks lines of results that were received after the run; otherwise empty."""
        return self.log.problem if self.log else b""

    def close(self) -> None:
        """Release the job log."""
        if self.log:
            self.log.close()
