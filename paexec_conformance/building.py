"""A command of setuptools that puts the suite into the package."""

from __future__ import annotations

import shutil
from pathlib import Path

from setuptools.command.build_py import build_py

SUITE = Path(__file__).resolve().parent.parent / "conformance"

LEFT_OUT = ("selftest", "__pycache__")
"""Left out: the suite's own tests."""


class BuildSuite(build_py):
    """Build all packages, then copy the suite into ``paexec_conformance``."""

    def run(self) -> None:
        """Copy the suite unless the package is installed as links to the clone."""
        super().run()
        if not self.editable_mode:
            place = Path(self.build_lib, "paexec_conformance", "suite", SUITE.name)
            shutil.rmtree(place, ignore_errors=True)
            shutil.copytree(SUITE, place, ignore=shutil.ignore_patterns(*LEFT_OUT))
