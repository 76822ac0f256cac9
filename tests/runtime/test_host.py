"""The real world one round at a time, for what depends on the order in which things happen."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from pathlib import Path
from time import monotonic
from unittest.mock import ANY

import pytest
import trio
import trio.testing

from paexec_trio.core.calculators import Calculator
from paexec_trio.core.commands import (
    CloseStdin,
    Deadline,
    DrainOutput,
    Hold,
    KillNode,
    Purpose,
    ReadMore,
    Release,
    Report,
    Send,
    SetDeadline,
    StartNode,
    Write,
)
from paexec_trio.core.events import (
    DeadlinePassed,
    Event,
    NodeEnded,
    NodeOutput,
    NodeReaped,
    NodeStarted,
    OutputClosed,
    OutputDrained,
    StdinChunk,
    StopRequested,
)
from paexec_trio.core.launch import Launch
from paexec_trio.runtime.host import Host
from paexec_trio.runtime.streams import StandardStreams
from tests.runtime.harness import LIMIT, Witness

pytestmark = [pytest.mark.trio, pytest.mark.usefixtures("system")]


class Gates:
    """Pipes with names: the calculator says something (``SAY``), and waits (``WAIT1``, ``WAIT2``).

    Each is used once: who opens it a second time might still meet the other side's first use.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        for name in ("said", "1", "2"):
            os.mkfifo(directory / name)

    def command(self, text: str) -> bytes:
        text = text.replace("SAY", f">'{self._directory}/said' echo")
        for gate in "12":
            text = text.replace(f"WAIT{gate}", f"read -r go <'{self._directory}/{gate}'")
        return os.fsencode(text)

    def wait(self) -> bytes:
        """Wait, without an event loop, for what it says."""
        return (self._directory / "said").read_bytes()

    def open(self, gate: int) -> None:
        (self._directory / str(gate)).write_bytes(b"go\n")


@pytest.fixture
def gates(tmp_path: Path) -> Gates:
    return Gates(tmp_path)


@pytest.fixture
async def hosts() -> AsyncIterator[Hosts]:
    hosts = Hosts()
    yield hosts
    await hosts.aclose()


class Hosts:
    """Makes a host, and releases it in the end."""

    def __init__(self) -> None:
        self._host: Host | None = None
        self.stdin, self.tasks = os.pipe()
        self.results, self.stdout = os.pipe()

    def make(
        self,
        command: bytes = b"exec cat",
        *,
        stderr: int = 2,
        clock: Callable[[], float] = monotonic,
        fast_path: Callable[[int, bytes], tuple[bytes, bytes] | None] | None = None,
    ) -> Host:
        launch = Launch(Calculator(command))
        self._host = Host(
            launch,
            [b"0"],
            StandardStreams(self.stdin, self.stdout, stderr, b"/tmp"),
            clock=clock,
            fast_path=fast_path,
        )
        return self._host

    async def aclose(self) -> None:
        if self._host:
            end(self._host)
        for fd in (self.stdin, self.tasks, self.results, self.stdout):
            os.close(fd)


def end(host: Host) -> None:
    """End what is left of it, waiting without a loop."""
    for seconds in host.close(patiently=False):
        host.poll(seconds)


async def wait(host: Host) -> None:
    """Wait until something has happened; others have a turn meanwhile."""
    seconds = host.patience()
    if host.poll(0) or seconds == 0:
        return
    with trio.fail_after(LIMIT), trio.move_on_after(LIMIT if seconds is None else seconds):
        await trio.lowlevel.wait_readable(host.fileno())
    host.poll(0)


async def next_round(host: Host) -> list[Event]:
    await wait(host)
    return list(host.events())


async def start(host: Host) -> list[Event]:
    """Start the node; return what happened since."""
    host.execute(StartNode(0))
    first, *others = await next_round(host)
    assert isinstance(first, NodeStarted)
    return others


