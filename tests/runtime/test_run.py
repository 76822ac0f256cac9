"""Whole runs under a nursery: flow of tasks and results, failures, cancellation."""

from __future__ import annotations

import errno
import fcntl
import gc
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest
import trio
import trio.testing

from paexec_trio import Calculator, Run, serve
from paexec_trio.core.commands import Exit
from paexec_trio.core.ending import SIGPIPE
from paexec_trio.core.launch import Launch
from paexec_trio.core.settings import GRACES, MAGIC_EOT, Settings
from tests.runtime.harness import (
    ECHO,
    LIMIT,
    PIDS,
    Witness,
    conversation,
    open_descriptors,
)

pytestmark = [pytest.mark.trio, pytest.mark.usefixtures("system")]


@pytest.fixture
def stderr(tmp_path: Path) -> Iterator[Stderr]:
    """A file as the standard error of a run."""
    with (tmp_path / "stderr").open("w+b") as file:
        yield Stderr(file.fileno(), tmp_path / "stderr")


class Stderr:
    def __init__(self, fd: int, path: Path) -> None:
        self.fd = fd
        self._path = path

    def lines(self) -> list[bytes]:
        return self._path.read_bytes().splitlines()


# Tasks and results


async def test_tasks_are_done_and_the_run_ends() -> None:
    """END-001, FRM-002."""
    async with conversation(nodes=2) as talk:
        await talk.feed(b"a\nbb\nccc")
        output, outcome = await talk.finish()
        assert sorted(output.splitlines()) == [b"a", b"bb", b"ccc"]
        assert outcome == Exit(status=0)


async def test_an_empty_input_has_no_result() -> None:
    """FRM-004."""
    async with conversation(nodes=3) as talk:
        assert await talk.finish() == (b"", Exit(status=0))


async def test_results_do_not_wait_for_further_input() -> None:
    """RES-004, DSP-021: full duplex, with an input that is silent for as long as it likes."""
    async with conversation(nodes=2) as talk:
        for task in (b"one", b"two", b"three", b"four"):
            await talk.feed(task + b"\n")
            assert await talk.line() == task
        assert await talk.finish() == (b"", Exit(status=0))


async def test_a_task_that_comes_in_pieces_is_sent_when_it_is_whole() -> None:
    """DSP-020."""
    async with conversation() as talk:
        await talk.feed(b"first\nsec")
        assert await talk.line() == b"first"
        await talk.feed(b"ond\n")
        assert await talk.line() == b"second"


async def test_result_lines_do_not_wait_for_the_eot(tmp_path: Path) -> None:
    """RES-004: the calculator goes on only when the line has come out at the other end."""
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    command = b'while read -r task; do echo part; read -r word <"%b"; echo "$word"; echo; done'
    async with conversation(command % os.fsencode(gate)) as talk:
        await talk.feed(b"task\n")
        assert await talk.line() == b"part"
        gate.write_bytes(b"go on\n")
        assert await talk.line() == b"go on"


async def test_a_silent_node_does_not_delay_the_others(tmp_path: Path) -> None:
    """DSP-015."""
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    command = (
        b"while read -r task; do "
        b'if test "$task" = wait; then read -r task <"%b"; fi; '
        b'echo "$task"; echo; done' % os.fsencode(gate)
    )
    async with conversation(command, nodes=2) as talk:
        await talk.feed(b"wait\n")
        for number in range(100):
            await talk.feed(b"%d\n" % number)
            assert await talk.line() == b"%d" % number
        gate.write_bytes(b"waited\n")
        assert await talk.finish() == (b"waited\n", Exit(status=0))


