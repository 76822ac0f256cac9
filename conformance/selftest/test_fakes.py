"""The fakes, and what becomes of them in the hands of a distributor."""

from __future__ import annotations

import os
import random
import shlex
import socket
from pathlib import Path

from conformance.harness.stage import Stage
from conformance.harness.watch import Bounds


def make_stage(directory: Path, bound: float, program: list[str]) -> Stage:
    bounds = Bounds(usual=bound, hang=None, in_vain=1)
    dice = random.Random(1)  # noqa: S311 (nobody attacks)
    return Stage(program, ["true"], {}, directory, bounds, dice)


def test_what_is_about_to_end_is_not_left_running(tmp_path: Path) -> None:
    """Although the program has ended and nobody holds anything that the stage could see."""
    background = "(read -r _ <gate) </dev/null >/dev/null 2>&1 & exit 0"
    stage = make_stage(tmp_path, 60, ["/bin/sh", "-c", background])
    os.mkfifo(tmp_path / "gate")
    stage.start().wait()
    assert stage.leftovers()
    with (tmp_path / "gate").open("w") as gate:
        gate.write("go\n")
    assert not stage.left_running()
    stage.close()


def test_what_does_not_end_is_left_running(tmp_path: Path) -> None:
    background = "(read -r _ <gate) </dev/null >/dev/null 2>&1 & exit 0"
    stage = make_stage(tmp_path, 0.1, ["/bin/sh", "-c", background])
    os.mkfifo(tmp_path / "gate")
    stage.start().wait()
    assert stage.left_running() == stage.leftovers() != set()
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
