"""The window of a node: a model of a link and a calculator, in virtual time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paexec_trio.core.windowcontrol import (
    LONG_TASK_SECONDS,
    MAX_QUEUED_SECONDS,
    MAX_WINDOW,
    WindowController,
)


def windows(controller: WindowController, round_trip: float, services: list[float]) -> list[int]:
    """Let a node do tasks that take so long each; return its window after each answer.

    There are always enough tasks to fill it.
    """
    clock = ready_at = 0.0
    answers: list[float] = []
    tasks = iter(services)
    found = []

    def fill() -> None:
        nonlocal ready_at
        count = 0
        while len(answers) < controller.window and (service := next(tasks, None)) is not None:
            ready_at = max(ready_at, clock + round_trip / 2) + service
            answers.append(ready_at + round_trip / 2)
            count += 1
        if count:
            controller.sent(count, 10 * count, len(answers), clock)

    fill()
    while answers:
        clock = answers.pop(0)
        controller.answered(1, clock)
        found.append(controller.window)
        fill()
    return found


def lap(controller: WindowController, seconds: float) -> int:
    """Keep a node filled until it decides; each task is answered after so many seconds.

    Returns:
        The window after that.
    """
    window = controller.window
    for _ in range(2 if window == 1 else 1):
        for held in range(1, window + 1):
            controller.sent(1, 10, held, 0.0)
        controller.answered(window, seconds)
    return controller.window


def failures(controller: WindowController, count: int) -> list[int]:
    """Let a node try so many times to hold four tasks, which then wait for each other.

    Returns:
        How many decisions it took until each try.
    """
    found = []
    for _ in range(count):
        decisions = 1
        while lap(controller, 0.1) == 1:
            decisions += 1
        found.append(decisions)
        assert lap(controller, 0.4) == 1
    return found


def test_it_begins_with_one() -> None:
    """PRE-040."""
    assert WindowController().window == 1


@pytest.mark.parametrize("round_trip", [0.01, 0.1, 0.9])
def test_a_link_is_filled(round_trip: float) -> None:
    """PRE-041: soon, and as far as makes sense: a round trip's worth of tasks."""
    found = windows(WindowController(), round_trip, [round_trip / 100] * 1000)
    assert max(found[:10]) >= 8
    assert 50 <= found[-1] <= 200


def test_there_is_a_limit() -> None:
    """Whatever the link is."""
    found = windows(WindowController(), 0.9, [0.0] * 10 * MAX_WINDOW)
    assert found[-1] == max(found) == MAX_WINDOW


@pytest.mark.parametrize("service", [0.01, 0.1, 0.9, 10.0])
def test_long_tasks_are_not_queued(service: float) -> None:
    """PRE-043: but for a try now and then."""
    found = windows(WindowController(), service / 20, [service] * 1000)
    assert max(found) <= 4
    assert found.count(1) > 900


def test_tasks_beyond_a_second_are_not_even_tried() -> None:
    """PRE-043."""
    assert set(windows(WindowController(), 0.1, [LONG_TASK_SECONDS] * 100)) == {1}


def test_short_tasks_on_this_machine() -> None:
    """As many as are worth the system calls."""
    found = windows(WindowController(), 0.0001, [0.00001] * 5000)
    assert MAX_QUEUED_SECONDS / 0.00001 / 4 <= found[-1] <= MAX_QUEUED_SECONDS / 0.00001


def test_few_long_tasks_among_short_ones() -> None:
    """Most of the time nothing is queued behind a task that may be long."""
    services = [1.0 if number % 10 == 7 else 0.005 for number in range(2000)]
    found = windows(WindowController(), 0.001, services)
    assert found.count(1) > 1800


def test_tasks_that_become_long() -> None:
    """What was measured before does not count for ever."""
    found = windows(WindowController(), 0.1, [0.001] * 1000 + [0.5] * 200)
    assert max(found[:1000]) > 50
    assert found[-1] == 1


def test_a_link_that_becomes_slow() -> None:
    """What was the time of a single task is measured anew."""
    controller = WindowController()
    windows(controller, 0.01, [0.0001] * 1000)
    assert windows(controller, 0.5, [0.0001] * 20000)[-1] > 500


def test_two_answers_are_enough() -> None:
    """And one is not: it may be that of a calculator that was starting."""
    controller = WindowController()
    for window in [1, 4]:
        controller.sent(1, 10, 1, 0.0)
        controller.answered(1, 0.1)
        assert controller.window == window


@pytest.mark.parametrize("seconds", [0.0, 0.1])
def test_it_is_multiplied_while_nothing_waits(seconds: float) -> None:
    """By four; also if the clock does not show any time."""
    controller = WindowController()
    assert [lap(controller, seconds) for _ in range(6)] == [4, 16, 64, 256, 1024, 1024]


def test_it_is_doubled_while_little_waits() -> None:
    """Up to the limit."""
    controller = WindowController()
    lap(controller, 0.1)
    found = [lap(controller, 0.14) for _ in range(9)]
    assert found == [8, 16, 32, 64, 128, 256, 512, 1024, 1024]


