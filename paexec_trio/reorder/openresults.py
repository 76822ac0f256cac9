"""Results that wait for their ends in a temporary file, any number of them.

All that has to be in memory is one number for each of many lists. What is known of a task, its id
included, is in the file only: a record for each time that lines of it were moved there. A record
names the one before it in the same list, and the id's hash tells the list.
"""

from __future__ import annotations

import os
import struct
from array import array
from typing import TYPE_CHECKING, NamedTuple, final

from paexec_trio.core.visible import diagnostic
from paexec_trio.reorder.batches import batches
from paexec_trio.runtime.spillfile import SpillError, open_temporary, spill_error

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_LISTS = 1 << 20
"""Number of lists: with a million records each has four."""

_NONE = -1

_HEADER = struct.Struct("=?qqqqq")
"""Whether the record is still waited for, where the one before it in its list is, the hash of the
id, and the lengths of the id, of the end and of the octets, which follow."""

_BATCH = 1 << 20
"""Octets that are written at a time, about."""

_CHUNK = 1 << 18
"""Octets that are read at a time."""

_MUCH = 1 << 26
"""Octets of results that were printed which are left in the file, at least."""


class _Record(NamedTuple):
    """The header of a record.

    Attributes:
        place: where it begins.
        previous: where the previous record of the list begins.
        hashed: the hash of the id.
        task_size: octets of the id.
        end_size: octets of the end.
        size: octets of the lines.
    """

    place: int
    previous: int
    hashed: int
    task_size: int
    end_size: int
    size: int

    @property
    def task(self) -> int:
        """Where the id is."""
        return self.place + _HEADER.size

    @property
    def end(self) -> int:
        """Where the remembered end is."""
        return self.task + self.task_size

    @property
    def octets(self) -> int:
        """Where the lines are."""
        return self.end + self.end_size

    @property
    def after(self) -> int:
        """Where the next record begins."""
        return self.octets + self.size


@final
class OpenResults:
    """Keeps what was printed of tasks whose results are open.

    Args:
        directory: where the file is.

    Raises:
        SpillError: by each method, if the file fails.
    """

    def __init__(self, directory: bytes) -> None:
        self._directory = directory
        self._file = open_temporary(directory)
        self._lists = array("q", [_NONE]) * _LISTS
        self._end = 0
        self._unwanted = 0
        self.count = 0
        """Number of records."""

    def close(self) -> None:
        """Delete the file."""
        self._file.close()

    def add(self, results: Iterable[tuple[bytes, bytes, list[bytes]]]) -> None:
        """Add octets of tasks.

        Args:
            results: for each task its id, what is to be remembered of its end, and its octets.
        """
        if self._unwanted > max(_MUCH, self._end // 2):
            self._compact()
        place = self._end
        for batch in batches(self._written(results), _BATCH):
            self._write(batch, place)
            place += len(batch)

    def _written(self, results: Iterable[tuple[bytes, bytes, list[bytes]]]) -> Iterator[bytes]:
        """Yield new records, as they are in the file; from then on they are in their lists."""
        for task, end, pieces in results:
            hashed = hash(task)
            place = hashed % _LISTS
            size = sum(map(len, pieces))
            header = _HEADER.pack(
                True,
                self._lists[place],
                hashed,
                len(task),
                len(end),
                size,
            )
            self._lists[place] = self._end
            self._end += len(header) + len(task) + len(end) + size
            self.count += 1
            yield b"".join((header, task, end))
            yield from pieces

    def take(self, task: bytes) -> tuple[Iterator[bytes], Iterator[bytes]]:
        """Forget a task.

        Returns:
            The ends that were to be remembered of it, the newest first, and its octets; nothing if
            it is not there. The ends have to be taken before the octets, and all before anything is
            added.
        """
        hashed = hash(task)
        found: list[_Record] = []
        next_in_list = _NONE  # of the records that stay
        place = self._lists[hashed % _LISTS]
        while place != _NONE:
            record = self._record(place)
            if record.hashed == hashed and self._read(record.task, record.task_size) == task:
                found.append(record)
                self._write(b"\0", place)
                if next_in_list == _NONE:
                    self._lists[hashed % _LISTS] = record.previous
                else:
                    self._write(struct.pack("=q", record.previous), next_in_list + 1)
            else:
                next_in_list = place
            place = record.previous
        self.count -= len(found)
        self._unwanted += sum(record.after - record.place for record in found)
        ends = (self._read(record.end, record.end_size) for record in found)
        return ends, self._octets_of(found[::-1])

    def tasks(self) -> Iterator[bytes]:
        """Yield the id of each record, the oldest first."""
        for record in self._wanted():
            yield self._read(record.task, record.task_size)

    def _wanted(self) -> Iterator[_Record]:
        place = 0
        while place < self._end:
            header = self._read(place, _HEADER.size)
            record = _Record(place, *_HEADER.unpack(header)[1:])
            if header[0]:
                yield record
            place = record.after

    def _compact(self) -> None:
        """Copy what is still waited for to a new file."""
        other = OpenResults(self._directory)
        other.add(
            (
                self._read(record.task, record.task_size),
                self._read(record.end, record.end_size),
                list(self._octets_of([record])),
            )
            for record in self._wanted()
        )
        self._file.close()
        self._file, self._lists, self._end = other._file, other._lists, other._end
        self._unwanted = 0

    def _octets_of(self, records: list[_Record]) -> Iterator[bytes]:
        for record in records:
            for place in range(record.octets, record.after, _CHUNK):
                yield self._read(place, min(_CHUNK, record.after - place))
        if not self.count:
            self._begin_anew()

    def _begin_anew(self) -> None:
        """Use the file from its beginning: nobody waits for anything in it."""
        self._end = self._unwanted = 0
        try:
            os.ftruncate(self._file.fileno(), 0)
        except OSError:
            return  # it is written over

    def _record(self, place: int) -> _Record:
        return _Record(place, *_HEADER.unpack(self._read(place, _HEADER.size))[1:])

    def _read(self, place: int, size: int) -> bytes:
        try:
            data = os.pread(self._file.fileno(), size, place)
        except OSError as error:
            raise spill_error(self._directory, error) from None
        if len(data) < size:
            raise SpillError(
                diagnostic(b"temporary file in '%b': it became shorter", self._directory)
            )
        return data

    def _write(self, data: bytes, place: int) -> None:
        rest = memoryview(data)
        try:
            while rest:
                written = os.pwrite(self._file.fileno(), rest, place)
                rest = rest[written:]
                place += written
        except OSError as error:
            raise spill_error(self._directory, error) from None
