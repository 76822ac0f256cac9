"""Standard output and standard error of a run, and the backpressure that comes from them."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, Protocol, final

from paexec_trio.core.events import HoldingFailed, OutputClosed, OutputDrained, OutputFailed
from paexec_trio.core.visible import visible
from paexec_trio.runtime.diagnostics import reason_of
from paexec_trio.runtime.holding import HeldOutput
from paexec_trio.runtime.nonblocking import NonblockingWriter
from paexec_trio.runtime.poller import HANG_UP, WRITE, silently
from paexec_trio.runtime.spillfile import SpillError
from paexec_trio.runtime.writequeue import WriteQueue

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from paexec_trio.core.events import Event
    from paexec_trio.core.rendering import LazyLines
    from paexec_trio.runtime.joblog import JobLog
    from paexec_trio.runtime.poller import Poller
    from paexec_trio.runtime.timers import Timers

CONGESTED_ABOVE = 1 << 18
"""If more octets than this wait for a slow reader of standard output, no results are read."""

_READER_IS_GONE = {errno.EPIPE, errno.ECONNRESET}


@final
class Output:
    """Standard output: written as fast as the reader takes it, without waiting.

    Attributes:
        queue: the octets to be written; more than ``CONGESTED_ABOVE`` of them are backpressure.
        on_room: called once, when backpressure ends.
        is_broken: whether writing failed for good; nothing must be queued then.
        written: how many octets of the output are written, those of earlier runs included.
        log: is told of them, if attempts are logged.

    Args:
        writer: writes to standard output.
        poller: tells when there is room.
        timers: knows when the output is to be given up.
        spill_directory: where the temporary file of held output is made.
    """

    def __init__(
        self, writer: NonblockingWriter, poller: Poller, timers: Timers, spill_directory: bytes
    ) -> None:
        self._writer = writer
        self._is_terminal = os.isatty(writer.fd)
        self._poller = poller
        self._timers = timers
        self.queue = WriteQueue()
        self._held: HeldOutput[int] = HeldOutput(spill_directory)
        self._is_blocked = False
        self.is_broken = False
        self._drain_wanted = False
        self.on_room: Callable[[], object] | None = None
        self.written = 0
        self.log: JobLog | None = None
        self._is_watched = poller.watch(self._writer.fd, HANG_UP, silently(self._ready))

    @property
    def is_congested(self) -> bool:
        """Whether results have to wait in the pipes of their nodes (DSP-025)."""
        return self.queue.size > CONGESTED_ABOVE

    @property
    def has_more(self) -> bool:
        """Whether there is something to write at once."""
        return self.queue.size > 0 and not self._is_blocked

    @property
    def flush_at(self) -> float | None:
        """The time of the run at which :meth:`flush` has to be called; ``None``: at no time."""
        return self.log.due_at(self.written) if self.log else None

    # What the engine wants

    def write(self, data: bytes | bytearray | LazyLines) -> None:
        """Write after all that is to be written."""
        if not self.is_broken:
            self.queue.append(data)
            if self.queue.size > CONGESTED_ABOVE:
                self.flush()

    def hold(self, group: int, data: bytes | bytearray | LazyLines) -> None:
        """Append to the group's held output."""
        try:
            self._held.hold(group, data)
        except SpillError as error:
            self._poller.emit(HoldingFailed(error.reason))

    def join(self, group: int, other: int) -> None:
        """Move the held output of ``other`` to the end of that of ``group``."""
        try:
            self._held.join(group, other)
        except SpillError as error:
            self._poller.emit(HoldingFailed(error.reason))

    def release(self, group: int) -> None:
        """Write the group's held output, after all that is to be written."""
        self._held.release(group)
        if not self.is_broken:
            self._take_released()
            if self.queue.size > CONGESTED_ABOVE:
                self.flush()

    def discard(self, group: int) -> None:
        """Drop the group's held output."""
        self._held.discard(group)

    def drain(self) -> None:
        """Emit ``OutputDrained`` when everything is written."""
        self._drain_wanted = True

    # Writing

    def flush(self) -> None:
        """Write as much as the reader takes."""
        if self.queue.size and not self._is_blocked:
            self._write_queue()
        if self.log:
            self.log.flush(self.written, at_once=self._drain_wanted)
        if self._drain_wanted:
            self._emit_if_drained()

    def _write_queue(self) -> None:
        size = self.queue.size
        try:
            try:
                self.queue.flush(self._writer.write)
            finally:
                self.written += size - self.queue.size
        except BlockingIOError:
            if self.queue.size < size:
                self._timers.put_off_giving_up()
            self._take_released()
            self._set_blocked(blocked=True)
            return
        except OSError as error:
            gone = error.errno in _READER_IS_GONE
            gone |= error.errno == errno.EIO and self._is_terminal  # it was hung up
            self._break(OutputClosed() if gone else OutputFailed(reason_of(error)))
        else:
            if self._timers.giving_up:
                self._timers.put_off_giving_up()
            self._take_released()
            if self._drain_wanted:
                self._emit_if_drained()
        if self._is_blocked:
            self._set_blocked(blocked=False)
        if self.on_room and not self.is_congested:
            on_room, self.on_room = self.on_room, None
            on_room()

    def _set_blocked(self, *, blocked: bool) -> None:
        if self._is_blocked != blocked:
            self._is_blocked = blocked
            if self._is_watched:
                self._poller.selector.change(self._writer.fd, WRITE if blocked else HANG_UP)

    def _take_released(self) -> None:
        """Fill the queue with what was released; the rest has to wait where it is.

        While something has to wait, the queue is congested.
        """
        try:
            while self.queue.size <= CONGESTED_ABOVE and (data := self._held.take()):
                self.queue.append(data)
        except SpillError as error:
            self._poller.emit(HoldingFailed(error.reason))

    def _break(self, event: Event) -> None:
        self.is_broken = True
        self.queue.clear()
        if self._is_watched:
            self._is_watched = False
            self._poller.unwatch(self._writer.fd)
        self._poller.emit(event)

    def _ready(self) -> None:
        """Handle room for more output, or its reader's end."""
        if self._is_blocked:
            self._write_queue()
        elif not self.is_broken:
            self._break(OutputClosed())

    def _emit_if_drained(self) -> None:
        if not self.queue.size and (self.log is None or self.log.is_done(self.written)):
            self._drain_wanted = False
            self._poller.emit(OutputDrained())

    # The end

    def stop_watching(self) -> None:
        """Wait for nothing any more, as the poller does."""
        self._is_watched = False

    def write_rest(self, patience: float) -> Generator[float, None, None]:
        """Write what is queued, when nothing is watched any more.

        Args:
            patience: seconds in which nobody takes any of it until it is given up.

        Yields:
            How long to wait for the poller.
        """
        while self.queue.size and not self.is_broken:
            self._is_blocked = False
            self._write_queue()
            if self._is_blocked:
                has_room = yield from self._poller.until_writable(self._writer.fd, patience)
                if not has_room:
                    return

    def close(self) -> None:
        """Release the descriptor, and delete the temporary file."""
        self._writer.close()
        self._held.close()


