"""Errors: who gets them, and that each is told once; nothing is left behind."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing

from paexec_trio import (
    CommandPerTask,
    CommandRefusedError,
    DistributorError,
    NodesLostError,
    ProtocolViolationError,
    Reassign,
    TaskRefusedError,
    UnreceivedResultsError,
)
from paexec_trio.testing import FakeCalculator
from tests.nursery.kits import DEATH, Kit, distributor

pytestmark = pytest.mark.trio

DIED = f"Node 0 exited unexpectedly: exit status {DEATH}"


async def test_each_error_names_the_party_at_fault() -> None:
    for error in (
        NodesLostError,
        ProtocolViolationError,
        TaskRefusedError,
        CommandRefusedError,
        UnreceivedResultsError,
    ):
        assert issubclass(error, DistributorError)
    assert issubclass(TaskRefusedError, ValueError)
    assert issubclass(CommandRefusedError, ValueError)


@pytest.mark.parametrize("way", ["receive", "call", "send", "add"])
async def test_the_loss_of_a_node_is_raised_to_who_waits_for_the_run(kit: Kit, way: str) -> None:
    """And not again when the block is left."""
    async with distributor(kit, nodes=["0", "1"]) as run:
        await run.tasks.send(kit.hold("x"))
        await kit.begun("x")
        await run.tasks.send("die")
        with pytest.raises(NodesLostError, match=r"^Node [01] exited unexpectedly: exit status 3$"):
            match way:
                case "receive":
                    await run.results.receive()
                case "call":
                    await run.call("a")
                case "send":
                    while True:
                        await run.tasks.send("a")
                case "add":
                    for number in count():
                        await run.add(f"{number}")
        with pytest.raises(NodesLostError):
            await run.results.receive()
        with pytest.raises(NodesLostError):
            run.tasks.send_nowait("a")


async def test_all_who_wait_are_told(kit: Kit) -> None:
    told = []
    async with distributor(kit, nodes=1) as run:

        async def call(task: str) -> None:
            with pytest.raises(NodesLostError):
                await run.call(task)
            told.append(task)

        held = kit.hold("x")
        await run.tasks.send(held)
        await kit.begun("x")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(call, "die")
            await trio.testing.wait_all_tasks_blocked()
            for task in "abc":
                nursery.start_soon(call, task)
            await trio.testing.wait_all_tasks_blocked()
            kit.release("x")
        assert (await run.results.receive()).task == held.encode()
        with pytest.raises(NodesLostError):
            await run.results.receive()
    assert sorted(told) == ["a", "b", "c", "die"]


async def test_results_before_a_failure_are_received_before_it(kit: Kit) -> None:
    async with distributor(kit, nodes=1) as run:
        async with run.tasks:
            for task in ("a", "b", "die"):
                await run.tasks.send(task)
        assert [(await run.results.receive()).task for _ in "ab"] == [b"a", b"b"]
        with pytest.raises(NodesLostError, match=DIED):
            await run.results.receive()


async def test_a_failure_that_nobody_waits_for_is_raised_at_the_end_of_the_block(
    kit: Kit, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(NodesLostError, match=DIED):
        async with distributor(kit, nodes=1) as run:
            await run.tasks.send("die")
    assert not caplog.records  # it was told already


async def test_a_failure_while_the_block_sleeps_elsewhere(kit: Kit) -> None:
    """Nothing wakes a block that does not wait for the run, and nothing is swallowed."""
    async with trio.open_nursery() as nursery:

        async def body() -> None:
            with pytest.raises(NodesLostError, match=DIED):
                async with distributor(kit, nodes=1) as run:
                    await run.tasks.send("die")
                    changes = run.changes()
                    async for _ in changes:
                        pass
                    await elsewhere.wait()

        elsewhere = trio.Event()
        nursery.start_soon(body)
        await trio.testing.wait_all_tasks_blocked()
        elsewhere.set()


async def test_a_block_that_raises_cancels_the_run(kit: Kit) -> None:
    with pytest.raises(KeyError, match="of the block"):
        async with distributor(kit) as run:
            await run.tasks.send(kit.hold("x"))
            await run.tasks.send("a")
            await kit.begun("x")
            raise KeyError("of the block")
    assert run.statistics().done <= 1


async def test_a_block_and_its_run_that_both_fail_raise_a_group(kit: Kit) -> None:
    with pytest.RaisesGroup(
        pytest.RaisesExc(KeyError, match="of the block"),
        pytest.RaisesExc(NodesLostError, match=DIED),
    ):
        async with distributor(kit, nodes=1) as run:
            await run.tasks.send("die")
            async for _ in run.changes():
                pass
            raise KeyError("of the block")


async def test_a_block_that_fails_because_of_the_run_raises_one_error(kit: Kit) -> None:
    with pytest.raises(NodesLostError, match=DIED):
        async with distributor(kit, nodes=1) as run:
            await run.call("die")


async def test_an_error_of_a_nursery_in_the_block_stays_in_its_group(kit: Kit) -> None:
    with pytest.RaisesGroup(NodesLostError):
        async with distributor(kit, nodes=1) as run, trio.open_nursery() as nursery:
            nursery.start_soon(run.call, "die")


async def test_results_that_nobody_received_are_an_error(kit: Kit) -> None:
    with pytest.raises(UnreceivedResultsError, match="3 results were not received") as raised:
        async with distributor(kit, nodes=1) as run:
            for task in "abc":
                await run.tasks.send(task)
    assert raised.value.count == 3
    assert run.statistics().done == 3


async def test_the_error_of_the_block_hides_unreceived_results(kit: Kit) -> None:
    """They are given up with everything else."""
    with pytest.raises(KeyError):
        async with distributor(kit, nodes=1) as run:
            await run.tasks.send("a")
            await run.call("b")
            raise KeyError


async def test_a_failed_run_does_not_speak_of_unreceived_results(kit: Kit) -> None:
    with pytest.raises(NodesLostError):
        async with distributor(kit, nodes=1) as run:
            await run.tasks.send("a")
            await run.tasks.send("die")


async def test_all_nodes_are_drained_and_a_task_comes(kit: Kit) -> None:
    async with distributor(kit, nodes=1) as run:
        await run.drain("0")
        with pytest.raises(NodesLostError, match="all nodes were drained"):
            await run.call("a")


async def test_missing_statuses_are_raised_behind_the_results(kit: Kit) -> None:
    async with distributor(kit, statuses=True, nodes=1) as run:
        async with run.tasks:
            await run.tasks.send("neither")
        assert (await run.results.receive()).output == b"neither\n"
        with pytest.raises(ProtocolViolationError, match="ended without a status"):
            await run.results.receive()


async def test_a_line_without_end_is_the_fault_of_the_calculator(kit: Kit) -> None:
    async with distributor(kit, nodes=1, line_limit=1000) as run:
        assert len((await run.call("big 1000")).output) == 1001
        with pytest.raises(ProtocolViolationError, match="a line of more than 1000 octets"):
            await run.call("big 1001")


async def test_diagnostics_that_are_no_errors_are_logged(
    kit: Kit, caplog: pytest.LogCaptureFixture
) -> None:
    """Of a run that goes on: nobody is told otherwise."""
    with caplog.at_level(logging.WARNING, "paexec_trio"):
        async with distributor(kit, nodes=1, on_death=Reassign(), line_limit=1000) as run:
            with pytest.raises(NodesLostError, match="all nodes failed"):
                await run.call("big 2000")
    assert [record.getMessage() for record in caplog.records] == [
        "node 0 wrote a line of more than 1000 octets (--line-limit)"
    ]


@pytest.mark.parametrize("waiting", [False, True])
async def test_an_exception_of_a_fake_is_raised(fakes: Kit, waiting: bool) -> None:
    async def answer(node: bytes, task: bytes) -> bytes:
        raise KeyError(node, task)

    with pytest.RaisesGroup(KeyError, flatten_subgroups=True):
        async with distributor(fakes, nodes=1, command=FakeCalculator(answer)) as run:
            await run.tasks.send("a")
            if waiting:
                await run.results.receive()


async def test_the_results_of_a_run_that_was_cancelled_do_not_just_end(kit: Kit) -> None:
    """A receiver outside of the block must not take them for all."""
    errors: list[str] = []

    async def outside(wait: Callable[[], Awaitable[object]]) -> None:
        with pytest.raises(trio.BrokenResourceError) as raised:
            await wait()
        errors.append(str(raised.value))

    async with trio.open_nursery() as nursery:
        with trio.CancelScope() as scope:
            async with distributor(kit, nodes=1) as run:
                await run.tasks.send(kit.hold("x"))
                await run.tasks.send("a")
                for wait in (
                    run.results.receive,
                    partial(run.call, "b"),
                    partial(run.tasks.send, "c"),
                    partial(run.add, "d"),
                    partial(run.drain, "0"),
                ):
                    nursery.start_soon(outside, wait)
                await trio.testing.wait_all_tasks_blocked()
                scope.cancel()
                await trio.lowlevel.checkpoint()
        with pytest.raises(trio.BrokenResourceError):
            run.results.receive_nowait()
    assert errors == ["the run was cancelled"] * 5


# Real processes only: commands that cannot be run


@pytest.mark.parametrize("on_death", [None, Reassign(), Reassign(restart_after=9, wait=True)])
@pytest.mark.parametrize(
    "command", [["no-such-program"], Path("/no/such/program"), [b"/dev/null", "word"]]
)
async def test_a_command_that_does_not_exist(
    processes: Kit, command: Any, on_death: Reassign | None, caplog: pytest.LogCaptureFixture
) -> None:
    async with distributor(processes, command=command, on_death=on_death) as run:
        with pytest.raises(NodesLostError) as raised:
            await run.call("a")
    assert not caplog.records or on_death
    if on_death is None:
        assert str(raised.value).startswith("cannot run ")


async def test_a_text_of_a_command_that_does_not_exist(processes: Kit) -> None:
    """The shell is there; it ends with a status of its own."""
    message = r"^Node 0 exited unexpectedly: exit status 127 \(command not found\)$"
    with Path("/dev/null").open("wb") as nowhere:
        async with distributor(
            processes, nodes=1, command="no-such-program", stderr=nowhere.fileno()
        ) as run:
            with pytest.raises(NodesLostError, match=message):
                await run.call("a")


async def test_a_command_that_no_shell_can_parse(processes: Kit) -> None:
    with Path("/dev/null").open("wb") as nowhere:
        async with distributor(
            processes, nodes=1, command=CommandPerTask(b"("), stderr=nowhere.fileno()
        ) as run:
            with pytest.raises(CommandRefusedError, match="node 0 cannot parse the command"):
                await run.call("a")


async def test_a_program_that_greets_is_out_of_step(processes: Kit) -> None:
    async with distributor(processes, nodes=1, command="echo hello; cat") as run:
        async for _ in run.changes():
            pass
        with pytest.raises(ProtocolViolationError, match="wrote outside of a task: 'hello"):
            await run.call("a")
