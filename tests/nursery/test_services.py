"""Services beside runs, and the one that tells of the progress."""

from __future__ import annotations

import errno
import logging
import os
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
import trio
import trio.testing

from paexec_trio import (
    Calculator,
    Exit,
    GraphSettings,
    Launch,
    Run,
    Settings,
    open_distributor,
    serve,
    services,
)
from paexec_trio.core.facts import FactStream
from paexec_trio.core.snapshot import NodeSnapshot, Snapshot
from paexec_trio.core.states import NodeState
from paexec_trio.runtime.host import Host
from paexec_trio.services.progressline import last_line, progress_line
from paexec_trio.testing import FakeCalculator
from tests.runtime.harness import ECHO, LIMIT, open_descriptors

# The lines


def counts(done: int, failed: int = 0, *, nodes: tuple[int, ...] = ()) -> Snapshot:
    each = tuple(NodeSnapshot(b"n", NodeState.BUSY, count) for count in nodes)
    return Snapshot(done, failed, sum(nodes), 0, each)


@pytest.mark.parametrize(
    ("now", "seconds", "has_statuses", "line"),
    [
        (counts(0), 0.0, False, b"0 done, 0 running, 0/s"),
        (counts(7, nodes=(1, 0, 3)), 2.0, False, b"7 done, 2 running, 3.50/s"),
        (counts(7, 2, nodes=(1,)), 70.0, True, b"7 done, 1 running, 2 failed, 0.100/s"),
        (counts(1), 86400.0, True, b"1 done, 0 running, 0 failed, 0.0000116/s"),
        (counts(123456), 10.0, False, b"123456 done, 0 running, 12346/s"),
    ],
)
def test_a_line(now: Snapshot, seconds: float, has_statuses: bool, line: bytes) -> None:
    assert progress_line(now, seconds, has_statuses=has_statuses) == line


def test_the_last_line() -> None:
    now = counts(200, 3, nodes=(1, 1))
    assert last_line(now, 12.34, has_statuses=False) == b"total: 200 done, 16.2/s, 12.3 s"
    assert last_line(now, 0.5, has_statuses=True) == b"total: 200 done, 3 failed, 400/s, 0.500 s"


# Beside a distributor


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, "paexec_trio")
    return caplog


async def answer(_node: bytes, task: bytes) -> bytes:
    await trio.sleep(2.4)
    return task


@pytest.mark.trio
async def test_the_progress_of_a_distributor(
    autojump_clock: trio.testing.MockClock,  # noqa: ARG001
    logged: pytest.LogCaptureFixture,
) -> None:
    """It ends with the run; a nursery within the block of the run does not wait for it in vain."""
    async with (
        open_distributor(nodes=2, command=FakeCalculator(answer), statuses=True) as run,
        trio.open_nursery() as nursery,
    ):
        await nursery.start(services.progress, run)
        for task in (b"success", b"failure", b"success"):
            await run.tasks.send(task)
        await run.tasks.aclose()
        assert len([result async for result in run.results]) == 3
    assert logged.messages == [
        "0 done of 3, 2 running, 0 failed, 0/s",
        "0 done of 3, 2 running, 0 failed, 0/s",
        "2 done of 3, 1 running, 1 failed, 0.667/s, 2 s left",
        "2 done of 3, 1 running, 1 failed, 0.500/s, 2 s left",
        "total: 3 done, 1 failed, 0.625/s, 4.80 s",
    ]
    assert {record.levelname for record in logged.records} == {"INFO"}


@pytest.mark.trio
async def test_the_progress_in_an_outer_nursery(
    autojump_clock: trio.testing.MockClock,  # noqa: ARG001
    logged: pytest.LogCaptureFixture,
) -> None:
    async with (
        trio.open_nursery() as nursery,
        open_distributor(nodes=1, command=FakeCalculator(answer)) as run,
    ):
        nursery.start_soon(services.progress, run)
        assert (await run.call(b"a")).output == b"a\n"
    assert logged.messages[-1] == "total: 1 done, 0.417/s, 2.40 s"
    assert len(logged.messages) == 3


