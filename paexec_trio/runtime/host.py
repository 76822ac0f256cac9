"""The real world: this machine's processes, pipes, streams and clock.

All descriptors are in one epoll instance, and all waiting is for that: one task serves every node
in a plain loop. A trio task for each node would cost a wake-up of the scheduler for each chunk.
"""

from __future__ import annotations

import errno
import os
import select
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, final

from paexec_trio.core.commands import (
    CloseStdin,
    Command,
    Deadline,
    Discard,
    DrainOutput,
    Hold,
    HoldLines,
    Join,
    KillNode,
    LeaveNode,
    Purpose,
    ReadMore,
    Release,
    Report,
    Send,
    SetDeadline,
    StartNode,
    Write,
    WriteLines,
)
from paexec_trio.core.dispatching import FastPath
from paexec_trio.core.events import (
    DeadlinePassed,
    Event,
    HoldingFailed,
    NodeEnded,
    NodeNotStarted,
    NodeOutput,
    NodeReaped,
    NodeStarted,
    NodeUnwritable,
    OutputClosed,
    OutputDrained,
    OutputFailed,
    StdinChunk,
    StdinEnded,
    StdinFailed,
    StopRequested,
    TimePassed,
)
from paexec_trio.core.launch import Launch
from paexec_trio.core.rendering import LazyLines
from paexec_trio.core.settings import GRACES, Graces
from paexec_trio.core.visible import diagnostic, visible
from paexec_trio.runtime.ends import Ends
from paexec_trio.runtime.holding import HeldOutput
from paexec_trio.runtime.nonblocking import NonblockingWriter, is_readable
from paexec_trio.runtime.process import NodeProcess
from paexec_trio.runtime.spawning import Environment
from paexec_trio.runtime.spillfile import SpillError
from paexec_trio.runtime.suspension import stop_this_process
from paexec_trio.runtime.terminal import has_terminal
from paexec_trio.runtime.waiting import Waiter
from paexec_trio.runtime.writequeue import WriteQueue

_CHUNK = 1 << 16
"""Octets of one read: what a pipe holds by default."""

_DRAIN_LIMIT = 1 << 20
"""Octets read at most from a process that ended: what a pipe can hold at most by default."""

_OUTPUT_LIMIT = 1 << 18
"""Octets that wait for a slow reader of standard output before results are not read any more."""

_READER_IS_GONE = {errno.EPIPE, errno.ECONNRESET}

_WILL_NOT_CHANGE = {
    *(errno.ENOENT, errno.EACCES, errno.EPERM, errno.ENOEXEC, errno.ENOTDIR, errno.EISDIR),
    *(errno.ELOOP, errno.ENAMETOOLONG, errno.E2BIG),
}
"""Why a program cannot be executed, unless somebody changes it or its name; what else may keep a
process from being started, such as a lack of memory, passes by."""


