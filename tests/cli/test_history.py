"""``--trace`` and ``--report``, and ``patop-trio``: the files that the programs write."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.harness import LIMIT, is_one_diagnostic

BIN = Path(sys.executable).parent


def call(
    program: str, *arguments: str | Path, stdin: bytes = b"", directory: Path
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [BIN / program, *arguments],
        input=stdin,
        capture_output=True,
        cwd=directory,
        timeout=LIMIT,
        check=False,
    )


def attempts_of(trace: bytes) -> list[tuple[str, str]]:
    events = json.loads(trace)
    return sorted(
        (event["name"], event["args"]["outcome"]) for event in events if event["ph"] == "X"
    )


def test_a_short_run_has_both_files(tmp_path: Path) -> None:
    """It is over before trio is loaded."""
    words = ("-x", "-n", "+2", "--trace", "t", "--report", "r", "-J", "{}", "-c", "test {} != b")
    done = call("paexec-trio", *words, stdin=b"a\nb\n", directory=tmp_path)
    assert done.returncode == 0
    trace = (tmp_path / "t").read_bytes()
    assert attempts_of(trace) == [("a", "succeeded"), ("b", "failed")]
    assert "failed: exit status 1" in (tmp_path / "r").read_text()


def test_a_long_run_has_every_attempt(tmp_path: Path) -> None:
    tasks = b"".join(b"%d\n" % number for number in range(20_000))
    command = "while read -r task; do echo $task; echo; done"
    words = ("-n", "+2", "--trace", "t", "--report", "r", "-c", command)
    done = call("paexec-trio", *words, stdin=tasks, directory=tmp_path)
    assert done.returncode == 0
    assert sorted(done.stdout.split()) == sorted(tasks.split())
    assert [name for name, _ in attempts_of((tmp_path / "t").read_bytes())] == sorted(
        map(str, range(20_000))
    )
    assert "20,000" in (tmp_path / "r").read_text()


def test_the_page_of_a_graph_has_its_critical_path(tmp_path: Path) -> None:
    words = ("-g", "-x", "-n", "+2", "--report", "r", "-C", "true")
    call("paexec-trio", *words, stdin=b"a b\nb c\nd\n", directory=tmp_path)
    text = (tmp_path / "r").read_text()
    assert "These 3 tasks wait for each other" in text


def test_a_run_that_is_ended_by_a_signal_has_both_files(tmp_path: Path) -> None:
    words = ("-x", "-n", "+1", "--trace", "t", "--report", "r", "-c")
    script = 'exec "$@" "kill -TERM $$; sleep 99; :"'
    done = subprocess.run(
        ["/bin/sh", "-c", script, "sh", BIN / "paexec-trio", *words],
        input=b"a\n",
        capture_output=True,
        cwd=tmp_path,
        timeout=LIMIT,
        check=False,
    )
    assert done.returncode == -15
    assert attempts_of((tmp_path / "t").read_bytes()) == [("a", "given up")]
    assert "given up" in (tmp_path / "r").read_text()


@pytest.mark.parametrize("option", ["--trace", "--report"])
def test_a_file_that_cannot_be_opened(option: str, tmp_path: Path) -> None:
    """Nothing is started then."""
    words = ("-x", "-n", "+1", option, "missing/file", "-c", "touch started")
    done = call("paexec-trio", *words, stdin=b"a\n", directory=tmp_path)
    assert done.returncode == 1
    assert is_one_diagnostic(done.stderr)
    assert b"'missing/file'" in done.stderr
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize("option", ["--trace", "--report"])
@pytest.mark.parametrize(("more", "status"), [((), 1), (("--exit-status=tasks",), 255)])
def test_a_full_disk(option: str, more: tuple[str, ...], status: int, tmp_path: Path) -> None:
    """All tasks are done, and the status says that something is missing."""
    words = ("-x", *more, "-n", "+1", option, "/dev/full", "-C", "echo")
    done = call("paexec-trio", *words, stdin=b"a\nb\n", directory=tmp_path)
    assert (done.stdout, done.returncode) == (b"a\nb\n", status)
    assert is_one_diagnostic(done.stderr)
    assert b"'/dev/full' failed: No space left" in done.stderr


@pytest.mark.parametrize("option", ["--trace=", "--report="])
def test_an_empty_name(option: str, tmp_path: Path) -> None:
    done = call("paexec-trio", option, "-n", "+1", "-c", "cat", directory=tmp_path)
    assert done.returncode == 1
    assert is_one_diagnostic(done.stderr)
    assert option[:-1].encode() in done.stderr


@pytest.fixture
def log(tmp_path: Path) -> Path:
    words = ("-X", "-n", "+2", "--joblog", "log", "-C", "test", "b", "!=")
    call("paexec-trio", *words, stdin=b"a\nb\n", directory=tmp_path)
    return tmp_path / "log"


def test_pictures_of_a_job_log(log: Path, tmp_path: Path) -> None:
    trace = call("patop-trio", "trace", log, directory=tmp_path)
    assert attempts_of(trace.stdout) == [("a", "succeeded"), ("b", "failed")]
    report = call("patop-trio", "report", log, directory=tmp_path)
    assert b"failed: exit status 1" in report.stdout
    assert (trace.returncode, report.returncode) == (0, 0)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], b"report or trace"),
        (["watch", "log"], b"'watch'"),
        (["report"], b"one job log"),
        (["trace", "a", "b"], b"one job log"),
        (["report", "missing"], b"'missing' failed: No such file"),
        (["report", "/"], b"'/' failed: Is a directory"),
        (["report", "/etc/passwd"], b"line 1 of '/etc/passwd'"),
        (["-q"], b"'q'"),
    ],
)
def test_calls_of_patop_that_cannot_work(arguments: list[str], said: bytes, tmp_path: Path) -> None:
    done = call("patop-trio", *arguments, directory=tmp_path)
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.startswith(b"patop-trio: ")
    assert done.stderr.count(b"\n") == 1
    assert said in done.stderr


def test_a_page_that_cannot_be_printed(log: Path) -> None:
    done = subprocess.run(
        ["/bin/sh", "-c", '"$@" > /dev/full', "sh", BIN / "patop-trio", "report", log],
        capture_output=True,
        timeout=LIMIT,
        check=False,
    )
    assert done.returncode == 1
    assert b"No space left" in done.stderr
