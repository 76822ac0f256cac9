"""The channels as trio wants them: checkpoints, order, cancellation, back-pressure."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
import trio
import trio.testing
from trio.testing import Sequencer, assert_checkpoints

from paexec_trio import Distributor, UnreceivedResultsError
from paexec_trio.runtime.output import CONGESTED_ABOVE
from tests.nursery.kits import Kit, distributor, mapped, nothing_left
from tests.runtime.harness import LIMIT

pytestmark = pytest.mark.trio


async def test_each_method_is_a_checkpoint(kit: Kit) -> None:
    async with distributor(kit, nodes=["alpha", "beta"]) as run:
        with assert_checkpoints():
            await run.tasks.send("a")
        with assert_checkpoints():
            await run.results.receive()
        await run.tasks.send("b")
        while not run.statistics().unreceived:
            await trio.lowlevel.checkpoint()
        with assert_checkpoints():  # without a wait
            await run.results.receive()
        with assert_checkpoints():
            await run.call("c")
        with assert_checkpoints():
            await run.add("d")
        with assert_checkpoints():
            await run.add("e", after=["d"])
        with assert_checkpoints():
            await run.drain("alpha")
        with assert_checkpoints():  # it has ended already
            await run.drain("alpha")
        with assert_checkpoints():
            await run.tasks.aclose()
        with assert_checkpoints():
            await run.tasks.aclose()
        with assert_checkpoints():
            await run.results.aclose()
        with assert_checkpoints():
            await run.results.aclose()


async def test_blocks_are_checkpoints(kit: Kit) -> None:
    with assert_checkpoints():
        async with distributor(kit):
            pass
    with assert_checkpoints():
        async with mapped(kit, []):
            pass


async def test_receiving_mapped_results_is_a_checkpoint(kit: Kit) -> None:
    tasks = [kit.hold("x"), "b", "c"]
    async with mapped(kit, tasks, keep_order=True, nodes=2) as results:
        await kit.begun("x")
        kit.release("x")
        for _ in tasks:
            with assert_checkpoints():
                await results.receive()
        with assert_checkpoints():
            await results.aclose()


WAYS: dict[str, Callable[[Distributor], Awaitable[object]]] = {
    "send": lambda run: run.tasks.send("new"),
    "call": lambda run: run.call("new"),
    "add": lambda run: run.add("new"),
    "receive": lambda run: run.results.receive(),
}


@pytest.mark.parametrize("way", WAYS)
async def test_what_is_cancelled_at_once_has_no_effect(kit: Kit, way: str) -> None:
    async with distributor(kit, nodes=1) as run:
        await run.tasks.send("a")
        while not run.statistics().unreceived:
            await trio.lowlevel.checkpoint()
        with trio.CancelScope() as scope:
            scope.cancel()
            await WAYS[way](run)
        assert scope.cancelled_caught
        assert (await run.results.receive()).task == b"a"
        assert (await run.call("b")).task_id == 2


@pytest.mark.parametrize("way", ["send", "call", "add"])
async def test_what_is_cancelled_while_it_waits_for_room_has_no_effect(kit: Kit, way: str) -> None:
    async with distributor(kit, nodes=1) as run:
        await run.tasks.send(kit.hold("x"))
        await run.tasks.send("a")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(WAYS[way], run)
            await trio.testing.wait_all_tasks_blocked()
            nursery.cancel_scope.cancel()
        kit.release("x")
        await run.tasks.send("b")
        await run.tasks.aclose()
        assert [result.task async for result in run.results] == [b"hold x", b"a", b"b"]


async def test_a_result_is_not_lost_with_a_cancelled_receiver(kit: Kit) -> None:
    async with distributor(kit, nodes=1) as run:
        with trio.move_on_after(0) as scope:
            await run.results.receive()
        assert scope.cancelled_caught
        async with trio.open_nursery() as nursery:
            nursery.start_soon(run.results.receive)
            await trio.testing.wait_all_tasks_blocked()
            nursery.cancel_scope.cancel()
        await run.tasks.send("a")
        assert (await run.results.receive()).task == b"a"


async def test_tasks_are_taken_in_the_order_in_which_senders_wait(kit: Kit) -> None:
    order = Sequencer()
    async with distributor(kit, nodes=1) as run:
        await run.tasks.send(kit.hold("x"))
        await run.tasks.send("first")

        async def send(place: int) -> None:
            async with order(place):
                pass
            await run.tasks.send(f"{place}")

        async with trio.open_nursery() as nursery:
            for place in (2, 0, 1):
                nursery.start_soon(send, place)
                await trio.testing.wait_all_tasks_blocked()
            kit.release("x")
            tasks = [(await run.results.receive()).task for _ in range(5)]
    assert tasks[:2] == [b"hold x", b"first"]
    assert tasks[2:] == [b"0", b"1", b"2"]


async def test_receivers_get_results_in_the_order_in_which_they_wait(kit: Kit) -> None:
    got: list[tuple[int, bytes]] = []
    async with distributor(kit, nodes=1) as run:

        async def receive(place: int) -> None:
            got.append((place, (await run.results.receive()).task))

        async with trio.open_nursery() as nursery:
            for place in range(3):
                nursery.start_soon(receive, place)
                await trio.testing.wait_all_tasks_blocked()
            for task in "abc":
                await run.tasks.send(task)
    assert sorted(got) == [(0, b"a"), (1, b"b"), (2, b"c")]


async def test_a_result_is_not_taken_from_the_receiver_that_waits_for_it(kit: Kit) -> None:
    async with distributor(kit, nodes=1) as run:
        for _ in range(30):
            got: list[bytes] = []

            async def receive(got: list[bytes] = got) -> None:
                got.append((await run.results.receive()).task)

            async with trio.open_nursery() as nursery:
                nursery.start_soon(receive)
                await trio.testing.wait_all_tasks_blocked()
                await run.tasks.send("a")
                while not got:
                    with pytest.raises(trio.WouldBlock):
                        run.results.receive_nowait()
                    await trio.lowlevel.checkpoint()
            assert got == [b"a"]


async def test_nobody_waits_for_ever_when_several_share_the_channels(kit: Kit) -> None:
    """Room and results are passed on, also if somebody takes them without a wait."""
    done: list[bytes] = []
    async with distributor(kit, nodes=2) as run:

        async def send(name: str) -> None:
            for number in range(20):
                try:
                    run.tasks.send_nowait(f"{name}{number}")
                except trio.WouldBlock:
                    await run.tasks.send(f"{name}{number}")

        async def receive() -> None:
            while len(done) < 60:
                try:
                    done.append(run.results.receive_nowait().task)
                except trio.WouldBlock:
                    with trio.move_on_after(0.001):
                        done.append((await run.results.receive()).task)

        async with trio.open_nursery() as nursery:
            for name in "abc":
                nursery.start_soon(send, name)
                nursery.start_soon(receive)
    assert sorted(done) == sorted(f"{name}{n}".encode() for name in "abc" for n in range(20))


# Back-pressure


async def test_results_that_nobody_receives_stop_the_senders(kit: Kit) -> None:
    """Memory is bounded; nothing is lost once somebody receives."""
    octets = 1 << 14
    most = CONGESTED_ABOVE // octets + 1
    async with distributor(kit, nodes=2) as run:
        sent = 0
        async with trio.open_nursery() as nursery:

            async def send() -> None:
                nonlocal sent
                async with run.tasks:
                    for _ in range(4 * most):
                        await run.tasks.send(f"big {octets}")
                        sent += 1

            nursery.start_soon(send)
            while run._mailbox.size <= CONGESTED_ABOVE:  # noqa: SLF001
                await trio.lowlevel.checkpoint()
            blocked_at = -1
            while blocked_at != sent:
                blocked_at = sent
                await trio.testing.wait_all_tasks_blocked(0.01)
            # Those in the mailbox, one that is being taken from each node, two tasks per node.
            assert most - 1 <= run.statistics().unreceived <= most + 2
            assert sent <= most + 2 + 2 * 2
            results = [result async for result in run.results]
    assert sent == len(results) == 4 * most
    assert {len(result.output) for result in results} == {octets + 1}


async def test_a_block_with_blocked_senders_can_be_left(kit: Kit) -> None:
    with pytest.raises(UnreceivedResultsError) as raised:
        async with distributor(kit, nodes=1) as run:
            while run._mailbox.size <= CONGESTED_ABOVE:  # noqa: SLF001
                await run.tasks.send("big 60000")
    assert raised.value.count == run.statistics().done > CONGESTED_ABOVE // 60000


async def test_closing_the_results_lets_blocked_senders_go_on(kit: Kit) -> None:
    async with distributor(kit, nodes=1) as run, trio.open_nursery() as nursery:

        async def send() -> None:
            for _ in range(20):
                await run.tasks.send("big 60000")

        nursery.start_soon(send)
        while run._mailbox.size <= CONGESTED_ABOVE:  # noqa: SLF001
            await trio.lowlevel.checkpoint()
        await run.results.aclose()
    assert run.statistics().done == 20


async def test_calls_do_not_wait_for_results_that_nobody_receives(kit: Kit) -> None:
    """At most for the room; and they have none to leave."""
    async with distributor(kit, nodes=2) as run:
        for _ in range(10):
            await run.call("big 60000")
        assert run.statistics().unreceived == 0


async def test_a_deadline_ends_a_block(kit: Kit) -> None:
    with nothing_left(kit), trio.fail_after(LIMIT):
        with trio.move_on_after(0.05) as scope:
            async with distributor(kit) as run:
                await run.tasks.send(kit.hold("x"))
                await run.results.receive()
        assert scope.cancelled_caught


@pytest.mark.parametrize("way", WAYS)
async def test_a_deadline_ends_a_wait(kit: Kit, way: str) -> None:
    async with distributor(kit, nodes=1) as run:
        await run.tasks.send(kit.hold("x"))
        await run.tasks.send("a")
        with pytest.raises(trio.TooSlowError):
            with trio.fail_after(0.01):
                await WAYS[way](run)
        kit.release("x")
        for _ in range(2):
            await run.results.receive()


async def test_the_wait_of_leaving_a_block_can_be_cancelled(kit: Kit) -> None:
    with nothing_left(kit):
        async with trio.open_nursery() as nursery:

            async def block() -> None:
                async with distributor(kit) as run:
                    await run.tasks.send(kit.hold("x"))
                    await run.results.aclose()

            nursery.start_soon(block)
            await trio.testing.wait_all_tasks_blocked()
            nursery.cancel_scope.cancel()
