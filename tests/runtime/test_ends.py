"""Processes that nodes have started outside of their groups, and those that do not end."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
import trio

from paexec_trio.core.calculators import Calculator
from paexec_trio.core.commands import Deadline, Exit, Purpose, SetDeadline, StartNode
from paexec_trio.core.events import DeadlinePassed, NodeStarted
from paexec_trio.core.launch import Launch
from paexec_trio.core.settings import GRACES, Reassign, Settings
from paexec_trio.runtime import linux, posix, suspension
from paexec_trio.runtime.host import Host
from paexec_trio.runtime.process import NodeProcess
from paexec_trio.runtime.streams import StandardStreams
from paexec_trio.runtime.suspension import stop_this_process
from paexec_trio.runtime.system import Relative
from tests.runtime.harness import LIMIT, Witness, conversation

pytestmark = [pytest.mark.trio, pytest.mark.usefixtures("system")]

HURRIED = GRACES._replace(term=0.01, kill=0.01)
"""Grace periods for what does not end anyway."""

IN_A_GROUP = b"timeout 1000 sleep 1000 >/dev/null & while read -r task; do echo $!; echo; done"
"""A calculator whose result is the id of a process in a group of its own."""

ORPHAN = b"""
    x=$(sh -c 'timeout 1000 sleep 1000 >/dev/null & echo $!')
    while read -r task; do echo $x; echo; done"""
"""The same, and the parent of that process has ended."""


@pytest.fixture
def stderr() -> Iterator[tuple[int, int]]:
    """A pipe for diagnostics: the end to read from, and the one to write to."""
    both = os.pipe()
    yield both
    for fd in both:
        os.close(fd)


def diagnostics(stderr: tuple[int, int]) -> list[bytes]:
    os.set_blocking(stderr[0], False)
    try:
        return os.read(stderr[0], 1 << 16).splitlines()
    except BlockingIOError:
        return []


@pytest.mark.parametrize("command", [IN_A_GROUP, ORPHAN], ids=["child", "orphan"])
@pytest.mark.parametrize("how", ["end", "cancellation", "loss"])
async def test_what_left_the_group_is_ended_with_the_run(command: bytes, how: str) -> None:
    """END-050, in a Python program."""
    dies = b"; kill -9 $$" if how == "loss" else b""
    async with conversation(command.replace(b"; done", dies + b"; done")) as talk:
        await talk.feed(b"a\n")
        with closing(Witness(await talk.line())) as other:
            if how == "cancellation":
                await talk.cancel()
            elif how == "loss":
                await talk.feed(b"b\n")
                assert await talk.outcome() == Exit(status=1)
            else:
                assert await talk.finish() == (b"", Exit(status=0))
            await other.ended()


@pytest.mark.parametrize("command", [IN_A_GROUP, ORPHAN], ids=["child", "orphan"])
async def test_what_a_dead_node_left_is_ended_while_the_run_goes_on(command: bytes) -> None:
    """END-051."""
    settings = Settings(nodes=(b"0",), on_death=Reassign(restart_after=1000, wait=True))
    once = command.replace(b"; done", b"; exit; done")
    async with conversation(once, settings=settings) as talk:
        await talk.feed(b"a\n")
        with closing(Witness(await talk.line())) as other:
            await other.ended()


@pytest.fixture
def immortal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Signals end nothing, as if all processes waited for a disk."""
    monkeypatch.setattr(NodeProcess, "signal_group", lambda *_: True)
    patch_send(monkeypatch, lambda *_: True)


def patch_send(monkeypatch: pytest.MonkeyPatch, send: Callable[..., bool]) -> None:
    """Let something else send signals to single processes."""
    for module in (linux, posix):
        monkeypatch.setattr(module, "send", send)


LINGERING = b"while read -r task; do echo $$; echo; done; exec sleep 1000"


@pytest.mark.usefixtures("immortal")
async def test_a_process_that_does_not_end_is_reported_and_left(stderr: tuple[int, int]) -> None:
    """END-047."""
    settings = Settings(nodes=(b"0",), finish_timeout=0.01)
    async with conversation(LINGERING, settings=settings, stderr=stderr[1], graces=HURRIED) as talk:
        await talk.feed(b"a\n")
        pid = await talk.line()
        with closing(Witness(pid)) as calculator:
            assert await talk.finish() == (b"", Exit(status=1))
            assert not calculator.has_ended()
    assert diagnostics(stderr)[1:] == [b"paexec-trio: node 0: process %b does not end; left" % pid]
    os.waitpid(int(pid), 0)


