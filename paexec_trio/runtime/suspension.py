"""Stopping this process, as SIGTSTP asks for."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, final

if TYPE_CHECKING:
    from collections.abc import Callable

    from paexec_trio.runtime.children import Children
    from paexec_trio.runtime.ends import Ends
    from paexec_trio.runtime.poller import Poller
    from paexec_trio.runtime.timers import Timers


@final
class Suspension:
    """Stops a run with all its nodes (END-044). Handlers of signals call its methods.

    Args:
        poller: carries the stop out between two events.
        children: the processes of the nodes.
        ends: stops them.
        timers: stand still meanwhile.
    """

    def __init__(self, poller: Poller, children: Children, ends: Ends, timers: Timers) -> None:
        self._poller = poller
        self._children = children
        self._ends = ends
        self._timers = timers
        self._is_wanted = False

    def request(self) -> None:
        """Stop until SIGCONT; at once if nothing was started yet."""
        self._is_wanted = True
        if self._children.has_started:
            self._poller.request(self._suspend)
        else:
            stop_this_process(lambda: self._is_wanted)

    def withdraw(self) -> None:
        """Go on, or do not stop if that was asked for and is not done yet: SIGCONT has come."""
        self._is_wanted = False

    def _suspend(self) -> None:
        """Stop, and let the nodes stop as long; no time passes for deadlines."""
        if not self._is_wanted:
            return
        began = self._timers.now()
        with self._ends.stopped(self._children.processes.values()):
            stop_this_process(lambda: self._is_wanted)
        self._timers.stand_still(self._timers.now() - began)


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
