"""Fake calculators and transports as the test sees and steers them.

A fake is a process that the distributor starts; ``steered.py`` is its program. Commands to it are
queued and return at once, those that hand back an answer wait for it.
"""

from __future__ import annotations

import os
import select
import signal
import time
from typing import TYPE_CHECKING, Any

from conformance.harness.streams import split_lines
from conformance.harness.transcript import Transcript, shown
from conformance.harness.watch import UnmetError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from conformance.harness.control import Channel
    from conformance.harness.recording import Recorder
    from conformance.harness.watch import Watch


class Fake:
    """One started process that reports to the test."""

    role = "fake"

    def __init__(
        self,
        number: int,
        channel: Channel,
        watch: Watch,
        transcript: Transcript,
        recorder: Recorder,
        hello: Any,
    ) -> None:
        self._channel = channel
        self._watch = watch
        self._transcript = transcript
        self._recorder = recorder
        self.name = f"{self.role} {number}"
        self.pid: int = hello["pid"]
        #: The words that were added to the command line of the fake.
        self.words: list[bytes] = hello["words"]
        #: The environment with which the process was started, octet for octet.
        self.environment: dict[bytes, bytes] = dict(
            entry.split(b"=", 1) for entry in hello["environment"] if b"=" in entry
        )
        #: The hexadecimal set of signals that were blocked when the process was started.
        self.blocked: bytes = hello["blocked"]
        #: When the process was forked, in seconds since the system started, to a hundredth.
        self.start: float = hello["start"]
        #: Everything that was read from standard input.
        self.received = bytearray()
        #: When the end of standard input was seen, by the system's monotonic clock.
        self.eof_at: float | None = None
        #: Signals that a stubborn fake received, with their times.
        self.signals: list[tuple[int, float]] = []
        #: Whether a paused fake has something to read.
        self.input_waits = False
        self.gone = False
        #: When it was gone, by the same clock.
        self.gone_at = 0.0
        self._sent = 0
        self._answers: list[Any] = []
        transcript.note(f"{self.name} started", f"pid {self.pid}, words {self.words}")
        recorder.saw_start(self.name, self.words)

    def take(self, event: str, value: Any) -> None:
        """Note one event of the process."""
        if event == "done":
            self._answers.append(value)
            return
        self._transcript.note(
            f"{self.name} -> {event}", value if isinstance(value, bytes) else str(value)
        )
        if event == "input":
            self.received += value
            self._recorder.saw_read(self.name, value)
        elif event == "eof":
            self.eof_at = value
        elif event == "signal":
            self.signals.append(value)
        elif event == "waiting":
            self.input_waits = True
        elif event == "gone":
            self.gone = True
            self.gone_at = time.monotonic()
            self._recorder.saw_end(self.name)

    @property
    def has_ended(self) -> bool:
        """Whether its process has."""
        return self.gone

    def wait(self, what: str, condition: Callable[[], bool], bound: float | None = None) -> None:
        """Wait for something that needs this process to be alive."""
        self._watch.wait(f"{what} ({self.name})", lambda: self.gone or condition(), bound)
        if not condition():
            raise UnmetError(f"{self.name} ended while the test waited for: {what}")

    def wait_gone(self, bound: float | None = None) -> None:
        """Wait until the process has ended.

        The end of its channel is not enough: its other descriptors are closed a little later.
        """
        what = f"the end of the process ({self.name})"
        self._watch.wait(what, lambda: self.gone, bound)
        try:
            process = os.pidfd_open(self.pid)
        except ProcessLookupError:  # somebody has waited for it
            return
        seconds = self._watch.bounds.of(what, bound)
        has_ended = self._watch.outwait(
            lambda part: bool(select.select([process], [], [], part)[0]), seconds
        )
        os.close(process)
        if not has_ended:
            raise UnmetError(f"timed out waiting for: {what}")

    def wait_eof(self, bound: float | None = None) -> None:
        """Wait until the process has seen the end of its standard input."""
        self.wait("the end of its standard input", lambda: self.eof_at is not None, bound)

    def write(self, octets: bytes) -> None:
        """Write these octets to standard output."""
        self.command("write", octets)

    def write_stderr(self, octets: bytes) -> None:
        """Write these octets to standard error."""
        self.command("write_stderr", octets)

    def resume(self) -> None:
        """Read standard input, after a start in the state ``paused``."""
        self.command("resume")

    def close_stdin(self) -> None:
        """Accept no further input, but go on living."""
        self.command("close_stdin")

    def close_stdout(self) -> None:
        """Show the end of the output, but go on living."""
        self.command("close_stdout")

    def close_stderr(self) -> None:
        """Show the end of standard error, but go on living."""
        self.command("close_stderr")

    def exit(self, status: int) -> None:
        """End with this exit status."""
        self.command("exit", status)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to this process alone."""
        self._transcript.note(f"{self.name} <-", number.name)
        self._recorder.did(self.name, "signal", int(number))
        os.kill(self.pid, number)

    def die(self) -> None:
        """End by SIGKILL."""
        self.command("die")

    def sync(self) -> None:
        """Return when all commands are obeyed and all input that is there by then is reported."""
        self._ask("sync")

    def obey(self) -> None:
        """Return when all commands are obeyed, also if the process ends after that.

        A distributor may close the input of a fake that closed its output, and the fake then exits.
        """
        self._watch.wait(
            f"its commands to be obeyed ({self.name})",
            lambda: self.gone or len(self._answers) >= self._sent,
        )

    def drain(self, patience: float) -> bool:
        """Whether the distributor reads everything that was written, within ``patience``."""
        # To answer that nothing is read takes its time, too.
        bound = patience + self._watch.bounds.usual
        return bool(self._ask("drain", patience, bound=bound))

    def flood(self, line: bytes, limit: int, patience: float) -> int:
        """Write lines as long as somebody takes them; the number of octets that were taken."""
        bound = self._watch.bounds.volume
        return int(self._ask("flood", line, limit, patience, bound=bound))

    def spawn(
        self,
        *,
        keep_input: bool = False,
        keep_output: bool = False,
        leave: str = "",
        orphan: bool = False,
    ) -> int:
        """Start a child that never ends by itself; its pid.

        It is in the same process group unless it is to ``leave`` that for a "group" or a "session"
        of its own, and holds no pipe unless it is to keep one. The parent of an ``orphan`` has
        ended.
        """
        return int(self._ask("spawn", keep_input, keep_output, leave, orphan))

    def pipes(self) -> dict[int, str]:
        """Return the target of each of its open descriptors."""
        return dict(self._ask("pipes"))

    def _execute(self, words: list[bytes], environment: dict[bytes, bytes] | None) -> None:
        self.command("execute", words, environment)

    def command(self, command: str, *value: object) -> None:
        """Send a command as ``steered.py`` understands it."""
        arguments = ", ".join(shown(v) if isinstance(v, bytes) else repr(v) for v in value)
        self._transcript.note(f"{self.name} <- {command}", arguments)
        self._recorder.did(self.name, command, *value)
        self._sent += 1
        self._channel.send(command, *value)

    def _ask(self, command: str, *value: object, bound: float | None = None) -> Any:
        self.command(command, *value)
        number = self._sent
        what = f"the command {command!r} to be done"
        self.wait(what, lambda: len(self._answers) >= number, bound)
        return self._answers[number - 1]


class Calculator(Fake):
    """A fake calculator: its input is a sequence of tasks."""

    role = "calculator"

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        #: The tasks that have arrived together with their newline.
        self.tasks: list[bytes] = []
        #: Those of them that the stage has not answered by itself yet.
        self.unanswered: list[bytes] = []
        self._parsed = 0
        self._expected = 0

    def take(self, event: str, value: Any) -> None:
        super().take(event, value)
        if event == "input":
            start = self._parsed
            end = self.received.rfind(b"\n", start) + 1
            if end:
                tasks, _ = split_lines(bytes(self.received[start:end]))
                self.tasks += tasks
                self.unanswered += tasks
                self._parsed = end

    def next_task(self, bound: float | None = None) -> bytes:
        """Wait for the next task and return its octets."""
        self._expected += 1
        number = self._expected
        self.wait(f"its task number {number}", lambda: len(self.tasks) >= number, bound)
        return self.tasks[number - 1]

    def answer(self, *lines: bytes, eot: bytes = b"") -> None:
        """Write the result lines and the EOT in one go."""
        self.write(b"".join(line + b"\n" for line in (*lines, eot)))


class Transport(Fake):
    """A fake transport: its words are what the distributor handed to it."""

    role = "transport"

    def run(
        self,
        environment: dict[bytes, bytes] | None = None,
        login_shell: Sequence[bytes] = (b"/bin/sh",),
    ) -> None:
        """Become the node's login shell and evaluate the command line, the last word.

        ``environment`` stands for that of another machine; by default it is the transport's own.
        """
        if not self.words:
            raise UnmetError("a transport was started without a node and a command line")
        self._execute([*login_shell, b"-c", self.words[-1]], environment)
