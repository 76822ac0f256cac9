"""Held output: octets wait in memory or in a temporary file until they are released."""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING, Generic, TypeVar, final

from paexec_trio.core.rendering import LazyLines
from paexec_trio.runtime.chain import Chain
from paexec_trio.runtime.spillfile import Extent, SpillError, SpillFile

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

Name = TypeVar("Name", bound="Hashable")
"""The names of groups."""

MEMORY_LIMIT = 32 << 20
"""Octets that are held in memory, all groups together, before some go to the file (GRP-031)."""

_PIECE_COST = 128
"""Octets of memory that a piece takes besides its own, about."""

_SMALLEST_SPILL = 1 << 10
"""A group that holds less in memory than this stays there: it would not be much less without."""

_BATCH = 1 << 20
"""Pieces are joined up to this many octets before they are written to the file."""

_CHUNK = 1 << 16
"""Octets that are read from the file at a time; a multiple of its unit of space."""

Piece = bytes | bytearray


@final
class _Group:
    """The octets of one group: ``front``, mostly in the file, then ``tail``, in memory."""

    __slots__ = ("cost", "front", "tail")

    def __init__(self) -> None:
        self.front: Chain[Extent | Piece | LazyLines] = Chain()
        self.tail: Chain[Piece | LazyLines] = Chain()
        self.cost = 0
        """The memory that the tail takes."""


@final
class HeldOutput(Generic[Name]):
    """Groups of octets that are held, and released octets that wait to be taken.

    When more than ``memory_limit`` octets are in memory, the largest groups are spilled to a
    temporary file until half of the limit is left. So the file has few parts, and they are large.
    Memory is bounded by one and a half times the limit, plus some hundred octets per group and per
    part. The size of a group is not limited.

    If the file cannot take more, ``SpillError`` is raised once. From then on everything stays in
    memory. No held octet is lost.

    Args:
        directory: where the temporary file is made, if one is needed.
        memory_limit: how many octets may be in memory before some are spilled.
    """

    def __init__(self, directory: bytes, memory_limit: int = MEMORY_LIMIT) -> None:
        self._directory = directory
        self._memory_limit = memory_limit
        self._spill_above: float = memory_limit
        self._cost = 0
        self._file: SpillFile | None = None
        self._is_full = False
        self._is_damaged = False
        self._groups: dict[Name, _Group] = {}
        self._released: deque[_Group] = deque()

    def hold(self, group: Name, data: Piece | LazyLines) -> None:
        """Add octets at the end of a group; all but ``bytes`` belong to it from now on.

        Raises:
            SpillError: the file cannot take more.
        """
        if type(data) is LazyLines and data.kept > _SMALLEST_SPILL:
            self._hold_now(group, data)
            return
        held = self._groups.get(group)
        if held is None:
            held = self._groups[group] = _Group()
        held.tail.append(data)
        cost = _cost(data)
        held.cost += cost
        self._cost += cost
        if self._cost > self._spill_above:
            self._make_room()

    def _hold_now(self, group: Name, data: LazyLines) -> None:
        """Add octets that take memory even if they are held as they are."""
        failure: SpillError | None = None
        while data:
            try:
                self.hold(group, data.take())
            except SpillError as error:
                failure = error
        if failure:
            raise failure

    def join(self, group: Name, other: Name) -> None:
        """Move what the other group holds to the end of this one.

        Raises:
            SpillError: the file cannot take more; the groups are joined all the same.
        """
        moved = self._groups.pop(other, None)
        if moved is None:
            return
        held = self._groups.setdefault(group, moved)
        if held is moved:
            return
        try:
            if moved.front:
                self._spill(held)
        finally:
            held.front.move_from(moved.front)
            held.tail.move_from(moved.tail)
            held.cost += moved.cost

    def release(self, group: Name) -> None:
        """Let the octets of a group be taken, after all that was released before."""
        held = self._groups.pop(group, None)
        if held and not self._is_damaged:
            self._released.append(held)

    def discard(self, group: Name) -> None:
        """Forget what a group holds."""
        held = self._groups.pop(group, None)
        if held:
            self._cost -= held.cost
            while held.front:
                part = held.front.take()
                if self._file and isinstance(part, Extent):
                    self._file.free(part)

    def groups(self) -> Iterable[Name]:
        """Return the groups that hold something and were not released."""
        return self._groups.keys()

    def take(self) -> Piece:
        """Take the next octets of what was released; none if nothing is left of it.

        Raises:
            SpillError: they cannot be read again. Nothing can be taken any more: without them, what
                follows would not be in its place.
        """
        while self._released:
            held = self._released[0]
            if held.front:
                part = held.front.take()
                if type(part) is LazyLines:
                    data = part.take()
                    if part:
                        held.front.put_back(part)
                    return data
                return self._read(held, part) if isinstance(part, Extent) else part
            if held.tail:
                piece = held.tail.take()
                self._cost -= _cost(piece)
                if type(piece) is not LazyLines:
                    return piece
                held.front.append(piece)
                continue
            self._released.popleft()
        return b""

    def close(self) -> None:
        """Delete the file."""
        if self._file:
            self._file.close()

    def _read(self, held: _Group, extent: Extent) -> bytes:
        offset, size = extent
        if size > _CHUNK:
            held.front.put_back(Extent(offset + _CHUNK, size - _CHUNK))
        try:
            return self._open_file().read(Extent(offset, min(size, _CHUNK)))
        except SpillError:
            self._is_damaged = True
            self._released.clear()
            raise

    def _open_file(self) -> SpillFile:
        if self._file is None:
            self._file = SpillFile(self._directory)
        return self._file

    def _make_room(self) -> None:
        for held in sorted(self._groups.values(), key=lambda held: held.cost, reverse=True):
            if self._cost <= self._memory_limit // 2 or held.cost < _SMALLEST_SPILL:
                break
            self._spill(held)
        # If all groups are small, do not look at them again for each octet that comes.
        self._spill_above = max(self._memory_limit, self._cost + self._memory_limit // 2)

    def _spill(self, held: _Group) -> None:
        """Move a group's octets from its tail to its front, by which they come into the file."""
        self._cost -= held.cost
        held.cost = 0
        failure: SpillError | None = None
        while held.tail:
            data = _batch(held.tail)
            if self._is_full or type(data) is LazyLines:  # which takes less memory than an extent
                held.front.append(data)
                continue
            try:
                extents = self._open_file().write(data)
            except SpillError as error:
                failure = error
                self._is_full = True
                self._spill_above = math.inf
                held.front.append(data)
            else:
                for extent in extents:
                    held.front.append(extent)
        if failure:
            raise failure


def _cost(piece: Piece | LazyLines) -> int:
    """Return what a piece takes of the memory, about."""
    return _PIECE_COST + (piece.kept if type(piece) is LazyLines else len(piece))


def _batch(pieces: Chain[Piece | LazyLines]) -> Piece | LazyLines:
    """Take the first pieces, joined as far as none of them is lazy."""
    batch: list[Piece] = []
    size = 0
    while pieces and size < _BATCH:
        piece = pieces.take()
        if type(piece) is LazyLines:
            if not batch:
                return piece
            pieces.put_back(piece)
            break
        batch.append(piece)
        size += len(piece)
    return batch[0] if len(batch) == 1 else b"".join(batch)
