"""Snapshots: how far a run is."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, final

from paexec_trio.core.states import NodeState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from paexec_trio.core.accounts import Accounts
    from paexec_trio.core.dispatching import Dispatcher
    from paexec_trio.core.nodes import Node
    from paexec_trio.core.tasks import TaskSource


@final
class NodeSnapshot(NamedTuple):
    """One node at one moment.

    Attributes:
        name: the name of the node.
        state: the stage of its life.
        in_flight: how many tasks it holds.
    """

    name: bytes
    state: NodeState
    in_flight: int


@final
class Snapshot(NamedTuple):
    """A run at one moment.

    Attributes:
        done: how many tasks have ended, failures included.
        failed: how many of these failed, as far as is known.
        in_flight: how many tasks nodes hold.
        waiting: how many tasks were read or added, and wait for a node or for other tasks.
        nodes: the nodes.
    """

    done: int
    failed: int
    in_flight: int
    waiting: int
    nodes: tuple[NodeSnapshot, ...]


def take_snapshot(
    nodes: Sequence[Node], tasks: TaskSource, dispatcher: Dispatcher, accounts: Accounts
) -> Snapshot:
    """Return how far a run is. It counts only when it is called, so it costs a run nothing.

    Args:
        nodes: all nodes.
        tasks: know how many tasks were taken.
        dispatcher: knows which tasks are to be reassigned.
        accounts: know how many tasks failed or were given up.
    """
    each = tuple(NodeSnapshot(node.name, node.state, len(node.attempts)) for node in nodes)
    in_flight = sum(node.in_flight for node in each)
    to_reassign = dispatcher.waiting.count_reassigned()
    return Snapshot(
        done=tasks.count_taken() - in_flight - to_reassign - accounts.given_up,
        failed=accounts.failed,
        in_flight=in_flight,
        waiting=tasks.count_waiting() + to_reassign,
        nodes=each,
    )
