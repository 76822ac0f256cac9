"""Distributors: tasks in, results out, on fakes and on real processes."""

from __future__ import annotations

from pathlib import PurePath

import pytest
import trio
import trio.testing

from paexec_trio import Change, NodeChange, Reassign, Status, open_distributor
from paexec_trio.core.states import NodeState
from tests.nursery.kits import DEATH, Kit, distributor, nothing_left
from tests.runtime.harness import LIMIT

pytestmark = pytest.mark.trio


async def test_results_of_what_was_sent_come_in(kit: Kit) -> None:
    async with distributor(kit) as run:
        async with run.tasks:
            await run.tasks.send("apple")
            await run.tasks.send(b"orange")
        results = sorted([result async for result in run.results])
    assert [(result.task_id, result.task, result.output) for result in results] == [
        (1, b"apple", b"apple\n"),
        (2, b"orange", b"orange\n"),
    ]
    assert {(result.status, result.attempts) for result in results} == {(None, 1)}
    assert {result.node for result in results} <= {b"0", b"1"}
    assert all(result.lines == [result.task] for result in results)
    assert all(result.seconds >= 0 for result in results)


async def test_texts_octets_and_paths_are_tasks(kit: Kit) -> None:
    async with distributor(kit, nodes=1) as run:
        results = [await run.call(task) for task in ("ä", b"\xff\xfe", PurePath("a/b"), "\udcff")]
    assert [result.task for result in results] == ["ä".encode(), b"\xff\xfe", b"a/b", b"\xff"]


async def test_a_node_has_the_name_that_it_was_given(kit: Kit) -> None:
    async with (
        distributor(kit, nodes=["alpha", b"beta"]) as run,
        trio.open_nursery() as nursery,
    ):
        for name in ("a", "b"):
            nursery.start_soon(run.call, kit.hold(name))
            await kit.begun(name)
        statistics = run.statistics()
        assert [(node.name, node.state, node.in_flight) for node in statistics.nodes] == [
            (b"alpha", NodeState.BUSY, 1),
            (b"beta", NodeState.BUSY, 1),
        ]
        kit.release("a")
        kit.release("b")


async def test_calls_get_their_own_results(kit: Kit) -> None:
    got: dict[str, bytes] = {}

    async with distributor(kit, nodes=3) as run:

        async def call(task: str) -> None:
            got[task] = (await run.call(task)).output

        async with trio.open_nursery() as nursery:
            for number in range(20):
                nursery.start_soon(call, f"task {number}")
        with pytest.raises(trio.WouldBlock):
            run.results.receive_nowait()
    assert got == {f"task {number}": b"task %d\n" % number for number in range(20)}


async def test_calls_and_results_do_not_mix(kit: Kit) -> None:
    async with distributor(kit, nodes=1) as run:
        await run.tasks.send("sent")
        assert (await run.call("called")).task == b"called"
        assert (await run.results.receive()).task == b"sent"


async def test_a_cancelled_call_is_still_done_and_its_result_is_dropped(kit: Kit) -> None:
    async with distributor(kit, nodes=1) as run:
        task = kit.hold("x")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(run.call, task)
            await kit.begun("x")
            nursery.cancel_scope.cancel()
        assert run.statistics().in_flight == 1
        kit.release("x")
        assert (await run.call("next")).task == b"next"
        assert run.statistics().done == 2
        assert run.statistics().unreceived == 0


async def test_sending_waits_while_the_run_has_enough_to_do(kit: Kit) -> None:
    async with distributor(kit, nodes=1) as run:
        await run.tasks.send(kit.hold("x"))
        await run.tasks.send("a")
        with pytest.raises(trio.WouldBlock):
            run.tasks.send_nowait("b")
        statistics = run.statistics()
        assert (statistics.in_flight, statistics.waiting) == (1, 1)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(run.tasks.send, "b")
            await trio.testing.wait_all_tasks_blocked()
            assert run.statistics().waiting == 1
            kit.release("x")
        await run.tasks.aclose()
        assert [result.task async for result in run.results] == [b"hold x", b"a", b"b"]


async def test_nobody_sends_after_the_end(kit: Kit) -> None:
    async with distributor(kit) as run:
        await run.tasks.aclose()
        await run.tasks.aclose()
        with pytest.raises(trio.ClosedResourceError):
            await run.tasks.send("a")
        with pytest.raises(trio.ClosedResourceError):
            run.tasks.send_nowait("a")
        with pytest.raises(trio.ClosedResourceError):
            await run.call("a")
        with pytest.raises(trio.ClosedResourceError):
            await run.add("a")
        for _ in range(2):
            with pytest.raises(trio.EndOfChannel):
                await run.results.receive()
            with pytest.raises(trio.EndOfChannel):
                run.results.receive_nowait()


