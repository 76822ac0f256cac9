"""The sections *Job log* and *Resuming* of the chapter *Accounting*."""

from __future__ import annotations

import hashlib
import os
import re
import signal
import subprocess
import time
from typing import TYPE_CHECKING, NamedTuple

import pytest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.harness.distributor import Distributor
    from conformance.harness.stage import Stage

pytestmark = pytest.mark.extension("--joblog")
requirement = pytest.mark.requirement
with_output = pytest.mark.extension("--output")
with_groups = pytest.mark.extension("--group")
with_order = pytest.mark.extension("--keep-order")

PARALLEL = b"Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand"
HEADER = PARALLEL + b"\tAttempt\tStatus\tHash\tEnd\n"

#: Fails for tasks that begin with ``bad``; the argument of ``-c`` with ``-x``.
JUDGE = 'judge() { echo "<$1>"; case $1 in bad*) return 3;; esac; }; judge'

#: Notes each task in the file ``ran``, and echoes it; a calculator.
NOTE = r'while IFS= read -r task; do echo "$task" >>ran; printf "<%s>\n\n" "$task"; done'


class Line(NamedTuple):
    """A line of a job log, as the specification has it."""

    seq: int
    host: bytes
    start: float
    runtime: float
    send: int
    receive: int
    exitval: int
    signal: int
    command: bytes
    attempt: int
    status: bytes
    hash: bytes
    end: int


def line_of(octets: bytes) -> Line:
    fields = octets.split(b"\t")
    assert len(fields) == 13, f"not 13 fields: {octets!r}"
    for time_field in fields[2:4]:
        assert re.fullmatch(rb" *\d+\.\d{3}", time_field), f"no three decimals: {octets!r}"
    return Line(
        int(fields[0]),
        fields[1],
        float(fields[2]),
        float(fields[3]),
        int(fields[4]),
        int(fields[5]),
        int(fields[6]),
        int(fields[7]),
        fields[8],
        int(fields[9]),
        fields[10],
        fields[11],
        int(fields[12]),
    )


def octets_of(stage: Stage, name: str = "log") -> bytes:
    path = stage.directory / name
    return path.read_bytes() if path.exists() else b""


def lines_of(stage: Stage) -> list[Line]:
    """Return the whole lines of the log so far."""
    octets = octets_of(stage)
    if not octets.endswith(b"\n"):
        octets = octets[: octets.rfind(b"\n") + 1]
    if not octets:
        return []
    header, *lines = octets.splitlines(keepends=True)
    assert header == HEADER
    return [line_of(line.removesuffix(b"\n")) for line in lines]


def wait_for_lines(stage: Stage, number: int) -> list[Line]:
    stage.wait(f"{number} lines in the log", lambda: len(lines_of(stage)) >= number)
    return lines_of(stage)


def hash_of(task: bytes) -> bytes:
    return hashlib.sha256(task).hexdigest()[:16].encode()


def logged(seq: int, task: bytes, status: bytes, end: int = 0, text: bytes | None = None) -> bytes:
    """Return a line of an earlier run."""
    exitval = 0 if status == b"success" else 1
    return b"%d\t0\t1700000000.000\t0.001\t%d\t0\t%d\t0\t%b\t1\t%b\t%b\t%d\n" % (
        *(seq, len(task) + 1, exitval, task if text is None else text),
        *(status, hash_of(task), end),
    )


def write_log(stage: Stage, *lines: bytes) -> bytes:
    octets = HEADER + b"".join(lines)
    (stage.directory / "log").write_bytes(octets)
    return octets


def tasks_run(stage: Stage) -> list[bytes]:
    return octets_of(stage, "ran").splitlines()


def assert_is_refused(stage: Stage, run: Distributor, *words: bytes) -> None:
    """Check that a run was refused, with words in the diagnostic, before anything was started."""
    assert run.status is not None
    assert run.status > 0, f"ended with status {run.status}"
    for word in words:
        assert word in run.diagnostics, f"{word!r} is not in {run.diagnostics!r}"
    assert run.stdout == b""
    assert tasks_run(stage) == []
    assert stage.started == 0


# The job log


