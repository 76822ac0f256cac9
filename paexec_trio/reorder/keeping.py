"""Where what is to be printed waits: in memory, or beyond a limit in a temporary file."""

from __future__ import annotations

import heapq
import struct
from collections.abc import Callable
from contextlib import closing
from itertools import chain
from operator import itemgetter
from typing import TYPE_CHECKING, Any, final

from paexec_trio.reorder.batches import batches
from paexec_trio.reorder.methods import number
from paexec_trio.reorder.openresults import OpenResults
from paexec_trio.runtime.holding import MEMORY_LIMIT
from paexec_trio.runtime.spillfile import Extent, SpillFile

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from paexec_trio.reorder.fatal import FatalResults

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

Key = Callable[[bytes], Any]
"""By what tasks are sorted."""

_Record = tuple[tuple[int, bytes], bytes]
"""A task's number, to compare by, and octets of the task."""


@final
class InMemory:
    """Keeps everything in memory."""

    def __init__(self) -> None:
        self._held: dict[bytes, list[bytes]] = {}

    def hold(self, task: bytes, octets: bytes) -> bool:
        """Add octets to what is kept of a task; return whether nothing was kept of it before."""
        pieces = self._held.get(task)
        if pieces is None:
            self._held[task] = [octets]
            return True
        pieces.append(octets)
        return False

    def release(self, task: bytes) -> Sequence[bytes]:
        """Return what is kept of a task, and forget it."""
        return self._held.pop(task, ())

    def in_order(self, key: Key) -> Iterable[bytes]:
        """Return the tasks of which something is kept, in the order of the key."""
        return sorted(self._held, key=key)

    def tasks(self) -> Iterable[bytes]:
        """Return the tasks of which something is kept."""
        return self._held.keys()

    def close(self) -> None:
        """Nothing is to be done."""


@final
class InFile:
    """Keeps results in a temporary file if all together exceed a limit (RDR-018, RDR-060).

    Args:
        directory: where the file is.
        memory_limit: octets that may be in memory, about.
        fatal: what it knows of tasks goes to the file with them.

    Raises:
        SpillError: by each method, if the file fails.
    """

    def __init__(
        self,
        directory: bytes,
        memory_limit: int = MEMORY_LIMIT,
        fatal: FatalResults | None = None,
    ) -> None:
        self._directory = directory
        self._memory_limit = memory_limit
        self._fatal = fatal
        self._cost = 0
        self._recent = InMemory()
        self._file: OpenResults | None = None

    def hold(self, task: bytes, octets: bytes) -> None:
        """Add octets to what is kept of a task."""
        cost = len(octets) + _PIECE_COST
        if self._recent.hold(task, octets):
            cost += _task_cost(task)
        self._cost += cost
        if self._cost > self._memory_limit:
            self._spill()

    def release(self, task: bytes) -> Iterable[bytes]:
        """Return what is kept of a task, and forget it; take all of it before anything is held."""
        recent = self._recent.release(task)
        if recent:
            self._cost -= sum(map(len, recent)) + len(recent) * _PIECE_COST + _task_cost(task)
        if not self._file or not self._file.count:
            return recent
        ends, older = self._file.take(task)
        if self._fatal:
            for end in ends:
                if self._fatal.remember(task, end):
                    break
        return chain(older, recent)

    def in_order(self, key: Key) -> Iterable[bytes]:
        """Return the tasks of which something is kept, in the order of the key; some repeatedly."""
        if not self._file or not self._file.count:
            return self._recent.in_order(key)
        return self._sorted_with_file()

    def _sorted_with_file(self) -> Iterator[bytes]:
        sorter = ExternalSort(self._directory, self._memory_limit)
        with closing(sorter):
            for tasks in (self._file.tasks() if self._file else (), self._recent.tasks()):
                for task in tasks:
                    sorter.add(task, task + b"\n")
            begun = b""
            for octets in sorter.drain():
                *found, begun = (begun + octets).split(b"\n")
                yield from found

    def close(self) -> None:
        """Delete the file."""
        if self._file:
            self._file.close()

    def _spill(self) -> None:
        if self._file is None:
            self._file = OpenResults(self._directory)
        fatal = self._fatal
        self._file.add(
            (task, fatal.take(task) if fatal else b"", list(self._recent.release(task)))
            for task in list(self._recent.tasks())
        )
        self._cost = 0


def _task_cost(task: bytes) -> int:
    """Return what a task takes of the memory besides its octets, about: its id several times."""
    return _PIECE_COST + 4 * len(task)


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
        cost = len(octets) + _PIECE_COST
        if self._recent.hold(task, octets):
            cost += _task_cost(task)
        self._cost += cost
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
