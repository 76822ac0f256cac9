"""Writers that never block and change nothing about the descriptor that others share."""

from __future__ import annotations

import fcntl
import os
import select
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from paexec_trio.runtime.nonblocking import NonblockingWriter


@pytest.fixture(params=["own descriptor", "cautious"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways of writing to a pipe; the cautious one is for systems without ``/proc``."""
    if request.param == "cautious":

        def no_proc(*_: object) -> int:
            raise FileNotFoundError

        monkeypatch.setattr(os, "open", no_proc)
    return str(request.param)


@pytest.fixture
def pipe(way: str) -> Iterator[tuple[int, int]]:
    """A pipe to which both ways of writing apply."""
    del way
    reader, writer = os.pipe()
    yield reader, writer
    for fd in (reader, writer):
        with suppress(OSError):
            os.close(fd)


Pipe = tuple[int, int]


def is_nonblocking(fd: int) -> bool:
    return bool(fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_NONBLOCK)


def fill(writer: NonblockingWriter) -> int:
    """Write until nothing goes any more; return how much went."""
    total = 0
    with suppress(BlockingIOError):
        while total < 1 << 30:
            total += writer.write(b"x" * 65536)
    assert total < 1 << 30, "it never blocks"
    return total


def test_a_pipe_is_written_until_it_is_full_and_again_when_there_is_room(pipe: Pipe) -> None:
    reader, shared = pipe
    writer = NonblockingWriter(shared)
    total = fill(writer)
    assert total >= select.PIPE_BUF
    assert len(os.read(reader, 1 << 20)) == total
    assert writer.write(b"more") == 4
    assert os.read(reader, 10) == b"more"
    writer.close()


def test_the_shared_descriptor_stays_blocking(pipe: Pipe) -> None:
    writer = NonblockingWriter(pipe[1])
    writer.write(b"x")
    assert not is_nonblocking(pipe[1])
    writer.close()


def test_a_pipe_without_a_reader_breaks(pipe: Pipe) -> None:
    writer = NonblockingWriter(pipe[1])
    os.close(pipe[0])
    with pytest.raises(BrokenPipeError):
        writer.write(b"x")
    writer.close()


def test_a_pipe_whose_reader_was_gone_before_breaks(pipe: Pipe) -> None:
    os.close(pipe[0])
    writer = NonblockingWriter(pipe[1])
    with pytest.raises(BrokenPipeError):
        writer.write(b"x")
    writer.close()


def test_the_descriptor_says_when_there_is_room(pipe: Pipe) -> None:
    reader, shared = pipe
    writer = NonblockingWriter(shared)
    poll = select.poll()
    poll.register(writer.fd, select.POLLOUT)
    assert poll.poll(0)
    fill(writer)
    assert not poll.poll(0)
    os.read(reader, 1 << 20)
    assert poll.poll(0)
    writer.close()


def test_the_cautious_way_writes_no_more_than_any_pipe_with_room_takes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def no_proc(*_: object) -> int:
        raise PermissionError

    monkeypatch.setattr(os, "open", no_proc)
    reader, shared = os.pipe()
    writer = NonblockingWriter(shared)
    assert writer.write(b"x" * 65536) == select.PIPE_BUF
    writer.close()
    os.close(reader)
    os.close(shared)


def test_a_regular_file_is_written_at_its_own_position(tmp_path: Path) -> None:
    """Opening it again would begin at 0 and forget O_APPEND."""
    path = tmp_path / "file"
    with path.open("wb", buffering=0) as file:
        file.write(b"before ")
        writer = NonblockingWriter(file.fileno())
        assert writer.write(b"after") == 5
        writer.close()
    assert path.read_bytes() == b"before after"


def test_a_device_is_written() -> None:
    with Path("/dev/full").open("wb", buffering=0) as file:
        writer = NonblockingWriter(file.fileno())
        with pytest.raises(OSError, match="No space left"):
            writer.write(b"x")
        writer.close()


def test_a_terminal_stays_blocking() -> None:
    """Standard input and error are the same open file there."""
    controller, terminal = os.openpty()
    writer = NonblockingWriter(terminal)
    assert writer.write(b"x") == 1
    assert os.read(controller, 10) == b"x"
    assert not is_nonblocking(terminal)
    writer.close()
    os.close(controller)
    os.close(terminal)


def test_a_descriptor_that_is_not_open() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    os.close(writer)
    with pytest.raises(OSError, match="Bad file descriptor"):
        NonblockingWriter(writer)
