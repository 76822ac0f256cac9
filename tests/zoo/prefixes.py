"""Faults in what stands in front of lines."""

from __future__ import annotations

import os
from collections.abc import Callable

from paexec_trio.core.dispatching import Dispatcher
from paexec_trio.core.nodes import Attempt, Node
from paexec_trio.core.printing import Printer
from paexec_trio.core.rendering import PrefixMaker
from tests.simulation.violations import Kind
from tests.zoo.mutant import breaks, shows_as
from tests.zoo.planting import (
    Exchange,
    Exchanged,
    around,
    change_eot_lines,
    change_exchange,
    change_rendering,
    put,
)

Make = Callable[..., bytes]


@shows_as(Kind.MISCREDITED)
@breaks("PFX-003")
def counts_tasks_from_0() -> None:
    @around(PrefixMaker, "make")
    def make(right: Make, self: PrefixMaker, node: bytes, task_id: int, *rest: object) -> bytes:
        return right(self, node, task_id - 1, *rest)


@breaks("PFX-007")
def prefixes_the_first_of_some_lines() -> None:
    change_rendering(lambda _right, prefix, lines: prefix + lines if lines else lines)


@breaks("PFX-004")
def prints_the_index_of_a_named_node() -> None:
    @around(Node, "__init__")
    def init(
        right: Callable[..., None], self: Node, index: int, _name: bytes, *rest: object
    ) -> None:
        right(self, index, b"%d" % index, *rest)


@breaks("PFX-006")
def puts_the_task_id_first() -> None:
    @around(PrefixMaker, "make")
    def make(right: Make, self: PrefixMaker, node: bytes, task_id: int, *rest: object) -> bytes:
        prefix = right(self, node, task_id, *rest)
        if self._show_node and self._show_task_id:
            words = prefix.split(b" ")
            words[:2] = words[1::-1]
            return b" ".join(words)
        return prefix


@breaks("PFX-002", "PFX-004", "PFX-005")
def separates_prefixes_by_tabs() -> None:
    @around(PrefixMaker, "make")
    def make(right: Make, self: PrefixMaker, *arguments: object) -> bytes:
        return right(self, *arguments).replace(b" ", b"\t")


@breaks("PFX-005")
def prints_its_own_process_id() -> None:
    @around(PrefixMaker, "make")
    def make(
        right: Make, self: PrefixMaker, node: bytes, task_id: int, _pid: int, task: bytes
    ) -> bytes:
        return right(self, node, task_id, os.getpid(), task)


@shows_as(Kind.LOST, Kind.FABRICATED, Kind.MISCREDITED)
@breaks("PFX-005")
def prints_the_process_id_of_a_former_life() -> None:
    @around(Node, "begin_life")
    def begin(right: Callable[..., None], self: Node, pid: int, **options: bool) -> None:
        right(self, self.pid or pid, **options)


@breaks("PFX-001")
def always_prints_the_task_id() -> None:
    @around(PrefixMaker, "make")
    def make(right: Make, self: PrefixMaker, node: bytes, task_id: int, *rest: object) -> bytes:
        return right(self, node, task_id, *rest) or b"%d " % task_id


@breaks("PFX-007", "DTH-022")
def prints_the_eot_without_prefix() -> None:
    change_eot_lines(lambda attempt, line: line.removeprefix(attempt.prefix))


@breaks("PFX-008", "PFX-009")
def prints_the_task_after_its_result() -> None:
    begun = Printer.begun
    put(Printer, "begun", lambda _self, _node, _attempt: None)

    @around(Printer, "done")
    def done(right: Callable[..., None], self: Printer, node: Node, attempt: Attempt) -> None:
        begun(self, node, attempt)
        right(self, node, attempt)


# The fast path


@shows_as(Kind.MISCREDITED)
@breaks("PFX-003")
def keeps_the_prefix_of_the_task_before() -> None:
    @change_exchange
    def exchange(right: Exchange, _self: Dispatcher, node: Node, data: bytes) -> Exchanged | None:
        attempt = node.attempts[0]
        prefix = attempt.prefix
        found = right(data)
        attempt.prefix = prefix
        return found


@shows_as(Kind.MISCREDITED)
@breaks("PFX-003")
def puts_the_prefix_of_the_next_task_before_a_result() -> None:
    @change_exchange
    def exchange(right: Exchange, _self: Dispatcher, node: Node, data: bytes) -> Exchanged | None:
        attempt = node.attempts[0]
        prefix = attempt.prefix
        found = right(data)
        return found and (found[0].replace(prefix, attempt.prefix), found[1])


@breaks("PFX-004")
def puts_the_name_of_the_first_node_before_results_that_come_whole() -> None:
    @change_exchange
    def exchange(right: Exchange, self: Dispatcher, node: Node, data: bytes) -> Exchanged | None:
        found = right(data)
        attempt = node.attempts[0]
        first = self._nodes[0].name
        attempt.prefix = self._outlet.prefixes.make(first, attempt.task_id, node.pid, attempt.task)
        return found
