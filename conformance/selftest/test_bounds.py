"""How long a test waits."""

from __future__ import annotations

import pytest

from conformance.harness.watch import Bounds


@pytest.mark.parametrize(
    ("hang", "message", "asked", "seconds"),
    [
        (None, "timed out waiting for: x", None, 10),
        (None, "timed out waiting for: x", 60, 60),
        ("waiting for: x", "timed out waiting for: x", None, 1),
        ("waiting for: x", "timed out waiting for: x", 60, 1),
        ("waiting for: x", "timed out waiting for: the start of 2 calculators", None, 10),
        ("waiting for: x", "timed out waiting for: the start of 2 calculators", 60, 60),
    ],
)
def test_only_the_wait_in_vain_is_short(
    hang: str | None, message: str, asked: float | None, seconds: float
) -> None:
    assert Bounds(usual=10, hang=hang, in_vain=1).of(message, asked) == seconds
