"""The part of a file that was read."""

from __future__ import annotations

import os
from pathlib import Path

from paexec_trio.runtime.input import share_read


def test_the_part_of_a_file_that_was_read(tmp_path: Path) -> None:
    path = tmp_path / "tasks"
    path.write_bytes(b"x" * 100)
    fd = os.open(path, os.O_RDONLY)
    try:
        assert share_read(fd) == 0.0
        os.read(fd, 25)
        assert share_read(fd) == 0.25
        os.truncate(path, 10)
        assert share_read(fd) == 1.0
        os.truncate(path, 0)
        assert share_read(fd) is None
    finally:
        os.close(fd)


def test_what_is_no_file_has_no_parts() -> None:
    read, write = os.pipe()
    assert share_read(read) is None
    os.close(read)
    os.close(write)
    assert share_read(-1) is None