@pytest.mark.trio
async def test_progress_that_is_cancelled_tells_the_totals_so_far(
    autojump_clock: trio.testing.MockClock,  # noqa: ARG001
    logged: pytest.LogCaptureFixture,
) -> None:
    async with (
        open_distributor(nodes=1, command=FakeCalculator(answer)) as run,
        trio.open_nursery() as nursery,
    ):
        nursery.start_soon(services.progress, run)
        await run.call(b"a")
        nursery.cancel_scope.cancel()
    assert logged.messages[2:] == ["total: 1 done, 0.417/s, 2.40 s"]


@pytest.mark.trio
async def test_no_line_becomes_the_reason_of_an_error(
    autojump_clock: trio.testing.MockClock,  # noqa: ARG001
    logged: pytest.LogCaptureFixture,
) -> None:
    async with open_distributor(nodes=1, command=FakeCalculator(answer)) as run:
        run.report(b"odd")
    assert logged.messages == ["odd"]
    with trio.testing.assert_checkpoints():
        await run.wait_over()


# Beside a run


class Pipes:
    """Pipes as the three streams of a run."""

    def __init__(self) -> None:
        self.stdin, self.tasks = os.pipe()
        self.results, self.stdout = os.pipe()
        self.diagnostics, self.stderr = os.pipe()
        os.set_blocking(self.diagnostics, False)

    def run(
        self,
        *,
        graph: GraphSettings | None = None,
        facts: FactStream | None = None,
        command: bytes = ECHO,
    ) -> Run:
        return Run(
            Settings(nodes=(b"0",), graph=graph),
            Launch(Calculator(command)),
            stdin=self.stdin,
            stdout=self.stdout,
            stderr=self.stderr,
            facts=facts,
        )

    def feed(self, tasks: bytes) -> None:
        """Give the whole input."""
        os.write(self.tasks, tasks)
        os.close(self.tasks)
        self.tasks = -1

    async def line(self) -> bytes:
        """Return what is printed next."""
        await trio.lowlevel.wait_readable(self.results)
        return os.read(self.results, 100)

    def reported(self) -> list[bytes]:
        """Return the diagnostics so far."""
        try:
            return os.read(self.diagnostics, 10_000).splitlines()
        except BlockingIOError:
            return []

    def close(self) -> None:
        for fd in (
            self.stdin,
            self.tasks,
            self.results,
            self.stdout,
            self.diagnostics,
            self.stderr,
        ):
            if fd >= 0:
                os.close(fd)


@pytest.fixture
def pipes() -> Iterator[Pipes]:
    with closing(Pipes()) as pipes:
        yield pipes


class Watcher:
    """A service that sees a run from its start to its end."""

    def __init__(self) -> None:
        self.facts: services.Facts | None = None
        self.is_over = False
        self.ended = trio.Event()

    async def __call__(
        self,
        facts: services.Facts,
        /,
        *,
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        self.facts = facts
        task_status.started()
        try:
            await facts.wait_over()
            self.is_over = True
            await trio.sleep_forever()
        finally:
            self.ended.set()


@pytest.mark.parametrize("graph", [None, GraphSettings(every_line=True)])
@pytest.mark.trio
async def test_a_service_sees_the_run(pipes: Pipes, graph: GraphSettings | None) -> None:
    watcher = Watcher()
    this = pipes.run(graph=graph)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(lambda: serve(this, services=[watcher]))
        await trio.testing.wait_all_tasks_blocked()
        facts = watcher.facts
        assert facts
        assert facts.statistics().done == 0
        os.write(pipes.tasks, b"failure\n")
        with trio.fail_after(LIMIT):
            assert await pipes.line() == b"failure\n" + b"failure\n" * bool(graph)
        assert facts.statistics() == (*this.snapshot()[:4], 0, this.snapshot().nodes)
        assert facts.statistics()[:3] == (1, bool(graph), 0)
        assert facts.has_statuses == bool(graph)
        assert 0 < facts.seconds <= this.seconds
        assert not watcher.ended.is_set()
        pipes.feed(b"")
    assert watcher.is_over
    assert watcher.ended.is_set()
    assert this.result == Exit()


@pytest.mark.trio
async def test_a_service_is_told_of_a_run_that_is_over_already(pipes: Pipes) -> None:
    pipes.feed(b"")
    this = pipes.run()
    this.begin()
    while not this.is_over:
        this.host.poll(this.host.patience())
        this.step()
    await serve(this, services=[services.progress])
    (line,) = pipes.reported()
    assert line.startswith(b"paexec-trio: total: 0 done, 0/s, ")


@pytest.mark.trio
async def test_a_cancelled_run_tells_its_totals(pipes: Pipes) -> None:
    before = open_descriptors()
    os.write(pipes.tasks, b"a\n")
    with trio.fail_after(LIMIT), trio.CancelScope() as scope:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(lambda: serve(pipes.run(), services=[services.progress]))
            assert await pipes.line() == b"a\n"
            scope.cancel()
    *_, last = pipes.reported()
    assert last.startswith(b"paexec-trio: total: 1 done, ")
    assert open_descriptors() == before


async def fail_at_once(_facts: services.Facts, /, **_: object) -> None:
    raise RuntimeError("odd\n\033")


async def fail_in_a_nursery(_facts: services.Facts, /, **_: object) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.sleep_forever)
        raise RuntimeError("odd\n\033")


