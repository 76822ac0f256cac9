"""The real world: this machine's processes, pipes, streams and clock. It never waits.

All descriptors are in one selector, and the loop of a run waits for this selector. So one trio task
serves every node in a plain loop. A trio task per node would cost a wake-up of the scheduler per
chunk.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any, final

from paexec_trio.core.commands import (
    AddNode,
    CloseStdin,
    Command,
    KillNode,
    LeaveNode,
    Report,
    Send,
    SetDeadline,
    StartNode,
)
from paexec_trio.core.events import (
    Event,
    FinishRequested,
    NodeOutput,
    StopRequested,
)
from paexec_trio.core.settings import GRACES, Graces
from paexec_trio.runtime.batch import Batch
from paexec_trio.runtime.children import Children
from paexec_trio.runtime.closing import end_leftovers, end_processes
from paexec_trio.runtime.deadlines import passed
from paexec_trio.runtime.descriptors import make_room_for
from paexec_trio.runtime.ends import Ends
from paexec_trio.runtime.output import CONGESTED_ABOVE
from paexec_trio.runtime.pausing import Pauses
from paexec_trio.runtime.poller import CHUNK, Poller
from paexec_trio.runtime.starts import Starts
from paexec_trio.runtime.suspension import Suspension
from paexec_trio.runtime.terminal import has_terminal
from paexec_trio.runtime.timers import Timers

if TYPE_CHECKING:
    from collections.abc import Generator

    from paexec_trio.core.dispatching import FastPath
    from paexec_trio.core.launch import Launch
    from paexec_trio.core.overview import PipeTimes
    from paexec_trio.runtime.streams import Streams
    from paexec_trio.runtime.system import Ready

_LONGEST_WAIT = 86400.0
"""Seconds that are waited in one go; the system takes no more than some weeks of milliseconds."""


@final
class Host:
    """The :class:`~paexec_trio.runtime.pump.World` of a real run.

    A loop repeats two steps. It waits: it calls :meth:`poll` with :meth:`patience`, or waits that
    long for :meth:`fileno` and then calls :meth:`poll`. Then it pumps :meth:`events`.

    Attributes:
        timers: the deadlines of the run.
        suspension: stops the run when SIGTSTP comes.

    Args:
        launch: how calculators are started.
        nodes: the names of the nodes.
        streams: where tasks come from, and where results and diagnostics go.
        environment: the names and values that calculators and transports inherit, by default those
            of ``os.environb``.
        fast_path: is called with the output of a calculator before an event is made of it.
        tell_time: is called with the time before each batch of events.
        adopts: whether processes that lose their parent become children of this one.
        sessions: whether nodes have sessions of their own even if there is no terminal.
        program: the name in front of diagnostics.
        graces: how long it waits for processes and readers at its end.
        clock: returns the time in seconds; only differences count.

    Raises:
        OSError: a descriptor of the streams is not open, or there are too few.
    """

    def __init__(
        self,
        launch: Launch,
        nodes: Sequence[bytes],
        streams: Streams,
        *,
        environment: Iterable[tuple[bytes, bytes]] | None = None,
        fast_path: FastPath | None = None,
        tell_time: Callable[[float], object] | None = None,
        adopts: bool = False,
        sessions: bool = True,
        program: bytes = b"paexec-trio",
        graces: Graces = GRACES,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        inherited = os.environb.items() if environment is None else environment
        sessions = sessions or has_terminal()
        self._fast_path = fast_path
        self._tell_time = tell_time
        self._program = program
        self._graces = graces
        self.timers = timers = Timers(clock)
        # First of all: a descriptor that is not open must not be taken for one that is made here.
        streams.open()
        try:
            self._poller = poller = Poller()
        except BaseException:
            streams.close()
            raise
        self._streams = streams
        self._output, executors = streams.connect(poller, timers)
        self._ends = Ends(sessions=sessions, adopts=adopts)
        self._children = Children(
            Starts(launch, nodes, inherited),
            streams.stderr,
            poller,
            Pauses(poller, self._output, streams.facts),
            self._ends,
            sessions=sessions,
            reads_stderr=streams.reads_stderr,
        )
        self._ready: Ready = []
        self._batch = Batch(poller.selector.poll)
        self.stopped_by = 0
        """The last signal that asked for an end of the run; 0: none has."""
        self.suspension = Suspension(poller, self._children, self._ends, timers)
        self._executors = executors | self._make_executors(executors.get(AddNode))

    def _make_executors(
        self, tell_added: Callable[[Any], None] | None
    ) -> dict[type[Command], Callable[[Any], None]]:
        children, timers = self._children, self.timers
        processes = children.processes

        def add_node(command: AddNode) -> None:
            count = children.add(command.name)
            # Without room the node cannot be started, which is reported then.
            make_room_for(count, reads_stderr=children.errors.are_wanted)
            if tell_added:
                tell_added(command)

        return {
            AddNode: add_node,
            StartNode: lambda command: children.start(command.node),
            Send: lambda command: children.send(processes[command.node], command.data),
            CloseStdin: lambda command: children.close_stdin(command.node),
            KillNode: lambda command: children.kill(command.node, force=command.force),
            LeaveNode: lambda command: children.leave(command.node),
            Report: lambda command: self.report(command.text),
            SetDeadline: lambda command: timers.set(command.deadline, command.seconds),
        }

    # The interface to the loop

    def patience(self) -> float | None:
        """Return for how many seconds to wait: 0 if there is work to do, ``None`` for ever."""
        self._output.flush()
        due_at = self._ends.due_at
        if due_at is not None and due_at <= monotonic():
            self._ends.catch_up(self._children.processes.values())
            due_at = None
        if self._poller.pending or self._output.has_more:
            return 0.0  # the second is the rest of what was released
        left = None if due_at is None else due_at - monotonic()
        times = [at for at in (self.timers.next(), self._output.flush_at) if at is not None]
        if times:
            until = min(times) - self.timers.now()
            left = until if left is None else min(left, until)
        longest = self._poller.selector.longest_wait
        if left is None:
            return None if longest > _LONGEST_WAIT else longest
        return min(max(0.0, left), longest, _LONGEST_WAIT)

    def poll(self, seconds: float | None) -> bool:
        """Wait up to ``seconds``, or for ever, until something is ready; return whether it is."""
        self._ready = ready = self._poller.selector.poll(seconds)
        return bool(ready)

    def fileno(self) -> int:
        """Return a descriptor that is readable when ``poll`` would find something."""
        return self._poller.selector.fileno()

    def events(self) -> Iterator[Event]:
        """Yield what has happened, each event as late as possible."""
        timers, children, watchers = self.timers, self._children, self._poller.watchers
        if self._tell_time:
            self._tell_time(timers.now())
        pending = self._poller.pending
        for _ in range(len(pending)):
            yield from pending.popleft()
        # The hot loop. What Output.write and Children.send do stands here once more: each call less
        # for a result saves a hundredth of its processor time.
        by_stdout, fast_path, output = children.by_stdout, self._fast_path, self._output
        queue, read, write, batch = output.queue, os.read, os.write, self._batch
        # Only once: what was read would be waited for the second time.
        ready, self._ready = self._ready, []
        batch.begin()
        while ready:
            may_go_on = fast_path is not None
            for fd, _ in ready:
                process = by_stdout.get(fd)
                if process is None:
                    # Gone since the poll, or not a node's output.
                    may_go_on = False
                    if fd in watchers:
                        yield from watchers[fd]()
                elif queue.size > CONGESTED_ABOVE:
                    may_go_on = False
                    children.pause(process)
                else:
                    try:
                        data = read(fd, CHUNK)
                    except BlockingIOError:
                        continue
                    except OSError:
                        data = b""
                    if fast_path and (done := fast_path(process.node, data)):
                        lines, task = done
                        if not task:
                            pass  # none waits
                        elif process.unsent.size:
                            children.send(process, task)
                        else:
                            try:
                                written = write(process.stdin, task)
                            except OSError:
                                written = 0
                            if written < len(task):
                                children.send_rest(process, task[written:])
                        if lines and not output.is_broken:
                            queue.append(lines)
                            if queue.size > CONGESTED_ABOVE:
                                output.flush()
                    else:
                        may_go_on = False
                        if data:
                            if process.stderr >= 0:
                                yield from children.errors.rest(process)
                            yield NodeOutput(process.node, data)
                        else:
                            yield from children.output_ended(process)
            # Whatever is not a whole result ends the batch: its consequences come first.
            ready = batch.more() if may_go_on and not pending else []
        # Last: what happened before a deadline counts, however late we look (a stopped job).
        if timers.at:
            yield from passed(timers, children.processes)

    def execute(self, command: Command) -> None:
        """Carry out a command."""
        self._executors[type(command)](command)

    def report(self, text: bytes) -> None:
        """Queue a diagnostic behind the output so far; never blocks (SEC-002)."""
        self._streams.report(text)

    # What a program that shares the process may call

    def send(self, node: int, data: bytes) -> None:
        """Send octets to a calculator."""
        self._children.send(self._children.processes[node], data)

    @property
    def pending(self) -> Collection[object]:
        """Events that need no wait."""
        return self._poller.pending

    @property
    def is_closing(self) -> bool:
        """Whether the end has begun: nothing that is wanted can be done any more."""
        return self._poller.is_closing

    def wake(self) -> None:
        """End the wait that is under way, or the next one."""
        self._poller.wake()

    # What signal handlers may call

    @property
    def has_started(self) -> bool:
        """Whether a process was started, or is just being started, that has to be ended."""
        return self._children.has_started

    def request_stop(self, signum: int) -> None:
        """Ask the engine to end the run, as if by this signal."""
        self.stopped_by = signum
        self._poller.emit(StopRequested(signum))
        self._poller.wake()

    def request(self, action: Callable[[], None]) -> None:
        """Carry out an action in the next batch, between two events."""
        self._poller.request(action)

    def request_finish(self) -> None:
        """Ask the engine to start no more tasks."""
        self._poller.request(partial(self._poller.emit, FinishRequested()))

    def pipe_times(self, node: int) -> PipeTimes | None:
        """Return when something last passed through the pipes of a node."""
        from paexec_trio.runtime.pipetimes import pipe_times  # rarely needed

        return pipe_times(self._children.processes.get(node))

    def reap_orphans(self) -> None:
        """Reap adopted processes that have ended."""
        self._ends.reap_orphans(self._children.processes.values())

    # The end

    def forget(self) -> None:
        """Forget the engine with all that it holds, and what has happened."""
        self._fast_path = self._tell_time = None
        self._poller.pending.clear()
        self._children.stop_reading()
        self._ready = []

    def close(self, *, patiently: bool) -> Generator[float, None, bool]:
        """End what is still running, however the loop ended, and release all descriptors.

        Args:
            patiently: wait for somebody to take the output, as long as some of it is taken.

        Yields:
            For how many seconds to wait for :meth:`fileno`.

        Returns:
            Whether all that had to end has; what has not was reported.
        """
        # What the last events brought; it is lost only if nobody reads.
        self._output.flush()
        self._children.stop_reading()
        self._output.stop_watching()
        self._poller.forget_descriptors()
        graces, poller = self._graces, self._poller
        if processes := list(self._children.processes.values()):
            yield from end_processes(processes, self._ends, poller, graces, self._report_survivor)
            self._children.processes.clear()
        all_ended = True
        if self.has_started:
            all_ended = yield from end_leftovers(self._ends, poller, graces, self._report_survivor)
        if patiently:
            yield from self._output.write_rest(graces.drain)
        yield from self._streams.write_rest(graces.drain)
        poller.close()
        self._streams.close()
        return all_ended

    def _report_survivor(self, pid: int, reason: bytes) -> None:
        text = b"%b: process %d, which a node has started, %b; left"
        self.report(text % (self._program, pid, reason))