@final
class Host:
    """The :class:`~paexec_trio.runtime.drive.World` of a real run.

    Args:
        launch: how calculators are started.
        nodes: the names of the nodes.
        stdin: the descriptor that tasks are read from.
        stdout: the descriptor that results are written to.
        stderr: the descriptor of diagnostics and of the calculators' standard error.
        waiter: how it is waited for all of them.
        environment: the names and values that calculators and transports inherit, by default those
            of ``os.environb``.
        exchange: is asked before an event is made of what a calculator wrote.
        tells_time: whether each batch of events begins with ``TimePassed``.
        adopts: whether processes that lose their parent become children of this one.
        sessions: whether nodes have sessions of their own also where there is no terminal.
        program: the name in front of diagnostics.
        graces: how long it waits for processes and readers at its end.

    Raises:
        OSError: ``stdout`` is not open, or there are too few descriptors.
    """

    def __init__(
        self,
        launch: Launch,
        nodes: Sequence[bytes],
        stdin: int,
        stdout: int,
        stderr: int,
        waiter: Waiter,
        *,
        environment: Iterable[tuple[bytes, bytes]] | None = None,
        exchange: FastPath | None = None,
        tells_time: bool = False,
        adopts: bool = False,
        sessions: bool = True,
        program: bytes = b"paexec-trio",
        graces: Graces = GRACES,
    ) -> None:
        self._writer = NonblockingWriter(stdout)
        self._output_is_terminal = os.isatty(stdout)
        self._launch = launch
        self._nodes = nodes
        self._exchange = exchange
        self._tells_time = tells_time
        inherited = os.environb.items() if environment is None else environment
        self._environment = Environment(launch.environment(inherited))
        self._program = program
        self._graces = graces
        self._sessions = sessions or has_terminal()
        self._ends = Ends(sessions=self._sessions, adopts=adopts)
        self._processes: dict[int, NodeProcess] = {}
        self.stopped_by = 0
        """The last signal that asked for an end of the run; 0: none has."""
        self.has_started = False
        """Whether a process was started, or is just being started, that would have to be ended."""
        self._by_stdout: dict[int, NodeProcess] = {}
        self._paused: list[NodeProcess] = []
        # What is to be done with the last output of processes as soon as somebody reads results.
        self._postponed: dict[NodeProcess, Callable[[], Iterator[Event]]] = {}

        self._epoll = select.epoll()
        self._waiter = waiter
        self._ready: list[tuple[int, int]] = []
        self._watchers: dict[int, Callable[[], Iterator[Event]]] = {}
        # Events that no descriptor announces: consequences of commands, and requests to stop.
        self._pending: deque[Iterator[Event]] = deque()
        self._deadlines: dict[Deadline, float] = {}
        self._give_up_after = 0.0
        self._stopped_seconds = 0.0
        self._requests: set[Callable[[], None]] = set()
        # A pipe, because it is also what Python writes to when a signal comes: one that comes just
        # before the system waits must end that wait, too.
        self._woken_by, self.wakeup_fd = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        """Any octet that is written to it ends the waiting."""
        self._watch(self._woken_by, select.EPOLLIN, self._woken)

        self._stdin = stdin
        self._stdin_watched = False
        self._stderr = stderr
        self._diagnostics = WriteQueue()
        self._diagnostics_writer = _writer_or_none(stderr)
        self._output = WriteQueue()
        self._output_blocked = False
        self._output_broken = False
        self._output_drain_wanted = False
        self._held: HeldOutput[int] = HeldOutput(os.environb.get(b"TMPDIR") or b"/tmp")  # GRP-033
        # No events asked for: errors, such as the reader's end, are reported all the same.
        self._output_watched = self._watch(self._writer.fd, 0, self._output_ready)

        self._executors: dict[type[Command], Callable[[Any], None]] = {
            StartNode: self._start_node,
            Send: self._send,
            CloseStdin: self._close_stdin,
            KillNode: self._kill_node,
            LeaveNode: self._leave_node,
            Write: self._write,
            WriteLines: self._write_lines,
            Hold: self._hold,
            HoldLines: self._hold_lines,
            Join: self._join,
            Release: self._release,
            Discard: self._discard,
            Report: self._report,
            ReadMore: self._read_more,
            DrainOutput: self._drain_output,
            SetDeadline: self._set_deadline,
        }

    # The interface to the loop

    async def wait(self) -> None:
        """Return when something has happened."""
        self._flush_output()
        due_at = self._ends.due_at
        if due_at is not None and (not due_at or due_at <= self._waiter.now()):
            self._catch_up()
            due_at = None
        if self._pending or (self._output.size and not self._output_blocked):
            # There is work without an event: the second is the rest of what was released.
            await self._waiter.give_way()
            self._ready = self._epoll.poll(0)
            return
        deadline = min(self._deadlines.values(), default=due_at)
        if due_at is not None and deadline is not None:
            deadline = min(deadline, due_at)
        self._ready = await self._waiter.wait(self._epoll, deadline)

    def events(self) -> Iterator[Event]:
        """Yield what has happened."""
        if self._tells_time:
            yield TimePassed(self._waiter.now() - self._stopped_seconds)
        for _ in range(len(self._pending)):
            yield from self._pending.popleft()
        by_stdout, exchange = self._by_stdout, self._exchange
        for fd, _mask in self._ready:
            process = by_stdout.get(fd)
            if process is None:
                # Gone since the poll, or not a node's output.
                if fd in self._watchers:
                    yield from self._watchers[fd]()
            elif self._output.size > _OUTPUT_LIMIT:
                self._unwatch_stdout(process)
                self._paused.append(process)
            else:
                try:
                    data = os.read(fd, _CHUNK)
                except BlockingIOError:
                    continue
                except OSError:
                    data = b""
                if exchange and (exchanged := exchange(process.node, data)):
                    lines, task = exchanged
                    if lines:
                        self._print(lines)
                    self._send_to(process, task)
                elif data:
                    yield NodeOutput(process.node, data)
                else:
                    yield from self._output_ended(process)
        # Last: what happened before a deadline counts, however late we look (a stopped job).
        if self._deadlines:
            yield from self._pass_deadlines()

    def execute(self, command: Command) -> None:
        """Carry out a command."""
        self._executors[type(command)](command)

    def request_stop(self, signum: int) -> None:
        """Ask the engine to end the run, as if by this signal; may be called by its handler."""
        self.stopped_by = signum
        self._pending.append(iter([StopRequested(signum)]))
        self._wake()

    def request_suspension(self) -> None:
        """Stop, with all nodes, until SIGCONT; may be called by a signal handler (END-044)."""
        if self.has_started:
            self._requests.add(self._suspend)
            self._wake()
        else:
            stop_this_process()

    def request_reaping(self) -> None:
        """Reap adopted processes that have ended, at the next event.

        May be called by a handler of SIGCHLD: what that writes to ``wakeup_fd`` is one.
        """
        self._requests.add(self._reap_orphans)

    def _wake(self) -> None:
        with suppress(BlockingIOError):  # there is enough in it
            os.write(self.wakeup_fd, b"!")

    def report(self, text: bytes) -> None:
        """Write a diagnostic, after the output so far; nobody has to read it (SEC-002)."""
        self._flush_output()
        if self._diagnostics_writer:
            self._diagnostics.append(visible(text) + b"\n")
            self._flush_diagnostics()

    def give_up(self, diagnostic: bytes) -> None:
        """Report why the run cannot go on, and forget the engine with all that it holds."""
        self._exchange = None
        self._pending.clear()
        self._postponed.clear()
        self._ready = []
        self.report(diagnostic)

    async def close(self, *, patiently: bool = False) -> bool:
        """End what is still running, however the loop ended, and release all descriptors.

        Args:
            patiently: wait for somebody to take the output, as long as some of it is taken.

        Returns:
            Whether all that had to end has; what has not was reported.
        """
        # What the last events brought; it is lost only if nobody reads.
        self._flush_output()
        left = list(self._processes.values())
        if left:
            await self._end(left)
        all_ended = await self._sweep()
        if patiently:
            self._write_rest()
        await self._drain_diagnostics()
        self._epoll.close()
        os.close(self._woken_by)
        os.close(self.wakeup_fd)
        self._writer.close()
        self._held.close()
        if self._diagnostics_writer:
            self._diagnostics_writer.close()
        return all_ended

    async def _end(self, processes: Sequence[NodeProcess]) -> None:
        """End processes that the engine does not end any more."""
        for process in processes:
            process.close_stdin()
        await self._wait_for_ends(processes, self._graces.stop)
        for signum, grace in (
            (signal.SIGTERM, self._graces.term),
            (signal.SIGKILL, self._graces.kill),
        ):
            for process in processes:
                self._ends.signal(process, signum)
            self._catch_up()
            await self._wait_for_ends(processes, grace)
        for process in processes:
            if not process.has_exited():
                self._report_survivor(process.pid, b"does not end")
            self._ends.bury(process, 0.0)
        self._processes.clear()

    async def _sweep(self) -> bool:
        """End what nodes have left; say whether the run has not failed by what does not end."""
        if not self.has_started:
            return True
        pidfds = self._ends.sweep()
        await self._waiter.wait_for_ends(pidfds, self._graces.kill)
        for pidfd in pidfds:
            os.close(pidfd)
        self._ends.reap_orphans(())
        good = True
        for pid, reason, failed in self._ends.survivors():
            self._report_survivor(pid, reason)
            good &= not failed
        return good

    def _report_survivor(self, pid: int, reason: bytes) -> None:
        self.report(
            b"%b: process %d, which a node has started, %b; left" % (self._program, pid, reason)
        )

    def _catch_up(self) -> None:
        began = self._waiter.now()
        self._ends.catch_up(self._processes.values())
        self._ends.note_walk(began, self._waiter.now())

    async def _drain_diagnostics(self) -> None:
        """Write the last diagnostics as long as somebody reads them (END-049)."""
        writer = self._diagnostics_writer
        while writer and self._diagnostics.size:
            with select.epoll() as room:  # it is readable when there is some
                room.register(writer.fd, select.EPOLLOUT)
                await self._waiter.wait_for_ends([room.fileno()], self._graces.drain)
                if not room.poll(0):
                    return
            self._flush_diagnostics()

    def _write_rest(self) -> None:
        """Write what is queued; stop when nobody takes any of it for some seconds."""
        poll = select.poll()
        poll.register(self._writer.fd, select.POLLOUT)
        while self._output.size and not self._output_broken:
            self._try_output()
            if self._output_blocked and not poll.poll(self._graces.drain * 1000):
                return

    async def _wait_for_ends(self, processes: Iterable[NodeProcess], seconds: float) -> None:
        pidfds = [process.pidfd for process in processes if not process.exited]
        await self._waiter.wait_for_ends(pidfds, seconds)

    # Descriptors

    def _watch(self, fd: int, mask: int, watcher: Callable[[], Iterator[Event]]) -> bool:
        """Call the watcher when the descriptor is ready; return whether it can be watched."""
        try:
            self._epoll.register(fd, mask)
        except PermissionError:  # a regular file or a device that is always ready
            return False
        self._watchers[fd] = watcher
        return True

    def _unwatch(self, fd: int) -> None:
        del self._watchers[fd]
        self._epoll.unregister(fd)

    def _watch_stdout(self, process: NodeProcess) -> None:
        self._epoll.register(process.stdout, select.EPOLLIN)
        self._by_stdout[process.stdout] = process

    def _unwatch_stdout(self, process: NodeProcess) -> None:
        if self._by_stdout.pop(process.stdout, None):
            self._epoll.unregister(process.stdout)

    def _woken(self) -> Iterator[Event]:
        os.read(self._woken_by, _CHUNK)
        while self._requests:
            self._requests.pop()()
        return iter(())

    def _suspend(self) -> None:
        """Stop, and let the nodes stop as long; no time passes for deadlines (END-044)."""
        began = self._waiter.now()
        with self._ends.stopped(self._processes.values()):
            stop_this_process()
        seconds = self._waiter.now() - began
        self._stopped_seconds += seconds
        for deadline in self._deadlines:
            self._deadlines[deadline] += seconds

    def _reap_orphans(self) -> None:
        self._ends.reap_orphans(self._processes.values())

    # Nodes

    def _start_node(self, command: StartNode) -> None:
        node = command.node
        argv = self._launch.argv(self._nodes[node])
        self.has_started = True  # before it has: a signal may come while it is half done
        if self._ends.has_died(node):
            self._catch_up()  # RST-007
        try:
            process = NodeProcess(
                node, argv, self._environment, self._stderr, new_session=self._sessions
            )
        except OSError as error:
            reason = diagnostic(b"cannot run %b: %b", argv[0], _reason(error))
            permanent = error.errno in _WILL_NOT_CHANGE
            self._pending.append(iter([NodeNotStarted(node, reason, permanent)]))
            return
        self._processes[node] = process
        self._watch_stdout(process)
        self._watch(process.pidfd, select.EPOLLIN, partial(self._process_ended, process))
        self._pending.append(iter([NodeStarted(node, process.pid)]))

    def _send(self, command: Send) -> None:
        self._send_to(self._processes[command.node], command.data)

    def _send_to(self, process: NodeProcess, data: bytes) -> None:
        if process.unsent.size:
            process.unsent.append(data)
            return
        # As a rule all of it goes at once; if not, the attempt to write the rest tells why.
        try:
            written = os.write(process.stdin, data)
        except OSError:
            written = 0
        if written < len(data):
            process.unsent.append(data[written:])
            self._write_to(process)

    def _write_to(self, process: NodeProcess) -> None:
        """Write what goes; watch the pipe while it is full, and only then."""
        try:
            process.write_unsent()
        except BlockingIOError:
            if process.stdin not in self._watchers:
                self._watch(process.stdin, select.EPOLLOUT, partial(self._writable, process))
        except OSError as error:
            self._unwatch_stdin(process)
            self._pending.append(self._unwritable(process, _reason(error)))
        else:
            self._unwatch_stdin(process)

    def _writable(self, process: NodeProcess) -> Iterator[Event]:
        self._write_to(process)
        return iter(())

    def _unwatch_stdin(self, process: NodeProcess) -> None:
        if process.stdin in self._watchers:
            self._unwatch(process.stdin)

    def _unwritable(self, process: NodeProcess, reason: bytes) -> Iterator[Event]:
        # What it wrote before counts: it may have finished its task without reading it all, or
        # have ended, which says more than a broken pipe.
        process.refused += process.unsent.size
        process.unsent.clear()
        if self._has_to_wait(process):
            self._postponed.setdefault(process, partial(self._unwritable, process, reason))
            return
        yield from self._read_rest(process)
        if not process.end_reported:
            yield NodeUnwritable(process.node, reason, process.refused)

    def _has_to_wait(self, process: NodeProcess) -> bool:
        """Say whether the last output of a process is not to be read yet (DSP-025).

        While nobody reads the results a node could else leave a pipe full of them in each of its
        lives. One whose input is closed has no other life that soon.
        """
        stalled = self._output.size > _OUTPUT_LIMIT
        return stalled and process.stdin >= 0 and process.has_unread_output()

    def _read_rest(self, process: NodeProcess) -> Iterator[Event]:
        """Read what is in the pipe now."""
        total = 0
        while process.stdout >= 0 and total < _DRAIN_LIMIT:
            try:
                data = os.read(process.stdout, _CHUNK)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            if not data:
                yield from self._output_ended(process)
                return
            total += len(data)
            yield NodeOutput(process.node, data)

    def _output_ended(self, process: NodeProcess) -> Iterator[Event]:
        self._unwatch_stdout(process)
        process.close_stdout()
        if not process.end_reported:
            process.end_reported = True
            yield NodeEnded(process.node)
        if process.exited:
            yield from self._bury(process)

    def _process_ended(self, process: NodeProcess) -> Iterator[Event]:
        if not process.has_exited():
            return  # the descriptor's number was another's when it was reported
        process.exited = True
        self._unwatch(process.pidfd)
        yield from self._finish(process)

    def _finish(self, process: NodeProcess) -> Iterator[Event]:
        """Read the last output of a process that has ended, and report its end."""
        if self._has_to_wait(process):
            self._postponed[process] = partial(self._finish, process)
            return
        # Somebody else may hold its output open (a background process), so its end may be far.
        yield from self._read_rest(process)
        if not process.end_reported:
            process.end_reported = True
            yield NodeEnded(process.node, exited=True)
        if process.stdout < 0 or process.killed:
            yield from self._bury(process)

    def _bury(self, process: NodeProcess) -> Iterator[Event]:
        if self._forget(process):
            self._unwatch_stdin(process)
            self._unwatch_stdout(process)
            status = process.exit_status()
            self._ends.bury(process, self._waiter.now())
            yield NodeReaped(process.node, status=status)

    def _abandon(self, process: NodeProcess) -> Iterator[Event]:
        """Go on without a process that runs as another user, or that SIGKILL does not end."""
        if self._forget(process):
            self._unwatch_stdin(process)
            self._unwatch_stdout(process)
            process.close_pipes()
            self._ends.leave(process)
            self._watchers[process.pidfd] = partial(self._abandoned_ended, process)
            if not process.end_reported:
                process.end_reported = True
                yield NodeEnded(process.node)
            yield NodeReaped(process.node, left_running=True)

    def _abandoned_ended(self, process: NodeProcess) -> Iterator[Event]:
        if process.has_exited():
            self._unwatch(process.pidfd)
            self._ends.bury(process, self._waiter.now())
        return iter(())

    def _forget(self, process: NodeProcess) -> bool:
        """Say whether the process was still that of its node, which it is not any more.

        Its end can be found out twice in one round, and the node can have a new one in between.
        """
        if self._processes.get(process.node) is not process:
            return False
        del self._processes[process.node]
        return True

    def _close_stdin(self, command: CloseStdin) -> None:
        process = self._processes.get(command.node)
        if process:
            self._unwatch_stdin(process)
            if process.unsent.size and self._launch.command is None:
                process.cut_stdin()  # which is followed by signals, if it does not end
            else:
                process.close_stdin()
            if process in self._postponed:
                self._pending.append(self._postponed.pop(process)())

    def _kill_node(self, command: KillNode) -> None:
        process = self._processes.get(command.node)
        if process is None:
            return
        if not command.force:
            self._ends.signal(process, signal.SIGTERM)
            return
        process.killed = True
        may_kill = self._ends.signal(process, signal.SIGKILL)
        if process.exited:
            self._pending.append(self._bury(process))
        elif not may_kill:
            self._pending.append(self._abandon(process))

    def _leave_node(self, command: LeaveNode) -> None:
        process = self._processes.get(command.node)
        if process and process.exited:
            self._pending.append(self._bury(process))
        elif process:
            self._pending.append(self._abandon(process))

    # Standard input

    def _read_more(self, _command: ReadMore) -> None:
        if self._stdin_watched:
            self._epoll.modify(self._stdin, select.EPOLLIN | select.EPOLLONESHOT)
        elif not is_readable(self._stdin):
            self._pending.append(self._stdin_ready())  # which fails, and no poll would say so
        elif self._watch(self._stdin, select.EPOLLIN | select.EPOLLONESHOT, self._stdin_ready):
            self._stdin_watched = True
        else:
            self._pending.append(self._stdin_ready())

    def _stdin_ready(self) -> Iterator[Event]:
        try:
            data = os.read(self._stdin, _CHUNK)
        except BlockingIOError:  # somebody else made it non-blocking and was faster
            self._read_more(ReadMore())
            return
        except OSError as error:
            yield StdinFailed(_reason(error))
            return
        yield StdinChunk(data) if data else StdinEnded()

    # Standard output and standard error

    def _write(self, command: Write) -> None:
        self._print(command.data)

    def _print(self, data: bytes | bytearray | LazyLines) -> None:
        if not self._output_broken:
            self._output.append(data)
            if self._output.size > _OUTPUT_LIMIT:
                self._flush_output()

    def _write_lines(self, command: WriteLines) -> None:
        self._print(command.lines)

    def _hold_lines(self, command: HoldLines) -> None:
        self._hold_in(command.group, command.lines)

    def _hold(self, command: Hold) -> None:
        self._hold_in(command.group, command.data)

    def _hold_in(self, group: int, data: bytes | bytearray | LazyLines) -> None:
        try:
            self._held.hold(group, data)
        except SpillError as error:
            self._holding_failed(error)

    def _join(self, command: Join) -> None:
        try:
            self._held.join(command.group, command.other)
        except SpillError as error:
            self._holding_failed(error)

    def _discard(self, command: Discard) -> None:
        self._held.discard(command.group)

    def _holding_failed(self, error: SpillError) -> None:
        self._pending.append(iter([HoldingFailed(error.reason)]))

    def _release(self, command: Release) -> None:
        self._held.release(command.group)
        if not self._output_broken:
            self._take_released()
            if self._output.size > _OUTPUT_LIMIT:
                self._flush_output()

    def _take_released(self) -> None:
        """Fill the queue with what was released; the rest has to wait where it is.

        While something has to wait, the queue is longer than it may be to read more results.
        """
        try:
            while self._output.size <= _OUTPUT_LIMIT and (data := self._held.take()):
                self._output.append(data)
        except SpillError as error:
            self._holding_failed(error)

    def _flush_output(self) -> None:
        if self._output_blocked:
            return
        if self._output.size:
            self._try_output()
        else:
            self._say_if_drained()

    def _try_output(self) -> None:
        size = self._output.size
        try:
            self._output.flush(self._writer.write)
        except BlockingIOError:
            if self._output.size < size:
                self._set_back_giving_up()
            self._take_released()
            if not self._output_blocked:
                self._output_blocked = True
                self._epoll.modify(self._writer.fd, select.EPOLLOUT)
            return
        except OSError as error:
            gone = error.errno in _READER_IS_GONE
            gone |= error.errno == errno.EIO and self._output_is_terminal  # it was hung up
            self._break_output(OutputClosed() if gone else OutputFailed(_reason(error)))
        else:
            if self._deadlines:
                self._set_back_giving_up()
            self._take_released()
            if self._output_drain_wanted:
                self._say_if_drained()
        if self._output_blocked:
            self._output_blocked = False
            if self._output_watched:
                self._epoll.modify(self._writer.fd, 0)
        if self._output.size > _OUTPUT_LIMIT:
            return
        for process in self._paused:
            if process.stdout >= 0:
                self._watch_stdout(process)
        self._paused.clear()
        if self._postponed:
            self._pending.extend(finish() for finish in self._postponed.values())
            self._postponed.clear()

    def _break_output(self, event: Event) -> None:
        self._output_broken = True
        self._output.clear()
        if self._output_watched:
            self._output_watched = False
            self._unwatch(self._writer.fd)
        self._pending.append(iter([event]))

    def _output_ready(self) -> Iterator[Event]:
        """Handle room for more output, or its reader's end."""
        if self._output_blocked:
            self._try_output()
        elif not self._output_broken:
            self._break_output(OutputClosed())
        return iter(())

    def _drain_output(self, _command: DrainOutput) -> None:
        self._output_drain_wanted = True

    def _say_if_drained(self) -> None:
        if self._output_drain_wanted and not self._output.size:
            self._output_drain_wanted = False
            self._pending.append(iter([OutputDrained()]))

    def _report(self, command: Report) -> None:
        self.report(command.text)

    def _flush_diagnostics(self) -> None:
        writer = self._diagnostics_writer
        assert writer is not None  # noqa: S101 (nothing is queued without it)
        try:
            self._diagnostics.flush(writer.write)
        except BlockingIOError:
            if writer.fd not in self._watchers:
                self._watch(writer.fd, select.EPOLLOUT, self._diagnostics_ready)
            return
        except OSError:
            self._diagnostics.clear()  # nobody is left to be told
        if writer.fd in self._watchers:
            self._unwatch(writer.fd)

    def _diagnostics_ready(self) -> Iterator[Event]:
        self._flush_diagnostics()
        return iter(())

    # Time

    def _set_deadline(self, command: SetDeadline) -> None:
        self._deadlines[command.deadline] = self._waiter.now() + command.seconds
        if command.deadline.purpose is Purpose.GIVE_UP:
            self._give_up_after = command.seconds

    def _set_back_giving_up(self) -> None:
        if Deadline(Purpose.GIVE_UP) in self._deadlines:
            self._deadlines[Deadline(Purpose.GIVE_UP)] = self._waiter.now() + self._give_up_after

    def _pass_deadlines(self) -> Iterator[Event]:
        now = self._waiter.now()
        for deadline in [each for each, at in self._deadlines.items() if at <= now]:
            del self._deadlines[deadline]
            yield DeadlinePassed(deadline)


def _writer_or_none(fd: int) -> NonblockingWriter | None:
    try:
        return NonblockingWriter(fd)
    except OSError as error:
        if error.errno != errno.EBADF:
            raise
        return None  # closed: there is nobody to be told anything


def _reason(error: OSError) -> bytes:
    return os.fsencode(error.strerror or str(error))
