"""Job logs, files of each task and standard error, as a Python program has them."""

from __future__ import annotations

import logging
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing

from paexec_trio import (
    CommandPerTask,
    DistributorError,
    JobLog,
    Reassign,
    Status,
    TaskRefusedError,
    UnreceivedResultsError,
    map_tasks,
    open_distributor,
)
from paexec_trio.core.joblog import PastAttempt, parse
from paexec_trio.testing import FakeCalculator
from tests.nursery.kits import Kit, distributor, mapped

pytestmark = pytest.mark.trio


def attempts_in(log: Path) -> list[PastAttempt]:
    return parse(log.read_bytes())


def lines_of(log: Path) -> list[tuple[int, bytes, bytes]]:
    return [(each.task_id, each.text, each.status) for each in attempts_in(log)]


# Job logs


@pytest.mark.parametrize("sync", [False, True])
async def test_a_line_for_each_attempt(kit: Kit, tmp_path: Path, *, sync: bool) -> None:
    """ACC-030, and ACC-033: ``End`` is the number of octets of all results so far."""
    log = tmp_path / "log"
    options: dict[str, Any] = {"joblog": JobLog(log, sync=sync), "statuses": True, "retries": 2}
    async with mapped(kit, ["good", "fail"], nodes=1, **options) as results:
        done = [result async for result in results]
    # One that is retried has no result that the program could deal with first.
    assert sorted(lines_of(log)) == [
        (1, b"good", b"success"),
        (2, b"fail", b"failure"),
        (2, b"fail", b"retried"),
    ]
    assert lines_of(log)[-1][2] == b"failure"
    assert attempts_in(log)[-1].end >= sum(len(result.output) for result in done)


async def test_no_line_before_its_result_was_received(kit: Kit, tmp_path: Path) -> None:
    """ACC-036: a program that is killed must find the task undone when it resumes."""
    log = tmp_path / "log"
    async with distributor(kit, nodes=1, joblog=log) as run:
        await run.tasks.send("a")
        await run.tasks.send("b")
        await run.call("c")
        with trio.fail_after(60):  # the line does not wait for the next result
            while not lines_of(log):
                await trio.sleep(0.001)
        assert lines_of(log) == [(3, b"c", b"success")]
        await run.tasks.aclose()
        assert len([result async for result in run.results]) == 2
        assert len(lines_of(log)) == 3


