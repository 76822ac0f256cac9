"""The tasks of a log that are run again (ACC-042 to ACC-046)."""

from __future__ import annotations

from typing import Any

import pytest

from paexec_trio.core import commands as do
from paexec_trio.core import events as on
from paexec_trio.core.accounting import Accounting, LogSettings, Resume, Summing
from paexec_trio.core.engine import Engine
from paexec_trio.core.grouping import Grouping
from paexec_trio.core.joblog import BadLogError, PastAttempt, hash_of
from paexec_trio.core.resuming import NumberedTasks, Past, unsuccessful
from paexec_trio.core.settings import GraphSettings, Settings
from paexec_trio.core.tasks import RefusedTaskError
from paexec_trio.core.weights import Weighting
from tests.core.playbook import names

Line = tuple[int, bytes, bytes]


def attempts(*lines: Line) -> list[PastAttempt]:
    return [
        PastAttempt(task_id, task, hash_of(task), 1, status, 10 * number)
        for number, (task_id, task, status) in enumerate(lines, 1)
    ]


def run(
    tasks: bytes,
    lines: list[PastAttempt],
    resume: Resume = Resume.UNFINISHED,
    **options: Any,
) -> tuple[list[bytes], list[bytes], int]:
    """Run what is to be run on one node; return the tasks, the diagnostics and the status."""
    log = LogSettings(b"log", resume=resume)
    rules = Accounting(log=log, summing=Summing.ALWAYS, status_of_tasks=True)
    settings = Settings(nodes=names(1), accounting=rules, **options)
    source = NumberedTasks(unsuccessful(lines)) if resume is Resume.ONLY_UNSUCCESSFUL else None
    engine = Engine(settings, tasks=source, past=Past(b"log", lines, resume))
    done: list[bytes] = []
    reports: list[bytes] = []
    is_read = False
    events: list[on.Event] = [on.RunStarted()]
    while events:
        for command in engine.handle(events.pop(0)):
            match command:
                case do.StartNode(node):
                    events.append(on.NodeStarted(node, 7))
                case do.ReadMore():
                    events.append(on.StdinEnded() if is_read or not tasks else on.StdinChunk(tasks))
                    is_read = True
                case do.Send(node, data):
                    done += data.splitlines()
                    events += [on.NodeOutput(node, b"success\n\n")] * data.count(b"\n")
                case do.CloseStdin(node):
                    events += [on.NodeEnded(node, exited=True), on.NodeReaped(node, status=0)]
                case do.DrainOutput():
                    events.append(on.OutputDrained())
                case do.Report(text):
                    reports.append(text)
                case do.Exit(status):
                    return done, reports, status
    raise AssertionError("the run does not end")


LINES = attempts((1, b"a", b"success"), (2, b"b", b"failure"), (3, b"c", b"lost"))


@pytest.mark.parametrize(
    ("resume", "expected"),
    [
        (Resume.UNFINISHED, [b"c", b"d"]),
        (Resume.UNSUCCESSFUL, [b"b", b"c", b"d"]),
        (Resume.ONLY_UNSUCCESSFUL, [b"b", b"c"]),
    ],
)
@pytest.mark.parametrize("prefetch", [1, 3])
@pytest.mark.parametrize("grouping", Grouping)
def test_which_tasks_are_run(
    resume: Resume, expected: list[bytes], prefetch: int, grouping: Grouping
) -> None:
    tasks = b"a\nb\nc\nd\n"
    done, _, _ = run(tasks, LINES, resume, prefetch=prefetch, grouping=grouping)
    assert done == expected


@pytest.mark.parametrize(
    ("status", "is_run"),
    [
        *[(b"success", False), (b"failure", False), (b"timeout", False)],
        *[(b"lost", True), (b"retried", True)],
    ],
)
def test_the_last_line_of_a_task_counts(status: bytes, is_run: bool) -> None:
    for before in (b"success", b"lost"):
        done, _, _ = run(b"a\n", attempts((1, b"a", before), (1, b"a", status)))
        assert done == [b"a"] * is_run


def test_what_the_summary_says() -> None:
    _, reports, status = run(b"a\nb\nc\nd\n", LINES)
    assert reports == [b"paexec-trio: 4 tasks: 1 done before, 1 failed before, 2 succeeded"]
    assert status == 1, "not all tasks of the input succeeded"
    _, reports, status = run(b"a\nb\nc\nd\n", LINES, Resume.UNSUCCESSFUL)
    assert reports == [b"paexec-trio: 4 tasks: 1 done before, 3 succeeded"]
    assert status == 0
    _, reports, status = run(b"", LINES, Resume.ONLY_UNSUCCESSFUL)
    assert reports == [b"paexec-trio: 2 tasks: 2 succeeded"]
    assert status == 0


def test_nothing_is_left() -> None:
    lines = attempts((1, b"a", b"success"))
    assert run(b"a\n", lines)[0] == []
    done, reports, status = run(b"", lines, Resume.ONLY_UNSUCCESSFUL)
    assert (done, status) == ([], 0)
    assert reports == [b"paexec-trio: 0 tasks: none"]


