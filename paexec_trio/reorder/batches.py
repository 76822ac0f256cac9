"""Many small pieces, handled as few greater ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


def batches(pieces: Iterable[bytes], size: int) -> Iterator[bytes]:
    """Join pieces into batches of ``size`` octets or a little more; no piece is cut."""
    batch: list[bytes] = []
    octets = 0
    for piece in pieces:
        batch.append(piece)
        octets += len(piece)
        if octets >= size:
            yield b"".join(batch)
            batch.clear()
            octets = 0
    if batch:
        yield b"".join(batch)
