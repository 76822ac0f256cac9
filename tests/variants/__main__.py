"""Run a variant, or list all of them."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def main() -> int:
    """Plant what the first argument names; then be ``paexec-trio``."""
    sys.path[0] = str(ROOT)  # it was the directory of this file
    importlib.import_module("tests.variants.legal")
    from tests.variants.variant import VARIANTS

    if len(sys.argv) == 1:
        for name, variant in VARIANTS.items():
            print(name, *variant.chapters)
        return 0
    VARIANTS[sys.argv.pop(1)].plant()
    sys.argv[0] = "paexec"
    from paexec_trio.cli.main import main as be_paexec

    return be_paexec()


if __name__ == "__main__":
    sys.exit(main())
