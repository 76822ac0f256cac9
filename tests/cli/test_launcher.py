"""The installed programs: what Python does to its process reaches nobody."""

from __future__ import annotations

import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

import pytest

from paexec_trio.cli import launch
from tests.cli.harness import LIMIT

BIN = Path(sysconfig.get_path("scripts"))
PROGRAM = BIN / "paexec-trio"
PROGRAMS = ("paexec-trio", "paargs-trio", "pareorder-trio", "patop-trio")

ECHO = "while IFS= read -r task; do echo $task; echo; done"


def run(
    *command: str | Path,
    environment: dict[str, str] | None = None,
    stdin: bytes = b"",
    limits: dict[int, int] | None = None,
) -> subprocess.CompletedProcess[bytes]:
    """Run a program to its end, in a bare environment and under limits."""

    def set_limits() -> None:
        for name, value in (limits or {}).items():
            resource.setrlimit(name, (value, value))

    return subprocess.run(
        command,
        env={"PATH": os.environ["PATH"], **(environment or {})},
        input=stdin,
        capture_output=True,
        timeout=LIMIT,
        check=False,
        preexec_fn=set_limits if limits else None,
    )


# Variables for Python

MODULE = "raise SystemExit('a module of the user was loaded')\n"

VARIABLES = {
    "PYTHONHOME": "/nonexistent",
    "PYTHONPATH": "{modules}",
    "PYTHONSTARTUP": "{modules}/select.py",
    "PYTHONINSPECT": "1",
    "PYTHONHASHSEED": "no number",
    "PYTHONMALLOC": "nonsense",
    "PYTHONMALLOCSTATS": "1",
    "PYTHONWARNINGS": "error",
    "PYTHONVERBOSE": "1",
    "PYTHONDEVMODE": "1",
    "PYTHONPROFILEIMPORTTIME": "1",
    "PYTHONDUMPREFS": "1",
    "PYTHONCOERCECLOCALE": "warn",
    "PYTHONIOENCODING": "nonsense",
    "PYTHONUTF8": "nonsense",
    "PYTHONTRACEMALLOC": "nonsense",
    "PYTHONINTMAXSTRDIGITS": "nonsense",
    "PYTHONPLATLIBDIR": "nonsense",
    "PYTHONSAFEPATH": "",
}


@pytest.mark.parametrize("name", VARIABLES)
def test_a_variable_for_python_reaches_calculators_and_nobody_else(
    name: str, tmp_path: Path
) -> None:
    for module in ("select", "signal", "encodings", "sitecustomize", "usercustomize", "typing"):
        (tmp_path / f"{module}.py").write_text(MODULE)
    value = VARIABLES[name].format(modules=tmp_path)
    result = run(
        *(PROGRAM, "-x", "-n", "+1", "-c", f'printf %s "${name}"; :'),
        environment={name: value},
        stdin=b"task\n",
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, value.encode() + b"\n", b"")


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_program_is_isolated(program: str) -> None:
    result = run(BIN / program, "-V", environment={"PYTHONHOME": "/nonexistent"})
    assert result.stdout.startswith(program.encode())
    assert (result.returncode, result.stderr) == (0, b"")


# Names and places


def test_a_link_is_another_name(tmp_path: Path) -> None:
    (tmp_path / "paexec").symlink_to(PROGRAM)
    result = run(tmp_path / "paexec", "-n", "+0", "-c", "cat")
    assert result.stderr.startswith(b"paexec: ")


def test_a_copy_under_another_name_is_paexec_trio(tmp_path: Path) -> None:
    program = place(tmp_path, f'exec {BIN}/python3 "$@"')
    result = run(program.rename(tmp_path / "other"), "-n", "+1", "-x", "-C", "echo", stdin=b"a\n")
    assert (result.returncode, result.stdout, result.stderr) == (0, b"a\n", b"")


def test_a_program_is_found_by_its_own_name(tmp_path: Path) -> None:
    """Such as by ``pgrep paexec-trio``."""
    started = tmp_path / "started"
    os.mkfifo(started)
    process = subprocess.Popen(
        [PROGRAM, "-n", "+1", "-c", f"echo > {started}; cat"], stdin=subprocess.PIPE
    )
    started.read_bytes()
    assert Path(f"/proc/{process.pid}/comm").read_text() == "paexec-trio\n"
    process.communicate(timeout=LIMIT)


def place(directory: Path, interpreter: str) -> Path:
    """Install the launcher anew, beside an interpreter that a test wrote."""
    python = directory / "python3"
    python.write_text(f"#!/bin/sh\n{interpreter}\n")
    python.chmod(0o755)
    return Path(shutil.copy(PROGRAM, directory / "paexec-trio"))


def test_the_interpreter_stands_beside_the_program(tmp_path: Path) -> None:
    program = place(tmp_path, 'echo "$1 $2 $3"; shift 4; printf "%s\\n" "$@"')
    result = run(program, "-n", "a b", stdin=b"")
    assert result.stdout.decode().splitlines() == [
        "-IS -Xutf8 -c",
        f"{tmp_path}/..",
        "paexec-trio",
        "0",
        "0",
        "0",
        str(program),
        "-n",
        "a b",
    ]


