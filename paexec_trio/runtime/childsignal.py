"""SIGCHLD, passed on to every run in this process and to the handler that was set before."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

_listeners: list[Callable[[], None]] = []
_before: list[Callable[[int, FrameType | None], object] | int | None] = []


def listen(listener: Callable[[], None]) -> bool:
    """Call the listener, in a signal handler, when a child may have ended.

    Returns:
        ``False`` if no handler would be called: only the main thread can set one and put back what
        was there before, another one may have been set since, and the parent of this process may
        have blocked the signal, which is then blocked in our children, too.
    """
    if signal.SIGCHLD in signal.pthread_sigmask(signal.SIG_BLOCK, ()):
        return False
    if _listeners and signal.getsignal(signal.SIGCHLD) is not _tell:
        return False
    try:
        # For further listeners, too, although it is set: only the main thread can.
        before = signal.signal(signal.SIGCHLD, _tell)
    except ValueError:
        return False
    if before is not _tell:  # it would call itself
        _before[:] = [before]
    _listeners.append(listener)
    return True


def stop_listening(listener: Callable[[], None]) -> None:
    """Do not call it any more; after the last one, what was there before is put back."""
    _listeners.remove(listener)
    if not _listeners and signal.getsignal(signal.SIGCHLD) is _tell:
        before = _before[0]
        # None: it was not set from Python, so it cannot be set again either.
        signal.signal(signal.SIGCHLD, signal.SIG_DFL if before is None else before)


def _tell(signum: int, frame: FrameType | None) -> None:
    for listener in _listeners.copy():
        listener()
    if callable(before := _before[0]):
        before(signum, frame)
