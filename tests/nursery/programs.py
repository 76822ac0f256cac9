"""Programs that use a distributor, one per shape of the API."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress

import trio

from paexec_trio import Reassign, TaskRefusedError, map_tasks, open_distributor
from tests.nursery.kits import Kit

Program = Callable[[Kit, int], Awaitable[None]]

ROUNDS = 3
"""How many tasks a node has, about."""


async def send_and_receive(kit: Kit, nodes: int) -> None:
    """Send in one task, receive in another."""
    async with (
        open_distributor(**kit.options({"nodes": nodes})) as run,
        trio.open_nursery() as nursery,
    ):

        async def send() -> None:
            async with run.tasks:
                for number in range(nodes * ROUNDS):
                    await run.tasks.send(f"{number}")

        nursery.start_soon(send)
        assert len([result async for result in run.results]) == nodes * ROUNDS


async def call(kit: Kit, nodes: int) -> None:
    """Call from several tasks."""
    async with (
        open_distributor(**kit.options({"nodes": nodes, "prefetch": 2})) as run,
        trio.open_nursery() as nursery,
    ):
        for number in range(nodes * ROUNDS):
            nursery.start_soon(run.call, f"{number}")


async def add(kit: Kit, nodes: int) -> None:
    """Add a graph, with a failure in it."""
    async with open_distributor(**kit.options({"nodes": nodes, "statuses": True})) as run:
        await run.add("root")
        for number in range(nodes * ROUNDS):
            await run.add(f"{number}", after=["root"])
        await run.add("fail", after=["0"])
        with suppress(TaskRefusedError):  # it has failed already
            await run.add("not run", after=["fail"])
        await run.tasks.aclose()
        assert len([result async for result in run.results]) >= nodes * ROUNDS + 2


async def map_in_order(kit: Kit, nodes: int) -> None:
    """Map a list, in order."""
    options = kit.options({"nodes": nodes, "prefetch": "auto"})
    tasks = map(str, range(nodes * ROUNDS))
    async with map_tasks(tasks, keep_order=True, **options) as results:
        ids = [result.task_id async for result in results]
    assert ids == list(range(1, nodes * ROUNDS + 1))


async def map_endless(kit: Kit, nodes: int) -> None:
    """Leave the block while an endless asynchronous iterable goes on."""

    async def tasks() -> AsyncIterator[str]:
        for number in itertools.count():
            await trio.lowlevel.checkpoint()
            yield f"{number}"

    async with map_tasks(tasks(), **kit.options({"nodes": nodes})) as results:
        for _ in range(nodes * ROUNDS):
            await results.receive()


async def drain(kit: Kit, nodes: int) -> None:
    """Drain nodes while others work, and watch."""
    options = kit.options({"nodes": nodes + 1})
    async with open_distributor(**options) as run, trio.open_nursery() as nursery:
        with run.changes() as changes:
            for number in range(nodes):
                await run.tasks.send(f"{number}")
                nursery.start_soon(run.drain, f"{number}")
            await changes.receive()
        for _ in range(nodes):
            await run.results.receive()


async def restart(kit: Kit, nodes: int) -> None:
    """Let nodes die, and be restarted."""
    on_death = Reassign(restart_after=0.001, wait=True)
    options = kit.options({"nodes": nodes, "on_death": on_death})
    async with open_distributor(**options) as run:
        changes = run.changes()
        await run.tasks.send("die")
        for _ in range(2 * ROUNDS):
            await changes.receive()
        raise Enough


async def leave(kit: Kit, nodes: int) -> None:
    """Leave the block with tasks in flight, and drop their results."""
    async with open_distributor(**kit.options({"nodes": nodes})) as run:
        for number in range(nodes * ROUNDS):
            await run.tasks.send(f"{number}")
        await run.results.aclose()


async def fail(kit: Kit, nodes: int) -> None:
    """Raise with tasks in flight."""
    async with open_distributor(**kit.options({"nodes": nodes})) as run:
        for number in range(nodes + 1):
            await run.tasks.send(f"{number}")
        raise Enough


class Enough(Exception):  # noqa: N818 (it is no error)
    """Raised by programs that do not end otherwise."""


PROGRAMS: dict[str, Program] = {
    "send, receive": send_and_receive,
    "call": call,
    "add": add,
    "map, in order": map_in_order,
    "map, endless": map_endless,
    "drain": drain,
    "restart": restart,
    "leave": leave,
    "fail": fail,
}
