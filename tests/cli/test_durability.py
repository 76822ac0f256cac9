"""Results and lines of the log on the disk, as a loss of power would find them (ACC-038, ACC-049).

No test switches the machine off. The system calls of a run say what the disk has for sure at each
moment. From that a moment is rebuilt: more may be there, in whole or in part, and then the run is
resumed. ``PAEXEC_TEST_MOMENTS=200`` tries more moments than 4.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from paexec_trio.core.joblog import HEADER, parse
from tests.cli.harness import LIMIT, PROGRAM
from tests.cli.test_resuming import results_of

pytestmark = pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")

TASKS = b"".join(b"%d\n" % number for number in range(1, 61))

RESULTS = 'while IFS= read -r n; do echo "$n begins"; echo "$n ends"; echo; done'

CALL = re.compile(r"^(\d+) +(\w+)\(\d+<([^>]*)>(.*)$")
REST = re.compile(r"^(\d+) +<\.\.\. (\w+) resumed>(.*)$")


@dataclass(slots=True)
class Moment:
    """The octets of both files: how many were written, and how many the disk has for sure."""

    output: int = 0
    output_safe: int = 0
    log: int = 0
    log_safe: int = 0


@dataclass(slots=True)
class Call:
    """A system call: its name, the file, and what was written when it began."""

    name: str
    path: str
    written: int


def words_of(*options: str) -> list[str]:
    return [*PROGRAM, "--joblog", "log", "--output", "out", *options, "-n", "+3", "-c", RESULTS]


def run(directory: Path, *options: str, before: Sequence[str] = ()) -> None:
    with (directory / "tasks").open("rb") as tasks:
        done = subprocess.run(
            [*before, *words_of(*options)],
            stdin=tasks,
            cwd=directory,
            capture_output=True,
            timeout=LIMIT,
            check=False,
        )
    assert done.returncode == 0, done.stderr


def moments_in(trace: Path, directory: Path) -> Iterator[tuple[str, Moment]]:
    """Yield each call, with what is on the disk after it; a write to the log, when it begins."""
    now = Moment()
    began: dict[str, Call] = {}
    for line in trace.read_text(errors="replace").splitlines():
        call = CALL.match(line)
        if call:
            process, name, path, rest = call.groups()
            file = Path(path).name if Path(path).parent == directory else path
            began[process] = Call(name, file, now.output if file == "out" else now.log)
            if name == "write" and file == "log":
                yield "line", now
        else:
            ended = REST.match(line)
            if not ended or ended[1] not in began:
                continue
            process, _, rest = ended.groups()
        result = re.search(r"= (\d+)$", rest)
        if result:
            this = began.pop(process)
            note(now, this, int(result[1]))
            yield this.name, now


def note(now: Moment, call: Call, result: int) -> None:
    if call.name == "write" and call.path == "out":
        now.output += result
    elif call.name == "write" and call.path == "log":
        now.log += result
    elif call.name in {"fsync", "fdatasync"} and call.path == "out":
        now.output_safe = call.written
    elif call.name in {"fsync", "fdatasync"} and call.path == "log":
        now.log_safe = call.written


@pytest.fixture(
    params=[(), ("--keep-order",), ("--prefetch", "4")], ids=["group", "order", "several"]
)
def traced(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, tuple[str, ...]]:
    """A directory in which a run was done under strace, and the options of the run."""
    (tmp_path / "tasks").write_bytes(TASKS)
    calls = "trace=write,fsync,fdatasync"
    strace = ("strace", "-f", "-y", "-qq", "-e", calls, "-e", "signal=none", "-s", "1")
    run(tmp_path, *request.param, before=(*strace, "-o", str(tmp_path / "trace")))
    return tmp_path, request.param


def test_no_line_before_its_result_is_on_the_disk(traced: tuple[Path, tuple[str, ...]]) -> None:
    directory, _ = traced
    log = (directory / "log").read_bytes()
    attempts = parse(log)
    ends = [0] * len(HEADER) + [
        attempt.end
        for attempt, line in zip(attempts, log.splitlines(keepends=True)[1:], strict=True)
        for _ in line
    ]
    lines, last = 0, Moment()
    written: list[tuple[int, int]] = []
    for name, now in moments_in(directory / "trace", directory):
        if name == "line":
            written.append((now.log, now.output_safe))
            lines += 1
        last = now
    assert lines > 1
    for (begin, safe), (end, _) in zip(written, [*written[1:], (len(log), 0)], strict=True):
        assert max(ends[begin:end], default=0) <= safe
    assert last.log == last.log_safe == len(log)
    assert last.output == last.output_safe == (directory / "out").stat().st_size


def test_a_loss_of_power_at_any_moment(
    traced: tuple[Path, tuple[str, ...]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    directory, options = traced
    dice = random.Random(len(options))  # noqa: S311
    log, output = (directory / "log").read_bytes(), (directory / "out").read_bytes()
    moments = [
        Moment(now.output, now.output_safe, now.log, now.log_safe)
        for _, now in moments_in(directory / "trace", directory)
    ]
    for moment in dice.sample(moments, int(os.environ.get("PAEXEC_TEST_MOMENTS", "4"))):
        place = tmp_path_factory.mktemp("after")
        (place / "tasks").write_bytes(TASKS)
        there = dice.randint(moment.log_safe, moment.log)
        (place / "log").write_bytes(log[:there] + dice.choice([b"", bytes(moment.log - there)]))
        there = dice.randint(moment.output_safe, moment.output)
        rest = dice.choice([b"", bytes(moment.output - there), b"x" * 10])
        (place / "out").write_bytes(output[:there] + rest)
        run(place, "--resume", *options)
        after = (place / "out").read_bytes()
        if "--keep-order" in options:
            assert after == output
        assert results_of(after) == results_of(output)
