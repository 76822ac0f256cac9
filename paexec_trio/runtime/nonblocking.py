"""Writing to a descriptor that others share, without ever blocking and without changing it.

``O_NONBLOCK`` belongs to the open file, which a terminal's other descriptors and other programs
share: setting it on standard output would break them.
"""

from __future__ import annotations

import fcntl
import os
import select
import socket
import stat
from collections.abc import Callable

from paexec_trio.runtime.writequeue import Octets

Writer = Callable[[Octets], int]
"""Writes some of the octets and returns how many; raises ``BlockingIOError`` if none would go."""


def nonblocking_writer(fd: int) -> tuple[int, Writer]:
    """Return a descriptor to wait for, and the function that writes.

    Raises:
        OSError: the descriptor is not open.
    """
    mode = os.fstat(fd).st_mode
    if stat.S_ISREG(mode) or fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
        # Never blocks for long, or fails at once; opening it anew could make it writable.
        return fd, lambda data: os.write(fd, data)
    if stat.S_ISSOCK(mode):
        connection = socket.socket(fileno=os.dup(fd))
        return fd, lambda data: connection.send(data, socket.MSG_DONTWAIT)
    try:
        own = os.open(
            f"/proc/self/fd/{fd}", os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
        )
    except OSError:  # no /proc, or another user's terminal
        return fd, _cautious_writer(fd)
    return own, lambda data: os.write(own, data)


def _cautious_writer(fd: int) -> Writer:
    """Write so little that a pipe which has room cannot block (POSIX: PIPE_BUF octets)."""
    poll = select.poll()
    poll.register(fd, select.POLLOUT)

    def write(data: Octets) -> int:
        if not poll.poll(0):
            raise BlockingIOError
        return os.write(fd, memoryview(data)[: select.PIPE_BUF])

    return write
