"""The queue of octets: nothing lost, nothing twice, whatever the writer takes."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paexec_trio.core.rendering import LazyLines
from paexec_trio.runtime.writequeue import Octets, WriteQueue


class Writer:
    """Takes the next of ``takes`` octets with each call; 0 means that it would block."""

    def __init__(self, *takes: int) -> None:
        self._takes = list(takes)
        self.calls: list[bytes] = []
        self.taken = b""

    def __call__(self, data: Octets) -> int:
        self.calls.append(bytes(data))
        count = min(self._takes.pop(0), len(data)) if self._takes else len(data)
        if not count:
            raise BlockingIOError
        self.taken += bytes(data[:count])
        return count


def queue_of(*pieces: bytes | bytearray) -> WriteQueue:
    queue = WriteQueue()
    for piece in pieces:
        queue.append(piece)
    return queue


def test_an_empty_queue_writes_nothing() -> None:
    writer = Writer()
    queue = WriteQueue()
    queue.flush(writer)
    assert writer.calls == []
    assert queue.size == 0


def test_small_pieces_are_written_at_once() -> None:
    writer = Writer()
    queue = queue_of(b"a", b"b", bytearray(b"c"))
    assert queue.size == 3
    queue.flush(writer)
    assert writer.calls == [b"abc"]
    assert queue.size == 0


def test_large_pieces_are_not_copied_together() -> None:
    writer = Writer()
    large = b"x" * (1 << 20)
    queue_of(large, b"y").flush(writer)
    assert writer.calls == [large, b"y"]


def test_what_a_writer_does_not_take_comes_again() -> None:
    writer = Writer(2, 1)
    queue = queue_of(b"abcdef")
    queue.flush(writer)
    assert writer.calls == [b"abcdef", b"cdef", b"def"]


def test_what_is_left_stays_in_the_queue() -> None:
    writer = Writer(2, 0)
    queue = queue_of(b"abc", b"def")
    with pytest.raises(BlockingIOError):
        queue.flush(writer)
    assert queue.size == 4
    queue.append(b"ghi")
    assert queue.size == 7
    queue.flush(writer)
    assert writer.taken == b"abcdefghi"
    assert queue.size == 0


def test_other_errors_pass() -> None:
    def broken(_data: Octets) -> int:
        raise BrokenPipeError

    queue = queue_of(b"abc")
    with pytest.raises(BrokenPipeError):
        queue.flush(broken)
    assert queue.size == 3


def test_a_cleared_queue_is_empty() -> None:
    writer = Writer()
    queue = queue_of(b"abc")
    queue.clear()
    assert queue.size == 0
    queue.flush(writer)
    assert writer.calls == []


@given(
    script=st.lists(
        st.one_of(
            st.binary(min_size=1), st.lists(st.integers(min_value=0, max_value=9), max_size=5)
        )
    )
)
def test_octets_come_out_as_they_went_in(script: list[bytes | list[int]]) -> None:
    queue = WriteQueue()
    put, taken = b"", b""
    for step in script:
        if isinstance(step, bytes):
            queue.append(step)
            put += step
            continue
        writer = Writer(*step, 0)
        with suppress(BlockingIOError):
            queue.flush(writer)
        taken += writer.taken
        assert queue.size == len(put) - len(taken)
    rest = Writer()
    queue.flush(rest)
    assert taken + rest.taken == put


@pytest.mark.parametrize("count", [1, 1000, 5 << 20])
def test_lazy_lines_among_octets(count: int) -> None:
    """For any size of writes, and for pieces that are joined or not."""
    queue = WriteQueue()
    queue.append(b"first\n")
    queue.append(LazyLines(b"p ", b"\n", count))
    queue.append(b"last\n")
    assert queue.size == 11 + 3 * count
    written = bytearray()

    def write(data: Octets) -> int:
        taken = data[: max(1, len(data) * 2 // 3)]
        written.extend(taken)
        return len(taken)

    queue.flush(write)
    assert written == b"first\n" + b"p \n" * count + b"last\n"
    assert queue.size == 0
