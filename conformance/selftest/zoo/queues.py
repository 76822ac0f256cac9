"""Faults in tasks that wait at nodes, and in lines that wait for others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from conformance.selftest.zoo.mutant import (
    around,
    breaks,
    put,
)
from paexec_trio.core import prefetch
from paexec_trio.core.commands import Command
from paexec_trio.core.engine import Engine
from paexec_trio.core.grouping import OrderedGroups
from paexec_trio.core.nodes import Node
from paexec_trio.core.pace import Pace


@breaks("PRE-012")
def fills_the_first_node_first() -> None:
    def shares(held: Sequence[int], most: Sequence[int], tasks: int) -> list[int]:
        given = []
        for count, limit in zip(held, most, strict=True):
            given.append(min(max(0, limit - count), tasks))
            tasks -= given[-1]
        return given

    put(prefetch, "shares", shares)


@breaks("PRE-030")
def counts_queued_tasks_as_attempted() -> None:
    @around(Engine, "_take_back_queued")
    def take_back(_right: object, _self: Engine, _node: Node) -> None:
        pass


@breaks("PRE-033")
def ends_nodes_that_read_no_further_task() -> None:
    @around(Engine, "_sizes_of_queued")
    def sizes(_right: object, _self: Engine, _node: Node) -> Iterator[int]:
        return iter(())


@breaks("PRE-040")
def begins_with_several_tasks() -> None:
    @around(Pace, "__init__")
    def init(right: Callable[..., None], self: Pace) -> None:
        right(self)
        self.depth = 4


@breaks("GRP-024")
def drops_what_waits_for_a_lost_task() -> None:
    @around(OrderedGroups, "rest")
    def rest(_right: object, _self: OrderedGroups) -> list[Command]:
        return []
