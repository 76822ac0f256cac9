"""The loop of a process that does nothing but one run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from paexec_trio.nursery.loop import finish

if TYPE_CHECKING:
    from paexec_trio.runtime.run import Run


def finish_alone(run: Run) -> None:
    """Go on with a run that has begun, in a loop of its own."""
    trio.run(finish, run)
