"""The names of nodes."""

from __future__ import annotations

from typing import final

from paexec_trio.core.visible import diagnostic

MAX_NODES = 1 << 22
"""More processes than this a Linux system cannot have; names for them would fill the memory."""


@final
class LocalNode(bytes):
    """The name of a node that runs on this machine, although there may be a transport (HST-003)."""

    __slots__ = ()


LOCAL = LocalNode(b"localhost")
"""The name of each node of a count that stands in a list."""


class NodeWordError(ValueError):
    """A word means no nodes.

    Attributes:
        reason: the octets that say why, in visible form.
    """

    def __init__(self, template: bytes, *foreign: bytes | float) -> None:
        self.reason = diagnostic(template, *foreign)
        super().__init__(self.reason.decode(errors="replace"))
