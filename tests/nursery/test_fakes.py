"""Time on fakes: no test waits for it, as no test of a user has to."""

from __future__ import annotations

import pytest
import trio
import trio.testing

from paexec_trio import Change, NodesLostError, Reassign, map_tasks, open_distributor
from paexec_trio.core.settings import GRACES
from paexec_trio.testing import FakeCalculator, NodeDied

pytestmark = pytest.mark.trio
Clock = trio.testing.MockClock


async def sleeping(node: bytes, task: bytes) -> bytes:  # noqa: ARG001
    """Sleep for as many seconds as the task says."""
    await trio.sleep(float(task))
    return task


HOURS = FakeCalculator(sleeping)


async def test_seconds_are_those_of_the_clock(autojump_clock: Clock) -> None:
    async with open_distributor(nodes=1, command=HOURS) as run:
        assert (await run.call("3600")).seconds == pytest.approx(3600)
        assert trio.current_time() == pytest.approx(3600)
    assert autojump_clock.autojump_threshold == 0


async def test_with_prefetch_seconds_do_not_count_the_wait_at_the_node(
    autojump_clock: Clock,  # noqa: ARG001
) -> None:
    async with open_distributor(nodes=1, command=HOURS, prefetch=3) as run:
        async with run.tasks:
            for seconds in ("10", "20", "30"):
                await run.tasks.send(seconds)
        results = [result async for result in run.results]
    assert [result.seconds for result in results] == pytest.approx([10, 20, 30])


async def test_nodes_work_at_the_same_time(autojump_clock: Clock) -> None:  # noqa: ARG001
    async with map_tasks(["100"] * 10, nodes=5, command=HOURS) as results:
        assert len([result async for result in results]) == 10
    assert trio.current_time() == pytest.approx(200)


async def test_a_deadline_gives_up_what_takes_too_long(autojump_clock: Clock) -> None:  # noqa: ARG001
    async with open_distributor(nodes=2, command=HOURS) as run:
        with trio.move_on_after(60) as scope:
            await run.call("3600")
        assert scope.cancelled_caught
        assert trio.current_time() == pytest.approx(60)
        assert (await run.call("1")).task == b"1"
    # Its node was left to finish it.
    assert trio.current_time() == pytest.approx(3600)


async def test_a_run_is_given_up_at_a_deadline(autojump_clock: Clock) -> None:  # noqa: ARG001
    with trio.move_on_after(60) as scope:
        async with map_tasks(["3600"] * 10, nodes=2, command=HOURS) as results:
            await results.receive()
    assert scope.cancelled_caught
    assert trio.current_time() == pytest.approx(60)


async def test_dead_nodes_are_restarted_after_their_time(autojump_clock: Clock) -> None:  # noqa: ARG001
    deaths = 3

    async def mortal(node: bytes, task: bytes) -> bytes:  # noqa: ARG001
        nonlocal deaths
        await trio.sleep(1)
        if task == b"deadly" and deaths:
            deaths -= 1
            raise NodeDied(-9)
        return task

    on_death = Reassign(restart_after=60, wait=True)
    async with open_distributor(nodes=1, command=FakeCalculator(mortal), on_death=on_death) as run:
        changes = run.changes()
        result = await run.call("deadly")
        assert result.attempts == 4
        assert result.seconds == pytest.approx(1)
        assert trio.current_time() == pytest.approx(4 * 1 + 3 * 60)
    seen = [(change.change, change.reason) async for change in changes]
    life = [(Change.DIED, ""), (Change.ENDED, "signal 9"), (Change.STARTED, "")]
    assert seen == life * 3 + [(Change.ENDED, "exit status 0")]


async def test_the_death_of_the_last_node_is_an_error(autojump_clock: Clock) -> None:  # noqa: ARG001
    async def mortal(node: bytes, task: bytes) -> bytes:  # noqa: ARG001
        await trio.sleep(1)
        raise NodeDied

    async with open_distributor(
        nodes=3, command=FakeCalculator(mortal), on_death=Reassign()
    ) as run:
        with pytest.raises(NodesLostError, match="all nodes failed"):
            await run.call("a")
    assert trio.current_time() == pytest.approx(3)


async def test_a_run_that_ends_waits_for_nothing(autojump_clock: Clock) -> None:  # noqa: ARG001
    """Grace periods are for processes that do not end."""
    async with open_distributor(nodes=2, command=HOURS):
        pass
    assert trio.current_time() == pytest.approx(0)
    assert GRACES.stop > 0


async def test_output_may_be_a_text_without_its_last_newline(autojump_clock: Clock) -> None:  # noqa: ARG001
    outputs: dict[bytes, str | bytes] = {b"1": "text", b"2": b"octets\n", b"3": "", b"4": "a\nb"}

    async def answer(node: bytes, task: bytes) -> str | bytes:  # noqa: ARG001
        return outputs[task]

    async with open_distributor(nodes=1, command=FakeCalculator(answer), eot="E") as run:
        assert [(await run.call(task)).output for task in outputs] == [
            b"text\n",
            b"octets\n",
            b"",
            b"a\nb\n",
        ]
