"""Diagnostics: one line each, whatever they hold and wherever they go."""

import os

from paexec_trio.runtime.diagnostics import write_diagnostic


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
