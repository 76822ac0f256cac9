"""Names of nodes from words that stand for several."""

from __future__ import annotations

from paexec_trio.core.nodewords import expand, split_gaps
from paexec_trio.nursery.texts import Text, octets_of
from paexec_trio.runtime.nodesets import expand_set


def node_names(text: Text) -> tuple[bytes, ...]:
    """Return the names of the nodes that the words of a text stand for.

    The words are those of ``-n``: a name, ``host*4``, ``+2`` for two nodes on this machine,
    ``%node[1-20]`` or ``%@group``, which need the package ClusterShell, and ``[::1]``.

    Args:
        text: words, with blanks or newlines between them.

    Raises:
        TypeError: the text is neither ``str`` nor ``bytes`` nor a path.
        ValueError: a word cannot be understood, or there is none.
    """
    names = expand(split_gaps(octets_of("node_names", text)), expand_set)
    if not names:
        raise ValueError("node_names: there is no node")
    return tuple(names)
