"""The loop of a process that does nothing but one run."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import trio

from paexec_trio.nursery.loop import finish

if TYPE_CHECKING:
    from paexec_trio.runtime.run import Run

LINGER = 0.001
"""Seconds for which the run waits by itself: no other task needs a turn."""


def finish_alone(run: Run) -> None:
    """Go on with a run that has begun, in a loop of its own."""
    trio.run(partial(finish, run, linger=LINGER))
