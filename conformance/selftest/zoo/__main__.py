"""Run a mutant, or list all of them."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]

CHAPTERS = ("tasks", "results", "scheduling", "prefixes", "graphs", "deaths")


def main() -> int:
    """Plant the fault that the first argument names; then be ``paexec-trio``."""
    sys.path[0] = str(ROOT)  # it was the directory of this file
    for chapter in CHAPTERS:
        importlib.import_module(f"conformance.selftest.zoo.{chapter}")
    from conformance.selftest.zoo.mutant import MUTANTS, do_without_exchange

    if len(sys.argv) == 1:
        for name, mutant in MUTANTS.items():
            print(name, *mutant.breaks)
        return 0
    do_without_exchange()
    MUTANTS[sys.argv.pop(1)].plant()
    sys.argv[0] = "paexec"
    from paexec_trio.cli.main import main as be_paexec

    return be_paexec()


if __name__ == "__main__":
    sys.exit(main())
