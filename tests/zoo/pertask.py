"""Faults in how the output of tasks is kept apart."""

from __future__ import annotations

from collections.abc import Callable

from paexec_trio.cli import invocation
from paexec_trio.core.dispatching import Dispatcher
from paexec_trio.core.nodes import Attempt, Node
from paexec_trio.core.rendering import PrefixMaker
from paexec_trio.core.visible import visible
from tests.simulation.violations import Kind
from tests.zoo.mutant import breaks, shows_as
from tests.zoo.planting import (
    Exchange,
    Exchanged,
    around,
    change_eot_lines,
    change_exchange,
    instead,
    put,
)
from tests.zoo.prefixes import Make

# Tags


def change_tag(change: Callable[[bytes, bytes], bytes]) -> None:
    """Change what stands before the tab, given the text of the option and the task."""

    @around(PrefixMaker, "make")
    def make(
        right: Make, self: PrefixMaker, node: bytes, task_id: int, pid: int, task: bytes
    ) -> bytes:
        if self._tag is None:
            return right(self, node, task_id, pid, task)
        text, self._tag = self._tag, b""
        prefixes = right(self, node, task_id, pid, b"").removesuffix(b"\t")
        self._tag = text
        return prefixes + change(text, task) + b"\t"


@breaks("PTK-010", "PTK-011")
def knows_the_options_of_tags_and_has_none() -> None:
    put(invocation, "tag_of", lambda _: None)


@breaks("PTK-011")
def prints_the_task_whatever_the_tag_is_to_be() -> None:
    change_tag(lambda _text, task: task)


@breaks("PTK-011")
def puts_the_task_into_a_tag_once() -> None:
    change_tag(lambda text, task: text.replace(b"{}", task, 1))


@breaks("PTK-011")
def prefers_the_task_to_another_tag() -> None:
    @instead(invocation, "tag_of")
    def tag_of(right: Callable[..., bytes | None], values: dict[str, bytes]) -> bytes | None:
        return b"{}" if "--tag" in values else right(values)


@breaks("PTK-010", "PTK-011")
def ends_a_tag_by_a_blank() -> None:
    @around(PrefixMaker, "make")
    def make(right: Make, self: PrefixMaker, *arguments: object) -> bytes:
        prefix = right(self, *arguments)
        return prefix[:-1] + b" " if prefix.endswith(b"\t") else prefix


@breaks("PTK-012")
def puts_the_tag_before_the_prefixes() -> None:
    @around(PrefixMaker, "make")
    def make(right: Make, self: PrefixMaker, *arguments: object) -> bytes:
        text, self._tag = self._tag, None
        prefixes = right(self, *arguments)
        self._tag = text
        return right(self, *arguments).removeprefix(prefixes) + prefixes


@breaks("PTK-013")
def makes_tags_visible() -> None:
    change_tag(lambda text, task: text.replace(b"{}", visible(task)))


@breaks("PTK-013")
def replaces_braces_that_come_with_the_task() -> None:
    change_tag(lambda text, task: text.replace(b"{}", task).replace(b"{}", task))


@breaks("PTK-014")
def accepts_tags_of_several_lines() -> None:
    @instead(invocation, "tag_of")
    def tag_of(right: Callable[..., bytes | None], values: dict[str, bytes]) -> bytes | None:
        return values.get("--tagstring", right({**values, "--tagstring": b""}))


@breaks("PTK-010")
def prints_the_eot_line_without_tag() -> None:
    def change(attempt: Attempt, line: bytes) -> bytes:
        return line.removeprefix(attempt.prefix) if attempt.prefix.endswith(b"\t") else line

    change_eot_lines(change)


@shows_as(Kind.MISCREDITED)
@breaks("PTK-010")
def keeps_the_tag_of_the_task_before() -> None:
    @change_exchange
    def exchange(right: Exchange, _self: Dispatcher, node: Node, data: bytes) -> Exchanged | None:
        attempt = node.attempts[0]
        prefix = attempt.prefix
        found = right(data)
        if prefix.endswith(b"\t"):
            attempt.prefix = prefix
        return found
