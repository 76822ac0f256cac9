"""The pace of a node: a model of a link and a calculator, in virtual time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paexec_trio.core.pace import HARMLESS, LONG, MOST, Pace


def depths(pace: Pace, round_trip: float, services: list[float]) -> list[int]:
    """Let a node do tasks that take so long each; return its depth after each answer.

    There are always enough tasks to fill it.
    """
    clock = ready_at = 0.0
    answers: list[float] = []
    tasks = iter(services)
    found = []

    def fill() -> None:
        nonlocal ready_at
        count = 0
        while len(answers) < pace.depth and (service := next(tasks, None)) is not None:
            ready_at = max(ready_at, clock + round_trip / 2) + service
            answers.append(ready_at + round_trip / 2)
            count += 1
        if count:
            pace.sent(count, 10 * count, len(answers), clock)

    fill()
    while answers:
        clock = answers.pop(0)
        pace.answered(1, clock)
        found.append(pace.depth)
        fill()
    return found


def lap(pace: Pace, seconds: float) -> int:
    """Keep a node filled until it decides; each task is answered after ``seconds``.

    Returns:
        The depth after that.
    """
    depth = pace.depth
    for _ in range(2 if depth == 1 else 1):
        for held in range(1, depth + 1):
            pace.sent(1, 10, held, 0.0)
        pace.answered(depth, seconds)
    return pace.depth


def failures(pace: Pace, count: int) -> list[int]:
    """Let a node try so many times to hold four tasks, which then wait for each other.

    Returns:
        How many decisions it took until each try.
    """
    found = []
    for _ in range(count):
        decisions = 1
        while lap(pace, 0.1) == 1:
            decisions += 1
        found.append(decisions)
        assert lap(pace, 0.4) == 1
    return found


def test_it_begins_with_one() -> None:
    """PRE-040."""
    assert Pace().depth == 1


@pytest.mark.parametrize("round_trip", [0.01, 0.1, 0.9])
def test_a_link_is_filled(round_trip: float) -> None:
    """PRE-041: soon, and as far as makes sense: a round trip's worth of tasks."""
    found = depths(Pace(), round_trip, [round_trip / 100] * 1000)
    assert max(found[:10]) >= 8
    assert 50 <= found[-1] <= 200


def test_there_is_a_limit() -> None:
    """The link does not matter."""
    found = depths(Pace(), 0.9, [0.0] * 10 * MOST)
    assert found[-1] == max(found) == MOST


@pytest.mark.parametrize("service", [0.01, 0.1, 0.9, 10.0])
def test_long_tasks_are_not_queued(service: float) -> None:
    """PRE-043: but for a try now and then."""
    found = depths(Pace(), service / 20, [service] * 1000)
    assert max(found) <= 4
    assert found.count(1) > 900


def test_tasks_beyond_a_second_are_not_even_tried() -> None:
    """PRE-043."""
    assert set(depths(Pace(), 0.1, [LONG] * 100)) == {1}


def test_short_tasks_on_this_machine() -> None:
    """As many as are worth the system calls."""
    found = depths(Pace(), 0.0001, [0.00001] * 5000)
    assert HARMLESS / 0.00001 / 4 <= found[-1] <= HARMLESS / 0.00001


def test_few_long_tasks_among_short_ones() -> None:
    """Most of the time nothing is queued behind a task that may be long."""
    services = [1.0 if number % 10 == 7 else 0.005 for number in range(2000)]
    found = depths(Pace(), 0.001, services)
    assert found.count(1) > 1800


def test_tasks_that_become_long() -> None:
    """Old measurements do not count for ever."""
    found = depths(Pace(), 0.1, [0.001] * 1000 + [0.5] * 200)
    assert max(found[:1000]) > 50
    assert found[-1] == 1


def test_a_link_that_becomes_slow() -> None:
    """The time of a single task is measured anew."""
    pace = Pace()
    depths(pace, 0.01, [0.0001] * 1000)
    assert depths(pace, 0.5, [0.0001] * 20000)[-1] > 500


def test_two_answers_are_enough() -> None:
    """And one is not: it may be that of a calculator that was starting."""
    pace = Pace()
    for depth in [1, 4]:
        pace.sent(1, 10, 1, 0.0)
        pace.answered(1, 0.1)
        assert pace.depth == depth


@pytest.mark.parametrize("seconds", [0.0, 0.1])
def test_it_is_multiplied_while_nothing_waits(seconds: float) -> None:
    """By four; also if the clock does not show any time."""
    pace = Pace()
    assert [lap(pace, seconds) for _ in range(6)] == [4, 16, 64, 256, 1024, 1024]


def test_it_is_doubled_while_little_waits() -> None:
    """Up to the limit."""
    pace = Pace()
    lap(pace, 0.1)
    found = [lap(pace, 0.14) for _ in range(9)]
    assert found == [8, 16, 32, 64, 128, 256, 512, 1024, 1024]


