"""Faults in what stands in front of lines."""

from __future__ import annotations

import os
from collections.abc import Callable

from paexec_trio.core import engine
from paexec_trio.core.commands import Write
from paexec_trio.core.engine import Engine
from paexec_trio.core.nodes import Attempt, Node
from paexec_trio.core.rendering import PrefixMaker
from tests.simulation.violations import Kind
from tests.zoo.mutant import breaks, shows_as
from tests.zoo.planting import around, put

Make = Callable[..., bytes]


@shows_as(Kind.MISCREDITED)
@breaks("PFX-003")
def counts_tasks_from_0() -> None:
    @around(PrefixMaker, "make")
    def make(right: Make, self: PrefixMaker, node: bytes, task_id: int, pid: int) -> bytes:
        return right(self, node, task_id - 1, pid)


@breaks("PFX-007")
def prefixes_the_first_of_some_lines() -> None:
    def render(prefix: bytes, lines: bytes) -> bytes:
        return prefix + lines if lines else lines

    put(engine, "render", render)


@breaks("PFX-004")
def prints_the_index_of_a_named_node() -> None:
    @around(Engine, "__init__")
    def init(right: Callable[..., None], self: Engine, *arguments: object) -> None:
        right(self, *arguments)
        for node in self._nodes:
            node.name = b"%d" % node.index


@breaks("PFX-006")
def puts_the_task_id_first() -> None:
    @around(PrefixMaker, "make")
    def make(right: Make, self: PrefixMaker, node: bytes, task_id: int, pid: int) -> bytes:
        prefix = right(self, node, task_id, pid)
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
    def make(right: Make, self: PrefixMaker, node: bytes, task_id: int, _pid: int) -> bytes:
        return right(self, node, task_id, os.getpid())


@shows_as(Kind.LOST, Kind.FABRICATED, Kind.MISCREDITED)
@breaks("PFX-005")
def prints_the_process_id_of_a_former_life() -> None:
    @around(Engine, "_node_started")
    def started(right: Callable[..., None], self: Engine, event: object) -> None:
        node = self._nodes[event.node]  # type: ignore[attr-defined]
        if node.pid:
            event.pid = node.pid  # type: ignore[attr-defined]
        right(self, event)


@breaks("PFX-001")
def always_prints_the_task_id() -> None:
    @around(PrefixMaker, "make")
    def make(right: Make, self: PrefixMaker, node: bytes, task_id: int, pid: int) -> bytes:
        return right(self, node, task_id, pid) or b"%d " % task_id


@breaks("PFX-007", "DTH-022")
def prints_the_eot_without_prefix() -> None:
    @around(Engine, "_print")
    def print_(right: Callable[..., None], self: Engine, attempt: Attempt, data: bytes) -> None:
        eot_line = self._settings.eot + b"\n"
        if self._settings.print_eot and data == attempt.prefix + eot_line:
            data = eot_line
        right(self, attempt, data)


@breaks("PFX-008", "PFX-009")
def prints_the_task_after_its_result() -> None:
    late: dict[int, bytes] = {}

    @around(Engine, "_dispatch_next_task")
    def dispatch(right: Callable[..., None], self: Engine) -> None:
        before = len(self._commands)
        right(self)
        if self._settings.print_task:
            node = next(n for n in self._nodes if n.attempts and n.index not in late)
            command = self._commands.pop(before)
            assert isinstance(command, Write)
            late[node.index] = bytes(command.data)

    @around(Engine, "_attempt_done")
    def done(right: Callable[..., None], self: Engine, *arguments: object) -> None:
        node = next(a for a in arguments if isinstance(a, Node))
        if self._settings.print_task:
            self._print(node.attempts[0], late.pop(node.index))
        right(self, *arguments)
