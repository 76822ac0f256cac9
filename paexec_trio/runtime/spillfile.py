"""A temporary file for octets that have to wait; its space is used again."""

from __future__ import annotations

import os
from bisect import bisect_left
from contextlib import suppress
from typing import IO, NamedTuple, final

from paexec_trio.core.visible import diagnostic
from paexec_trio.runtime.writequeue import Octets

UNIT = 1 << 10
"""The unit of space in octets, so that it is not cut into tiny pieces."""


class SpillError(Exception):
    """The file cannot be made, written or read; the octets say which and why."""

    def __init__(self, reason: bytes) -> None:
        super().__init__(reason)
        self.reason = reason


def spill_error(directory: bytes, error: OSError) -> SpillError:
    """Return what to raise for an error of the system with a temporary file."""
    reason = os.fsencode(error.strerror or str(error))
    return SpillError(diagnostic(b"temporary file in '%b': %b", directory, reason))


def open_temporary(directory: bytes) -> IO[bytes]:
    """Open a file without a name, so that it is gone when it is closed, however that comes.

    Raises:
        SpillError: it cannot be made there.
    """
    try:
        from tempfile import TemporaryFile  # takes some milliseconds, and is rarely needed

        return TemporaryFile(dir=directory, buffering=0)
    except OSError as error:  # also of the import, if no descriptor is left
        raise spill_error(directory, error) from None


class Extent(NamedTuple):
    """A part of the file; ``offset`` is a multiple of ``UNIT``."""

    offset: int
    size: int


def _with_rest_of_unit(extent: Extent) -> Extent:
    return Extent(extent.offset, -(-extent.size // UNIT) * UNIT)


@final
class Space:
    """The free parts of a file. Everything beyond ``end`` is free."""

    def __init__(self) -> None:
        self.end = 0
        self._free: list[Extent] = []  # sorted, no two of them adjacent, none at the end

    def allocate(self, size: int) -> list[Extent]:
        """Take ``size`` octets of space, in as many parts as it needs, lowest first."""
        taken: list[Extent] = []
        used_up = 0
        for free in self._free:
            if size < free.size:
                break
            taken.append(free)
            used_up += 1
            size -= free.size
        if size and used_up < len(self._free):
            offset, room = self._free[used_up]
            part = _with_rest_of_unit(Extent(offset, size))
            taken.append(Extent(offset, size))
            if part.size < room:
                self._free[used_up] = Extent(offset + part.size, room - part.size)
            else:
                used_up += 1
        elif size:
            taken.append(Extent(self.end, size))
            self.end += _with_rest_of_unit(taken[-1]).size
        del self._free[:used_up]
        return taken

    def release(self, extent: Extent) -> None:
        """Give back a part that was taken, or part of it up to or from a multiple of ``UNIT``."""
        offset, size = _with_rest_of_unit(extent)
        place = bisect_left(self._free, extent)
        first, last = place, place
        if place and sum(self._free[place - 1]) == offset:
            first -= 1
            offset = self._free[first].offset
            size += self._free[first].size
        if place < len(self._free) and offset + size == self._free[place].offset:
            size += self._free[place].size
            last += 1
        if offset + size == self.end:
            self.end = offset
            del self._free[first:last]
        else:
            self._free[first:last] = [Extent(offset, size)]


@final
class SpillFile:
    """A file without a name: it is gone when it is closed, even if the program is killed (GRP-034).

    Args:
        directory: where it is.

    Raises:
        SpillError: it cannot be made there.
    """

    def __init__(self, directory: bytes) -> None:
        self._directory = directory
        self._space = Space()
        self._file = open_temporary(directory)

    def write(self, data: Octets) -> list[Extent]:
        """Store octets; return where they are, in order.

        Raises:
            SpillError: there is no room, or worse; nothing is stored.
        """
        extents = self._space.allocate(len(data))
        rest = memoryview(data)
        try:
            for offset, size in extents:
                end = offset + size
                while offset < end:
                    written = os.pwrite(self._file.fileno(), rest[: end - offset], offset)
                    rest = rest[written:]
                    offset += written  # noqa: PLW2901
        except OSError as error:
            for extent in extents:
                self._space.release(extent)
            self._truncate()
            raise spill_error(self._directory, error) from None
        return extents

    def read(self, extent: Extent) -> bytes:
        """Return what is stored there, and use the space again.

        Raises:
            SpillError: it cannot be read; the file is damaged.
        """
        try:
            data = os.pread(self._file.fileno(), extent.size, extent.offset)
        except OSError as error:
            raise spill_error(self._directory, error) from None
        if len(data) < extent.size:
            raise SpillError(
                diagnostic(b"temporary file in '%b': it became shorter", self._directory)
            )
        self.free(extent)
        return data

    def free(self, extent: Extent) -> None:
        """Use the space of these octets again, or give it back to the system."""
        end = self._space.end
        self._space.release(extent)
        if self._space.end < end:
            self._truncate()

    def _truncate(self) -> None:
        with suppress(OSError):  # then the space is still free for us
            os.ftruncate(self._file.fileno(), self._space.end)

    @property
    def size(self) -> int:
        """How large the file is."""
        return self._space.end

    def close(self) -> None:
        """Close the file, which deletes it."""
        self._file.close()
