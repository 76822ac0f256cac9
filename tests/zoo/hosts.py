"""Faults in what hosts are called, and in what they are told."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from paexec_trio.cli import hostoptions, nodelist
from paexec_trio.cli.nodelist import NodeList
from paexec_trio.core import nodewords
from paexec_trio.core.launch import Launch
from paexec_trio.core.nodenames import LocalNode
from paexec_trio.core.nodewords import NodeWordError
from tests.zoo.invocations import Options, Variables
from tests.zoo.mutant import breaks
from tests.zoo.planting import around, instead, put

Names = Sequence[bytes]


def change_words(change: Callable[[Callable[[bytes], Names], bytes], Names]) -> None:
    """Change the names that one word stands for."""

    @instead(nodewords, "_names")
    def names(right: Callable[..., Names], word: bytes, expand_set: object) -> Names:
        return change(lambda other: right(other, expand_set), word)


# Words for several nodes


@breaks("HST-002")
def takes_a_count_for_a_part_of_the_name() -> None:
    change_words(lambda right, word: [word] if b"*" in word else right(word))


@breaks("HST-002")
def takes_the_first_asterisk_for_that_of_the_count() -> None:
    change_words(
        lambda right, word: (
            right(b"*".join([word.split(b"*")[0], word.split(b"*")[-1]]))
            if word.count(b"*") > 1
            else right(word)
        )
    )


@breaks("HST-003")
def runs_local_nodes_by_the_transport() -> None:
    change_words(lambda right, word: [bytes(name) for name in right(word)])


@breaks("HST-003")
def calls_local_nodes_by_what_was_given() -> None:
    change_words(
        lambda right, word: [
            LocalNode(word) if isinstance(name, LocalNode) else name for name in right(word)
        ]
    )


@breaks("HST-003")
def keeps_passed_variables_from_local_nodes() -> None:
    @around(Launch, "environment")
    def environment(
        right: Callable[..., object], self: Launch, inherited: object, *node: object
    ) -> object:
        return inherited if self.transport else right(self, inherited, *node)


@breaks("HST-004")
def keeps_the_brackets_of_addresses() -> None:
    change_words(
        lambda right, word: [word] if b"[" in word and b"%" not in word[:1] else right(word)
    )


@breaks("HST-004")
def loses_the_zone_of_an_address() -> None:
    def change(right: Callable[[bytes], Names], word: bytes) -> Names:
        return [name.partition(b"%")[0] if b":" in name else name for name in right(word)]

    change_words(change)


@breaks("HST-005")
def takes_a_nodeset_for_a_name() -> None:
    change_words(lambda right, word: [word] if word.startswith(b"%") else right(word))


@breaks("HST-006")
def begins_a_list_with_a_name_only() -> None:
    put(nodewords, "begins_list", lambda _word: False)


@breaks("HST-007")
def runs_no_node_for_a_count_of_zero() -> None:
    def change(right: Callable[[bytes], Names], word: bytes) -> Names:
        return () if re.search(rb"[*+]0+\Z", word) else right(word)

    change_words(change)


@breaks("HST-007")
def leaves_out_nodesets_that_mean_nothing() -> None:
    def change(right: Callable[[bytes], Names], word: bytes) -> Names:
        try:
            return right(word)
        except NodeWordError:
            if word.startswith(b"%@"):
                return [b"localhost"]
            raise

    change_words(change)


@breaks("HST-008")
def takes_any_asterisk_for_a_count() -> None:
    change_words(
        lambda right, word: right(word + b"1") if word.endswith(b"*") else right(word),
    )


@breaks("HST-008")
def drops_any_brackets() -> None:
    change_words(lambda right, word: right(word.strip(b"[]") or word))


@breaks("HST-009")
def expands_words_in_files_of_names() -> None:
    @instead(nodelist, "_read_file")
    def read(right: Callable[..., Names], path: bytes) -> Names:
        names = right(path)
        return nodelist._expanded(b"a", names)  # noqa: SLF001


# Hostfiles


def change_hostfile(change: Callable[[bytes], bytes]) -> None:
    """Change the text of a hostfile before it is looked at."""

    @instead(nodewords, "parse_hosts")
    def parse(right: Callable[..., Names], text: bytes, expand_set: object) -> Names:
        return right(change(text), expand_set)


@breaks("HST-020")
def takes_a_hash_within_a_word_for_a_comment() -> None:
    change_hostfile(lambda text: re.sub(rb"#[^\n]*", b"", text))


@breaks("HST-020")
def takes_the_first_word_of_a_line() -> None:
    change_hostfile(lambda text: re.sub(rb"(?m)^(\s*[^\s#]+) .*$", rb"\1", text))


@breaks("HST-021")
def leaves_out_bad_lines() -> None:
    change_hostfile(lambda text: re.sub(rb"(?m)^[,:-].*$", b"", text))


@breaks("HST-021")
def runs_a_local_node_if_the_hostfile_is_empty() -> None:
    change_hostfile(lambda text: text if text.strip() else b"+1")


Nodes = Callable[..., NodeList]


@breaks("HST-022")
def prefers_a_list_to_the_hostfile() -> None:
    @instead(hostoptions, "nodes_of")
    def nodes(right: Nodes, values: dict[str, bytes], *rest: object) -> NodeList:
        hidden = {"--hostfile"} if "-n" in values else set()
        return right({k: v for k, v in values.items() if k not in hidden}, *rest)

    _plant_nodes_of()


@breaks("HST-022")
def prefers_the_variable_to_the_hostfile() -> None:
    @instead(hostoptions, "nodes_of")
    def nodes(
        right: Nodes, values: dict[str, bytes], environment: Variables, option: bytes
    ) -> NodeList:
        hidden = {"--hostfile"} if b"PAEXEC_NODES" in environment else set()
        return right({k: v for k, v in values.items() if k not in hidden}, environment, option)

    _plant_nodes_of()


def _plant_nodes_of() -> None:
    """Let the function count that was planted: the caller has imported the original."""
    from paexec_trio.cli import invocation

    put(invocation, "nodes_of", hostoptions.nodes_of)


# Transports with options


def change_template_argv(change: Callable[[Launch, bytes, list[bytes]], list[bytes]]) -> None:
    """Change the words of a transport with a place for the node."""

    @around(Launch, "argv")
    def argv(
        right: Callable[..., list[bytes]], self: Launch, node: bytes, *index: int
    ) -> list[bytes]:
        words = right(self, node, *index)
        return change(self, node, words) if self.fills_in else words


@breaks("HST-030")
def lets_a_shell_run_a_transport_with_options() -> None:
    change_template_argv(
        lambda _launch, _node, words: [b"sh", b"-c", b" ".join(words[:-1]) + b' "$0"', words[-1]]
    )


@breaks("HST-030")
def adds_the_node_before_the_command_line_too() -> None:
    change_template_argv(lambda _launch, node, words: [*words[:-1], node, words[-1]])


@breaks("HST-031")
def fills_in_the_first_place_only() -> None:
    def change(launch: Launch, node: bytes, words: list[bytes]) -> list[bytes]:
        text = b"\n".join(launch.transport).replace(b"%n", node, 1)
        return [*text.split(b"\n"), words[-1]]

    change_template_argv(change)


@breaks("HST-031")
def takes_two_percent_signs_for_one() -> None:
    change_template_argv(
        lambda _launch, _node, words: [
            *[word.replace(b"%%", b"%") for word in words[:-1]],
            words[-1],
        ]
    )


@breaks("HST-031")
def replaces_whole_words_only() -> None:
    change_template_argv(
        lambda launch, node, words: [
            *[node if word == b"%n" else word for word in launch.transport],
            words[-1],
        ]
    )


def change_transport(change: Callable[[Options], Options]) -> None:
    """Change the options that the transport is found in."""
    from paexec_trio.cli import invocation

    right = hostoptions.transport_of
    put(
        invocation,
        "transport_of",
        lambda options, environment: right(change(options), environment),
    )


@breaks("HST-032")
def adds_a_place_for_the_node() -> None:
    def change(options: Options) -> Options:
        return [
            (name, value + b" %n")
            if name == "--transport-argv" and b"%n" not in value
            else (name, value)
            for name, value in options
        ]

    change_transport(change)


@breaks("HST-033")
def prefers_the_plain_transport() -> None:
    change_transport(lambda options: sorted(options, key=lambda option: option[0] == "-t"))


@breaks("HST-033")
def prefers_the_transport_with_options() -> None:
    change_transport(lambda options: sorted(options, key=lambda option: option[0] != "-t"))


# The node in the environment


def change_told(change: Callable[[Launch, bytes, int], tuple[bytes, int]]) -> None:
    """Change the name and the number that a calculator is told."""

    @around(Launch, "variables_of")
    def variables(right: Callable[..., object], self: Launch, node: bytes, index: int) -> object:
        return right(self, *change(self, node, index))


@breaks("HST-040")
def counts_nodes_from_one() -> None:
    change_told(lambda _launch, node, index: (node, index + 1))


@breaks("HST-040")
def tells_the_name_in_utf_8() -> None:
    change_told(lambda _launch, node, index: (node.decode(errors="replace").encode(), index))


@breaks("HST-040")
def tells_remote_calculators_nothing() -> None:
    @around(Launch, "_command_line")
    def command_line(right: Callable[..., bytes], self: Launch, *node: object) -> bytes:
        return right(self._replace(tells_node=False), *node)


@breaks("HST-040")
def tells_local_calculators_nothing() -> None:
    @around(Launch, "environment")
    def environment(
        right: Callable[..., Iterable[object]], self: Launch, *rest: object
    ) -> Iterable[object]:
        return right(self._replace(tells_node=False), *rest)


@breaks("HST-041")
def counts_restarted_nodes_as_new_ones() -> None:
    started: list[bytes] = []

    def change(_launch: Launch, node: bytes, _index: int) -> tuple[bytes, int]:
        started.append(node)
        return node, len(started) - 1

    change_told(change)
