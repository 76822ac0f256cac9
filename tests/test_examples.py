"""Every example of the documentation runs and prints what the documentation shows."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "docs" / "examples"
LIMIT = 60


@pytest.mark.parametrize("example", sorted(EXAMPLES.iterdir()), ids=lambda path: path.name)
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
    assert done.stderr == b""
