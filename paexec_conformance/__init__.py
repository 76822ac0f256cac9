"""The conformance suite as it is installed.

Its files are in ``suite``, where only this package looks for them: there, as in a clone, its tests
are the package ``conformance``, a name that is too common for a package that is installed.
"""

from __future__ import annotations

import sys
from pathlib import Path


def main() -> int:
    """Start the suite with the words of the command line; return the exit status."""
    here = Path(__file__).resolve().parent
    suite = here / "suite"
    sys.path.insert(0, str(suite if suite.is_dir() else here.parent))
    try:
        from conformance.command import main as run
    except ModuleNotFoundError as error:
        if error.name != "pytest":
            raise
        print(
            "paexec-conformance: pytest is missing: pip install 'paexec-trio[conformance]'",
            file=sys.stderr,
        )
        return 2
    return run()