@pytest.mark.parametrize(("seconds", "window"), [(0.105, 16), (0.14, 8), (0.16, 3), (0.4, 1)])
def test_what_follows_on_how_long_four_tasks_take(seconds: float, window: int) -> None:
    """A single one takes 0.1 seconds."""
    controller = WindowController()
    lap(controller, 0.1)
    assert lap(controller, seconds) == window


@pytest.mark.parametrize(
    ("seconds", "window"), [(MAX_QUEUED_SECONDS, 8), (MAX_QUEUED_SECONDS * 1.1, 3)]
)
def test_what_may_wait_whatever_the_round_trip_is(seconds: float, window: int) -> None:
    controller = WindowController()
    lap(controller, 0.0)
    controller.sent(4, 40, 4, 0.0)
    controller.answered(4, seconds)
    assert controller.window == window


def test_a_second_is_long() -> None:
    """PRE-043."""
    controller = WindowController()
    assert lap(controller, 1.0) == 1
    assert lap(controller, 0.99) == 4


def test_a_node_that_lacks_tasks_is_not_to_hold_more() -> None:
    """Whether it was filled before does not matter."""
    controller = WindowController()
    lap(controller, 0.1)
    for _ in range(2):
        controller.sent(2, 20, 2, 0.0)
        controller.answered(2, 0.1)
    assert controller.window == 4
    assert lap(controller, 0.1) == 16


def test_tries_that_fail_become_rare() -> None:
    """After each failure the node waits twice as long, but not for ever."""
    assert failures(WindowController(), 9) == [1, 3, 5, 9, 17, 33, 65, 65, 65]


def test_a_try_that_succeeds_ends_backoff() -> None:
    controller = WindowController()
    failures(controller, 3)
    while lap(controller, 0.1) == 1:
        pass
    assert lap(controller, 0.1) == 16
    assert lap(controller, 10.0) == 1
    assert failures(controller, 1) == [3]


def test_single_tasks_that_differ_are_no_failure() -> None:
    """With them the node holds one task, and no longer than that."""
    controller = WindowController()
    for seconds in [0.1, 0.5]:
        controller.sent(1, 10, 1, 0.0)
        controller.answered(1, seconds)
    assert controller.window == 1
    assert lap(controller, 0.1) == 4


def test_more_answers_than_are_needed() -> None:
    """They come at once, after a few others."""
    controller = WindowController()
    lap(controller, 0.1)
    controller.sent(4, 40, 4, 0.0)
    controller.answered(3, 0.1)
    assert controller.window == 4
    controller.sent(3, 30, 4, 0.1)
    controller.answered(4, 0.1)
    assert controller.window == 16


def test_tasks_from_before_a_change_do_not_count() -> None:
    """Neither how many there are nor how long they take."""
    controller = WindowController()
    lap(controller, 0.1)
    controller.sent(4, 40, 4, 0.0)
    controller.answered(3, 0.1)
    controller.sent(3, 30, 4, 0.1)
    controller.answered(1, 0.1)
    assert controller.window == 16
    controller.sent(13, 130, 16, 5.0)
    controller.answered(3, 5.1)
    controller.sent(3, 30, 16, 5.1)
    controller.answered(13, 5.1)
    assert controller.window == 16
    controller.answered(3, 5.2)
    assert controller.window == 64


def test_at_the_limit_nothing_changes() -> None:
    """So what was sent before the decision to stay there counts."""
    controller = WindowController()
    while lap(controller, 0.1) < MAX_WINDOW:
        pass
    controller.sent(MAX_WINDOW, 10, MAX_WINDOW, 0.0)
    controller.answered(MAX_WINDOW - 1, 0.1)
    controller.sent(MAX_WINDOW - 1, 10, MAX_WINDOW, 0.1)
    controller.answered(1, 0.1)
    assert controller.window == MAX_WINDOW
    controller.sent(1, 10, MAX_WINDOW, 0.1)
    controller.answered(MAX_WINDOW, 0.3)
    assert controller.window == MAX_WINDOW * 3 // 4


def test_answers_to_what_was_sent_bit_by_bit() -> None:
    controller = WindowController()
    lap(controller, 0.1)
    controller.sent(1, 10, 1, 0.0)
    controller.sent(2, 30, 3, 0.0)
    controller.answered(2, 0.1)
    assert controller.octets == 30
    controller.answered(1, 0.1)
    assert controller.octets == 0


@given(
    batches=st.lists(st.tuples(st.integers(1, 20), st.integers(1, 100)), max_size=20),
    pauses=st.lists(st.floats(0, 10), min_size=40, max_size=40),
)
def test_octets_are_counted(batches: list[tuple[int, int]], pauses: list[float]) -> None:
    """Those of a batch until all of its tasks are answered."""
    controller = WindowController()
    clock = 0.0
    held = 0
    for (count, octets), pause in zip(batches, pauses, strict=False):
        clock += pause
        held += count
        controller.sent(count, octets, held, clock)
    assert controller.octets == sum(octets for _, octets in batches)
    for (count, octets), pause in zip(batches, pauses, strict=False):
        clock += pause
        before = controller.octets
        controller.answered(count - 1, clock)
        assert controller.octets == before
        controller.answered(1, clock)
        assert controller.octets == before - octets
        assert 1 <= controller.window <= MAX_WINDOW
    assert controller.octets == 0
