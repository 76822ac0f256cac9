"""Whether the simulation finds the faults of the zoo that it has to catch."""

from __future__ import annotations

import pytest

from tests.simulation.dice import seeded
from tests.simulation.run import kinds, play
from tests.simulation.test_runs import GATE
from tests.simulation.violations import Kind
from tests.zoo.catalogue import simulated
from tests.zoo.planting import planted

MUTANTS = simulated()


def test_there_are_many() -> None:
    assert len(MUTANTS) >= 60


@pytest.mark.parametrize("name", MUTANTS)
def test_a_planted_fault_is_found(name: str) -> None:
    mutant = MUTANTS[name]
    seen: set[Kind] = set()
    with planted(mutant.plant):
        for seed in GATE:
            seen |= kinds(play(seeded(seed), until_violation=True))
            if mutant.shows_as & seen:
                return
    pytest.fail(f"no run of the gate notices that the engine {name}, but {seen}")
