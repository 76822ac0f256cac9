"""Judge a build of paexec, from any directory.

Usage: paexec-conformance --impl='CMD ARGS' [OPTION...] [TEST...]
       paexec-conformance replay RECORDING --impl='CMD ARGS'
       paexec-conformance compare [NAME=]RESULTS.json... -o PAGE.html

The options are those of the suite and of pytest (``--help`` lists them). A TEST is written as pytest
prints it, such as ``test_eot.py::test_exact_match``; without one, all are run.
In a clone, ``python conformance`` is the same program.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from conformance import compare, replay
from conformance.harness.again import COMMAND, SUITE, is_installed

_TOOLS = {"replay": replay.main, "compare": compare.main}


def main() -> int:
    """Run what the command line asks for; return the exit status."""
    words = sys.argv[1:]
    if words and words[0] in _TOOLS:
        sys.argv[:2] = [f"{COMMAND} {words[0]}"]
        return _TOOLS[words[0]]()
    return int(pytest.main([*_settings(), "-p", "conformance.naming", *words]))


def _settings() -> list[str]:
    """The options of pytest that keep it from the user's own configuration and directories."""
    root = SUITE.parent
    settings = ["-c", str(root / "pyproject.toml"), f"--rootdir={root}"]
    if is_installed():
        cache = os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()
        # The directory of the installation may be read-only, or another user's.
        settings[1] = str(root.parent / "pytest.ini")
        settings.append(f"--override-ini=cache_dir={Path(cache, COMMAND)}")
    return settings
