"""Chapter *Progress*."""

from __future__ import annotations

import os
import re
import shlex
import signal
import time
from typing import TYPE_CHECKING, NamedTuple

import pytest

from conformance.test_combinations import (
    EXTENSIONS,
    TASKS,
    Call,
    covering_calls,
    output_of,
    words_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.harness.distributor import Distributor
    from conformance.harness.stage import Stage

pytestmark = pytest.mark.extension("--progress")
requirement = pytest.mark.requirement

KIB, MIB = 1 << 10, 1 << 20


class Line(NamedTuple):
    """The parts of a progress line that the specification prescribes."""

    octets: bytes
    done: int
    running: int | None
    failed: int | None
    rate: float | None
    is_last: bool


def number_before(word: bytes, octets: bytes) -> int | None:
    found = re.search(rb"(?<![\d.])(\d+) %b\b" % word, octets)
    return int(found[1]) if found else None


def lines_of(run: Distributor) -> list[Line]:
    """Return the progress lines so far; what else is on standard error says nothing of *done*."""
    lines = []
    for octets in run.stderr.splitlines(keepends=True):
        done = number_before(b"done", octets)
        if done is not None and octets.endswith(b"\n"):
            rate = re.search(rb"(?<![\d.])(\d+(\.\d+)?)/s", octets)
            lines.append(
                Line(
                    octets,
                    done,
                    number_before(b"running", octets),
                    number_before(b"failed", octets),
                    float(rate[1]) if rate else None,
                    re.search(rb"\btotal\b", octets) is not None,
                )
            )
    return lines


def wait_for_line(stage: Stage, run: Distributor, what: str, fits: Callable[[Line], bool]) -> Line:
    """Wait for a line that comes from now on."""
    seen = len(lines_of(run))

    def found() -> list[Line]:
        return [line for line in lines_of(run)[seen:] if fits(line)]

    stage.wait(f"a progress line that says {what}", lambda: bool(found()))
    return found()[0]


def totals_of(run: Distributor) -> Line:
    """Return the last line of a run that has ended, and check that it is the last."""
    lines = lines_of(run)
    assert lines, f"no progress line: {run.stderr!r}"
    assert [line.is_last for line in lines] == [False] * (len(lines) - 1) + [True], "no last line"
    return lines[-1]


def names_of(stage: Stage) -> set[bytes]:
    """Return the names that the distributor may have been called by: a shell may be in between."""
    version = stage.run("-V")
    words = map(os.path.basename, shlex.split(stage.distributor()))
    return {*map(os.fsencode, words), *version.stdout.split()[:1]}


@requirement("PRG-010", "PRG-002", "PRG-011", "PRG-014", "PRG-022")
@pytest.mark.parametrize("number", [0, 1, 5])
def test_the_totals(stage: Stage, number: int) -> None:
    names = names_of(stage)
    stage.reply_with_results()
    run = stage.run("--progress", "-n", "+1", "-c", stage.calculator(), feed=b"a\n" * number)
    assert run.status == 0
    assert run.stdout == (stage.result(b"a") + b"\n") * number
    assert totals_of(run).done == number
    lines = lines_of(run)
    assert b"".join(line.octets for line in lines) == run.stderr, "there is something else"
    for line in lines:
        assert line.rate is not None, "a line without a rate"
        name, colon, _ = line.octets.partition(b": ")
        assert colon, f"no name: {line.octets!r}"
        assert name in names, f"not the name of the distributor: {name!r}"


@requirement("PRG-022", "PRG-002")
def test_the_totals_of_a_very_short_run(stage: Stage) -> None:
    """There is no task, and the calculator ends by itself at once."""
    run = stage.run("--progress", "-n", "+1", "-c", "echo >started")
    assert (stage.directory / "started").exists(), "no calculator was started"
    assert run.status == 0
    assert totals_of(run).done == 0


@requirement("PRG-020", "PRG-011", "PRG-012", "PRG-004", "PRG-022")
def test_lines_come_while_nothing_happens(stage: Stage) -> None:
    """The input stays open: tasks do not wait for its end, and neither do lines."""
    run = stage.start("--progress", "-n", "+3", "-c", stage.calculator())
    stage.next_calculators(3)
    wait_for_line(stage, run, "0 running", lambda line: (line.done, line.running) == (0, 0))
    run.feed(b"a\nb\n")
    stage.holder(b"a").answer(b"of a")
    holder = stage.holder(b"b")
    for _ in range(2):
        wait_for_line(stage, run, "1 running", lambda line: (line.done, line.running) == (1, 1))
    holder.answer(b"of b")
    wait_for_line(stage, run, "2 done", lambda line: (line.done, line.running) == (2, 0))
    assert run.finish() == 0
    assert sorted(run.stdout.splitlines()) == [b"of a", b"of b"]
    assert totals_of(run).done == 2
    assert all(line.running is not None for line in lines_of(run)[:-1])


@requirement("PRG-012")
@pytest.mark.extension("--prefetch")
def test_queued_tasks_are_not_running(stage: Stage) -> None:
    run = stage.start("--progress", "--prefetch", "3", "-n", "+2", "-c", stage.calculator())
    calculators = stage.next_calculators(2)
    run.feed(b"a\nb\nc\nd\ne\n")
    stage.wait("five tasks to be sent", lambda: len(stage.tasks) == 5)
    line = wait_for_line(stage, run, "0 done", lambda line: line.done == 0)
    assert (line.done, line.running) == (0, 2)
    for calculator in calculators:
        for task in calculator.tasks:
            calculator.answer(task)
    assert run.finish() == 0
    assert totals_of(run).done == 5


@requirement("PRG-013", "PRG-011")
def test_failed_tasks(stage: Stage) -> None:
    """B is not run, because a fails; c succeeds, and d has a status that it was not asked for."""
    run = stage.start("--progress", "-g", "-n", "+2", "-c", stage.calculator())
    run.feed(b"a b\nc\nd\n")
    run.close_stdin()
    stage.holder(b"a").answer(b"failure")
    stage.holder(b"c").answer(b"success")
    holder = stage.holder(b"d")
    line = wait_for_line(stage, run, "2 done", lambda line: line.done == 2)
    assert (line.running, line.failed) == (1, 1)
    holder.answer(b"failure")
    assert run.wait() == 0
    totals = totals_of(run)
    assert (totals.done, totals.failed) == (3, 2)
    assert all(line.failed is not None for line in lines_of(run))


@requirement("PRG-014")
def test_the_rate(stage: Stage) -> None:
    """It lies between those of the time that the test has seen, which is a bit too short or long.

    The run goes on for a while after the tasks, so that no other time can be meant.
    """
    number = 200
    began = time.monotonic()
    run = stage.start("--progress", "-n", "+1", "-c", stage.calculator())
    stage.next_calculator()
    surely_begun = time.monotonic()
    stage.reply_with_results()
    run.feed(b"a\n" * number)
    run.expect_output((stage.result(b"a") + b"\n") * number)
    for _ in range(2):
        line = wait_for_line(stage, run, f"{number} done", lambda line: line.done == number)
        now = time.monotonic()
        assert line.rate is not None
        assert line.rate * (now - began) >= 0.95 * number - 0.5 * (now - began), "too few"
    went_on = time.monotonic() - surely_begun
    assert run.finish() == 0
    took = time.monotonic() - began
    rate = totals_of(run).rate
    assert rate is not None
    # Rounding the rate would lose half a task a second.
    assert rate + 0.5 >= number / took * 0.99, f"{rate}/s, not less than {number / took}"
    assert rate - 0.5 <= number / went_on * 1.01, f"{rate}/s, not more than {number / went_on}"


@requirement("PRG-021")
def test_not_too_many_lines(stage: Stage) -> None:
    echo = stage.script("echo", 'while IFS= read -r task; do printf "%s\\n\\n" "$task"; done')
    began = time.monotonic()
    run = stage.run("--progress", "-n", "+2", "-c", echo, feed=b"a\n" * 5000)
    seconds = time.monotonic() - began
    assert run.status == 0
    assert run.stdout == b"a\n" * 5000
    assert totals_of(run).done == 5000
    assert len(lines_of(run)) - 1 <= seconds + 1


@requirement("PRG-022", "PRG-002", "PRG-011", "PRG-013")
@pytest.mark.parametrize("graph", [False, True], ids=["flat", "graph"])
@pytest.mark.parametrize("how", ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "loss", "closed output"])
def test_a_run_that_does_not_do_all_its_tasks(stage: Stage, how: str, graph: bool) -> None:
    """Two tasks are held, and one more waits."""
    options = ["-g"] if graph else []
    run = stage.start("--progress", *options, "-n", "+2", "-c", stage.calculator())
    run.feed(b"a\nb\nc\nd\n")
    if graph:
        run.close_stdin()
    stage.next_calculators(2)
    first = stage.holder(b"a")
    first.answer(b"failure")
    run.expect_output(b"failure\na\n" if graph else b"failure\n")
    stage.holder(b"b")
    stage.holder(b"c")
    expected = -signal.SIGPIPE
    if how == "loss":
        first.die()
        expected = 1
    elif how == "closed output":
        run.close_output()
        # Printing shows that the reader is gone, if nothing else does.
        first.answer(b"success")
    else:
        run.signal(signal.Signals[how])
        expected = -signal.Signals[how]
    assert run.wait(3 * stage.bound) == expected
    totals = totals_of(run)
    # The second result may have been read before the run has ended, or not.
    assert totals.done in ({1, 2} if how == "closed output" else {1})
    assert totals.failed == (1 if graph else None)


