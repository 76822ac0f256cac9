"""Ways to change what a call means that several chapters use."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from paexec_trio.cli import invocation
from paexec_trio.cli.invocation import Invocation
from paexec_trio.cli.syntax import Syntax
from paexec_trio.core.calculators import Calculator
from paexec_trio.core.launch import Launch
from tests.zoo.planting import around, instead

Options = Sequence[tuple[str, bytes]]
Variables = Mapping[bytes, bytes]
Words = Mapping[bytes, bytes]
Split = tuple[list[tuple[str, bytes]], list[bytes]]


def change_split(change: Callable[[Callable[[list[str]], Split], list[str]], Split]) -> None:
    """Change how arguments are split; what is called with them does it right."""

    @around(Syntax, "split")
    def split(right: Callable[..., Split], self: Syntax, arguments: list[str]) -> Split:
        return change(lambda words: right(self, words), arguments)


def change_options(change: Callable[[Options], Options]) -> None:
    """Change the options of a call, which are pairs of name and value in their order."""

    @instead(invocation, "interpret")
    def interpret(
        right: Callable[..., object], program: str, options: Options, *rest: object
    ) -> object:
        return right(program, change(options), *rest)


def change_variables(change: Callable[[Variables], Variables]) -> None:
    """Change the environment variables that mean something for a call."""

    @instead(invocation, "interpret")
    def interpret(right: Callable[..., object], *arguments: Any) -> object:
        *others, environment = arguments
        return right(*others, change(environment))


def without(*names: bytes) -> Callable[[Variables], Variables]:
    """Return what removes these variables."""
    return lambda variables: {k: v for k, v in variables.items() if k not in names}


def change_invocation(change: Callable[[Invocation], Invocation]) -> None:
    """Change what was understood of a call."""

    @instead(invocation, "interpret")
    def interpret(right: Callable[..., Invocation], *arguments: object) -> object:
        return change(right(*arguments))


def change_argv(change: Callable[[Launch, list[bytes], bytes], list[bytes]]) -> None:
    """Change the argument vector that starts the calculator of a node."""

    @around(Launch, "argv")
    def argv(
        right: Callable[..., list[bytes]], self: Launch, node: bytes, *index: int
    ) -> list[bytes]:
        return change(self, right(self, node, *index), node)


def shell_text(launch: Launch) -> bytes:
    """Return the calculator if it is text that the shell runs, otherwise nothing."""
    command = launch.command
    if isinstance(command, Calculator) and isinstance(command.command, bytes):
        return command.command
    return b""
