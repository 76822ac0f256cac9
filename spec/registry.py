"""Make ``conformance/requirements.json`` from the specification, or check that it is current.

The conformance suite needs nothing but pytest, so it cannot build the specification itself; it
reads this extract, which is committed beside it.

Usage: python spec/registry.py [--check]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

SPEC = Path(__file__).resolve().parent
REGISTRY = SPEC.parent / "conformance" / "requirements.json"


def build() -> str:
    """Build the specification and return the text of the registry.

    Raises ``subprocess.CalledProcessError`` if Sphinx finds anything to complain about.
    """
    with tempfile.TemporaryDirectory() as out:
        subprocess.run(
            [sys.executable, "-m", "sphinx", "-q", "-n", "-W", "-b", "needs", str(SPEC), out],
            check=True,
        )
        needs = json.loads(Path(out, "needs.json").read_text())
    version = needs["current_version"]
    requirements = {
        need_id: {
            "level": need["level"],
            "title": need["title"],
            "sentence": " ".join(need["content"].split()),
            "chapter": need["docname"],
        }
        for need_id, need in sorted(needs["versions"][version]["needs"].items())
    }
    return json.dumps({"spec": version, "requirements": requirements}, indent=1) + "\n"


def main() -> int:
    """Write the registry, or with ``--check`` say whether it is current: 0 if so, 1 if not."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--check", action="store_true", help="write nothing; fail if out of date")
    arguments = parser.parse_args()
    text = build()
    if not arguments.check:
        REGISTRY.write_text(text)
        return 0
    if not REGISTRY.exists() or REGISTRY.read_text() != text:
        print(f"{REGISTRY.name} is out of date: run python spec/registry.py", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
