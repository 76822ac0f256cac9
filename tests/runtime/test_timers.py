"""Deadlines, by a clock that the test sets."""

from __future__ import annotations

from paexec_trio.core.commands import Deadline, Purpose
from paexec_trio.runtime.timers import Timers

KILL, RESTART, GIVE_UP = map(Deadline, (Purpose.KILL, Purpose.RESTART, Purpose.GIVE_UP))


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def make() -> tuple[Timers, Clock]:
    clock = Clock()
    return Timers(clock), clock


def passed(timers: Timers) -> list[Deadline]:
    return list(timers.passed())


def test_deadlines_pass_in_their_order_and_once() -> None:
    timers, clock = make()
    timers.set(RESTART, 5)
    timers.set(KILL, 3)
    assert (timers.next(), passed(timers)) == (1003, [])
    clock.now += 10
    assert passed(timers) == [KILL, RESTART]
    assert (timers.next(), passed(timers), timers.at) == (None, [], {})


def test_deadlines_of_nodes_and_attempts_are_several() -> None:
    timers, clock = make()
    several = [Deadline(Purpose.REAP, node) for node in range(1000)]
    for deadline in several:
        timers.set(deadline, 1)
    clock.now += 1
    assert sorted(passed(timers)) == several


def test_a_deadline_that_is_set_anew_passes_at_the_new_time_only() -> None:
    for first, second in ((5, 9), (9, 5)):
        timers, clock = make()
        timers.set(KILL, first)
        timers.set(KILL, second)
        assert timers.next() == 1000 + second
        clock.now += second - 1
        assert passed(timers) == []
        clock.now += 1
        assert passed(timers) == [KILL]
        clock.now += 100
        assert passed(timers) == []


def test_one_that_passed_can_be_set_again() -> None:
    timers, clock = make()
    timers.set(KILL, 9)
    timers.set(KILL, 1)
    clock.now += 1
    assert passed(timers) == [KILL]
    timers.set(KILL, 20)
    clock.now += 8  # the time that was set first
    assert passed(timers) == []
    assert timers.next() == 1021
    clock.now += 12
    assert passed(timers) == [KILL]


def test_to_put_off_giving_up_takes_no_room() -> None:
    """It happens with each write."""
    timers, clock = make()
    timers.set(GIVE_UP, 2)
    timers.set(KILL, 10)
    for _ in range(10_000):
        clock.now += 1
        timers.put_off_giving_up()
        timers.next()
    assert len(timers._heap) <= 3  # noqa: SLF001
    assert passed(timers) == [KILL]
    clock.now += 2
    assert passed(timers) == [GIVE_UP]
    timers.put_off_giving_up()
    assert timers.next() is None


def test_no_time_passes_while_it_stands_still() -> None:
    timers, clock = make()
    timers.set(KILL, 5)
    before = timers.now()
    clock.now += 100
    timers.stand_still(100)
    assert timers.now() == before
    assert passed(timers) == []
    clock.now += 5
    assert passed(timers) == [KILL]
