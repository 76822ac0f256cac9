"""Hostfiles: when one is read, and when it is another one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from paexec_trio.core.nodenames import NodeWordError
from paexec_trio.runtime.hostfile import Hostfile


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "hosts"
    path.write_bytes(b"a\nb*2\n")
    return path


def test_a_file_is_read_and_stays_the_same(path: Path) -> None:
    file = Hostfile(bytes(path))
    assert file.has_changed(), "it was not read yet"
    assert file.read() == (b"a", b"b", b"b")
    assert file.is_regular
    assert not file.has_changed()


def test_a_file_that_is_written_has_changed(path: Path) -> None:
    file = Hostfile(bytes(path))
    file.read()
    with path.open("ab") as more:
        more.write(b"c\n")
    assert file.has_changed()
    assert file.read()[-1] == b"c"
    assert not file.has_changed()


def test_a_file_of_the_same_size_and_time_in_its_place_has_changed(path: Path) -> None:
    file = Hostfile(bytes(path))
    file.read()
    times = path.stat()
    other = path.with_name("other")
    other.write_bytes(b"c\nd*2\n")
    os.utime(other, ns=(times.st_atime_ns, times.st_mtime_ns))
    other.replace(path)
    assert file.has_changed()


def test_another_file_behind_a_symbolic_link_has_changed(path: Path) -> None:
    link = path.with_name("link")
    link.symlink_to(path)
    file = Hostfile(bytes(link))
    file.read()
    other = path.with_name("other")
    other.write_bytes(b"a\nb*2\n")
    link.unlink()
    link.symlink_to(other)
    assert file.has_changed()


@pytest.mark.parametrize("kind", ["missing", "directory", "bad"])
def test_a_file_that_cannot_be_used_is_tried_once(path: Path, kind: str) -> None:
    """HST-026: until it is another one."""
    file = Hostfile(bytes(path))
    file.read()
    path.unlink()
    if kind == "directory":
        path.mkdir()
    elif kind == "bad":
        path.write_bytes(b",\n")
    assert file.has_changed()
    with pytest.raises(NodeWordError):
        file.read()
    assert not file.has_changed()
    if kind == "directory":
        path.rmdir()
    path.write_bytes(b"a\n")
    assert file.has_changed()


def test_a_pipe_is_no_regular_file() -> None:
    reader, writer = os.pipe()
    os.write(writer, b"a\n")
    os.close(writer)
    file = Hostfile(b"/dev/fd/%d" % reader)
    assert file.read() == (b"a",)
    assert not file.is_regular
    os.close(reader)


def test_a_path_with_a_nul() -> None:
    with pytest.raises(NodeWordError, match="embedded null byte"):
        Hostfile(b"a\0b").read()
