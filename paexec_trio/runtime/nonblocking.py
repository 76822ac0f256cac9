"""Writing to a descriptor that others share, without ever blocking and without changing it.

``O_NONBLOCK`` belongs to the open file. Other programs, and other descriptors of a terminal, share
that file: setting the flag on standard output would break them.
"""

from __future__ import annotations

import fcntl
import os
import select
import socket
import stat
from collections.abc import Callable
from functools import partial
from typing import final

from paexec_trio.runtime.writequeue import Octets


@final
class NonblockingWriter:
    """Writes to a pipe, socket, terminal, device or file.

    Attributes:
        fd: a descriptor of its own, to wait for.
        write: writes some of the octets and returns how many; raises ``BlockingIOError`` if none
            would go.

    Raises:
        OSError: the descriptor is not open.
    """

    def __init__(self, fd: int) -> None:
        self._socket: socket.socket | None = None
        self.fd: int
        self.write: Callable[[Octets], int]
        mode = os.fstat(fd).st_mode
        if stat.S_ISSOCK(mode):
            self._socket = connection = socket.socket(fileno=os.dup(fd))
            self.fd = connection.fileno()
            self.write = lambda data: connection.send(data, socket.MSG_DONTWAIT)
        elif stat.S_ISREG(mode) or not _is_writable(fd):
            # Never blocks for long, or fails at once; opening it anew could make it writable.
            self.fd = own = os.dup(fd)
            self.write = partial(os.write, own)
        else:
            self._open_anew(fd)

    def _open_anew(self, fd: int) -> None:
        flags = os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
        try:
            self.fd = own = os.open(f"/proc/self/fd/{fd}", flags)
            self.write = partial(os.write, own)
        except OSError:  # no /proc, or another user's terminal
            self.fd = os.dup(fd)
            self.write = _cautious(self.fd)

    def close(self) -> None:
        """Close its own descriptor."""
        if self._socket:
            self._socket.close()
        else:
            os.close(self.fd)


def is_readable(fd: int) -> bool:
    """Return whether a descriptor was opened for reading.

    Raises:
        OSError: it is not open.
    """
    return fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_ACCMODE != os.O_WRONLY


def _is_writable(fd: int) -> bool:
    return fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_ACCMODE != os.O_RDONLY


def _cautious(fd: int) -> Callable[[Octets], int]:
    """Write so little that a pipe which has room cannot block (POSIX: PIPE_BUF octets)."""
    poll = select.poll()
    poll.register(fd, select.POLLOUT)

    def write(data: Octets) -> int:
        if not poll.poll(0):
            raise BlockingIOError
        return os.write(fd, memoryview(data)[: select.PIPE_BUF])

    return write
