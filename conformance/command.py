"""Judge a build of paexec, from any directory.

Usage: paexec-conformance --impl='CMD ARGS' [OPTION...] [TEST...]
       paexec-conformance replay RECORDING --impl='CMD ARGS'
       paexec-conformance compare [NAME=]RESULTS.json... -o PAGE.html

The options are those of the suite and of pytest (``--help`` lists them). A TEST is written as in
``test_eot.py::test_only_the_eot_ends_a_task``; without one, all tests are run. In a clone,
``python conformance`` is the same program.
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
    settings = ["-c", str(SUITE / "command.ini"), f"--rootdir={SUITE.parent}"]
    if is_installed():
        # The directory of the installation may be read-only, or another user's.
        cache = os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()
        settings.append(f"--override-ini=cache_dir={Path(cache, COMMAND)}")
    return settings
