"""``--group`` and ``--keep-order`` as their users call them."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.cli.harness import PROGRAM, call, is_one_diagnostic

BOTH = pytest.mark.parametrize("option", ["--group", "--keep-order"])

LINE = b"0123456789abcd\n"

SIZED = 'while read -r n; do yes 0123456789abcd | head -n "$n"; echo; done'
"""A calculator whose result has as many lines as the task says."""


def test_the_order_of_the_tasks() -> None:
    """GRP-020."""
    tasks = b"".join(b"%d\n" % number for number in range(1, 301))
    echo = 'while read -r n; do echo "$n a"; echo "$n b"; echo; done'
    result = call("--keep-order", "-n", "+3", "-c", echo, stdin=tasks)
    assert result.returncode == 0
    lines = [b"%d %c" % (number, letter) for number in range(1, 301) for letter in b"ab"]
    assert result.stdout.splitlines() == lines


@BOTH
@pytest.mark.parametrize("directory", ["missing", "file", b"\xff"])
def test_no_directory_for_the_temporary_file(
    option: str, directory: str | bytes, tmp_path: Path
) -> None:
    """GRP-033, GRP-035."""
    (tmp_path / "file").touch()
    path = os.path.join(os.fsencode(tmp_path), os.fsencode(directory))  # noqa: PTH118
    result = call(
        *(option, "-n", "+1", "-c", SIZED), stdin=b"2\n3000000\n", environment={"TMPDIR": path}
    )
    assert result.returncode == 1
    assert result.stdout == LINE * 2
    diagnostic, *others = result.stderr.splitlines(keepends=True)
    assert is_one_diagnostic(diagnostic)
    assert path.replace(b"\xff", b"\\377") in diagnostic
    assert all(line.startswith(b"yes: ") for line in others)


@BOTH
def test_a_full_disk(option: str, tmp_path: Path) -> None:
    """GRP-035: a limit on the size of files stands for it."""
    result = call(
        *(option, "-n", "+1", "-c", SIZED),
        stdin=b"2\n3000000\n",
        environment={"TMPDIR": str(tmp_path)},
        before=("/bin/sh", "-c", 'ulimit -f 8192; exec "$@"', "sh"),
    )
    assert result.returncode == 1
    assert result.stdout == LINE * 2
    assert b"temporary file in '%b': File too large\n" % os.fsencode(tmp_path) in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_an_empty_tmpdir_is_none() -> None:
    """GRP-033."""
    result = call(
        "--group", "-n", "+1", "-c", SIZED, stdin=b"3000000\n", environment={"TMPDIR": ""}
    )
    assert result.returncode == 0
    assert len(result.stdout) == 3_000_000 * len(LINE)


@BOTH
def test_memory_is_bounded(option: str) -> None:
    """GRP-031: 150 MB are held back."""
    with subprocess.Popen(
        [*PROGRAM, option, "-n", "+1", "-c", SIZED], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as program:
        assert program.stdin
        assert program.stdout
        program.stdin.write(b"10000000\n")
        program.stdin.flush()
        for _ in range(150):
            assert len(program.stdout.read(1_000_000)) == 1_000_000
        status = Path(f"/proc/{program.pid}/status").read_text()
        program.stdin.close()
        assert program.stdout.read() == b""
    assert program.returncode == 0
    peak = next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:"))
    assert int(peak) < 96 << 10, "KiB, of which the interpreter takes 30"
