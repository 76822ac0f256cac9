"""Faults in what hosts are called, and in what they are told."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from paexec_trio.cli import hostoptions, nodelist
from paexec_trio.cli.hostoptions import Transport
from paexec_trio.cli.nodelist import NodeList
from paexec_trio.core import engines, nodewords
from paexec_trio.core.commands import KillNode
from paexec_trio.core.events import DrainRequested, NodesWanted
from paexec_trio.core.fleet import Fleet
from paexec_trio.core.joining import Joining
from paexec_trio.core.launch import Launch
from paexec_trio.core.nodenames import LocalNode, NodeWordError
from paexec_trio.core.nodes import Node
from paexec_trio.core.starting import Starter
from paexec_trio.runtime import hostfile, slurm
from paexec_trio.runtime.hostfile import Hostfile
from tests.simulation.violations import Kind
from tests.zoo.invocations import Options, Variables
from tests.zoo.mutant import breaks, shows_as
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


# Hostfiles that change


def change_wanted(change: Callable[[Joining, Names], Names]) -> None:
    """Change the nodes that are wanted after a change of the hostfile."""

    @around(Joining, "wanted")
    def wanted(right: Callable[..., bool], self: Joining, event: NodesWanted) -> bool:
        return right(self, NodesWanted(tuple(change(self, event.names))))


def _present(joining: Joining) -> list[bytes]:
    drained = joining._starter.drained  # noqa: SLF001
    return [node.name for node in joining._nodes if node.index not in drained]  # noqa: SLF001


@breaks("HST-023")
def never_reads_the_hostfile_again() -> None:
    @around(Hostfile, "has_changed")
    def has_changed(_right: object, _self: Hostfile) -> bool:
        return False


@breaks("HST-023")
def looks_at_the_inode_of_the_hostfile_only() -> None:
    right = hostfile._mark_of  # noqa: SLF001
    put(hostfile, "_mark_of", lambda facts: right(facts)[:2])


@breaks("HST-023")
def adds_each_wanted_name_once() -> None:
    change_wanted(lambda joining, names: [*_present(joining), *({*names} - {*_present(joining)})])


@breaks("HST-023")
def only_adds_nodes() -> None:
    @around(Joining, "wanted")
    def wanted(right: Callable[..., bool], self: Joining, event: NodesWanted) -> bool:
        missing = Counter(event.names) - Counter(_present(self))
        return right(self, NodesWanted((*_present(self), *missing.elements())))


@breaks("HST-023")
def drains_all_nodes_of_a_name() -> None:
    def change(joining: Joining, names: Names) -> Names:
        surplus = Counter(_present(joining)) - Counter(names)
        return [name for name in names if name not in surplus] or [b"another"]

    change_wanted(change)


@breaks("HST-023")
def ends_drained_nodes_at_once() -> None:
    @around(Fleet, "drain")
    def drain(right: Callable[..., bool], self: Fleet, event: DrainRequested) -> bool:
        node = self._nodes[event.node]
        if node.attempts:
            self._commands.append(KillNode(node.index, force=True))
        return right(self, event)


@breaks("HST-023")
def restarts_drained_nodes() -> None:
    @around(Starter, "restart")
    def restart(right: Callable[..., None], self: Starter) -> None:
        self.drained.clear()
        right(self)

    @around(Starter, "arrange_restart")
    def arrange(right: Callable[..., None], self: Starter) -> None:
        drained, self.drained = self.drained, set()
        right(self)
        self.drained = drained


@breaks("HST-025")
def gives_the_index_of_a_drained_node_again() -> None:
    from paexec_trio.runtime.starts import Starts

    @around(Starts, "argv")
    def argv(right: Callable[..., object], self: Starts, index: int) -> object:
        names = self._nodes
        first = names.index(names[index])
        return right(self, first)


@breaks("HST-026")
def drains_all_nodes_if_the_hostfile_is_missing() -> None:
    @around(Hostfile, "read")
    def read(right: Callable[..., Names], self: Hostfile) -> Names:
        try:
            return right(self)
        except NodeWordError:
            if not self.is_regular:
                raise
            return (b"another",)


@breaks("HST-026")
def says_again_and_again_that_the_hostfile_is_bad() -> None:
    @around(Hostfile, "read")
    def read(right: Callable[..., Names], self: Hostfile) -> Names:
        try:
            return right(self)
        except NodeWordError:
            self._mark = b"another"
            raise


@breaks("HST-026")
def gives_a_bad_hostfile_up() -> None:
    bad: list[Hostfile] = []

    @around(Hostfile, "read")
    def read(right: Callable[..., Names], self: Hostfile) -> Names:
        try:
            return right(self)
        except NodeWordError:
            bad.append(self)
            raise

    @around(Hostfile, "has_changed")
    def has_changed(right: Callable[..., bool], self: Hostfile) -> bool:
        return self not in bad and right(self)


@shows_as(Kind.ENDLESS)
@breaks("HST-023")
def starts_no_node_that_joins() -> None:
    @around(Starter, "join")
    def join(_right: object, _self: Starter, _node: Node) -> None:
        pass


@shows_as(Kind.WAITING)
@breaks("HST-023")
def lets_no_node_join_while_a_task_is_done() -> None:
    @around(Joining, "_add")
    def add(right: Callable[..., None], self: Joining, name: bytes) -> None:
        if not self._dispatcher.holding:
            right(self, name)


@shows_as(Kind.ENDLESS, Kind.EXIT)
def does_not_count_nodes_that_join() -> None:
    @around(Joining, "_add")
    def add(right: Callable[..., None], self: Joining, name: bytes) -> None:
        right(self, name)
        self._dispatcher.living -= 1


# Engines


def change_engines(name: str, change: Callable[[list[str]], list[str]]) -> None:
    """Change the words of an engine."""
    words = change([*engines.ENGINES[name]])
    put(engines, "ENGINES", {**engines.ENGINES, name: tuple(words)})


@breaks("HST-050")
def lets_srun_buffer_results() -> None:
    change_engines("slurm", lambda words: [word for word in words if word != "--unbuffered"])


@breaks("HST-050")
def lets_containers_have_no_input() -> None:
    for name in ("podman", "docker"):
        change_engines(name, lambda words: [word for word in words if word != "-i"])


@breaks("HST-050")
def lets_an_engine_execute_the_command_line() -> None:
    change_engines("kubectl", lambda words: words[:-2])


@breaks("HST-050")
def knows_engines_by_the_option_only() -> None:
    def change(options: Options, variables: Variables) -> object:
        found = right(options, variables)
        by_variable = not any(name == "-t" for name, _ in options)
        if found.fills_in and by_variable and b"PAEXEC_TRANSPORT" in variables:
            return Transport((variables[b"PAEXEC_TRANSPORT"],))
        return found

    from paexec_trio.cli import invocation

    right = hostoptions.transport_of
    put(invocation, "transport_of", change)


@breaks("HST-051")
def takes_the_last_part_of_a_path_for_an_engine() -> None:
    @instead(hostoptions, "_transport_words")
    def words(right: Callable[..., tuple[bytes, ...]], value: bytes) -> tuple[bytes, ...]:
        found = right(value)
        last = found[0].rpartition(b"/")[2] if found else b""
        return (last, *found[1:]) if last.decode() in engines.ENGINES else found


@breaks("HST-051")
def takes_the_first_of_several_words_for_an_engine() -> None:
    @instead(hostoptions, "_transport_words")
    def words(right: Callable[..., tuple[bytes, ...]], value: bytes) -> tuple[bytes, ...]:
        found = right(value)
        return found[:1] if found and found[0].decode() in engines.ENGINES else found


@breaks("HST-052")
def prefers_the_allocation_to_the_variable() -> None:
    from paexec_trio.cli import invocation

    def nodes_of(
        values: dict[str, bytes], environment: Variables, option: bytes
    ) -> NodeList | None:
        hidden = b"PAEXEC_NODES" if b"SLURM_JOB_NODELIST" in environment else b""
        return right(values, {k: v for k, v in environment.items() if k != hidden}, option)

    right = hostoptions.nodes_of
    put(invocation, "nodes_of", nodes_of)


@breaks("HST-052")
def uses_the_first_node_of_an_allocation() -> None:
    right = slurm.nodes_of_allocation
    put(slurm, "nodes_of_allocation", lambda nodelist: right(nodelist)[:1])


@breaks("HST-053")
def runs_one_node_without_an_allocation() -> None:
    @instead(slurm, "nodes_of_allocation")
    def nodes(right: Callable[..., Names], nodelist: bytes) -> Names:
        try:
            return right(nodelist)
        except NodeWordError:
            return (b"localhost",)


@breaks("HST-054")
def prefers_engines_of_the_table() -> None:
    right = engines.words_of
    put(engines, "words_of", lambda name, others: right(name, {}) or right(name, others))


@breaks("HST-054")
def takes_every_word_for_an_engine_if_there_is_a_file() -> None:
    right = engines.words_of
    put(
        engines,
        "words_of",
        lambda name, others: right(name, others) or next(iter(others.values()), ()),
    )


@breaks("HST-055")
def leaves_out_bad_engines() -> None:
    @instead(engines, "parse_engines")
    def parse(right: Callable[..., object], text: bytes) -> object:
        try:
            return right(text)
        except NodeWordError:
            return {}