async def test_the_end_wakes_those_who_wait_to_send(kit: Kit) -> None:
    async with distributor(kit, nodes=1) as run:
        await run.tasks.send(kit.hold("x"))
        await run.tasks.send("a")

        async def send() -> None:
            with pytest.raises(trio.ClosedResourceError):
                await run.tasks.send("b")

        async with trio.open_nursery() as nursery:
            nursery.start_soon(send)
            nursery.start_soon(send)
            await trio.testing.wait_all_tasks_blocked()
            await run.tasks.aclose()
        kit.release("x")
        assert [result.task async for result in run.results] == [b"hold x", b"a"]


async def test_leaving_the_block_waits_for_the_tasks(kit: Kit) -> None:
    done = []

    async with trio.open_nursery() as nursery:

        async def run_one() -> None:
            async with distributor(kit, nodes=1) as run:
                await run.tasks.send(kit.hold("x"))
                await run.results.aclose()
            done.append(run.statistics().done)

        nursery.start_soon(run_one)
        await trio.testing.wait_all_tasks_blocked()
        await kit.begun("x")
        assert not done
        kit.release("x")
    assert done == [1]


async def test_closed_results_wake_their_receivers_and_drop_what_comes(kit: Kit) -> None:
    async with distributor(kit) as run:

        async def receive() -> None:
            with pytest.raises(trio.ClosedResourceError):
                await run.results.receive()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(receive)
            nursery.start_soon(receive)
            await trio.testing.wait_all_tasks_blocked()
            await run.results.aclose()
        with pytest.raises(trio.ClosedResourceError):
            run.results.receive_nowait()
        await run.tasks.send("dropped")
        assert (await run.call("called")).task == b"called"
    assert run.statistics().done == 2


async def test_a_status_is_the_last_line_of_a_result(kit: Kit) -> None:
    async with distributor(kit, nodes=1, statuses=True) as run:
        success, failure = await run.call("a"), await run.call("fail b")
        statistics = run.statistics()
    assert (success.status, success.output) == (Status.SUCCESS, b"a\nsuccess\n")
    assert (failure.status, failure.lines) == (Status.FAILURE, [b"fail b", b"failure"])
    assert (statistics.done, statistics.failed) == (2, 1)


async def test_statuses_have_the_words_that_are_given(kit: Kit) -> None:
    async with distributor(kit, nodes=1, statuses=("failure", b"success")) as run:
        assert (await run.call("a")).status is Status.FAILURE


async def test_another_end_of_task_marker(kit: Kit) -> None:
    async with distributor(kit, nodes=1, eot="EOT", environment={"PAEXEC_EOT": "no"}) as run:
        assert (await run.call("")).output == b"\n"
        assert (await run.call("a")).output == b"a\n"


@pytest.mark.parametrize("prefetch", [3, "auto"])
async def test_nodes_hold_several_tasks(kit: Kit, prefetch: int | str) -> None:
    async with distributor(kit, nodes=2, prefetch=prefetch) as run:
        tasks = [f"task {number}" for number in range(300)]

        async def send() -> None:
            async with run.tasks:
                for task in tasks:
                    await run.tasks.send(task)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(send)
            results = [result async for result in run.results]
    assert sorted(result.output for result in results) == sorted(
        f"{task}\n".encode() for task in tasks
    )
    assert sorted(result.task_id for result in results) == list(range(1, 301))


async def test_a_node_holds_as_many_tasks_as_it_may(kit: Kit) -> None:
    async with distributor(kit, nodes=1, prefetch=3) as run:
        await run.tasks.send(kit.hold("x"))
        await kit.begun("x")
        for task in "abcde":
            await run.tasks.send(task)
        statistics = run.statistics()
        assert (statistics.in_flight, statistics.waiting) == (3, 3)
        with pytest.raises(trio.WouldBlock):
            run.tasks.send_nowait("f")
        kit.release("x")
        await run.tasks.aclose()
        assert len([result async for result in run.results]) == 6


# Nodes


