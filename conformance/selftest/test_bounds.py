"""How long a test waits."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from conformance.harness.effort import Work
from conformance.harness.watch import READ, Bounds, UnmetError, Watch

if TYPE_CHECKING:
    import selectors
    from collections.abc import Callable


@pytest.mark.parametrize(
    ("hang", "message", "asked", "seconds"),
    [
        (None, "timed out waiting for: x", None, 10),
        (None, "timed out waiting for: x", 60, 60),
        ("waiting for: x", "timed out waiting for: x", None, 1),
        ("waiting for: x", "timed out waiting for: x", 60, 1),
        ("waiting for: x", "timed out waiting for: the start of 2 calculators", None, 10),
        ("waiting for: x", "timed out waiting for: the start of 2 calculators", 60, 60),
    ],
)
def test_only_the_wait_in_vain_is_short(
    hang: str | None, message: str, asked: float | None, seconds: float
) -> None:
    assert Bounds(usual=10, hang=hang, in_vain=1).of(message, asked) == seconds


def test_who_is_expected_to_fail_is_looked_at_longer() -> None:
    """A fault that shows after the look goes unnoticed. Other waits of such a test are short."""
    usually, fails = (Bounds(usual=20, hang=None, in_vain=1, fails=f) for f in (False, True))
    assert (usually.grace, usually.moment) == (2, 10)
    assert (fails.grace, fails.moment) == (10, 2)


def test_how_near_a_wait_came_to_its_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wait that times out does not count, nor one like that which is expected to."""
    seconds = 0.0

    def after(more: float, answer: bool) -> bool:
        nonlocal seconds
        seconds += more
        return answer

    monkeypatch.setattr(time, "monotonic", lambda: seconds)
    watch = Watch(Bounds(usual=10, hang=None, in_vain=1), lambda: None)
    watch.wait("something", lambda: after(3, True))
    assert watch.nearest == 0.3
    watch.wait("something that may take longer", lambda: after(12, True), 60)
    with pytest.raises(UnmetError):
        watch.wait("something that does not happen", lambda: after(20, False))
    assert watch.nearest == 0.3
    watch.wait("something", lambda: after(5, True))
    assert watch.nearest == 0.5
    watch.bounds = Bounds(usual=10, hang="something else", in_vain=1)
    watch.wait("something else", lambda: after(0.9, True))
    assert watch.nearest == 0.5
    watch.close()


@pytest.mark.parametrize("octets", [3, 1000])
def test_a_wait_that_is_over_takes_in_what_is_there(octets: int) -> None:
    """The test may not have run for a while; what has no end does not hold it up."""
    reader, writer = os.pipe()
    os.write(writer, b"x" * octets)
    taken = bytearray()
    watch = Watch(Bounds(usual=60, hang=None, in_vain=60), lambda: None)
    watch.add(reader, READ, lambda: taken.extend(os.read(reader, 1)))
    assert watch.happens(lambda: len(taken) == octets, 0) == (octets == 3)
    watch.close()
    os.close(reader)
    os.close(writer)


def test_what_processes_did_before_they_ended_is_taken_in() -> None:
    """That nothing can happen any more is known before all that has happened is known."""
    reader, writer = os.pipe()
    os.write(writer, b"abc")
    taken = bytearray()
    watch = Watch(Bounds(usual=60, hang=None, in_vain=60), lambda: "nobody is there")
    watch.add(reader, READ, lambda: taken.extend(os.read(reader, 1)))
    watch.wait("the last octet", lambda: taken == b"abc")
    watch.close()
    os.close(writer)
    os.close(reader)


def test_what_never_ends_is_not_taken_in_for_ever() -> None:
    reader, writer = os.pipe()
    os.write(writer, b"x")
    begin = time.monotonic()

    def take() -> None:
        assert time.monotonic() - begin < 20, "it is still taken in"

    watch = Watch(Bounds(usual=0.1, hang=None, in_vain=0.1), lambda: "nobody is there")
    watch.add(reader, READ, take)
    with pytest.raises(UnmetError):
        watch.wait("something else", lambda: False)
    watch.close()
    os.close(writer)
    os.close(reader)


