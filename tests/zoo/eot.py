"""Faults about the end-of-task marker of a call."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from paexec_trio.cli import invocation
from paexec_trio.core.engine import Engine
from paexec_trio.core.nodes import Attempt
from paexec_trio.core.settings import MAGIC_EOT
from tests.zoo.mutant import around, breaks, instead

Options = Sequence[tuple[str, bytes]]
Words = Mapping[bytes, bytes]


@breaks("EOT-007")
def prefers_the_magic_eot() -> None:
    @instead(invocation, "_message_words")
    def words(right: Callable[..., Words], options: Options) -> Words:
        return right(sorted(options, key=lambda option: option[0] == "-y"))


@breaks("EOT-007")
def prefers_an_eot_that_is_given() -> None:
    @instead(invocation, "_message_words")
    def words(right: Callable[..., Words], options: Options) -> Words:
        return right(sorted(options, key=lambda option: option[0] != "-y"))


@breaks("EOT-011")
def flushes_without_printing_the_eot() -> None:
    @instead(invocation, "understand")
    def understand(
        right: Callable[..., object], program: str, options: Options, *rest: object
    ) -> object:
        return right(program, [option for option in options if option[0] != "-E"], *rest)


@breaks("EOT-011")
def prints_the_eot_once_for_each_option() -> None:
    times = 0

    @instead(invocation, "understand")
    def understand(
        right: Callable[..., object], program: str, options: Options, *rest: object
    ) -> object:
        nonlocal times
        times = len({"-e", "-E"} & dict(options).keys())
        return right(program, options, *rest)

    @around(Engine, "_print")
    def print_(right: Callable[..., None], self: Engine, attempt: Attempt, data: bytes) -> None:
        ends = self._settings.print_eot and data == attempt.prefix + self._settings.eot + b"\n"
        right(self, attempt, data * times if ends else data)


@breaks("EOT-011")
def prints_an_empty_line_for_every_eot() -> None:
    @around(Engine, "_print")
    def print_(right: Callable[..., None], self: Engine, attempt: Attempt, data: bytes) -> None:
        ends = self._settings.print_eot and data == attempt.prefix + self._settings.eot + b"\n"
        right(self, attempt, attempt.prefix + b"\n" if ends else data)


@breaks("EOT-011")
def prints_no_eot_after_an_empty_result() -> None:
    printed: set[int] = set()

    @around(Engine, "_print")
    def print_(right: Callable[..., None], self: Engine, attempt: Attempt, data: bytes) -> None:
        ends = self._settings.print_eot and data == attempt.prefix + self._settings.eot + b"\n"
        if not ends or attempt.task_id in printed:
            right(self, attempt, data)
        printed.add(attempt.task_id)


@breaks("EOT-020", "EXE-057")
def tells_commands_its_eot() -> None:
    @instead(invocation, "_passed_variables")
    def passed(right: Callable[..., Words], environment: Words) -> Words:
        return {**right(environment), b"PAEXEC_EOT": MAGIC_EOT}
