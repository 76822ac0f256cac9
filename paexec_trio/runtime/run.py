"""One run of the distributor: an engine, a host, and the handling of errors. It never waits."""

from __future__ import annotations

import errno
import os
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, final

from paexec_trio.core.accounts import ERROR
from paexec_trio.core.calculators import CommandPerTask
from paexec_trio.core.commands import Exit
from paexec_trio.core.events import RunStarted, TimePassed
from paexec_trio.core.execmode import ExecMode
from paexec_trio.core.settings import AUTO
from paexec_trio.core.snapshot import Snapshot
from paexec_trio.runtime.descriptors import make_room_for, room_for_trio, spare_descriptors
from paexec_trio.runtime.diagnostics import reason_of
from paexec_trio.runtime.handlers import handling
from paexec_trio.runtime.host import Host
from paexec_trio.runtime.nonces import make_nonce, wrapped
from paexec_trio.runtime.pump import Trace, pump
from paexec_trio.runtime.relatives import adopt_orphans, is_first_process
from paexec_trio.runtime.requests import actions_for
from paexec_trio.runtime.streams import StandardStreams

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Sequence

    from paexec_trio.core.commands import Command
    from paexec_trio.core.engine import Engine
    from paexec_trio.core.events import Event
    from paexec_trio.core.facts import FactStream
    from paexec_trio.core.launch import Launch
    from paexec_trio.core.settings import Settings
    from paexec_trio.runtime.screen import Screen
    from paexec_trio.runtime.streams import Streams

_RESERVE = 1 << 20
"""Octets that are given back when memory runs out, so that enough is left to end (LIM-016)."""

_MOMENT = 0.001
"""Seconds that do not matter to a result."""

_FIRST_ROUNDS = 8
"""Batches of events that :meth:`Run.begin` handles at most, besides one for each node."""


