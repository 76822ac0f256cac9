"""The fakes, and what becomes of them in the hands of a distributor."""

from __future__ import annotations

import random
import shlex
import socket
from pathlib import Path

from conformance.harness.stage import Stage
from conformance.harness.watch import Bounds


def test_a_fake_that_is_killed_before_it_can_say_who_it_is(tmp_path: Path) -> None:
    """It is none that a test could have met, and no fault of the suite."""
    bounds = Bounds(usual=10, hang=None, in_vain=1)
    dice = random.Random(1)  # noqa: S311 (nobody attacks)
    stage = Stage(["true"], ["true"], {}, tmp_path, bounds, dice)
    words = shlex.split(Path(stage.calculator()).read_text(), comments=True)
    address = words[words.index("-IS") + 2]
    with socket.socket(socket.AF_UNIX) as killed:
        killed.connect("\0" + address)
    stage.start().wait()
    assert stage.started == 0
    stage.close()