@pytest.mark.parametrize(
    ("tasks", "done", "task_id"),
    [
        (b"A\nb\nc\nd\n", [], 1),
        (b"a\nb\nx\nc\n", [], 3),
        (b"a\nb\nx", [], 3),
        (b"a\nb\nc", [b"c"], 4),
        (b"a\nb\n", [], 3),
        (b"a\n\nb\nc\nd", [], 2),
    ],
)
def test_another_input(tasks: bytes, done: list[bytes], task_id: int) -> None:
    """ACC-045."""
    lines = [*LINES, *attempts((4, b"d", b"success"))]
    ran, reports, status = run(tasks, lines)
    assert ran == done
    assert b"task %d" % task_id in reports[0]
    assert b"log" in reports[0]
    assert status == 255


def test_another_graph() -> None:
    lines = attempts((1, b"a", b"success"), (2, b"b", b"success"))
    for tasks, task_id in ((b"a c\nb\n", 2), (b"a\n", 2), (b"b a\n", 1)):
        done, reports, status = run(tasks, lines, graph=GraphSettings())
        assert done == []
        assert b"task %d" % task_id in reports[0]
        assert status == 255


@pytest.mark.parametrize("weighting", Weighting)
def test_a_graph(weighting: Weighting) -> None:
    """ACC-046: a, b and c succeeded before; d and what depends on it are run."""
    lines = attempts((1, b"a", b"success"), (2, b"b", b"success"), (4, b"c", b"success"))
    tasks = b"a b\nb d\nc\nd e\nc e\n"
    graph = GraphSettings(weighting=weighting)
    done, reports, status = run(tasks, lines, graph=graph)
    assert done == [b"d", b"e"]
    assert reports == [b"paexec-trio: 5 tasks: 3 done before, 2 succeeded"]
    assert status == 0


@pytest.mark.parametrize("word", [b"success", b"failure"])
def test_nothing_of_a_graph_is_left(word: bytes) -> None:
    """ACC-046: the last task that was done before may have failed."""
    lines = attempts((1, b"a", b"success"), (2, b"b", word))
    done, reports, status = run(b"a b\n", lines, graph=GraphSettings())
    assert done == []
    is_success = word == b"success"
    counts = b"2 done before" if is_success else b"1 done before, 1 failed before"
    assert reports == [b"paexec-trio: 2 tasks: " + counts]
    assert status == (0 if is_success else 1)


def test_a_failure_in_a_graph() -> None:
    """ACC-046."""
    lines = attempts((1, b"a", b"failure"), (3, b"c", b"success"))
    tasks = b"a b\nc\nb d\n"
    done, reports, status = run(tasks, lines, graph=GraphSettings())
    assert done == []
    assert reports == [
        b"paexec-trio: 4 tasks: 1 done before, 1 failed before, 2 never ran: "
        b"2 'b' (depends on 1), 4 'd' (depends on 1)"
    ]
    assert status == 1
    done, _, status = run(tasks, lines, Resume.UNSUCCESSFUL, graph=GraphSettings())
    assert done == [b"a", b"b", b"d"]
    assert status == 0


def test_a_graph_with_other_dependencies() -> None:
    """ACC-045: b was done before a was, so it cannot have depended on it."""
    for word in (b"success", b"failure"):
        lines = attempts((2, b"b", word))
        done, reports, status = run(b"a b\nb c\n", lines, graph=GraphSettings())
        assert done == []
        assert b"task 2 depends on tasks that were not done before" in reports[0]
        assert status == 255


@pytest.mark.parametrize("forbidden", [b"\n", b"\0"])
@pytest.mark.parametrize("count", [1, 2, 5])
def test_a_task_of_the_log_that_no_calculator_can_be_given(forbidden: bytes, count: int) -> None:
    """The run that wrote the log may have been one of commands, and this one of calculators."""
    tasks = NumberedTasks([(2, b"a"), (4, b"b"), (7, b"x%by" % forbidden), (8, b"c")])
    tasks.forbidden = forbidden
    taken = [task for _ in range(2 // min(count, 2)) for task in tasks.take_several(count)]
    assert taken == [(2, b"a"), (4, b"b")]
    with pytest.raises(RefusedTaskError) as caught:
        tasks.take_several(count)
    assert b"task 7 contains" in caught.value.reason
    assert [task_id for task_id, _ in tasks.waiting()] == [7, 8]
    assert tasks.count_taken() == 2


def test_tasks_of_the_log_in_the_order_of_their_ids() -> None:
    """ACC-044."""
    lines = attempts(
        *((3, b"c", b"lost"), (1, b"a", b"failure"), (2, b"b", b"failure"), (2, b"b", b"success"))
    )
    assert unsuccessful(lines) == [(1, b"a"), (3, b"c")]
    changed = lines[0]._replace(text=b"C")
    with pytest.raises(BadLogError) as caught:
        unsuccessful([*lines, changed])
    assert caught.value.number == 6


def test_the_largest_end() -> None:
    lines = attempts((1, b"a", b"success"), (2, b"b", b"success"))
    assert Past(b"log", lines[::-1], Resume.UNFINISHED).end == 20
    assert Past().end == 0