@pytest.mark.parametrize(
    ("work", "events", "seconds"),
    [
        (lambda _: Work(is_done=False, seconds=5), False, 100),
        (lambda now: Work(is_done=now < 100, seconds=5), False, 199),
        (lambda now: Work(is_done=False, seconds=min(now / 10, 10)), False, 200),
        (lambda _: Work(is_done=True, seconds=5), False, 300),
        (lambda now: Work(is_done=False, seconds=now / 20), False, 300),
        (lambda _: Work(is_done=False, seconds=5), True, 300),
        (lambda now: Work(is_done=True, seconds=1000 + now), False, 121),
        (lambda now: Work(is_done=True, seconds=now / 2), True, 241),
    ],
    ids=[
        "idle",
        "runs",
        "uses time",
        "always runs",
        "always uses time",
        "something happens",
        "uses too much time",
        "uses too much time while something happens",
    ],
)
def test_a_long_wait_ends_early_only_if_nobody_works_or_too_much(
    monkeypatch: pytest.MonkeyPatch,
    work: Callable[[float], Work],
    events: bool,
    seconds: float,
) -> None:
    """A process that works, or waits for a processor, may be as slow as the machine is."""
    now = 0.0
    reader, writer = os.pipe()
    if events:
        os.write(writer, b"x")

    def select(bound: float) -> list[tuple[selectors.SelectorKey, int]]:
        nonlocal now
        now += 0.5
        key = watch._known[reader]  # noqa: SLF001
        return [(key, READ)] if events and bound else []

    monkeypatch.setattr(time, "monotonic", lambda: now)
    watch = Watch(Bounds(20, None, 1), lambda: None, lambda: work(now))
    watch.add(reader, READ, lambda: None)
    monkeypatch.setattr(watch._selector, "select", select)  # noqa: SLF001
    with pytest.raises(UnmetError, match="timed out waiting for: volume"):
        watch.wait("volume", lambda: False, watch.bounds.volume)
    assert seconds <= now <= seconds + 5
    assert watch.has_hung
    begin, now = now, now + 0.5
    with pytest.raises(UnmetError):
        watch.wait("anything else", lambda: False)
    assert 20 <= now - begin <= 25, "a usual wait always takes its bound"
    watch.close()
    os.close(reader)
    os.close(writer)


@pytest.mark.parametrize(
    ("progress", "seconds"),
    [
        (lambda now: now / 400, 60),
        (lambda now: now / 300, 240),
        (lambda now: 0 if now < 58 else now / 300, 240),
        (lambda now: now / 300 if now < 100 else 1 / 3, 120),
    ],
    ids=["too slow", "slow", "late", "stalls"],
)
def test_a_long_wait_ends_early_if_most_of_the_work_would_come_too_late(
    monkeypatch: pytest.MonkeyPatch, progress: Callable[[float], float], seconds: float
) -> None:
    """The work may take 120 seconds of processor time. Each second takes half of one."""
    now = 0.0

    def select(_: float) -> list[tuple[selectors.SelectorKey, int]]:
        nonlocal now
        now += 0.5
        return []

    monkeypatch.setattr(time, "monotonic", lambda: now)
    watch = Watch(Bounds(20, None, 1), lambda: None, lambda: Work(is_done=True, seconds=now / 2))
    monkeypatch.setattr(watch._selector, "select", select)  # noqa: SLF001
    with pytest.raises(UnmetError, match="timed out waiting for: volume"):
        watch.wait("volume", lambda: False, watch.bounds.volume, lambda: progress(now))
    assert seconds <= now <= seconds + 5
    watch.close()


@pytest.mark.parametrize("works", [False, True])
def test_what_no_channel_tells_is_waited_for_in_parts(
    monkeypatch: pytest.MonkeyPatch, works: bool
) -> None:
    told: list[float] = []
    now = 0.0

    def look(part: float, end: float) -> bool:
        nonlocal now
        begin, now = now, min(now + part, end)
        assert part <= 1, f"it did not look round after {begin}"
        return now == end

    monkeypatch.setattr(time, "monotonic", lambda: now)
    watch = Watch(
        Bounds(8, None, 1),
        lambda: "nobody is there",
        lambda: Work(is_done=works, seconds=0),
        lambda: told.append(now),
    )
    assert watch.outwait(lambda part: look(part, 2.5), 6)
    assert told == ([] if works else [1, 2])
    now = 0.0
    assert not watch.outwait(lambda part: look(part, 99), 6.5)
    assert now == 6.5
    assert told[0 if works else 2 :] == ([5, 6] if works else [1, 2, 3, 4, 5, 6])
    watch.close()


def test_a_wait_tells_that_nobody_works(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[float] = []
    now = 0.0

    def select(bound: float) -> list[tuple[selectors.SelectorKey, int]]:
        nonlocal now
        now += bound
        return []

    monkeypatch.setattr(time, "monotonic", lambda: now)
    watch = Watch(
        Bounds(20, None, 1),
        lambda: None,
        lambda: Work(is_done=now < 5, seconds=0),
        lambda: told.append(now),
    )
    monkeypatch.setattr(watch._selector, "select", select)  # noqa: SLF001
    assert not watch.happens(lambda: False, 10)
    assert told == [5, 6, 7, 8, 9, 10]
    watch.close()


def test_a_long_wait_tells_that_it_is_most_likely_in_vain(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[float] = []
    now = 0.0

    def select(bound: float) -> list[tuple[selectors.SelectorKey, int]]:
        nonlocal now
        now += bound
        return []

    monkeypatch.setattr(time, "monotonic", lambda: now)
    watch = Watch(
        Bounds(20, None, 1),
        lambda: None,
        lambda: Work(is_done=True, seconds=now),
        lambda: told.append(now),
    )
    monkeypatch.setattr(watch._selector, "select", select)  # noqa: SLF001
    watch.wait("volume", lambda: now >= 9, watch.bounds.volume)
    assert told == []
    assert 0.05 < watch.nearest < 0.1, "processor time counts"
    with pytest.raises(UnmetError):
        watch.wait("more", lambda: False, watch.bounds.volume)
    assert 19 < told[0] < 22
    watch.close()
