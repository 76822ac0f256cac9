"""Nodesets, which the library ClusterShell understands; loaded only if there is one."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from paexec_trio.core.nodenames import MAX_NODES, NodeWordError

if TYPE_CHECKING:
    from collections.abc import Sequence

_RANGE = re.compile(rb"([0-9]+)-([0-9]+)")

_DIGITS = 18
"""Digits of a number in a name; ``int`` refuses very long ones."""


def expand_set(text: bytes) -> Sequence[bytes]:
    """Return the names in a nodeset such as ``node[1-20,22-30]`` or ``@group`` (HST-005).

    Args:
        text: the nodeset, without the ``%`` in front.

    Raises:
        NodeWordError: it cannot be understood, it is too large, or ClusterShell is missing.
    """
    word = b"%" + text
    try:
        from ClusterShell.NodeSet import NodeSet, NodeSetException
        from ClusterShell.NodeUtils import (
            GroupResolverError,
            GroupResolverSourceError,
            GroupSourceError,
        )
    except ImportError:
        raise NodeWordError(
            b"'%b' is a nodeset, which needs the Python package ClusterShell: "
            b"pip install 'paexec-trio[nodesets]'",
            word,
        ) from None
    for first, last in _RANGE.findall(text):
        # The library would make a set of all these numbers first.
        if len(last) > _DIGITS or len(first) > _DIGITS or int(last) - int(first) >= MAX_NODES:
            raise NodeWordError(b"'%b' means more than %d nodes", word, MAX_NODES)
    try:
        nodes = NodeSet(os.fsdecode(text))
        if len(nodes) > MAX_NODES:
            raise NodeWordError(b"'%b' means more than %d nodes", word, MAX_NODES)
        return [os.fsencode(name) for name in nodes]
    except GroupResolverSourceError as error:  # its text is the name only
        source = os.fsencode(str(error))
        raise NodeWordError(b"'%b': unknown source of groups '%b'", word, source) from None
    except (NodeSetException, GroupResolverError, GroupSourceError) as error:
        raise NodeWordError(b"'%b': %b", word, os.fsencode(str(error))) from None
