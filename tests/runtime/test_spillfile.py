"""The temporary file: what is written comes back, and space is used again."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paexec_trio.runtime.spillfile import UNIT, Extent, Space, SpillError, SpillFile


@contextmanager
def files_limited_to(octets: int) -> Iterator[None]:
    """Let every file that is written to be full at this size."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (octets, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def file_in(directory: Path) -> str:
    """Another name of the only file that is open in a directory."""
    (path,) = (
        f"/proc/self/fd/{fd}"
        for fd in os.listdir("/proc/self/fd")  # noqa: PTH208 (that of pathlib opens one more)
        if os.path.realpath(f"/proc/self/fd/{fd}").startswith(str(directory))
    )
    return path


def units(extents: list[Extent]) -> set[int]:
    """The numbers of the units that extents occupy."""
    return {
        unit
        for extent in extents
        for unit in range(extent.offset // UNIT, -(-(extent.offset + extent.size) // UNIT))
    }


def test_space_is_taken_from_the_beginning() -> None:
    space = Space()
    assert space.allocate(3 * UNIT) == [Extent(0, 3 * UNIT)]
    assert space.allocate(1) == [Extent(3 * UNIT, 1)]
    assert space.allocate(UNIT + 1) == [Extent(4 * UNIT, UNIT + 1)]
    assert space.end == 6 * UNIT


def test_space_is_used_again_in_parts() -> None:
    space = Space()
    for size in (2, 1, 1, 1):
        space.allocate(size * UNIT)
    space.release(Extent(0, 2 * UNIT))
    space.release(Extent(3 * UNIT, UNIT))
    assert space.allocate(4 * UNIT - 1) == [
        Extent(0, 2 * UNIT),
        Extent(3 * UNIT, UNIT),
        Extent(5 * UNIT, UNIT - 1),
    ]


def test_space_at_the_end_is_given_back() -> None:
    space = Space()
    extents = [space.allocate(UNIT)[0] for _ in range(4)]
    for number in (1, 2, 3):
        space.release(extents[number])
    assert space.end == UNIT
    space.release(extents[0])
    assert space.end == 0


@given(
    script=st.lists(
        st.one_of(
            st.integers(min_value=1, max_value=5 * UNIT),
            st.tuples(st.integers(min_value=0), st.integers(min_value=0, max_value=3)),
        ),
        max_size=40,
    )
)
def test_space_against_a_model(script: list[int | tuple[int, int]]) -> None:
    """Nothing is given out twice, and the file is as long as its last unit in use."""
    space = Space()
    taken: list[Extent] = []
    for step in script:
        if isinstance(step, int):
            before = units(taken)
            parts = space.allocate(step)
            assert sum(part.size for part in parts) == step
            assert all(part.offset % UNIT == 0 for part in parts)
            assert all(part.size % UNIT == 0 for part in parts[:-1])
            assert not units(parts) & before
            free_before = set(range(max(before, default=-1) + 1)) - before
            lowest = sorted(free_before)[: len(units(parts))]
            assert set(lowest) <= units(parts), "what is free already is used first"
            taken += parts
        elif taken:
            which, head = step
            extent = taken.pop(which % len(taken))
            if extent.size > head * UNIT > 0:  # a part of it, as when it is read in pieces
                taken.append(Extent(extent.offset + head * UNIT, extent.size - head * UNIT))
                extent = Extent(extent.offset, head * UNIT)
            space.release(extent)
        assert space.end == UNIT * (max(units(taken), default=-1) + 1)


def test_what_is_written_comes_back(tmp_path: Path) -> None:
    with closing(SpillFile(os.fsencode(tmp_path))) as file:
        one = file.write(b"a" * 5000)
        two = file.write(bytearray(b"b" * 10))
        (hole,) = one
        assert file.read(hole) == b"a" * 5000
        three = file.write(b"c" * 6000 + b"d" * 1000)
        assert len(three) == 2, "the hole is used, and does not suffice"
        assert b"".join(file.read(part) for part in two) == b"b" * 10
        assert b"".join(file.read(part) for part in three) == b"c" * 6000 + b"d" * 1000
        assert file.size == 0


def test_the_file_has_no_name_and_does_not_grow_for_ever(tmp_path: Path) -> None:
    """GRP-034."""
    with closing(SpillFile(os.fsencode(tmp_path))) as file:
        kept = file.write(b"x" * 3000)
        for _ in range(100):
            parts = file.write(b"y" * 3000)
            for part in kept:
                file.free(part)
            kept = parts
        assert file.size <= 3 * 3072
        assert list(tmp_path.iterdir()) == []


def test_a_directory_that_does_not_exist(tmp_path: Path) -> None:
    missing = os.fsencode(tmp_path / "missing\udcff")
    with pytest.raises(SpillError) as caught:
        SpillFile(missing)
    shown = missing.replace(b"\xff", b"\\377")
    reason = b"temporary file in '%b': No such file or directory" % shown
    assert caught.value.reason == reason


def test_a_full_disk_keeps_what_was_written_before(tmp_path: Path) -> None:
    with closing(SpillFile(os.fsencode(tmp_path))) as file:
        before = file.write(b"before" * 512)
        size = file.size
        with files_limited_to(5 * UNIT), pytest.raises(SpillError) as caught:
            file.write(b"x" * (10 * UNIT))
        assert caught.value.reason.endswith(b": File too large")
        assert file.size == size == Path(file_in(tmp_path)).stat().st_size
        assert b"".join(map(file.read, before)) == b"before" * 512
        assert b"".join(map(file.read, file.write(b"after"))) == b"after"


def test_a_damaged_file_is_noticed(tmp_path: Path) -> None:
    with closing(SpillFile(os.fsencode(tmp_path))) as file:
        parts = file.write(b"x" * (3 * UNIT))
        os.truncate(file_in(tmp_path), UNIT)
        with pytest.raises(SpillError, match="became shorter"):
            file.read(parts[0])
