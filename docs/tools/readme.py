"""Make what the README shows, or check that it is current: its pictures and its table of speed.

The first picture is a real run. The badge shows the recorded verdict on this implementation, and
the table the committed figures of the benchmarks.

Usage: python -m docs.tools.readme [--check]
"""

from __future__ import annotations

import argparse
import importlib
import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from conformance.harness import pages
from conformance.harness.registry import load_requirements, load_untested, load_version
from conformance.record import load_records
from docs.tools.terminals import terminal_svg

ROOT = Path(__file__).resolve().parents[2]
PICTURES = ROOT / "docs" / "pictures"
README = ROOT / "README.md"

sys.path[:0] = [str(ROOT / "docs" / "_ext")]
sessions: Any = importlib.import_module("sessions")
speeds: Any = importlib.import_module("speeds")

RUN = ("$ cat tasks", "$ paexec-trio -l -n +2 -c ./toupper < tasks")
"""The commands of the first picture."""

_TABLE = re.compile(r"(?<=<!-- speed -->\n).*?(?=<!-- end of speed -->)", re.DOTALL)


def run_picture() -> str:
    """Run the commands, and return the picture of a terminal that they leave."""
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch) / "toupper"
        shutil.copytree(sessions.EXAMPLES / "toupper", place)
        commands = sessions.parse(RUN)
        outputs = sessions.run(commands, place)
    lines: list[str] = []
    for command, output in zip(RUN, outputs, strict=True):
        # The order of the results varies, the picture does not.
        lines += [f"\x1b[1m{command}\x1b[0m", *sorted(output)]
    return terminal_svg(lines)


def badge() -> str:
    """Return the badge of the recorded verdict."""
    (ours,) = (record for record in load_records() if record.name.startswith("paexec-trio"))
    untested = load_untested()
    musts = [
        entry
        for entry in load_requirements().values()
        if entry.level == "MUST" and entry.id not in untested
    ]
    verdicts = [ours.verdict(entry) for entry in musts]
    proven, failed = verdicts.count("proven"), verdicts.count("failed")
    counts = {"proven": proven, "offered": proven + failed + verdicts.count("not judged")}
    return pages.badge({"musts": counts, "specification": load_version()})


def speed_table() -> str:
    """Return the table of speed in Markdown."""
    heads, *rows = speeds.cells(speeds.TABLES["tools"])
    lines = [heads, ["---", *("--:" for _ in heads[1:])], *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def files() -> dict[Path, str]:
    """Return the text of each file by its path."""
    return {
        PICTURES / "run.svg": run_picture(),
        PICTURES / "badge.svg": badge(),
        README: _TABLE.sub(lambda _: speed_table(), README.read_text()),
    }


def main() -> int:
    """Write the files, or with ``--check`` check that they are current: 0 if so, 1 if not."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--check", action="store_true", help="write nothing; fail if out of date")
    arguments = parser.parse_args()
    status = 0
    for path, text in files().items():
        if not arguments.check:
            path.write_text(text)
        elif not path.exists() or path.read_text() != text:
            name = path.relative_to(ROOT)
            print(f"{name} is out of date: run python -m docs.tools.readme", file=sys.stderr)
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
