"""Whether a case can be done again without pytest."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from conformance.harness.programs import COMPANIONS, NONE
from conformance.harness.recording import (
    Recorder,
    Step,
    files_of,
    load_recording,
    make_files,
    replaced,
)
from conformance.selftest.running import run_suite

GOOD = str(Path(sys.executable).with_name("paexec-trio"))
# What it prints is right, but for a second line where a task was fatal.
BROKEN = f"""#!/bin/sh
{shlex.quote(GOOD)} "$@" | sed -u 's/^.*fatal$/&\\n&/'
"""


def replay(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "conformance.replay", *words],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def failed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A test that a broken distributor has failed."""
    program = tmp_path_factory.mktemp("broken") / "paexec"
    program.write_text(BROKEN)
    program.chmod(0o755)
    run = run_suite(
        tmp_path_factory.mktemp("suite"),
        f"--impl={program}",
        *(f"--{name}={NONE}" for name in COMPANIONS),
        *("--requirement=DTH-020", "-x"),
        chapters=["death"],
        status=1,
    )
    found: dict[str, Any] = next(test for test in run["tests"] if test["status"] == "fail")
    return found


def recording_of(test: dict[str, Any]) -> str:
    return shlex.split(test["recording"])[3]


def test_the_command_of_the_report_shows_the_same(failed: dict[str, Any], tmp_path: Path) -> None:
    """In any directory."""
    words = shlex.split(failed["recording"])
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout.endswith("\nAs it was.\n"), done.stdout
    assert done.returncode == 0
    assert failed["test"] in done.stdout
    assert failed["message"] in done.stdout
    assert "DTH-020 (MUST): " in done.stdout
    assert "distributor started" in done.stdout


def test_who_does_otherwise_is_told_how(failed: dict[str, Any]) -> None:
    done = replay(recording_of(failed), f"--impl={GOOD}")
    assert "\nNot as it was:\n" in done.stdout
    assert "\ndistributor 0: output b" in done.stdout
    assert done.returncode == 1


def test_who_does_nothing_is_told_what_is_missing(failed: dict[str, Any]) -> None:
    done = replay(recording_of(failed), "--impl=true")
    missing = done.stdout.partition("\nNot as it was:")[2]
    # Maybe after something that the program could not be told any more.
    assert "\ncalculator " in missing
    assert done.returncode == 1


@pytest.mark.parametrize("text", ["", "{'test': 'x'", "{}\n", "[]\n", "{}\nopen('x')\n"])
def test_what_is_no_recording(text: str, tmp_path: Path) -> None:
    (tmp_path / "recording").write_text(text)
    done = replay(str(tmp_path / "recording"), f"--impl={GOOD}")
    assert done.stderr.startswith("replay: ")
    assert done.stderr.count("\n") == 1
    assert done.returncode == 2


def test_no_such_file() -> None:
    done = replay("/no/recording", f"--impl={GOOD}")
    assert done.stderr.startswith("replay: ")
    assert done.returncode == 2


def test_what_was_seen_stands_with_the_next_step() -> None:
    about: dict[str, Any] = dict.fromkeys(("test", "companion", "sentences", "message"), "x")
    recorder = Recorder()
    recorder.did("stage", "start", ("-n", b"/here/\xff"))
    recorder.saw_start("calculator 0", [b"alpha"])
    recorder.saw_read("calculator 0", b"a")
    recorder.saw_read("calculator 0", b"\n")
    recorder.did("calculator 0", "write", b"x\n")
    recorder.saw_printed("distributor 0", len(b"in /here\n"))
    recorder.saw_end("distributor 0")
    outcome = {"distributor 0": (0, b"in /here\n/here\n")}
    text = recorder.dump({**about, "came of it": outcome}, {b"/here": b"@PLACE@"})
    loaded, steps = load_recording(text)
    assert loaded == {**about, "came of it": {"distributor 0": (0, b"in @PLACE@\n@PLACE@\n")}}
    assert steps == [
        Step(({}, {}, {}, ()), "stage", "start", (("-n", b"@PLACE@/\xff"),)),
        Step(
            ({"calculator 0": (b"alpha",)}, {"calculator 0": b"a\n"}, {}, ()),
            *("calculator 0", "write", (b"x\n",)),
        ),
        Step(
            ({}, {}, {"distributor 0": len(b"in @PLACE@\n")}, ("distributor 0",)),
            *("stage", "end", ()),
        ),
    ]


def test_nothing_is_kept_of_what_is_too_long_or_cannot_be_repeated() -> None:
    recorder = Recorder()
    recorder.did("distributor 0", "feed", b"x" * ((1 << 20) + 1))
    assert recorder.dump({}, {}) == ""
    recorder = Recorder()
    recorder.did("distributor 0", "feed", b"x")
    recorder.give_up()
    recorder.did("distributor 0", "feed", b"x")
    assert recorder.dump({}, {}) == ""


def test_octets_are_replaced_wherever_they_stand() -> None:
    value = {"a/x": [b"/x\xff", ("/x", 1, None)], b"/x": True}
    assert replaced(value, {b"/x": b"!"}) == {"a!": (b"!\xff", ("!", 1, None)), b"!": True}


def test_files_come_back(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    (old / "inner").mkdir(parents=True)
    (old / "inner" / "file").write_bytes(b"\xff\n")
    (old / "inner" / "file").chmod(0o750)
    (old / "link").symlink_to("inner/nowhere")
    new.mkdir()
    make_files(new, files_of(old))
    make_files(new, files_of(old))  # they are there already
    assert files_of(new) == files_of(old)