async def test_no_line_before_its_result_was_dealt_with(kit: Kit, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with pytest.raises(KeyError):
        async with mapped(kit, ["a", "b"], nodes=1, joblog=log) as results:
            assert (await results.receive()).task == b"a"
            assert (await results.receive()).task == b"b"
            raise KeyError  # while it deals with b
    assert lines_of(log) == [(1, b"a", b"success")]
    async with mapped(kit, ["a", "b"], nodes=1, joblog=JobLog(log, resume=True)) as results:
        assert [result.task async for result in results] == [b"b"]
    assert len(lines_of(log)) == 2


async def test_results_of_many_receivers_are_logged(kit: Kit, tmp_path: Path) -> None:
    """Each of them receives one, and ends."""
    log = tmp_path / "log"
    async with distributor(kit, joblog=log) as run:
        for number in range(200):
            await run.tasks.send(str(number))
            async with trio.open_nursery() as nursery:
                nursery.start_soon(run.results.receive)
        assert len(lines_of(log)) > 50
    assert len(lines_of(log)) == 200


async def test_dropped_results_are_logged_if_nobody_wants_them(kit: Kit, tmp_path: Path) -> None:
    log = tmp_path / "log"
    async with distributor(kit, nodes=1, joblog=log) as run:
        await run.results.aclose()
        await run.tasks.send("a")
    assert lines_of(log) == [(1, b"a", b"success")]


async def test_forgotten_results_are_not_logged(kit: Kit, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with pytest.raises(UnreceivedResultsError):
        async with distributor(kit, nodes=1, joblog=log) as run:
            await run.tasks.send("a")
    assert lines_of(log) == []


async def test_results_that_wait_for_earlier_ones_are_not_logged(kit: Kit, tmp_path: Path) -> None:
    log = tmp_path / "log"
    tasks = [kit.hold("x"), "2", "3", kit.hold("y")]
    async with mapped(kit, tasks, keep_order=True, joblog=log) as results:
        await kit.begun("x")
        await kit.begun("y")  # all results but that of x are there
        async with trio.open_nursery() as nursery:
            nursery.start_soon(results.receive)
            await trio.testing.wait_all_tasks_blocked(0.01)
            assert lines_of(log) == []
            kit.release("x")
        await results.receive()
        kit.release("y")
        assert [result.task_id async for result in results] == [3, 4]
    assert sorted(task_id for task_id, _, _ in lines_of(log)) == [1, 2, 3, 4]


async def test_a_resumed_run_does_the_other_tasks(kit: Kit, tmp_path: Path) -> None:
    """ACC-042: the tasks that were done have no result."""
    log = tmp_path / "log"
    tasks = ["a", "fail", "b", "c"]
    async with mapped(kit, tasks, nodes=1, statuses=True, joblog=log, limit=3) as results:
        assert len([result async for result in results]) == 3
    options: dict[str, Any] = {"statuses": True, "keep_order": True}
    async with mapped(kit, tasks, joblog=JobLog(log, resume=True), **options) as results:
        assert [(each.task_id, each.task) async for each in results] == [(4, b"c")]
    # ACC-043.
    async with mapped(kit, tasks, joblog=JobLog(log, resume="failed"), **options) as results:
        (again,) = [result async for result in results]
    assert (again.task_id, again.task, again.status) == (2, b"fail", Status.FAILURE)
    assert attempts_in(log)[-1].attempt == 2


async def test_a_changed_task_is_refused(kit: Kit, tmp_path: Path) -> None:
    """ACC-045."""
    log = tmp_path / "log"
    async with mapped(kit, ["a", "b"], nodes=1, joblog=log) as results:
        assert len([result async for result in results]) == 2
    resumed = JobLog(log, resume=True)
    with pytest.raises(TaskRefusedError, match=r"task 2 is not the one that the job log .* has"):
        async with mapped(kit, ["a", "x", "c"], joblog=resumed) as results:
            assert [result async for result in results] == []
    with pytest.raises(TaskRefusedError, match="the input ends before task 2"):
        async with mapped(kit, ["a"], joblog=resumed) as results:
            assert [result async for result in results] == []


async def test_calls_and_added_tasks_of_a_resumed_run(kit: Kit, tmp_path: Path) -> None:
    """ACC-046."""
    log = tmp_path / "log"
    async with distributor(kit, joblog=log) as run:
        await run.call("a")
        await run.call("b")
    async with distributor(kit, joblog=JobLog(log, resume=True)) as run:
        with pytest.raises(TaskRefusedError, match="'x', which was not added"):
            await run.add("a", after=["x"])
        assert await run.add("a") == 1
        with pytest.raises(TaskRefusedError, match="task b'b' was done in an earlier run"):
            await run.call("b")
        assert await run.add("c", after=["a"]) == 3
        await run.tasks.aclose()
        assert [result.task async for result in run.results] == [b"c"]


async def test_a_log_that_another_run_writes(kit: Kit, tmp_path: Path) -> None:
    """ACC-039, though both runs are of one process."""
    log = tmp_path / "log"
    async with distributor(kit, joblog=log) as run:
        with pytest.raises(DistributorError, match="another run writes the job log"):
            async with map_tasks(["a"], nodes=1, command="cat", joblog=log):
                pass
        await run.call("a")
    assert lines_of(log) == [(1, b"a", b"success")]
    async with distributor(kit, joblog=log):
        pass
    assert lines_of(log) == []


async def test_a_log_that_cannot_be_used(kit: Kit, tmp_path: Path) -> None:
    """ACC-040, ACC-041."""
    (tmp_path / "log").write_text("nothing\n")
    with pytest.raises(DistributorError, match="is not a job log"):
        async with distributor(kit, joblog=tmp_path / "log"):
            pass
    with pytest.raises(DistributorError, match=r"opening the job log .* failed: No such file"):
        async with distributor(kit, joblog=tmp_path / "no" / "log"):
            pass


@pytest.mark.parametrize("how", ["cancelled", "raises", "fails"])
async def test_the_log_is_released_however_a_run_ends(kit: Kit, tmp_path: Path, how: str) -> None:
    """The helpers check that no descriptor is left; the lock is gone, too."""
    log = tmp_path / "log"
    with trio.CancelScope() as scope, suppress(KeyError, DistributorError):
        async with distributor(kit, joblog=JobLog(log, sync=True)) as run:
            await run.call("a")
            if how == "cancelled":
                scope.cancel()
            elif how == "raises":
                raise KeyError
            await run.call("die")
    assert lines_of(log)[0] == (1, b"a", b"success")
    async with distributor(kit, joblog=log) as run:
        await run.call("b")
    assert lines_of(log) == [(1, b"b", b"success")]


async def test_dependants_after_a_halt(kit: Kit) -> None:
    """They have no result, and nobody waits for them."""
    first = kit.hold("x")
    async with distributor(kit, nodes=1, halt="now,done=1") as run:
        await run.add(first)
        await run.add("then", after=[first])
        kit.release("x")
        assert [each.task async for each in run.results] == [first.encode()]
        with pytest.raises(trio.ClosedResourceError):
            await run.add("late")


async def test_a_disk_that_is_full(kit: Kit) -> None:
    """ACC-041: the run ends, and says why."""
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full")
    with pytest.raises(DistributorError, match=r"the job log '?/dev/full.*No space left"):
        async with distributor(kit, joblog="/dev/full") as run:
            await run.call("a")
            await run.call("b")


async def test_a_dead_node_is_logged(kit: Kit, tmp_path: Path) -> None:
    log = tmp_path / "log"
    options: dict[str, Any] = {"on_death": Reassign(restart_after=0.01, wait=True)}
    async with mapped(kit, ["die"], nodes=1, crash_limit=2, joblog=log, **options) as results:
        assert [result.problem async for result in results] == ["node lost"]
    assert [each.status for each in attempts_in(log)] == [b"retried", b"lost"]


# Files of each task


async def test_a_directory_for_each_task(kit: Kit, tmp_path: Path) -> None:
    """PTK-050 to PTK-053."""
    async with mapped(kit, ["a", "b"], results=tmp_path / "new") as results:
        assert len([result async for result in results]) == 2
    place = tmp_path / "new" / "0000"
    assert sorted(each.name for each in place.iterdir()) == ["0000001", "0000002"]
    assert (place / "0000002" / "stdout").read_bytes() == b"b\n"
    assert (place / "0000002" / "task").read_bytes() == b"b"


async def test_a_directory_that_cannot_be_used(kit: Kit, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DistributorError, match=r"^results: directory '.*/file': File exists"):
        async with distributor(kit, results=tmp_path / "file"):
            pass


# Standard error

SPEAKS = CommandPerTask('echo "out $1"; echo "err $1" >&2; exit "$1"')


async def test_errors_are_in_the_result_of_their_task(tmp_path: Path) -> None:
    """PTK-030."""
    options: dict[str, Any] = {"nodes": 2, "command": SPEAKS, "stderr": "group"}
    async with map_tasks(["0", "3"], keep_order=True, results=tmp_path, **options) as results:
        done = [(each.output, each.stderr, each.exit_status) async for each in results]
    assert done == [(b"out 0\n", b"err 0\n", 0), (b"out 3\n", b"err 3\n", 3)]
    assert (tmp_path / "0000" / "0000002" / "stderr").read_bytes() == b"err 3\n"


async def test_errors_of_all_attempts_are_kept() -> None:
    command = 'while read -r task; do echo "$task fails" >&2; echo failure; echo; done'
    options: dict[str, Any] = {"statuses": True, "retries": 2, "stderr": "group"}
    async with map_tasks(["a"], nodes=1, command=command, **options) as results:
        (result,) = [result async for result in results]
    assert result.stderr == b"a fails\n" * 2


async def test_errors_of_a_task_that_hangs() -> None:
    command = 'while read -r task; do echo "$task hangs" >&2; sleep 1000; done'
    async with map_tasks(["a"], nodes=1, command=command, stderr="group", timeout=0.3) as results:
        (result,) = [result async for result in results]
    assert (result.problem, result.stderr) == ("time limit", b"a hangs\n")


async def test_errors_without_a_result_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    """The last words of a calculator are not lost."""
    caplog.set_level(logging.INFO)
    with pytest.raises(DistributorError, match="exit status 3"):
        async with open_distributor(
            nodes=1, command="read -r task; echo no fuel >&2; exit 3", stderr="group"
        ) as run:
            await run.call("a")
    assert "no fuel" in caplog.messages


async def test_lines_behind_node_and_task(caplog: pytest.LogCaptureFixture) -> None:
    """PTK-035."""
    caplog.set_level(logging.INFO)
    async with map_tasks(["0"], nodes=1, command=SPEAKS, stderr="tag") as results:
        assert [each.stderr async for each in results] == [b""]
    assert "node 0, task 1 '0': err 0" in caplog.messages


async def test_errors_go_to_the_descriptor_though_they_are_stored(tmp_path: Path) -> None:
    """PTK-057."""
    with (tmp_path / "errors").open("wb") as errors:
        options: dict[str, Any] = {"nodes": 1, "command": SPEAKS, "stderr": errors.fileno()}
        async with map_tasks(["0"], results=tmp_path / "new", **options) as results:
            assert [each.stderr async for each in results] == [b""]
    assert (tmp_path / "errors").read_bytes() == b"err 0\n"
    assert (tmp_path / "new/0000/0000001/stderr").read_bytes() == b"err 0\n"


async def test_fakes_with_records(tmp_path: Path) -> None:
    async def answer(_node: bytes, task: bytes) -> bytes:
        return task

    fake = FakeCalculator(answer)
    options: dict[str, Any] = {"nodes": 1, "command": fake, "stderr": "group"}
    async with map_tasks(["a"], joblog=tmp_path / "log", **options) as results:
        assert [each.stderr async for each in results] == [b""]
    assert lines_of(tmp_path / "log") == [(1, b"a", b"success")]