@requirement("PRG-022", "PRG-011")
def test_the_totals_when_all_nodes_have_died(stage: Stage) -> None:
    """The task that was lost with the node is not done."""
    run = stage.start("--progress", "-z", "-n", "+1", "-c", stage.calculator())
    run.feed(b"a\nb\nc\n")
    calculator = stage.next_calculator()
    assert calculator.next_task() == b"a"
    calculator.answer(b"of a")
    assert calculator.next_task() == b"b"
    calculator.die()
    assert run.wait(3 * stage.bound) == 1
    assert run.stdout == b"of a\nfatal\n"
    assert totals_of(run).done == 1


@requirement("PRG-011")
def test_a_task_that_is_done_again_counts_once(stage: Stage) -> None:
    run = stage.start("--progress", "-z", "-n", "+2", "-c", stage.calculator())
    both = stage.next_calculators(2)
    run.feed(b"a\n")
    first = stage.holder(b"a")
    first.write(b"begun\n")
    first.die()
    (second,) = (fake for fake in both if fake is not first)
    assert second.next_task() == b"a"
    wait_for_line(stage, run, "1 running", lambda line: (line.done, line.running) == (0, 1))
    second.answer(b"of a")
    assert run.finish() == 0
    assert totals_of(run).done == 1


@requirement("PRG-003")
@pytest.mark.parametrize("options", [(), ("-g",)], ids=["flat", "graph"])
def test_nothing_without_the_option(stage: Stage, options: tuple[str, ...]) -> None:
    with_it = stage.run("--progress", "-n", "+1", "-c", stage.calculator())
    assert totals_of(with_it).done == 0
    run = stage.start(*options, "-n", "+1", "-c", stage.calculator())
    run.feed(b"a\n")
    if options:
        run.close_stdin()
    calculator = stage.holder(b"a")
    # A line that comes later goes unnoticed; the last one does not.
    stage.happens(lambda: bool(run.stderr), stage.grace)
    calculator.answer(b"success")
    assert run.finish() == 0
    assert run.stdout == b"success\n"
    assert run.stderr == b""


