"""Bad input is answered by one clear line and the status that the README names."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from conformance.harness.asking import MOST, ask
from conformance.harness.processes import await_ends, state_of
from conformance.selftest.test_soundness import RED, REFUSED, UNKNOWN, Copy, entry

USAGE = pytest.ExitCode.USAGE_ERROR


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    return Copy(tmp_path)


def script(path: Path, text: str, mode: int = 0o755) -> str:
    path.write_text(text)
    path.chmod(mode)
    return str(path)


def line_of(output: str) -> str:
    """The only line of output."""
    lines = output.splitlines()
    assert len(lines) == 1, output
    return lines[0]


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("/no/such/program", "no such program"),
        ("no-such-program", "no such program"),
        ("DIRECTORY", "it is a directory"),
        ("plain", "it is not executable"),
        ("link", "no such program"),
        ("lost", "its interpreter does not exist"),
        ("garbage", "Exec format error"),
        ("", "it names no program"),
        ("'half", "No closing quotation"),
    ],
)
def test_an_implementation_that_cannot_be_run(
    copy: Copy, tmp_path: Path, command: str, reason: str
) -> None:
    script(tmp_path / "plain", "#!/bin/sh\n", 0o644)
    script(tmp_path / "lost", "#!/no/such/shell\n")
    (tmp_path / "garbage").write_bytes(b"\x7fELF\0\0\0\0")
    (tmp_path / "garbage").chmod(0o755)
    (tmp_path / "link").symlink_to(tmp_path / "nothing")
    if command in {"plain", "link", "lost", "garbage"}:
        command = str(tmp_path / command)
    copy.implementation = command.replace("DIRECTORY", str(tmp_path))
    status, output = copy.judge()
    assert status == UNKNOWN
    assert line_of(output) == (f"conformance: --impl: cannot run {copy.implementation!r}: {reason}")
    if command.startswith("/no/"):
        assert copy.judge("--require-conformance", "-n", "2") == (RED, output)


@pytest.mark.parametrize(
    ("text", "said", "version"),
    [
        ("echo name 1.0; yes | head -1000000", f"-V printed more than {MOST} octets", "name 1.0"),
        ("exec yes", f"-V printed more than {MOST} octets", "y"),
        ("echo name 1.0; exec yes >&2", f"-V printed more than {MOST} octets", "name 1.0"),
        ("exec sleep 1000", "-V did not end within 1.2 s", "(unknown)"),
        ("echo name 1.0; exec sleep 1000", "-V did not end within 1.2 s", "name 1.0"),
        ("sleep 1000 & echo name 1.0", "-V did not end within 1.2 s", "name 1.0"),
        ("kill -SEGV $$", "", "(unknown)"),
        ("printf '\\377\\0name\\n'", "", "\ufffd\0name"),
    ],
)
def test_an_implementation_that_cannot_be_asked(
    copy: Copy, tmp_path: Path, text: str, said: str, version: str
) -> None:
    """It is judged all the same; a test of the suite says what it owes."""
    asked = tmp_path / "asked"
    copy.implementation = script(
        tmp_path / "program",
        f"#!/bin/sh\ncase $1 in -V) echo >>{asked}; {text}; exit;; -h) exit;; esac\nexit 1\n",
    )
    status, output = copy.judge("--timeout-scale=0.01", "-n", "2")
    assert status == RED, output
    assert f"\nversion: {version}\n" in output
    assert [line for line in output.splitlines() if "note: -V" in line] == (
        [f"note: {said}"] if said else []
    )
    assert "\nverdict: does not conform\n" in output
    assert asked.read_text() == "\n", "it was asked by each worker"


LASTING = """#!/bin/sh
case $1 in
    -h) exit;;
