"""Whether the simulation finds the faults of the zoo that it has to catch."""

from __future__ import annotations

import pytest

from tests.simulation.run import simulate
from tests.simulation.test_runs import GATE
from tests.zoo.catalogue import simulated
from tests.zoo.planting import planted

MUTANTS = simulated()


def test_there_are_many() -> None:
    assert len(MUTANTS) >= 50


@pytest.mark.parametrize("name", MUTANTS)
def test_a_planted_fault_is_found(name: str) -> None:
    mutant = MUTANTS[name]
    with planted(mutant.plant):
        for seed in GATE:
            violations = simulate(seed).verdict.violations
            if violations:
                assert mutant.shows_as & {violation.kind for violation in violations}, violations
                return
    pytest.fail(f"no run of the gate notices that the engine {name}")
