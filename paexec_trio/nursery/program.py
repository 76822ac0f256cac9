"""The loop of a process that does nothing but one run."""

from __future__ import annotations

import warnings
from functools import partial
from typing import TYPE_CHECKING

import trio

from paexec_trio.nursery.loop import serve

if TYPE_CHECKING:
    from collections.abc import Sequence

    from paexec_trio.runtime.run import Run
    from paexec_trio.services.interface import Service


def finish_alone(run: Run, services: Sequence[Service]) -> None:
    """Go on with a run that has begun, in a loop of its own, with services beside it.

    Raises:
        MemoryError: trio lacks memory. The end of the run may be incomplete.
    """
    # When trio itself fails it warns of what it leaves behind, which is being ended meanwhile.
    warnings.simplefilter("ignore")
    try:
        trio.run(partial(serve, run, services=services))
    except trio.TrioInternalError as error:
        if isinstance(error.__cause__, MemoryError):
            raise error.__cause__ from None
        raise
