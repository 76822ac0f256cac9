"""Starting programs: what the conformance suite cannot reach, such as rare errors."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from paexec_trio.runtime.spawning import Environment, spawn

Variables = list[tuple[bytes, bytes]]


@contextmanager
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe2(os.O_CLOEXEC)
    try:
        yield ends
    finally:
        for end in ends:
            os.close(end)


def output_of(*argv: bytes, variables: Variables | None = None, stderr: int = 2) -> bytes:
    environment = Environment(os.environb.items() if variables is None else variables)
    with pipe() as (reading, writing), pipe() as (stdin, _):
        pid = spawn(list(argv), environment, stdin, writing, stderr, new_session=False)
        os.waitpid(pid, 0)
        os.set_blocking(reading, False)
        try:
            return os.read(reading, 1 << 16)
        except BlockingIOError:
            return b""


def error_of(program: bytes, variables: Variables) -> int | None:
    try:
        output_of(program, variables=variables)
    except OSError as error:
        return error.errno
    return None


def test_the_environment_is_passed_on_entry_by_entry() -> None:
    """LCH-010: duplicates and order included."""
    variables = [(b"PATH", b"/usr/bin:/bin"), (b"A", b"1"), (b"a.b", b"\xff"), (b"A", b"2")]
    assert output_of(b"env", variables=variables) == (b"PATH=/usr/bin:/bin\nA=1\na.b=\xff\nA=2\n")


def test_entries_that_python_refuses_are_left_out() -> None:
    variables = [(b"", b"x"), (b"A=B", b"x"), (b"C", b"=")]
    assert output_of(b"/usr/bin/env", variables=variables) == b"C=\n".replace(b"\n", b"=\n")


def test_without_a_path_there_is_the_systems() -> None:
    assert output_of(b"echo", b"found", variables=[]) == b"found\n"


def test_the_first_of_several_paths_counts() -> None:
    """As for getenv."""
    paths = [(b"PATH", b"/usr/bin:/bin"), (b"PATH", b"/nonexistent")]
    assert output_of(b"echo", variables=paths) == b"\n"
    assert error_of(b"echo", list(reversed(paths))) == errno.ENOENT


@pytest.mark.parametrize("path", [b"", b":/nonexistent", b"/nonexistent:", b"a::b"])
def test_an_empty_directory_is_the_current_one(
    path: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "program").write_text("#!/bin/sh\necho found\n")
    (tmp_path / "program").chmod(0o755)
    monkeypatch.chdir(tmp_path)
    assert output_of(b"program", variables=[(b"PATH", path)]) == b"found\n"


def test_a_program_may_not_be_executed(tmp_path: Path) -> None:
    """LCH-036: that says more than that there is none elsewhere."""
    (tmp_path / "program").write_text("")
    path = bytes(tmp_path) + b":/usr/bin:/nonexistent"
    assert error_of(b"program", [(b"PATH", path)]) == errno.EACCES


def test_other_errors_end_the_search(tmp_path: Path) -> None:
    program = tmp_path / "program"
    with program.open("w") as file:  # while somebody writes it, it cannot be executed
        program.chmod(0o755)
        file.write("#!/bin/sh")
        path = bytes(tmp_path) + b":/usr/bin"
        assert error_of(b"program", [(b"PATH", path)]) == errno.ETXTBSY


@pytest.mark.parametrize("program", [b"", b"/", b"x" * 300, b"/nonexistent/program"])
def test_what_is_no_program(program: bytes) -> None:
    expected = {b"/": errno.EACCES}.get(program, errno.ENOENT)
    assert error_of(program, [(b"PATH", b"/usr/bin:/bin")]) == expected


def test_a_script_without_an_interpreter(tmp_path: Path) -> None:
    """LCH-036: the shell runs it with its arguments, and is told how it was found."""
    (tmp_path / "program").write_text('echo "$0" "$@"')
    (tmp_path / "program").chmod(0o755)
    file = bytes(tmp_path / "program")
    variables = [(b"PATH", bytes(tmp_path))]
    for program in (b"program", file):
        assert output_of(program, b"a b", b"c", variables=variables) == file + b" a b c\n"


def test_too_long_an_argument_is_an_error() -> None:
    with pytest.raises(OSError, match="Argument list too long"):
        output_of(b"true", b"x" * (1 << 17))


def test_another_descriptor_for_standard_error() -> None:
    with pipe() as (reading, writing):
        output_of(b"sh", b"-c", b"echo message >&2", stderr=writing)
        assert os.read(reading, 100) == b"message\n"


def test_standard_error_may_be_the_standard_output_of_this_process(
    capfd: pytest.CaptureFixture[str],
) -> None:
    assert output_of(b"sh", b"-c", b"echo message >&2; echo result", stderr=1) == b"result\n"
    assert capfd.readouterr().out == "message\n"


def test_standard_error_that_is_closed_stays_closed() -> None:
    """LCH-039: what stands in for it here is ours."""
    kept = os.dup(2)
    os.set_inheritable(2, False)
    try:
        assert output_of(b"sh", b"-c", b"(: >&2) && echo open || echo closed") == b"closed\n"
    finally:
        os.dup2(kept, 2)
        os.close(kept)
