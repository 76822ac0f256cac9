"""Stopping this process, as SIGTSTP asks for."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def stop_this_process(is_wanted: Callable[[], bool]) -> None:
    """Stop until SIGCONT comes, unless it has come already.

    By SIGTSTP, so that a shell sees what it expects. To a process group that no shell looks after
    (an *orphaned* one) the system does not deliver that; its sender meant it all the same, so
    there it is done by SIGSTOP.

    Args:
        is_wanted: returns whether no SIGCONT has come since SIGTSTP.
    """
    handler = signal.signal(signal.SIGTSTP, signal.SIG_DFL)
    try:
        if is_wanted():
            signal.raise_signal(signal.SIGTSTP)
        if is_wanted():
            os.kill(os.getpid(), signal.SIGSTOP)
    finally:
        # None: it was not set from Python, so it cannot be set again either.
        signal.signal(signal.SIGTSTP, signal.SIG_DFL if handler is None else handler)
