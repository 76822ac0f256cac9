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
    """Whatever the link is."""
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
    """What was measured before does not count for ever."""
    found = depths(Pace(), 0.1, [0.001] * 1000 + [0.5] * 200)
    assert max(found[:1000]) > 50
    assert found[-1] == 1


def test_a_link_that_becomes_slow() -> None:
    """What was the time of a single task is measured anew."""
    pace = Pace()
    depths(pace, 0.01, [0.0001] * 1000)
    assert depths(pace, 0.5, [0.0001] * 20000)[-1] > 500


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