class Flushable(Protocol):
    """Octets that are written before diagnostics."""

    def flush(self) -> None:
        """Write as much as the reader takes."""


@final
class Diagnostics:
    """Standard error: written without waiting; dropped at the end of the run if nobody reads it.

    Attributes:
        on_room: called when there is room again, after the reader kept something waiting.

    Args:
        writer: writes to it, ``None`` if it is closed.
        output: what was printed before a diagnostic is written before it (END-013).
        poller: tells when there is room.
    """

    def __init__(self, writer: NonblockingWriter | None, output: Flushable, poller: Poller) -> None:
        self._writer = writer
        self._output = output
        self._poller = poller
        self._queue = WriteQueue()
        self.on_room: Callable[[], object] | None = None

    @property
    def size(self) -> int:
        """How many octets wait for the reader."""
        return self._queue.size

    def report(self, text: bytes) -> None:
        """Queue a diagnostic behind the output so far; never blocks (SEC-002)."""
        self.write(visible(text) + b"\n")

    def write(self, data: bytes | bytearray | LazyLines) -> None:
        """Queue octets behind the output so far; never blocks."""
        self._output.flush()
        if self._writer:
            self._queue.append(data)
            self._flush()

    def _ready(self) -> None:
        """Handle room for more."""
        self._flush()
        if self.on_room:
            self.on_room()

    def _flush(self) -> None:
        writer = self._writer
        assert writer is not None  # noqa: S101 (nothing is queued without it)
        is_watched = writer.fd in self._poller.watchers
        try:
            self._queue.flush(writer.write)
        except BlockingIOError:
            if not is_watched:
                self._poller.watch(writer.fd, WRITE, silently(self._ready))
            return
        except OSError:
            self._queue.clear()  # nobody is left to be told
        if is_watched:
            self._poller.unwatch(writer.fd)

    def write_rest(self, patience: float) -> Generator[float, None, None]:
        """Write the last diagnostics as long as somebody reads them (END-049).

        Args:
            patience: seconds in which nobody takes any of it until it is given up.

        Yields:
            How long to wait for the poller.
        """
        writer = self._writer
        while writer and self._queue.size:
            try:
                self._queue.flush(writer.write)
            except BlockingIOError:
                has_room = yield from self._poller.until_writable(writer.fd, patience)
                if not has_room:
                    return
            except OSError:
                return

    def close(self) -> None:
        """Release the descriptor."""
        if self._writer:
            self._writer.close()


def open_writers(stdout: int, stderr: int) -> tuple[NonblockingWriter, NonblockingWriter | None]:
    """Return writers to both descriptors, ``None`` for standard error if it is closed.

    Raises:
        OSError: ``stdout`` is not open, or there are too few descriptors.
    """
    writer = NonblockingWriter(stdout)
    try:
        return writer, NonblockingWriter(stderr)
    except OSError as error:
        if error.errno == errno.EBADF:
            return writer, None  # there is nobody to be told anything
        writer.close()
        raise
