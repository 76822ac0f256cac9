"""Pipes from the standard error of nodes, for runs that read it."""

from __future__ import annotations

import fcntl
import os
import sys
import termios
from functools import partial
from typing import TYPE_CHECKING, final

from paexec_trio.core.events import NodeErrors
from paexec_trio.runtime.poller import CHUNK, READ

if TYPE_CHECKING:
    from collections.abc import Iterator

    from paexec_trio.core.events import Event
    from paexec_trio.runtime.poller import Poller
    from paexec_trio.runtime.process import NodeProcess


@final
class ErrorPipes:
    """Reads what nodes write on their standard error, and never waits for it.

    Octets have to be read before the result that a calculator writes after them: then they belong
    to the right task. So the caller that has read a result takes :meth:`rest` before it handles
    the result. Nobody waits for the end of such a pipe, because a process in the background may
    keep it open.

    Attributes:
        are_wanted: whether processes have such pipes.

    Args:
        poller: tells when there is something to read.
        are_wanted: see the attribute.
    """

    def __init__(self, poller: Poller, *, are_wanted: bool) -> None:
        self._poller = poller
        self.are_wanted = are_wanted

    def watch(self, process: NodeProcess) -> None:
        """Read the pipe of a process, if it has one, when there is something in it."""
        if self.are_wanted:
            self._poller.watch(process.stderr, READ, partial(self._read, process))

    def _read(self, process: NodeProcess) -> Iterator[Event]:
        try:
            data = os.read(process.stderr, CHUNK)
        except BlockingIOError:
            return
        if data:
            yield NodeErrors(process.node, data)
        else:
            self.close(process)

    def rest(self, process: NodeProcess) -> Iterator[Event]:
        """Read what is in the pipe now, and no more, so that a fast writer cannot keep us here."""
        if process.stderr < 0:
            return
        ready = fcntl.ioctl(process.stderr, termios.FIONREAD, bytes(4))
        left = int.from_bytes(ready, sys.byteorder)
        while left > 0:
            data = os.read(process.stderr, min(left, CHUNK))
            left -= len(data)
            yield NodeErrors(process.node, data)

    def end(self, process: NodeProcess) -> Iterator[Event]:
        """Read what is in the pipe now, and close it."""
        yield from self.rest(process)
        self.close(process)

    def close(self, process: NodeProcess) -> None:
        """Read the pipe no longer; close it."""
        if process.stderr in self._poller.watchers:
            self._poller.unwatch(process.stderr)
        process.close_stderr()
