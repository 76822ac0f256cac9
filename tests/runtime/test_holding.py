"""Octets that are held back, against a model that has all memory it wants."""

from __future__ import annotations

import os
import tracemalloc
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import gettempdir
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paexec_trio.core.commands import Join, Release
from paexec_trio.core.grouping import OrderedGroups
from paexec_trio.core.rendering import LazyLines
from paexec_trio.runtime.holding import HeldOutput, Piece
from paexec_trio.runtime.spillfile import Extent, SpillError, SpillFile

DIRECTORY = os.fsencode(gettempdir())
MIB = 1 << 20


def rest_of(held: HeldOutput[int]) -> bytes:
    """All that was released and not taken yet."""
    return b"".join(iter(held.take, b""))


@contextmanager
def failing_after(writes: int) -> Iterator[None]:
    """Let the file be full after ``writes`` writes."""
    real, done = SpillFile.write, 0

    def write(file: SpillFile, data: Piece) -> list[Extent]:
        nonlocal done
        done += 1
        if done > writes:
            raise SpillError(b"full")
        return real(file, data)

    with patch.object(SpillFile, "write", write):
        yield


def test_nothing_is_there_to_begin_with() -> None:
    held = HeldOutput[int](DIRECTORY)
    assert held.take() == b""
    held.release(1)
    held.join(1, 2)
    held.discard(1)
    assert held.take() == b""
    held.close()


def test_little_needs_no_file(tmp_path: Path) -> None:
    held = HeldOutput[int](os.fsencode(tmp_path / "missing"))
    held.hold(1, b"a" * MIB)
    held.release(1)
    assert rest_of(held) == b"a" * MIB
    held.close()


STEPS = st.lists(
    st.one_of(
        st.tuples(
            st.just("hold"),
            st.integers(min_value=1, max_value=5),
            st.integers(min_value=1, max_value=1000),
        ),
        st.tuples(
            st.sampled_from(["join", "release", "discard", "take"]),
            st.integers(min_value=1, max_value=5),
            st.integers(min_value=1, max_value=5),
        ),
    ),
    min_size=10,
    max_size=60,
)


@given(
    script=STEPS,
    limit=st.sampled_from([0, 1000, 3000, 8000]),
    writes=st.one_of(st.integers(min_value=0, max_value=10), st.just(1000)),
)
def test_octets_against_a_model(
    script: list[tuple[str, int, int]], limit: int, writes: int
) -> None:
    """In particular nothing is lost, and nothing changes its place, when the file gets full."""
    model: defaultdict[int, bytes] = defaultdict(bytes)
    released, taken = b"", b""
    failures = 0
    with failing_after(writes), closing(HeldOutput[int](DIRECTORY, limit)) as held:
        for number, (action, group, other) in enumerate(script):
            try:
                match action:
                    case "hold":
                        data = b"%d." % number * other
                        model[group] += data
                        held.hold(group, data)
                    case "join" if group != other:
                        model[group] += model.pop(other, b"")
                        held.join(group, other)
                    case "release":
                        released += model.pop(group, b"")
                        held.release(group)
                    case "discard":
                        model.pop(group, None)
                        held.discard(group)
                    case "take":
                        taken += held.take()
            except SpillError:
                failures += 1
        assert failures <= 1
        for group in sorted(model):
            released += model[group]
            held.release(group)
        assert taken + rest_of(held) == released


def test_the_file_is_used_and_emptied() -> None:
    with closing(HeldOutput[int](DIRECTORY, 10_000)) as held:
        sizes: list[int] = []
        real = SpillFile.write

        def write(file: SpillFile, data: Piece) -> list[Extent]:
            extents = real(file, data)
            sizes.append(file.size)
            return extents

        with patch.object(SpillFile, "write", write):
            for number in range(1000):
                held.hold(number, b"%04d" % number * 1000)
                if number >= 10:
                    held.release(number - 10)
                    assert rest_of(held) == b"%04d" % (number - 10) * 1000
        assert len(sizes) > 100
        assert max(sizes) < 60_000, "eleven groups of 4,000 octets"


def test_what_is_discarded_leaves_no_hole() -> None:
    sizes: list[int] = []
    real = SpillFile.write

    def write(file: SpillFile, data: Piece) -> list[Extent]:
        extents = real(file, data)
        sizes.append(file.size)
        return extents

    with closing(HeldOutput[int](DIRECTORY, 1000)) as held, patch.object(SpillFile, "write", write):
        for _ in range(10):
            held.hold(1, b"x" * 2000)
            held.discard(1)
    assert sizes == [2048] * 10


@pytest.mark.parametrize("end", ["taken", "discarded"])
def test_memory_is_free_again(end: str) -> None:
    """A hundred groups of a tenth of the memory, one after the other, need no file."""
    with closing(HeldOutput[int](b"/no/such/directory", 10_000)) as held:
        for number in range(100):
            held.hold(number, b"x" * 1000)
            if end == "discarded":
                held.discard(number)
            else:
                held.release(number)
                assert rest_of(held) == b"x" * 1000


