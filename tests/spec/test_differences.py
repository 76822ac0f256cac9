"""The appendix of differences says what the profiles of the C programs say."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import pytest

from conformance.harness.profile import Deviation, Profile
from conformance.harness.registry import load_requirements

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "spec"))
differences: Any = importlib.import_module("differences")


def profile(version: str, *deviations: Deviation) -> Profile:
    return Profile("paexec", version, {}, deviations)


def test_a_row_names_the_versions_that_it_is_about() -> None:
    both = Deviation("Both do it.", ("END-003", "DSP-003"), {"a": "x"})
    old = Deviation("The old one does it.", ("ARG-001",), {"b": "x"})
    new = Deviation("The new one does it.", ("WGT-010",), {"c": "x"})
    profiles = [profile("1.1.1", both, old), profile("1.1.6", both, new)]
    page = differences.page_of(profiles, load_requirements())
    rows = page.partition("     - version\n")[2]
    assert rows == (
        "   * - :need:`ARG-001`\n     - The old one does it.\n     - 1.1.1\n"
        "   * - :need:`DSP-003`, :need:`END-003`\n     - Both do it.\n     - both\n"
        "   * - :need:`WGT-010`\n     - The new one does it.\n     - 1.1.6\n"
    )


def test_the_page_is_that_of_the_profiles() -> None:
    page = differences.page_of(differences.load_profiles(), load_requirements())
    assert differences.PAGE.read_text() == page


@pytest.mark.parametrize(
    ("requirement", "versions"),
    [
        # Seen in both versions, of which earlier pages named only one.
        *[(name, {"1.1.1", "1.1.6"}) for name in ("LCH-024", "NOD-005", "NOD-004", "END-005")],
        *[(name, {"1.1.1", "1.1.6"}) for name in ("RST-002", "DTH-003", "GRA-042", "PFX-009")],
        ("LIM-001", {"1.1.1"}),
        ("EXE-008", {"1.1.6"}),
    ],
)
def test_which_version_differs(requirement: str, versions: set[str]) -> None:
    found = {
        each.version
        for each in differences.load_profiles()
        for deviation in each.deviations
        if requirement in deviation.requirements
    }
    assert found == versions
