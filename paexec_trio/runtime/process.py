"""The process of one node: its pipes, its exit and its process group."""

from __future__ import annotations

import fcntl
import os
import signal
import termios
from time import monotonic, sleep
from typing import final

from paexec_trio.core.settings import GRACES
from paexec_trio.runtime.exits import exit_status, reap
from paexec_trio.runtime.spawning import Environment, spawn
from paexec_trio.runtime.writequeue import WriteQueue

_UNKNOWN = 0


@final
class NodeProcess:
    """A transport or local calculator in a process group of its own, with non-blocking pipes.

    The group can be signalled as a whole, including children of a shell. In two cases the group
    also has a session of its own:

    * If there is a terminal. The session keeps Ctrl-C from the calculators, so that the run can end
      them in order. The price is that a transport cannot ask for a password.
    * If only a session shows which processes a calculator started outside of its group (``Ends``).

    Otherwise it has none, because Linux lets sessions take turns (``sched_autogroup``). On a busy
    machine each step from the distributor to a node and back would wait for its session's turn; a
    run of 2,000 commands took 1.7 times as long.

    The process is not reaped before :meth:`reap`. Until then the system gives neither its id nor
    that of its group to another process.

    Attributes:
        node: the index of the node.
        stdin: our end of its standard input, -1 if closed.
        stdout: our end of its standard output, -1 if closed.
        stderr: our end of its standard error, -1 if closed, or if it is not read.
        end_key: the key by which its end is watched for, 0 if it is not.
        unsent: octets on their way to its standard input.
        refused: how many octets it did not accept.
        exited: whether the process has ended; others of its group may still run.
        end_reported: whether the engine knows that no result can come any more.
        killed: whether the group received SIGKILL.

    Args:
        node: the index of the node.
        argv: what is executed.
        environment: its environment.
        stderr: the descriptor of its standard error.
        new_session: whether it has a session of its own.
        reads_stderr: whether its standard error is a pipe of its own instead, which is read.

    Raises:
        OSError: the process cannot be started.
    """

    __slots__ = (
        "_cut_stdin",
        "end_key",
        "end_reported",
        "exited",
        "killed",
        "node",
        "pid",
        "refused",
        "stderr",
        "stdin",
        "stdout",
        "unsent",
    )

    def __init__(
        self,
        node: int,
        argv: list[bytes],
        environment: Environment,
        stderr: int,
        *,
        new_session: bool = True,
        reads_stderr: bool = False,
    ) -> None:
        opened: list[int] = []
        self.stderr = its_stderr = -1
        try:
            opened += os.pipe()
            opened += os.pipe()
            if reads_stderr:
                opened += os.pipe()
            for index, end in enumerate(opened):
                opened[index] = _above_standard(end)
            its_stdin, self.stdin, self.stdout, its_stdout = opened[:4]
            os.set_blocking(self.stdin, False)
            os.set_blocking(self.stdout, False)
            if reads_stderr:
                self.stderr, its_stderr = opened[4:]
                os.set_blocking(self.stderr, False)
                stderr = its_stderr
            self.pid = spawn(
                argv, environment, its_stdin, its_stdout, stderr, new_session=new_session
            )
        except BaseException:
            for end in opened:
                os.close(end)
            raise
        os.close(its_stdin)
        os.close(its_stdout)
        if its_stderr >= 0:
            os.close(its_stderr)
        self._cut_stdin = -1
        self.node = node
        self.unsent = WriteQueue()
        self.refused = 0
        self.exited = False
        self.end_reported = False
        self.killed = False
        self.end_key = 0

    def has_exited(self) -> bool:
        """Return whether the process has ended, without reaping it."""
        return self.exit_status() is not None

    def write_unsent(self) -> None:
        """Write what waits for the calculator.

        Raises:
            BlockingIOError: the pipe is full.
            OSError: the calculator does not accept input any more.
        """
        self.unsent.flush(self._write)

    def _write(self, data: bytes | bytearray | memoryview) -> int:
        return os.write(self.stdin, data)

    def has_unread_output(self) -> bool:
        """Return whether something that it wrote is still in the pipe."""
        if self.stdout < 0:
            return False
        return any(fcntl.ioctl(self.stdout, termios.FIONREAD, bytes(4)))

    def close_stdin(self) -> None:
        """Let the calculator see the end of its input; drop what was not sent."""
        self.unsent.clear()
        if self.stdin >= 0:
            os.close(self.stdin)
            self.stdin = -1

    def cut_stdin(self) -> None:
        """Send nothing more, but keep the end of its input from the calculator until it ends.

        A shell that finds its input to end within a command complains about it.
        """
        self.unsent.clear()
        self._cut_stdin, self.stdin = self.stdin, -1

    def close_stdout(self) -> None:
        """Close our end of its output."""
        if self.stdout >= 0:
            os.close(self.stdout)
            self.stdout = -1

    def close_stderr(self) -> None:
        """Close our end of its standard error."""
        if self.stderr >= 0:
            os.close(self.stderr)
            self.stderr = -1

    def signal_group(self, signum: signal.Signals) -> bool:
        """Send a signal to the process and all others of its group.

        Returns:
            ``False`` if that is not allowed: what is left of it runs as another user (sudo).
        """
        try:
            os.killpg(self.pid, signum)
        except ProcessLookupError:
            return True
        except PermissionError:
            return False
        return True

    def exit_status(self) -> int | None:
        """Return its exit status, negative for a signal, without reaping; ``None`` if it runs.

        If somebody else has reaped it, the status is 0, as ``subprocess`` has it. A program that
        ignores SIGCHLD lets the system do that, and one may have a loop that reaps all children.
        """
        try:
            return exit_status(self.pid)
        except ChildProcessError:
            return _UNKNOWN

    def reap(self) -> bool:
        """Reap the process if it has ended; return ``False`` if it has not: never wait for it."""
        return reap(self.pid)

    def retire(self) -> None:
        """Kill what is left of the group, and close all descriptors; :meth:`reap` it later."""
        self.signal_group(signal.SIGKILL)
        self.close_pipes()

    def kill_and_reap(self) -> None:
        """Do all of that, for a process that may still run: SIGKILL needs a moment."""
        self.retire()
        deadline = monotonic() + GRACES.kill
        while not self.reap() and monotonic() < deadline:
            sleep(0.001)

    def close_pipes(self) -> None:
        """Close our ends of its input and of its outputs."""
        self.close_stdin()
        if self._cut_stdin >= 0:
            os.close(self._cut_stdin)
            self._cut_stdin = -1
        self.close_stdout()
        self.close_stderr()


def _above_standard(fd: int) -> int:
    """Move a descriptor, unless it is above 2 already; return its number."""
    if fd > 2:
        return fd
    moved = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 3)
    os.close(fd)
    return moved
