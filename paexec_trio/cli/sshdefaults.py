"""Options that ssh is given as a transport, unless the user sets them (SIL-050).

Without them ssh waits for ever on a link that is cut, and two minutes for a host that does not
answer. ``ssh -G`` tells what the user has set, by options or in a file, for each node.
"""

from __future__ import annotations

import math
import subprocess
from contextlib import suppress
from typing import TYPE_CHECKING

from paexec_trio.core.silence import MISSED

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from paexec_trio.core.launch import Launch

INTERVAL = 5.0
"""The seconds between two keepalives, if there is no heartbeat that says so."""

_AT_ONCE = 16
"""How many nodes are asked about at the same time."""

_PATIENCE = 2.0
"""Seconds until an answer is not waited for: a command in the user's configuration may hang."""

_UNSET = {
    b"serveraliveinterval": {b"0"},
    b"connecttimeout": {b"none", b"0"},
}
"""The values that ``ssh -G`` shows of options that nobody has set."""


_OF_DEBIAN = b"300"
"""The interval of Debian's ssh with ``BatchMode``, if nobody has set another one."""


def node_words(
    launch: Launch, nodes: Sequence[bytes], heartbeat: float
) -> Mapping[bytes, tuple[bytes, ...]]:
    """Return the words that ssh is given for each node, besides those of the user.

    Args:
        launch: has the words of the transport; the first is the program.
        nodes: the names of the nodes.
        heartbeat: the seconds between two beats; 0: there are none.
    """
    names = sorted({node for node in nodes if not launch.is_local(node)})
    interval = max(1, math.ceil(heartbeat or INTERVAL))
    words: dict[bytes, tuple[bytes, ...]] = {}
    for start in range(0, len(names), _AT_ONCE):
        some = names[start : start + _AT_ONCE]
        for name, shown in zip(some, _ask(launch, some), strict=True):
            words[name] = tuple(_missing(shown, interval))
    return words


def _missing(shown: Mapping[bytes, bytes], interval: int) -> Iterator[bytes]:
    """Yield the options that the user has not set.

    Args:
        shown: what ``ssh -G`` shows, by the names of the options.
        interval: the seconds between two keepalives.
    """
    if _is_unset(shown, b"serveraliveinterval"):
        yield from (b"-o", b"ServerAliveInterval=%d" % interval)
        yield from (b"-o", b"ServerAliveCountMax=%d" % MISSED)
    if _is_unset(shown, b"connecttimeout"):
        yield from (b"-o", b"ConnectTimeout=%d" % (MISSED * interval))


def _is_unset(shown: Mapping[bytes, bytes], name: bytes) -> bool:
    value = shown.get(name)
    if name == b"serveraliveinterval" and shown.get(b"batchmode") == b"yes" and value == _OF_DEBIAN:
        return True
    # A program that does not answer may be another ssh, or a script that takes no options.
    return value is not None and value in _UNSET[name]


def _ask(launch: Launch, nodes: Sequence[bytes]) -> list[dict[bytes, bytes]]:
    """Return what ``ssh -G`` shows for each of some nodes; nothing if it fails."""
    asked: list[subprocess.Popen[bytes]] = []
    with suppress(OSError):  # the run tells why ssh cannot be started
        asked.extend(_start(_question(launch, node)) for node in nodes)
    answers = [_answer(process) for process in asked]
    return answers + [{} for _ in range(len(nodes) - len(answers))]


def _question(launch: Launch, node: bytes) -> list[bytes]:
    """Return the words by which ssh shows its options for a node."""
    program, *words = launch.transport
    if launch.fills_in:
        return [program, b"-G", *[word.replace(b"%n", node) for word in words]]
    return [program, b"-G", *words, node]


def _start(words: list[bytes]) -> subprocess.Popen[bytes]:
    nothing = subprocess.DEVNULL
    return subprocess.Popen(words, stdin=nothing, stdout=subprocess.PIPE, stderr=nothing)


def _answer(process: subprocess.Popen[bytes]) -> dict[bytes, bytes]:
    try:
        output, _ = process.communicate(timeout=_PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return {}
    pairs = (line.partition(b" ") for line in output.splitlines())
    return {name.lower(): value for name, _, value in pairs}