@pytest.mark.usefixtures("immortal")
async def test_a_cancelled_run_does_not_wait_for_it_either(stderr: tuple[int, int]) -> None:
    """END-047."""
    async with conversation(LINGERING, stderr=stderr[1], graces=HURRIED) as talk:
        await talk.feed(b"a\n")
        pid = await talk.line()
        with closing(Witness(pid)):
            await talk.cancel()
    text = b"paexec-trio: process %b, which a node has started, does not end; left"
    assert diagnostics(stderr) == [text % pid]
    os.waitpid(int(pid), 0)


@pytest.mark.usefixtures("immortal")
async def test_a_dead_node_whose_process_does_not_end_is_restarted(
    stderr: tuple[int, int], tmp_path: Path
) -> None:
    """END-047: it closed its output; the run goes on, and the process is reaped if it ends."""
    settings = Settings(nodes=(b"0",), on_death=Reassign(restart_after=0.01, wait=True))
    # Only the first one lingers: it is the only one that is ended here.
    command = b"read -r task; echo $$; mkdir %b && exec sleep 1000 >&-; echo; read -r task"
    command %= bytes(tmp_path / "first")
    async with conversation(command, settings=settings, stderr=stderr[1], graces=HURRIED) as talk:
        await talk.feed(b"a\n")
        first = await talk.line()
        assert await talk.line() == b"fatal"
        with closing(Witness(first)) as dead:
            second = await talk.line()
            assert second != first
            text = b"paexec-trio: node 0: process %b does not end; left"
            assert diagnostics(stderr)[0] == text % first
            signal.pidfd_send_signal(dead._pidfd, signal.SIGKILL)  # noqa: SLF001
            await dead.ended()
            while not dead.has_ended():
                await trio.sleep(0.01)
        await talk.cancel()


