"""Whether the suite lets distributors be that differ from the reference where they may."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from conformance.harness.programs import COMPANIONS, NONE
from conformance.selftest.running import run_suite

VARIANTS = Path(__file__).resolve().parent


def variants() -> list[tuple[str, str]]:
    """Each variant with each chapter that it touches."""
    done = subprocess.run([sys.executable, VARIANTS], check=True, capture_output=True, text=True)
    return [
        (name, chapter)
        for name, *chapters in map(str.split, done.stdout.splitlines())
        for chapter in chapters
    ]


# All of them take some minutes.
SAMPLE = {("reads-one-octet-at-a-time", "eot"), ("takes-the-last-of-equal-tasks", "weights")}
ALL = variants()


def test_there_are_many() -> None:
    assert len({name for name, _ in ALL}) >= 16
    assert set(ALL) >= SAMPLE


@pytest.mark.parametrize(
    ("variant", "chapter"),
    [pytest.param(*both, marks=() if both in SAMPLE else pytest.mark.long) for both in ALL],
)
def test_a_variant_conforms(variant: str, chapter: str, tmp_path: Path) -> None:
    run = run_suite(
        tmp_path,
        f"--impl={shlex.join([sys.executable, str(VARIANTS), variant])}",
        *(f"--{name}={NONE}" for name in COMPANIONS),
        chapters=[chapter],
    )
    assert [test for test in run["tests"] if test["status"] == "pass"]
