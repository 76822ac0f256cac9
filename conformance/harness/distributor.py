"""One run of the implementation under test, with its pipes in the hands of the test."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shlex
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from conformance.harness import processes
from conformance.harness.shown import ExitStatus, Stderr, Stdout
from conformance.harness.watch import READ, WRITE, UnmetError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from conformance.harness.recording import Recorder
    from conformance.harness.shown import ExitStatus, Stderr, Stdout
    from conformance.harness.transcript import Transcript
from conformance.harness.watch import Watch

MOST = 640 << 20
"""How many octets of an output are read: tests need 200 MiB, and some programs have no end."""

SUMMARY = re.compile(rb"(?<![\d.])\d+ (failed|given up|never ran|succeeded)\b")
"""Found in a line that says what became of the tasks, and in no other but those of progress."""


@contextlib.contextmanager
def _no_inherited_ignores() -> Iterator[None]:
    """Ignored signals are inherited; who runs the suite in the background must not change it."""
    ignored = [
        number
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
        if signal.getsignal(number) is signal.SIG_IGN
    ]
    for number in ignored:
        signal.signal(number, lambda *_: None)
    try:
        yield
    finally:
        for number in ignored:
            signal.signal(number, signal.SIG_IGN)


def _is_file(word: str | bytes) -> bool:
    try:
        return Path(os.fsdecode(word)).is_file()
    except OSError:  # no path is so long
        return False


class Distributor:
    """A started distributor.

    Its standard input stays open until ``close_stdin``. Standard output and standard error are
    read in the background of every wait, except after ``leave_output_unread``.
    """

    def __init__(
        self,
        argv: Sequence[str | bytes],
        environment: dict[bytes, bytes],
        directory: Path,
        watch: Watch,
        transcript: Transcript,
        recorder: Recorder,
        name: str,
        stdin: int | None = None,
        stdout: int | None = None,
    ) -> None:
        self._watch = watch
        self._transcript = transcript
        self._recorder = recorder
        self.name = name
        #: The environment that it was started with, or what it is started within.
        self.environment = environment
        self._stdout = bytearray()
        self._stderr = bytearray()
        self._unsent = bytearray()
        #: How many octets of the input went into the pipe.
        self.accepted = 0
        self._close_when_sent = False
        #: The exit status, negative for the number of a signal; None while it runs.
        self.status: ExitStatus | None = None
        self._paths = [os.fsencode(word) for word in argv if _is_file(word)]
        #: The seconds of processor time that it had used, without its children, when it ended.
        self.processor_time = 0.0
        words = (os.fsencode(word).decode(errors="backslashreplace") for word in argv)
        transcript.note("distributor started", shlex.join(words))
        with _no_inherited_ignores():
            self._process = subprocess.Popen(
                argv,
                stdin=subprocess.PIPE if stdin is None else stdin,
                stdout=subprocess.PIPE if stdout is None else stdout,
                stderr=subprocess.PIPE,
                env=environment,
                cwd=directory,
                bufsize=0,
                start_new_session=True,
            )
        self.pid = self._process.pid
        self._stdin_pipe = self._process.stdin
        self._stdout_pipe = self._process.stdout
        self._stderr_pipe = self._process.stderr
        for pipe in (self._stdin_pipe, self._stdout_pipe, self._stderr_pipe):
            if pipe is not None:
                os.set_blocking(pipe.fileno(), False)
        self._pidfd: int | None = os.pidfd_open(self.pid)
        watch.add(self._pidfd, READ, self._take_exit)
        self._listen()
        assert self._stderr_pipe is not None
        watch.add(self._stderr_pipe, READ, self._take_stderr)

    @property
    def stdout(self) -> bytes:
        """Standard output so far."""
        return Stdout(self._stdout)

    @property
    def printed(self) -> int:
        """How many octets came out of standard output so far."""
        return len(self._stdout)

    @property
    def stderr(self) -> bytes:
        """Standard error so far, that of local calculators included."""
        return Stderr(self._stderr)

    @property
    def messages(self) -> bytes:
        """Standard error so far, without the paths of files on its command line.

        The path of the implementation begins most messages, and any digit may occur in it.
        """
        messages = bytes(self._stderr)
        for path in self._paths:
            messages = messages.replace(path, b"")
        return Stderr(messages)

    @property
    def stderr_link(self) -> str:
        """The target of its standard error, as ``Fake.pipes`` names it."""
        assert self._stderr_pipe is not None
        return str(Path(f"/proc/self/fd/{self._stderr_pipe.fileno()}").readlink())

    @property
    def diagnostics(self) -> bytes:
        """The same without a summary (ACC-010), and without what shells say of killed processes."""
        lines = bytes(self._stderr).splitlines(keepends=True)
        return b"".join(line for line in lines if line != b"Killed\n" and not SUMMARY.search(line))

    @property
    def has_ended(self) -> bool:
        """Whether its process has."""
        return self.status is not None

    @property
    def silent(self) -> bool:
        """Whether it has exited and nobody holds its standard error any more."""
        return self.status is not None and self._stderr_pipe is None

    # Standard input

    def feed(self, octets: bytes) -> None:
        """Send input. What the pipe does not take now follows while the test waits."""
        self._transcript.note("stdin ->", octets)
        self._recorder.did(self.name, "feed", octets)
        if self._stdin_pipe is None:
            return
        if not self._unsent and octets:
            self._watch.add(self._stdin_pipe, WRITE, self._send)
        self._unsent += octets

    def close_stdin(self) -> None:
        """End the input, after what was fed."""
        self._transcript.note("stdin ->", "(end)")
        self._recorder.did(self.name, "close_stdin")
        self._close_when_sent = True
        if not self._unsent:
            self._drop_stdin()

    def set_stdin_capacity(self, octets: int) -> int:
        """Ask for a capacity of the pipe to standard input; the one that it got."""
        assert self._stdin_pipe is not None
        self._recorder.did(self.name, "set_stdin_capacity", octets)
        return fcntl.fcntl(self._stdin_pipe, fcntl.F_SETPIPE_SZ, octets)

    def _send(self) -> None:
        assert self._stdin_pipe is not None
        try:
            sent = os.write(self._stdin_pipe.fileno(), self._unsent[: 1 << 18])
        except BlockingIOError:
            return
        except BrokenPipeError:
            self._transcript.note("stdin ->", "(nobody reads any more)")
            self._drop_stdin()
            return
        self.accepted += sent
        del self._unsent[:sent]
        if not self._unsent:
            self._watch.remove(self._stdin_pipe)
            if self._close_when_sent:
                self._drop_stdin()

    def _drop_stdin(self) -> None:
        if self._stdin_pipe is not None:
            self._watch.remove(self._stdin_pipe)
            self._stdin_pipe.close()
            self._stdin_pipe = None
            self._unsent.clear()

    # Standard output and standard error

    def expect_output(self, octets: bytes) -> None:
        """Wait until standard output, from its beginning, is these octets."""

        def arrived() -> bool:
            return len(self._stdout) >= len(octets)

        self._watch.wait(f"standard output to be {octets!r}", arrived)
        assert self.stdout == octets, f"{self.stdout!r}, not {octets!r}"

    def leave_output_unread(self, capacity: int) -> int:
        """Stop reading standard output; the capacity that its pipe got when asked for one."""
        assert self._stdout_pipe is not None
        self._recorder.did(self.name, "leave_output_unread", capacity)
        self._watch.remove(self._stdout_pipe)
        return fcntl.fcntl(self._stdout_pipe, fcntl.F_SETPIPE_SZ, capacity)

    def read_output(self) -> None:
        """Read standard output again."""
        self._recorder.did(self.name, "read_output")
        self._listen()

    def _listen(self) -> None:
        if self._stdout_pipe is not None:
            self._watch.add(self._stdout_pipe, READ, self._take_stdout)

    def close_output(self) -> None:
        """Go away as the reader of standard output."""
        self._transcript.note("stdout", "(the reader goes away)")
        self._recorder.did(self.name, "close_output")
        self._drop_stdout()

    def _take_stdout(self) -> None:
        assert self._stdout_pipe is not None
        octets = os.read(self._stdout_pipe.fileno(), 1 << 20)
        self._transcript.note("stdout <-", octets or "(end)")
        self._stdout += octets
        self._recorder.saw_printed(self.name, len(self._stdout))
        if not octets:
            self._drop_stdout()
        elif len(self._stdout) > MOST:
            self._drop_stdout()
            raise UnmetError(f"more than {MOST} octets on standard output")

    def _drop_stdout(self) -> None:
        if self._stdout_pipe is not None:
            self._watch.remove(self._stdout_pipe)
            self._stdout_pipe.close()
            self._stdout_pipe = None

    def _take_stderr(self) -> None:
        assert self._stderr_pipe is not None
        octets = os.read(self._stderr_pipe.fileno(), 1 << 20)
        self._transcript.note("stderr <-", octets or "(end)")
        self._stderr += octets
        if not octets:
            self._drop_stderr()
        elif len(self._stderr) > MOST:
            self._drop_stderr()
            raise UnmetError(f"more than {MOST} octets on standard error")

    def _drop_stderr(self) -> None:
        if self._stderr_pipe is not None:
            self._watch.remove(self._stderr_pipe)
            self._stderr_pipe.close()
            self._stderr_pipe = None

    # The process

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the distributor alone."""
        self._transcript.note("distributor <-", number.name)
        self._recorder.did(self.name, "signal", int(number))
        os.kill(self.pid, number)
        if number == signal.SIGSTOP:  # that returns before the process has stopped
            os.waitid(os.P_PID, self.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)

    def wait(self, bound: float | None = None) -> int:
        """Wait for the end of the distributor; its exit status, negative for a signal."""
        self._watch.wait("the end of the distributor", lambda: self.status is not None, bound)
        self._watch.settle()
        assert self.status is not None
        return self.status

    def finish(self, bound: float | None = None) -> int:
        """End the input and wait for the end of the distributor; its exit status."""
        self.close_stdin()
        return self.wait(bound)

    def memory(self, field: str) -> int:
        """A line of ``/proc/PID/status`` such as VmRSS or VmHWM, in octets."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(field + ":"):
                return int(line.split()[1]) * 1024
        raise AssertionError(f"the distributor's memory cannot be measured: no {field}")

    def descriptors(self) -> int:
        """How many descriptors it has open."""
        return len(list(Path(f"/proc/{self.pid}/fd").iterdir()))

    def children(self) -> int:
        """How many child processes it has, those included that ended and were not waited for."""
        parents = []
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):  # it is gone
                parents.append(int(stat.read_bytes().rpartition(b")")[2].split()[1]))
        return parents.count(self.pid)

    def _take_exit(self) -> None:
        self.processor_time = processes.processor_time_of(self.pid)
        self.status = ExitStatus(self._process.wait())
        self._transcript.note("distributor ended", f"status {self.status}")
        self._recorder.saw_end(self.name)
        self._drop_pidfd()

    def _drop_pidfd(self) -> None:
        if self._pidfd is not None:
            self._watch.remove(self._pidfd)
            os.close(self._pidfd)
            self._pidfd = None

    def close(self) -> None:
        """Kill it with its session, if it still lives, and let go of all pipes."""
        if self.status is None:
            os.killpg(self.pid, signal.SIGKILL)
            self._take_exit()
        self._drop_stdin()
        self._drop_stdout()
        self._drop_stderr()
