"""Complete pytest's ``junit.xml``: an expected failure is a failure there."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING

from conformance.harness.outcome import Status

if TYPE_CHECKING:
    from pathlib import Path

STATUS = "status"
"""The property of a test case that says the verdict on it."""


def count_expected_failures(path: Path) -> None:
    """Make failures of the expected ones, which pytest has written down as skipped."""
    tree = ET.parse(path)  # noqa: S314 (pytest has just written it)
    for suite in tree.iter("testsuite"):
        moved = 0
        for case in suite.iter("testcase"):
            properties = {each.get("name"): each.get("value") for each in case.iter("property")}
            skipped = case.find("skipped")
            if properties.get(STATUS) == Status.EXPECTED and skipped is not None:
                skipped.tag = "failure"
                skipped.set("type", str(Status.EXPECTED))
                moved += 1
        if moved:
            suite.set("failures", str(int(suite.get("failures", 0)) + moved))
            suite.set("skipped", str(int(suite.get("skipped", 0)) - moved))
    tree.write(path, encoding="utf-8", xml_declaration=True)
