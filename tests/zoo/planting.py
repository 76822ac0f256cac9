"""Ways to change the reference implementation, until :func:`undo` or the end of the process."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from types import ModuleType
from typing import Any

from paexec_trio.core.commands import Command
from paexec_trio.core.engine import Engine
from paexec_trio.core.events import Event
from paexec_trio.core.framing import ResultFramer
from paexec_trio.core.nodes import Attempt
from paexec_trio.core.tasks import FlatTasks

_MISSING = object()

_replaced: list[tuple[object, str, object]] = []
"""What was replaced, in this order: whose, its name, and what it was."""


def put(owner: object, name: str, value: object) -> None:
    """Replace an attribute of a module or of a class."""
    _replaced.append((owner, name, vars(owner).get(name, _MISSING)))
    setattr(owner, name, value)


def undo() -> None:
    """Take back all that was planted by the functions of this module."""
    while _replaced:
        owner, name, value = _replaced.pop()
        if value is _MISSING:
            delattr(owner, name)
        else:
            setattr(owner, name, value)


@contextmanager
def planted(plant: Callable[[], None]) -> Iterator[None]:
    """Plant a fault for the time of a block."""
    try:
        plant()
        yield
    finally:
        undo()


def do_without_exchange() -> None:
    """Let the engine decide each step, or faults of what it uses would seldom show."""
    put(Engine, "_make_exchange", lambda _self: None)


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
"""What a framer makes of some output: a line, further lines, and what follows on the EOT."""


def change_results(change: Callable[[ResultFramer, Piece], Piece]) -> None:
    """Change what is taken from the output of calculators."""

    @around(ResultFramer, "feed")
    def feed(right: Callable[..., Piece], self: ResultFramer, data: bytes) -> Piece:
        return change(self, right(self, data))


def change_output(change: Callable[[ResultFramer, bytes], bytes]) -> None:
    """Change the output of calculators before it is looked at."""

    @around(ResultFramer, "feed")
    def feed(right: Callable[..., Piece], self: ResultFramer, data: bytes) -> Piece:
        return right(self, change(self, data))


def change_commands(change: Callable[[Engine, Event, list[Command]], list[Command]]) -> None:
    """Change what follows from events."""

    @around(Engine, "handle")
    def handle(right: Callable[..., list[Command]], self: Engine, event: Event) -> list[Command]:
        return change(self, event, right(self, event))
