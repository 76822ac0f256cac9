"""Files in, reordered lines out, and what can go wrong with both."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from paexec_trio.reorder.filter import FilterError, run
from paexec_trio.reorder.keeping import InMemory
from paexec_trio.reorder.methods import ByEnd
from paexec_trio.reorder.printing import printer


class Output:
    """A file to write to."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.fd = os.open(path, os.O_WRONLY | os.O_CREAT)

    def reorder(self, *files: Path | str) -> None:
        method = ByEnd(printer(keep_ids=True, remove_blanks=False), InMemory(), None)
        run([os.fsencode(file) for file in files], b"", method, self.fd)

    @property
    def octets(self) -> bytes:
        return self.path.read_bytes()


@pytest.fixture
def output(tmp_path: Path) -> Output:
    return Output(tmp_path / "output")


def complaint(output: Output, *files: Path | str) -> bytes:
    with pytest.raises(FilterError) as caught:
        output.reorder(*files)
    return caught.value.message


def make(path: Path, octets: bytes) -> Path:
    path.write_bytes(octets)
    return path


def test_files_are_read_in_their_order(tmp_path: Path, output: Output) -> None:
    """RDR-001, RDR-002."""
    one = make(tmp_path / "one", b"2 b\n1 a")
    two = make(tmp_path / "two", b"1 c\n1 \n")
    output.reorder(one, two)
    assert output.octets == b"1 a\n1 c\n2 b\n"


def test_large_output_is_written_whole(tmp_path: Path, output: Output) -> None:
    results = b"".join(b"%d %0999d\n%d \n" % (task, task, task) for task in range(2000))
    output.reorder(make(tmp_path / "input", results))
    assert output.octets == b"".join(b"%d %0999d\n" % (task, task) for task in range(2000))


def test_files_that_cannot_be_read(tmp_path: Path, output: Output) -> None:
    """RDR-043: those before them are done."""
    good = make(tmp_path / "good", b"1 a\n1 \n2 b\n")
    missing = tmp_path / "missing"
    assert complaint(output, good, missing, good) == (
        b"cannot read '%b': No such file or directory" % bytes(missing)
    )
    assert output.octets == b"1 a\n"
    assert complaint(output, tmp_path) == b"cannot read '%b': Is a directory" % bytes(tmp_path)


def test_bad_lines_are_named_with_their_file(tmp_path: Path, output: Output) -> None:
    """RDR-041, RDR-042: lines are counted in each file."""
    good = make(tmp_path / "good", b"1 a\n" * 10)
    bad = make(tmp_path / "bad", b"1 b\n1 \n\xffbad\n2 c\n")
    assert complaint(output, good, bad) == (
        b"bad input, did you run paexec -le? '%b', line 3: '\\377bad'" % bytes(bad)
    )
    assert output.octets == b"1 a\n" * 10 + b"1 b\n"


def test_long_bad_lines_are_shown_in_part(tmp_path: Path, output: Output) -> None:
    bad = make(tmp_path / "bad", b"x" * 10_000)
    assert complaint(output, bad).endswith(b"line 1: '" + b"x" * 200 + b"...(9800 more octets)'")


def test_output_that_cannot_be_written(tmp_path: Path, output: Output) -> None:
    """RDR-044."""
    output.fd = os.open("/dev/full", os.O_WRONLY)
    good = make(tmp_path / "good", b"1 a\n")
    assert complaint(output, good) == b"cannot write to standard output: No space left on device"


def test_nobody_reads(tmp_path: Path, output: Output) -> None:
    """RDR-045; the interpreter ignores SIGPIPE here."""
    read_end, output.fd = os.pipe()
    os.close(read_end)
    with pytest.raises(BrokenPipeError):
        output.reorder(make(tmp_path / "good", b"1 a\n"))
