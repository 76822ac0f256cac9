"""A plugin of pytest: prints which function shows which requirements, and lets none be run."""

from __future__ import annotations

import json

import pytest


@pytest.hookimpl(tryfirst=True)  # before the suite leaves any out
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Print one line: for each requirement the names of its tests without their parameters."""
    found: dict[str, set[str]] = {}
    for item in items:
        name = f"{item.path.name}::{item.name.partition('[')[0]}"
        for mark in item.iter_markers("requirement"):
            for requirement in mark.args:
                found.setdefault(requirement, set()).add(name)
    print("\nshown by:", json.dumps({key: sorted(names) for key, names in found.items()}))
