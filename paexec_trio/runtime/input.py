"""Standard input of a run."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, final

from paexec_trio.core.events import StdinChunk, StdinEnded, StdinFailed
from paexec_trio.runtime.diagnostics import reason_of
from paexec_trio.runtime.nonblocking import is_readable
from paexec_trio.runtime.poller import CHUNK

if TYPE_CHECKING:
    from collections.abc import Iterator

    from paexec_trio.core.events import Event
    from paexec_trio.runtime.poller import Poller


def share_read(fd: int) -> float | None:
    """Return how much of a file was read, ``None`` if a descriptor is no file. Reads nothing."""
    try:
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode) or not status.st_size:
            return None
        return min(1.0, os.lseek(fd, 0, os.SEEK_CUR) / status.st_size)
    except OSError:
        return None


@final
class Input:
    """Reads one chunk of a descriptor each time it is asked to.

    Args:
        fd: the descriptor.
        poller: tells when there is something to read.
    """

    def __init__(self, fd: int, poller: Poller) -> None:
        self._fd = fd
        self._poller = poller
        self._is_watched = False

    def read_more(self) -> None:
        """Read one more chunk, as soon as there is one."""
        if self._is_watched or is_readable(self._fd):
            self._is_watched = self._poller.watch_once(self._fd, self._ready)
        # Otherwise reading tells that the descriptor cannot be read; no selector would.
        if not self._is_watched:
            self._poller.pending.append(self._ready())

    def _ready(self) -> Iterator[Event]:
        try:
            data = os.read(self._fd, CHUNK)
        except BlockingIOError:  # somebody else made it non-blocking and was faster
            self.read_more()
            return
        except OSError as error:
            yield StdinFailed(reason_of(error))
            return
        yield StdinChunk(data) if data else StdinEnded()
