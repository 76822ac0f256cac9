"""Ways to change the reference implementation, until :func:`undo` or the end of the process."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from types import ModuleType
from typing import Any

from paexec_trio.core import dispatching, printing
from paexec_trio.core.commands import Command, Send
from paexec_trio.core.dispatching import Dispatcher
from paexec_trio.core.engine import Engine
from paexec_trio.core.events import Event
from paexec_trio.core.framing import ResultFramer
from paexec_trio.core.nodes import Attempt, Node
from paexec_trio.core.printing import Printer
from paexec_trio.core.rendering import render
from paexec_trio.core.tasks import FlatTasks
from paexec_trio.runtime import children, host
from paexec_trio.runtime import input as stdin

_MISSING = object()

_replaced: list[tuple[object, str, object]] = []
"""Replaced attributes, in this order: the owner, the name, and the old value."""


_added: list[tuple[dict[Any, Any], object]] = []
"""Added entries: the table and the key."""


def put(owner: object, name: str, value: object) -> None:
    """Replace an attribute of a module or of a class."""
    _replaced.append((owner, name, vars(owner).get(name, _MISSING)))
    setattr(owner, name, value)


def put_item(table: dict[Any, Any], key: object, value: object) -> None:
    """Add an entry to a table."""
    _added.append((table, key))
    table[key] = value


def undo() -> None:
    """Take back all that was planted by the functions of this module."""
    while _replaced:
        owner, name, value = _replaced.pop()
        if value is _MISSING:
            delattr(owner, name)
        else:
            setattr(owner, name, value)
    while _added:
        table, key = _added.pop()
        del table[key]


@contextmanager
def planted(plant: Callable[[], None]) -> Iterator[None]:
    """Plant a fault for the time of a block."""
    try:
        plant()
        yield
    finally:
        undo()


def do_without_fast_path() -> None:
    """Let each result become an event: the fault is planted at what follows from one."""

    @around(Dispatcher, "__init__")
    def init(right: Callable[..., None], self: Dispatcher, *parts: object) -> None:
        right(self, *parts)
        self.fast_path = None


def limit_reads(octets: int) -> None:
    """Read at most ``octets`` octets at once, from standard input and from calculators."""
    for module in (host, children, stdin):
        put(module, "CHUNK", octets)


def without_prefix(attempt: Attempt) -> Attempt:
    """Return an attempt that differs in its prefix only."""
    bare = copy(attempt)
    bare.prefix = b""
    return bare


def instead(module: ModuleType, name: str) -> Callable[[Callable[..., Any]], None]:
    """Replace a function of a module by one that receives the original, and then its arguments."""
    original = getattr(module, name)

    def replace(wrong: Callable[..., Any]) -> None:
        put(module, name, functools.partial(wrong, original))

    return replace


def around(owner: type, name: str) -> Callable[[Callable[..., Any]], None]:
    """Replace a method by a function that receives the original, and then its arguments."""
    original = owner.__dict__[name]

    def replace(wrong: Callable[..., Any]) -> None:
        @functools.wraps(original)
        def method(*arguments: Any, **keywords: Any) -> Any:
            return wrong(original, *arguments, **keywords)

        put(owner, name, method)

    return replace


def change_tasks(change: Callable[[bytes], bytes]) -> None:
    """Change each task that is dispatched in flat mode."""

    @around(FlatTasks, "take")
    def take(right: Callable[..., tuple[int, bytes]], self: FlatTasks) -> tuple[int, bytes]:
        task_id, task = right(self)
        return task_id, change(task)


Piece = tuple[bytearray | bytes, bytes, bytes | None]
"""A framer's view of some output: a line, further lines, and what follows on the EOT."""


def change_results(change: Callable[[ResultFramer, Piece], Piece]) -> None:
    """Change what is taken from the output of calculators."""

    @around(ResultFramer, "feed")
    def feed(right: Callable[..., Piece], self: ResultFramer, data: bytes) -> Piece:
        return change(self, right(self, data))

    @around(ResultFramer, "whole")
    def whole(right: Callable[..., bytes | None], self: ResultFramer, data: bytes) -> bytes | None:
        found = right(self, data)
        if found is None:
            return None
        line, lines, rest = change(self, (b"", found, b""))
        return None if rest is None else bytes(line) + lines


def change_output(change: Callable[[ResultFramer, bytes], bytes]) -> None:
    """Change the output of calculators before it is looked at."""

    @around(ResultFramer, "feed")
    def feed(right: Callable[..., Piece], self: ResultFramer, data: bytes) -> Piece:
        return right(self, change(self, data))

    @around(ResultFramer, "whole")
    def whole(right: Callable[..., bytes | None], self: ResultFramer, data: bytes) -> bytes | None:
        return right(self, change(self, data))


Render = Callable[[bytes, bytes], bytes]
"""Puts a prefix in front of each of some lines."""


def change_rendering(change: Callable[[Render, bytes, bytes], bytes]) -> None:
    """Change how a prefix is put in front of lines; the change is given what does it right."""
    for module in (printing, dispatching):
        put(module, "render", functools.partial(change, render))


def change_eot_lines(change: Callable[[Attempt, bytes], bytes]) -> None:
    """Change what is printed at the end of an attempt with -e, with its prefix."""
    do_without_fast_path()

    @around(Printer, "write")
    def write(right: Callable[..., None], self: Printer, attempt: Attempt, data: bytes) -> None:
        is_eot_line = self._eot_line and data == attempt.prefix + self._eot_line
        right(self, attempt, change(attempt, data) if is_eot_line else data)


def change_commands(change: Callable[[Engine, Event, list[Command]], list[Command]]) -> None:
    """Change what follows from events."""

    @around(Engine, "handle")
    def handle(right: Callable[..., list[Command]], self: Engine, event: Event) -> list[Command]:
        return change(self, event, right(self, event))


Exchanged = tuple[bytes, bytes]
"""The fast path's answer to a result: octets for standard output, and for the calculator."""

Exchange = Callable[[bytes], Exchanged | None]
"""The fast path, for the output of one node."""


def change_exchange(
    change: Callable[[Exchange, Dispatcher, Node, bytes], Exchanged | None],
) -> None:
    """Change the fast path, at nodes that hold a task; the change is given what does it right."""

    @around(Dispatcher, "exchange")
    def exchange(
        right: Callable[..., Exchanged | None], self: Dispatcher, index: int, data: bytes
    ) -> Exchanged | None:
        node = self._nodes[index]
        exchange = functools.partial(right, self, index)
        return change(exchange, self, node, data) if node.attempts else exchange(data)


def change_sent(change: Callable[[int, bytes], bytes]) -> None:
    """Change what is sent to a node, whose index is given."""

    def change_all(_engine: Engine, _event: Event, commands: list[Command]) -> list[Command]:
        for command in commands:
            if isinstance(command, Send):
                command.data = change(command.node, command.data)
        return commands

    change_commands(change_all)

    @change_exchange
    def exchange(right: Exchange, _self: Dispatcher, node: Node, data: bytes) -> Exchanged | None:
        found = right(data)
        return found and (found[0], change(node.index, found[1]))
