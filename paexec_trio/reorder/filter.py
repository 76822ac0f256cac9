"""Reads files, lets a method reorder their lines, and writes what it yields."""

from __future__ import annotations

import os
import select
from contextlib import closing
from typing import TYPE_CHECKING

from paexec_trio.core.framing import LINE_LIMIT
from paexec_trio.core.visible import diagnostic
from paexec_trio.reorder.batches import batches
from paexec_trio.reorder.blocks import BadLineError, BlockReader, LongLineError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from paexec_trio.reorder.blocks import LineBlock
    from paexec_trio.reorder.methods import Method

STDIN = b"-"
"""Stands for standard input among names of files."""

_CHUNK = 1 << 18
"""Octets that are read at a time; about as many are written at a time."""


class FilterError(Exception):
    """Input or output failed; the octets say how."""

    def __init__(self, message: bytes) -> None:
        super().__init__(message)
        self.message = message


def run(
    files: Sequence[bytes], eot: bytes, method: Method, stdout: int = 1, limit: int = LINE_LIMIT
) -> None:
    """Reorder files, one after the other, onto a descriptor.

    What can be printed is written before more is read (RDR-016).

    Args:
        files: their names (RDR-001).
        eot: the text of EOT lines.
        method: says what is printed when.
        stdout: where to.
        limit: how many octets the text of a line may have.

    Raises:
        FilterError: a file cannot be read or has a bad line, or writing failed.
        BrokenPipeError: nobody reads what is written.
    """
    with closing(method):
        for name in files:
            for blocks in _blocks(name, eot, limit):
                _write(stdout, method.take(blocks))
        _write(stdout, method.end())


def _blocks(name: bytes, eot: bytes, limit: int) -> Iterator[list[LineBlock]]:
    """Yield the blocks of a file as they come; after those before a bad line comes an error."""
    reader = BlockReader(eot, limit)
    try:
        for chunk in _chunks(name):
            yield reader.read(chunk)
            reader.check()
        yield reader.end()
        reader.check()
    except BadLineError as error:
        raise _bad_line(name, error) from None
    except LongLineError as error:
        text = b"%b, line %d: longer than %d octets (--line-limit)"
        raise FilterError(text % (_shown(name), error.number, limit)) from None


def _chunks(name: bytes) -> Iterator[bytes]:
    """Yield what is in a file, as it comes."""
    fd = 0
    try:
        if name != STDIN:
            fd = os.open(name, os.O_RDONLY | os.O_CLOEXEC)
        while chunk := _read(fd):
            yield chunk
    except OSError as error:
        raise FilterError(b"cannot read %b: " % _shown(name) + _reason(error)) from None
    finally:
        if fd:
            os.close(fd)


def _read(fd: int) -> bytes:
    while True:
        try:
            return os.read(fd, _CHUNK)
        except BlockingIOError:  # set by a program that shares it
            _wait(fd, select.POLLIN)


def _write(fd: int, pieces: Iterable[bytes]) -> None:
    """Write pieces, many small ones at once."""
    for batch in batches(pieces, _CHUNK):
        _write_all(fd, batch)


def _write_all(fd: int, octets: bytes) -> None:
    rest = memoryview(octets)
    while rest:
        try:
            rest = rest[os.write(fd, rest) :]
        except BlockingIOError:
            _wait(fd, select.POLLOUT)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise FilterError(b"cannot write to standard output: %b" % _reason(error)) from None


def _wait(fd: int, event: int) -> None:
    poll = select.poll()
    poll.register(fd, event)
    poll.poll()


def _reason(error: OSError) -> bytes:
    return os.fsencode(error.strerror or str(error))


def _shown(name: bytes) -> bytes:
    return b"standard input" if name == STDIN else diagnostic(b"'%b'", name)


def _bad_line(name: bytes, error: BadLineError) -> FilterError:
    """Name the line, in upstream's words where it has some (RDR-041, RDR-042)."""
    return FilterError(
        b"bad input, did you run paexec -le? %b" % _shown(name)
        + diagnostic(b", line %d: '%b'", error.number, error.line)
    )