async def test_what_a_node_wrote_before_it_closed_its_input_counts(
    hosts: Hosts, gates: Gates
) -> None:
    """It may have finished its task without reading all of it, or have ended, which says more."""
    command = "WAIT1; exec <&-; SAY $$; WAIT2; echo result; echo"
    host = hosts.make(gates.command(command))
    await start(host)
    host.execute(Send(0, b"x" * (1 << 20) + b"\n"))
    gates.open(1)
    with closing(Witness(gates.wait())) as calculator:
        assert await next_round(host) == []  # the broken pipe is noticed
        gates.open(2)
        calculator.wait()
    events = await next_round(host)
    assert events[:2] == [NodeOutput(0, b"result\n\n"), NodeEnded(0)]


async def test_a_node_is_gone_when_its_output_and_then_its_process_has_ended(
    hosts: Hosts, gates: Gates
) -> None:
    host = hosts.make(gates.command("WAIT1; exec >&-; SAY $$; WAIT2"))
    assert await start(host) == []
    gates.open(1)
    with closing(Witness(gates.wait())) as calculator:
        assert await next_round(host) == [NodeEnded(0)]
        gates.open(2)
        calculator.wait()
        assert await next_round(host) == [NodeReaped(0, status=0)]


async def test_a_node_is_gone_when_its_process_and_then_its_output_has_ended(
    hosts: Hosts, gates: Gates
) -> None:
    """A process in the background holds the output for a while."""
    host = hosts.make(gates.command("WAIT1; { WAIT2; } & SAY $$"))
    assert await start(host) == []
    gates.open(1)
    with closing(Witness(gates.wait())) as calculator:
        calculator.wait()
    assert await next_round(host) == [NodeEnded(0, exited=True)]
    gates.open(2)
    assert await next_round(host) == [NodeReaped(0, status=0)]


async def test_commands_for_a_node_that_is_gone_do_nothing(hosts: Hosts) -> None:
    host = hosts.make(b"exit")
    events = await start(host)
    while NodeReaped(0, status=0) not in events:
        events += await next_round(host)
    assert events == [NodeEnded(0), NodeReaped(0, status=0)]
    host.execute(CloseStdin(0))
    host.execute(KillNode(0, force=False))
    host.execute(KillNode(0, force=True))


async def test_a_request_to_stop_wakes_the_loop(hosts: Hosts) -> None:
    host = hosts.make()
    await start(host)
    happened: list[Event] = []
    async with trio.open_nursery() as nursery:

        async def loop() -> None:
            while not happened:
                happened.extend(await next_round(host))

        nursery.start_soon(loop)
        await trio.testing.wait_all_tasks_blocked()
        host.request_stop(15)
    assert happened == [StopRequested(15)]


async def test_input_that_somebody_else_was_faster_to_read(hosts: Hosts) -> None:
    """Others may share the input, and one of them may have made it non-blocking."""
    os.set_blocking(hosts.stdin, False)
    host = hosts.make()
    host.execute(ReadMore())
    os.write(hosts.tasks, b"theirs\n")
    await wait(host)
    assert os.read(hosts.stdin, 100) == b"theirs\n"
    assert list(host.events()) == []
    os.write(hosts.tasks, b"ours\n")
    assert await next_round(host) == [StdinChunk(b"ours\n")]


async def test_a_restarted_node_does_not_pay_for_its_former_process(hosts: Hosts) -> None:
    """RST-009: the end of a process can be found out twice, and there is a new one by then."""
    host = hosts.make(b"sleep 1000 & read -r task")
    assert await start(host) == []
    host.execute(CloseStdin(0))
    restarted = False
    while not restarted:
        await wait(host)
        for event in host.events():
            if isinstance(event, NodeEnded):
                # What it left in the background is killed: now, and once more in the next round.
                host.execute(KillNode(0, force=True))
            elif isinstance(event, NodeReaped):
                host.execute(StartNode(0))
                restarted = True
    (started,) = await next_round(host)
    assert isinstance(started, NodeStarted)
    host.execute(CloseStdin(0))
    assert await next_round(host) == [NodeEnded(0, exited=True)]