async def test_a_long_task_to_a_calculator_that_answers_while_it_reads() -> None:
    """DSP-022, LIM-002: neither side waits for the other with both pipes full."""
    # Everything comes back as lines of 64 octets; only the task's own end ends the answer.
    size = 8 << 20
    command = b"""exec %b -SEIc '
import sys
stdin, stdout = sys.stdin.buffer.raw, sys.stdout.buffer.raw
def write(data):
    while data:
        data = data[stdout.write(data):]
while chunk := stdin.read(65536):
    write(chunk.replace(b"\\n", b"").replace(b"x", b"y\\n"))
    if chunk.endswith(b"\\n"):
        write(b"\\n")
'""" % os.fsencode(sys.executable)
    async with conversation(command) as talk:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(talk.feed, b"x" * size + b"\n")
            for _ in range(size // 4096):
                assert await talk.line() == b"y"
        output, outcome = await talk.finish()
        assert outcome == Exit(status=0)
        assert output == b"y\n" * (size - size // 4096)


async def test_a_long_result_line() -> None:
    """LIM-003."""
    size = 10 << 20
    command = b"read -r task; head -c %d /dev/zero; echo; echo" % size
    async with conversation(command) as talk:
        await talk.feed(b"task\n")
        output, outcome = await talk.finish()
        assert outcome == Exit(status=0)
        assert len(output) == size + 1
        assert output.strip(b"\0") == b"\n"


async def test_any_octets_pass_in_both_directions() -> None:
    """FRM-011, RES-006."""
    octets = bytes(octet for octet in range(256) if octet != 0x0A)
    command = b"""exec %b -SEIc '
import os, sys
for line in sys.stdin.buffer:
    os.write(1, line + b"\\n")
'""" % os.fsencode(sys.executable)
    async with conversation(command) as talk:
        await talk.feed(octets + b"\n")
        assert await talk.line() == octets


async def test_many_tasks_on_many_nodes_are_done_exactly_once() -> None:
    """DSP-013, RES-001."""
    settings = Settings(nodes=tuple(b"%d" % n for n in range(8)), show_task_id=True)
    async with conversation(settings=settings) as talk:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(talk.feed, b"".join(b"task %d\n" % n for n in range(1, 5001)))
            lines = [await talk.line() for _ in range(5000)]
        assert await talk.finish() == (b"", Exit(status=0))
    assert sorted(lines) == sorted(b"%d task %d" % (n, n) for n in range(1, 5001))


async def test_with_one_node_the_order_is_that_of_the_input() -> None:
    async with conversation() as talk:
        tasks = b"".join(b"%d\n" % number for number in range(1000))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(talk.feed, tasks)
            for number in range(1000):
                assert await talk.line() == b"%d" % number


async def test_a_calculator_that_answers_before_it_has_read_its_task() -> None:
    """The rest of the long task still goes before the next one."""
    command = b"""exec %b -SEIc '
import os, sys
sys.stdin.buffer.read(1)
os.write(1, b"early\\n\\n")
sys.stdin.buffer.readline()
os.write(1, sys.stdin.buffer.readline() + b"\\n")
sys.stdin.buffer.read()
'""" % os.fsencode(sys.executable)
    async with conversation(command) as talk:
        await talk.feed(b"x" * (4 << 20) + b"\nnext\n")
        assert await talk.line() == b"early"
        assert await talk.line() == b"next"
        assert await talk.finish() == (b"", Exit(status=0))


async def test_prefixes_name_real_processes() -> None:
    """PFX-005: the process that was started for the node."""
    settings = Settings(nodes=(b"here",), show_node=True, show_pid=True)
    async with conversation(PIDS, settings=settings) as talk:
        await talk.feed(b"task\n")
        node, pid, result = (await talk.line()).split()
        assert node == b"here"
        assert pid == result


async def test_each_node_has_one_calculator_for_the_whole_run() -> None:
    """DSP-001."""
    async with conversation(PIDS, nodes=2) as talk:
        pids = set()
        for _ in range(10):
            await talk.feed(b"a\nb\n")
            pids |= {await talk.line(), await talk.line()}
        assert len(pids) <= 2
        assert await talk.finish() == (b"", Exit(status=0))


async def test_calculators_are_told_the_eot_and_their_variables() -> None:
    """EOT-009, LCH-011."""
    launch = Launch(
        Calculator(b'while read -r task; do echo "$A"; echo "$PAEXEC_EOT"; done'),
        variables={b"A": b"it's\xff", b"PAEXEC_EOT": MAGIC_EOT},
    )
    settings = Settings(nodes=(b"0",), eot=MAGIC_EOT)
    async with conversation(settings=settings, launch=launch) as talk:
        await talk.feed(b"task\n")
        assert await talk.finish() == (b"it's\xff\n", Exit(status=0))


async def test_a_transport_reaches_the_nodes(tmp_path: Path) -> None:
    """LCH-020, LCH-021: a local stand-in for ssh."""
    transport = tmp_path / "transport"
    transport.write_text('#!/bin/sh\nNODE=$2 exec /bin/sh -c "$3"\n')
    transport.chmod(0o755)
    launch = Launch(
        Calculator(b'while read -r task; do echo "$NODE $A $task"; echo; done'),
        transport=(os.fsencode(transport), b"option"),
        variables={b"A": b"a b", b"PAEXEC_EOT": b""},
    )
    settings = Settings(nodes=(b"alpha", b"beta"))
    async with conversation(settings=settings, launch=launch) as talk:
        await talk.feed(b"one\n")
        assert await talk.line() in {b"alpha a b one", b"beta a b one"}
        assert await talk.finish() == (b"", Exit(status=0))


async def test_several_runs_side_by_side() -> None:
    async with (
        conversation() as one,
        conversation(nodes=2) as two,
        conversation(PIDS) as three,
    ):
        await one.feed(b"a\n")
        await two.feed(b"b\n")
        await three.feed(b"c\n")
        assert (await three.line()).isdigit()
        assert await two.line() == b"b"
        assert await one.line() == b"a"
        assert await two.finish() == (b"", Exit(status=0))
        await one.feed(b"still there\n")
        assert await one.line() == b"still there"
        await three.cancel()
        assert await one.finish() == (b"", Exit(status=0))


# Nothing is left


async def test_cancellation_leaves_no_process() -> None:
    """END-006."""
    async with conversation(PIDS, nodes=3) as talk:
        await talk.feed(b"a\nb\nc\n")
        pids = {int(await talk.line()) for _ in range(3)}
        await talk.cancel()
        for pid in pids:
            with pytest.raises(ProcessLookupError):
                os.kill(pid, 0)


async def test_cancellation_ends_calculators_that_ignore_sigterm() -> None:
    command = (
        b"trap '' TERM; while read -r task; do echo \"$$\"; echo; done; while :; do sleep 9; done"
    )
    async with conversation(command) as talk:
        await talk.feed(b"a\n")
        pid = int(await talk.line())
        await talk.cancel()
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


async def test_cancelled_calculators_see_the_end_of_their_input_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They have time to end by themselves before SIGTERM."""
    monkeypatch.chdir(tmp_path)
    for name in ("report", "go"):
        os.mkfifo(name)
    command = b"""
        trap 'echo signal >report; exit' TERM
        read -r task; echo "$task"; read -r task || echo end >report
        read -r go <go; echo gone >report"""
    with open_fifo("report") as report, open_fifo("go") as go:
        graces = GRACES._replace(stop=LIMIT)
        async with conversation(command, graces=graces) as talk, trio.open_nursery() as nursery:
            await talk.feed(b"a\n")
            assert await talk.line() == b"a"
            nursery.start_soon(talk.cancel)
            await trio.lowlevel.wait_readable(report)
            assert os.read(report, 100) == b"end\n"
            os.write(go, b"go\n")
            await trio.lowlevel.wait_readable(report)
            assert os.read(report, 100) == b"gone\n"


@contextmanager
def open_fifo(name: str) -> Iterator[int]:
    """Open both ends of it, so that nobody has to wait for the other one."""
    fd = os.open(name, os.O_RDWR)
    yield fd
    os.close(fd)


BACKGROUND = b"sleep 1000 %b & while read -r task; do echo $!; echo; done"
"""A calculator with a process in the background."""


async def test_a_process_in_the_background_does_not_outlive_the_run() -> None:
    """END-006."""
    async with conversation(BACKGROUND % b">/dev/null") as talk:
        await talk.feed(b"a\n")
        with closing(Witness(await talk.line())) as background:
            assert not background.has_ended()
            assert await talk.finish() == (b"", Exit(status=0))
            await background.ended()


async def test_a_process_in_the_background_does_not_outlive_a_cancelled_run() -> None:
    async with conversation(BACKGROUND % b"") as talk:
        await talk.feed(b"a\n")
        with closing(Witness(await talk.line())) as background:
            await talk.cancel()
            await background.ended()


async def test_a_process_that_holds_the_output_open_does_not_hide_that_a_node_is_lost(
    stderr: Stderr,
) -> None:
    """END-010: the end of a process and the end of its output are two things."""
    command = b"sleep 1000 & read -r task; echo $!; exit 3"
    async with conversation(command, stderr=stderr.fd) as talk:
        await talk.feed(b"a\n")
        with closing(Witness(await talk.line())) as background:
            assert await talk.outcome() == Exit(status=1)
            await background.ended()
    assert stderr.lines() == [b"Node 0 exited unexpectedly"]


async def test_no_descriptor_is_left_open() -> None:
    async with conversation() as talk:  # what trio opens for itself is open from now on
        await talk.finish()
    before = open_descriptors()
    async with conversation(nodes=3) as talk:
        await talk.feed(b"a\nb\nc\n")
        await talk.line()
        await talk.finish()
    async with conversation(nodes=3) as talk:
        await talk.feed(b"a\nb\nc\n")
        await talk.line()
        await talk.cancel()
    assert open_descriptors() == before


async def test_calculators_inherit_no_descriptor_but_their_own_three(tmp_path: Path) -> None:
    """Pipes of other nodes in a calculator would keep those from seeing the end of their input."""
    command = b'while read -r task; do ls "/proc/$$/fd"; echo; done'
    with (tmp_path / "file").open("w") as file:
        os.set_inheritable(file.fileno(), True)
        async with conversation(command, nodes=3) as talk:
            await talk.feed(b"a\nb\nc\n")
            output, _ = await talk.finish()
    # 10 and upwards are the shell's own.
    inherited = [int(fd) for fd in output.split() if int(fd) < 10]
    assert sorted(set(inherited)) == [0, 1, 2]


# Standard output


async def test_the_flags_of_standard_output_are_left_alone() -> None:
    """O_NONBLOCK belongs to the open file, which others share."""
    results, stdout = os.pipe()
    stdin, tasks = os.pipe()
    before = fcntl.fcntl(stdout, fcntl.F_GETFL)
    assert not before & os.O_NONBLOCK
    with trio.fail_after(LIMIT):
        async with trio.open_nursery() as nursery, trio.lowlevel.FdStream(tasks) as feed:
            nursery.start_soon(
                lambda: serve(
                    Run(
                        Settings(nodes=(b"0",)),
                        Launch(Calculator(ECHO)),
                        stdin=stdin,
                        stdout=stdout,
                    )
                )
            )
            await feed.send_all(b"a\n")
            async with trio.lowlevel.FdStream(results) as reader:
                assert await reader.receive_some() == b"a\n"
                assert fcntl.fcntl(stdout, fcntl.F_GETFL) == before
                assert not fcntl.fcntl(stdin, fcntl.F_GETFL) & os.O_NONBLOCK
                await feed.aclose()
                nursery.cancel_scope.deadline = trio.current_time() + LIMIT
    assert fcntl.fcntl(stdout, fcntl.F_GETFL) == before
    os.close(stdout)
    os.close(stdin)


async def test_the_reader_of_the_output_goes_away(stderr: Stderr) -> None:
    """END-020."""
    async with conversation(PIDS, stderr=stderr.fd) as talk:
        await talk.feed(b"a\n")
        pid = int(await talk.line())
        await talk.stop_reading()
        with suppress(trio.BrokenResourceError):  # the run may have noticed, and ended, before
            await talk.feed(b"b\n")
        assert await talk.outcome() == Exit(signal=SIGPIPE)
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    assert stderr.lines() == []


async def test_the_reader_goes_away_while_nothing_is_printed() -> None:
    """END-021."""
    async with conversation() as talk:
        await talk.feed(b"a\n")
        await talk.line()
        await talk.stop_reading()
        assert await talk.outcome() == Exit(signal=SIGPIPE)


async def test_a_reader_that_was_never_there() -> None:
    results, stdout = os.pipe()
    os.close(results)
    with Path(os.devnull).open("rb") as stdin, trio.fail_after(LIMIT):
        outcome = await serve(
            Run(
                Settings(nodes=(b"0",)),
                Launch(Calculator(b"cat")),
                stdin=stdin.fileno(),
                stdout=stdout,
            )
        )
    os.close(stdout)
    assert outcome == Exit(signal=SIGPIPE)


async def run_over(tasks: bytes, stdout: int, stderr: int = 2, command: bytes = ECHO) -> Exit:
    """Carry out a run with these tasks and this standard output."""
    stdin, writer = os.pipe()
    assert len(tasks) <= 65536
    os.write(writer, tasks)
    os.close(writer)
    try:
        with trio.fail_after(LIMIT):
            return await serve(
                Run(
                    Settings(nodes=(b"0",)),
                    Launch(Calculator(command)),
                    stdin=stdin,
                    stdout=stdout,
                    stderr=stderr,
                )
            )
    finally:
        os.close(stdin)


async def test_a_full_device_as_the_output(stderr: Stderr) -> None:
    """END-022."""
    with Path("/dev/full").open("wb") as full:
        assert await run_over(b"a\n", full.fileno(), stderr.fd) == Exit(status=1)
    reason = os.fsencode(os.strerror(errno.ENOSPC))
    assert stderr.lines() == [b"paexec-trio: writing to standard output failed: " + reason]


async def test_an_output_that_cannot_be_written(stderr: Stderr) -> None:
    with Path(os.devnull).open("rb") as read_only:
        outcome = await run_over(b"a\n", read_only.fileno(), stderr.fd)
    assert outcome == Exit(status=1)
    reason = os.fsencode(os.strerror(errno.EBADF))
    assert stderr.lines() == [b"paexec-trio: writing to standard output failed: " + reason]


async def test_a_regular_file_as_the_output(tmp_path: Path) -> None:
    path = tmp_path / "results"
    path.write_bytes(b"before\n")
    with path.open("ab") as file:
        assert await run_over(b"a\nb\n", file.fileno()) == Exit(status=0)
    assert path.read_bytes() == b"before\na\nb\n"


@pytest.fixture
def socket_pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Two connected sockets: ours and that of the run."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


SocketPair = tuple[socket.socket, socket.socket]


async def test_a_socket_as_the_output(socket_pair: SocketPair) -> None:
    ours, theirs = socket_pair
    flags = fcntl.fcntl(theirs, fcntl.F_GETFL)
    assert await run_over(b"a\nb\n", theirs.fileno()) == Exit(status=0)
    assert ours.recv(100) == b"a\nb\n"
    assert fcntl.fcntl(theirs, fcntl.F_GETFL) == flags


async def test_a_socket_whose_reader_went_away(socket_pair: SocketPair, stderr: Stderr) -> None:
    """END-020."""
    ours, theirs = socket_pair
    ours.close()
    assert await run_over(b"a\n", theirs.fileno(), stderr.fd) == Exit(signal=SIGPIPE)
    assert stderr.lines() == []


async def test_no_descriptor_is_left_open_for_a_socket(socket_pair: SocketPair) -> None:
    gc.disable()
    try:
        before = open_descriptors()
        await run_over(b"a\n", socket_pair[1].fileno())
        assert open_descriptors() == before
    finally:
        gc.enable()


STEERED = b"""exec %b -SEIc '
import array, fcntl, os, sys, termios
orders, answers = open(sys.argv[1], "rb", 0), open(sys.argv[2], "wb", 0)
def answer(number):
    answers.write(number.to_bytes(4, "big"))
answer(os.getpid())
sys.stdin.buffer.readline()
os.set_blocking(1, False)
unread = array.array("i", [0])
rest = b""
while count := int.from_bytes(orders.read(4), "big"):
    fcntl.ioctl(1, termios.FIONREAD, unread)
    answer(unread[0])
    rest = rest or b"0123456789abcde\\n" * (count // 16)
    try:
        written = os.write(1, rest)
    except BlockingIOError:
        written = 0
    rest = rest[written:]
    answer(written)
os.set_blocking(1, True)
os.write(1, rest + b"\\n")
' "$ORDERS" "$ANSWERS"
"""
"""A calculator that writes on demand, says how much, and how much of it nobody has read yet."""

LINE = b"0123456789abcde"


class Steered:
    """The test's hold on that calculator."""

    def __init__(self, directory: Path) -> None:
        orders, answers = directory / "orders", directory / "answers"
        os.mkfifo(orders)
        os.mkfifo(answers)
        self._orders = trio.lowlevel.FdStream(os.open(orders, os.O_RDWR))
        self._answers = trio.lowlevel.FdStream(os.open(answers, os.O_RDWR))
        self.launch = Launch(
            Calculator(STEERED % os.fsencode(sys.executable)),
            variables={b"ORDERS": os.fsencode(orders), b"ANSWERS": os.fsencode(answers)},
        )

    async def number(self) -> int:
        """Return the next number that it says."""
        octets = bytearray()
        while len(octets) < 4:
            octets += await self._answers.receive_some(4 - len(octets))
        return int.from_bytes(octets, "big")

    async def write(self, count: int) -> tuple[int, int]:
        """Let it write ``count`` octets; return how many were unread before, and how many went."""
        await self._orders.send_all(count.to_bytes(4, "big"))
        return await self.number(), await self.number()

    async def write_until_reading_is_paused(self, count: int) -> int:
        """Let it write again and again; return how many octets went until they stay unread."""
        total = unread = 0
        while not unread:
            # It waits for its next order: all that moves now is the run.
            await trio.testing.wait_all_tasks_blocked()
            unread, written = await self.write(count)
            total += written
            assert total < 4 << 20, "reading is not paused"
        return total

    async def end(self) -> None:
        """Let it write the EOT and end."""
        await self._orders.send_all(bytes(4))

    async def aclose(self) -> None:
        await self._orders.aclose()
        await self._answers.aclose()


@pytest.fixture
async def steered(tmp_path: Path) -> AsyncIterator[Steered]:
    steered = Steered(tmp_path)
    yield steered
    await steered.aclose()


async def test_unread_results_are_bounded_and_none_is_lost(steered: Steered) -> None:
    """DSP-024, DSP-025: reading from calculators pauses, and is taken up again."""
    async with conversation(launch=steered.launch) as talk:
        await talk.feed(b"task\n")
        await steered.number()
        total = await steered.write_until_reading_is_paused(32768)
        assert total > 2 * 65536
        received = 0
        for _ in range(16):
            while received < total:
                assert await talk.line() == LINE
                received += len(LINE) + 1
            _, written = await steered.write(32768)
            total += written
        await steered.end()
        output, outcome = await talk.finish()
        assert outcome == Exit(status=0)
        assert output == (LINE + b"\n") * (len(output) // 16)
        assert len(output) >= total - received


async def test_a_calculator_that_ends_while_reading_is_paused(steered: Steered) -> None:
    """END-013: what it wrote is read before its end counts."""
    async with conversation(launch=steered.launch) as talk:
        await talk.feed(b"task\n")
        with closing(Witness(b"%d" % await steered.number())) as calculator:
            total = await steered.write_until_reading_is_paused(16384)
            await steered.end()
            await calculator.ended()
        await trio.testing.wait_all_tasks_blocked()
        output, outcome = await talk.finish()
        assert outcome == Exit(status=0)
        assert output == (LINE + b"\n") * (total // 16)


# Standard input


@pytest.mark.parametrize(
    ("what", "error"), [("directory", errno.EISDIR), ("end for writing", errno.EBADF)]
)
async def test_an_input_that_cannot_be_read(
    stderr: Stderr, tmp_path: Path, what: str, error: int
) -> None:
    """END-023: a directory; the wrong end of a pipe, which no poll ever finds ready."""
    other, stdin = os.pipe()
    if what == "directory":
        os.close(stdin)
        stdin = os.open(tmp_path, os.O_RDONLY)
    results, stdout = os.pipe()
    with trio.fail_after(LIMIT):
        outcome = await serve(
            Run(
                Settings(nodes=(b"0",)),
                Launch(Calculator(ECHO)),
                stdin=stdin,
                stdout=stdout,
                stderr=stderr.fd,
            )
        )
    for fd in (other, stdin, results, stdout):
        os.close(fd)
    assert outcome == Exit(status=1)
    reason = os.fsencode(os.strerror(error))
    assert stderr.lines() == [b"paexec-trio: reading from standard input failed: " + reason]


async def test_a_regular_file_as_the_input(tmp_path: Path) -> None:
    path = tmp_path / "tasks"
    path.write_bytes(b"".join(b"%d\n" % number for number in range(4000)))
    with path.open("rb") as tasks, (tmp_path / "results").open("wb") as results:
        with trio.fail_after(LIMIT):
            outcome = await serve(
                Run(
                    Settings(nodes=(b"0",)),
                    Launch(Calculator(ECHO)),
                    stdin=tasks.fileno(),
                    stdout=results.fileno(),
                )
            )
    assert outcome == Exit(status=0)
    assert (tmp_path / "results").read_bytes() == path.read_bytes()


async def test_an_input_that_somebody_made_non_blocking() -> None:
    stdin, tasks = os.pipe()
    os.set_blocking(stdin, False)
    results, stdout = os.pipe()
    with trio.fail_after(LIMIT):
        async with trio.open_nursery() as nursery:

            async def feed() -> None:
                async with trio.lowlevel.FdStream(tasks) as feed:
                    await trio.testing.wait_all_tasks_blocked()
                    await feed.send_all(b"a\n")

            nursery.start_soon(feed)
            outcome = await serve(
                Run(Settings(nodes=(b"0",)), Launch(Calculator(ECHO)), stdin=stdin, stdout=stdout)
            )
    assert outcome == Exit(status=0)
    assert os.read(results, 100) == b"a\n"
    for fd in (stdin, results, stdout):
        os.close(fd)


async def test_input_is_not_read_ahead_of_need(tmp_path: Path) -> None:
    """DSP-023: while all nodes work, what is left stays with its writer."""
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    command = b'while read -r task; do echo "$task"; read -r go <"%b"; echo; done'
    async with conversation(command % os.fsencode(gate)) as talk:
        fed = 0

        async def feed() -> None:
            nonlocal fed
            while True:
                await talk.feed(b"task\n" * 1000)
                fed += 5000

        async with trio.open_nursery() as nursery:
            nursery.start_soon(feed)
            assert await talk.line() == b"task"
            await trio.testing.wait_all_tasks_blocked()
            # What the pipe holds, and what one read takes from it.
            assert 50000 <= fed <= 3 * 65536
            nursery.cancel_scope.cancel()


# Nodes that fail


async def test_a_node_lost_at_work(stderr: Stderr) -> None:
    """END-010, END-012, END-013, END-014."""
    command = (
        b'read -r task; if test "$task" = die; then echo whole; printf torn; exit 0; fi; '
        b'echo "$$"; read -r task'
    )
    settings = Settings(nodes=(b"alpha", b"beta"), show_node=True)
    async with conversation(command, settings=settings, stderr=stderr.fd) as talk:
        await talk.feed(b"work\n")
        name, pid = (await talk.line()).split()
        await talk.feed(b"die\n")
        lost = ({b"alpha", b"beta"} - {name}).pop()
        assert await talk.rest() == lost + b" whole\n"
        assert await talk.outcome() == Exit(status=1)
        with pytest.raises(ProcessLookupError):
            os.kill(int(pid), 0)
    assert stderr.lines() == [b"Node " + lost + b" exited unexpectedly"]


async def test_a_node_that_ended_while_idle_is_missed_when_a_task_comes(stderr: Stderr) -> None:
    """END-011."""
    async with conversation(b"read -r task; echo $$; echo", stderr=stderr.fd) as talk:
        await talk.feed(b"task\n")
        await talk.line()
        await talk.feed(b"next\n")
        assert await talk.outcome() == Exit(status=1)
    # Whether its end or the broken pipe is noticed first is a matter of chance.
    assert stderr.lines() in (
        [b"Node 0 exited unexpectedly"],
        [b"paexec-trio: Sending task to the node failed: " + os.strerror(errno.EPIPE).encode()],
    )


@pytest.mark.parametrize("end", [b"exit 3", b"kill -9 $$"])
async def test_how_a_calculator_ends_after_its_last_task_does_not_matter(
    end: bytes, stderr: Stderr
) -> None:
    """END-007."""
    command = b"read -r task; echo result; echo; " + end
    async with conversation(command, stderr=stderr.fd) as talk:
        await talk.feed(b"task\n")
        assert await talk.finish() == (b"result\n", Exit(status=0))
    assert stderr.lines() == []


async def test_a_calculator_that_closes_its_output_at_work(stderr: Stderr) -> None:
    """END-010."""
    command = b"read -r task; exec >&-; read -r task"
    async with conversation(command, stderr=stderr.fd) as talk:
        await talk.feed(b"task\n")
        assert await talk.outcome() == Exit(status=1)
    assert stderr.lines() == [b"Node 0 exited unexpectedly"]


async def test_a_calculator_that_takes_no_input(stderr: Stderr) -> None:
    """END-011."""
    command = b"exec <&-; echo closed >&2; exec sleep 1000"
    async with conversation(command, stderr=stderr.fd) as talk:
        await talk.feed(b"x" * (1 << 20) + b"\n")
        assert await talk.outcome() == Exit(status=1)
    reason = os.fsencode(os.strerror(errno.EPIPE))
    assert sorted(stderr.lines()) == [
        b"closed",
        b"paexec-trio: Sending task to the node failed: " + reason,
    ]


async def test_a_calculator_that_finished_its_task_and_ended_before_it_was_sent_all(
    stderr: Stderr,
) -> None:
    """Its answer counts: it answered and closed its input, which no task needs any more."""
    command = b"head -c 1 >/dev/null; echo result; echo"
    async with conversation(command, stderr=stderr.fd) as talk:
        await talk.feed(b"x" * (1 << 20) + b"\n")
        assert await talk.finish() == (b"result\n", Exit(status=0))
    assert stderr.lines() == []


async def test_a_calculator_that_cannot_be_found(stderr: Stderr) -> None:
    async with conversation(b"exec /nonexistent/calculator", stderr=stderr.fd) as talk:
        await talk.feed(b"task\n")
        assert await talk.outcome() == Exit(status=1)
    assert stderr.lines()[-1] in {
        b"Node 0 exited unexpectedly",
        b"paexec-trio: Sending task to the node failed: " + os.strerror(errno.EPIPE).encode(),
    }


async def test_a_transport_that_cannot_be_run(stderr: Stderr) -> None:
    """LCH-028."""
    launch = Launch(Calculator(b"x"), transport=(b"/nonexistent/transport",))
    async with conversation(launch=launch, stderr=stderr.fd, nodes=2) as talk:
        assert await talk.outcome() == Exit(status=1)
    reason = os.fsencode(os.strerror(errno.ENOENT))
    assert stderr.lines() == [b"paexec-trio: cannot run /nonexistent/transport: " + reason]


# Calculators that do not end, and requests to stop


async def test_a_calculator_that_does_not_end_is_reported_and_killed(stderr: Stderr) -> None:
    """END-041: it ignores the end of its input and SIGTERM; every task is done all the same."""
    command = b"trap '' TERM; read -r task; echo \"$$\"; echo; while :; do sleep 1000; done"
    settings = Settings(nodes=(b"0",), finish_timeout=0.01)
    graces = GRACES._replace(term=0.01)
    async with conversation(command, settings=settings, stderr=stderr.fd, graces=graces) as talk:
        await talk.feed(b"task\n")
        pid = int(await talk.line())
        assert await talk.finish() == (b"", Exit(status=1))
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    assert stderr.lines() == [
        b"paexec-trio: node 0 has not ended within 0.01 seconds (--finish-timeout); killed"
    ]


async def test_a_calculator_that_takes_long_to_end_is_named_and_waited_for(
    stderr: Stderr, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """END-004, END-040."""
    monkeypatch.chdir(tmp_path)
    os.mkfifo("go")
    command = b"while read -r task; do echo of $task; echo; done; read -r go <go; echo whole >index"
    graces = GRACES._replace(finish_notice=0.01)
    async with (
        conversation(command, stderr=stderr.fd, graces=graces) as talk,
        trio.open_nursery() as nursery,
    ):
        await talk.feed(b"task\n")
        assert await talk.line() == b"of task"
        nursery.start_soon(talk.end_input)
        while not stderr.lines():
            await trio.sleep(0.01)
        with open_fifo("go") as go:
            os.write(go, b"go\n")
            assert await talk.outcome() == Exit(status=0)
    assert Path("index").read_bytes() == b"whole\n"
    (line,) = stderr.lines()
    assert line.startswith(b"paexec-trio: node 0 has not ended 0 seconds after the end")


@pytest.mark.parametrize("finish_timeout", [0.0, 0.01])
async def test_a_process_in_a_session_of_its_own_does_not_keep_the_run_from_ending(
    finish_timeout: float, stderr: Stderr
) -> None:
    """END-007, END-043: it holds the output of its calculator open, and is left alone."""
    command = b"setsid sleep 1000 & while read -r task; do echo $!; echo; done"
    settings = Settings(nodes=(b"0",), finish_timeout=finish_timeout)
    graces = GRACES._replace(finish_notice=0.01, term=0.01)
    async with conversation(command, settings=settings, stderr=stderr.fd, graces=graces) as talk:
        await talk.feed(b"task\n")
        with closing(Witness(await talk.line())) as daemon:
            _, outcome = await talk.finish()
            assert not daemon.has_ended()
    assert outcome.status == int(b"has not ended" in b"".join(stderr.lines()))


async def test_signals_stop_a_run(stderr: Stderr) -> None:
    """END-030."""
    stdin, tasks = os.pipe()
    results, stdout = os.pipe()
    os.write(tasks, b"task\n")
    with trio.fail_after(LIMIT):
        async with trio.open_nursery() as nursery, trio.lowlevel.FdStream(results) as reader:

            async def stop_when_it_runs() -> None:
                assert await reader.receive_some() == b"working\n"
                signal.raise_signal(signal.SIGUSR1)

            nursery.start_soon(stop_when_it_runs)
            outcome = await serve(
                Run(
                    Settings(nodes=(b"0",)),
                    Launch(Calculator(b"read -r task; echo working; read -r task")),
                    stdin=stdin,
                    stdout=stdout,
                    stderr=stderr.fd,
                    stop_signals=[signal.SIGUSR1],
                )
            )
    for fd in (stdin, tasks, stdout):
        os.close(fd)
    assert outcome == Exit(signal=signal.SIGUSR1)
    assert stderr.lines() == []
    assert signal.getsignal(signal.SIGUSR1) is signal.SIG_DFL


async def test_debugging_shows_events_and_commands(stderr: Stderr, tmp_path: Path) -> None:
    """OPT-008."""
    path = tmp_path / "results"
    with Path(os.devnull).open("rb") as stdin, path.open("wb") as results:
        await serve(
            Run(
                Settings(nodes=(b"0",)),
                Launch(Calculator(ECHO)),
                stdin=stdin.fileno(),
                stdout=results.fileno(),
                stderr=stderr.fd,
                debug=True,
            )
        )
    assert path.read_bytes() == b""
    assert stderr.lines()[:2] == [b"RunStarted(nonce=b'', token=b'')", b"StartNode(node=0)"]
    assert stderr.lines()[-1] == b"Exit(status=0, signal=0)"


async def test_a_run_without_a_standard_output_leaves_no_descriptor() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    os.close(writer)
    before = open_descriptors()
    with pytest.raises(OSError, match="Bad file descriptor"):
        await serve(Run(Settings(nodes=(b"0",)), Launch(Calculator(ECHO)), stdout=writer))
    gc.collect()
    assert open_descriptors() == before


async def test_names_of_nodes_are_octets() -> None:
    with pytest.raises(TypeError, match=r"^Settings\.nodes: expected bytes, not '0'$"):
        Run(Settings(nodes=("0",)), Launch(Calculator(ECHO)))  # type: ignore[arg-type]
