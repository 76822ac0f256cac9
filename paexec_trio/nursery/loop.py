"""The loop of a run, as a task of a nursery: the only place where a run waits."""

from __future__ import annotations

from functools import partial
from inspect import GEN_CLOSED, getgeneratorstate
from time import monotonic
from typing import TYPE_CHECKING

import trio

from paexec_trio.runtime.spin import Spin

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from paexec_trio.core.commands import Exit
    from paexec_trio.runtime.entrance import Entrance
    from paexec_trio.runtime.host import Host
    from paexec_trio.runtime.run import Run
    from paexec_trio.services.interface import Service

_TURN = 0.002
"""Seconds after which other tasks of trio, and cancellation, have a turn while events keep coming.

A checkpoint costs as much as a task, so there is none after each batch of events.
"""


@trio.lowlevel.enable_ki_protection  # an interrupt comes where the loop waits, not within a step
async def serve(
    run: Run,
    *,
    services: Sequence[Service] = (),
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> Exit:
    """Start a run, unless it has begun, and go on with it until nothing of it is left.

    When this returns, raises or is cancelled, no process that the run started is left. After a
    cancellation or an interrupt it closes the input of the calculators. It gives them
    ``settings.graces.stop`` seconds before SIGTERM, and ``settings.graces.term`` seconds more
    before SIGKILL. Another cancellation does not cut that short.

    Args:
        run: the run, which can be served once.
        services: run beside it, and are cancelled when it is over, before its processes are ended.
            If one fails, that is reported, and the run goes on.
        task_status: for ``nursery.start(serve, run)``, which returns when the run has started.

    Returns:
        How a program that did nothing but this run should end. Failures of nodes and streams are
        reported on the run's ``stderr`` and in this value, not raised.

    Raises:
        OSError: a descriptor of the run is not open.
        RuntimeError: the run was served before.
    """
    if getgeneratorstate(run.ending()) == GEN_CLOSED:
        raise RuntimeError("a run can be served only once")
    work: Callable[[Run], Awaitable[None]] = partial(_work, is_alone=run.owns_process)
    if services:
        from paexec_trio.nursery.beside import work_beside

        work = partial(work_beside, services, partial(_work, is_alone=False))
    await finish(run, work, task_status)
    return run.result


@trio.lowlevel.enable_ki_protection
async def finish(
    run: Run, work: Callable[[Run], Awaitable[None]], task_status: trio.TaskStatus[None]
) -> None:
    """Start a run, unless it has begun; let ``work`` take its steps; end all its processes."""
    problem = b""
    try:
        try:
            await trio.lowlevel.checkpoint()
            if not run.has_begun:
                run.start()
            task_status.started()
            await work(run)
        except (MemoryError, OSError) as error:
            problem = run.explain(error)
        if problem:
            run.give_up(problem)
    finally:
        with trio.CancelScope(shield=True):
            await _end(run)


async def _end(run: Run) -> None:
    """End all that is left of a run; an interrupt does not cut that short either."""
    try:
        for seconds in run.ending():
            await _wait(run.host, seconds)
    except KeyboardInterrupt:
        run.end_alone()
        raise


async def _work(run: Run, *, is_alone: bool) -> None:
    """Take the steps of a run until it is over.

    Args:
        run: the run.
        is_alone: whether there is no other task that would want a turn.
    """
    if run.is_over:
        return
    step, host = run.step, run.host
    patience, poll = host.patience, host.poll
    find = Spin(poll).find
    turn_ends = monotonic() + _TURN
    while not step():
        seconds = patience()
        # A wait that is over at once does not go through trio's scheduler.
        if seconds == 0:
            poll(0)
        elif not find() and not (is_alone and poll(_shorter(seconds, _TURN))):
            await _wait(host, patience())
            turn_ends = monotonic() + _TURN
            continue
        if monotonic() >= turn_ends:
            await trio.lowlevel.checkpoint()
            turn_ends = monotonic() + _TURN


def _shorter(seconds: float | None, other: float) -> float:
    return other if seconds is None else min(seconds, other)


async def work_in_company(run: Run, entrance: Entrance) -> None:
    """Take the steps of a run until it is over. After each step other tasks have a turn.

    These take the results of the step, and give the run new tasks.

    Args:
        run: the run.
        entrance: is how they give them.
    """
    if run.is_over:
        return
    host = run.host
    while not run.is_over and not run.step():
        await trio.lowlevel.checkpoint()
        while (seconds := host.patience()) != 0 and not run.is_over and not host.poll(0):
            if not entrance.was_used:
                await _wait(host, seconds)
                break
            # The answers to these tasks may be there after the next turn of the program. A wait
            # would cost several turns.
            entrance.was_used = False
            await trio.lowlevel.checkpoint()


async def _wait(host: Host, seconds: float | None) -> None:
    """Wait until the host has something to do, but no longer than ``seconds``."""
    if seconds is None:
        await trio.lowlevel.wait_readable(host.fileno())
    else:
        with trio.move_on_after(seconds):
            await trio.lowlevel.wait_readable(host.fileno())
    host.poll(0)
