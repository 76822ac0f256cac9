"""Every example of the documentation runs and prints what the documentation shows.

Those of the Python API are run by ``.ci/test docs``.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "docs" / "examples"
LIMIT = 60


# The others are run by the pages that show them.
SCRIPTS = sorted(path.parent for path in EXAMPLES.glob("*/run"))


@pytest.mark.parametrize("example", SCRIPTS, ids=lambda path: path.name)
def test_example(example: Path) -> None:
    programs = Path(sys.executable).parent
    done = subprocess.run(
        [example / "run"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env=os.environ | {"PATH": f"{programs}:{os.environ['PATH']}"},
        timeout=LIMIT,
        check=True,
    )
    assert done.stdout == (example / "expected").read_bytes()
    diagnostics = example / "expected.stderr"
    assert done.stderr == (diagnostics.read_bytes() if diagnostics.exists() else b"")


def test_the_python_of_the_readme() -> None:
    text = (ROOT / "README.md").read_text()
    ((program, shown),) = re.findall(
        r"```python\n(.*?)```\n\n```console\n(.*?)```", text, re.DOTALL
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        cwd=ROOT,
        timeout=LIMIT,
        check=True,
        text=True,
    )
    assert done.stdout == shown
    assert done.stderr == ""


PAGES = [ROOT / "docs" / page for page in ("api.rst", "api-guide.rst")]


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_each_example_of_the_api_has_an_output(page: Path) -> None:
    """Without one, what it prints would be compared to nothing."""
    text = page.read_text()
    assert "code-block:: python" not in text
    programs = set(re.findall(r"^\.\. testcode:: (\w+)$", text, re.MULTILINE))
    assert programs
    assert programs == set(re.findall(r"^\.\. testoutput:: (\w+)$", text, re.MULTILINE))


def test_the_examples_of_the_api_pass_a_strict_type_checker(tmp_path: Path) -> None:
    for page in PAGES:
        blocks = r"^\.\. testcode:: (\w+)\n\n((?:   .*\n|\n)+)"
        for name, program in re.findall(blocks, page.read_text(), re.MULTILINE):
            (tmp_path / f"example_{name}.py").write_text(dedent(program))
    # A cache of its own: other options would empty that of the gate.
    command: list[str | Path] = [sys.executable, "-m", "mypy", "--config-file=", "--strict"]
    command += ["--cache-dir", ROOT / "build" / "mypy", *tmp_path.iterdir()]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
