"""The options of the chapter Hosts: their table and their values."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from paexec_trio.cli.errors import UsageError, invalid
from paexec_trio.cli.nodelist import NodeList, parse_nodes
from paexec_trio.cli.syntax import Option

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

OPTIONS: tuple[Option, ...] = (
    Option(
        "",
        "file",
        (
            "take the nodes from FILE, one or several per line; changes",
            "take effect while the run goes on",
        ),
        "hostfile",
        details="""\
A line has words as the value of ``-n``: ``host``, ``host*4``, ``+2``, ``%nodeset``. A word that
begins with ``#`` begins a comment. When the file is changed or replaced, new nodes are started, and
those that are not in it any more finish their tasks and end. If it cannot be used then, the nodes
stay as they are. Cannot be given together with ``-n``.
""",
    ),
    Option(
        "",
        "words",
        ("the transport, with %n where the name of the node stands",),
        "transport-argv",
        details="""\
For transports that need options after the node: ``--transport-argv 'ssh -F cfg %n --'``. The words
are split as by a shell, but no shell runs, and nothing else in them is replaced. The command line
for the node is added as the last word.
""",
    ),
    Option(
        "",
        "",
        (
            "tell calculators their node: its name in PAEXEC_NODE, and",
            "its number from 0 in PAEXEC_NODEID",
        ),
        "node-env",
        details="With ``-x`` commands find both. A node that is restarted keeps its number.",
    ),
)


class Transport(NamedTuple):
    """The transport of a call.

    Attributes:
        words: its words; none to run calculators on this machine.
        fills_in: whether the name of the node takes the place of each ``%n`` in them.
        is_slurm: whether it was asked for by the name of Slurm.
    """

    words: tuple[bytes, ...]
    fills_in: bool = False
    is_slurm: bool = False


def nodes_of(
    values: Mapping[str, bytes], environment: Mapping[bytes, bytes], option: bytes
) -> NodeList | None:
    """Return the nodes of a call; ``None`` if nothing names them.

    Args:
        values: the values of the options.
        environment: the variables of the environment.
        option: what the user calls ``-n``.

    Raises:
        UsageError: they are given twice, or cannot be understood.
    """
    if "--hostfile" in values:
        if "-n" in values:
            raise UsageError(b"%b and --hostfile cannot be given together", option)
        return _read_hostfile(values["--hostfile"])
    value = values.get("-n", environment.get(b"PAEXEC_NODES"))
    return None if value is None else parse_nodes(value, option)


def allocated_nodes(transport: Transport, environment: Mapping[bytes, bytes]) -> NodeList | None:
    """Return the nodes of the allocation, ``None`` if the transport has none (HST-052).

    Raises:
        UsageError: there is no allocation, or it cannot be expanded.
    """
    if not transport.is_slurm:
        return None
    from paexec_trio.core.nodenames import NodeWordError
    from paexec_trio.runtime.slurm import nodes_of_allocation

    nodelist = environment.get(b"SLURM_JOB_NODELIST")
    if not nodelist:
        raise UsageError(
            b"-t slurm takes the nodes from SLURM_JOB_NODELIST, which is not set: run it within "
            b"salloc or sbatch, or name the nodes"
        )
    try:
        return NodeList(nodes_of_allocation(nodelist), counted=False)
    except NodeWordError as error:
        raise UsageError(
            b"the nodes of SLURM_JOB_NODELIST are not known: " + error.reason
        ) from None


def _read_hostfile(path: bytes) -> NodeList:
    from paexec_trio.core.nodenames import NodeWordError
    from paexec_trio.core.visible import excerpt
    from paexec_trio.runtime.hostfile import Hostfile

    file = Hostfile(path)
    try:
        return NodeList(file.read(), counted=False, hostfile=file)
    except NodeWordError as error:
        option = b"invalid argument for option --hostfile: '%b': " % excerpt(path)
        raise UsageError(option + error.reason) from None


def transport_of(
    options: Sequence[tuple[str, bytes]], environment: Mapping[bytes, bytes]
) -> Transport:
    """Return the transport of a call.

    Args:
        options: the options in their order.
        environment: the variables of the environment.

    Raises:
        UsageError: a value cannot be split into words, or has no ``%n`` (HST-032).
    """
    given = [option for option in options if option[0] in {"-t", "--transport-argv"}]
    name, value = given[-1] if given else ("-t", environment.get(b"PAEXEC_TRANSPORT", b""))
    words = _transport_words(value)
    if name != "-t":
        if not any(b"%n" in word for word in words):
            raise invalid(name, value, b"words with %n where the node stands")
        return Transport(words, fills_in=True)
    if len(words) != 1 or b"/" in words[0]:
        return Transport(words)
    from paexec_trio.core.engines import SLURM, words_of

    found = words_of(words[0], _engines_of_user(environment))
    return Transport(found or words, bool(found), bool(found) and words[0] == SLURM)


def _engines_of_user(environment: Mapping[bytes, bytes]) -> Mapping[bytes, tuple[bytes, ...]]:
    """Return the engines in the file that ``PAEXEC_ENGINES`` names (HST-054)."""
    path = environment.get(b"PAEXEC_ENGINES")
    if not path:
        return {}
    from paexec_trio.core.engines import parse_engines
    from paexec_trio.core.nodenames import NodeWordError
    from paexec_trio.core.visible import excerpt

    problem = b"cannot use the file '%b' of PAEXEC_ENGINES: " % excerpt(path)
    try:
        with open(path, "rb") as file:  # noqa: PTH123 (a path of octets)
            return parse_engines(file.read())
    except OSError as error:
        raise UsageError(problem + os.fsencode(error.strerror or "")) from None
    except NodeWordError as error:
        raise UsageError(problem + error.reason) from None


def _transport_words(value: bytes) -> tuple[bytes, ...]:
    if not value.strip():
        return ()  # LCH-026, without loading the splitter
    from paexec_trio.core.words import UnbalancedError, split_words

    try:
        return tuple(split_words(value))
    except UnbalancedError:
        raise UsageError(b"unbalanced quotes in the transport: %b", value) from None