esac
sleep 1000 &
echo $$ $! >{fifo}
wait
"""
"""An implementation that never says its version, and starts a process meanwhile."""


def test_what_is_asked_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    program = script(tmp_path / "program", "#!/bin/sh\nsleep 1000 & echo $!; wait\n")
    told: list[str] = []
    answer = ask([program], ["-V"], 0.5, told.append)["-V"]
    child = int(answer.stdout)
    assert answer.complaint == "-V did not end within 0.5 s"
    assert told == [f"waiting for the end of {program} -V, for 0.5 s at most"]
    assert has_ended(child)


def test_who_answers_at_once_is_not_waited_for_aloud() -> None:
    told: list[str] = []
    assert ask(["/bin/echo"], ["a", "b"], 1000, told.append) == {
        option: (option.encode() + b"\n", b"", "") for option in "ab"
    }
    assert told == []


def test_a_run_that_ends_while_it_asks_ends_what_it_asked(copy: Copy, tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    program = script(tmp_path / "program", LASTING.format(fifo=fifo))
    words = (f"--impl={program}", "--timeout-scale=0.5", "-p", "no:cacheprovider")
    run = subprocess.Popen(
        [sys.executable, str(copy.suite), *words], stderr=subprocess.PIPE, text=True
    )
    pids = [int(word) for word in fifo.read_text().split()]
    assert run.stderr is not None
    assert run.stderr.readline() == (
        f"conformance: waiting for the end of {program} -V, for 60 s at most\n"
    )
    run.terminate()
    assert run.communicate(timeout=40)[1] == "", "it was waited for after the signal"
    assert run.returncode == -signal.SIGTERM
    assert all(has_ended(pid) for pid in pids)


def has_ended(pid: int) -> bool:
    """Whether a process that was killed ends."""
    await_ends([pid], 20)
    return state_of(pid) in {"", "Z"}


ABOUT = 'name = "true"\nversion = "unknown"\n'
ENTRY_OF_ONE = entry("test_all.py::test_one", "AAA-001", "another message")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (ABOUT + 'colour = "red"\n', "unknown key 'colour'"),
        (ABOUT + "a = 1\nb = 2\n", "unknown key 'a', 'b'"),
        (ABOUT + "[features]\nspeed = true\n", "[features] may name"),
        (
            ABOUT + entry("test_all.py::test_gone", "AAA-001", "another message"),
            "no test test_all.py::test_gone",
        ),
        (
            ABOUT + entry("test_gone.py::test_one", "AAA-001", "another message"),
            "no test test_gone.py::test_one",
        ),
        (
            ABOUT + entry("../conftest.py::x", "AAA-001", "another message"),
            "no test ../conftest.py::x",
        ),
        (ABOUT + entry("test_one", "AAA-001", "other words"), "no test test_one"),
        (
            ABOUT + entry("test_all.py::test_one", "AAA-001", ""),
            "deviation 1: an empty text: 'test_all.py::test_one' = ''",
        ),
        (
            ABOUT + ENTRY_OF_ONE.replace("reason", 'colour = "red"\nreason'),
            "deviation 1: unknown key 'colour'",
        ),
        (
            ABOUT + ENTRY_OF_ONE + ENTRY_OF_ONE.replace("requirements", "requirement"),
            "deviation 2: unknown key 'requirement'",
        ),
        (
            ABOUT + ENTRY_OF_ONE.replace('reason = "it is known"', ""),
            "deviation 1 needs a reason, a list of requirements and a table of tests, each with a",
        ),
        (
            ABOUT + entry("test_all.py::test_one", "ZZZ-999", "another message"),
            "profile true unknown: no requirement ZZZ-999",
        ),
        (ABOUT.replace("unknown", "1.0"), "is about true 1.0, but the implementation is true unkn"),
        (ABOUT.replace("true", "false"), "is about false unknown, but the implementation is true"),
        ("", "needs a name and a version"),
        ("[", "profile.toml: "),
        ("\udcff", "can't decode"),
        (None, "No such file or directory"),
        ("DIRECTORY", "Is a directory"),
    ],
)
def test_a_profile_that_cannot_be_used(
    copy: Copy, tmp_path: Path, text: str | None, said: str
) -> None:
    profile = tmp_path / "profile.toml"
    if text == "DIRECTORY":
        profile.mkdir()
    elif text is not None:
        profile.write_bytes(text.encode(errors="surrogateescape"))
    status, output = copy.judge(f"--profile={profile}", "-k", "two")
    assert status == REFUSED
    line = line_of(output)
    assert line.startswith("conformance: ")
    assert said in line


def test_a_case_that_the_suite_does_not_have(copy: Copy) -> None:
    copy.profile = entry("test_all.py::test_two[3]", "AAA-002", "another message")
    for options in [], ["-n", "2"]:
        status, output = copy.judge(*options)
        assert status == REFUSED
        assert "profile true unknown: no test test_all.py::test_two[3]" in output
        assert "verdict" not in output
    assert copy.judge("--require-conformance")[0] == RED


def test_without_a_profile_no_failure_is_expected(copy: Copy) -> None:
    copy.implementation = script(copy.directory / "program", "#!/bin/sh\necho name 1.0\nexit 1\n")
    expected = entry("test_all.py::test_one", "AAA-001", "status is not 0")
    profile = f'name = "name"\nversion = "1.0"\n{expected}'
    (copy.suite / "profiles" / "name.toml").write_text(profile)
    status, output = copy.judge()
    assert (status, "\nverdict: fails as its profile says (1 of 1 MUSTs)\n" in output) == (0, True)
    status, output = copy.judge("--profile=none")
    assert (status, "\nverdict: does not conform\n" in output) == (RED, True)
    assert "\nprofile: name 1.0 (0 expected failures)\n" in output


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("--requirement=ZZZ-999", "--requirement: no requirement ZZZ-999"),
        ("--report-dir=/dev/null/report", "--report-dir: /dev/null/report: Not a directory"),
        ("--print-profile=/no/such/file", "--print-profile: cannot write /no/such/file"),
        (
            "--print-profile=/tmp",
            "--print-profile: /tmp is a directory; name a file in it, such as /tmp/profile.toml",
        ),
        (
            "--print-profile=test_all.py",
            "--print-profile: test_all.py is a test; name the file to write, such as profile.toml",
        ),
        (
            "--print-profile=test_all.py::test_one",
            "--print-profile: test_all.py::test_one is a test;"
            " name the file to write, such as profile.toml",
        ),
    ],
)
def test_what_would_come_to_light_too_late(copy: Copy, option: str, said: str) -> None:
    status, output = copy.judge(option)
    assert status == USAGE
    assert line_of(output.strip()) == f"ERROR: {said}"


@pytest.mark.parametrize("option", ["--print-profile", "--report-dir"])
def test_a_value_that_was_left_out(copy: Copy, option: str) -> None:
    """The name of the suite, which the program puts in, and that of a test are none."""
    words = (sys.executable, str(copy.suite), option)
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == USAGE
    assert f": error: argument {option}: expected one argument\n" in done.stderr
    before = (copy.suite / "conftest.py").read_text()
    swallows = (*words[:2], "--print-profile", "conftest.py", "--impl=/bin/true")
    done = subprocess.run(swallows, capture_output=True, text=True, check=False)
    assert done.returncode == USAGE
    assert line_of(done.stderr.strip()).startswith("ERROR: --print-profile: conftest.py is a test")
    assert (copy.suite / "conftest.py").read_text() == before


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_nobody_reads_the_help(copy: Copy, option: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    words = (sys.executable, str(copy.suite), option)
    done = subprocess.run(words, stdout=writer, stderr=subprocess.PIPE, check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (-signal.SIGPIPE, b"")
