"""Fixtures of all tests."""

import os

import pytest
from hypothesis import HealthCheck, Phase, settings

# How long an example takes says how busy the machine is, nothing about the code.
settings.register_profile("default", deadline=None, suppress_health_check=[HealthCheck.too_slow])
# For tests.mutation: the same examples for each mutant, and no search for the smallest that fails.
settings.register_profile(
    "mutation",
    parent=settings.get_profile("default"),
    derandomize=True,
    database=None,
    phases=(Phase.explicit, Phase.generate),
)
settings.load_profile("default")


@pytest.fixture(autouse=True)
def environment_without_our_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the variables of the person at the terminal away from the programs under test."""
    for name in [name for name in os.environ if name.startswith("PAEXEC_")]:
        monkeypatch.delenv(name)