@pytest.mark.parametrize(("seconds", "depth"), [(0.105, 16), (0.14, 8), (0.16, 3), (0.4, 1)])
def test_what_follows_on_how_long_four_tasks_take(seconds: float, depth: int) -> None:
    """A single one takes 0.1 seconds."""
    pace = Pace()
    lap(pace, 0.1)
    assert lap(pace, seconds) == depth


@pytest.mark.parametrize(("seconds", "depth"), [(HARMLESS, 8), (HARMLESS * 1.1, 3)])
def test_what_may_wait_whatever_the_round_trip_is(seconds: float, depth: int) -> None:
    pace = Pace()
    lap(pace, 0.0)
    pace.sent(4, 40, 4, 0.0)
    pace.answered(4, seconds)
    assert pace.depth == depth


def test_a_second_is_long() -> None:
    """PRE-043."""
    pace = Pace()
    assert lap(pace, 1.0) == 1
    assert lap(pace, 0.99) == 4


def test_a_node_that_lacks_tasks_is_not_to_hold_more() -> None:
    """Whether it was filled before does not matter."""
    pace = Pace()
    lap(pace, 0.1)
    for _ in range(2):
        pace.sent(2, 20, 2, 0.0)
        pace.answered(2, 0.1)
    assert pace.depth == 4
    assert lap(pace, 0.1) == 16


def test_tries_that_fail_become_rare() -> None:
    """After each failure the node waits twice as long, but not for ever."""
    assert failures(Pace(), 9) == [1, 3, 5, 9, 17, 33, 65, 65, 65]


def test_a_try_that_succeeds_ends_patience() -> None:
    pace = Pace()
    failures(pace, 3)
    while lap(pace, 0.1) == 1:
        pass
    assert lap(pace, 0.1) == 16
    assert lap(pace, 10.0) == 1
    assert failures(pace, 1) == [3]


def test_single_tasks_that_differ_are_no_failure() -> None:
    """With them the node holds one task, and no longer than that."""
    pace = Pace()
    for seconds in [0.1, 0.5]:
        pace.sent(1, 10, 1, 0.0)
        pace.answered(1, seconds)
    assert pace.depth == 1
    assert lap(pace, 0.1) == 4


def test_more_answers_than_are_needed() -> None:
    """They come at once, after a few others."""
    pace = Pace()
    lap(pace, 0.1)
    pace.sent(4, 40, 4, 0.0)
    pace.answered(3, 0.1)
    assert pace.depth == 4
    pace.sent(3, 30, 4, 0.1)
    pace.answered(4, 0.1)
    assert pace.depth == 16


def test_tasks_from_before_a_change_do_not_count() -> None:
    """Neither how many there are nor how long they take."""
    pace = Pace()
    lap(pace, 0.1)
    pace.sent(4, 40, 4, 0.0)
    pace.answered(3, 0.1)
    pace.sent(3, 30, 4, 0.1)
    pace.answered(1, 0.1)
    assert pace.depth == 16
    pace.sent(13, 130, 16, 5.0)
    pace.answered(3, 5.1)
    pace.sent(3, 30, 16, 5.1)
    pace.answered(13, 5.1)
    assert pace.depth == 16
    pace.answered(3, 5.2)
    assert pace.depth == 64


def test_at_the_limit_nothing_changes() -> None:
    """So what was sent before the decision to stay there counts."""
    pace = Pace()
    while lap(pace, 0.1) < MOST:
        pass
    pace.sent(MOST, 10, MOST, 0.0)
    pace.answered(MOST - 1, 0.1)
    pace.sent(MOST - 1, 10, MOST, 0.1)
    pace.answered(1, 0.1)
    assert pace.depth == MOST
    pace.sent(1, 10, MOST, 0.1)
    pace.answered(MOST, 0.3)
    assert pace.depth == MOST * 3 // 4


def test_answers_to_what_was_sent_bit_by_bit() -> None:
    pace = Pace()
    lap(pace, 0.1)
    pace.sent(1, 10, 1, 0.0)
    pace.sent(2, 30, 3, 0.0)
    pace.answered(2, 0.1)
    assert pace.octets == 30
    pace.answered(1, 0.1)
    assert pace.octets == 0


@given(
    batches=st.lists(st.tuples(st.integers(1, 20), st.integers(1, 100)), max_size=20),
    pauses=st.lists(st.floats(0, 10), min_size=40, max_size=40),
)
def test_octets_are_counted(batches: list[tuple[int, int]], pauses: list[float]) -> None:
    """Those of a batch until all of its tasks are answered."""
    pace = Pace()
    clock = 0.0
    held = 0
    for (count, octets), pause in zip(batches, pauses, strict=False):
        clock += pause
        held += count
        pace.sent(count, octets, held, clock)
    assert pace.octets == sum(octets for _, octets in batches)
    for (count, octets), pause in zip(batches, pauses, strict=False):
        clock += pause
        before = pace.octets
        pace.answered(count - 1, clock)
        assert pace.octets == before
        pace.answered(1, clock)
        assert pace.octets == before - octets
        assert 1 <= pace.depth <= MOST
    assert pace.octets == 0
