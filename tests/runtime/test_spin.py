"""Spinning before a wait: how long, and how often."""

from __future__ import annotations

from itertools import count

from paexec_trio.runtime.spin import LONGEST_SPIN, Spin

LOOKS = 10
"""How often a spin looks, by the clock of these tests, beside its first look."""


class Script:
    """A poll that finds something at the looks with these numbers, and a clock."""

    def __init__(self, *found: int) -> None:
        self.looks = 0
        self._found = found
        ticks = count()
        self.spin = Spin(self._poll, lambda: next(ticks) * LONGEST_SPIN / (LOOKS + 0.5))

    def _poll(self, seconds: float) -> bool:
        assert seconds == 0
        self.looks += 1
        return self.looks in self._found


def test_nothing_is_waited_for_that_is_there() -> None:
    script = Script(1, 2)
    assert script.spin.find()
    assert script.spin.find()
    assert script.looks == 2


def test_a_spin_ends_when_something_comes() -> None:
    script = Script(4)
    assert script.spin.find()
    assert script.looks == 4


def test_vain_spins_become_rare() -> None:
    script = Script()
    spins = []
    for number in range(200):
        before = script.looks
        assert not script.spin.find()
        if script.looks - before > 1:
            assert script.looks - before == 1 + LOOKS
            spins.append(number)
    # 1, 3, 7, 15, 31, 63 and 63 waits in between without one.
    assert spins == [0, 2, 6, 14, 30, 62, 126, 190]


def test_a_spin_that_finds_something_makes_them_frequent_again() -> None:
    spun = 1 + LOOKS
    script = Script(spun + 1 + 3)
    assert not script.spin.find()
    assert not script.spin.find()
    assert script.spin.find()
    before = script.looks
    assert not script.spin.find()
    assert script.looks - before == spun
