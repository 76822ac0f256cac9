"""The times at which something passed through the pipes of a node.

The system keeps them, so that nobody has to note a time per task.
"""

from __future__ import annotations

import fcntl
import os
import stat
import struct
import termios
from time import time
from typing import TYPE_CHECKING

from paexec_trio.core.overview import PipeTimes

if TYPE_CHECKING:
    from collections.abc import Callable

    from paexec_trio.runtime.process import NodeProcess


def pipe_times(process: NodeProcess | None, clock: Callable[[], float] = time) -> PipeTimes | None:
    """Return the times of the pipes of a process.

    Args:
        process: the process.
        clock: returns the time of the system, in seconds.

    Returns:
        The times, or ``None`` if a pipe is closed, or the system does not keep times of pipes.
    """
    if process is None or process.stdin < 0 or process.stdout < 0:
        return None
    try:
        its_input, its_output = os.fstat(process.stdin), os.fstat(process.stdout)
        unread = struct.unpack("i", fcntl.ioctl(process.stdin, termios.FIONREAD, bytes(4)))[0]
    except OSError:
        return None
    if not (stat.S_ISFIFO(its_input.st_mode) and its_input.st_mtime):
        return None
    now = clock()
    # The clock of pipes lags behind by some milliseconds.
    return PipeTimes(
        max(0.0, now - its_input.st_mtime),
        max(0.0, now - its_output.st_atime),
        max(0.0, now - its_output.st_mtime),
        unread == 0 and not process.unsent.size,
    )