@requirement("ACC-030", "ACC-031", "ACC-033", "ACC-034", "ACC-035", "ACC-037", "ACC-032")
def test_the_lines(stage: Stage) -> None:
    """The input stays open; the second result has no line, and the third more than one."""
    before = time.time()
    run = stage.start("--joblog", "log", "-n", "+1", "-le", "-mt=E", "-c", stage.calculator())
    calculator = stage.next_calculator()
    run.feed(b"a\n")
    calculator.next_task()
    began = time.time()
    stage.happens(lambda: run.has_ended, 0.1)
    ended = time.time()
    calculator.answer(b"of a", eot=b"E")
    (first,) = wait_for_lines(stage, 1)
    after = time.time()
    assert before - 0.002 <= first.start <= began + 0.002
    assert ended - began - 0.002 <= first.runtime <= after - before + 0.002
    tasks = [b"a", b"", b"c \\t \xff"]
    run.feed(b"".join(task + b"\n" for task in tasks[1:]))
    calculator.next_task()
    calculator.answer(eot=b"E")
    calculator.next_task()
    calculator.answer(b"1", b"22", eot=b"E")
    lines = wait_for_lines(stage, 3)
    outputs = [b"1 of a\n1 E\n", b"2 E\n", b"3 1\n3 22\n3 E\n"]
    ends = [len(b"".join(outputs[: number + 1])) for number in range(3)]
    for number, (line, task, received) in enumerate(zip(lines, tasks, (5, 0, 5), strict=True)):
        assert line == line._replace(
            seq=number + 1,
            host=b"0",
            send=len(task) + 1,
            receive=received,
            exitval=0,
            signal=0,
            command=task,
            attempt=1,
            status=b"success",
            hash=hash_of(task),
            end=ends[number],
        )
    assert run.finish() == 0
    assert run.stdout == b"".join(outputs)
    assert len(lines_of(stage)) == 3


@requirement("ACC-030")
def test_no_task(stage: Stage) -> None:
    assert stage.run("--joblog", "log", "-n", "+2", "-c", stage.calculator()).status == 0
    assert octets_of(stage) == HEADER


@requirement("ACC-031")
def test_the_node(stage: Stage) -> None:
    stage.script("transport", 'shift; exec sh -c "$1"')
    run = stage.run(
        *("--joblog", "log", "-t", "./transport", "-n", "alpha beta", "-c", NOTE), feed=b"a\nb\n"
    )
    assert run.status == 0
    assert {line.host for line in lines_of(stage)} == {b"alpha", b"beta"}


@requirement("ACC-032", "ACC-033")
def test_statuses_of_a_graph(stage: Stage) -> None:
    run = stage.start("--joblog", "log", "-g", "-n", "+1", "-c", stage.calculator())
    run.feed(b"a b\nc\n")
    run.close_stdin()
    calculator = stage.next_calculator()
    calculator.next_task()
    calculator.answer(b"failure")
    calculator.next_task()
    calculator.answer(b"success")
    assert run.wait() == 0
    first, second = lines_of(stage)
    assert (first.seq, first.status, first.exitval, first.signal) == (1, b"failure", 1, 0)
    assert first.end == len(b"failure\na b\n")
    assert (second.seq, second.status, second.exitval) == (3, b"success", 0)


@requirement("ACC-032", "ACC-033")
def test_exit_statuses_of_commands(stage: Stage) -> None:
    run = stage.run("--joblog", "log", "-x", "-n", "+1", "-c", JUDGE, feed=b"good\nbad\n")
    assert run.stdout == b"<good>\n<bad>\n"
    assert [(line.status, line.exitval) for line in lines_of(stage)] == [
        (b"success", 0),
        (b"failure", 3),
    ]


@requirement("ACC-032", "ACC-033", "ACC-030", "ACC-037")
@pytest.mark.parametrize("how", ["signal", "status 5", "status 0"])
def test_a_lost_node(stage: Stage, how: str) -> None:
    command = f"exec {stage.calculator()}"
    run = stage.start("--joblog", "log", "-z", "-n", "+2", "-c", command)
    both = stage.next_calculators(2)
    run.feed(b"a\n")
    first = stage.holder(b"a")
    if how == "signal":
        first.die()
    else:
        first.exit(int(how[-1]))
    (line,) = wait_for_lines(stage, 1)
    (second,) = (fake for fake in both if fake is not first)
    codes = {"signal": (1, 9), "status 5": (5, 0), "status 0": (1, 0)}[how]
    assert (line.seq, line.attempt, line.status) == (1, 1, b"retried")
    assert (line.exitval, line.signal) == codes
    assert second.next_task() == b"a"
    second.answer(b"of a")
    assert run.finish() == 0
    last = lines_of(stage)[1]
    assert (last.seq, last.attempt, last.status, last.exitval) == (1, 2, b"success", 0)
    assert last.end == len(run.stdout)


