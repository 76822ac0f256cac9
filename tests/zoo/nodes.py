"""Faults in what the value of -n means."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Callable
from pathlib import Path

from paexec_trio.cli import hostoptions, invocation, nodelist
from paexec_trio.cli.errors import UsageError
from paexec_trio.cli.nodelist import NodeList
from tests.zoo.invocations import Options, Variables, change_variables, without
from tests.zoo.mutant import breaks
from tests.zoo.planting import instead, put

Names = tuple[bytes, ...]


def change_nodes(change: Callable[[NodeList], NodeList]) -> None:
    """Change the nodes that a value means."""

    @instead(hostoptions, "parse_nodes")
    def parse_nodes(right: Callable[..., NodeList], *arguments: object) -> NodeList:
        return change(right(*arguments))


def change_node_file(change: Callable[[bytes], bytes]) -> None:
    """Change the octets of a file of nodes before they are looked at."""

    def open_changed(path: bytes, _mode: str) -> io.BytesIO:
        return io.BytesIO(change(Path(os.fsdecode(path)).read_bytes()))

    put(nodelist, "open", open_changed)


# A number


@breaks("NOD-001")
def takes_leading_zeros_for_octal() -> None:
    @instead(nodelist, "_count")
    def count(right: Callable[..., Names], value: bytes) -> Names:
        octal = re.fullmatch(rb"\+0[0-7]+", value)
        return right(b"+%d" % int(value[1:], 8) if octal else value)


@breaks("NOD-002")
def runs_counted_nodes_by_the_transport() -> None:
    change_nodes(lambda nodes: nodes._replace(counted=False))


@breaks("NOD-002")
def drops_only_a_transport_that_comes_before_the_count() -> None:
    @instead(invocation, "interpret")
    def interpret(
        right: Callable[..., object], program: str, options: Options, *rest: object
    ) -> object:
        letters = [letter for letter, _ in options]
        if "-n" in letters and "-t" in letters[letters.index("-n") :]:
            change_nodes(lambda nodes: nodes._replace(counted=False))
        return right(program, options, *rest)


@breaks("NOD-008")
def takes_what_the_count_begins_with() -> None:
    @instead(nodelist, "_count")
    def count(right: Callable[..., Names], value: bytes) -> Names:
        number = re.match(rb"\+[0-9]+", value)
        return right(number[0] if number else value)


# A list


@breaks("NOD-003")
def separates_names_by_blanks_only() -> None:
    put(nodelist, "_GAPS_TO_SPACES", bytes(range(256)))


@breaks("NOD-003")
def separates_names_by_commas_too() -> None:
    put(nodelist, "_GAPS_TO_SPACES", bytes.maketrans(b",\t\r\n", b"    "))


@breaks("NOD-003")
def separates_names_by_whatever_is_space_in_c() -> None:
    put(nodelist, "_GAPS_TO_SPACES", bytes.maketrans(b"\v\f\t\r\n", b"     "))


@breaks("NOD-003", "NOD-004")
def has_a_nameless_node_between_two_gaps() -> None:
    put(nodelist, "filter", lambda _condition, names: names)


@breaks("NOD-004")
def refuses_a_gap_before_the_names() -> None:
    @instead(nodelist, "_nodes")
    def nodes(right: Callable[..., NodeList], value: bytes) -> NodeList:
        return right(b"," if value[:1].isspace() else value)


@breaks("NOD-004")
def has_a_nameless_node_after_the_last_gap() -> None:
    @instead(nodelist, "_nodes")
    def nodes(right: Callable[..., NodeList], value: bytes) -> NodeList:
        found = right(value)
        nameless = (b"",) if value[-1:].isspace() else ()
        return found._replace(names=found.names + nameless)


@breaks("NOD-007")
def overlooks_the_variable_for_nodes() -> None:
    change_variables(without(b"PAEXEC_NODES"))


@breaks("NOD-008")
def takes_names_that_begin_with_any_octet() -> None:
    put(nodelist, "_FIRST_OCTETS", bytes(range(256)))


@breaks("NOD-010")
def runs_a_name_once() -> None:
    change_nodes(lambda nodes: nodes._replace(names=tuple(dict.fromkeys(nodes.names))))


# A file


@breaks("NOD-005")
def drops_an_unterminated_last_line_of_a_node_file() -> None:
    change_node_file(lambda text: text[: text.rfind(b"\n") + 1])


@breaks("NOD-005")
def takes_each_word_of_a_node_file_for_a_name() -> None:
    def change(text: bytes) -> bytes:
        lines = [line for line in text.split(b"\n") if not line.lstrip().startswith(b"#")]
        return b"\n".join(b"\n".join(lines).split())

    change_node_file(change)


@breaks("NOD-005", "NOD-006")
def ends_names_in_a_node_file_at_a_comment() -> None:
    change_node_file(lambda text: re.sub(rb"#[^\n]*", b"", text))


@breaks("NOD-006")
def takes_comments_in_a_node_file_for_names() -> None:
    change_node_file(lambda text: text.replace(b"#", b"comment#"))


@breaks("NOD-006")
def knows_comments_at_the_beginning_of_a_line_only() -> None:
    change_node_file(lambda text: re.sub(rb"(?m)^[ \t]+#", b"comment#", text))


@breaks("NOD-006")
def has_a_node_for_a_line_of_blanks() -> None:
    change_node_file(lambda text: re.sub(rb"(?m)^[ \t]+$", b"blank", text))


@breaks("NOD-006")
def keeps_carriage_returns_of_a_node_file() -> None:
    put(nodelist, "_GAPS", b" \t\n")


@breaks("NOD-008")
def ends_well_without_a_node() -> None:
    @instead(nodelist, "_read_file")
    def read_file(right: Callable[..., Names], path: bytes) -> Names:
        try:
            return right(path)
        except UsageError:
            raise
        except Exception:  # noqa: BLE001 (private to what is changed here)
            raise UsageError(b"no nodes", status=0) from None


# Names that are options


SHIELD = b"\1"
"""Stands before a hyphen that is not to be seen."""


def drop_shields() -> None:
    """Remove from names what hid their hyphens."""
    change_nodes(
        lambda nodes: nodes._replace(names=tuple(name.lstrip(SHIELD) for name in nodes.names))
    )


@breaks("NOD-009")
def looks_for_a_hyphen_at_the_first_name_only() -> None:
    @instead(nodelist, "_nodes")
    def nodes(right: Callable[..., NodeList], value: bytes) -> NodeList:
        return right(re.sub(rb"(?<=[^ ] )-", SHIELD + b"-", value))

    drop_shields()


@breaks("NOD-009")
def looks_for_hyphens_in_lists_only() -> None:
    change_node_file(lambda text: re.sub(rb"(?m)^ *-", SHIELD + b"-", text))
    drop_shields()


@breaks("NOD-009")
def looks_for_hyphens_in_the_option_only() -> None:
    def change(variables: Variables) -> Variables:
        return {k: v.replace(b" -", b" " + SHIELD + b"-") for k, v in variables.items()}

    change_variables(change)
    drop_shields()


# Traps


@breaks("NOD-011", "NOD-012", "NOD-013", "NOD-014")
def says_nothing_about_nodes() -> None:
    put(invocation, "of_nodes", lambda *_, **__: ())


@breaks("NOD-015")
def warns_of_each_name_that_is_no_number() -> None:
    put(
        invocation,
        "of_nodes",
        lambda nodes, *_, **__: [name for name in nodes.names if not name.isdigit()],
    )
