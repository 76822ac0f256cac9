"""The small programs do what the figures depend on."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest

from tests.benchmarks.building import Tools, build

LIMIT = 60


def output(*words: str | Path, stdin: bytes = b"") -> bytes:
    done = subprocess.run(words, input=stdin, stdout=subprocess.PIPE, timeout=LIMIT, check=True)
    return done.stdout


def test_the_calculator_answers_each_line(tools: Tools) -> None:
    assert output(tools.calculator, "echo", stdin=b"a b\n\nc\n") == b"a b\n\n\n\nc\n\n"
    assert output(tools.calculator, "say", "word", stdin=b"a\nb\n") == b"word\n\nword\n\n"
    assert output(tools.calculator, "lines", "2", "3", stdin=b"a\nb\n") == b"xx\nxx\n\n" * 2
    assert output(tools.calculator, "print", "2", "3", "ignored") == b"xx\nxx\n"
    assert output(tools.calculator, "once", "0", "a b") == b"a b\n"


@pytest.mark.parametrize("size", [1, 80, 65535, 65536, 65537, 1_000_000])
def test_the_calculator_prints_lines_of_any_size(tools: Tools, size: int) -> None:
    assert output(tools.calculator, "print", "3", str(size)) == (b"x" * (size - 1) + b"\n") * 3


def test_the_calculator_answers_before_it_reads_on(tools: Tools) -> None:
    with subprocess.Popen(
        [tools.calculator, "echo"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as calculator:
        assert calculator.stdin
        assert calculator.stdout
        for task in (b"1\n", b"2\n"):
            calculator.stdin.write(task)
            calculator.stdin.flush()
            assert calculator.stdout.readline() == task
            assert calculator.stdout.readline() == b"\n"


def test_a_link_takes_its_time_each_way(tools: Tools) -> None:
    with subprocess.Popen(
        [tools.link, "50", "node", "exec cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as link:
        assert link.stdin
        assert link.stdout
        for task in (b"1\n", b"2\n"):
            begin = time.monotonic()
            link.stdin.write(task)
            link.stdin.flush()
            assert link.stdout.readline() == task
            assert time.monotonic() - begin >= 0.1


def test_on_a_link_nothing_waits_for_what_is_on_its_way(tools: Tools) -> None:
    """A thousand octets, each written by itself, take little more than one."""
    begin = time.monotonic()
    with subprocess.Popen(
        [tools.link, "200", "node", "exec cat"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        bufsize=0,
    ) as link:
        assert link.stdin
        assert link.stdout
        for _ in range(1000):
            link.stdin.write(b"x")
        link.stdin.close()
        assert b"".join(iter(lambda: link.stdout.read(65536), b"")) == b"x" * 1000  # type: ignore[union-attr]
    assert 0.4 <= time.monotonic() - begin < 1000 * 0.4


def test_a_link_passes_everything_in_order(tools: Tools) -> None:
    octets = bytes(range(256)) * 20_000
    assert output(tools.link, "1", "node", "cat", stdin=octets) == octets


def test_a_link_ends_as_the_command_does(tools: Tools) -> None:
    def status(command: str) -> int:
        done = subprocess.run(
            [tools.link, "1", "node", command],
            stdin=subprocess.DEVNULL,
            timeout=LIMIT,
            check=False,
        )
        return done.returncode

    assert status("exit 7") == 7
    assert status("kill -TERM $$") == 128 + 15
    assert status("read line || exit 3") == 3


def test_a_missing_compiler_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RuntimeError, match="gcc"):
        build(tmp_path)