def test_small_groups_stay_in_memory_when_a_large_one_goes() -> None:
    written: list[bytes] = []

    def write(_file: SpillFile, data: Piece) -> list[Extent]:
        written.append(bytes(data))
        return []

    with (
        closing(HeldOutput[int](DIRECTORY, 100_000)) as held,
        patch.object(SpillFile, "write", write),
    ):
        for group in range(10):
            held.hold(group, b"s" * 2000)
        held.hold(10, b"L" * 90_000)
    assert written == [b"L" * 90_000]


def test_many_small_groups_are_not_looked_at_each_time() -> None:
    """A group that would gain nothing by it is not written, and no time is spent on it."""
    calls = 0

    def counting(*arguments: object, **options: object) -> list[object]:
        nonlocal calls
        calls += 1
        return sorted(*arguments, **options)  # type: ignore[call-overload, no-any-return]

    with (
        closing(HeldOutput[int](DIRECTORY, 10_000)) as held,
        patch("paexec_trio.runtime.holding.sorted", counting, create=True),
        failing_after(0),
    ):
        for group in range(10_000):
            held.hold(group, b"small")
    assert 0 < calls < 300


@pytest.mark.parametrize("size", [1, 3 * MIB])
def test_large_pieces(size: int) -> None:
    with closing(HeldOutput[int](DIRECTORY, MIB)) as held:
        held.hold(1, bytearray(b"x" * size))
        held.hold(1, b"y" * size)
        held.release(1)
        assert rest_of(held) == b"x" * size + b"y" * size


def test_what_is_read_again_comes_in_small_pieces() -> None:
    with closing(HeldOutput[int](DIRECTORY, 0)) as held:
        held.hold(1, b"x" * (10 * MIB))
        held.release(1)
        assert max(map(len, iter(held.take, b""))) <= 1 << 16


def test_a_failure_is_raised_once() -> None:
    with closing(HeldOutput[int](b"/no/such/directory", 1100)) as held:
        held.hold(1, b"a" * 900)
        with pytest.raises(SpillError, match="No such file"):
            held.hold(2, b"b" * 900)
        held.hold(1, b"c" * 900)
        held.join(1, 2)
        held.release(1)
        assert rest_of(held) == b"a" * 900 + b"c" * 900 + b"b" * 900


def test_nothing_is_taken_after_what_cannot_be_read() -> None:
    with closing(HeldOutput[int](DIRECTORY, 1000)) as held:
        held.hold(1, b"a" * 2000)
        held.hold(2, b"b")
        held.hold(3, b"c")
        held.release(2)
        held.release(1)
        held.release(3)
        assert held.take() == b"b"
        with patch.object(SpillFile, "read", side_effect=SpillError(b"damaged")):
            with pytest.raises(SpillError):
                held.take()
            assert held.take() == b""
        held.hold(4, b"d")
        held.release(4)
        assert held.take() == b""


def test_waiting_tasks_take_no_memory() -> None:
    """GRP-031: 20,000 tasks wait for the first one; their results go to the file."""
    groups = OrderedGroups(lambda _: False)
    limit = MIB // 4
    with closing(HeldOutput[int](DIRECTORY, limit)) as held:
        tracemalloc.start()
        try:
            for task in range(2, 20_000):
                held.hold(task, b"the result of task %d\n" % task)
                for command in groups.done(task):
                    assert isinstance(command, Join)
                    held.join(command.group, command.other)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert peak < 4 * limit
        held.hold(1, b"first\n")
        for command in groups.done(1):
            assert isinstance(command, Release)
            held.release(command.group)
        expected = [b"the result of task %d\n" % task for task in range(2, 20_000)]
        assert rest_of(held) == b"first\n" + b"".join(expected)


@pytest.mark.parametrize("limit", [0, 100 * MIB])
def test_lazy_lines_keep_their_place(limit: int) -> None:
    """LIM-006: whether they are few octets of many, or many that go to the file."""
    held = HeldOutput[int](DIRECTORY, limit)
    many = b"\nab\n" * 50_000
    held.hold(1, b"first\n")
    held.hold(1, LazyLines(b"p ", b"\n", 1_000_000))
    held.hold(1, b"then\n")
    held.hold(1, LazyLines(b"p" * 100, many))
    held.hold(1, b"last\n")
    held.release(1)
    expected = b"first\n" + b"p \n" * 1_000_000 + b"then\n"
    expected += (b"p" * 100 + b"\n" + b"p" * 100 + b"ab\n") * 50_000 + b"last\n"
    assert rest_of(held) == expected
    held.close()


def test_blank_lines_that_are_held_take_no_memory() -> None:
    """LIM-006: nor do they fill the file."""
    held = HeldOutput[int](DIRECTORY, 0)
    for group in range(10):
        held.hold(group, LazyLines(b"p ", b"\n", 10**12))
        held.hold(group, b"x")
        held.release(group)
    for _ in range(100):
        assert 0 < len(held.take()) < 2 * MIB
    held.close()
