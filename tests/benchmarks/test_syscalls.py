"""The number of system calls per task must not grow.

Times on a busy machine say nothing; the work that is done can be counted.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.benchmarks.building import Tools
from tests.benchmarks.syscalls import CallsPerTask, calls_per_task, read_counts, system_calls

PROGRAM = Path(sys.executable).with_name("paexec-trio")

READS_OF_INPUT = 0.01
"""Calls a task for reading the tasks themselves, which come in chunks of many."""


def count(tools: Tools, nodes: int, directory: Path) -> CallsPerTask:
    argv = [str(PROGRAM), "-n", f"+{nodes}", "-C", str(tools.calculator), "echo"]
    calls = calls_per_task(argv, 3000, 6000, directory)
    assert isinstance(calls, CallsPerTask), calls
    return calls


WAITING = {"epoll_wait", "epoll_ctl", "sched_yield"}
"""Calls whose number is up to the system: how often there is something to wait for, and how long a
spin lasts under strace."""


def assert_costs_little(calls: CallsPerTask) -> None:
    """Reading the result, writing it, and writing the next task; fewer if results come together."""
    working = sum(number for name, number in calls.of.items() if name not in WAITING)
    assert working <= 3 + READS_OF_INPUT, calls.of
    assert calls.total - working <= 6, calls.of


def test_a_task_with_one_node_costs_three_calls_at_most_beside_waiting(
    tools: Tools, tmp_path: Path
) -> None:
    assert_costs_little(count(tools, 1, tmp_path))


def test_more_nodes_make_no_task_cost_more(tools: Tools, tmp_path: Path) -> None:
    """At worst each result is ready alone; how many are ready together is up to the system."""
    assert_costs_little(count(tools, 8, tmp_path))


def test_prefetch_costs_nothing_that_is_not_asked_for(
    tools: Tools, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PRE-003: with one node the same calls are made for tasks, and as often.

    But for three: how many results are at hand when they are written is up to the system, and so is
    how often there is something to wait for. Calls that a task does not make are those of the
    start; they depend on how much of trio is loaded before the run is over.
    """
    monkeypatch.setenv("PYTHONHASHSEED", "0")
    tasks = 3000

    def whole_run(*words: str) -> dict[str, int]:
        argv = [str(PROGRAM), *words, "-n", "+1", "-C", str(tools.calculator), "echo"]
        counts = system_calls(argv, tasks, tmp_path)
        assert isinstance(counts, Counter), counts
        return counts

    plain, one, two = whole_run(), whole_run("--prefetch", "1"), whole_run("--prefetch", "2")
    # A result is read alone; with prefetch two come together.
    assert two["read"] < plain["read"] - tasks / 3
    for counts in (plain, one):
        # Tasks are written one by one, and results are if nothing else is at hand.
        assert tasks < counts.pop("write") <= 2.1 * tasks
        assert sum(counts.pop(name, 0) for name in WAITING) <= 6 * tasks
    assert one.pop("read") == pytest.approx(plain.pop("read"), abs=tasks / 5)
    for counts in (plain, one):
        assert not {name: count for name, count in counts.items() if count > 0.8 * tasks}


def test_the_table_of_strace_is_understood() -> None:
    text = """\
    calls syscall
--------- ----------------
     2000 write
       12 openat
--------- ----------------
     2012 total
"""
    assert read_counts(text) == {"write": 2000, "openat": 12}
