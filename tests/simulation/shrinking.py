"""Runs drawn by Hypothesis, which makes a bad one as small as it can.

Seeds are good at finding what is wrong, and Hypothesis at showing it in a few steps: so a run of a
seed is handed over to Hypothesis as the numbers that the seed has drawn.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from math import inf
from random import Random

from hypothesis import Phase, find, settings
from hypothesis import core as hypothesis_core
from hypothesis import strategies as st
from hypothesis.database import InMemoryExampleDatabase, choices_to_bytes
from hypothesis.internal.conjecture import engine as hypothesis_engine

from tests.simulation.dice import Dice, seeded
from tests.simulation.run import MOST_TASKS, Run, kinds, play
from tests.simulation.violations import Kind

KEY = b"the run of a seed"

SIZES = (2, 4, 8, 16, 32, 64, 128, 256, MOST_TASKS)
"""The most tasks of the runs that are tried, until some are bad."""

NEIGHBOURS = 300
"""Seeds of which runs of each size are tried: a small run is shrunk sooner than a large one."""

ROOM = 1 << 20
"""Octets of numbers that a run may draw; by default Hypothesis gives up after 8 KiB."""

# Some things are used here that Hypothesis does not document, since it has no documented way to
# begin with a given run: `choices_to_bytes`, the name of the secondary key, two limits of its
# engine and its source of chance. Tests show that a long run gets through them.


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
    wanted = kinds(play(seeded(seed), until_violation=True))
    if not wanted:
        raise ValueError(f"the run of seed {seed} has no violation")
    for most_tasks in SIZES:
        found = list(_bad_runs(seed, most_tasks, wanted))
        if found:
            return shrink_drawn(min(found, key=len), most_tasks, wanted)
    raise AssertionError("the run itself is among those that are tried")


def _bad_runs(seed: int, most_tasks: int, wanted: AbstractSet[Kind]) -> Iterator[list[int]]:
    """Yield what runs with one of these violations drew: that of the seed, or of seeds after it."""
    for other in range(seed, seed + NEIGHBOURS):
        dice = seeded(other)
        if kinds(play(dice, most_tasks, until_violation=True)) & wanted:
            yield dice.drawn


def shrink_drawn(
    numbers: list[int],
    most_tasks: int,
    wanted: AbstractSet[Kind],
    phases: Sequence[Phase] = (Phase.reuse, Phase.shrink),
) -> Run:
    """Return a small run with one of these violations, always the same for the same numbers.

    Args:
        numbers: what such a run has drawn.
        most_tasks: the size of its input.
        wanted: the violations.
        phases: without `Phase.shrink` it is the run itself.
    """
    database = InMemoryExampleDatabase()
    # The secondary key: what is under the first one counts as shrunk already.
    database.save(KEY + b".secondary", choices_to_bytes(numbers))
    with _hypothesis_made_ready():
        return find(
            runs(most_tasks),
            lambda run: bool(kinds(run) & wanted),
            settings=settings(database=database, phases=phases, deadline=None),
            database_key=KEY,
        )


@contextmanager
def _hypothesis_made_ready() -> Iterator[None]:
    """Let Hypothesis take long runs, shrink them however long that takes, and always alike.

    It would not look into its database if it was given a seed.
    """
    usual = hypothesis_engine.BUFFER_SIZE, hypothesis_engine.MAX_SHRINKING_SECONDS
    chance = hypothesis_core.threadlocal
    chance._hypothesis_global_random = Random(0)  # noqa: S311, SLF001 (no secret)
    hypothesis_engine.BUFFER_SIZE = ROOM
    hypothesis_engine.MAX_SHRINKING_SECONDS = inf  # type: ignore[assignment]
    try:
        yield
    finally:
        chance._hypothesis_global_random = None  # noqa: SLF001 (it makes another one)
        hypothesis_engine.BUFFER_SIZE, hypothesis_engine.MAX_SHRINKING_SECONDS = usual
