"""Graphs that grow while they run."""

from __future__ import annotations

import pytest
import trio
import trio.testing

from paexec_trio import Result, Status, TaskRefusedError
from tests.nursery.kits import Kit, distributor

pytestmark = pytest.mark.trio


async def test_a_task_runs_after_those_that_it_depends_on(kit: Kit) -> None:
    async with distributor(kit, nodes=3) as run:
        assert await run.add(kit.hold("a")) == 1
        assert await run.add("b") == 2
        assert await run.add("after both", after=["hold a", b"b"]) == 3
        assert await run.add("last", after=["after both"]) == 4
        await kit.begun("a")
        assert (await run.results.receive()).task == b"b"
        assert run.statistics().waiting == 2
        kit.release("a")
        await run.tasks.aclose()
        results = [result async for result in run.results]
    assert [(r.task_id, r.task) for r in results] == [
        (1, b"hold a"),
        (3, b"after both"),
        (4, b"last"),
    ]


async def test_what_depends_on_a_failure_is_not_run(kit: Kit) -> None:
    async with distributor(kit, statuses=True) as run:
        for task, after in (
            (kit.hold("a"), []),
            ("fail b", ["hold a"]),
            ("c", ["fail b"]),
            ("d", ["c", "hold a"]),
            ("e", ["hold a"]),
        ):
            await run.add(task, after=after)
        kit.release("a")
        await run.tasks.aclose()
        results = {result.task: result async for result in run.results}
        statistics = run.statistics()
    assert {task: result.status for task, result in results.items()} == {
        b"hold a": Status.SUCCESS,
        b"fail b": Status.FAILURE,
        b"c": Status.NOT_RUN,
        b"d": Status.NOT_RUN,
        b"e": Status.SUCCESS,
    }
    assert results[b"d"] == Result(4, b"d", b"", Status.NOT_RUN, b"", 0, 0.0)
    assert (statistics.done, statistics.failed, statistics.waiting) == (3, 1, 0)


async def test_a_task_can_depend_on_what_is_done(kit: Kit) -> None:
    async with distributor(kit) as run:
        await run.add("a")
        assert (await run.results.receive()).task == b"a"
        await run.add("b", after=["a", "a"])
        assert (await run.results.receive()).task == b"b"


@pytest.mark.parametrize(
    ("task", "after", "message"),
    [
        ("a", [], "'a' was added before"),
        ("fail", [], "'fail' was added before"),
        ("new", ["unknown"], "depends on b'unknown', which was not added"),
        ("new", ["sent"], "depends on b'sent', which was not added"),
        ("new", ["a", "fail"], "depends on b'fail', which did not succeed"),
        ("new", ["not run"], "depends on b'not run', which did not succeed"),
        ("new", ["new"], "depends on b'new', which was not added"),
        ("new\nline", [], "contains a newline"),
    ],
)
async def test_a_task_that_could_never_run_is_refused(
    kit: Kit, task: str, after: list[str], message: str
) -> None:
    async with distributor(kit, statuses=True) as run:
        for added, needs in ((kit.hold("x"), []), ("a", []), ("fail", ["hold x"])):
            await run.add(added, after=needs)
        await run.add("not run", after=["fail"])
        kit.release("x")
        await run.tasks.send("sent")
        for _ in range(5):
            await run.results.receive()
        with pytest.raises(TaskRefusedError, match=message):
            await run.add(task, after=after)
        # It has left no trace.
        assert (await run.call("b")).task_id == 6
        assert run.statistics().waiting == 0


async def test_what_is_no_text_is_no_task(kit: Kit) -> None:
    async with distributor(kit) as run:
        with pytest.raises(TypeError, match="task: expected str, bytes or a path, not 3"):
            await run.add(3)  # type: ignore[arg-type]
        with pytest.raises(TypeError, match="after: expected str, bytes or a path, not 3"):
            await run.add("a", after=[3])  # type: ignore[list-item]


async def test_a_task_that_has_to_wait_for_others_is_taken_at_once(kit: Kit) -> None:
    """It would wait for room that only comes when the others are done."""
    async with distributor(kit, nodes=1) as run:
        await run.add(kit.hold("a"))
        await run.add("b")
        for number in range(100):
            await run.add(f"after {number}", after=["hold a"])
        assert run.statistics().waiting == 101
        kit.release("a")
        await run.tasks.aclose()
        assert len([result async for result in run.results]) == 102


async def test_a_task_whose_dependencies_are_done_waits_for_room(kit: Kit) -> None:
    async with distributor(kit, nodes=1) as run:
        await run.add("root")
        await run.results.receive()
        await run.add(kit.hold("a"), after=["root"])
        await kit.begun("a")
        await run.add("b", after=["root"])
        with trio.move_on_after(0) as scope:
            await run.add("c", after=["root"])
        assert scope.cancelled_caught
        kit.release("a")
        await run.add("c", after=["root"])  # the cancelled one has left no name
        await run.tasks.aclose()
        assert [r.task async for r in run.results] == [b"hold a", b"b", b"c"]


async def test_of_two_that_add_the_same_task_one_is_refused_and_takes_no_room(kit: Kit) -> None:
    """The task behind it gets the room."""
    refused = []
    async with distributor(kit, nodes=1) as run:
        await run.add(kit.hold("a"))
        await run.add("b")

        async def add() -> None:
            try:
                await run.add("twice")
            except TaskRefusedError as error:
                refused.append(str(error))

        async with trio.open_nursery() as nursery:
            for task in (add, add):
                nursery.start_soon(task)
                await trio.testing.wait_all_tasks_blocked()
            nursery.start_soon(run.tasks.send, "last")
            await trio.testing.wait_all_tasks_blocked()
            kit.release("a")
        await run.tasks.aclose()
        results = [r.task async for r in run.results]
    assert refused == ["task b'twice' was added before"]
    assert results == [b"hold a", b"b", b"twice", b"last"]


@pytest.mark.parametrize("after", ["ab", b"ab", None, 3])
async def test_what_is_no_list_of_texts_is_refused_by_name(kit: Kit, after: object) -> None:
    async with distributor(kit) as run:
        with pytest.raises(TypeError, match=r"^after: expected several texts, not "):
            await run.add("task", after=after)  # type: ignore[arg-type]


async def test_the_end_of_the_input_is_told_before_a_name_is_refused(kit: Kit) -> None:
    async with distributor(kit) as run:
        await run.add("task")
        await run.results.receive()
        await run.tasks.aclose()
        with pytest.raises(trio.ClosedResourceError):
            await run.add("task")
