"""Running the suite, as its users do, on an implementation that a test made."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SUITE = Path(__file__).resolve().parent.parent


def judge(
    report: Path,
    *options: str,
    files: Iterable[Path] = (SUITE,),
    plugins: bool = True,
    variables: Mapping[str, str] = {},
) -> subprocess.CompletedProcess[str]:
    """Let these files of the suite judge what the options name, and leave a report there.

    Without the plugins of pytest that happen to be installed it begins half a second earlier.
    """
    environment = {**os.environ, "PYTEST_ADDOPTS": "", **variables}
    if not plugins:
        environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    return subprocess.run(
        [
            *(sys.executable, "-m", "pytest", *map(str, files), *options),
            *(f"--report-dir={report}", "-q", "-p", "no:cacheprovider"),
        ],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )


def run_suite(
    directory: Path, *options: str, chapters: Iterable[str] = (), status: int = 0
) -> dict[str, Any]:
    """Run the suite, check its exit status and return its report.

    Args:
        directory: an empty one, for the report and the files of the tests.
        options: those of the suite, and of pytest.
        chapters: the only ones that are judged; all if there are none.
        status: the exit status that is right.
    """
    report = directory / "report"
    files = [SUITE / f"test_{chapter}.py" for chapter in chapters] or [SUITE]
    done = judge(report, *options, f"--basetemp={directory / 'base'}", files=files)
    assert done.returncode == status, done.stdout + done.stderr
    results: dict[str, Any] = json.loads((report / "results.json").read_text())
    return results
