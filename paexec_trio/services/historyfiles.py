"""The files behind ``--trace`` and ``--report``."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, final

from paexec_trio.core.facts import FactStream
from paexec_trio.core.visible import visible
from paexec_trio.history.slices import history_of
from paexec_trio.history.story import Story
from paexec_trio.history.trace import TraceWriter

if TYPE_CHECKING:
    from collections.abc import Sequence

    import trio

    from paexec_trio.core.graph import TaskGraph
    from paexec_trio.services.interface import Facts

PERIOD = 0.25
"""Seconds after which the facts of a run are taken again."""


class HistoryFileError(OSError):
    """A file cannot be opened or written; the arguments are its name, and why."""

    def __init__(self, path: bytes, error: OSError) -> None:
        super().__init__(path, os.fsencode(error.strerror or str(error)))


@final
class HistoryFiles:
    """Writes the history of a run to files: a trace while it goes on, a page when it is over.

    It is a service. What no service has taken, because the run was over before trio was loaded,
    is taken by :meth:`finish`.

    Args:
        program: the name by which the program was called.
        arguments: those of the call; the page shows them.
        trace: the file for the trace; nothing: none.
        report: the file for the page; nothing: none.

    Attributes:
        facts: what the run has to be given.
        error: the first one that came while a file was written.

    Raises:
        HistoryFileError: a file cannot be opened.
    """

    def __init__(
        self, program: bytes, arguments: Sequence[bytes], *, trace: bytes, report: bytes
    ) -> None:
        self.facts = FactStream()
        self.error: HistoryFileError | None = None
        self._reader = self.facts.follow()
        self.facts.forget_history()
        self._title = " ".join(
            [visible(word).decode(errors="backslashreplace") for word in (program, *arguments)]
        )
        self._began = time.strftime("%Y-%m-%d %H:%M:%S")
        self._writer = TraceWriter(program)
        self._trace, self._report = trace, report
        # Now, so that a name that cannot be used is an error before anything is started.
        self._trace_fd = _open(trace) if trace else -1
        self._report_fd = _open(report) if report else -1
        self._story = Story()
        if report:
            self._story.keep_durations()

    async def __call__(
        self, _facts: Facts, /, *, task_status: trio.TaskStatus[None] | None = None
    ) -> None:
        """Take the facts of the run from time to time, until it is over."""
        import trio

        if task_status:
            task_status.started()
        while True:
            self.drain()
            await trio.sleep(PERIOD)

    def drain(self) -> None:
        """Take the facts that wait: write them to the trace, add them to the story."""
        pieces = [*history_of(self._reader.take())]
        if self._trace_fd >= 0:
            lines = self._writer.lines(self.facts.nodes, pieces)
            self._write(self._trace_fd, self._trace, lines)
        if self._report_fd >= 0:
            self._story.add(pieces)

    def finish(self, graph: TaskGraph | None) -> None:
        """Complete the files: the run is over.

        Args:
            graph: the tasks and their edges, in graph mode.
        """
        self.drain()
        if self._trace_fd >= 0:
            self._write(self._trace_fd, self._trace, self._writer.end())
        if self._report_fd >= 0:
            self._write(self._report_fd, self._report, self._page(graph))

    def _page(self, graph: TaskGraph | None) -> bytes:
        from paexec_trio.history.page import page  # only at the end

        story = self._story
        story.nodes = self.facts.nodes
        story.end()
        chain = (
            story.critical_path(
                graph.topological_order(), graph.dependants, graph.names.__getitem__
            )
            if graph
            else []
        )
        title = f"{self._title} ({self._began})"
        return page(title, story, chain, is_graph=bool(chain)).encode()

    def _write(self, fd: int, path: bytes, data: bytes) -> None:
        """Write all of some octets; after an error nothing is written any more."""
        try:
            while data and not self.error:
                data = data[os.write(fd, data) :]
        except OSError as error:
            self.error = HistoryFileError(path, error)


def _open(path: bytes) -> int:
    try:
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
    except OSError as error:
        raise HistoryFileError(path, error) from None
