"""One run of the distributor, for the CLI and for Python programs."""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING

from paexec_trio.core.commands import Exit
from paexec_trio.core.engine import Engine
from paexec_trio.core.settings import AUTO
from paexec_trio.runtime.descriptors import make_room_for, spare_descriptors
from paexec_trio.runtime.diagnostics import write_diagnostic
from paexec_trio.runtime.drive import Trace, drive
from paexec_trio.runtime.host import Host
from paexec_trio.runtime.relatives import adopt_orphans, is_first_process
from paexec_trio.runtime.waiting import WaitAlone

_RESERVE = 1 << 20
"""Octets that are given back when memory runs out, so that enough is left to end (LIM-016)."""

if TYPE_CHECKING:
    from types import FrameType

    from paexec_trio.core.commands import Command
    from paexec_trio.core.events import Event
    from paexec_trio.core.launch import Launch
    from paexec_trio.core.settings import Settings
    from paexec_trio.runtime.waiting import Waiter

    _Handler = Callable[[int, FrameType | None], object]


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
    alone: bool = False,
    adopt: bool = False,
    debug: bool = False,
) -> Exit:
    """Distribute the tasks read from ``stdin`` and write their results to ``stdout``.

    If memory or descriptors run out, that is reported and calculators are ended; results that are
    whole are still written as long as somebody takes them.

    When this returns, or is cancelled, or raises, no process that it started is left; a cancelled
    run closes their input and gives them ``settings.graces.stop`` seconds
    before SIGTERM, and ``settings.graces.term`` seconds more before SIGKILL.

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
        suspend: SIGTSTP stops the calculators, too, until SIGCONT; the same holds for its handler
            (END-044). Without it, it has the effect that it has in the program.
        alone: no other task of trio needs a turn while the run lasts. It is faster then, but blocks
            all of them and does not notice when it is cancelled. It does not even need trio's loop:
            ``paexec_trio.runtime.waiting.run_alone`` can run it.
        adopt: the process does nothing but this run, and may become the parent of all descendants
            that lose theirs (``PR_SET_CHILD_SUBREAPER``), which it reaps. Otherwise each node has
            a session of its own, so that what a calculator has started is found again.
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
    if not make_room_for(len(settings.nodes)) and not settings.on_death:
        text = b"%b: the limit on open descriptors is too low for %d nodes"
        write_diagnostic(stderr, text % (settings.program, len(settings.nodes)))
        return Exit(status=1)
    adopts = adopt and adopt_orphans()
    if settings.exec_mode:
        exec_mode = settings.exec_mode._replace(spare_descriptors=spare_descriptors())
        settings = settings._replace(exec_mode=exec_mode)
    hosts: list[Host] = []
    handling = ExitStack()

    async def drive_engine() -> Exit | bytes:
        """Return why the run cannot go on if it cannot; nothing is left of the engine then."""
        reserve = bytearray()
        try:
            reserve += bytes(_RESERVE)
            engine = Engine(settings)
            host = Host(
                launch,
                settings.nodes,
                stdin,
                stdout,
                stderr,
                _waiter(alone=alone),
                environment=environment,
                exchange=None if debug else engine.fast_path,
                tells_time=settings.prefetch == AUTO,
                adopts=adopts,
                # They tell whose a process is, and cost time (see NodeProcess): to find what a dead
                # node has left beside what others have started, or what nothing else ties to this
                # process.
                sessions=settings.on_death is not None or not adopts,
                program=settings.program,
                graces=settings.graces,
            )
            hosts.append(host)
            handlers: dict[int, _Handler] = dict.fromkeys(stop_signals, partial(_stop, host))
            if suspend:
                handlers[signal.SIGTSTP] = lambda _signum, _frame: host.request_suspension()
            # A program that runs other things beside us may wait for children of its own.
            if adopts or (alone and is_first_process()):
                handlers[signal.SIGCHLD] = lambda _signum, _frame: host.request_reaping()
            # Until the host is closed: a signal before that must not leave calculators behind.
            handling.enter_context(_handling(handlers, host.wakeup_fd if alone else -1))
            nonce = os.urandom(16).hex().encode() if settings.exec_mode else b""
            return await drive(engine, host, _tracer(host) if debug else None, nonce)
        except MemoryError:
            reserve.clear()
            return b"out of memory"
        except OSError as error:
            if error.errno == errno.EBADF and not hosts:
                raise  # a Python program gave a descriptor that is not open
            return os.fsencode(error.strerror or str(error))

    outcome: Exit | bytes = b""
    all_ended = True
    try:
        outcome = await drive_engine()
        if not isinstance(outcome, Exit):
            diagnostic = settings.program + b": " + outcome
            if hosts:
                hosts[0].give_up(diagnostic)
            else:
                write_diagnostic(stderr, diagnostic)
    finally:
        with handling:
            for host in hosts:
                all_ended &= await host.close(patiently=not isinstance(outcome, Exit))
    if isinstance(outcome, Exit) and (all_ended or outcome.signal):
        return outcome
    if hosts and hosts[0].stopped_by:
        return Exit(signal=hosts[0].stopped_by)  # it came while what was left was being ended
    return Exit(status=1)  # END-047


def _tracer(host: Host) -> Trace:
    def trace(item: Event | Command) -> None:
        host.report(item.brief().encode())

    return trace


def _waiter(*, alone: bool) -> Waiter:
    if alone:
        return WaitAlone()
    from paexec_trio.runtime.amongothers import WaitAmongOthers  # loads trio

    return WaitAmongOthers()


def _stop(host: Host, signum: int, _frame: FrameType | None) -> None:
    """End the run, or the program at once if nothing was started yet.

    Not trio's receiver, which waits for its turn: a handler of our own runs in the middle of a
    computation too, such as that of weights.
    """
    if host.has_started:
        host.request_stop(signum)
    else:
        signal.signal(signum, signal.SIG_DFL)
        signal.raise_signal(signum)
        os._exit(128 + signum)  # still here: this is the first process of a container


@contextmanager
def _handling(handlers: Mapping[int, _Handler], wakeup_fd: int) -> Iterator[None]:
    """Handle signals.

    Args:
        handlers: their handlers.
        wakeup_fd: what a signal has to write to, so that it ends the waiting; -1 if somebody else,
            such as trio's loop, takes care of that.
    """
    before = {signum: signal.signal(signum, handler) for signum, handler in handlers.items()}
    wakes = bool(handlers) and wakeup_fd >= 0
    woken_before = -1
    if wakes:
        woken_before = signal.set_wakeup_fd(wakeup_fd, warn_on_full_buffer=False)
    try:
        yield
    finally:
        if wakes:
            signal.set_wakeup_fd(woken_before)
        for signum, handler in before.items():
            # None: it was not set from Python, so it cannot be set again either.
            signal.signal(signum, signal.SIG_DFL if handler is None else handler)
