"""How long a batch of results goes on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from paexec_trio.runtime.batch import LONGEST_BATCH, Batch

if TYPE_CHECKING:
    from paexec_trio.runtime.system import Ready

SOMETHING: Ready = [(7, 1)]


class World:
    """A clock and a poll that finds what it is told to; counts how often it was asked."""

    def __init__(self, found: Sequence[Ready]) -> None:
        self.now = 0.0
        self.polls = 0
        self._found = iter(found)
        self.batch = Batch(self.poll, lambda: self.now)

    def poll(self, seconds: float) -> Ready:
        assert seconds == 0, "a batch never waits"
        self.polls += 1
        return next(self._found)


def test_a_batch_goes_on_while_there_is_more() -> None:
    world = World([SOMETHING, SOMETHING, []])
    world.batch.begin()
    assert [world.batch.more() for _ in range(3)] == [SOMETHING, SOMETHING, []]


def test_a_batch_ends_when_results_at_hand_are_old_enough() -> None:
    world = World([SOMETHING] * 3)
    world.batch.begin()
    assert world.batch.more() == SOMETHING
    world.now += LONGEST_BATCH * 1.01
    assert world.batch.more() == []
    assert world.polls == 1
    world.batch.begin()
    assert world.batch.more() == SOMETHING


def looks(world: World, batches: int) -> str:
    """Return for each of some batches whether it looked for more."""
    told = ""
    for _ in range(batches):
        before = world.polls
        world.batch.begin()
        world.batch.more()
        told += "x" if world.polls > before else "."
    return told


def test_a_look_that_finds_nothing_is_done_more_and_more_seldom() -> None:
    world = World([[]] * 10)
    assert looks(world, 15) == "x.x...x.......x"
    assert looks(world, 15 + 1 + 31 + 1 + 63).count("x") == 2
    assert looks(world, 2 * 64) == ("x" + 63 * ".") * 2


def test_a_look_that_finds_something_is_done_again_at_once() -> None:
    world = World([[], [], SOMETHING, SOMETHING, []])
    assert looks(world, 10) == "x.x...xxx."
