"""The fakes, and what becomes of them in the hands of a distributor."""

from __future__ import annotations

import os
import random
import shlex
import signal
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from conformance.harness import distributor
from conformance.harness.control import Channel
from conformance.harness.fakes import Fake
from conformance.harness.recording import Recorder
from conformance.harness.stage import Stage
from conformance.harness.transcript import Transcript
from conformance.harness.watch import Bounds, UnmetError, Watch

if TYPE_CHECKING:
    from collections.abc import Callable

#: Ends at once and leaves a process that ends as soon as somebody writes into the FIFO.
LEAVES_ONE = ["/bin/sh", "-c", "(read -r _ <gate) </dev/null >/dev/null 2>&1 & exit 0"]


def make_stage(directory: Path, bound: float, program: list[str]) -> Stage:
    bounds = Bounds(usual=bound, hang=None, in_vain=1)
    dice = random.Random(1)  # noqa: S311 (nobody attacks)
    return Stage(program, ["true"], {}, directory, bounds, dice)


def test_what_is_about_to_end_is_not_left_running(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Although the program has ended and nobody holds anything that the stage could see."""
    stage = make_stage(tmp_path, 60, LEAVES_ONE)
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    stage.start().wait()
    look = stage.leftovers

    def look_and_end_it() -> set[int]:
        seen = look()
        if seen:
            gate.write_text("go\n")
        return seen

    monkeypatch.setattr(stage, "leftovers", look_and_end_it)
    assert not stage.left_running()
    monkeypatch.undo()
    stage.close()


def test_what_does_not_end_is_left_running(tmp_path: Path) -> None:
    stage = make_stage(tmp_path, 5, LEAVES_ONE)
    os.mkfifo(tmp_path / "gate")
    stage.start().wait()
    assert stage.left_running() == stage.leftovers() != set()
    stage.close()


def test_where_temporary_files_are_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files that a killed program cannot remove do not fill a directory that others use."""
    monkeypatch.setenv("TMPDIR", "/of/everybody")
    stage = make_stage(tmp_path, 60, ["/bin/sh", "-c", 'mktemp "$TMPDIR/left.XXXXXX"'])
    run = stage.start()
    run.wait()
    left = Path(os.fsdecode(run.stdout.strip()))
    assert left.exists()
    assert left.is_relative_to(tmp_path)
    stage.close()


def test_a_fake_that_is_killed_before_it_can_say_who_it_is(tmp_path: Path) -> None:
    """It is none that a test could have met, and no fault of the suite."""
    stage = make_stage(tmp_path, 10, ["true"])
    words = shlex.split(Path(stage.calculator()).read_text(), comments=True)
    address = words[words.index("-IS") + 2]
    with socket.socket(socket.AF_UNIX) as killed:
        killed.connect("\0" + address)
    stage.start().wait()
    assert stage.started == 0
    stage.close()


def test_a_script_that_something_is_still_starting(tmp_path: Path) -> None:
    """It is left as it was, so that who starts it gets all of it, and nobody is refused."""
    stage = make_stage(tmp_path, 10, ["true"])
    with Path(stage.script("fake", "old")).open() as starting:
        new = Path(stage.script("fake", "new"))
        assert starting.read() == "#!/bin/sh\nold\n"
    assert new.read_text() == "#!/bin/sh\nnew\n"
    assert os.access(new, os.X_OK)
    stage.close()


def test_what_is_stopped_has_stopped(tmp_path: Path) -> None:
    """It does nothing more, although it was asleep and takes a while to wake up for that."""
    stage = make_stage(tmp_path, 60, ["cat"])
    run = stage.start()
    for _ in range(1000):
        run.signal(signal.SIGSTOP)
        stat = Path(f"/proc/{run.pid}/stat").read_text()
        assert stat.rpartition(")")[2].split()[0] == "T"
        run.signal(signal.SIGCONT)
    assert run.finish() == 0
    stage.close()


#: Runs its arguments as commands and says how many have closed their output as soon as one has.
COUNTS_ENDS = """
import select, subprocess, sys
shell = ["/bin/sh", "-c"]
pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
nodes = [subprocess.Popen([*shell, command], **pipes) for command in sys.argv[1:]]
ends = select.poll()
for node in nodes:
    ends.register(node.stdout, select.POLLIN)
print(len(ends.poll()))
"""


def test_what_dies_at_once(tmp_path: Path) -> None:
    """The shells around the calculators have ended, too, also one that takes its time."""
    stage = make_stage(tmp_path, 60, [sys.executable, "-c", COUNTS_ENDS])
    slowly = "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done"
    run = stage.start(stage.calculator(), f"{stage.calculator()}; {slowly}")
    stage.die_at_once(run, *stage.next_calculators(2))
    assert run.wait() == 0
    assert run.stdout == b"2\n"
    stage.close()


class NotedWatch(Watch):
    """Notes how long it was asked to wait."""

    def __init__(self) -> None:
        super().__init__(Bounds(usual=10, hang=None, in_vain=1), lambda: None)
        self.asked: list[float | None] = []

    def wait(
        self,
        what: str,
        condition: Callable[[], bool],
        bound: float | None = None,
        progress: Callable[[], float] | None = None,
    ) -> None:
        assert progress is None
        self.asked.append(bound)
        assert condition(), what


def test_answers_that_take_long_are_waited_for() -> None:
    """A hundred megabytes take more than the usual time, and so does it to see nobody read."""
    watch = NotedWatch()
    near, far = socket.socketpair()
    channel = Channel(near, watch, lambda *_: None)
    hello = {"pid": 1, "words": [], "environment": [], "start": 0.0, "blocked": b"0"}
    fake = Fake(0, channel, watch, Transcript(), Recorder(), hello)
    fake.take("done", 100 << 20)
    assert fake.flood(b"x\n", 100 << 20, patience=3) == 100 << 20
    fake.take("done", False)
    assert not fake.drain(15)
    assert watch.asked == [watch.bounds.volume, 25]
    channel.close()
    far.close()
    watch.close()


def test_the_processor_time_is_its_own(tmp_path: Path) -> None:
    """The time of its children does not count, however much it is."""
    burn = "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done"
    itself = make_stage(tmp_path, 60, ["/bin/sh", "-c", burn])
    its_child = make_stage(tmp_path, 60, ["/bin/sh", "-c", f"({burn}); :"])
    by_itself, by_its_child = itself.start(), its_child.start()
    assert by_itself.finish() == by_its_child.finish() == 0
    assert by_itself.processor_time > 0.03
    assert by_its_child.processor_time < by_itself.processor_time / 2
    itself.close()
    its_child.close()


@pytest.mark.parametrize(("end", "name"), [("", "output"), (" >&2", "error")])
def test_output_without_end_is_not_read_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: str, name: str
) -> None:
    monkeypatch.setattr(distributor, "MOST", 1 << 20)
    stage = make_stage(tmp_path, 60, ["/bin/sh", "-c", f"exec yes{end}"])
    run = stage.start()
    with pytest.raises(UnmetError, match=f"more than 1048576 octets on standard {name}"):
        run.wait()
    assert len(run.stdout + run.stderr) < 4 << 20
    stage.close()
