"""The processes of all nodes: starting them, writing to them, and how they end."""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, final

from paexec_trio.core.events import (
    NodeEnded,
    NodeNotStarted,
    NodeOutput,
    NodeReaped,
    NodeStarted,
    NodeUnwritable,
)
from paexec_trio.core.visible import diagnostic
from paexec_trio.runtime.descriptors import make_room_for
from paexec_trio.runtime.diagnostics import reason_of
from paexec_trio.runtime.errorpipes import ErrorPipes
from paexec_trio.runtime.poller import CHUNK, READ, WRITE, silently
from paexec_trio.runtime.process import NodeProcess

if TYPE_CHECKING:
    from paexec_trio.core.events import Event
    from paexec_trio.runtime.ends import Ends
    from paexec_trio.runtime.pausing import Pauses
    from paexec_trio.runtime.poller import Poller
    from paexec_trio.runtime.starts import Starts

_DRAIN_LIMIT = 1 << 20
"""Octets read at most from a process that ended: the largest capacity of a pipe by default."""

_WILL_NOT_CHANGE = {
    *(errno.ENOENT, errno.EACCES, errno.EPERM, errno.ENOEXEC, errno.ENOTDIR, errno.EISDIR),
    *(errno.ELOOP, errno.ENAMETOOLONG, errno.E2BIG),
}
"""Why a program cannot be executed, unless somebody changes it or its name. Anything else that
keeps a process from being started, such as a lack of memory, may pass."""


