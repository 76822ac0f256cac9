"""The times that the system keeps of pipes."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import pytest

from paexec_trio.runtime.pipetimes import pipe_times
from paexec_trio.runtime.writequeue import WriteQueue


class Pipes(SimpleNamespace):
    """The pipes of a node, and their other ends."""

    def __init__(self) -> None:
        its_stdin, stdin = os.pipe()
        stdout, its_stdout = os.pipe()
        super().__init__(stdin=stdin, stdout=stdout, unsent=WriteQueue())
        self.its_stdin, self.its_stdout = its_stdin, its_stdout

    def close(self) -> None:
        for fd in (self.stdin, self.stdout, self.its_stdin, self.its_stdout):
            with suppress(OSError):
                os.close(fd)


@pytest.fixture
def pipes() -> Iterator[Any]:
    made = Pipes()
    yield made
    made.close()


def later(seconds: float) -> Any:
    return lambda: time.time() + seconds


def test_what_passes_through_the_pipes_has_its_time(pipes: Any) -> None:
    os.write(pipes.stdin, b"task\n")
    times = pipe_times(pipes, later(10))
    assert times
    assert times.sent == pytest.approx(10, abs=2)
    assert times.age(held=1) == times.sent
    assert not times.has_read_all
    os.read(pipes.its_stdin, 100)
    os.write(pipes.its_stdout, b"part\n")
    times = pipe_times(pipes, later(10))
    assert times
    assert times.has_read_all
    assert times.written == pytest.approx(10, abs=2)
    pipes.unsent.append(b"rest")
    assert not pipe_times(pipes).has_read_all  # type: ignore[union-attr]


def test_the_clock_may_be_behind(pipes: Any) -> None:
    os.write(pipes.stdin, b"task\n")
    times = pipe_times(pipes, later(-100))
    assert times
    assert (times.sent, times.read, times.written) == (0.0, 0.0, 0.0)


def test_where_there_are_no_times(pipes: Any) -> None:
    assert pipe_times(None) is None
    with open(os.devnull, "r+b") as null:  # noqa: PTH123
        assert pipe_times(SimpleNamespace(stdin=null.fileno(), stdout=pipes.stdout)) is None  # type: ignore[arg-type]
    assert pipe_times(SimpleNamespace(stdin=-1, stdout=pipes.stdout)) is None  # type: ignore[arg-type]
    assert pipe_times(SimpleNamespace(stdin=pipes.stdin, stdout=-1)) is None  # type: ignore[arg-type]
