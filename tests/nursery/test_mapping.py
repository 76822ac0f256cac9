"""Whole runs over many tasks."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import PurePath
from typing import Any

import pytest
import trio
import trio.testing

from paexec_trio import (
    NodesLostError,
    ProtocolViolationError,
    Reassign,
    Result,
    Status,
    TaskRefusedError,
    map_tasks,
    run_tasks,
)
from paexec_trio.nursery import mapping
from paexec_trio.runtime.mailbox import weight_of
from paexec_trio.runtime.output import CONGESTED_ABOVE
from paexec_trio.testing import FakeCalculator
from tests.nursery.kits import DEATH, Kit, mapped

pytestmark = pytest.mark.trio


async def numbers(count: int | None = None) -> AsyncIterator[str]:
    for number in itertools.count() if count is None else range(count):
        await trio.lowlevel.checkpoint()
        yield f"{number}"


async def test_each_task_has_a_result(kit: Kit) -> None:
    async with mapped(kit, map(str, range(50)), nodes=3) as results:
        done = [result async for result in results]
        with pytest.raises(trio.EndOfChannel):
            await results.receive()
    assert sorted(result.task_id for result in done) == list(range(1, 51))
    assert all(result.output == b"%d\n" % (result.task_id - 1) for result in done)


async def test_without_tasks_there_are_no_results(kit: Kit) -> None:
    async with mapped(kit, ()) as results:
        assert [result async for result in results] == []


async def test_results_come_as_they_are_done(kit: Kit) -> None:
    async with mapped(kit, [kit.hold("first"), "second"]) as results:
        assert (await results.receive()).task == b"second"
        kit.release("first")
        assert (await results.receive()).task == b"hold first"


async def test_results_come_in_the_order_of_the_tasks_if_that_is_asked_for(kit: Kit) -> None:
    tasks = [kit.hold("first"), "second", "third"]
    async with mapped(kit, tasks, keep_order=True) as results:
        with trio.move_on_after(0) as scope:
            await results.receive()
        assert scope.cancelled_caught
        await kit.begun("first")
        kit.release("first")
        assert [result.task async for result in results] == [b"hold first", b"second", b"third"]


@pytest.mark.parametrize("keep_order", [False, True])
async def test_asynchronous_iterables(kit: Kit, keep_order: bool) -> None:
    async with mapped(kit, numbers(20), keep_order=keep_order) as results:
        done = [int(result.task) async for result in results]
    assert sorted(done) == list(range(20))
    assert not keep_order or done == sorted(done)


async def test_a_channel_is_an_iterable_that_goes_on_afterwards(kit: Kit) -> None:
    sender, receiver = trio.open_memory_channel[str](10)
    with sender, receiver:
        for task in "abc":
            sender.send_nowait(task)
        async with mapped(kit, receiver, nodes=1) as results:
            assert [(await results.receive()).task for _ in range(3)] == [b"a", b"b", b"c"]
        sender.send_nowait("d")
        assert receiver.receive_nowait() == "d"


async def test_endless_iterables_are_taken_as_they_are_needed(kit: Kit) -> None:
    taken = 0

    def tasks() -> Iterator[str]:
        nonlocal taken
        for taken in itertools.count(1):
            yield f"{taken}"

    async with mapped(kit, tasks()) as results:
        for _ in range(10):
            await results.receive()
    # A result counts for more than 256 octets, and each node has two tasks.
    assert taken <= CONGESTED_ABOVE // 256 + 2 * 2 + 10


async def test_endless_iterables_in_order(kit: Kit) -> None:
    async with mapped(kit, map(str, itertools.count(1)), keep_order=True) as results:
        assert [(await results.receive()).task_id for _ in range(10)] == list(range(1, 11))


async def test_an_asynchronous_generator_is_closed_when_the_block_is_left(kit: Kit) -> None:
    """Otherwise the garbage collector closes it, with a warning, at any time."""
    tasks = numbers()
    async with mapped(kit, tasks) as results:
        await results.receive()
    with pytest.raises(StopAsyncIteration):
        await anext(tasks)


async def test_an_error_of_the_iterable_comes_after_the_results_before_it(kit: Kit) -> None:
    def tasks() -> Iterator[str]:
        yield "a"
        yield "b"
        raise KeyError("of the iterable")

    async with mapped(kit, tasks()) as results:
        assert sorted([(await results.receive()).task for _ in range(2)]) == [b"a", b"b"]
        with pytest.raises(KeyError, match="of the iterable"):
            await results.receive()


async def test_an_error_of_the_iterable_that_nobody_received_is_raised_at_the_end(
    kit: Kit,
) -> None:
    held = kit.hold("x")

    async def tasks() -> AsyncIterator[str]:
        yield held
        raise KeyError("of the iterable")

    with pytest.raises(KeyError, match="of the iterable"):
        async with mapped(kit, tasks()):
            await kit.begun("x")
            await trio.testing.wait_all_tasks_blocked()


@pytest.mark.parametrize(
    ("bad", "error", "message"),
    [
        ("two\nlines", TaskRefusedError, r"task b'two\\nlines' contains a newline"),
        (b"x" * 11, TaskRefusedError, "a task of 11 octets is longer than line_limit, 10"),
        ("\ud800", TaskRefusedError, "task: .* cannot be encoded"),
        (7, TypeError, "task: expected str, bytes or a path, not 7"),
    ],
)
@pytest.mark.parametrize("keep_order", [False, True])
async def test_a_bad_task_is_named_after_the_results_before_it(
    kit: Kit,
    bad: Any,
    error: type[Exception],
    message: str,
    keep_order: bool,
) -> None:
    async with mapped(kit, ["a", bad, "b"], line_limit=10, keep_order=keep_order) as results:
        assert (await results.receive()).task == b"a"
        with pytest.raises(error, match=message):
            await results.receive()


async def test_the_failure_of_a_run_is_raised_once(kit: Kit) -> None:
    """A program that has handled it can leave the block."""
    async with mapped(kit, itertools.repeat("die"), nodes=1) as results:
        with pytest.raises(NodesLostError, match=f"exit status {DEATH}"):
            await results.receive()


async def test_the_failure_of_a_run_that_nobody_received_is_raised_at_the_end(kit: Kit) -> None:
    with pytest.raises(NodesLostError, match=f"exit status {DEATH}"):
        async with mapped(kit, itertools.repeat("die"), nodes=1):
            await failed(kit)


async def failed(kit: Kit) -> None:
    """Wait until nothing moves any more."""
    while kit.left():
        await trio.lowlevel.checkpoint()
    await trio.testing.wait_all_tasks_blocked(0.05)


async def test_statuses_of_tasks(kit: Kit) -> None:
    async with mapped(kit, ["a", "fail b"], statuses=True, keep_order=True) as results:
        statuses = [result.status async for result in results]
    assert statuses == [Status.SUCCESS, Status.FAILURE]


async def test_a_missing_status_is_the_fault_of_the_calculator(kit: Kit) -> None:
    async with mapped(kit, ["neither", "a"], statuses=True, nodes=1) as results:
        assert (await results.receive()).status is Status.MISSING
        assert (await results.receive()).status is Status.SUCCESS
        with pytest.raises(ProtocolViolationError, match="task 1 'neither' ended without a status"):
            await results.receive()


async def test_after_all_nodes_have_died_the_results_so_far_come_first(kit: Kit) -> None:
    async with mapped(kit, ["a", "b", "die"], nodes=1, on_death=Reassign()) as results:
        assert [(await results.receive()).task for _ in range(2)] == [b"a", b"b"]
        with pytest.raises(NodesLostError, match="all nodes failed"):
            await results.receive()


async def test_closed_results_are_closed(kit: Kit) -> None:
    async with mapped(kit, itertools.repeat("a")) as results:
        await results.aclose()
        with pytest.raises(trio.ClosedResourceError):
            await results.receive()


# For scripts


@pytest.mark.parametrize("tasks", ["text", b"octets", PurePath("a"), 3, None])
async def test_what_is_no_iterable_of_texts_is_refused(kit: Kit, tasks: Any) -> None:
    with pytest.raises(TypeError, match="tasks: expected an iterable of texts, not"):
        async with mapped(kit, tasks):
            pass


def lists(kit: Kit, tasks: Iterable[Any], **options: Any) -> list[bytes]:
    options = kit.options({"nodes": 2, **options})
    return [result.output for result in run_tasks(tasks, **options)]


async def in_a_thread(kit: Kit, tasks: Iterable[Any], **options: Any) -> list[bytes]:
    """Do what a script does, which has no loop of trio."""
    return await trio.to_thread.run_sync(lambda: lists(kit, tasks, **options))


async def test_a_script_gets_a_list_in_the_order_of_the_tasks(kit: Kit) -> None:
    tasks = [f"{number}" for number in range(100)]
    assert await in_a_thread(kit, tasks) == [f"{task}\n".encode() for task in tasks]
    assert await in_a_thread(kit, []) == []


async def test_a_script_gets_the_errors_themselves(kit: Kit) -> None:
    """Not in groups."""
    with pytest.raises(TaskRefusedError):
        await in_a_thread(kit, ["a", "b\nc"])
    with pytest.raises(NodesLostError):
        await in_a_thread(kit, ["a", "die"], nodes=1)
    with pytest.raises(ValueError, match="nodes: no node is named"):
        await in_a_thread(kit, ["a"], nodes=[])


async def test_within_trio_a_script_cannot_run(kit: Kit) -> None:
    with pytest.raises(RuntimeError, match="run"):
        lists(kit, ["a"])


async def test_two_receivers_share_results_in_order(kit: Kit) -> None:
    """Neither waits for a result that the other one holds back."""
    received: list[bytes] = []

    async def receive() -> None:
        received.append((await results.receive()).task)

    tasks = [kit.hold("first"), "second"]
    async with mapped(kit, tasks, keep_order=True) as results, trio.open_nursery() as nursery:
        nursery.start_soon(receive)
        nursery.start_soon(receive)
        await kit.begun("first")
        kit.release("first")
    assert sorted(received) == [b"hold first", b"second"]


async def test_closed_results_in_order_give_nothing_any_more(kit: Kit) -> None:
    tasks = [kit.hold("first"), "second", kit.hold("third")]
    async with mapped(kit, tasks, keep_order=True) as results:
        await kit.begun("third")  # the second one was done by the same node
        kit.release("first")
        assert (await results.receive()).task == b"hold first"
        await results.aclose()
        with pytest.raises(trio.ClosedResourceError):
            await results.receive()


@pytest.mark.parametrize("ending", [KeyboardInterrupt, SystemExit])
async def test_an_interrupt_in_the_iterable_is_raised_as_it_is(
    kit: Kit, ending: type[BaseException]
) -> None:
    def tasks() -> Iterator[str]:
        yield "first"
        raise ending

    with pytest.raises(ending):
        async with mapped(kit, tasks()) as results:
            await trio.sleep_forever()
        assert results


async def test_both_the_block_and_the_iterable_may_fail(kit: Kit) -> None:
    held = kit.hold("x")

    async def tasks() -> AsyncIterator[str]:
        yield held
        raise KeyError("of the iterable")

    with pytest.raises(ExceptionGroup, match="failed") as caught:
        async with mapped(kit, tasks()):
            await kit.begun("x")
            await trio.testing.wait_all_tasks_blocked()
            raise ValueError("of the block")
    assert [type(error) for error in caught.value.exceptions] == [ValueError, KeyError]


async def test_in_order_no_more_is_begun_when_much_waits_for_an_earlier_one(
    monkeypatch: pytest.MonkeyPatch, autojump_clock: trio.testing.MockClock
) -> None:
    """The first task takes an hour; others are begun until their results fill some octets."""
    one = Result(2, b"2", b"2\n", None, b"", 1, 0.0)
    monkeypatch.setattr(mapping, "_MOST_AHEAD", 4 * weight_of(one))
    begun: list[bytes] = []

    async def answer(_node: bytes, task: bytes) -> bytes:
        begun.append(task)
        await trio.sleep(3600 if task == b"0" else 1)
        return task

    tasks = map(str, range(100))
    command = FakeCalculator(answer)
    async with map_tasks(tasks, keep_order=True, nodes=2, command=command) as results:
        assert (await results.receive()).task == b"0"
        assert autojump_clock.current_time() >= 3600
        assert 4 < len(begun) < 12
        assert [int(result.task) async for result in results] == list(range(1, 100))
