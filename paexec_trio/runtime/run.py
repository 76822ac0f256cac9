"""One run of the distributor, for the CLI and for Python programs."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from paexec_trio.core.commands import Exit
from paexec_trio.core.engine import Engine
from paexec_trio.core.settings import AUTO
from paexec_trio.runtime.descriptors import make_room_for, spare_descriptors
from paexec_trio.runtime.diagnostics import write_diagnostic
from paexec_trio.runtime.drive import drive
from paexec_trio.runtime.host import Host
from paexec_trio.runtime.orphans import is_first_process
from paexec_trio.runtime.waiting import WaitAlone

if TYPE_CHECKING:
    from types import FrameType

    from paexec_trio.core.commands import Command
    from paexec_trio.core.events import Event
    from paexec_trio.core.launch import Launch
    from paexec_trio.core.settings import Settings
    from paexec_trio.runtime.waiting import Waiter


async def run(
    settings: Settings,
    launch: Launch,
    *,
    stdin: int = 0,
    stdout: int = 1,
    stderr: int = 2,
    environment: Iterable[tuple[bytes, bytes]] | None = None,
    stop_signals: Sequence[int] = (),
    alone: bool = False,
    debug: bool = False,
) -> Exit:
    """Distribute the tasks read from ``stdin`` and write their results to ``stdout``.

    When this returns, or is cancelled, or raises, no process that it started is left; a cancelled
    run closes their input and gives them :data:`~paexec_trio.core.settings.STOP_GRACE` seconds
    before SIGTERM, and :data:`~paexec_trio.core.settings.TERM_GRACE` seconds more before SIGKILL.

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
        alone: no other task of trio needs a turn while the run lasts. It is faster then, but blocks
            all of them and does not notice when it is cancelled. It does not even need trio's loop:
            ``paexec_trio.runtime.waiting.run_alone`` can run it.
        debug: write each event and command to ``stderr``.

    Returns:
        How a program that did nothing but this run should end. Failures of nodes and streams are
        reported on ``stderr`` and in this value, not raised.

    Raises:
        ValueError: one of ``settings.exec_mode`` and ``launch.command`` is needed, and not both.
    """
    if (settings.exec_mode is None) == (launch.command is None):
        raise ValueError("either Settings.exec_mode or Launch.command has to be given")
    # With -z those that cannot be started are dead, and the others do the tasks (DTH-001).
    if not make_room_for(len(settings.nodes)) and not settings.resistance:
        text = b"%b: the limit on open descriptors is too low for %d nodes"
        write_diagnostic(stderr, text % (settings.program, len(settings.nodes)))
        return Exit(status=1)
    if settings.exec_mode:
        exec_mode = settings.exec_mode._replace(spare_descriptors=spare_descriptors())
        settings = settings._replace(exec_mode=exec_mode)
    engine = Engine(settings)
    host = Host(
        launch,
        settings.nodes,
        stdin,
        stdout,
        stderr,
        _waiter(alone=alone),
        environment=environment,
        exchange=None if debug else engine.exchange,
        tells_time=settings.prefetch == AUTO,
        # A program that runs other things beside us may wait for children of its own.
        reaps_orphans=alone and is_first_process(),
    )

    def trace(item: Event | Command) -> None:
        host.report(repr(item).encode())

    try:
        with _stop_on_signals(host, stop_signals, wake=alone):
            nonce = os.urandom(16).hex().encode() if settings.exec_mode else b""
            return await drive(engine, host, trace if debug else None, nonce)
    finally:
        await host.close()


def _waiter(*, alone: bool) -> Waiter:
    if alone:
        return WaitAlone()
    from paexec_trio.runtime.amongothers import WaitAmongOthers  # loads trio

    return WaitAmongOthers()


@contextmanager
def _stop_on_signals(host: Host, signals: Sequence[int], *, wake: bool) -> Iterator[None]:
    """Let signals end the run.

    Not trio's receiver, which waits for its turn: a handler of our own runs in the middle of a
    computation too, such as that of weights.

    Args:
        host: is asked to stop.
        signals: those that end the run.
        wake: nobody else, such as trio's loop, takes care that a signal ends the waiting.
    """

    def stop(signum: int, _frame: FrameType | None) -> None:
        if host.has_started:
            host.request_stop(signum)
        else:
            signal.signal(signum, signal.SIG_DFL)
            signal.raise_signal(signum)
            os._exit(128 + signum)  # still here: this is the first process of a container

    before = {signum: signal.signal(signum, stop) for signum in signals}
    if wake and is_first_process():
        # The end of an orphan has to wake us; a signal without a handler does not.
        before[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda *_: None)
    woken_before = -1
    if wake and signals:
        woken_before = signal.set_wakeup_fd(host.wakeup_fd, warn_on_full_buffer=False)
    try:
        yield
    finally:
        if wake and signals:
            signal.set_wakeup_fd(woken_before)
        for signum, handler in before.items():
            # None: it was not set from Python, so it cannot be set again either.
            signal.signal(signum, signal.SIG_DFL if handler is None else handler)
