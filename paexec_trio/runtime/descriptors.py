"""The process's own descriptors: the three standard ones, and how many there may be."""

from __future__ import annotations

import resource

_PER_NODE = 3  # its standard input, its standard output, its pidfd
_SPARE = 64  # our own streams, trio's, and two for each end of a pipe while a process starts


def make_room_for(nodes: int) -> None:
    """Raise the limit on open descriptors if that many nodes need more, as far as allowed.

    Only then: calculators inherit the limit, and old programs misbehave under a high one.
    """
    needed = _PER_NODE * nodes + _SPARE
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < needed:
        wanted = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        if wanted > soft:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
