"""The line of --progress with its estimate and its oldest task, and the hint."""

from __future__ import annotations

import pytest

from paexec_trio.core.overview import BusyNode, PipeTimes
from paexec_trio.core.snapshot import NodeSnapshot, Snapshot
from paexec_trio.core.states import NodeState
from paexec_trio.nursery.results import Total
from paexec_trio.services.stallhint import hint_for
from paexec_trio.services.statusline import cut, oldest_of, short_duration, status_line


def busy(
    task_id: int = 1,
    *,
    age: float | None = 12.0,
    times: PipeTimes | None = None,
    has_written: bool = False,
    done: int = 0,
    runs_commands: bool = False,
) -> BusyNode:
    return BusyNode(b"n", task_id, b"x", age, times, has_written, done, runs_commands)


NOW = Snapshot(30, 0, 1, 5, (NodeSnapshot(b"n", NodeState.BUSY, 1),))


@pytest.mark.parametrize(
    ("total", "oldest", "line"),
    [
        (None, None, b"30 done, 1 running, 3.00/s"),
        (Total(90, is_exact=True), None, b"30 done of 90, 1 running, 3.00/s, 20 s left"),
        (
            Total(990, is_exact=False),
            (busy(7), 75.2),
            b"30 done of about 990, 1 running, 3.00/s, 5 min 20 s left, "
            b"oldest: 7 'x' on n for 1 min 15 s",
        ),
    ],
)
def test_a_line(total: Total | None, oldest: tuple[BusyNode, float] | None, line: bytes) -> None:
    found = status_line(NOW, 10.0, has_statuses=False, total=total, oldest=oldest)
    assert found == line


def test_no_estimate_before_something_is_done() -> None:
    now = Snapshot(0, 0, 0, 5, ())
    line = status_line(now, 10.0, has_statuses=True, total=Total(5, is_exact=True), oldest=None)
    assert line == b"0 done of 5, 0 running, 0 failed, 0/s"


def test_the_oldest_task() -> None:
    nodes = [busy(1, age=None), busy(2, age=3.0), busy(3, age=5.0)]
    assert oldest_of(nodes) == (nodes[2], 5.0)
    assert oldest_of([busy(age=0.5)]) is None
    assert oldest_of([busy(age=None)]) is None


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-1, b"0 s"), (59.4, b"59 s"), (61, b"1 min 01 s"), (7325, b"2 h 02 min")],
)
def test_durations(seconds: float, text: bytes) -> None:
    assert short_duration(seconds) == text


@pytest.mark.parametrize(
    ("text", "columns", "kept"),
    [
        ("abc", 3, ("abc", 3)),
        ("abcd", 3, ("abc", 3)),
        ("日本", 3, ("日", 2)),
        ("a\N{COMBINING ACUTE ACCENT}b", 1, ("a\N{COMBINING ACUTE ACCENT}", 1)),
        ("", 0, ("", 0)),
    ],
)
def test_a_line_is_cut_to_the_width_of_the_terminal(
    text: str, columns: int, kept: tuple[str, int]
) -> None:
    assert cut(text.encode(), columns) == (kept[0].encode(), kept[1])


# Hints

SILENT = PipeTimes(11.0, 99.0, 10.5, has_read_all=True)


@pytest.mark.parametrize(
    ("node", "part"),
    [
        (busy(times=SILENT), b"has read its first task, 'x', 12 s ago, and written nothing"),
        (busy(times=SILENT, has_written=True), b"lines for task 1 'x', but for 10 s nothing more"),
        (busy(times=SILENT, has_written=True, done=5), b"has written lines for task"),
        (busy(times=SILENT, done=1), b""),
        (busy(times=SILENT, age=9.0), b""),
        (busy(times=SILENT._replace(has_read_all=False)), b""),
        (busy(times=SILENT._replace(written=9.0), has_written=True), b""),
        (busy(times=SILENT, runs_commands=True), b""),
        (busy(times=None), b""),
    ],
)
def test_the_hint(node: BusyNode, part: bytes) -> None:
    hint = hint_for([busy(times=None), node])
    assert part in hint
    assert bool(hint) == bool(part)
    if part:
        assert b"needs -x" in hint
