"""Signals that ask something of a run, and never end the program.

They are noted from the first moment on. A run that has begun acts on them, and on those that came
before.
"""

from __future__ import annotations

import signal
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from paexec_trio.runtime.host import Host
    from paexec_trio.runtime.run import Run

OVERVIEW = frozenset({signal.SIGUSR1, getattr(signal, "SIGINFO", signal.SIGUSR1)})
"""Signals that ask for an overview of the run (OBS-010)."""

FINISH = frozenset({signal.SIGUSR2})
"""Signals that ask a run to start no more tasks (OBS-030)."""

_noted: set[int] = set()


def note(signals: Iterable[int]) -> None:
    """Note these signals from now on, unless they are ignored or have a handler."""
    for number in signals:
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _note)


def _note(signum: int, _frame: object) -> None:
    _noted.add(signum)


def take_noted() -> frozenset[int]:
    """Return the signals that came before anybody could act on them, and forget them."""
    noted = frozenset(_noted)
    _noted.clear()
    return noted


def actions_for(run: Run, host: Host) -> dict[int, Callable[[], None]]:
    """Return what each signal asks a run to do, unless it is ignored."""
    overview = partial(host.request, partial(report_overview, run))
    actions = dict.fromkeys(OVERVIEW, overview) | dict.fromkeys(FINISH, host.request_finish)
    return {
        number: action
        for number, action in actions.items()
        if signal.getsignal(number) is not signal.SIG_IGN
    }


def report_overview(run: Run) -> None:
    """Report what each node of a run does, and what waits."""
    if run.engine:
        seconds = b"after %.1f s: " % run.seconds
        from paexec_trio.core.overview import overview_of  # rarely needed

        for line in overview_of(run.engine, run.host.pipe_times):
            run.report(seconds + line)
            seconds = b""
