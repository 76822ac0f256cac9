"""Faults in the weights of tasks."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from paexec_trio.cli import invocation
from paexec_trio.core import graphreader
from paexec_trio.core import tasks as tasks_module
from paexec_trio.core.graphreader import GraphReader
from paexec_trio.core.settings import GraphSettings
from paexec_trio.core.tasks import GraphTasks
from paexec_trio.core.weights import Weighting, maxima_over_dependants, sums_over_dependants
from tests.zoo.graph import change_graph
from tests.zoo.mutant import breaks
from tests.zoo.planting import around, instead, put


def weigh(name: str, change: Callable[[list[int]], list[int]]) -> None:
    """Change what a function that weighs tasks returns."""
    right = getattr(tasks_module, name)
    put(tasks_module, name, lambda *arguments: change(list(right(*arguments))))


@breaks("WGT-001")
def takes_lighter_tasks_first() -> None:
    weigh("own_weights", lambda weights: [-weight for weight in weights])


@breaks("WGT-002")
def ignores_weights() -> None:
    weigh("own_weights", lambda weights: [1] * len(weights))


@breaks("WGT-010")
def knows_positive_weights_only() -> None:
    weigh("own_weights", lambda weights: [max(0, weight) for weight in weights])


@breaks("WGT-004")
def adds_no_weights() -> None:
    put(tasks_module, "sums_over_dependants", maxima_over_dependants)


@breaks("WGT-005")
def adds_weights_instead_of_taking_the_largest() -> None:
    put(tasks_module, "maxima_over_dependants", sums_over_dependants)


@breaks("WGT-009")
def knows_the_default_word_for_weights_only() -> None:
    change_graph(weight_word=b"weight:")


Values = Mapping[str, bytes]
Understand = Callable[[Values, object], GraphSettings | None]


@breaks("WGT-006")
def adds_the_weights_of_dependants_by_default() -> None:
    @instead(invocation, "_graph_settings")
    def settings(right: Understand, values: Values, words: object) -> GraphSettings | None:
        graph = right(values, words)
        if graph and "-W" not in values:
            return graph._replace(weighting=Weighting.SUM_OVER_DEPENDANTS)
        return graph


@breaks("WGT-006")
def takes_the_first_way_of_weighing_for_the_second() -> None:
    @instead(invocation, "_graph_settings")
    def settings(right: Understand, values: Values, words: object) -> GraphSettings | None:
        return right({**values, "-W": b"1"} if values.get("-W") == b"0" else values, words)


@breaks("WGT-007")
def needs_g_beside_the_way_of_weighing() -> None:
    @instead(invocation, "_graph_settings")
    def settings(right: Understand, values: Values, words: object) -> GraphSettings | None:
        return right(values, words) if {"-g", "-s"} & values.keys() else None


@breaks("WGT-011")
def takes_a_weight_that_is_no_number_for_0() -> None:
    @around(GraphReader, "_add_weight")
    def add(right: Callable[..., bytes], self: GraphReader, name: bytes, number: bytes) -> bytes:
        return right(self, name, number if number.removeprefix(b"-").isdigit() else b"0")


@breaks("WGT-011")
def takes_the_digits_that_a_weight_begins_with() -> None:
    @around(GraphReader, "_add_weight")
    def add(right: Callable[..., bytes], self: GraphReader, name: bytes, number: bytes) -> bytes:
        digits = re.match(rb"[-+]?\d+", number)
        return right(self, name, digits[0] if digits else number)


@breaks("WGT-010")
def takes_weights_of_some_digits_only() -> None:
    put(graphreader, "MOST_DIGITS", 100)


@breaks("WGT-020")
def takes_weights_of_any_length() -> None:
    put(graphreader, "MOST_DIGITS", 10**9)


@breaks("WGT-012")
def takes_an_unknown_way_of_weighing_for_none() -> None:
    @instead(invocation, "_graph_settings")
    def settings(right: Understand, values: Values, words: object) -> GraphSettings | None:
        if "-W" in values and values["-W"] not in {b"0", b"1", b"2"}:
            values = {**values, "-W": b"0"}
        return right(values, words)


@breaks("WGT-003")
def takes_the_last_of_equal_weights_first() -> None:
    @around(GraphTasks, "_rank_tasks")
    def rank(right: Callable[..., None], self: GraphTasks) -> None:
        right(self)
        weights = self._weights
        by_weight = sorted(range(1, len(weights)), key=lambda task: (-weights[task], -task))
        self._by_rank = [0, *by_weight]
        self._rank = rank = [0] * len(weights)
        for number, task in enumerate(by_weight, 1):
            rank[task] = number


@breaks("WGT-008")
def does_not_tell_weights() -> None:
    @around(GraphTasks, "describe_weights")
    def describe(_right: object, _self: GraphTasks) -> list[bytes]:
        return []
