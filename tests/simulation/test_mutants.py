"""Whether the simulation finds bugs that are planted in the engine."""

from __future__ import annotations

import pytest

from tests.simulation.dice import seeded
from tests.simulation.mutants import MUTANTS, Planter
from tests.simulation.run import kinds, play
from tests.simulation.test_runs import GATE
from tests.simulation.violations import Kind


@pytest.mark.parametrize("plant", MUTANTS, ids=lambda plant: plant.__name__)
def test_a_planted_bug_is_found(plant: Planter, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch)
    seen: set[Kind] = set()
    for seed in GATE:
        seen |= kinds(play(seeded(seed), until_violation=True))
        if MUTANTS[plant] & seen:
            return
    pytest.fail(f"no run of the gate notices that the engine {plant.__name__}, but {seen}")