@requirement("ACC-033", "ACC-036")
def test_a_loss_that_ends_the_run(stage: Stage) -> None:
    command = f"exec {stage.calculator()}"
    run = stage.start("--joblog", "log", "-n", "+1", "-c", command)
    run.feed(b"a\n")
    calculator = stage.holder(b"a")
    calculator.write(b"begun\n")
    run.expect_output(b"begun\n")
    calculator.die()
    assert run.wait(3 * stage.bound) == 1
    (line,) = lines_of(stage)
    assert (line.seq, line.status, line.signal) == (1, b"lost", 9)


@requirement("ACC-035", "ACC-034", "ACC-031")
def test_octets_that_would_not_fit_into_a_field(stage: Stage) -> None:
    tasks = [b"a\tb", b"a\nb", b"\\t\t\\", b"\\t\\n\\"]
    texts = [b"a\\tb", b"a\\nb", b"\\\\t\\t\\\\", b"\\t\\n\\"]
    feed = b"".join(task + b"\0" for task in tasks)
    run = stage.run("--joblog", "log", "-0", "-x", "-n", "+1", "-c", "true", feed=feed)
    assert run.status == 0
    lines = lines_of(stage)
    assert [line.command for line in lines] == texts
    assert [line.hash for line in lines] == list(map(hash_of, tasks))
    assert [line.send for line in lines] == [len(task) + 1 for task in tasks]


