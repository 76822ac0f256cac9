"""The loop of a run, as a task of a nursery: the only place where a run waits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

if TYPE_CHECKING:
    from paexec_trio.runtime.host import Host
    from paexec_trio.runtime.run import Run

_BATCHES_PER_CHECKPOINT = 32
"""Batches of events handled in a row before other tasks of trio, and cancellation, have a turn."""


async def finish(
    run: Run,
    *,
    linger: float = 0.0,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Start a run, unless it has begun, and go on with it until nothing of it is left.

    Cancellation ends the calculators first, as steadily as the grace periods of the run say.

    Args:
        run: the run.
        linger: seconds for which the run waits by itself, so that nobody else has a turn, before it
            waits for trio. A calculator often answers sooner than trio's scheduler gets around.
        task_status: is told when the run has started.
    """
    problem = b""
    try:
        try:
            if not run.has_begun:
                run.start()
            task_status.started()
            await _work(run, linger)
        except (MemoryError, OSError) as error:
            problem = run.explain(error)
        if problem:
            run.give_up(problem)
    finally:
        with trio.CancelScope(shield=True):
            for seconds in run.ending():
                await _wait(run.host, seconds)


async def _work(run: Run, linger: float) -> None:
    """Take the steps of a run until it is over."""
    await trio.lowlevel.checkpoint()
    if run.is_over:
        return
    step, host = run.step, run.host
    patience, poll = host.patience, host.poll
    batches_left = _BATCHES_PER_CHECKPOINT
    while not step():
        seconds = patience()
        # A wait that is over at once does not go through trio's scheduler.
        if poll(linger if seconds is None else min(seconds, linger)) or seconds == 0:
            batches_left -= 1
            if batches_left:
                continue
            await trio.lowlevel.checkpoint()
        else:
            await _wait(host, seconds)
        batches_left = _BATCHES_PER_CHECKPOINT


async def _wait(host: Host, seconds: float | None) -> None:
    """Wait until something is ready, but no longer than ``seconds``; look what it is."""
    if seconds is None:
        await trio.lowlevel.wait_readable(host.fileno())
    else:
        with trio.move_on_after(seconds):
            await trio.lowlevel.wait_readable(host.fileno())
    host.poll(0)
