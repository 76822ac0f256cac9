"""LIM-016: what lacks within a run ends it by one line and status 1; nothing is left running."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

BIN = Path(sys.executable).parent
MIB = 1 << 20

ECHO = "while read -r x; do echo $x; echo; done"


def run(
    words: list[str], data: bytes, limit: int, value: int
) -> subprocess.CompletedProcess[bytes]:
    """Run a program under a limit of the system; who holds its output has ended when it returns."""
    return subprocess.run(
        [BIN / words[0], *words[1:]],
        input=data,
        capture_output=True,
        check=False,
        timeout=300,
        preexec_fn=partial(resource.setrlimit, limit, (value, value)),
    )


def assert_one_line(done: subprocess.CompletedProcess[bytes], text: bytes) -> None:
    assert done.returncode == 1
    assert done.stderr.count(b"\n") == 1, done.stderr
    assert text in done.stderr


@pytest.mark.parametrize("options", [[], ["-z"], ["-x"], ["--keep-order"]], ids=" ".join)
def test_a_line_without_end(options: list[str]) -> None:
    """LIM-017: what was printed before is there, though it was still queued."""
    endless = 'exec tr "\\0" x </dev/zero'
    first = "" if "-x" in options else "read -r x; echo first; echo; read -r x;"
    words = ["paexec-trio", *options, "-n", "+1", "-c", f"{first} {endless} #"]
    done = run(words, b"1\n2\n", resource.RLIMIT_AS, 200 * MIB)
    assert_one_line(done, b"out of memory")
    assert done.stdout == (b"" if "-x" in options else b"first\n")


def test_a_graph_that_does_not_fit() -> None:
    data = b"".join(b"%d\n" % task for task in range(1_000_000))
    words = ["paexec-trio", "-g", "-n", "+1", "-c", "cat"]
    assert_one_line(run(words, data, resource.RLIMIT_AS, 90 * MIB), b"out of memory")


@pytest.mark.parametrize("descriptors", range(6, 12))
@pytest.mark.parametrize("on_death", [[], ["-z"]], ids=["plain", "-z"])
def test_few_descriptors(on_death: list[str], descriptors: int) -> None:
    """With -z those nodes do the work that can be started."""
    words = ["paexec-trio", *on_death, "-n", "+4", "-c", ECHO]
    done = run(words, b"1\n2\n3\n", resource.RLIMIT_NOFILE, descriptors)
    assert b"Traceback" not in done.stderr
    assert done.stderr.count(b"\n") in {1, 2}, done.stderr
    if done.returncode == 0:
        assert sorted(done.stdout) == sorted(b"1\n2\n3\n")
    else:
        assert done.returncode == 1


@pytest.mark.parametrize("options", [[], ["--group"]], ids=["plain", "group"])
def test_a_limit_on_the_size_of_files(options: list[str], tmp_path: Path) -> None:
    """EFBIG is an error like others: of the output, here."""
    output = tmp_path / "output"
    with output.open("wb") as stdout:
        done = subprocess.run(
            [BIN / "paexec-trio", *options, "-n", "+1", "-c", "read x; seq 100000; echo"],
            input=b"1\n",
            stdout=stdout,
            stderr=subprocess.PIPE,
            check=False,
            timeout=300,
            preexec_fn=partial(resource.setrlimit, resource.RLIMIT_FSIZE, (1000, 1000)),
        )
    assert done.returncode == 1
    assert done.stderr.count(b"\n") == 1, done.stderr
    assert b"File too large" in done.stderr


@pytest.mark.parametrize("method", ["m", "f", "s"])
def test_results_that_do_not_fit(method: str) -> None:
    """Those of -Mf and -Ms wait in a file, so only -Mm lacks memory."""
    tasks = 1_000_000 if method == "m" else 300_000
    data = b"".join(b"%d x\n" % task for task in range(tasks))
    done = run(["pareorder-trio", f"-M{method}"], data, resource.RLIMIT_AS, 100 * MIB)
    if method == "m":
        assert_one_line(done, b"out of memory; -Mf and -Ms need little")
    else:
        assert (done.returncode, done.stderr) == (0, b"")
        assert done.stdout == b"x\n" * tasks


def test_an_interrupt_while_calculators_are_ended_leaves_none() -> None:
    """END-006, END-030: the run is over already, and closes what it has opened."""
    stubborn = "trap '' INT TERM HUP; read -r x; echo $$; echo; read -r x; "
    stubborn += r"exec tr '\0' x </dev/zero"
    with subprocess.Popen(
        [BIN / "paexec-trio", "-n", "+1", "-c", stubborn],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=partial(resource.setrlimit, resource.RLIMIT_AS, (200 * MIB,) * 2),  # noqa: PLW1509
    ) as process:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        process.stdin.write(b"1\n2\n")
        process.stdin.flush()
        calculator = int(process.stdout.readline())
        assert process.stderr.readline() == b"paexec-trio: out of memory\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(300) == -signal.SIGINT
        with pytest.raises(ProcessLookupError):
            os.kill(calculator, 0)