@requirement("ACC-036")
def test_a_result_that_nobody_has_read_yet(stage: Stage) -> None:
    """Standard output is a pipe that is full before the end of the result."""
    run = stage.start("--joblog", "log", "-n", "+1", "-c", stage.calculator())
    calculator = stage.next_calculator()
    capacity = run.leave_output_unread(4096)
    run.feed(b"a\n")
    calculator.next_task()
    result = b"x" * 99 + b"\n"
    calculator.write(result * (capacity // 100 + 200) + b"\n")
    assert not stage.happens(lambda: bool(lines_of(stage)), stage.grace), "logged too early"
    run.read_output()
    (line,) = wait_for_lines(stage, 1)
    assert line.end == line.receive == len(result) * (capacity // 100 + 200)
    assert run.finish() == 0


@requirement("ACC-036", "ACC-033")
@with_order
def test_a_result_that_waits_for_another(stage: Stage) -> None:
    run = stage.start("--keep-order", "--joblog", "log", "-n", "+2", "-c", stage.calculator())
    stage.next_calculators(2)
    run.feed(b"a\nb\n")
    first, second = stage.holder(b"a"), stage.holder(b"b")
    second.answer(b"of b")
    assert not stage.happens(lambda: bool(lines_of(stage)), stage.grace), "logged too early"
    first.answer(b"of a")
    lines = wait_for_lines(stage, 2)
    assert [(line.seq, line.end) for line in lines] == [(1, 5), (2, 10)]
    assert run.finish() == 0


@requirement("ACC-036")
@pytest.mark.parametrize("how", ["SIGTERM", "SIGKILL"])
def test_an_interrupted_attempt_is_no_success(stage: Stage, how: str) -> None:
    run = stage.start("--joblog", "log", "-n", "+2", "-c", stage.calculator())
    stage.next_calculators(2)
    run.feed(b"a\nb\n")
    stage.holder(b"a").answer(b"of a")
    wait_for_lines(stage, 1)
    stage.holder(b"b").write(b"begun\n")
    run.expect_output(b"of a\nbegun\n")
    run.signal(signal.Signals[how])
    assert run.wait(3 * stage.bound) == -signal.Signals[how]
    statuses = {(line.seq, line.status) for line in lines_of(stage)}
    assert statuses <= {(1, b"success"), (2, b"lost")}
    assert (1, b"success") in statuses


@requirement("ACC-038", "ACC-036")
def test_lines_that_wait_for_the_disk(stage: Stage) -> None:
    run = stage.start("--joblog", "log", "--joblog-sync", "-n", "+1", "-c", stage.calculator())
    calculator = stage.next_calculator()
    run.feed(b"a\nb\n")
    calculator.next_task()
    calculator.answer(b"of a")
    wait_for_lines(stage, 1)
    calculator.next_task()
    calculator.answer(b"of b")
    assert run.finish() == 0
    assert [line.seq for line in lines_of(stage)] == [1, 2]


@requirement("ACC-030")
def test_a_log_is_replaced(stage: Stage) -> None:
    """Also one that GNU parallel wrote."""
    for octets in (
        HEADER + logged(1, b"a", b"success"),
        PARALLEL + b"\n1\t:\t0\t0\t0\t0\t0\t0\tx\n",
    ):
        (stage.directory / "log").write_bytes(octets)
        run = stage.run("--joblog", "log", "-n", "+1", "-c", NOTE, feed=b"b\n")
        assert run.status == 0
        assert [line.command for line in lines_of(stage)] == [b"b"]


@requirement("ACC-039")
def test_two_runs_at_once(stage: Stage) -> None:
    run = stage.start("--joblog", "log", "-n", "+1", "-c", stage.calculator())
    calculator = stage.next_calculator()
    run.feed(b"a\n")
    calculator.next_task()
    calculator.answer(b"of a")
    wait_for_lines(stage, 1)
    before = octets_of(stage)
    for options in ((), ("--resume",)):
        other = stage.run("--joblog", "log", *options, "-n", "+1", "-c", NOTE, feed=b"a\nb\n")
        assert other.status is not None
        assert other.status > 0
        assert b"log" in other.diagnostics
        assert tasks_run(stage) == []
        assert octets_of(stage) == before
    assert run.finish() == 0
    # Nobody writes it any more.
    other = stage.run("--joblog", "log", "--resume", "-n", "+1", "-c", NOTE, feed=b"a\nb\n")
    assert tasks_run(stage) == [b"b"]


@requirement("ACC-040")
@pytest.mark.parametrize("octets", [b"precious\n", b"x", b"Seq\tHost\n", b"\n"])
@pytest.mark.parametrize("options", [(), ("--resume",)])
def test_a_file_that_is_no_log(stage: Stage, octets: bytes, options: Sequence[str]) -> None:
    (stage.directory / "some.file").write_bytes(octets)
    words = ("--joblog", "some.file", *options, "-n", "+1", "-c", NOTE)
    run = stage.run(*words, feed=b"a\n")
    assert_is_refused(stage, run, b"some.file")
    assert octets_of(stage, "some.file") == octets


@requirement("ACC-041")
def test_a_log_that_cannot_be_opened(stage: Stage) -> None:
    run = stage.run("--joblog", "missing/log", "-n", "+1", "-c", NOTE, feed=b"a\n")
    assert_is_refused(stage, run, b"missing/log")


@requirement("ACC-041")
def test_a_log_that_cannot_be_written_any_more(stage: Stage) -> None:
    """A limit on the size of files, as if the disk was full; the input stays open."""
    within = ["/bin/sh", "-c", 'ulimit -f 1; exec "$@"', "sh"]
    command = 'while IFS= read -r task; do printf "<%s>\\n\\n" "$task"; done'
    run = stage.start("--joblog", "the.log", "-n", "+1", "-c", command, within=within)
    run.feed(b"a\n" * 1000)
    status = run.wait(3 * stage.bound)
    assert status > 0
    assert b"the.log" in run.diagnostics
    done = octets_of(stage, "the.log").count(b"\tsuccess\t")
    assert done <= run.stdout.count(b"<a>\n") < 1000


# Resuming

PAST = (
    *(logged(1, b"a", b"success"), logged(2, b"b", b"failure"), logged(3, b"c", b"timeout")),
    *(logged(4, b"d", b"lost"), logged(5, b"e", b"success"), logged(5, b"e", b"lost")),
    *(logged(6, b"f", b"lost"), logged(6, b"f", b"success"), logged(7, b"g", b"retried")),
)
TASKS = b"a\nb\nc\nd\ne\nf\ng\nh\n"


@requirement("ACC-042", "ACC-043", "ACC-033")
@pytest.mark.parametrize(
    ("option", "expected"),
    [("--resume", b"degh"), ("--resume-failed", b"bcdegh")],
)
def test_the_tasks_that_are_run_again(stage: Stage, option: str, expected: bytes) -> None:
    before = write_log(stage, *PAST)
    run = stage.run("--joblog", "log", option, "-l", "-n", "+1", "-c", NOTE, feed=TASKS)
    assert run.status == 0
    assert b"".join(tasks_run(stage)) == expected
    numbers = [TASKS.split().index(b"%c" % task) + 1 for task in expected]
    assert run.stdout == b"".join(
        b"%d <%c>\n" % both for both in zip(numbers, expected, strict=True)
    )
    assert octets_of(stage).startswith(before)
    new = lines_of(stage)[len(PAST) :]
    assert [line.seq for line in new] == numbers
    assert {line.status for line in new} == {b"success"}
    assert {line.attempt for line in new if line.seq < 8} == {2}
    again = stage.run("--joblog", "log", option, "-n", "+1", "-c", NOTE, feed=TASKS)
    assert again.status == 0
    assert again.stdout == b""


@requirement("ACC-048")
def test_a_log_that_does_not_exist(stage: Stage) -> None:
    run = stage.run("--joblog", "log", "--resume", "-n", "+1", "-c", NOTE, feed=b"a\nb\n")
    assert run.status == 0
    assert tasks_run(stage) == [b"a", b"b"]
    assert len(lines_of(stage)) == 2


@requirement("ACC-042", "ACC-043")
@pytest.mark.parametrize(("option", "again"), [("--resume", []), ("--resume-failed", [b"<bad>"])])
def test_a_run_and_its_resumption(stage: Stage, option: str, again: list[bytes]) -> None:
    words = ("--joblog", "log", "-x", "-n", "+2", "-c", JUDGE)
    stage.run(*words, feed=b"good\nbad\n")
    run = stage.run(*words, option, feed=b"good\nbad\nnew\n")
    assert sorted(run.stdout.splitlines()) == sorted([*again, b"<new>"])


@requirement("ACC-044")
def test_failed_tasks_of_the_log(stage: Stage) -> None:
    """Standard input stays open, and has other tasks."""
    write_log(stage, logged(9, b"i", b"failure"), *PAST)
    run = stage.start("--joblog", "log", "--retry-failed", "-l", "-n", "+1", "-c", NOTE)
    run.feed(b"other\n")
    assert run.wait(3 * stage.bound) == 0
    assert run.stdout == b"2 <b>\n3 <c>\n4 <d>\n5 <e>\n7 <g>\n9 <i>\n"
    assert stage.run("--joblog", "log", "--retry-failed", "-n", "+1", "-c", NOTE).stdout == b""


@requirement("ACC-044", "ACC-035")
def test_octets_of_tasks_in_the_log(stage: Stage) -> None:
    tasks = [
        (b"a\tb", b"a\\tb"),
        (b"a\\tb", b"a\\tb"),
        (b"\\\n\\", b"\\\\\\n\\\\"),
        (b"\\\\", b"\\\\"),
    ]
    write_log(
        stage,
        *(logged(seq, task, b"lost", text=text) for seq, (task, text) in enumerate(tasks, 1)),
    )
    command = 'printf "[%s]"'
    run = stage.run("--joblog", "log", "--retry-failed", "-0", "-x", "-n", "+1", "-c", command)
    assert run.status == 0
    assert run.stdout == b"".join(b"[%b]\n" % task for task, _ in tasks)


@requirement("ACC-045")
@pytest.mark.parametrize("option", ["--resume", "--resume-failed"])
@pytest.mark.parametrize(
    ("feed", "number"),
    [
        (b"a\nb\nc\nD\ne\nf\ng\nh\n", 4),
        (b"a\nB\nc\nd\ne\nf\ng\nh\n", 2),
        (b"a\nb\nc\nd\ne\nf\n", 7),
        (b"a\nb\nc\nd\ne\nf", 7),
        (b"b\nc\nd\ne\nf\ng\nh\n", 1),
    ],
)
def test_an_input_that_has_changed(stage: Stage, option: str, feed: bytes, number: int) -> None:
    write_log(stage, *PAST)
    run = stage.run("--joblog", "log", option, "-l", "-n", "+1", "-c", NOTE, feed=feed)
    assert run.status is not None
    assert run.status > 0
    assert re.search(rb"\b%d\b" % number, run.diagnostics), run.diagnostics
    assert all(int(line.split()[0]) < number for line in run.stdout.splitlines())


@requirement("ACC-046")
@pytest.mark.parametrize(
    ("status", "option", "expected"),
    [
        (b"success", "--resume", [b"b", b"c", b"d"]),
        (b"failure", "--resume", [b"c"]),
        (b"failure", "--resume-failed", [b"a", b"b", b"c", b"d"]),
        (b"lost", "--resume", [b"a", b"b", b"c", b"d"]),
    ],
)
def test_a_graph(stage: Stage, status: bytes, option: str, expected: list[bytes]) -> None:
    """B depends on a, and d on b and e; e has succeeded."""
    write_log(stage, logged(1, b"a", status), logged(5, b"e", b"success"))
    feed = b"a b\nc\nb d\ne d\n"
    calculator = NOTE.replace(r"<%s>\n\n", r"success\n\n").replace(' "$task"; done', "; done")
    run = stage.run("--joblog", "log", option, "-g", "-n", "+1", "-c", calculator, feed=feed)
    assert run.status == 0
    assert sorted(tasks_run(stage)) == expected
    if b"b" in expected:
        order = tasks_run(stage)
        assert order.index(b"b") < order.index(b"d")


@requirement("ACC-046", "ACC-045")
def test_a_graph_with_other_dependencies(stage: Stage) -> None:
    write_log(stage, logged(2, b"b", b"success"))
    run = stage.run(
        *("--joblog", "log", "--resume", "-g", "-n", "+1", "-c", stage.calculator()), feed=b"a b\n"
    )
    assert_is_refused(stage, run, b"2")


@requirement("ACC-047")
@pytest.mark.parametrize("cut", [1, 5, 30])
def test_a_line_that_was_cut(stage: Stage, cut: int) -> None:
    whole = write_log(stage, logged(1, b"a", b"success"))
    path = stage.directory / "log"
    path.write_bytes(whole + logged(2, b"b", b"success")[:-cut])
    run = stage.run("--joblog", "log", "--resume", "-n", "+1", "-c", NOTE, feed=b"a\nb\n")
    assert run.status == 0
    assert tasks_run(stage) == [b"b"]
    assert [line.seq for line in lines_of(stage)] == [1, 2]


@requirement("ACC-047")
def test_a_header_that_was_cut(stage: Stage) -> None:
    (stage.directory / "log").write_bytes(HEADER[:-4])
    run = stage.run("--joblog", "log", "--resume", "-n", "+1", "-c", NOTE, feed=b"a\n")
    assert run.status == 0
    assert [line.seq for line in lines_of(stage)] == [1]


GOOD = logged(3, b"c", b"success")


@requirement("ACC-047")
@pytest.mark.parametrize(
    "bad",
    [
        b"\n",
        b"what is this\n",
        GOOD.replace(b"3\t", b"x\t", 1),
        GOOD.replace(b"3\t", b"0\t", 1),
        GOOD.replace(b"\tsuccess\t", b"\tgood\t"),
        GOOD.replace(hash_of(b"c"), b"c"),
        GOOD.replace(b"\t0\n", b"\n"),
        GOOD.replace(b"\t0\n", b"\t0\t0\n"),
        GOOD.replace(b"\t0\n", b"\tx\n"),
    ],
)
def test_a_line_in_the_middle_that_is_wrong(stage: Stage, bad: bytes) -> None:
    before = write_log(stage, logged(1, b"a", b"success"), bad, logged(2, b"b", b"success"))
    run = stage.run("--joblog", "log", "--resume", "-n", "+1", "-c", NOTE, feed=b"a\nb\nc\n")
    assert_is_refused(stage, run, b"log", b"3")
    assert octets_of(stage) == before


@requirement("ACC-048")
@pytest.mark.parametrize(
    "words",
    [
        ("--resume",),
        ("--resume-failed",),
        ("--retry-failed",),
        ("--joblog-sync",),
        ("--joblog", "log", "--retry-failed", "-g"),
    ],
)
def test_wrong_calls(stage: Stage, words: Sequence[str]) -> None:
    run = stage.run(*words, "-n", "+1", "-c", NOTE, feed=b"a\n")
    assert_is_refused(stage, run)
    assert not (stage.directory / "log").exists()


# The file of the results


@requirement("ACC-049")
@with_output
def test_a_file_for_the_results(stage: Stage) -> None:
    """It replaces the old content, and results of different tasks are not mixed."""
    (stage.directory / "out").write_bytes(b"old")
    run = stage.start("--output", "out", "-n", "+2", "-c", stage.calculator())
    stage.next_calculators(2)
    run.feed(b"a\nb\n")
    first, second = stage.holder(b"a"), stage.holder(b"b")
    first.write(b"a1\n")
    second.write(b"b1\n")
    first.sync()
    second.answer(b"b2")
    stage.wait("the second result", lambda: octets_of(stage, "out") == b"b1\nb2\n")
    first.answer(b"a2")
    assert run.finish() == 0
    assert octets_of(stage, "out") == b"b1\nb2\na1\na2\n"
    assert run.stdout == b""


@requirement("ACC-049")
@with_output
@with_order
def test_a_file_in_the_order_of_the_tasks(stage: Stage) -> None:
    words = ("--output", "out", "--keep-order", "-n", "+2", "-c", stage.calculator())
    run = stage.start(*words)
    stage.next_calculators(2)
    run.feed(b"a\nb\n")
    first = stage.holder(b"a")
    stage.holder(b"b").answer(b"of b")
    first.answer(b"of a")
    assert run.finish() == 0
    assert octets_of(stage, "out") == b"of a\nof b\n"


@requirement("ACC-049", "ACC-033", "ACC-038")
@with_output
def test_what_the_log_does_not_know_is_removed(stage: Stage) -> None:
    write_log(stage, logged(2, b"b", b"success", 8), logged(1, b"a", b"success", 4))
    (stage.directory / "out").write_bytes(b"<b>\n<a>\n<c>\nhalf a li")
    words = ("--joblog", "log", "--resume", "--output", "out", "-n", "+1", "-c", NOTE)
    run = stage.run(*words, feed=b"a\nb\nc\n")
    assert run.status == 0
    assert octets_of(stage, "out") == b"<b>\n<a>\n<c>\n"
    assert lines_of(stage)[-1].end == 12
    run = stage.run(*words, feed=b"a\nb\nc\n")
    assert run.status == 0
    assert octets_of(stage, "out") == b"<b>\n<a>\n<c>\n"


@requirement("ACC-049")
@with_output
def test_a_file_that_is_too_short(stage: Stage) -> None:
    write_log(stage, logged(1, b"a", b"success", 4))
    (stage.directory / "out").write_bytes(b"<a>")
    words = ("--joblog", "log", "--resume", "--output", "out", "-n", "+1", "-c", NOTE)
    assert_is_refused(stage, stage.run(*words, feed=b"a\nb\n"), b"out")
    assert octets_of(stage, "out") == b"<a>"


@requirement("ACC-049", "ACC-036", "ACC-042")
@with_output
def test_each_result_is_there_once_after_a_kill(stage: Stage) -> None:
    words = ("--joblog", "log", "--resume", "--output", "out", "-n", "+2", "-c", stage.calculator())
    run = stage.start(*words)
    stage.next_calculators(2)
    run.feed(b"a\nb\n")
    stage.holder(b"a").answer(b"of a")
    wait_for_lines(stage, 1)
    stage.holder(b"b").write(b"begun\n")
    run.signal(signal.SIGKILL)
    assert run.wait(3 * stage.bound) == -signal.SIGKILL
    stage.reply_with_results()
    again = stage.run(*words, feed=b"a\nb\n")
    assert again.status == 0
    assert octets_of(stage, "out") == b"of a\n" + stage.result(b"b") + b"\n"


@requirement("ACC-029")
@with_output
def test_two_runs_with_one_output(stage: Stage) -> None:
    first = stage.start("--output", "out", "-n", "+1", "-c", stage.calculator())
    first.feed(b"a\n")
    stage.holder(b"a").answer(b"of a")
    stage.wait("the result", lambda: octets_of(stage, "out") == b"of a\n")
    second = stage.run("--output", "out", "-n", "+1", "-c", NOTE, feed=b"b\n")
    assert second.status not in (0, None)
    assert b"out" in second.diagnostics
    assert tasks_run(stage) == []
    assert first.finish() == 0
    assert octets_of(stage, "out") == b"of a\n"


@requirement("ACC-027")
@with_output
@pytest.mark.parametrize(
    ("words", "redirection"),
    [
        (("--joblog", "f", "--output", "f"), ""),
        (("--joblog", "f"), ">>f"),
        (("--joblog", "f", "--output", "other"), "2>>f"),
        (("--joblog", "f"), "<f"),
        (("--joblog", "f", "--resume"), ">>./f"),
        (("--output", "f"), "<f"),
        (("--output", "f"), "2>>f"),
        (("--output", "f"), ">>f"),
    ],
)
def test_a_file_with_two_purposes(stage: Stage, words: tuple[str, ...], redirection: str) -> None:
    before = write_log(stage, logged(1, b"a", b"success"))
    (stage.directory / "f").write_bytes(before)
    within = ("/bin/sh", "-c", f'exec "$@" {redirection}', "sh")
    run = stage.run(*words, "-n", "+1", "-c", NOTE, feed=b"a\nb\n", within=within)
    assert run.status not in (0, None)
    after = octets_of(stage, "f")
    told = after.removeprefix(before)
    assert after.startswith(before)
    assert told == b"" or "2>>" in redirection, "the file was changed"
    assert b"f" in run.diagnostics + told
    assert tasks_run(stage) == []


@requirement("ACC-028")
@with_output
@pytest.mark.parametrize("option", ["--joblog", "--output"])
def test_a_file_without_a_name(stage: Stage, option: str) -> None:
    run = stage.run(option, "", "-n", "+1", "-c", NOTE, feed=b"a\n")
    assert_is_refused(stage, run, option.encode())


@requirement("ACC-056")
@with_output
def test_a_named_pipe_for_the_results(stage: Stage) -> None:
    path = stage.directory / "pipe"
    os.mkfifo(path)
    run = stage.start("--output", "pipe", "-n", "+1", "-c", stage.calculator())
    run.feed(b"a\n")
    # A right one does nothing meanwhile; a wrong one that is slow passes.
    assert not stage.happens(lambda: stage.started > 0 or run.has_ended, stage.moment)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    stage.holder(b"a").answer(b"of a")
    os.set_blocking(reader, True)
    assert os.read(reader, 100) == b"of a\n"
    os.close(reader)
    run.feed(b"b\n")
    stage.holder(b"b").answer(b"of b")
    assert run.wait(3 * stage.bound) == -signal.SIGPIPE


@requirement("ACC-057")
@pytest.mark.extension("--results")
@pytest.mark.parametrize("options", [(), ("--group",)], ids=["lines", "groups"])
def test_no_line_without_its_files(stage: Stage, options: tuple[str, ...]) -> None:
    """The directory of the first thousand tasks is a file, until the run is resumed."""
    words = ("--results", "R", "--joblog", "log", *options, "-n", "+1", "-c", NOTE)
    (stage.directory / "R").mkdir()
    (stage.directory / "R/0000").write_bytes(b"x")
    assert stage.run(*words, feed=b"a\n").status == 1
    assert [line.status for line in lines_of(stage) if line.status == b"success"] == []
    (stage.directory / "R/0000").unlink()
    again = stage.run(*words, "--resume", feed=b"a\n")
    assert again.status == 0
    assert octets_of(stage, "R/0000/0000001/stdout") == b"<a>\n"


# Dry runs

dry_run = pytest.mark.extension("--dry-run")


def shown(run: Distributor) -> list[tuple[bytes, str]]:
    """Return the node and the command line of each line."""
    pairs = [line.partition(b"\t") for line in run.stdout.splitlines()]
    assert all(tab for _, tab, _ in pairs), f"no TAB: {run.stdout!r}"
    return [(node, os.fsdecode(line)) for node, _, line in pairs]


def output_in_shell(stage: Stage, line: str) -> bytes:
    """Return what a command line prints, with empty input."""
    done = subprocess.run(
        ["/bin/sh", "-c", line],
        cwd=stage.directory,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        check=False,
        timeout=stage.bound,
    )
    return done.stdout


@requirement("ACC-082")
@dry_run
@pytest.mark.parametrize("transport", [False, True], ids=["local", "transport"])
def test_a_dry_run_of_commands(stage: Stage, transport: bool) -> None:
    stage.script("transport", 'echo "$1" >>reached; shift; exec sh -c "$1"')
    nodes = ("-t", "./transport", "-n", "alpha beta") if transport else ("-n", "+2")
    tasks = [b"a", b"b c", b"it's $HOME", b""]
    feed = b"".join(task + b"\n" for task in tasks)
    command = "echo >>ran; printf '<%s>'"
    run = stage.run("--dry-run", *nodes, "-x", "-c", command, feed=feed)
    assert run.status == 0
    assert tasks_run(stage) == []
    assert octets_of(stage, "reached") == b""
    lines = shown(run)
    assert {node for node, _ in lines} <= ({b"alpha", b"beta"} if transport else {b"0", b"1"})
    assert [output_in_shell(stage, line) for _, line in lines] == [b"<%b>" % task for task in tasks]


@requirement("ACC-082")
@dry_run
def test_a_dry_run_of_calculators(stage: Stage) -> None:
    run = stage.run("--dry-run", "-n", "+1", "-c", "echo 'a calculator' >>ran", feed=b"a\nb\n")
    assert run.status == 0
    assert tasks_run(stage) == []
    for _, line in shown(run):
        output_in_shell(stage, line)
    assert tasks_run(stage) == [b"a calculator"] * 2


@requirement("ACC-082")
@dry_run
def test_the_order_of_a_dry_run(stage: Stage) -> None:
    """C can be dispatched when b has succeeded, and b when a has."""
    words = ("--dry-run", "-n", "+2", "-g", "-x", "-c", "echo")
    run = stage.run(*words, feed=b"b c\na b\nd\n")
    assert run.status == 0
    order = [output_in_shell(stage, line).strip() for _, line in shown(run)]
    assert sorted(order) == [b"a", b"b", b"c", b"d"]
    assert order.index(b"a") < order.index(b"b") < order.index(b"c")


@requirement("ACC-082", "ACC-042")
@dry_run
def test_a_dry_run_that_resumes(stage: Stage) -> None:
    before = write_log(stage, *PAST)
    words = ("--dry-run", "--joblog", "log", "--resume", "-n", "+1", "-x", "-c", "echo")
    run = stage.run(*words, feed=TASKS)
    assert run.status == 0
    order = [output_in_shell(stage, line).strip() for _, line in shown(run)]
    assert order == [b"d", b"e", b"g", b"h"]
    assert octets_of(stage) == before
