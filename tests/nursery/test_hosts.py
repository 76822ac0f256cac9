"""Nodes that join a distributor, are not wanted any more, or stand in a file that changes."""

from __future__ import annotations

from pathlib import Path

import pytest
import trio
import trio.testing

from paexec_trio import Change, Hostfile, open_distributor, services
from paexec_trio.core.states import NodeState
from paexec_trio.testing import FakeCalculator
from tests.nursery.kits import Kit, distributor
from tests.runtime.harness import LIMIT

pytestmark = pytest.mark.trio


async def test_a_node_that_is_added_does_what_waits(kit: Kit) -> None:
    async with distributor(kit, nodes=["alpha"]) as run:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(run.call, kit.hold("a"))
            await kit.begun("a")
            run.add_node("beta")
            assert (await run.call("b")).node == b"beta"
            kit.release("a")
        assert [node.name for node in run.statistics().nodes] == [b"alpha", b"beta"]
        await run.drain("alpha")
        assert (await run.call("c")).node == b"beta"


async def test_changes_tell_of_a_node_that_is_added(kit: Kit) -> None:
    async with distributor(kit, nodes=["alpha"]) as run:
        await run.call("a")
        with run.changes() as changes:
            run.add_node(b"beta")
            change = await changes.receive()
    assert (change.node, change.change) == (b"beta", Change.STARTED)


async def test_wanted_nodes(kit: Kit) -> None:
    async with distributor(kit, nodes=["alpha", "beta"]) as run:
        run.want_nodes(["beta", "gamma", "gamma"])
        results = {(await run.call(str(number))).node for number in range(3)}
        assert results <= {b"beta", b"gamma"}
        run.want_nodes([])
        assert [node.name for node in run.statistics().nodes] == [
            *(b"alpha", b"beta", b"gamma", b"gamma")
        ]
        await run.drain("alpha")  # it was drained already
        assert run.statistics().nodes[0].state is NodeState.REAPED


async def test_a_node_cannot_join_a_run_that_is_over(kit: Kit) -> None:
    async with distributor(kit, nodes=["alpha"]) as run:
        await run.call("a")
    run.add_node("beta")
    assert [node.name for node in run.statistics().nodes] == [b"alpha"]


async def test_bad_names(kit: Kit) -> None:
    async with distributor(kit, nodes=["alpha"]) as run:
        for name in ("", "a\0b"):
            with pytest.raises(ValueError, match="node: "):
                run.add_node(name)
            with pytest.raises(ValueError, match="nodes: "):
                run.want_nodes(["beta", name])
        with pytest.raises(TypeError, match="node: "):
            run.add_node(1)  # type: ignore[arg-type]
        assert len(run.statistics().nodes) == 1


async def echo(_node: bytes, task: bytes) -> bytes:
    await trio.lowlevel.checkpoint()
    return task


async def test_a_run_follows_a_hostfile(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """HST-023, HST-026."""
    caplog.set_level("INFO", "paexec_trio")
    path = tmp_path / "hosts"
    path.write_text("alpha\n")
    hostfile = Hostfile(path)
    names, follow = hostfile.read(), services.HostfileService(hostfile)
    assert names == (b"alpha",)
    with trio.fail_after(LIMIT):
        async with (
            trio.open_nursery() as nursery,
            open_distributor(nodes=names, command=FakeCalculator(echo)) as run,
        ):
            await nursery.start(follow, run)
            with run.changes() as changes:
                path.write_text("beta\n")
                seen = [await changes.receive() for _ in range(2)]
                assert {(change.node, change.change) for change in seen} == {
                    (b"beta", Change.STARTED),
                    (b"alpha", Change.ENDED),
                }
                assert (await run.call("a")).node == b"beta"
                path.write_text(",\n")
                while not caplog.messages:
                    await trio.sleep(0.01)
                path.write_text("beta gamma\n")
                change = await changes.receive()
                assert (change.node, change.change) == (b"gamma", Change.STARTED)
    (message,) = caplog.messages
    assert message.endswith("line 1: ',' is no name of a node; the nodes stay as they are")