@pytest.mark.parametrize("allowed", [True, False])
async def test_what_a_calculator_leaves_and_cannot_be_ended_is_reported(
    allowed: bool, stderr: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """END-047: the calculator itself has ended."""
    left: list[int] = []

    def refuse(relative: Relative, *_: signal.Signals) -> bool:
        left.append(relative.pid)
        return allowed

    patch_send(monkeypatch, refuse)
    async with conversation(IN_A_GROUP, stderr=stderr[1], graces=HURRIED) as talk:
        await talk.feed(b"a\n")
        pid = await talk.line()
        while os.getpgid(int(pid)) != int(pid):
            await trio.sleep(0.001)  # timeout makes its group when it has started
        with closing(Witness(pid)) as other:
            assert await talk.finish() == (b"", Exit(status=1))
            assert not other.has_ended()
        assert int(pid) in left
    reason = b"does not end" if allowed else b"must not be signalled"
    lines = diagnostics(stderr)
    for number in left:
        text = b"paexec-trio: process %d, which a node has started, %b; left"
        assert text % (number, reason) in lines
        os.kill(number, signal.SIGKILL)
    assert len(lines) == len(set(left)) > 0


async def test_what_a_dead_node_leaves_does_not_fail_the_run(
    stderr: tuple[int, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DTH-001, END-047: although it does not end."""
    patch_send(monkeypatch, lambda *_: True)
    settings = Settings(nodes=(b"0",), on_death=Reassign(restart_after=0.01, wait=True))
    mark = os.fsencode(tmp_path / "mark")
    command = b"""
        read -r task || exit
        test -e %b && { echo done; echo; read -r task; exit; }
        echo >%b; timeout 1000 sleep 1000 >/dev/null & echo $!
        while kill -0 $! && test "$(ps -o pgid= $!)" -eq $$; do :; done""" % ((mark,) * 2)
    async with conversation(command, settings=settings, stderr=stderr[1], graces=HURRIED) as talk:
        await talk.feed(b"a\n")
        pid = await talk.line()
        assert await talk.line() == b"fatal"
        assert await talk.line() == b"done"
        assert await talk.finish() == (b"", Exit(status=0))
    os.killpg(int(pid), signal.SIGKILL)
    text = b"paexec-trio: process %b, which a node has started, does not end; left"
    assert text % pid in diagnostics(stderr)


async def test_diagnostics_that_nobody_reads_do_not_hold_a_run(stderr: tuple[int, int]) -> None:
    """END-049."""
    _fill(stderr[1])
    graces = GRACES._replace(drain=0.01)
    command = b"read -r task; echo begun; exit"
    async with conversation(command, stderr=stderr[1], graces=graces) as talk:
        await talk.feed(b"a\n")
        assert await talk.finish() == (b"begun\n", Exit(status=1))


async def test_diagnostics_that_are_read_late_are_written(stderr: tuple[int, int]) -> None:
    """END-049: within the time that a reader has."""
    filled = _fill(stderr[1])
    graces = GRACES._replace(drain=LIMIT)
    command = b"read -r task; echo begun; exit"
    async with conversation(command, stderr=stderr[1], graces=graces) as talk:
        await talk.feed(b"a\n")
        assert await talk.line() == b"begun"
        read = b""
        while len(read) < filled:
            read += os.read(stderr[0], 1 << 16)
        assert await talk.outcome() == Exit(status=1)
    lines = [read[filled:].rstrip(b"\n"), *diagnostics(stderr)]
    assert b"".join(lines) == b"Node 0 exited unexpectedly"


def _fill(pipe: int) -> int:
    """Fill a pipe; return how many octets that took."""
    os.set_blocking(pipe, False)
    filled = 0
    while True:
        try:
            filled += os.write(pipe, bytes(1 << 12))
        except BlockingIOError:
            os.set_blocking(pipe, True)
            return filled


async def test_no_time_passes_while_the_program_is_stopped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """END-045: deadlines are as far away as they were."""
    now = 0.0

    def stop(is_wanted: Callable[[], bool]) -> None:
        nonlocal now
        assert is_wanted()
        now += 100.0

    monkeypatch.setattr(suspension, "stop_this_process", stop)
    results, stdout = os.pipe()
    times: list[float] = []
    world = Host(
        Launch(Calculator(b"cat")),
        [b"0"],
        StandardStreams(0, stdout, 2, b"/tmp"),
        tell_time=times.append,
        clock=lambda: now,
    )
    world.execute(StartNode(0))  # nobody stops with a run that has not started anything
    world.execute(SetDeadline(Deadline(Purpose.RESTART), 5.0))
    world.suspension.request()
    world.poll(LIMIT)
    assert [type(event) for event in world.events()] == [NodeStarted]
    assert times == [0.0]
    for seconds, passed in ((4.9, []), (0.2, [DeadlinePassed(Deadline(Purpose.RESTART))])):
        now += seconds
        world.poll(0)
        assert list(world.events()) == passed
        assert times.pop() == now - 100.0
    for patience in world.close(patiently=False):
        world.poll(patience)
    for fd in (results, stdout):
        os.close(fd)


async def test_who_is_to_go_on_before_the_stop_is_not_stopped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """END-044: nobody would send a second SIGCONT."""
    monkeypatch.setattr(suspension, "stop_this_process", lambda _is_wanted: pytest.fail("stops"))
    results, stdout = os.pipe()
    world = Host(Launch(Calculator(b"cat")), [b"0"], StandardStreams(0, stdout, 2, b"/tmp"))
    try:
        world.execute(StartNode(0))
        world.suspension.request()
        world.suspension.withdraw()
        world.poll(LIMIT)
        assert [type(event) for event in world.events()] == [NodeStarted]
    finally:
        for patience in world.close(patiently=False):
            world.poll(patience)
        for fd in (results, stdout):
            os.close(fd)


async def test_who_is_to_go_on_while_nodes_are_stopped_is_not_stopped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """END-044: to find the nodes' processes takes some time."""
    results, stdout = os.pipe()
    world = Host(Launch(Calculator(b"cat")), [b"0"], StandardStreams(0, stdout, 2, b"/tmp"))
    asked: list[bool] = []

    def stop(is_wanted: Callable[[], bool]) -> None:
        asked.append(is_wanted())
        world.suspension.withdraw()
        asked.append(is_wanted())
        stop_this_process(is_wanted)  # a test that is stopped does not end

    monkeypatch.setattr(suspension, "stop_this_process", stop)
    try:
        world.execute(StartNode(0))
        world.suspension.request()
        world.poll(LIMIT)
        assert [type(event) for event in world.events()] == [NodeStarted]
        assert asked == [True, False]
    finally:
        for patience in world.close(patiently=False):
            world.poll(patience)
        for fd in (results, stdout):
            os.close(fd)


async def test_a_run_takes_over_a_stop_only_if_asked() -> None:
    """END-044: in a Python program."""
    before = signal.getsignal(signal.SIGTSTP)
    async with conversation() as talk:
        await talk.feed(b"a\n")
        assert await talk.line() == b"a"
        assert signal.getsignal(signal.SIGTSTP) is before
