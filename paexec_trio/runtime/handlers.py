"""Handlers of signals while a run lasts."""

from __future__ import annotations

import os
import signal
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from paexec_trio.runtime import childsignal
from paexec_trio.runtime.requests import take_noted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from types import FrameType

    from paexec_trio.runtime.host import Host


@contextmanager
def handling(
    host: Host,
    stop_signals: Sequence[int],
    requests: Mapping[int, Callable[[], None]],
    *,
    suspends: bool,
    reaps: bool,
) -> Iterator[None]:
    """Let signals reach a host.

    The handlers are Python's own, not a receiver of trio, which waits for its turn: they run in the
    middle of a computation, and while trio is being loaded, too.

    Args:
        host: what they reach.
        stop_signals: signals that end the run.
        requests: what other signals ask for; those that came before are answered now.
        suspends: whether SIGTSTP stops the run with its nodes, until SIGCONT.
        reaps: whether SIGCHLD reaps adopted processes.
    """
    handlers: dict[int, Callable[[int, FrameType | None], object]]
    handlers = dict.fromkeys(stop_signals, partial(_stop, host))
    handlers |= {number: partial(_ask, ask) for number, ask in requests.items()}
    if suspends:
        handlers[signal.SIGTSTP] = lambda _signum, _frame: host.suspension.request()
        # Always: it may come while that is still being carried out.
        handlers[signal.SIGCONT] = lambda _signum, _frame: host.suspension.withdraw()
    if reaps:
        reap = partial(host.request, host.reap_orphans)
        reaps = childsignal.listen(reap)
    before = {signum: signal.signal(signum, handler) for signum, handler in handlers.items()}
    try:
        if requests:
            for number in take_noted() & requests.keys():
                requests[number]()
        yield
    finally:
        for signum, handler in before.items():
            # None: it was not set from Python, so it cannot be set again either.
            signal.signal(signum, signal.SIG_DFL if handler is None else handler)
        if reaps:
            childsignal.stop_listening(reap)


def _ask(ask: Callable[[], None], _signum: int, _frame: FrameType | None) -> None:
    ask()


def _stop(host: Host, signum: int, _frame: FrameType | None) -> None:
    """End the run, or the program at once if nothing was started yet."""
    if host.has_started:
        host.request_stop(signum)
    else:
        signal.signal(signum, signal.SIG_DFL)
        signal.raise_signal(signum)
        os._exit(128 + signum)  # still here: this is the first process of a container
