"""Make one page out of the results of several implementations.

Usage: paexec-conformance compare [NAME=]RESULTS.json... -o PAGE.html
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from conformance.harness.pages import matrix
from conformance.harness.results import FORMAT


class _UnusableError(Exception):
    """A file does not hold results."""


def _load(path: Path) -> dict[str, Any]:
    try:
        run = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise _UnusableError(f"{path}: {error}") from error
    if not isinstance(run, dict) or run.get("format") != FORMAT:
        raise _UnusableError(f"{path}: no results in format {FORMAT}")
    return run


def main() -> int:
    """Write the page; return the exit status."""
    parser = argparse.ArgumentParser(prog="paexec-conformance compare", description=__doc__)
    parser.add_argument("results", nargs="+", metavar="[NAME=]RESULTS.json")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="PAGE.html")
    arguments = parser.parse_args()
    runs, names = [], []
    for word in arguments.results:
        name, _, path = word.rpartition("=")
        try:
            runs.append(_load(Path(path)))
        except _UnusableError as error:
            print(f"compare: {error}", file=sys.stderr)
            return 1
        names.append(name or runs[-1]["version"] or path)
    arguments.output.write_text(matrix(runs, names))
    return 0


if __name__ == "__main__":
    sys.exit(main())
