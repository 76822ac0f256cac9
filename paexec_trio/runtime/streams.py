"""The outer ends of a run: where its tasks come from, and where results and diagnostics go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, final

from paexec_trio.core.accounting import NO_ACCOUNTING
from paexec_trio.core.commands import (
    Discard,
    DrainOutput,
    Hold,
    HoldLines,
    Join,
    LogAttempt,
    ReadMore,
    Release,
    Write,
    WriteLines,
)
from paexec_trio.core.engine import Engine, forbidden_octet
from paexec_trio.runtime.diagnostics import write_diagnostic
from paexec_trio.runtime.input import Input, share_read
from paexec_trio.runtime.output import Diagnostics, Output, open_writers

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from paexec_trio.core.commands import Command
    from paexec_trio.core.execmode import ExecMode
    from paexec_trio.core.facts import FactStream
    from paexec_trio.core.settings import Settings
    from paexec_trio.runtime.errorrelay import ErrorRelay
    from paexec_trio.runtime.logfiles import LogFiles
    from paexec_trio.runtime.poller import Poller
    from paexec_trio.runtime.resultfiles import ResultFiles
    from paexec_trio.runtime.screen import Screen
    from paexec_trio.runtime.timers import Timers

Executors = dict[type["Command"], "Callable[[Any], None]"]
"""The function that carries out each class of commands."""


class Backlog(Protocol):
    """Octets that wait to be taken: more than ``CONGESTED_ABOVE`` of them are backpressure."""

    size: int

    def append(self, result: Any) -> None:
        """Add a result, as the fast path returned it."""


class ResultSink(Protocol):
    """Takes the results of a run.

    Attributes:
        is_broken: whether no result can be passed on any more.
        on_room: called once, when backpressure ends.
    """

    is_broken: bool
    on_room: Callable[[], object] | None

    @property
    def queue(self) -> Backlog:
        """The octets that wait to be taken."""

    @property
    def is_congested(self) -> bool:
        """Whether results have to wait in the pipes of their nodes (DSP-025)."""

    @property
    def has_more(self) -> bool:
        """Whether a result can be passed on at once."""

    @property
    def flush_at(self) -> float | None:
        """The time of the run at which :meth:`flush` has to be called; ``None``: at no time."""

    def flush(self) -> None:
        """Pass on as many results as are taken."""

    def stop_watching(self) -> None:
        """Watch no descriptor any more; the poller does not either."""

    def write_rest(self, patience: float) -> Generator[float, None, None]:
        """Pass on the rest of the results, at the end of a run; see ``Output.write_rest``."""


class Streams(Protocol):
    """The outer ends of a run.

    Attributes:
        stderr: the descriptor of the calculators' standard error.
        facts: are told what happens; ``None``: nobody wants to know.
    """

    stderr: int
    facts: FactStream | None

    @property
    def reads_stderr(self) -> bool:
        """Whether the errors of calculators become events; decided with the engine."""

    def make_engine(self, settings: Settings, exec_mode: ExecMode | None) -> Engine:
        """Return an engine that takes tasks from these streams and gives them its results."""

    def open(self) -> None:
        """Open the descriptors for the run, before it makes any of its own.

        Raises:
            OSError: a descriptor is not open, or there are too few.
        """

    def connect(self, poller: Poller, timers: Timers) -> tuple[ResultSink, Executors]:
        """Begin; return the sink of the results, and the functions that carry out commands."""

    def share_read(self) -> float | None:
        """Return how much of the input was read, if that is known; at most 1."""

    def report(self, text: bytes) -> None:
        """Report a diagnostic; never blocks once the streams are connected (SEC-002)."""

    def write_rest(self, patience: float) -> Generator[float, None, None]:
        """Write the last diagnostics as long as somebody reads them (END-049)."""

    def close(self) -> None:
        """Release the descriptors."""


@final
class StandardStreams:
    """The :class:`Streams` of a program: three descriptors.

    Args:
        stdin: the descriptor that tasks are read from.
        stdout: the descriptor that results are written to; its flags are not changed.
        stderr: the descriptor of diagnostics and of the calculators' standard error.
        spill_directory: where the temporary file of held output is made.
        screen: the terminal, if a line is painted on it.
        facts: are told what happens; ``None``: nobody wants to know.
    """

    def __init__(
        self,
        stdin: int,
        stdout: int,
        stderr: int,
        spill_directory: bytes,
        facts: FactStream | None = None,
        screen: Screen | None = None,
    ) -> None:
        self.facts = facts
        self._screen = screen
        self._stdin = stdin
        self._stdout = stdout
        self.stderr = stderr
        self._spill_directory = spill_directory
        self._output: Output | None = None
        self._diagnostics: Diagnostics | None = None
        self._settings = NO_ACCOUNTING
        self._program = b""
        self._files: LogFiles | None = None

        self.reads_stderr = False
        self._relay: ErrorRelay | None = None
        self._results: ResultFiles | None = None

    def make_engine(self, settings: Settings, exec_mode: ExecMode | None) -> Engine:
        """Return an engine that reads tasks from standard input and prints results.

        Raises:
            OSError: the directory of ``--results`` cannot be used.
        """
        self._settings, self._program = settings.accounting, settings.program
        self.reads_stderr = settings.reads_stderr
        if settings.results:
            from paexec_trio.runtime.resultfiles import ResultFiles  # rarely needed

            self._results = ResultFiles(settings.results)
        if not (self._settings.log or self._settings.output):
            return Engine(settings, exec_mode=exec_mode, facts=self.facts)
        from paexec_trio.runtime.logfiles import open_files

        self._files = files = open_files(self._settings, (self._stdin, self._stdout, self.stderr))
        if files.output >= 0:
            self._stdout = files.output
        if files.tasks:
            files.tasks.forbidden = forbidden_octet(per_task=exec_mode is not None)
        return Engine(
            settings,
            tasks=files.tasks,
            exec_mode=exec_mode,
            past=files.past,
            log_buffer=files.buffer,
            facts=self.facts,
        )

    def open(self) -> None:
        """Open writers to both outputs."""
        self._writers = open_writers(self._stdout, self.stderr)
        if self._screen:
            self._screen.attach(*self._writers)

    def share_read(self) -> float | None:
        """Return how much of the input was read, if that is a file; at most 1."""
        return share_read(self._stdin)

    def connect(self, poller: Poller, timers: Timers) -> tuple[Output, Executors]:
        """Begin to watch the reader of standard output."""
        writer, diagnostics_writer = self._writers
        self._output = output = Output(writer, poller, timers, self._spill_directory)
        self._diagnostics = Diagnostics(diagnostics_writer, output, poller)
        stdin = Input(self._stdin, poller)
        executors: Executors = {
            Write: lambda command: output.write(command.data),
            WriteLines: lambda command: output.write(command.lines),
            Hold: lambda command: output.hold(command.group, command.data),
            HoldLines: lambda command: output.hold(command.group, command.lines),
            Join: lambda command: output.join(command.group, command.other),
            Release: lambda command: output.release(command.group),
            Discard: lambda command: output.discard(command.group),
            ReadMore: lambda _command: stdin.read_more(),
            DrainOutput: lambda _command: output.drain(),
        }
        if self.reads_stderr:
            self._relay = self._make_relay(self._diagnostics, poller)
            executors |= self._relay.executors()
        if self._results:
            executors |= self._results.executors(poller.emit)
        if self._files and self._settings.log:
            from paexec_trio.runtime.joblog import JobLog

            if self._files.past and self._files.output >= 0:
                output.written = self._files.past.end
            output.log = JobLog(
                *(self._settings.log, self._files.log, self._stdout),
                *(self._files.buffer, poller, timers),
            )
            executors[LogAttempt] = self._log
        return output, executors

    def _log(self, command: LogAttempt) -> None:
        """Log an attempt, unless its files or those of one before it are missing (ACC-057).

        A resumed run does these tasks again. Later lines would keep octets in the output that it
        writes again.
        """
        if self._files and not (self._results and self._results.has_failed):
            self._files.buffer.add(command.entry, command.end)

    def _make_relay(self, diagnostics: Diagnostics, poller: Poller) -> ErrorRelay:
        from paexec_trio.runtime.errorrelay import ErrorRelay  # rarely needed

        return ErrorRelay(diagnostics, poller, self._spill_directory)

    def report(self, text: bytes) -> None:
        """Queue a diagnostic behind the output so far, or write it if nothing was begun."""
        if self._relay:
            self._relay.report(text)
        elif self._diagnostics:
            self._diagnostics.report(text)
        else:
            write_diagnostic(self.stderr, text)

    def write_rest(self, patience: float) -> Generator[float, None, None]:
        """Write the last diagnostics as long as somebody reads them (END-049)."""
        if self._output and self._output.log:
            problem = self._output.log.finish(self._output.written)
            if problem:
                self.report(self._program + b": " + problem)
        if self._relay:
            yield from self._relay.write_rest(patience)
        elif self._diagnostics:
            yield from self._diagnostics.write_rest(patience)

    def close(self) -> None:
        """Release the descriptors, and delete the temporary file."""
        if self._relay:
            self._relay.close()
        if self._results:
            self._results.close()
        if self._files:
            self._files.close()
        if self._output and self._diagnostics:
            self._output.close()
            self._diagnostics.close()
            return
        for writer in self._writers:
            if writer:
                writer.close()
