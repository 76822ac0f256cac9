"""Retries, limits and exit statuses of the chapter Accounting, as a Python program sees them."""

from __future__ import annotations

import itertools
import time
from typing import Any

import pytest
import trio

from paexec_trio import CommandPerTask, Halt, Reassign, Status, Why, map_tasks
from tests.nursery.kits import Kit, distributor, mapped

pytestmark = pytest.mark.trio


async def test_a_task_that_takes_too_long_fails_and_its_node_goes_on(kit: Kit) -> None:
    """ACC-050."""
    tasks = [kit.hold("x"), "next"]
    async with mapped(kit, tasks, nodes=1, timeout=0.2) as results:
        late, following = [result async for result in results]
    assert (late.problem, late.status, late.output) == ("time limit", Status.FAILURE, b"")
    assert late.attempts == 1
    assert (following.problem, following.status, following.output) == ("", None, b"next\n")


async def test_a_task_of_a_silent_node_goes_to_another_one(kit: Kit) -> None:
    """SIL-010: both nodes fall silent."""
    options: dict[str, Any] = {"on_death": Reassign(restart_after=0.01, wait=True)}
    tasks = [kit.hold("x"), "next"]
    async with mapped(kit, tasks, nodes=1, crash_limit=2, stuck=0.2, **options) as results:
        silent, following = [result async for result in results]
    assert (silent.problem, silent.attempts) == ("node lost", 2)
    assert (following.problem, following.output) == ("", b"next\n")


async def test_a_failed_task_is_tried_again(kit: Kit) -> None:
    """ACC-060."""
    async with mapped(kit, ["fail", "good"], nodes=2, statuses=True, retries=3) as results:
        done = {result.task: result async for result in results}
    assert (done[b"fail"].status, done[b"fail"].attempts) == (Status.FAILURE, 3)
    assert done[b"fail"].lines == [b"fail", b"failure"]
    assert (done[b"good"].status, done[b"good"].attempts) == (Status.SUCCESS, 1)


async def test_a_task_that_nodes_die_of_is_given_up(kit: Kit) -> None:
    """ACC-062."""
    options: dict[str, Any] = {"on_death": Reassign(restart_after=0.01, wait=True)}
    async with mapped(kit, ["die", "good"], nodes=1, crash_limit=2, **options) as results:
        done = {result.task: result async for result in results}
    assert (done[b"die"].problem, done[b"die"].attempts) == ("node lost", 2)
    assert done[b"good"].problem == ""


async def test_dependants_of_a_task_without_a_result_are_not_run(kit: Kit) -> None:
    async with distributor(kit, timeout=0.2) as run:
        first = kit.hold("x")
        await run.add(first)
        await run.add("then", after=[first])
        await run.tasks.aclose()
        done = {result.task: result.status async for result in run.results}
    assert done == {first.encode(): Status.FAILURE, b"then": Status.NOT_RUN}


async def test_the_exit_status_of_a_command() -> None:
    command = CommandPerTask('exit "$1"')
    async with map_tasks(["0", "3"], nodes=1, command=command) as results:
        done = [(result.task, result.exit_status, result.problem) async for result in results]
    assert done == [(b"0", 0, ""), (b"3", 3, "")]


async def test_attempts_begin_one_after_the_other(kit: Kit) -> None:
    """ACC-080."""
    begin = time.monotonic()
    async with mapped(kit, ["a", "b", "c"], nodes=3, delay=0.1) as results:
        assert len([result async for result in results]) == 3
    assert time.monotonic() - begin >= 0.2


async def test_a_halt_ends_the_iteration(kit: Kit) -> None:
    """ACC-070: the tasks under way have results, and no error is raised."""
    tasks = (f"fail {number}" for number in itertools.count(1))
    options: dict[str, Any] = {"statuses": True, "halt": "soon,fail=3"}
    async with mapped(kit, tasks, **options) as results:
        done = [result.task async for result in results]
    assert 3 <= len(done) <= 4


async def test_a_halt_now_ends_what_is_under_way(kit: Kit) -> None:
    held = kit.hold("x")
    halt = Halt(Why.SUCCESS, number=1, now=True)
    async with distributor(kit, halt=halt) as run:
        await run.tasks.send(held)
        await kit.begun("x")
        await run.tasks.send("good")
        done = [result.task async for result in run.results]
    assert done == [b"good"]


async def test_a_run_takes_no_task_after_a_halt(kit: Kit) -> None:
    held = kit.hold("x")
    async with distributor(kit, halt="soon,done=1") as run:
        await run.tasks.send(held)
        await kit.begun("x")
        await run.call("good")
        with pytest.raises(trio.ClosedResourceError, match="halt or limit"):
            await run.tasks.send("late")
        with pytest.raises(trio.ClosedResourceError, match="halt or limit"):
            await run.call("late")
        kit.release("x")
        assert [result.task async for result in run.results] == [held.encode()]


async def test_no_more_tasks_than_the_limit_are_dispatched(kit: Kit) -> None:
    """ACC-081."""
    tasks = map(str, itertools.count(1))
    async with mapped(kit, tasks, limit=5, keep_order=True) as results:
        assert [result.task async for result in results] == [b"1", b"2", b"3", b"4", b"5"]


async def test_results_after_a_gap_are_given_in_order(kit: Kit) -> None:
    """The first task is ended by the halt, and has no result."""
    tasks = [kit.hold("x"), "2", "3", "4"]
    options: dict[str, Any] = {"halt": "now,done=3", "keep_order": True}
    async with mapped(kit, tasks, **options) as results:
        assert [result.task async for result in results] == [b"2", b"3", b"4"]


async def test_errors_of_the_tasks_are_not_taken_for_a_limit(kit: Kit) -> None:
    sender, receiver = trio.open_memory_channel[str](0)
    sender.close()
    receiver.close()
    with pytest.raises(trio.ClosedResourceError):
        async with mapped(kit, receiver, limit=5) as results:
            assert [result async for result in results] == []


async def test_a_time_limit_in_percent(kit: Kit) -> None:
    """ACC-051: there is a median after three tasks."""
    tasks = ["a", "b", "c", kit.hold("x")]
    async with mapped(kit, tasks, nodes=1, timeout="100000%") as results:
        done = [result.problem async for result in results]
    assert done == ["", "", "", "time limit"]
