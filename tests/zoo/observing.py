"""Faults in what is told of runs while they go on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from paexec_trio.core.facts import AttemptBegan, AttemptFailed, Fact, FactStream, Fate, LifeBegan
from paexec_trio.core.nodes import Node
from paexec_trio.core.witness import Witness
from tests.simulation.violations import Kind
from tests.zoo.mutant import shows_as
from tests.zoo.planting import around

# The stream of facts


def change_facts(change: Callable[[Any], Fact | None]) -> None:
    """Change each fact; those that become ``None`` are left out."""

    @around(FactStream, "tell")
    def tell(right: Callable[..., None], self: FactStream, fact: Fact) -> None:
        changed = change(fact)
        if changed is not None:
            right(self, changed)


@shows_as(Kind.FACTS)
def does_not_tell_of_attempts_that_follow_at_once() -> None:
    @around(Witness, "_exchange")
    def exchange(right: Callable[..., None], self: Witness, *arguments: Any) -> None:
        tell = self._stream.tell
        self._stream.tell = (  # type: ignore[method-assign]
            lambda fact: None if isinstance(fact, AttemptBegan) else tell(fact)
        )
        right(self, *arguments)
        del self._stream.tell


@shows_as(Kind.FACTS)
def counts_the_attempts_of_all_tasks_as_first_ones() -> None:
    change_facts(lambda fact: fact._replace(attempt=1) if isinstance(fact, AttemptBegan) else fact)


@shows_as(Kind.FACTS)
def tells_of_each_life_of_a_node_as_its_first() -> None:
    change_facts(lambda fact: fact._replace(life=1) if isinstance(fact, LifeBegan) else fact)


@shows_as(Kind.FACTS)
def does_not_tell_of_attempts_that_end_with_the_run() -> None:
    @around(Witness, "_close_attempts")
    def close(_right: object, _self: Witness, _node: Node) -> None:
        pass


@shows_as(Kind.FACTS)
def says_of_tasks_that_have_failed_that_they_are_retried() -> None:
    change_facts(
        lambda fact: fact._replace(fate=Fate.RETRIED) if isinstance(fact, AttemptFailed) else fact
    )
