"""Faults of the companion programs: paargs, and the one that reorders results."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from conformance.selftest.zoo.mutant import around, breaks, instead
from paexec_trio.cli import pareorder
from paexec_trio.reorder.methods import ByEnd
from paexec_trio.reorder.runs import RunReader


def change_call(change: Callable[[pareorder.Call], pareorder.Call]) -> None:
    """Change what a call of the program that reorders results asks for."""

    @instead(pareorder, "parse")
    def parse(right: Callable[..., pareorder.Call], *arguments: object) -> pareorder.Call:
        return change(right(*arguments))


@breaks("RDR-001")
def reorder_reads_its_input_only() -> None:
    change_call(lambda call: call._replace(files=[b"-"]))


@breaks("RDR-002")
def reorder_drops_an_unterminated_last_line() -> None:
    @around(RunReader, "end")
    def end(_right: object, _self: RunReader) -> list[object]:
        return []


@breaks("RDR-003")
def reorder_always_removes_blanks() -> None:
    change_call(lambda call: call._replace(remove_blanks=True))


@breaks("RDR-004")
def reorder_knows_only_the_default_eot() -> None:
    change_call(lambda call: call._replace(eot=b""))


@breaks("RDR-010")
def reorder_always_prints_task_ids() -> None:
    change_call(lambda call: call._replace(keep_ids=True))


@breaks("RDR-011")
def reorder_never_prints_task_ids() -> None:
    change_call(lambda call: call._replace(keep_ids=False))


@breaks("RDR-012")
def reorder_never_removes_blanks() -> None:
    change_call(lambda call: call._replace(remove_blanks=False))


@breaks("RDR-016")
def reorder_prints_everything_at_the_end() -> None:
    kept: list[bytes] = []

    @around(ByEnd, "take")
    def take(right: Callable[..., Iterator[bytes]], self: ByEnd, runs: Iterable[object]) -> object:
        kept.extend(right(self, runs))
        return iter(())

    @around(ByEnd, "end")
    def end(right: Callable[..., Iterator[bytes]], self: ByEnd) -> object:
        return iter([*kept, *right(self)])


@breaks("RDR-017")
def reorder_never_sorts_by_task() -> None:
    change_call(lambda call: call._replace(method=b"m"))