async def test_output_that_breaks_when_it_is_written(hosts: Hosts) -> None:
    """END-020."""
    host = hosts.make()
    host.execute(Write(b"result\n"))
    os.dup2(hosts.stdin, hosts.results)  # closes the only reader
    assert await next_round(host) == [OutputClosed()]
    host.execute(Write(b"more\n"))
    host.execute(Report(b"that was all"))


async def test_a_large_group_is_written_in_parts(hosts: Hosts, tmp_path: Path) -> None:
    """Something else can happen in between, though a file takes everything at once."""
    size = 40 << 20
    with (tmp_path / "results").open("wb") as results:
        os.dup2(results.fileno(), hosts.stdout)
    host = hosts.make()
    for number in range(size >> 16):
        host.execute(Hold(7, b"%07d\n" % number * (1 << 13)))
    host.execute(Release(7))
    host.execute(DrainOutput())
    host.request_stop(15)
    assert await next_round(host) == [StopRequested(15)]
    assert (tmp_path / "results").stat().st_size < size
    while await next_round(host) != [OutputDrained()]:
        pass
    written = (tmp_path / "results").read_bytes()
    expected = b"".join(b"%07d\n" % number * (1 << 13) for number in range(size >> 16))
    assert len(written) == size
    assert (written == expected) is True


async def test_results_are_not_read_while_released_lines_wait(hosts: Hosts, gates: Gates) -> None:
    """DSP-025: nobody reads the output; what was released waits in the temporary file."""
    size = 40 << 20
    host = hosts.make(gates.command("WAIT1; echo result; SAY $$; WAIT2"))
    await start(host)
    for _ in range(size >> 16):
        host.execute(Hold(7, b"x" * (1 << 16)))
    host.execute(Release(7))
    gates.open(1)
    gates.wait()
    assert await next_round(host) == []
    async with trio.open_nursery() as nursery:
        nursery.start_soon(read_octets, hosts.results, size)
        while not (events := await next_round(host)):
            pass
        assert events == [NodeOutput(0, b"result\n")]
    gates.open(2)


async def test_output_is_given_up_only_when_nobody_reads(hosts: Hosts) -> None:
    """GRP-024, GRP-025: between two reads nearly an hour goes by."""
    slept = 0
    host = hosts.make(clock=lambda: monotonic() + slept)
    host.execute(Hold(1, b"x" * (1 << 20)))
    host.execute(Release(1))
    host.execute(DrainOutput())
    host.execute(SetDeadline(Deadline(Purpose.GIVE_UP), 3600))
    for _ in range(10):
        slept += 3500
        assert os.read(hosts.results, 1 << 16)
        assert await next_round(host) == []
    slept += 3700
    host.request_stop(15)  # only to wake it
    assert await next_round(host) == [StopRequested(15), DeadlinePassed(Deadline(Purpose.GIVE_UP))]


@pytest.mark.parametrize("relief", ["read", "closed"])
async def test_the_end_of_a_node_waits_with_what_it_wrote(
    hosts: Hosts, gates: Gates, relief: str
) -> None:
    """DSP-025: otherwise each restart of a node could add a pipe full of lines."""
    host = hosts.make(gates.command("WAIT1; echo result; SAY $$"))
    await start(host)
    size = 1 << 20
    host.execute(Write(b"x" * size))
    gates.open(1)
    with closing(Witness(gates.wait())) as calculator:
        calculator.wait()
    assert await next_round(host) == []
    if relief == "closed":  # the run is over, or is being stopped: no other life follows
        host.execute(CloseStdin(0))
    async with trio.open_nursery() as nursery:
        if relief == "read":
            nursery.start_soon(read_octets, hosts.results, size)
        events: list[Event] = []
        while NodeReaped(0, status=0) not in events:
            events += await next_round(host)
    assert events == [NodeOutput(0, b"result\n"), NodeEnded(0), NodeReaped(0, status=0)]


