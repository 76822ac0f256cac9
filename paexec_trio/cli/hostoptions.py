"""The options of the chapter Hosts: their table and their values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from paexec_trio.cli.errors import UsageError, invalid
from paexec_trio.cli.nodelist import NodeList, hostfile_nodes, parse_nodes
from paexec_trio.cli.syntax import Option

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

OPTIONS: tuple[Option, ...] = (
    Option(
        "",
        "file",
        ("take the nodes from FILE, one or several per line",),
        "hostfile",
        details="""\
A line has words as the value of ``-n``: ``host``, ``host*4``, ``+2``, ``%nodeset``. A word that
begins with ``#`` begins a comment. Cannot be given together with ``-n``.
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


def nodes_of(
    values: Mapping[str, bytes], environment: Mapping[bytes, bytes], option: bytes
) -> NodeList:
    """Return the nodes of a call.

    Args:
        values: the values of the options.
        environment: the variables of the environment.
        option: what the user calls ``-n``.

    Raises:
        UsageError: they are not given, given twice, or cannot be understood.
    """
    if "--hostfile" in values:
        if "-n" in values:
            raise UsageError(b"%b and --hostfile cannot be given together", option)
        return hostfile_nodes(values["--hostfile"])
    value = values.get("-n", environment.get(b"PAEXEC_NODES"))
    if value is None:
        raise UsageError(b"%b option is mandatory!", option)
    return parse_nodes(value, option)


def transport_of(
    options: Sequence[tuple[str, bytes]], environment: Mapping[bytes, bytes]
) -> tuple[tuple[bytes, ...], bool]:
    """Return the words of the transport, and whether the node takes the place of ``%n`` in them.

    Args:
        options: the options in their order.
        environment: the variables of the environment.

    Raises:
        UsageError: a value cannot be split into words, or has no ``%n`` (HST-032).
    """
    given = [option for option in options if option[0] in {"-t", "--transport-argv"}]
    name, value = given[-1] if given else ("-t", environment.get(b"PAEXEC_TRANSPORT", b""))
    words = _transport_words(value)
    if name == "-t":
        return words, False
    if not any(b"%n" in word for word in words):
        raise invalid(name, value, b"words with %n where the node stands")
    return words, True


def _transport_words(value: bytes) -> tuple[bytes, ...]:
    if not value.strip():
        return ()  # LCH-026, without loading the splitter
    from paexec_trio.core.words import UnbalancedError, split_words

    try:
        return tuple(split_words(value))
    except UnbalancedError:
        raise UsageError(b"unbalanced quotes in the transport: %b", value) from None
