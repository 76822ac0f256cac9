"""How the package is built: the launcher, and what stands in for it without a compiler."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any, cast

import pytest
from setuptools import Distribution

from paexec_trio.cli import launch
from paexec_trio.launcher.building import PROGRAMS, BuildScripts, PlatformWheel

SOURCE = Path(__file__).parents[2] / "paexec_trio" / "launcher" / "launcher.c"


def build(directory: Path) -> list[Path]:
    # The stubs do not know that setuptools puts its own distutils in place.
    distribution = cast("Any", Distribution({"scripts": [str(SOURCE)]}))
    command = BuildScripts(distribution)
    command.build_dir = str(directory)
    command.ensure_finalized()
    command.run()
    return [Path(path) for path in command.get_outputs()]


def test_the_programs_are_the_launcher_under_their_names(tmp_path: Path) -> None:
    programs = build(tmp_path)
    assert [program.name for program in programs] == list(PROGRAMS)
    assert len({program.read_bytes() for program in programs}) == 1
    assert sorted(tmp_path.iterdir()) == sorted(programs)
    # Nothing stands beside it here, so it takes the interpreter that it was built for.
    done = subprocess.run([programs[0], "-V"], capture_output=True, timeout=60, check=True)
    assert done.stdout.startswith(b"paexec-trio ")


def test_without_a_compiler_they_are_scripts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CC", str(tmp_path / "missing"))
    for program in build(tmp_path):
        assert program.stat().st_mode & 0o111 == 0o111
        first, text = program.read_text().split("\n", 1)
        assert first == "#!python"  # installers put the interpreter in its place
        assert f"launch({program.name!r})" in text


def test_the_programs_are_those_that_can_be_launched() -> None:
    assert set(PROGRAMS) == launch.MODULES.keys()


def test_a_wheel_is_for_one_platform_and_every_python() -> None:
    command = PlatformWheel(Distribution())
    command.ensure_finalized()
    python, abi, platform = command.get_tag()
    assert (python, abi) == ("py3", "none")
    assert platform != "any"
