"""Engines: how other systems than ssh start a command on a node (the chapter Hosts of the spec).

To add one, add a line to the table: the words of a command that runs one more word, a command line,
by a shell on the node ``%n``, and passes its standard input and output on. Users add theirs by a
file, which ``PAEXEC_ENGINES`` names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from paexec_trio.core.nodenames import NodeWordError
from paexec_trio.core.words import UnbalancedError, split_words

if TYPE_CHECKING:
    from collections.abc import Mapping

ENGINES: Mapping[str, tuple[str, ...]] = {
    "slurm": (
        "srun",
        "--overlap",  # within the allocation that this program may be a step of
        "--nodes=1",
        "--ntasks=1",
        "--nodelist=%n",
        "--unbuffered",  # otherwise results wait
        "--kill-on-bad-exit=1",
        *("/bin/sh", "-c"),
    ),
    "podman": ("podman", "exec", "-i", "%n", "/bin/sh", "-c"),
    "docker": ("docker", "exec", "-i", "%n", "/bin/sh", "-c"),
    "kubectl": ("kubectl", "exec", "-i", "%n", "--", "/bin/sh", "-c"),
}
"""The words of each engine, as ``--transport-argv`` has them (HST-050)."""

SLURM = b"slurm"
"""The engine whose nodes may be those of an allocation (HST-052)."""


def words_of(name: bytes, others: Mapping[bytes, tuple[bytes, ...]]) -> tuple[bytes, ...]:
    """Return the words of an engine; none if there is no engine of this name.

    Args:
        name: the name.
        others: the engines of the user, which come first.
    """
    if name in others:
        return others[name]
    return tuple(word.encode() for word in ENGINES.get(name.decode(errors="replace"), ()))


def parse_engines(text: bytes) -> dict[bytes, tuple[bytes, ...]]:
    """Return the engines in the text of a file: a name and its words per line (HST-054).

    Raises:
        NodeWordError: a line is bad.
    """
    engines = {}
    for number, line in enumerate(text.split(b"\n"), 1):
        if not line.strip() or line.lstrip().startswith(b"#"):
            continue
        try:
            name, *words = split_words(line.strip())
        except UnbalancedError:
            raise NodeWordError(b"line %d: unbalanced quotes", number) from None
        if b"/" in name or not any(b"%n" in word for word in words):
            raise NodeWordError(
                b"line %d: expected a name without '/' and words with %%n where the node stands",
                number,
            )
        engines[name] = tuple(words)
    return engines
