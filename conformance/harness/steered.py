"""The process behind every fake: it reports what it sees and does only what the test says.

It runs in an interpreter of its own, started by the distributor under test, and talks with the test
over a control channel. It knows nothing of tasks: it passes on the octets that it received, and it
writes the octets that it is told to write. The test side is in ``fakes.py``.

Usage: steered.py ADDRESS FLAGS [WORDS...]

FLAGS are joined by commas:

calculator, transport
    the role, reported to the test
linger
    do not exit at the end of standard input
stubborn
    report SIGTERM, SIGINT, SIGHUP and SIGQUIT instead of dying of them
paused
    leave standard input alone until told to resume; report only that something waits there
"""

from __future__ import annotations

import fcntl
import marshal
import os
import select
import stat
import struct
import sys
import termios
import time

# A run of the suite starts some thousand fakes. Each of typing and pathlib would double the time
# that takes; signal and socket, because of their enumerations, two thirds of it together.
TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
    import socket
    from typing import Any, NoReturn
else:
    import _signal as signal
    import _socket as socket

#: Words of the command line before those that the distributor or the test adds: the interpreter,
#: its flags, this file, the address, the flags.
FIXED_WORDS = 5

_STDIN, _STDOUT, _STDERR = 0, 1, 2


def octets_of(path: str) -> bytes:
    """All octets of a file."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    chunks = []
    while chunk := os.read(fd, 1 << 16):
        chunks.append(chunk)
    os.close(fd)
    return b"".join(chunks)


def unread_octets(fd: int) -> int:
    """How many of the octets written to ``fd`` its reader has not read yet."""
    is_pipe = stat.S_ISFIFO(os.fstat(fd).st_mode)
    request = termios.FIONREAD if is_pipe else termios.TIOCOUTQ
    count: int = struct.unpack("i", fcntl.ioctl(fd, request, b"\0\0\0\0"))[0]
    return count


def start_time() -> float:
    """When this process was forked, in seconds since the system started, to a hundredth."""
    fields = octets_of("/proc/self/stat").rpartition(b")")[2].split()
    return int(fields[19]) / os.sysconf("SC_CLK_TCK")


def blocked_signals() -> bytes:
    """The hexadecimal set of signals that were blocked when this process was started."""
    return octets_of("/proc/self/status").partition(b"SigBlk:")[2].split()[0]


class Steered:
    """One fake: events go to the test, commands come from it, each answered with ``done``."""

    def __init__(self, address: str, flags: set[str]) -> None:
        self._linger = "linger" in flags
        self._stdin_open = True
        self._reads = "paused" not in flags
        self._poll = select.poll()
        self._channel = socket.socket(socket.AF_UNIX)
        # A file's, where the abstract namespace is another one.
        self._channel.connect(address if address.startswith("/") else "\0" + address)
        self._poll.register(self._channel, select.POLLIN)
        self._unparsed = b""
        self._signals, wakeup = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        if "stubborn" in flags:
            signal.set_wakeup_fd(wakeup)
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
                signal.signal(number, lambda *_: None)
            self._poll.register(self._signals, select.POLLIN)
        elif signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
        self._tell(
            "started",
            {
                "pid": os.getpid(),
                "flags": sorted(flags),
                "words": octets_of("/proc/self/cmdline").split(b"\0")[FIXED_WORDS:-1],
                "environment": octets_of("/proc/self/environ").split(b"\0")[:-1],
                "start": start_time(),
                "blocked": blocked_signals(),
            },
        )
        self._poll.register(_STDIN, select.POLLIN)

    def live(self) -> NoReturn:
        """Obey until told to end, or until the test goes away."""
        while True:
            for fd, _ in self._poll.poll():
                if fd == _STDIN:
                    self._look_at_input()
                elif fd == self._signals:
                    for number in os.read(self._signals, 64):
                        self._tell("signal", (number, time.monotonic()))
                else:
                    self._take_commands()

    def _tell(self, event: str, value: Any = None) -> None:
        message = marshal.dumps((event, value))
        try:
            self._channel.sendall(struct.pack("!I", len(message)) + message)
        except OSError:
            os._exit(1)

    def _look_at_input(self) -> None:
        """Read it, or say that it is there; a command of the same round may have done that."""
        if self._reads:
            self._do_sync()
        elif self._stdin_open:
            self._poll.unregister(_STDIN)
            self._tell("waiting")

    def _take_input(self) -> None:
        octets = os.read(_STDIN, 1 << 18)
        if octets:
            self._tell("input", octets)
            return
        self._poll.unregister(_STDIN)
        self._stdin_open = False
        self._tell("eof", time.monotonic())
        if not self._linger:
            os._exit(0)

    def _take_commands(self) -> None:
        octets = self._channel.recv(1 << 18)
        if not octets:
            os._exit(1)
        self._unparsed += octets
        while len(self._unparsed) >= 4:
            end = 4 + struct.unpack_from("!I", self._unparsed)[0]
            if len(self._unparsed) < end:
                return
            command, *value = marshal.loads(self._unparsed[4:end])  # noqa: S302 (our own test)
            self._unparsed = self._unparsed[end:]
            self._tell("done", getattr(self, f"_do_{command}")(*value))

    def _do_write(self, octets: bytes) -> bool:
        """Write all of it, however long that takes; whether somebody was there to read it."""
        rest = memoryview(octets)
        try:
            while rest:
                rest = rest[os.write(_STDOUT, rest) :]
        except BrokenPipeError:
            return False
        return True

    def _do_flood(self, line: bytes, limit: int, patience: float) -> int:
        """Write lines until ``limit`` octets or until nobody takes any for ``patience`` seconds."""
        os.set_blocking(_STDOUT, False)
        writable = select.poll()
        writable.register(_STDOUT, select.POLLOUT)
        block = line * (1 << 16)
        accepted = 0
        while accepted < limit and writable.poll(patience * 1000):
            start = accepted % len(line)
            end = start + min(1 << 16, limit - accepted)
            try:
                accepted += os.write(_STDOUT, memoryview(block)[start:end])
            except BlockingIOError:
                continue
        os.set_blocking(_STDOUT, True)
        return accepted

    def _do_drain(self, patience: float) -> bool:
        """Whether the distributor reads, within ``patience``, all that was written.

        No event tells the writer of a pipe that it was emptied, so this one looks again and again.
        """
        deadline = time.monotonic() + patience
        while unread_octets(_STDOUT):
            if time.monotonic() > deadline:
                return False
            time.sleep(0.001)
        return True

    def _do_write_stderr(self, octets: bytes) -> None:
        os.write(_STDERR, octets)

    def _do_sync(self) -> None:
        """Take in all input that is there by now."""
        ready = select.poll()
        if self._stdin_open:
            ready.register(_STDIN, select.POLLIN)
        while self._stdin_open and self._reads and ready.poll(0):
            self._take_input()

    def _do_resume(self) -> None:
        self._reads = True
        self._poll.register(_STDIN, select.POLLIN)

    def _do_close_stdin(self) -> None:
        self._poll.unregister(_STDIN)
        self._stdin_open = False
        os.close(_STDIN)

    def _do_close_stdout(self) -> None:
        os.close(_STDOUT)

    def _do_close_stderr(self) -> None:
        os.close(_STDERR)

    def _do_spawn(self, keep_input: bool, keep_output: bool, leave: str, orphan: bool) -> int:
        """Leave a child that never ends, and that holds no other pipes than those it keeps."""
        reader, writer = os.pipe()
        between = os.fork() if orphan else 0
        child = 0 if between else os.fork()
        if not between and child == 0:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            if leave == "session":
                os.setsid()
            elif leave == "group":
                os.setpgid(0, 0)
            os.write(writer, b"%d" % os.getpid())  # only now is it where it is to be
            for fd in range(64):
                if not (keep_input and fd == _STDIN) and not (keep_output and fd == _STDOUT):
                    os.closerange(fd, fd + 1)
            while True:
                signal.pause()
        if orphan and not between:
            os._exit(0)
        if between:
            os.waitpid(between, 0)
        child = int(os.read(reader, 20))
        os.close(reader)
        os.close(writer)
        return child

    def _do_pipes(self) -> dict[int, str]:
        """Return the target of each open descriptor."""
        found = {}
        for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 (pathlib is slow to load)
            try:
                found[int(name)] = os.readlink(f"/proc/self/fd/{name}")  # noqa: PTH115
            except OSError:  # that of the listing itself
                continue
        return found

    def _do_execute(self, words: list[bytes], environment: dict[bytes, bytes] | None) -> NoReturn:
        """Become another program, as a transport becomes the shell of the node."""
        os.execve(words[0], words, os.environb if environment is None else environment)

    def _do_exit(self, status: int) -> NoReturn:
        os._exit(status)

    def _do_die(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    Steered(sys.argv[1], set(sys.argv[2].split(","))).live()
