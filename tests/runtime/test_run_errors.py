"""Whole runs that read the standard error of their calculators."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import trio

from paexec_trio.core.commands import Exit
from paexec_trio.core.settings import Reassign, Settings, StderrMode
from paexec_trio.runtime import errorrelay
from paexec_trio.runtime.holding import HeldOutput, Piece
from paexec_trio.runtime.spillfile import Extent, SpillError, SpillFile
from tests.runtime.harness import conversation, open_descriptors

pytestmark = pytest.mark.trio

BOTH = pytest.mark.parametrize("mode", [StderrMode.GROUP, StderrMode.TAG])

MIB = 1 << 20

SIZED = (
    b"while read -r n; do i=0; while test $i -lt $n; do i=$((i + 1));"
    b' printf "%01023d\\n" $i >&2; done; echo "of $n"; echo; done'
)
"""A calculator that writes as many lines of 1 KiB on standard error as the task says."""


@pytest.fixture(autouse=True)
def _little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(errorrelay, "HeldOutput", partial(HeldOutput, memory_limit=MIB))


class Pipe:
    """A pipe of the smallest capacity as the standard error of a run."""

    def __init__(self) -> None:
        self.reader, self.fd = os.pipe()
        fcntl.fcntl(self.fd, fcntl.F_SETPIPE_SZ, 4096)
        self._read = bytearray()

    async def line(self) -> bytes:
        """Return the next line of it."""
        while b"\n" not in self._read:
            await trio.lowlevel.wait_readable(self.reader)
            self._read += os.read(self.reader, 1 << 16)
        line, _, self._read = self._read.partition(b"\n")
        return bytes(line)


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    pipe = Pipe()
    yield pipe
    os.close(pipe.reader)
    os.close(pipe.fd)


def settings(mode: StderrMode, on_death: Reassign | None = None) -> Settings:
    return Settings(nodes=(b"0",), stderr=mode, on_death=on_death)


@BOTH
async def test_more_than_the_memory_takes(mode: StderrMode, pipe: Pipe) -> None:
    """PTK-038, PTK-039: 6 MiB wait for a reader who comes late, in the order of their tasks."""
    async with conversation(SIZED, settings=settings(mode), stderr=pipe.fd) as talk:
        await talk.feed(b"3000\n2\n3001\n")
        for text in (b"3000", b"2", b"3001"):
            assert await talk.line() == b"of " + text
        for task_id, size in enumerate((3000, 2, 3001), 1):
            for number in range(1, size + 1):
                prefix = b"node 0, task %d '%d': " % (task_id, size)
                expected = b"%01023d" % number
                line = await pipe.line()
                assert line == (prefix + expected if mode is StderrMode.TAG else expected)
        assert await talk.finish() == (b"", Exit(status=0))


async def test_diagnostics_keep_their_place(pipe: Pipe) -> None:
    """The last lines of a node are printed before the message about its death, and whole."""
    command = SIZED.replace(b"echo;", b"exit 3;")
    async with conversation(command, settings=settings(StderrMode.GROUP), stderr=pipe.fd) as talk:
        await talk.feed(b"2000\n")
        for number in range(1, 2001):
            assert await pipe.line() == b"%01023d" % number
        assert await pipe.line() == b"Node 0 exited unexpectedly"
        assert await talk.outcome() == Exit(status=1)


@BOTH
async def test_a_full_disk(mode: StderrMode, pipe: Pipe, monkeypatch: pytest.MonkeyPatch) -> None:
    """PTK-039, GRP-035: the run ends, and what was held is printed all the same."""
    failed = trio.Event()

    def write(_file: SpillFile, _data: Piece) -> list[Extent]:
        failed.set()
        raise SpillError(b"full")

    monkeypatch.setattr(SpillFile, "write", write)
    async with conversation(SIZED, settings=settings(mode), stderr=pipe.fd) as talk:
        await talk.feed(b"3000\n")
        await failed.wait()
        found = []
        while b"holding lines back failed: full" not in (line := await pipe.line()):
            found.append(line)
        assert await talk.outcome() == Exit(status=1)
        assert all(line.endswith(b"%01023d" % i) for i, line in enumerate(found, 1))


@BOTH
async def test_descriptors_are_closed_when_a_run_is_cancelled(mode: StderrMode, pipe: Pipe) -> None:
    before = open_descriptors()
    async with conversation(SIZED, settings=settings(mode), stderr=pipe.fd) as talk:
        await talk.feed(b"3000\n1\n")
        assert await talk.line() == b"of 3000"
        await talk.cancel()
    assert open_descriptors() == before


async def test_standard_error_of_each_life(pipe: Pipe, tmp_path: Path) -> None:
    """Each process of a node has a pipe of its own, and its last words are read."""
    resistant = settings(StderrMode.TAG, on_death=Reassign(restart_after=0.01, wait=True))
    mark = os.fsencode(tmp_path / "mark")
    command = (
        b"read -r n; if mkdir %b; then printf first >&2; exit; fi; printf second >&2; echo of $n;"
        b" echo; read -r n; printf last >&2" % mark
    )
    before = open_descriptors()
    async with conversation(command, settings=resistant, stderr=pipe.fd) as talk:
        await talk.feed(b"a\n")
        assert await talk.line() == b"fatal"
        assert await talk.line() == b"of a"
        assert await talk.finish() == (b"", Exit(status=0))
    assert open_descriptors() == before
    lines = [await pipe.line() for _ in range(4)]
    assert lines[0] == b"node 0, task 1 'a': first"
    assert b"File exists" in lines[1]
    assert lines[2:] == [b"node 0, task 1 'a': second", b"node 0: last"]
