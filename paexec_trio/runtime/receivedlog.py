"""The job log of a run whose results a program receives, one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from paexec_trio.core.accounting import Accounting
from paexec_trio.core.joblog import FAILURE, SUCCESS, TIMEOUT
from paexec_trio.runtime.joblog import JobLog
from paexec_trio.runtime.logfiles import open_files

if TYPE_CHECKING:
    from paexec_trio.core.accounting import LogSettings
    from paexec_trio.core.commands import LogAttempt
    from paexec_trio.core.joblog import LogBuffer, LogEntry
    from paexec_trio.core.resuming import Past
    from paexec_trio.runtime.poller import Loop
    from paexec_trio.runtime.timers import Timers

_WITH_RESULT = {SUCCESS, FAILURE, TIMEOUT}
"""The statuses of attempts that the program receives; a resumed run does not run their tasks."""


@final
class ReceivedLog:
    """Logs an attempt when the program has dealt with its result; one without a result, at once.

    A program that dies has all other results again when it resumes.

    Attributes:
        past: the tasks of earlier runs; ``None``: they do not matter.
        buffer: the lines that were not written yet.
        problem: why lines could not be written after the run; otherwise empty.

    Args:
        settings: the name of the log, and which tasks of it are run again.

    Raises:
        LogError: the log cannot be used.
    """

    def __init__(self, settings: LogSettings) -> None:
        self._settings = settings
        self._files = files = open_files(Accounting(log=settings))
        self.past: Past | None = files.past
        self.buffer: LogBuffer = files.buffer
        self.problem = b""
        # How many octets all results have that were received.
        self._octets = files.past.end if files.past else 0
        self._unreceived: dict[int, LogEntry] = {}
        # Results that were received before their attempts were logged.
        self._received: set[int] = set()
        self._log: JobLog | None = None
        self._loop: Loop | None = None

    def connect(self, loop: Loop, timers: Timers) -> None:
        """Begin to write lines, now that there is a loop that can wait for the disk."""
        self._loop = loop
        self._log = JobLog(self._settings, self._files.log, None, self.buffer, loop, timers)

    def add(self, command: LogAttempt) -> None:
        """Log an attempt that has ended, now or when its result is received."""
        entry = command.entry
        if entry.status in _WITH_RESULT and entry.task_id not in self._received:
            self._unreceived[entry.task_id] = entry
        else:
            self._received.discard(entry.task_id)
            self._write(entry)

    def received(self, task_id: int) -> None:
        """Record that the program has dealt with the result of a task, or does not want it."""
        entry = self._unreceived.pop(task_id, None)
        if entry:
            self._write(entry)
        else:
            self._received.add(task_id)

    def _write(self, entry: LogEntry) -> None:
        self._octets += entry.received
        self.buffer.add(entry, self._octets)
        if self._loop is None:
            self._finish()
            return
        self.flush()
        if self._log and (len(self.buffer.ends) == 1 or self._log.is_broken):
            self._loop.wake()  # it has to write later, or to stop the run

    @property
    def flush_at(self) -> float | None:
        """The time of the run at which :meth:`flush` has to be called; ``None``: at no time."""
        return self._log.due_at(self._octets) if self._log else None

    def flush(self) -> None:
        """Write the lines that are due."""
        if self._log:
            self._log.flush(self._octets, at_once=False)

    def disconnect(self) -> None:
        """Write all lines; from now on each one is written at once: the loop is over."""
        self._loop = None
        self._finish()

    def _finish(self) -> None:
        if self._log:
            self.problem = self.problem or self._log.finish(self._octets)

    def close(self) -> None:
        """Release the file; log nothing more."""
        self._log = self._loop = None
        self._files.close()
