"""Stopping this process from within the handler of SIGTSTP."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType


def stop_this_process() -> None:
    """Stop until SIGCONT comes.

    By SIGTSTP, so that a shell sees what it expects. To a process group that no shell looks after
    (an *orphaned* one) the system does not deliver that; its sender meant it all the same, so
    there it is done by SIGSTOP.
    """
    continued = False

    def go_on(_signum: int, _frame: FrameType | None) -> None:
        nonlocal continued
        continued = True

    handler = signal.signal(signal.SIGTSTP, signal.SIG_DFL)
    old = signal.signal(signal.SIGCONT, go_on)
    try:
        signal.raise_signal(signal.SIGTSTP)
        if not continued:
            os.kill(os.getpid(), signal.SIGSTOP)
    finally:
        # None: it was not set from Python, so it cannot be set again either.
        signal.signal(signal.SIGCONT, signal.SIG_DFL if old is None else old)
        signal.signal(signal.SIGTSTP, signal.SIG_DFL if handler is None else handler)