async def read_octets(fd: int, size: int) -> None:
    while size:
        await trio.lowlevel.wait_readable(fd)
        size -= len(os.read(fd, size))


async def test_a_diagnostic_comes_after_the_output_so_far(hosts: Hosts, tmp_path: Path) -> None:
    """END-013: standard output and error may be one file."""
    with (tmp_path / "both").open("wb") as both:
        os.dup2(both.fileno(), hosts.stdout)
        host = hosts.make(stderr=both.fileno())
        host.execute(Write(b"result\n"))
        host.execute(Report(b"diagnostic"))
    assert (tmp_path / "both").read_bytes() == b"result\ndiagnostic\n"


async def test_what_happened_before_a_deadline_comes_before_its_timer(
    hosts: Hosts, gates: Gates
) -> None:
    """However late somebody looks: the program may have been stopped for a while."""
    host = hosts.make(gates.command("WAIT1; SAY $$"))
    assert await start(host) == []
    host.execute(SetDeadline(Deadline(Purpose.TERMINATE), 0))
    gates.open(1)
    with closing(Witness(gates.wait())) as calculator:
        calculator.wait()
    assert await next_round(host) == [
        NodeEnded(0),
        NodeReaped(0, status=0),
        DeadlinePassed(Deadline(Purpose.TERMINATE)),
    ]


async def test_a_process_that_must_not_be_signalled_is_left(
    hosts: Hosts, gates: Gates, monkeypatch: pytest.MonkeyPatch
) -> None:
    """END-005, END-006: a run does not wait for ever for a process of another user."""

    def refuse(*_: int) -> None:
        raise PermissionError

    host = hosts.make(gates.command("SAY $$; WAIT1"))
    assert await start(host) == []
    with closing(Witness(gates.wait())) as calculator:
        with monkeypatch.context() as patch:
            patch.setattr(os, "killpg", refuse)
            host.execute(KillNode(0, force=True))
            assert await next_round(host) == [NodeEnded(0), NodeReaped(0, left_running=True)]
        assert not calculator.has_ended()
        gates.open(1)
        calculator.wait()


@pytest.mark.parametrize("blocked", [False, True])
async def test_a_terminal_that_hangs_up_is_a_reader_that_goes_away(
    blocked: bool, system: str
) -> None:
    """END-020, whether it is noticed by a wait or by a failing write."""
    if system == "posix" and not blocked:
        pytest.skip("no wait tells it: to wait for input would steal that of others")
    controller, terminal = os.openpty()
    with open(os.devnull, "rb") as nothing:  # noqa: PTH123 (a device)
        host = Host(
            Launch(Calculator(b"exec cat")),
            [b"0"],
            StandardStreams(nothing.fileno(), terminal, 2, b"/tmp"),
        )
        if blocked:
            host.execute(Write(b"x" * (1 << 20)))
        os.close(controller)
        events = await next_round(host)
        events += [] if events else await next_round(host)
        assert events == [OutputClosed()]
        end(host)
    os.close(terminal)


async def test_results_of_the_fast_path_come_before_what_it_leaves(hosts: Hosts) -> None:
    """Some of them in one batch, some not: that is up to the system."""
    last = 50

    def fast_path(_node: int, data: bytes) -> tuple[bytes, bytes] | None:
        number = int(data)
        return (data, b"%d\n" % (number + 1)) if number < last else None

    host = hosts.make(fast_path=fast_path)
    host.execute(StartNode(0))
    host.execute(Send(0, b"1\n"))
    events: list[Event] = []
    while len(events) < 2:
        events += await next_round(host)
    assert events == [NodeStarted(0, ANY), NodeOutput(0, b"%d\n" % last)]
    host.patience()
    results = b"".join(b"%d\n" % number for number in range(1, last))
    assert os.read(hosts.results, 1000) == results
