"""The small C programs of the benchmarks."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

SOURCES = Path(__file__).parent / "tools"


@dataclass(frozen=True)
class Tools:
    """Where the compiled programs are; each source says what its program does."""

    calculator: Path
    link: Path
    meter: Path


def build(directory: Path) -> Tools:
    """Compile them.

    They are in C because all that they cost is added to what is measured, and they are the same
    for all programs that are compared.

    Raises:
        RuntimeError: there is no compiler.
    """
    if shutil.which("gcc") is None:
        raise RuntimeError("gcc is missing; sh .ci/setup test installs it")
    made = {}
    for source in sorted(SOURCES.glob("*.c")):
        made[source.stem] = directory / source.stem
        flags = ("-O2", "-Wall", "-Wextra", "-Werror")
        subprocess.run(["gcc", *flags, "-o", made[source.stem], source], check=True)
    return Tools(**made)
