"""The search for processes of a test among those of the machine."""

from __future__ import annotations

import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from conformance.harness import processes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MARK = "PAEXEC_CONFORMANCE_SELFTEST"


def test_who_starts_a_program_is_found(tmp_path: Path) -> None:
    """The system shows no environment of a process at that moment; this one does nothing else."""
    script = tmp_path / "again"
    script.write_text('exec sh "$0"\n')
    with subprocess.Popen(["/bin/sh", str(script)], env={MARK: str(tmp_path)}) as process:
        try:
            for _ in range(500):
                assert processes.with_variable(MARK, str(tmp_path)) == {process.pid}
        finally:
            process.kill()


def test_who_starts_after_a_look_is_found(tmp_path: Path) -> None:
    """A look remembers the processes it found. A new process with the same id is another one."""
    with subprocess.Popen(["/bin/cat"], stdin=subprocess.PIPE):
        assert processes.with_variable(MARK, str(tmp_path)) == set()
        assert processes.with_variable(MARK, str(tmp_path)) == set()
        environment = {MARK: str(tmp_path)}
        marked = subprocess.Popen(["/bin/cat"], env=environment, stdin=subprocess.PIPE)
        with marked:
            assert processes.with_variable(MARK, str(tmp_path)) == {marked.pid}
            assert processes.with_variable(MARK, str(tmp_path)) == {marked.pid}
        assert processes.with_variable(MARK, str(tmp_path)) == set()


def test_a_process_id_that_is_used_again_is_looked_at_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "_PROC", tmp_path)
    monkeypatch.setattr(processes, "_seen", {})
    for name, found in (b"OTHER=x", set()), (f"{MARK}=x".encode(), {7}):
        (tmp_path / "7").mkdir()
        (tmp_path / "7" / "environ").write_bytes(name + b"\0")
        assert processes.with_variable(MARK, "x") == found
        (tmp_path / "7").rename(tmp_path / f"gone{len(found)}")


@pytest.fixture
def limit(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A test that waits for a program that does not start fails."""
    monkeypatch.setattr(processes, "_START", seconds := 30.0)
    began = time.monotonic()
    yield
    assert time.monotonic() - began < seconds


@pytest.mark.usefixtures("limit")
def test_who_was_given_no_environment_is_not_waited_for() -> None:
    bare = subprocess.Popen(["/bin/cat"], env={}, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with bare:
        assert bare.stdin
        assert bare.stdout
        bare.stdin.write(b"x")
        bare.stdin.flush()
        assert bare.stdout.read(1) == b"x"
        assert processes.with_variable(MARK, "") == set()


@pytest.mark.usefixtures("limit")
def test_who_has_no_memory_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A zombie and a thread of the kernel; some kernels show an empty environment of them."""
    (tmp_path / "2").mkdir()
    (tmp_path / "2" / "environ").write_bytes(b"")
    (tmp_path / "2" / "stat").write_bytes(b"2 (kthreadd) S" + 49 * b" 0")
    monkeypatch.setattr(processes, "_PROC", tmp_path)
    assert processes.with_variable(MARK, "") == set()
