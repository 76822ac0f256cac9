"""Everything in a simulated run follows from its seed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.simulation.run import simulate

ROOT = Path(__file__).parents[2]

SEEDS = range(10)

DIGESTS = f"""
from tests.simulation.run import simulate
for seed in {SEEDS!r}:
    print(simulate(seed).history.digest())
"""


@pytest.fixture(scope="module")
def digests() -> list[str]:
    return [simulate(seed).history.digest() for seed in SEEDS]


def test_the_same_seed_makes_the_same_history(digests: list[str]) -> None:
    assert [simulate(seed).history.digest() for seed in SEEDS] == digests


@pytest.mark.parametrize("hash_seed", ["0", "4711"])
def test_the_order_of_hashes_does_not_matter(digests: list[str], hash_seed: str) -> None:
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    result = subprocess.run(
        [sys.executable, "-c", DIGESTS],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        check=True,
        timeout=300,
    )
    assert result.stdout.decode().split() == digests


def test_other_seeds_make_other_histories(digests: list[str]) -> None:
    assert len(set(digests)) == len(SEEDS)
