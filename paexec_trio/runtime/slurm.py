"""Slurm: the nodes of the allocation that a program runs in."""

from __future__ import annotations

from paexec_trio.core.nodenames import NodeWordError
from paexec_trio.runtime.diagnostics import reason_of


def nodes_of_allocation(nodelist: bytes) -> tuple[bytes, ...]:
    """Return the names in a list such as ``n[1-4,7]``, as Slurm itself expands it (HST-052).

    Args:
        nodelist: the value of ``SLURM_JOB_NODELIST``.

    Raises:
        NodeWordError: Slurm cannot be asked, or it knows no node.
    """
    import subprocess  # takes long to load

    words = [b"scontrol", b"show", b"hostnames", nodelist]
    try:
        asked = subprocess.run(words, stdout=subprocess.PIPE, check=False)
    except OSError as error:
        raise NodeWordError(b"cannot run scontrol: %b", reason_of(error)) from None
    names = tuple(asked.stdout.split())
    if asked.returncode or not names:
        raise NodeWordError(b"scontrol cannot expand '%b'", nodelist)
    return names
