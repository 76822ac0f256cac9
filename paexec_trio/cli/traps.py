"""Calls that are understood in another way than their users mean (the chapter Options of the spec).

Each of them is valid, and runs as it runs with upstream; but one line says what becomes of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from paexec_trio.core.nodenames import LocalNode
from paexec_trio.core.visible import diagnostic

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from paexec_trio.cli.nodelist import NodeList

_EXPANDED_ELSEWHERE = b",[]{}*?"
"""Octets with which other programs and shells abbreviate lists of names."""

_USUAL = b"{}"
"""Placeholders that xargs users, GNU parallel and ``find -exec`` put where the task goes."""

_TAKES_COMMAND = (b"-exec", b"-ok", b"-I", b"-i", b"--replace")
"""Options of other programs, such as find and xargs, after which ``{}`` is theirs."""

_PATH_OCTETS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./:=-"


def of_nodes(nodes: NodeList, source: bytes, *, transport: bool) -> Iterator[bytes]:
    """Yield what to say about the nodes of a call (NOD-011 to NOD-014), at most one diagnostic.

    Args:
        nodes: the nodes.
        source: the option or the variable that names them.
        transport: whether a transport was asked for; with a count, by an option.
    """
    if nodes.counted:
        if transport:
            yield diagnostic(
                b"-t is ignored: %b +%d means calculators on this machine", source, len(nodes.names)
            )
        return
    if transport and all(isinstance(name, LocalNode) for name in nodes.names):
        yield diagnostic(
            b"the transport is ignored: %b names calculators on this machine only", source
        )
        return
    if transport:
        return  # which sees the names, and says what it thinks of them
    names = nodes.names
    if len(names) == 1 and names[0].isdigit():
        yield diagnostic(
            b"%b: '%b' is the name of one node on this machine; +%b means %b calculators",
            source,
            names[0],
            *[names[0].lstrip(b"0") or b"N"] * 2,
        )
        return
    for name in names:
        if name.translate(None, _EXPANDED_ELSEWHERE) != name:
            yield diagnostic(
                b"%b: '%b' is the name of one node on this machine: names are separated by blanks, "
                b"nothing is expanded, and there is no transport",
                source,
                name,
            )
            return
    named = [name for name in names if not name.isdigit() and name != b"localhost"]
    if len(named) > 1:
        yield diagnostic(
            b"%b: there is no transport: all %d nodes are on this machine, '%b' and '%b' included",
            source,
            len(names),
            *named[:2],
        )


def of_command(
    calculator: bytes | Sequence[bytes], replaced: bytes, option: bytes
) -> Iterator[bytes]:
    """Yield what to say about a command for each task (OPT-061, OPT-062), at most one diagnostic.

    Args:
        calculator: the value of ``-c``, or the free arguments.
        replaced: the value of ``-J``, or nothing.
        option: what the user calls ``-J``.
    """
    if replaced:
        if isinstance(calculator, bytes):
            hidden = _in_single_quotes(calculator, replaced)
            advice = b"between single quotes"
        else:
            hidden = (word for word in calculator if replaced in word and word != replaced)
            advice = b"within a longer argument"
        for word in hidden:
            yield diagnostic(
                b"%b %b: in '%b' it becomes the characters $1, not the task, because it stands %b",
                option,
                replaced,
                word,
                advice,
            )
            return
        return
    words = _plain_words(calculator) if isinstance(calculator, bytes) else calculator
    if any(word.startswith(_TAKES_COMMAND) for word in words):
        return
    for word in words:
        if _USUAL in word and not word.replace(_USUAL, b"").translate(None, _PATH_OCTETS):
            yield diagnostic(
                b"'%b' stays as it is, and the task is added at the end: %b {} is not given",
                word,
                option,
            )
            return


def _in_single_quotes(command: bytes, replaced: bytes) -> Iterator[bytes]:
    """Yield the quoted texts of a command line in which the shell does not expand what it is."""
    if b"'" not in command or replaced not in command:
        return
    from paexec_trio.core.words import quoted_texts

    yield from (text for text in quoted_texts(command) if replaced in text)


def _plain_words(command: bytes) -> Collection[bytes]:
    """Return the words of a command line; none if its quotes are not balanced."""
    if _USUAL not in command:
        return ()
    from paexec_trio.core.words import UnbalancedError, split_words

    try:
        return split_words(command)
    except UnbalancedError:
        return ()
