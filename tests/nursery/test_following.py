"""Tasks of trio that follow the facts of a run."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing

import pytest
import trio
import trio.testing

from paexec_trio import Exit, open_distributor, serve, services
from paexec_trio.core.ending import Phase
from paexec_trio.core.facts import (
    AttemptAnswered,
    AttemptBegan,
    Backpressure,
    Fact,
    FactStream,
    LifeBegan,
    LifeEnded,
    PhaseChanged,
)
from paexec_trio.nursery.following import FactChannel
from tests.nursery.kits import Kit, nothing_left
from tests.nursery.test_services import Pipes
from tests.runtime.harness import LIMIT


@pytest.fixture
def pipes() -> Iterator[Pipes]:
    with closing(Pipes()) as pipes:
        yield pipes


@pytest.mark.trio
async def test_a_program_follows_its_run(kit: Kit) -> None:
    options = kit.options({"nodes": [b"x", b"y"], "facts": True})
    facts: list[Fact] = []
    with nothing_left(kit), trio.fail_after(LIMIT):
        async with open_distributor(**options) as run:
            channel = run.follow()
            assert (await run.call(b"a")).output == b"a\n"
            facts += await channel.receive()
        async for batch in channel:
            assert batch
            facts += batch
    assert channel.nodes == (b"x", b"y")
    began, answered = (fact for fact in facts if isinstance(fact, AttemptBegan | AttemptAnswered))
    assert began[1:] == (0, 1, b"a", 1)
    assert answered[1:5] == began[1:]
    assert sum(isinstance(fact, LifeBegan) for fact in facts) == 2
    assert sum(isinstance(fact, LifeEnded) for fact in facts) == 2
    last = facts[-1]
    assert isinstance(last, PhaseChanged)
    assert last.phase is Phase.OVER
    assert [fact.at for fact in facts] == sorted(fact.at for fact in facts)


@pytest.mark.trio
async def test_a_later_channel_begins_where_it_is_made(fakes: Kit) -> None:
    async with open_distributor(**fakes.options({"nodes": 1, "facts": True})) as run:
        first = run.follow()
        await run.call(b"a")
        second = run.follow()
        assert len(first.take()) > 2
        assert second.take() == []
        await second.aclose()
        with pytest.raises(trio.ClosedResourceError):
            await second.receive()
        second.close()
    late = run.follow()
    with pytest.raises(trio.EndOfChannel):
        await late.receive()


@pytest.mark.trio
async def test_a_task_that_waits_for_facts_wakes_when_its_channel_is_closed(fakes: Kit) -> None:
    async with open_distributor(**fakes.options({"nodes": 1, "facts": True})) as run:
        channel = run.follow()
        with trio.testing.assert_checkpoints():
            await channel.receive()
        async with trio.open_nursery() as nursery:

            async def receive() -> None:
                with pytest.raises(trio.ClosedResourceError):
                    await channel.receive()

            nursery.start_soon(receive)
            await trio.testing.wait_all_tasks_blocked()
            channel.take()
            channel.close()


@pytest.mark.trio
async def test_a_run_that_tells_no_facts(fakes: Kit) -> None:
    async with open_distributor(**fakes.options({"nodes": 1})) as run:
        with pytest.raises(RuntimeError, match="give it the argument facts"):
            run.follow()


@pytest.mark.trio
async def test_the_argument_is_a_bool(fakes: Kit) -> None:
    with pytest.raises(TypeError, match="facts: expected a bool, not 1"):
        async with open_distributor(**fakes.options({"nodes": 1, "facts": 1})):
            pass


class Follower:
    """A service that keeps all facts."""

    def __init__(self) -> None:
        self.facts: list[Fact] = []

    async def __call__(
        self,
        facts: services.Facts,
        /,
        *,
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        channel = facts.follow()
        task_status.started()
        try:
            async for batch in channel:
                self.facts += batch
        finally:
            self.facts += channel.take()


@pytest.mark.trio
async def test_each_service_has_all_facts_of_a_run_that_began_before(pipes: Pipes) -> None:
    os.write(pipes.tasks, b"a\n")
    stream = FactStream()
    this = pipes.run(facts=stream)
    this.begin()
    followers = [Follower() for _ in range(5)]
    with trio.fail_after(LIMIT):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(lambda: serve(this, services=followers))
            assert await pipes.line() == b"a\n"
            pipes.feed(b"b\n")
    assert this.result == Exit()
    kinds = [type(fact) for fact in followers[0].facts]
    assert kinds[0] is LifeBegan
    assert kinds.count(AttemptAnswered) == 2
    assert kinds[-1] is PhaseChanged
    assert all(follower.facts == followers[0].facts for follower in followers)
    assert stream.follow().take() == []


@pytest.mark.trio
async def test_a_reader_that_keeps_results_waiting(pipes: Pipes) -> None:
    """The facts say when nodes have to wait and when no longer."""
    size = 3_000_000
    pipes.feed(b"x" * 60_000 + b"\n")
    script = f"while IFS= read -r a; do head -c {size} /dev/zero | tr '\\0' x; echo; echo; done"
    stream = FactStream()
    this = pipes.run(facts=stream, command=script.encode())
    channel = FactChannel(stream)
    told: list[Fact] = []
    got = 0
    with trio.fail_after(LIMIT):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(lambda: serve(this, services=[Follower()]))
            while not any(isinstance(fact, Backpressure) for fact in told):
                told += await channel.receive()
            while got < size + 1:
                await trio.lowlevel.wait_readable(pipes.results)
                got += len(os.read(pipes.results, 1 << 16))
    told += channel.take()
    pressure = [fact.is_on for fact in told if isinstance(fact, Backpressure)]
    assert pressure
    assert pressure == [True, False] * (len(pressure) // 2)
