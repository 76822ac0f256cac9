"""Diagnostics: one line each, whatever they hold and wherever they go."""

import fcntl
import os

import pytest

from paexec_trio.runtime import diagnostics
from paexec_trio.runtime.diagnostics import write_diagnostic, write_patiently


def test_a_diagnostic_is_one_line() -> None:
    reader, writer = os.pipe()
    write_diagnostic(writer, b"a\nb\xff\x1b")
    assert os.read(reader, 100) == b"a\\nb\\377\\033\n"
    os.close(reader)
    os.close(writer)


def test_a_reader_that_is_gone_is_no_error() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    write_diagnostic(writer, b"text")
    os.close(writer)


def test_a_descriptor_that_is_not_open_is_no_error() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    os.close(writer)
    write_diagnostic(writer, b"text")


@pytest.fixture
def full_pipe(monkeypatch: pytest.MonkeyPatch) -> int:
    """A pipe that takes nothing more, and that nobody reads."""
    monkeypatch.setattr(diagnostics, "_PATIENCE", 0.01)
    _, writer = os.pipe()
    size = fcntl.fcntl(writer, fcntl.F_GETPIPE_SZ)
    assert os.write(writer, bytes(size)) == size
    return writer


def test_a_pipe_that_nobody_reads_is_given_up(full_pipe: int) -> None:
    """END-049."""
    write_diagnostic(full_pipe, b"text")
    with pytest.raises(TimeoutError):
        write_patiently(full_pipe, b"text")


def test_long_texts_are_written_whole() -> None:
    reader, writer = os.pipe()
    write_patiently(writer, b"x" * 20_000)
    os.close(writer)
    with open(reader, "rb") as stream:  # noqa: PTH123 (a descriptor)
        assert stream.read() == b"x" * 20_000
