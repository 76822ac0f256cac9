"""Whole runs with ``--group`` and ``--keep-order``."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from paexec_trio.core.commands import Exit
from paexec_trio.core.grouping import Grouping
from paexec_trio.core.settings import Settings
from paexec_trio.runtime import output
from paexec_trio.runtime.holding import HeldOutput, Piece
from paexec_trio.runtime.spillfile import Extent, SpillError, SpillFile
from tests.runtime.harness import conversation, open_descriptors

pytestmark = pytest.mark.trio

BOTH = pytest.mark.parametrize("grouping", [Grouping.GROUP, Grouping.KEEP_ORDER])

MIB = 1 << 20
LINE = b"0123456789abcd\n"

SIZED = b'while read -r n; do yes 0123456789abcd | head -n "$n"; echo; done'
"""A calculator whose result has as many lines as the task says."""

SLOW_FIRST = b'while read -r n; do test "$n" = 1 && read -r x <GATE; ' + SIZED.partition(b"do ")[2]
"""The same, but a task of one line waits until somebody writes to the gate."""

LARGE = 3 * MIB // len(LINE)
"""Lines that do not fit into the memory for held lines, which is small in these tests."""


@pytest.fixture(autouse=True)
def _little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output, "HeldOutput", partial(HeldOutput, memory_limit=1 * MIB))


def settings(nodes: int, grouping: Grouping) -> Settings:
    return Settings(nodes=tuple(b"%d" % index for index in range(nodes)), grouping=grouping)


class Stderr:
    """A file as the standard error of a run."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.fd = os.open(path, os.O_WRONLY | os.O_CREAT)

    def text(self) -> bytes:
        return self._path.read_bytes()


@pytest.fixture
def stderr(tmp_path: Path) -> Iterator[Stderr]:
    stderr = Stderr(tmp_path / "stderr")
    yield stderr
    os.close(stderr.fd)


@pytest.fixture
def gate(tmp_path: Path) -> bytes:
    """The path of a pipe, free of special characters."""
    path = tmp_path / "gate"
    os.mkfifo(path)
    return os.fsencode(path)


def has_result(output: bytes, lines: int) -> bool:
    """Return whether the output is this many lines; a bare comparison would print megabytes."""
    return output == LINE * lines


@BOTH
async def test_a_group_that_does_not_fit_into_memory(grouping: Grouping) -> None:
    """GRP-010, GRP-031."""
    async with conversation(SIZED, settings=settings(1, grouping)) as talk:
        await talk.feed(b"1\n%d\n2\n" % LARGE)
        output, outcome = await talk.finish()
        assert outcome == Exit(status=0)
        assert has_result(output, LARGE + 3)


async def test_groups_that_wait_for_a_slow_task(gate: bytes) -> None:
    """GRP-020: 6 MiB wait for the first task, which waits for the last."""
    command = SLOW_FIRST.replace(b"GATE", gate)
    command = command.replace(
        b"; echo;", b'; echo "of $n"; test "$n" = 2 && echo >%b; echo;' % gate
    )
    sizes = [1, LARGE, 3, LARGE + 1, 2]
    async with conversation(command, settings=settings(2, Grouping.KEEP_ORDER)) as talk:
        await talk.feed(b"".join(b"%d\n" % lines for lines in sizes))
        output, outcome = await talk.finish()
    assert outcome == Exit(status=0)
    expected = b"".join(LINE * lines + b"of %d\n" % lines for lines in sizes)
    assert len(output) == len(expected)
    assert (output == expected) is True


async def test_descriptors_are_closed_when_a_run_is_cancelled() -> None:
    before = open_descriptors()
    async with conversation(SIZED, settings=settings(1, Grouping.GROUP)) as talk:
        await talk.feed(b"%d\n1\n" % LARGE)
        assert await talk.line() + b"\n" == LINE
        await talk.cancel()
    assert open_descriptors() == before


async def test_a_full_disk(gate: bytes, stderr: Stderr, monkeypatch: pytest.MonkeyPatch) -> None:
    """GRP-024, GRP-035: what is done is printed in order, nothing of the others is."""

    def write(_file: SpillFile, _data: Piece) -> list[Extent]:
        raise SpillError(b"full")

    monkeypatch.setattr(SpillFile, "write", write)
    keep_order = settings(2, Grouping.KEEP_ORDER)
    command = SLOW_FIRST.replace(b"GATE", gate)
    async with conversation(command, settings=keep_order, stderr=stderr.fd) as talk:
        await talk.feed(b"1\n2\n3\n%d\n4\n" % LARGE)
        assert await talk.rest() == LINE * 5
        assert await talk.outcome() == Exit(status=1)
    assert stderr.text().splitlines()[0] == b"paexec-trio: holding lines back failed: full"


async def test_lines_that_cannot_be_read_again(
    stderr: Stderr, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GRP-035: the output ends where octets are missing; what comes before is printed."""
    read = SpillFile.read
    reads = 0

    def read_twice(file: SpillFile, extent: Extent) -> bytes:
        nonlocal reads
        reads += 1
        if reads > 2:
            raise SpillError(b"damaged")
        return read(file, extent)

    monkeypatch.setattr(SpillFile, "read", read_twice)
    group = settings(1, Grouping.GROUP)
    async with conversation(SIZED, settings=group, stderr=stderr.fd) as talk:
        await talk.feed(b"2\n%d\n3\n" % LARGE)
        output = await talk.rest()
        assert await talk.outcome() == Exit(status=1)
    assert output == (LINE * LARGE)[: 2 * len(LINE) + (2 << 16)]
    assert stderr.text().splitlines()[0] == b"paexec-trio: holding lines back failed: damaged"
