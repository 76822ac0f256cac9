"""Runs drawn by Hypothesis, which makes a bad one as small as it can.

Seeds are good at finding what is wrong, and Hypothesis at showing it in a few steps: so a run of a
seed is handed over to Hypothesis as the numbers that the seed has drawn.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from hypothesis import Phase, find, settings
from hypothesis import strategies as st
from hypothesis.database import InMemoryExampleDatabase, choices_to_bytes
from hypothesis.internal.conjecture import engine as hypothesis_engine

from tests.simulation.dice import Dice, seeded
from tests.simulation.run import MOST_TASKS, Run, kinds, play
from tests.simulation.violations import Kind

KEY = b"the run of a seed"

ROOM = 1 << 20
"""Octets of numbers that a run may draw; by default Hypothesis gives up after 8 KiB."""


@st.composite
def runs(draw: st.DrawFn, most_tasks: int = MOST_TASKS) -> Run:
    """Draw a run that stops at its first violation."""
    dice = Dice(lambda limit: draw(st.integers(0, limit - 1)))
    return play(dice, most_tasks, until_violation=True)


def shrink(seed: int) -> Run:
    """Return a small run with a violation like the one in the run of this seed.

    Raises:
        ValueError: there is none.
    """
    dice = seeded(seed)
    run = play(dice, until_violation=True)
    if not kinds(run):
        raise ValueError(f"the run of seed {seed} has no violation")
    return shrink_drawn(dice.drawn, kinds(run))


def shrink_drawn(numbers: list[int], wanted: AbstractSet[Kind]) -> Run:
    """Return a small run with one of these violations, found from a run that drew these numbers."""
    database = InMemoryExampleDatabase()
    database.save(KEY + b".secondary", choices_to_bytes(numbers))
    usual, hypothesis_engine.BUFFER_SIZE = hypothesis_engine.BUFFER_SIZE, ROOM
    try:
        return find(
            runs(),
            lambda run: bool(kinds(run) & wanted),
            settings=settings(database=database, phases=[Phase.reuse, Phase.shrink], deadline=None),
            database_key=KEY,
        )
    finally:
        hypothesis_engine.BUFFER_SIZE = usual
