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
import signal
import sys
from pathlib import Path

import pytest

from conformance import compare, replay
from conformance.harness.again import COMMAND, SUITE, is_installed

_TOOLS = {"replay": replay.main, "compare": compare.main}


def main() -> int:
    """Run what the command line asks for; return the exit status.

    If nobody reads what it prints, such as the help, end as other programs do, by SIGPIPE.
    """
    try:
        status = _run()
        sys.stdout.flush()
    except BrokenPipeError:
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        signal.raise_signal(signal.SIGPIPE)
    return status


def _run() -> int:
    """Run the tool that is named first, or pytest."""
    words = sys.argv[1:]
    if words and words[0] in _TOOLS:
        sys.argv[:2] = [f"{COMMAND} {words[0]}"]
        return _TOOLS[words[0]]()
    return int(pytest.main([*_settings(words), "-p", "conformance.naming", *words]))


def _settings(words: list[str]) -> list[str]:
    """The options of pytest that keep it from the user's own configuration and directories."""
    settings = ["-c", str(SUITE / "command.ini"), f"--rootdir={SUITE.parent}"]
    given = [*words, os.environ.get("PYTEST_ADDOPTS", "")]
    if any("no:cacheprovider" in word for word in given):
        return settings  # to which the directory of the cache would be an unknown setting
    cache = _cache()
    if cache:
        return [*settings, f"--override-ini=cache_dir={cache}"]
    return [*settings, "-p", "no:cacheprovider"]


def _cache() -> Path | None:
    """The directory for what pytest keeps of a run; nothing if there is no place for it."""
    if not is_installed():
        directory = SUITE.parent / ".pytest_cache"
    else:  # the directory of the installation may be read-only, or another user's
        caches = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")  # noqa: PTH111
        directory = Path(caches, COMMAND)
    if not directory.is_absolute():  # the user has no home
        return None
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    return directory if os.access(directory, os.W_OK) else None
