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
    calls = calls_per_task(argv, 400, 1400, directory)
    assert isinstance(calls, CallsPerTask), calls
    return calls


def test_a_task_with_one_node_costs_four_calls_at_most(tools: Tools, tmp_path: Path) -> None:
    """Waiting, reading the result, writing it, and writing the next task.

    Fewer, if results can be written together.
    """
    calls = count(tools, 1, tmp_path)
    assert calls.total <= 4 + READS_OF_INPUT, calls.of


def test_more_nodes_make_no_task_cost_more(tools: Tools, tmp_path: Path) -> None:
    """At worst each result is ready alone; how many are ready together is up to the system."""
    calls = count(tools, 8, tmp_path)
    assert calls.total <= 4 + READS_OF_INPUT, calls.of


MEMORY = {"brk", "mmap", "munmap"}
"""Calls whose number depends on how long the words of the command line are."""


def test_prefetch_costs_nothing_that_is_not_asked_for(
    tools: Tools, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PRE-003: with one node the calls of a whole run are the same, and as often.

    But for three: how many results are at hand when they are written is up to the system, and so is
    how often there is something to wait for.
    """
    monkeypatch.setenv("PYTHONHASHSEED", "0")

    def whole_run(*words: str) -> dict[str, int]:
        argv = [str(PROGRAM), *words, "-n", "+1", "-C", str(tools.calculator), "echo"]
        counts = system_calls(argv, 1000, tmp_path)
        assert isinstance(counts, Counter), counts
        return {name: count for name, count in counts.items() if name not in MEMORY}

    plain, one, two = whole_run(), whole_run("--prefetch", "1"), whole_run("--prefetch", "2")
    # A result is read alone; with prefetch two come together.
    assert two["read"] < plain["read"] - 300
    for counts in (plain, one):
        # One more is the name of the process, another the signal that the node has ended.
        assert 1000 < counts.pop("write") <= 2100
        assert counts.pop("epoll_wait") + counts.pop("epoll_ctl") <= 5000
    for name in ("read", "waitid"):
        assert one.pop(name) == pytest.approx(plain.pop(name), abs=20)
    assert one == plain


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
