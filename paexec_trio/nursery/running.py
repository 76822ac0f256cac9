"""A whole run, for Python programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from paexec_trio.nursery.loop import finish
from paexec_trio.runtime.run import Run

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from paexec_trio.core.commands import Exit
    from paexec_trio.core.launch import Launch
    from paexec_trio.core.settings import Settings


async def run(
    settings: Settings,
    launch: Launch,
    *,
    stdin: int = 0,
    stdout: int = 1,
    stderr: int = 2,
    environment: Iterable[tuple[bytes, bytes]] | None = None,
    stop_signals: Sequence[int] = (),
    suspend: bool = False,
    debug: bool = False,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> Exit:
    """Distribute the tasks read from ``stdin`` and write their results to ``stdout``.

    If memory or descriptors run out, that is reported and calculators are ended; results that are
    whole are still written as long as somebody takes them.

    When this returns, or is cancelled, or raises, no process that it started is left; a cancelled
    run closes their input and gives them ``settings.graces.stop`` seconds before SIGTERM, and
    ``settings.graces.term`` seconds more before SIGKILL. That is not cut short by another
    cancellation.

    Args:
        settings: the nodes, how tasks are framed, how results are rendered.
        launch: how calculators are started.
        stdin: the descriptor that tasks are read from.
        stdout: the descriptor that results are written to; its flags are not changed.
        stderr: the descriptor of diagnostics and of the calculators' standard error.
        environment: the names and values that calculators and transports inherit, by default those
            of ``os.environb``; a name can occur twice.
        stop_signals: signals that end the run. While nothing was started they have their default
            effect, so that a long computation can be interrupted. As always in Python, handlers
            can be set only in the main thread.
        suspend: SIGTSTP stops the calculators, too, until SIGCONT (END-044). Without it, it has the
            effect that it has in the program.
        debug: write each event and command to ``stderr``.
        task_status: for ``nursery.start(run, …)``, which returns when the first node is started.

    Returns:
        How a program that did nothing but this run should end. Failures of nodes and streams are
        reported on ``stderr`` and in this value, not raised.

    Raises:
        ValueError: one of ``settings.exec_mode`` and ``launch.command`` is needed, and not both.
        OSError: a descriptor is not open.
    """
    this = Run(
        settings,
        launch,
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        environment=environment,
        stop_signals=stop_signals,
        suspends=suspend,
        debug=debug,
    )
    await finish(this, task_status=task_status)
    return this.result