def calls_without_extensions() -> list[Call]:
    return [call for call in covering_calls() if not any(call.get(name) for name in EXTENSIONS)]


@requirement("PRG-002", "OPT-009")
@pytest.mark.parametrize(
    "words", calls_without_extensions(), ids=lambda words: " ".join(words_of(words)[:-1])
)
def test_every_option_beside_it(stage: Stage, words: Call) -> None:
    stage.script("transport", 'shift; exec sh -c "$1"')
    terminator = b"\0" if words["terminator"] else b"\n"
    feed = b"".join(task + terminator for task in TASKS)
    run = stage.run("--progress", *words_of(words), feed=feed)
    assert re.fullmatch(output_of(words), run.stdout), f"{run.stdout!r} is not {output_of(words)!r}"
    assert run.status == 0
    totals = totals_of(run)
    assert totals.done == len(TASKS)
    assert totals.failed == (0 if words["graph"] else None)


@requirement("PRG-004")
def test_nothing_is_read_ahead(stage: Stage) -> None:
    """All nodes are busy and the input has no end, like that of ``yes`` (DSP-023)."""
    run = stage.start("--progress", "-n", "+1", "-c", stage.calculator())
    calculator = stage.next_calculator()
    capacity = run.set_stdin_capacity(64 * KIB)
    run.feed(b"y\n" * (8 * MIB))
    assert calculator.next_task() == b"y"
    allowed = len(b"y\n") + MIB + capacity
    wait_for_line(stage, run, "1 running", lambda line: line.running == 1)
    assert run.accepted <= allowed, f"{run.accepted} octets were read, {allowed} are allowed"


@requirement("PRG-023")
def test_nobody_reads_the_lines(stage: Stage) -> None:
    """Standard error is a full pipe."""
    fifo = stage.directory / "full"
    os.mkfifo(fifo)
    full = os.open(fifo, os.O_RDWR | os.O_NONBLOCK)
    try:
        while True:
            os.write(full, bytes(4096))
    except BlockingIOError:
        pass
    try:
        within = ["/bin/sh", "-c", 'exec "$@" 2>"$0"', str(fifo)]
        command = f"exec {stage.calculator()}"
        run = stage.start("--progress", "-n", "+1", "-c", command, within=within)
        run.feed(b"a\n")
        calculator = stage.next_calculator()
        calculator.next_task()
        # So long that a line is due; a distributor whose lines come later may hang later.
        stage.happens(lambda: run.has_ended, stage.grace)
        calculator.answer(b"of a")
        run.expect_output(b"of a\n")
        run.feed(b"b\n")
        assert calculator.next_task() == b"b"
        calculator.answer(b"of b")
        assert run.finish(3 * stage.bound) == 0
        assert run.stdout == b"of a\nof b\n"
    finally:
        os.close(full)
