"""The files of ``--results``."""

from __future__ import annotations

import errno
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from paexec_trio.core.commands import DropStored, StoreErrors, StoreOutput, StoreResult
from paexec_trio.core.events import Event, StoringFailed
from paexec_trio.core.rendering import LazyLines
from paexec_trio.runtime import resultfiles
from paexec_trio.runtime.resultfiles import ResultFiles
from tests.runtime.harness import open_descriptors

Stored = StoreOutput | StoreErrors | StoreResult | DropStored

LARGE = 100_000


class Files:
    """The files of a run, and what became of them."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.emitted: list[Event] = []
        self.files = ResultFiles(os.fsencode(directory))
        self._executors = self.files.executors(self.emitted.append)

    def do(self, *commands: Stored) -> None:
        for command in commands:
            self._executors[type(command)](command)

    @property
    def found(self) -> dict[str, bytes]:
        """The octets of all files, by their paths."""
        paths = (path for path in self.directory.rglob("*") if path.is_file())
        return {str(path.relative_to(self.directory)): path.read_bytes() for path in paths}


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path / "a" / "b")


def result(number: str, *, out: bytes, err: bytes, task: bytes) -> dict[str, bytes]:
    seq = b"%d\n" % int(number)
    place = f"{number[:-3]}/{number}"
    return {
        f"{place}/stdout": out,
        f"{place}/stderr": err,
        f"{place}/seq": seq,
        f"{place}/task": task,
    }


@pytest.mark.parametrize(
    ("task_id", "number"),
    [(1, "0000001"), (999, "0000999"), (1000, "0001000"), (12345678, "12345678")],
)
def test_a_result(files: Files, task_id: int, number: str) -> None:
    """PTK-050 to PTK-053."""
    files.do(
        StoreOutput(task_id, b"a\n"),
        StoreErrors(task_id, b"x"),
        StoreOutput(task_id, bytearray(b"b\n")),
        StoreOutput(task_id, LazyLines(b"", b"\n", 3)),
    )
    assert files.found == {}
    files.do(StoreResult(task_id, b"t\n", 1))
    assert files.found == result(number, out=b"a\nb\n\n\n", err=b"x", task=b"t\n")
    assert files.emitted == []


def test_results_of_any_size(files: Files) -> None:
    before = open_descriptors()
    files.do(StoreOutput(1, b"a" * LARGE), StoreErrors(2, b"b" * LARGE), StoreErrors(1, b"e"))
    assert sorted(files.found.values()) == [b"a" * LARGE, b"b" * LARGE]
    assert all("/." in path for path in files.found)
    assert open_descriptors() == before
    files.do(StoreOutput(1, b"c"), StoreResult(1, b"t", LARGE // 2), StoreResult(2, b""))
    first = result("0000001", out=b"a" * (LARGE // 2 + 1), err=b"e", task=b"t")
    assert files.found == first | result("0000002", out=b"", err=b"b" * LARGE, task=b"")


def test_dropped_attempts(files: Files) -> None:
    """PTK-055."""
    files.do(StoreOutput(1, b"a" * LARGE), StoreOutput(2, b"b"), StoreOutput(3, b"c" * LARGE))
    files.do(DropStored(1), DropStored(2), DropStored(4))
    files.do(StoreResult(2, b"t"))
    files.files.close()
    assert files.found == result("0000002", out=b"", err=b"", task=b"t")
    assert [path.name for path in files.directory.glob("*/*")] == ["0000002"]


def test_replaced_directories(files: Files) -> None:
    """PTK-056, also beside what a killed run with the same process id has left."""
    place = files.directory / "0000" / "0000001"
    hidden = files.directory / "0000" / f".0000001.{os.getpid()}.new"
    for directory in (place / "below", hidden):
        directory.mkdir(parents=True)
        (directory / "other").write_bytes(b"x")
    files.do(StoreOutput(1, b"a"), StoreResult(1, b"t"))
    assert files.found == result("0000001", out=b"a", err=b"", task=b"t")
    assert [path.name for path in files.directory.glob("*/*")] == ["0000001"]


@pytest.mark.parametrize("size", [1, LARGE])
def test_a_full_disk(files: Files, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """PTK-060: nothing more is stored, and one event tells of it."""
    files.do(StoreResult(1, b"t"))
    write = resultfiles._append_to  # noqa: SLF001

    def fail(path: bytes, data: bytes) -> None:
        if path.endswith(b"stderr"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write(path, data)

    monkeypatch.setattr(resultfiles, "_append_to", fail)
    files.do(StoreOutput(2, b"o" * size), StoreErrors(2, b"e" * size), StoreOutput(3, b"x" * LARGE))
    files.do(StoreResult(2, b"t"), StoreResult(3, b"t"))
    reason = b"directory '%b': No space left on device" % os.fsencode(files.directory)
    assert files.emitted == [StoringFailed(reason)]
    files.files.close()
    assert files.found == result("0000001", out=b"", err=b"", task=b"t")
    assert [path.name for path in files.directory.glob("*/*")] == ["0000001"]


@pytest.mark.parametrize("name", ["file", "file/x"])
def test_a_directory_that_cannot_be_made(tmp_path: Path, name: str) -> None:
    """PTK-059."""
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OSError, match=f"--results: directory '{tmp_path}/{name}': "):
        ResultFiles(os.fsencode(tmp_path / name))


def test_a_directory_that_must_not_be_written_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PTK-059."""
    monkeypatch.setattr(os, "access", lambda _path, mode: mode & os.W_OK == 0)
    with pytest.raises(PermissionError, match=f"--results: directory '{tmp_path}': "):
        ResultFiles(os.fsencode(tmp_path))


def test_no_more_system_calls_than_it_takes(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    """To create a file or a directory takes most of the time."""
    calls: Counter[str] = Counter()
    for name in ("open", "mkdir", "rename", "stat", "getpid", "truncate"):
        right = getattr(os, name)

        def call(*arguments: Any, right: Any = right, name: str = name, **words: Any) -> Any:
            calls[name] += 1
            return right(*arguments, **words)

        monkeypatch.setattr(os, name, call)
    for task_id in range(998, 1002):
        files.do(StoreOutput(task_id, b"a\n"), StoreResult(task_id, b"t"))
    assert calls == {"open": 4 * 4, "mkdir": 4 + 2, "rename": 4}
