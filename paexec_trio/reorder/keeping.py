"""Where what is to be printed waits: in memory, or beyond a limit in a temporary file."""

from __future__ import annotations

import heapq
import struct
from operator import itemgetter
from typing import TYPE_CHECKING, final

from paexec_trio.reorder.batches import batches
from paexec_trio.reorder.methods import number
from paexec_trio.runtime.holding import MEMORY_LIMIT, HeldOutput
from paexec_trio.runtime.spillfile import Extent, SpillFile

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_PIECE_COST = 200
"""Octets of memory that a piece takes besides its own, about."""

_RECORD = 1 << 14
"""Octets of a record in the file at most; each part that is merged takes some such of memory."""

_BATCH = 1 << 20
"""Records are joined up to this many octets before they are written to the file."""

_CHUNK = 1 << 15
"""Octets of a part that are read at a time; a multiple of the file's unit of space."""

_HEADER = struct.Struct("=QQ")
"""Begins a record: the lengths of a task id and of the octets, which follow."""

_Record = tuple[tuple[int, bytes], bytes]
"""A task's number, to compare by, and octets of the task."""


@final
class InMemory:
    """Keeps everything in memory."""

    def __init__(self) -> None:
        self._held: dict[bytes, list[bytes]] = {}

    def hold(self, task: bytes, octets: bytes) -> None:
        """Add octets to what is kept of a task."""
        pieces = self._held.get(task)
        if pieces is None:
            self._held[task] = [octets]
        else:
            pieces.append(octets)

    def release(self, task: bytes) -> Iterator[bytes]:
        """Yield what is kept of a task, and forget it."""
        yield from self._held.pop(task, ())

    def discard(self, task: bytes) -> None:
        """Forget what is kept of a task."""
        self._held.pop(task, None)

    def tasks(self) -> Iterable[bytes]:
        """Return the tasks of which something is kept."""
        return self._held.keys()

    def close(self) -> None:
        """Nothing is to be done."""


@final
class InFile:
    """Keeps the longest results in a temporary file if all together exceed a limit (RDR-018).

    Args:
        directory: where the file is.
        memory_limit: octets that may be in memory, about.

    Raises:
        SpillError: by each method, if the file fails.
    """

    def __init__(self, directory: bytes, memory_limit: int = MEMORY_LIMIT) -> None:
        self._output = HeldOutput[bytes](directory, memory_limit)

    def hold(self, task: bytes, octets: bytes) -> None:
        """Add octets to what is kept of a task."""
        self._output.hold(task, octets)

    def release(self, task: bytes) -> Iterator[bytes]:
        """Yield what is kept of a task, and forget it."""
        self._output.release(task)
        while piece := self._output.take():
            yield bytes(piece)

    def discard(self, task: bytes) -> None:
        """Forget what is kept of a task."""
        self._output.discard(task)

    def tasks(self) -> Iterable[bytes]:
        """Return the tasks of which something is kept."""
        return self._output.groups()

    def close(self) -> None:
        """Delete the file."""
        self._output.close()


@final
class ExternalSort:
    """Sorts in memory what does not exceed a limit, and merges such parts from a file (RDR-018).

    Args:
        directory: where the file is.
        memory_limit: octets that may be in memory, about.

    Raises:
        SpillError: by each method, if the file fails.
    """

    def __init__(self, directory: bytes, memory_limit: int = MEMORY_LIMIT) -> None:
        self._directory = directory
        self._memory_limit = memory_limit
        self._cost = 0
        self._recent = InMemory()
        self._file: SpillFile | None = None
        self._parts: list[list[Extent]] = []

    def add(self, task: bytes, octets: bytes) -> None:
        """Add octets, which come after those of the same task."""
        self._recent.hold(task, octets)
        self._cost += len(octets) + _PIECE_COST
        if self._cost > self._memory_limit:
            self._spill()

    def drain(self) -> Iterator[bytes]:
        """Yield all octets, in the numerical order of their tasks."""
        parts = [_records(self._file, part) for part in self._parts] if self._file else []
        parts.append(
            (number(task), octets)
            for task in self._tasks()
            for octets in batches(self._recent.release(task), _RECORD)
        )
        # Stable: of one task, the octets of an earlier part come first.
        for _, octets in heapq.merge(*parts, key=itemgetter(0)):
            yield octets

    def close(self) -> None:
        """Delete the file."""
        if self._file:
            self._file.close()

    def _tasks(self) -> list[bytes]:
        return sorted(self._recent.tasks(), key=number)

    def _spill(self) -> None:
        """Move what is in memory to the file, as a sorted part."""
        if self._file is None:
            self._file = SpillFile(self._directory)
        write = self._file.write
        records = (
            record
            for task in self._tasks()
            for record in _written(task, self._recent.release(task))
        )
        part = [extent for batch in batches(records, _BATCH) for extent in write(batch)]
        self._parts.append(part)
        self._cost = 0


def _written(task: bytes, pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield a task's octets as records of the file."""
    for octets in batches(pieces, _RECORD):
        for start in range(0, len(octets), _RECORD):
            record = octets[start : start + _RECORD]
            yield b"".join((_HEADER.pack(len(task), len(record)), task, record))


def _records(file: SpillFile, part: list[Extent]) -> Iterator[_Record]:
    """Yield what a part holds; its space is given back."""
    unread = b""
    for chunk in _chunks(file, part):
        data = unread + chunk
        start = 0
        while len(data) >= (text := start + _HEADER.size):
            task_length, length = _HEADER.unpack_from(data, start)
            octets = text + task_length
            if len(data) < octets + length:
                break
            start = octets + length
            yield number(data[text:octets]), data[octets:start]
        unread = data[start:]


def _chunks(file: SpillFile, part: list[Extent]) -> Iterator[bytes]:
    for offset, size in part:
        for start in range(0, size, _CHUNK):
            yield file.read(Extent(offset + start, min(_CHUNK, size - start)))
