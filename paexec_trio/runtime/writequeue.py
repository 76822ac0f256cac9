"""Octets that wait to be written to a descriptor."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import final

Octets = bytes | bytearray | memoryview

_JOIN_LIMIT = 1 << 20
"""Up to this many octets, small pieces are joined to be written at once."""


@final
class WriteQueue:
    """A queue of octets; ``size`` is their number."""

    __slots__ = ("_pieces", "size")

    def __init__(self) -> None:
        self._pieces: deque[Octets] = deque()
        self.size = 0

    def append(self, data: bytes | bytearray) -> None:
        """Add octets; a ``bytearray`` belongs to the queue from now on."""
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
            if len(pieces) > 1 and self.size <= _JOIN_LIMIT:
                joined = b"".join(pieces)
                pieces.clear()
                pieces.append(joined)
            piece = pieces[0]
            written = write(piece)
            self.size -= written
            if written == len(piece):
                pieces.popleft()
            else:
                pieces[0] = memoryview(piece)[written:]
