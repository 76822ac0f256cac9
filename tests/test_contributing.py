"""The map of the tests, in docs/contributing.rst, is complete and leads somewhere."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "contributing.rst").read_text()
PATHS = set(re.findall(r"``([\w.-]+/[\w./-]*)``", PAGE))


def test_the_paths_of_the_page_exist() -> None:
    assert {"tests/core/", "spec/"} <= PATHS
    assert not [path for path in PATHS if not (ROOT / path).exists()]


def test_each_place_for_tests_is_on_the_map() -> None:
    places = {
        f"{path.parent.relative_to(ROOT)}/"
        for path in (ROOT / "tests").glob("*/*.py")
        if path.name.startswith("test_")
    }
    assert places | {"conformance/", "conformance/selftest/"} <= PATHS


def test_the_parts_of_the_gate_are_those_of_the_page() -> None:
    script = (ROOT / ".ci" / "test").read_text()
    named = re.findall(r"^``(\w+)`` ", PAGE, re.MULTILINE)
    assert sorted(named) == sorted(re.findall(r"^(?!step)(\w+)\(\) \{$", script, re.MULTILINE))


def test_an_unknown_part_of_the_gate_is_refused() -> None:
    done = subprocess.run(
        ["/bin/sh", ROOT / ".ci" / "test", "everything"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "no part is called 'everything'" in done.stderr


def test_generated_files_are_marked() -> None:
    """Each pattern of .gitattributes matches a file of the repository."""
    patterns = [line.split()[0] for line in (ROOT / ".gitattributes").read_text().splitlines()[1:]]
    assert patterns
    assert not [pattern for pattern in patterns if not list(ROOT.glob(pattern))]
