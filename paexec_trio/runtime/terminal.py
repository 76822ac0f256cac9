"""The check for a terminal whose keys could reach the processes that are started."""

from __future__ import annotations

import errno
import os


def has_terminal() -> bool:
    """Return whether this process has a controlling terminal; if in doubt, it has one."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError as error:
        return error.errno != errno.ENXIO
    return True
