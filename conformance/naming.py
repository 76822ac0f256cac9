"""A plugin of pytest: names of tests lack the suite's directory, and pytest has the suite's name.

The workers of pytest-xdist load it too: they get the command line as it was given.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.harness.again import COMMAND, SUITE
from conformance.harness.options import add_options


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the help and errors of the command line name the program that was called.

    The suite's own options are added here, before pytest sees which words of the command line name
    tests: otherwise it takes their values for tests.
    """
    parser.prog = COMMAND
    add_options(parser)


@pytest.hookimpl(tryfirst=True)  # before pytest looks for the suite's options beside the tests
def pytest_load_initial_conftests(early_config: pytest.Config, args: list[str]) -> None:
    """Put in the whole path of each test; without a test, that of the suite."""
    named: list[str] = early_config.known_args_namespace.file_or_dir
    paths = {word: path for word in named if (path := _path_of(word))}
    args[:] = [paths.get(word, word) for word in args]
    if not paths:
        args.append(str(SUITE))
    named[:] = [*(paths.get(word, word) for word in named), str(SUITE)]


def _path_of(word: str) -> str:
    """The whole name of a test, or of a file of tests; nothing if the suite has no such file."""
    path, separator, test = word.partition("::")
    for place in (Path(path), SUITE / path, SUITE.parent / path):
        found = place.resolve()
        if path and found.is_relative_to(SUITE) and found.exists():
            return f"{found}{separator}{test}"
    return ""
