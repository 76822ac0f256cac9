"""Commands of setuptools that compile the launcher when the package is built.

Without a C compiler the programs are Python scripts instead. They do the same, except for what
``launcher.c`` explains: the user's ``PYTHON*`` variables reach them, and an interrupt can meet
Python while it starts.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import sysconfig
from pathlib import Path

from setuptools.command.bdist_wheel import bdist_wheel

# isort: split
# After setuptools, which brings distutils where Python has none any more.
from distutils.command.build_scripts import build_scripts

PROGRAMS = ("paexec-trio", "paargs-trio", "pareorder-trio", "patop-trio")

_SCRIPT = """\
#!python
import sys
from paexec_trio.cli.launch import launch
sys.exit(launch({program!r}))
"""


class BuildScripts(build_scripts):
    """Make the programs of their source, the only "script" in the project's table."""

    def get_outputs(self) -> list[str]:
        """Return the paths that ``run`` makes."""
        return [str(Path(self.build_dir, program)) for program in PROGRAMS]

    def run(self) -> None:
        """Compile one program, which behaves by its name, and copy it."""
        directory = Path(self.build_dir)
        directory.mkdir(parents=True, exist_ok=True)
        source = Path(self.scripts[0])
        try:
            launcher = _compile(source, directory / source.stem)
        except (OSError, subprocess.CalledProcessError) as error:
            self.warn(f"no C compiler ({error}): the programs are Python scripts")
            launcher = b""
        for path, program in zip(self.get_outputs(), PROGRAMS, strict=True):
            Path(path).write_bytes(launcher or _SCRIPT.format(program=program).encode())
            Path(path).chmod(0o755)


class PlatformWheel(bdist_wheel):
    """A wheel for the platform whose programs it holds, and for every Python."""

    def finalize_options(self) -> None:
        """Say that it is not pure."""
        super().finalize_options()
        self.root_is_pure = False

    def get_tag(self) -> tuple[str, str, str]:
        """Return the tag of its name."""
        return ("py3", "none", super().get_tag()[2])


def _compile(source: Path, program: Path) -> bytes:
    """Compile the launcher and return the octets of the program.

    Raises:
        OSError: there is no compiler.
        CalledProcessError: the compiler fails; it has said why.
    """
    compiler = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc")
    built_for = f'-DBUILT_FOR="{sys.executable}"'
    subprocess.run([compiler[0], "-O2", "-s", built_for, "-o", program, source], check=True)
    octets = program.read_bytes()
    program.unlink()
    return octets