@final
class Run:
    """A run: distribute the tasks read from ``stdin`` and write their results to ``stdout``.

    Nothing happens until somebody takes its steps. Under trio :func:`paexec_trio.serve` does.

    Another loop calls :meth:`start` or :meth:`begin`. Until the run :attr:`is_over`, it waits for
    the host and takes a :meth:`step`. Then it exhausts :meth:`ending`, whatever else has happened.
    After that no process that the run started is left.

    If memory or descriptors run out, the run reports it and ends the calculators. It still writes
    results that are complete, as long as somebody reads them.

    Attributes:
        owns_process: whether the process does nothing but this run.
        settings: those that it was made with.
        host: the world of the run; not before ``start``.
        streams: where tasks come from and results go.

    Args:
        settings: the nodes, how tasks are framed, how results are rendered.
        launch: how calculators are started.
        stdin: the descriptor that tasks are read from.
        stdout: the descriptor that results are written to; its flags are not changed.
        stderr: the descriptor of diagnostics and of the calculators' standard error.
        streams: where tasks come from and results go, in place of these descriptors.
        environment: the names and values that calculators and transports inherit, by default those
            of ``os.environb``; a name can occur twice.
        stop_signals: signals that end the run. While nothing was started they have their default
            effect, so that a long computation can be interrupted. As always in Python, handlers
            can be set only in the main thread.
        takes_requests: whether SIGUSR1 and SIGINFO have an overview of the run written to
            ``stderr``, and SIGUSR2 lets no more tasks be started; not those that are ignored.
        suspends: whether SIGTSTP stops the calculators, too, until SIGCONT (END-044). Without it,
            SIGTSTP has the effect that it has in the program.
        owns_process: the process does nothing but this run, and may become the parent of all
            descendants that lose theirs, which it reaps. Otherwise each node has a session of its
            own, so that what a calculator has started is found again.
        debug: write each event and command to ``stderr``.
        facts, screen: are told what happens, and paint on ``stderr``; not with ``streams``.

    Raises:
        TypeError: the name of a node is not ``bytes``.
    """

    host: Host

    def __init__(
        self,
        settings: Settings,
        launch: Launch,
        *,
        stdin: int = 0,
        stdout: int = 1,
        stderr: int = 2,
        streams: Streams | None = None,
        environment: Iterable[tuple[bytes, bytes]] | None = None,
        stop_signals: Sequence[int] = (),
        takes_requests: bool = False,
        suspends: bool = False,
        owns_process: bool = False,
        debug: bool = False,
        facts: FactStream | None = None,
        screen: Screen | None = None,
    ) -> None:
        for node in settings.nodes:
            if not isinstance(node, bytes):
                raise TypeError(f"Settings.nodes: expected bytes, not {node!r}")
        self.settings = settings
        self._launch = launch
        spill_directory = os.environb.get(b"TMPDIR") or b"/tmp"  # GRP-033
        ends = stdin, stdout, stderr, spill_directory
        self.streams = StandardStreams(*ends, facts, screen) if streams is None else streams
        self._surroundings = environment, stop_signals, takes_requests, suspends, debug
        self.owns_process = owns_process
        self._reserve = bytearray()
        self._engine: Engine | None = None
        self._trace: Trace | None = None
        self._last = Snapshot(0, 0, 0, 0, ())
        self._began = 0.0
        self._outcome: Exit | bytes | None = None
        self._all_ended = True
        self._handling = ExitStack()
        self._ending = self._end()

    @property
    def is_over(self) -> bool:
        """Whether no step is left to be taken."""
        return self._outcome is not None

    @property
    def has_begun(self) -> bool:
        """Whether :meth:`start` was called."""
        return self.is_over or self._engine is not None

    @property
    def engine(self) -> Engine | None:
        """The engine, while there is one; for those who want to know how far the run is."""
        return self._engine

    def snapshot(self) -> Snapshot:
        """Return how far the run is, or how far it came if it could not go on."""
        return self._engine.snapshot() if self._engine else self._last

    @property
    def seconds(self) -> float:
        """For how many seconds the run has gone on; a stop by SIGTSTP does not count."""
        return self.host.timers.now() - self._began if hasattr(self, "host") else 0.0

    @property
    def problem(self) -> bytes:
        """Why the run could not go on, if that was neither a node's fault nor the user's."""
        return self._outcome if isinstance(self._outcome, bytes) else b""

    @property
    def result(self) -> Exit:
        """How a program that did nothing but this run should end."""
        outcome = self._outcome
        if isinstance(outcome, Exit) and (self._all_ended or outcome.signal):
            return outcome
        if hasattr(self, "host") and self.host.stopped_by:
            return Exit(signal=self.host.stopped_by)  # it came while what was left was being ended
        return Exit(status=ERROR if self.settings.accounting.status_of_tasks else 1)  # END-047

    def start(self) -> None:
        """Let the run begin: read from standard input, and start the first node.

        Raises:
            OSError: a descriptor is not open.
        """
        settings = self.settings
        # With -z those that cannot be started are dead, and the others do the tasks (DTH-001).
        has_room = make_room_for(len(settings.nodes), reads_stderr=settings.reads_stderr)
        if not has_room and not settings.on_death:
            text = b"the limit on open descriptors is too low for %d nodes" % len(settings.nodes)
            self.give_up(text)
            return
        problem = b""
        try:
            self._reserve += bytes(_RESERVE)
            exec_mode = _exec_mode(self._launch)
            self._engine = engine = self.streams.make_engine(settings, exec_mode)
            nonce = make_nonce() if exec_mode else b""
            self._launch, token = wrapped(self._launch, settings.silence)
            self._make_host(engine)
            self._outcome = pump(engine, self.host, [RunStarted(nonce, token)], self._trace)
        except (MemoryError, OSError) as error:
            problem = self.explain(error)
        if problem:
            self.give_up(problem)

    def _make_host(self, engine: Engine) -> None:
        settings = self.settings
        environment, stop_signals, takes_requests, suspends, debug = self._surroundings
        adopts = self.owns_process and adopt_orphans()

        def tell_time(now: float) -> None:
            if self._trace:
                self._trace(TimePassed(now))
            engine.tell_time(now)

        self.host = host = Host(
            self._launch,
            settings.nodes,
            self.streams,
            environment=environment,
            fast_path=None if debug else engine.fast_path,
            tell_time=tell_time if settings.prefetch == AUTO or engine.tells_seconds else None,
            adopts=adopts,
            # They tell whose a process is, and cost time (see NodeProcess): to find what a dead
            # node has left beside what others have started, or what nothing else ties to this
            # process.
            sessions=settings.on_death is not None or not adopts,
            program=settings.program,
            graces=settings.graces,
        )
        self._began = host.timers.now()
        engine.tell_time(self._began)
        if debug:
            self._trace = _tracer(host)
        # A program that runs other things beside us may wait for children of its own.
        reaps = adopts or (self.owns_process and is_first_process())
        # Until the host is closed: a signal before that must not leave calculators behind.
        requests = actions_for(self, host) if takes_requests else {}
        self._handling.enter_context(
            handling(host, stop_signals, requests, suspends=suspends, reaps=reaps)
        )

    def step(self) -> bool:
        """Handle what has happened; return whether the run is over."""
        problem = b""
        try:
            if self._engine:
                self._outcome = pump(self._engine, self.host, self.host.events(), self._trace)
        except (MemoryError, OSError) as error:
            problem = self.explain(error)
        if problem:
            self.give_up(problem)
        return self._outcome is not None

    def submit(self, event: Event) -> None:
        """Handle what a program wants, between two steps; the loop need not have been woken.

        The commands that follow are carried out at once.
        """
        engine, host = self._engine, self.host
        if engine is None or self.is_over or host.is_closing:
            return  # nothing follows from it any more
        problem = b""
        try:
            timers_set = host.timers.times_set
            now = host.timers.now()
            knows_time = now - engine.now < _MOMENT
            events = (event,) if knows_time else (TimePassed(now), event)
            self._outcome = pump(engine, host, events, self._trace)
            if self._outcome or host.pending or host.timers.times_set != timers_set:
                host.wake()  # the loop has something else to wait for, or to do
        except (MemoryError, OSError) as error:
            problem = self.explain(error)
        if problem:
            self.give_up(problem)

    def begin(self) -> None:
        """Start, and take the steps that need no waiting, but not many: nodes have tasks then."""
        with room_for_trio():  # with -z a run goes on with the nodes that find descriptors
            self.start()
            for _ in range(len(self.settings.nodes) + _FIRST_ROUNDS):
                if not self.advance():
                    return

    def advance(self) -> bool:
        """Take a step if that needs no waiting; return whether another one may follow."""
        if self.is_over:
            return False
        problem = b""
        try:
            has_work = self.host.patience() == 0
            is_ready = self.host.poll(0)
        except (MemoryError, OSError) as error:
            problem = self.explain(error)
        if problem:
            self.give_up(problem)
        return not self.is_over and (has_work or is_ready) and not self.step()

    # Errors

    def explain(self, error: MemoryError | OSError) -> bytes:
        """Return what to report of an error that ends the run; give the reserve of memory back.

        Raises:
            OSError: a Python program gave a descriptor that is not open.
        """
        self._reserve.clear()
        if isinstance(error, MemoryError):
            return b"out of memory"
        if error.errno == errno.EBADF and not hasattr(self, "host"):
            raise error
        return reason_of(error)

    def give_up(self, problem: bytes) -> None:
        """Report why the run cannot go on, and forget the engine with all that it holds.

        Not within the handler of an error: it would hold what the error came from.
        """
        self._outcome = problem
        if self._engine:
            with suppress(MemoryError):
                self._last = self._engine.snapshot()
        self._engine = None
        self._trace = None
        if hasattr(self, "host"):
            self.host.forget()
        self.report(problem)

    def report(self, text: bytes) -> None:
        """Report one line on ``stderr``, behind the program's name; never blocks."""
        self.streams.report(self.settings.program + b": " + text)

    # The end

    def ending(self) -> Generator[float, None, None]:
        """Return what ends all processes and releases all descriptors.

        It is always the same one: each caller goes on where another one was interrupted.

        Yields:
            For how many seconds to wait for ``host.fileno()``, if it does not become readable.
        """
        return self._ending

    def _end(self) -> Generator[float, None, None]:
        with self._handling:
            if hasattr(self, "host"):
                patiently = not isinstance(self._outcome, Exit)
                self._all_ended = yield from self.host.close(patiently=patiently)

    def end_alone(self) -> None:
        """Exhaust :meth:`ending`, waiting without a loop."""
        for seconds in self._ending:
            self.host.poll(seconds)


def _exec_mode(launch: Launch) -> ExecMode | None:
    command = launch.command
    if isinstance(command, CommandPerTask):
        text = os.fsencode(command.command)
        return ExecMode(text, command.discard_output, spare_descriptors())
    return None


def _tracer(host: Host) -> Trace:
    def trace(item: Event | Command) -> None:
        host.report(item.brief().encode())

    return trace