def test_a_directory_as_standard_input_is_an_input_that_cannot_be_read(tmp_path: Path) -> None:
    """END-023. The interpreter would refuse to start, for ``-V`` as well."""
    directory = os.open(tmp_path, os.O_RDONLY)
    for arguments in (["-V"], ["-n", "+1", "-c", "cat"]):
        result = subprocess.run(
            [PROGRAM, *arguments], stdin=directory, capture_output=True, timeout=LIMIT, check=False
        )
        if arguments == ["-V"]:
            assert (result.returncode, result.stderr) == (0, b"")
        else:
            reason = b"paexec-trio: reading from standard input failed: Is a directory\n"
            assert (result.returncode, result.stderr) == (1, reason)
    os.close(directory)


# Signals


def test_signals_wait_until_the_interpreter_has_started(tmp_path: Path) -> None:
    program = place(tmp_path, "kill -INT $$; kill -TERM $$; kill -HUP $$; kill -QUIT $$; echo ok")
    assert run(program).stdout == b"ok\n"


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_the_interpreter_starts_ends_the_program(
    signum: signal.Signals, tmp_path: Path
) -> None:
    """END-030: by that signal, without a word."""
    program = place(tmp_path, f'kill -{signum.name[3:]} $$; exec {BIN}/python3 "$@"')
    result = run(program, "-n", "+1", "-c", "cat")
    assert (result.returncode, result.stdout, result.stderr) == (-signum, b"", b"")


STATUS = """
import os, signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1, signal.SIGTERM])
signal.signal(signal.SIGUSR2, signal.SIG_IGN)
signal.signal(signal.SIGQUIT, signal.SIG_IGN)
os.execv(sys.argv[1], sys.argv[1:])
"""


def signals_of(pid: int) -> dict[str, int]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {
        line[:6]: int(line.split()[1], 16) for line in lines if line[:6] in {"SigBlk", "SigIgn"}
    }


def bit(signum: int) -> int:
    return 1 << (signum - 1)


def test_what_was_blocked_and_ignored_stays_so() -> None:
    """END-031."""
    process = subprocess.Popen(
        [sys.executable, "-c", STATUS, PROGRAM, "-n", "+1", "-c", ECHO],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdin
    assert process.stdout
    process.stdin.write(b"task\n")
    process.stdin.flush()
    assert process.stdout.readline() == b"task\n"  # it starts nothing now: that blocks all of them
    found = signals_of(process.pid)
    process.communicate(timeout=LIMIT)
    assert found["SigBlk"] == bit(signal.SIGUSR1) | bit(signal.SIGTERM)
    assert found["SigIgn"] & bit(signal.SIGUSR2)
    assert found["SigIgn"] & bit(signal.SIGQUIT)


def processes_of_session(leader: int) -> bytes:
    listed = subprocess.run(["ps", "-o", "args=", "-s", str(leader)], stdout=subprocess.PIPE)  # noqa: PLW1510 (1 if none)
    return listed.stdout


@pytest.mark.long
@pytest.mark.parametrize("program", PROGRAMS)
def test_an_interrupt_at_any_moment_leaves_nothing_behind(program: str) -> None:
    """END-030, at 300 random moments: no traceback, no process, by the signal or in the end 0."""
    rng = random.Random(program)  # noqa: S311 (moments, no secrets)
    arguments = {
        "paexec-trio": ["-n", "+2", "-c", ECHO],
        "paargs-trio": ["-P", "+2", "echo"],
        "pareorder-trio": [],
        "patop-trio": ["report", "/dev/stdin"],
    }
    ends = set()
    for _ in range(300):
        process = subprocess.Popen(
            [BIN / program, *arguments[program]],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        assert process.stdin is not None
        process.stdin.write(b"1 a\n1 \n")
        process.stdin.close()
        process.stdin = None
        time.sleep(rng.uniform(0, 0.4))  # the moment is what is tried, nothing is waited for
        process.send_signal(signal.SIGINT)
        _, diagnostics = process.communicate(timeout=LIMIT)
        assert diagnostics == b""
        assert processes_of_session(process.pid) == b""
        ends.add(process.returncode)
    assert ends == {0, -signal.SIGINT}


# What is lacking


@pytest.mark.parametrize("count", range(4, 12))
def test_too_few_descriptors_are_one_diagnostic(count: int) -> None:
    """LIM-005."""
    result = run(PROGRAM, "-n", "+1", "-c", "cat", limits={resource.RLIMIT_NOFILE: count})
    assert (result.returncode, result.stderr.count(b"\n")) == (1, 1)
    assert result.stderr.startswith(b"paexec-trio: ")


@pytest.mark.parametrize("megabytes", [8, 16, 24, 31])
def test_too_little_memory_to_start_is_one_diagnostic(megabytes: int) -> None:
    result = run(PROGRAM, "-V", limits={resource.RLIMIT_AS: megabytes << 20})
    expected = b"paexec-trio: cannot start Python: Cannot allocate memory\n"
    assert (result.returncode, result.stderr) == (1, expected)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (MemoryError(), "out of memory"),
        (OSError(24, "Too many open files"), "Too many open files"),
        (RuntimeError("odd"), "internal error: RuntimeError: odd (" + __file__),
        (ImportError("no module"), "internal error: ImportError: no module"),
    ],
)
def test_whatever_happens_there_is_one_line_and_no_traceback(
    error: Exception,
    words: str,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(_name: str) -> object:
        raise error

    monkeypatch.setattr(launch, "import_module", fail)
    monkeypatch.setattr(sys, "argv", ["/somewhere/paexec"])
    assert launch.launch("paexec-trio") == 1
    diagnostics = capfd.readouterr().err
    assert diagnostics.startswith(f"paexec: {words}")
    assert diagnostics.count("\n") == 1