@final
class Children:
    """The processes of the nodes.

    Attributes:
        by_stdout: the processes whose output is read, by the descriptor that it is read from.
        processes: the process of each node that has one.
        has_started: whether a process was started or is being started, so that one may have to be
            ended.
        errors: reads their standard error, if that is wanted.

    Args:
        starts: what is started for each node.
        stderr: the descriptor of the calculators' standard error.
        poller: tells when their pipes are ready and when they have ended.
        pauses: while results have to wait, none are read.
        ends: signals and reaps them.
        sessions: whether each has a session of its own.
        reads_stderr: whether what they write on their standard error becomes events.
    """

    def __init__(
        self,
        starts: Starts,
        stderr: int,
        poller: Poller,
        pauses: Pauses,
        ends: Ends,
        *,
        sessions: bool,
        reads_stderr: bool = False,
    ) -> None:
        self._starts = starts
        self._stderr = stderr
        self._poller = poller
        self._pauses = pauses
        self._ends = ends
        self._sessions = sessions
        self.by_stdout: dict[int, NodeProcess] = {}
        self.processes: dict[int, NodeProcess] = {}
        self.has_started = False
        self.errors = ErrorPipes(poller, are_wanted=reads_stderr)

    # What the engine wants

    def add(self, name: bytes) -> None:
        """Remember one more node. Without room it cannot be started, which is reported then."""
        make_room_for(self._starts.add(name), reads_stderr=self.errors.are_wanted)

    def start(self, node: int) -> None:
        """Start the process of a node."""
        argv = self._starts.argv(node)
        self.has_started = True  # before it has: a signal may come while it is half done
        if self._ends.has_died(node):
            self._ends.catch_up(self.processes.values())  # RST-007
        try:
            process = NodeProcess(
                node,
                argv,
                self._starts.environment(node),
                self._stderr,
                new_session=self._sessions,
                reads_stderr=self.errors.are_wanted,
            )
            try:
                key = self._poller.watch_end(process.pid, partial(self._exited, process))
            except BaseException:
                process.kill_and_reap()
                raise
        except OSError as error:
            reason = diagnostic(b"cannot run %b: %b", argv[0], reason_of(error))
            self._poller.emit(NodeNotStarted(node, reason, error.errno in _WILL_NOT_CHANGE))
            return
        process.end_key = key
        self.processes[node] = process
        self._watch_stdout(process)
        self.errors.watch(process)
        self._poller.emit(NodeStarted(node, process.pid))

    def send(self, process: NodeProcess, data: bytes) -> None:
        """Write to the standard input of a process, behind what is still on its way."""
        if process.unsent.size:
            process.unsent.append(data)
            return
        # As a rule all of it goes at once; if not, the attempt to write the rest tells why.
        try:
            written = os.write(process.stdin, data)
        except OSError:
            written = 0
        if written < len(data):
            self.send_rest(process, data[written:])

    def send_rest(self, process: NodeProcess, data: bytes) -> None:
        """Queue octets that the pipe did not take at once, and learn why it did not."""
        process.unsent.append(data)
        self._write_unsent(process)

    def close_stdin(self, node: int) -> None:
        """Close the standard input of a node; drop what was not sent."""
        process = self.processes.get(node)
        if process:
            self._unwatch_stdin(process)
            if process.unsent.size and self._starts.is_per_task:
                process.cut_stdin()  # which is followed by signals, if it does not end
            else:
                process.close_stdin()
            self._pauses.release(process)

    def kill(self, node: int, *, force: bool) -> None:
        """Send SIGTERM, or with ``force`` SIGKILL, to all processes of a node."""
        process = self.processes.get(node)
        if process is None:
            return
        if not force:
            self._ends.signal(process, signal.SIGTERM)
            return
        process.killed = True
        may_kill = self._ends.signal(process, signal.SIGKILL)
        if process.exited:
            self._poller.pending.append(self._reap(process))
        elif not may_kill:
            self._poller.pending.append(self._leave_running(process))

    def leave(self, node: int) -> None:
        """Go on without a node that SIGKILL does not end."""
        process = self.processes.get(node)
        if process and process.exited:
            self._poller.pending.append(self._reap(process))
        elif process:
            self._poller.pending.append(self._leave_running(process))

    # Standard input of a process

    def _write_unsent(self, process: NodeProcess) -> None:
        """Write what goes; watch the pipe while it is full, and only then."""
        try:
            process.write_unsent()
        except BlockingIOError:
            if process.stdin not in self._poller.watchers:
                watcher = silently(partial(self._write_unsent, process))
                self._poller.watch(process.stdin, WRITE, watcher)
        except OSError as error:
            self._unwatch_stdin(process)
            self._poller.pending.append(self._unwritable(process, reason_of(error)))
        else:
            self._unwatch_stdin(process)

    def _unwatch_stdin(self, process: NodeProcess) -> None:
        if process.stdin in self._poller.watchers:
            self._poller.unwatch(process.stdin)

    def _unwritable(self, process: NodeProcess, reason: bytes) -> Iterator[Event]:
        # What it wrote before counts: it may have finished its task without reading it all, or
        # have ended, which says more than a broken pipe.
        process.refused += process.unsent.size
        process.unsent.clear()
        if self._pauses.has_to_wait(process):
            if not self._pauses.is_postponed(process):
                self._pauses.postpone(process, partial(self._unwritable, process, reason))
            return
        yield from self._read_rest(process)
        if not process.end_reported:
            yield NodeUnwritable(process.node, reason, process.refused)

    # Standard output of a process, and backpressure

    def pause(self, process: NodeProcess) -> None:
        """Read no results of a process until there is room for them."""
        self._unwatch_stdout(process)
        self._pauses.pause(partial(self._resume, process))

    def _resume(self, process: NodeProcess) -> None:
        if process.stdout >= 0:
            self._watch_stdout(process)

    def _watch_stdout(self, process: NodeProcess) -> None:
        self._poller.selector.watch(process.stdout, READ)
        self.by_stdout[process.stdout] = process

    def _unwatch_stdout(self, process: NodeProcess) -> None:
        if self.by_stdout.pop(process.stdout, None):
            self._poller.selector.unwatch(process.stdout)

    def _read_rest(self, process: NodeProcess) -> Iterator[Event]:
        """Read what is in the pipe now."""
        total = 0
        while process.stdout >= 0 and total < _DRAIN_LIMIT:
            try:
                data = os.read(process.stdout, CHUNK)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            if not data:
                yield from self.output_ended(process)
                return
            total += len(data)
            yield from self.errors.rest(process)
            yield NodeOutput(process.node, data)

    # The end of a process: of its output, of itself, of all that is left of it

    def output_ended(self, process: NodeProcess) -> Iterator[Event]:
        """Take note of the end of its output, which the caller has read."""
        self._unwatch_stdout(process)
        process.close_stdout()
        yield from self.errors.rest(process)
        if not process.end_reported:
            process.end_reported = True
            yield NodeEnded(process.node)
        if process.exited:
            yield from self._reap(process)

    def _exited(self, process: NodeProcess) -> Iterator[Event]:
        if not process.has_exited():
            return  # the key was another's when it was reported
        process.exited = True
        self._poller.unwatch_end(process.end_key)
        yield from self._finish(process)

    def _finish(self, process: NodeProcess) -> Iterator[Event]:
        """Read the last output of a process that has ended, and report its end."""
        if self._pauses.has_to_wait(process):
            self._pauses.postpone(process, partial(self._finish, process))
            return
        # A background process may hold its output open, so EOF may be a long time coming.
        yield from self._read_rest(process)
        yield from self.errors.rest(process)
        if not process.end_reported:
            process.end_reported = True
            yield NodeEnded(process.node, exited=True)
        if process.stdout < 0 or process.killed:
            yield from self._reap(process)

    def _reap(self, process: NodeProcess) -> Iterator[Event]:
        if self._detach(process):
            yield from self.errors.end(process)
            status = process.exit_status()
            self._ends.reap(process)
            yield NodeReaped(process.node, status=status)

    def _leave_running(self, process: NodeProcess) -> Iterator[Event]:
        """Go on without a process that runs as another user, or that SIGKILL does not end."""
        if self._detach(process):
            yield from self.errors.end(process)
            process.close_pipes()
            self._ends.leave(process)
            watcher = silently(partial(self._left_one_exited, process))
            self._poller.watchers[process.end_key] = watcher
            if not process.end_reported:
                process.end_reported = True
                yield NodeEnded(process.node)
            yield NodeReaped(process.node, left_running=True)

    def _left_one_exited(self, process: NodeProcess) -> None:
        if process.has_exited():
            self._poller.unwatch_end(process.end_key)
            self._ends.reap(process)

    def _detach(self, process: NodeProcess) -> bool:
        """Detach the process; return ``False`` if the node already has a newer one.

        Its end can be found out twice in one batch, and the node can have a new one in between.
        """
        if self.processes.get(process.node) is not process:
            return False
        del self.processes[process.node]
        self._unwatch_stdin(process)
        self._unwatch_stdout(process)
        return True

    def stop_reading(self) -> None:
        """Read no output any more, and drop what waits for room."""
        for process in list(self.by_stdout.values()):
            self._unwatch_stdout(process)
        self._pauses.forget()
