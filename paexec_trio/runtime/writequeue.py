"""Octets that wait to be written to a descriptor."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import final

from paexec_trio.core.rendering import LazyLines

Octets = bytes | bytearray | memoryview

_JOIN_LIMIT = 1 << 20
"""Up to this many octets, small pieces are joined to be written at once."""


@final
class WriteQueue:
    """A queue of octets; ``size`` is their number."""

    __slots__ = ("_pieces", "size")

    def __init__(self) -> None:
        self._pieces: deque[Octets | LazyLines] = deque()
        self.size = 0

    def append(self, data: bytes | bytearray | LazyLines) -> None:
        """Add octets; all but ``bytes`` belong to the queue from now on."""
        self._pieces.append(data)
        self.size += len(data)

    def clear(self) -> None:
        """Drop everything."""
        self._pieces.clear()
        self.size = 0

    def flush(self, write: Callable[[Octets], int]) -> None:
        """Write until the queue is empty.

        Raises:
            OSError: what ``write`` raised, ``BlockingIOError`` if it would block; the octets that
                were not written stay in the queue.
        """
        pieces = self._pieces
        while pieces:
            piece = pieces[0]
            if type(piece) is LazyLines:
                piece = _next_of(piece, pieces)
            elif len(pieces) > 1 and self.size <= _JOIN_LIMIT:
                piece = _joined(pieces)
                pieces.clear()
                pieces.append(piece)
            written = write(piece)
            self.size -= written
            if written == len(piece):
                pieces.popleft()
            else:
                pieces[0] = memoryview(piece)[written:]


def _joined(pieces: deque[Octets | LazyLines]) -> bytes:
    try:
        return b"".join(pieces)  # type: ignore[arg-type]
    except TypeError:  # seldom: the rest of lazy lines is among them
        return b"".join(
            octets
            for piece in pieces
            for octets in (iter(piece.take, b"") if type(piece) is LazyLines else [piece])
        )


def _next_of(lines: LazyLines, pieces: deque[Octets | LazyLines]) -> bytes:
    """Put the next octets of the first piece in front of the queue, and return them."""
    data = lines.take()
    if not lines:
        pieces.popleft()
    pieces.appendleft(data)
    return data
