"""Whether the simulation finds bugs that are planted in the engine."""

from __future__ import annotations

import pytest

from tests.simulation.mutants import MUTANTS, Planter
from tests.simulation.run import simulate
from tests.simulation.test_runs import GATE


@pytest.mark.parametrize("plant", MUTANTS, ids=lambda plant: plant.__name__)
def test_a_planted_bug_is_found(plant: Planter, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch)
    for seed in GATE:
        violations = simulate(seed).verdict.violations
        if violations:
            assert MUTANTS[plant] & {violation.kind for violation in violations}, violations
            return
    pytest.fail(f"no run of the gate notices that the engine {plant.__name__}")