async def fail_at_the_end(_facts: services.Facts, /, **_: object) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.sleep_forever)
        try:
            await trio.sleep_forever()
        finally:
            raise RuntimeError("odd\n\033")


@pytest.mark.parametrize("service", [fail_at_once, fail_in_a_nursery, fail_at_the_end])
@pytest.mark.trio
async def test_a_service_that_fails_costs_no_result(pipes: Pipes, service: Any) -> None:
    """The others go on."""
    watcher = Watcher()
    pipes.feed(b"a\nb\n")
    with trio.fail_after(LIMIT):
        result = await serve(pipes.run(), services=[service, watcher])
    assert result == Exit()
    assert watcher.ended.is_set()
    assert os.read(pipes.results, 100) == b"a\nb\n"
    name = service.__name__.encode()
    assert pipes.reported() == [
        b"paexec-trio: the service '%b' failed, the run goes on without it: "
        rb"RuntimeError: odd\n\033" % name
    ]


@pytest.mark.trio
async def test_a_service_that_ends_early(pipes: Pipes) -> None:
    async def end_at_once(_facts: services.Facts, /, **_: object) -> None:
        pass

    pipes.feed(b"a\n")
    assert await serve(pipes.run(), services=[end_at_once]) == Exit()
    assert pipes.reported() == []


@pytest.mark.parametrize("method", ["events", "patience"])
@pytest.mark.trio
async def test_a_run_that_cannot_go_on_tells_its_totals(
    pipes: Pipes, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    """Its error is not raised in a group, and what it has done is known though all is forgotten."""
    right, is_failing = getattr(Host, method), False

    def wrong(self: Host) -> object:
        if is_failing:
            raise OSError(errno.ENFILE, "Too many open files in system")
        return right(self)

    monkeypatch.setattr(Host, method, wrong)
    os.write(pipes.tasks, b"a\n")
    this = pipes.run()
    with trio.fail_after(LIMIT):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(lambda: serve(this, services=[services.progress]))
            assert await pipes.line() == b"a\n"
            is_failing = True
            pipes.feed(b"b\n")
    assert this.result == Exit(status=1)
    assert this.engine is None
    assert this.snapshot().done == 1
    lines = pipes.reported()
    assert b"paexec-trio: Too many open files in system" in lines
    (total,) = (line for line in lines if b"total" in line)
    assert total.startswith(b"paexec-trio: total: 1 done, ")


@pytest.mark.trio
async def test_an_error_of_the_run_itself_is_raised_as_it_is(
    pipes: Pipes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Host, "events", lambda _self: 1 / 0)
    pipes.feed(b"")
    with pytest.raises(ZeroDivisionError):
        await serve(pipes.run(), services=[services.progress])
