"""Faults in what a call means: options, variables, nodes, transports."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from conformance.selftest.zoo.mutant import around, breaks, instead, put
from paexec_trio.cli import invocation
from paexec_trio.cli.errors import UsageError
from paexec_trio.core.settings import GraphSettings, Resistance

Options = Sequence[tuple[str, bytes]]
Variables = Mapping[bytes, bytes]
Words = Mapping[bytes, bytes]


def change_options(change: Callable[[Options], Options]) -> None:
    """Change the options of a call, which are pairs of name and value in their order."""

    @instead(invocation, "understand")
    def understand(
        right: Callable[..., object], program: str, options: Options, *rest: object
    ) -> object:
        return right(program, change(options), *rest)


def change_variables(change: Callable[[Variables], Variables]) -> None:
    """Change the environment variables that mean something for a call."""

    @instead(invocation, "understand")
    def understand(right: Callable[..., object], *arguments: object) -> object:
        *others, environment = arguments
        return right(*others, change(environment))  # type: ignore[arg-type]


def without(*names: bytes) -> Callable[[Variables], Variables]:
    """Return what removes these variables."""
    return lambda variables: {k: v for k, v in variables.items() if k not in names}


@breaks("OPT-020")
def exits_with_status_2_after_a_usage_error() -> None:
    @around(UsageError, "__init__")
    def init(right: Callable[..., None], self: UsageError, *arguments: object, **_: object) -> None:
        right(self, *arguments)
        self.status = 2


@breaks("OPT-026")
def has_a_calculator_by_default() -> None:
    change_options(lambda options: [("-c", b"cat"), *options])


@breaks("OPT-028")
def has_a_program_where_none_is_given() -> None:
    @instead(invocation, "_calculator")
    def calculator(
        right: Callable[..., object], options: Options, free: object, program: bytes
    ) -> object:
        return right(options, free or ([b"cat"] if "-C" in dict(options) else []), program)


@breaks("EOT-003")
def has_another_eot_by_default() -> None:
    change_variables(lambda variables: {b"PAEXEC_EOT": b".", **variables})


@breaks("EOT-013")
def drops_newlines_from_the_eot() -> None:
    @instead(invocation, "_message_words")
    def words(right: Callable[..., Words], options: Options) -> Words:
        return {key: text.replace(b"\n", b"") for key, text in right(options).items()}


@breaks("LCH-004")
def cuts_long_commands() -> None:
    right = invocation._command_line  # noqa: SLF001
    put(invocation, "_command_line", lambda words: right(words)[:4095])


@breaks("LCH-027")
def closes_open_quotes() -> None:
    @instead(invocation, "_transport_words")
    def words(right: Callable[..., object], value: bytes) -> object:
        try:
            return right(value)
        except UsageError:
            return right(value.replace(b"'", b"").replace(b'"', b"").replace(b"\\", b""))


@breaks("NOD-007")
def overlooks_the_variable_for_nodes() -> None:
    change_variables(without(b"PAEXEC_NODES"))


def change_resistance(
    change: Callable[[Mapping[str, bytes], Resistance | None], Resistance | None],
) -> None:
    """Change what the options about the death of nodes mean."""

    @instead(invocation, "_resistance")
    def resistance(
        right: Callable[..., Resistance | None], values: Mapping[str, bytes], words: Words
    ) -> Resistance | None:
        return change(values, right(values, words))


@breaks("RST-021")
def always_waits_for_restarts() -> None:
    change_resistance(
        lambda _, right: replace(right, wait=bool(right.restart_seconds)) if right else None
    )


def change_graph(**fields: object) -> None:
    """Change how a graph is read."""

    @instead(invocation, "_graph_settings")
    def settings(right: Callable[..., GraphSettings | None], *arguments: object) -> object:
        graph = right(*arguments)
        return replace(graph, **fields) if graph else None  # type: ignore[arg-type]


@breaks("GRA-003")
def knows_the_default_delimiter_only() -> None:
    change_graph(delimiter=b" ")


@breaks("GRA-031")
def knows_the_default_status_words_only() -> None:
    change_graph(success=b"success", failure=b"failure")


@breaks("WGT-009")
def knows_the_default_word_for_weights_only() -> None:
    change_graph(weight_word=b"weight:")
