"""Make the appendix ``differences.rst`` from the profiles of the C programs, or check it.

Usage: python spec/differences.py [--check]
"""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from conformance.harness.profile import Profile, load_profile
from conformance.harness.registry import Requirement, load_requirements

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PAGE = Path(__file__).with_name("differences.rst")
PROFILES = Path(__file__).resolve().parents[1] / "conformance" / "profiles"
VERSIONS = ("1.1.1", "1.1.6")

_HEAD = """\
.. Made by python spec/differences.py from conformance/profiles: change it there.

Differences from the C programs
===============================

This table lists what paexec 1.1.1 (Debian's package) and 1.1.6 (upstream's newest version) do
otherwise than this specification requires. Each row was seen: it is an expected failure in the
profile of that version, by which the conformance suite judges it.

.. list-table::
   :header-rows: 1
   :widths: 18 60 22

   * - requirement
     - what the C program does
     - version
"""


def load_profiles() -> list[Profile]:
    """Return the profiles of the C programs."""
    return [load_profile(PROFILES / f"paexec-{version}.toml") for version in VERSIONS]


def page_of(profiles: Sequence[Profile], requirements: Mapping[str, Requirement]) -> str:
    """Return the text of the page: a row per deviation, in the order of the requirements."""
    versions: dict[str, list[str]] = {}
    failed: dict[str, set[str]] = {}
    for profile in profiles:
        for deviation in profile.deviations:
            found = versions.setdefault(deviation.reason, [])
            if profile.version not in found:
                found.append(profile.version)
            failed.setdefault(deviation.reason, set()).update(deviation.requirements)
    place = {name: number for number, name in enumerate(requirements)}
    rows = sorted(
        versions, key=lambda reason: (min(place[name] for name in failed[reason]), reason)
    )
    return _HEAD + "".join(
        _row(sorted(failed[reason], key=place.__getitem__), reason, versions[reason])
        for reason in rows
    )


def _row(names: Sequence[str], reason: str, versions: Sequence[str]) -> str:
    cells = (
        ", ".join(f":need:`{name}`" for name in names),
        reason,
        "both" if len(versions) == len(VERSIONS) else ", ".join(versions),
    )
    lines = []
    for number, cell in enumerate(cells):
        start = "     - " if number else "   * - "
        lines += textwrap.wrap(
            cell,
            100,
            initial_indent=start,
            subsequent_indent=" " * 7,
            break_long_words=False,
            break_on_hyphens=False,
        )
    return "\n".join(lines) + "\n"


def main() -> int:
    """Write or check the page; return the exit status."""
    text = page_of(load_profiles(), load_requirements())
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(text)
    elif PAGE.read_text() != text:
        print(f"{PAGE.name} is out of date: run python spec/differences.py", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