async def test_changes_are_told_from_the_time_of_the_call_until_the_end(kit: Kit) -> None:
    async with distributor(kit, nodes=["n"]) as run:
        await run.call("a")
        changes = run.changes()
    assert [change async for change in changes] == [NodeChange(b"n", Change.ENDED, "exit status 0")]
    assert [change async for change in run.changes()] == []


async def test_a_death_and_a_restart_are_changes(kit: Kit) -> None:
    """The task kills its node again and again: only a cancellation ends that."""
    on_death = Reassign(restart_after=0.01, wait=True)
    with trio.CancelScope() as scope:
        async with distributor(kit, nodes=["n"], on_death=on_death) as run:
            await run.call("a")
            with run.changes() as changes:
                await run.tasks.send("die")
                for _ in range(2):
                    assert await changes.receive() == NodeChange(b"n", Change.DIED, "")
                    end = NodeChange(b"n", Change.ENDED, f"exit status {DEATH}")
                    assert await changes.receive() == end
                    assert await changes.receive() == NodeChange(b"n", Change.STARTED, "")
            scope.cancel()
    assert scope.cancelled_caught


async def test_a_watcher_that_was_closed_does_no_harm(kit: Kit) -> None:
    async with distributor(kit, nodes=["n"]) as run:
        await run.call("a")
        closed, open_one = run.changes(), run.changes()
        closed.close()
        await run.drain("n")
    assert [change.change async for change in open_one] == [Change.ENDED]


async def test_draining_waits_for_the_tasks_that_the_node_holds(kit: Kit) -> None:
    order: list[str] = []
    async with distributor(kit, nodes=["alpha", "beta"]) as run:
        async with trio.open_nursery() as nursery:
            for name in ("a", "b"):
                nursery.start_soon(run.call, kit.hold(name))
                await kit.begun(name)

            async def drain() -> None:
                await run.drain("alpha")
                order.append("drained")

            nursery.start_soon(drain)
            await trio.testing.wait_all_tasks_blocked()
            assert run.statistics().nodes[0].state is NodeState.DRAINING
            kit.release("b")
            assert (await run.call("c")).node == b"beta"
            order.append("c")
            kit.release("a")
        assert order == ["c", "drained"]
        assert run.statistics().nodes[0].state is NodeState.REAPED
        await run.drain(b"alpha")  # again: there is nothing to wait for
        assert (await run.call("d")).node == b"beta"


async def test_all_nodes_of_a_name_are_drained(kit: Kit) -> None:
    async with distributor(kit, nodes=["twin", "other", "twin"]) as run:
        await run.drain("twin")
        assert [node.state for node in run.statistics().nodes][::2] == [NodeState.REAPED] * 2
        assert (await run.call("a")).node == b"other"


async def test_a_drain_that_is_cancelled_has_its_effect(kit: Kit) -> None:
    async with distributor(kit, nodes=["alpha", "beta"]) as run:
        with trio.CancelScope() as scope:
            scope.cancel()
            await run.drain("alpha")
        assert scope.cancelled_caught
        assert (await run.call("a")).node == b"beta"


async def test_an_unknown_node_cannot_be_drained(kit: Kit) -> None:
    async with distributor(kit, nodes=["alpha"]) as run:
        with pytest.raises(ValueError, match="no node is named b'beta'"):
            await run.drain("beta")


async def test_tasks_of_a_dead_node_are_done_by_others(kit: Kit) -> None:
    """A node dies while it holds what others can do: with prefetch, behind the deadly task."""
    async with distributor(
        kit, nodes=2, prefetch=2, on_death=Reassign(restart_after=0.01, wait=True)
    ) as run:
        await run.tasks.send(kit.hold("x"))
        await kit.begun("x")
        for task in ("a", "b", "c"):
            await run.tasks.send(task)
        kit.release("x")
        await run.tasks.aclose()
        results = sorted([result async for result in run.results])
    assert [result.task for result in results] == [b"hold x", b"a", b"b", b"c"]


async def test_a_distributor_that_is_not_used_leaves_nothing(kit: Kit) -> None:
    async with distributor(kit) as run:
        pass
    assert run.statistics().done == 0
    assert {node.state for node in run.statistics().nodes} == {NodeState.REAPED}


async def test_two_distributors_in_one_program(kit: Kit) -> None:
    options = kit.options({"nodes": 2})
    with nothing_left(kit), trio.fail_after(LIMIT):
        async with open_distributor(**options) as one, open_distributor(**options) as other:
            assert (await one.call("a")).task_id == 1
            assert (await other.call("b")).output == b"b\n"
