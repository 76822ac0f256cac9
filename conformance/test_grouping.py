"""Chapter *Grouping*."""

from __future__ import annotations

import os
import re
import signal
import stat
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from conformance.harness.octets import is_same
from conformance.test_combinations import TASKS, Call, covering_calls, output_of, words_of

if TYPE_CHECKING:
    from conformance.harness.distributor import Distributor
    from conformance.harness.stage import Stage

requirement = pytest.mark.requirement

MIB = 1 << 20

GROUP = pytest.param("--group", marks=pytest.mark.extension("--group"))
KEEP_ORDER = pytest.param("--keep-order", marks=pytest.mark.extension("--keep-order"))

either = pytest.mark.parametrize("option", [GROUP, KEEP_ORDER])
keep_order = pytest.mark.extension("--keep-order")

#: For each task, a number, that many lines of 16 octets and the empty line.
MANY_LINES = 'while read -r n; do yes 0123456789abcde | head -n "$n"; echo; done'


def lines(*texts: bytes) -> bytes:
    return b"".join(text + b"\n" for text in texts)


# What a group is


@either
@requirement("GRP-002")
@pytest.mark.parametrize(
    ("options", "feed"),
    [
        ((), b"a\n\nb"),
        (("-lrie",), b"a\n\nb\n"),
        (("-p",), b"a\nb\n"),
        (("-i", "-0"), b"a\0\0b"),
        (("-lE", "-mt=END"), b"a\nb\n"),
        (("-g", "-lie"), b"a b\nfail c\nfail d\nc e\n"),
        (("-g", "-re", "-md=;"), b"fail;c\nnone;d\na;b\n"),
    ],
    ids=["plain", "prefixes", "process", "NUL", "EOT", "failures", "no status"],
)
def test_the_same_octets(stage: Stage, option: str, options: tuple[str, ...], feed: bytes) -> None:
    """With one node, and tasks that run in the order of their ids, nothing changes at all."""
    statuses = {b"fail": b"failure\n", b"none": b""}
    eot = b"END\n" if "-mt=END" in options else b"\n"
    stage.reply = lambda task: (
        lines(b"first", b" ", stage.result(task)) + statuses.get(task, b"success\n") + eot
    )
    words = ("-n", "+1", *options, "-c", stage.calculator())
    plain = stage.run(*words, feed=feed)
    grouped = stage.run(*words, option, feed=feed)
    assert stage.nonce in plain.stdout
    assert grouped.status == plain.status
    if options == ("-p",):
        assert len(set(re.findall(rb"(?m)^\d+ ", grouped.stdout))) == 1
        assert re.sub(rb"(?m)^\d+ ", b"", grouped.stdout) == re.sub(
            rb"(?m)^\d+ ", b"", plain.stdout
        )
    else:
        assert grouped.stdout == plain.stdout


@either
@requirement("GRP-002")
@pytest.mark.parametrize("call", covering_calls(), ids=lambda call: " ".join(words_of(call)[:-1]))
def test_every_option_beside_it(stage: Stage, option: str, call: Call) -> None:
    stage.script("transport", 'shift; exec sh -c "$1"')
    terminator = b"\0" if call["terminator"] else b"\n"
    feed = b"".join(task + terminator for task in TASKS)
    run = stage.run(option, *words_of(call), feed=feed)
    assert re.fullmatch(output_of(call), run.stdout), f"{run.stdout!r} is not {output_of(call)!r}"
    assert run.status == 0


@either
@requirement("GRP-010", "GRP-011", "GRP-012", "GRP-021", "GRP-022")
def test_groups_are_not_mixed(stage: Stage, option: str) -> None:
    """Lines of the second task have been read when the first one comes to its EOT."""
    run = stage.start("-n", "+2", option, "-lie", "-c", stage.calculator())
    run.feed(b"a\nb\n")
    a, b = stage.holder(b"a"), stage.holder(b"b")
    b.write(b"b1\n")
    assert b.drain(stage.bound), "a result is not read"
    a.write(b"a1\n")
    assert a.drain(stage.bound), "a result is not read"
    b.write(b"b2\nhalf")
    assert b.drain(stage.bound), "a result is not read"
    a.write(b"a2\n\n")
    group_a = lines(b"1 a", b"1 a1", b"1 a2", b"1 ")
    run.expect_output(group_a)
    b.write(b" a line\n\n")
    group_b = lines(b"2 b", b"2 b1", b"2 b2", b"2 half a line", b"2 ")
    run.expect_output(group_a + group_b)
    assert run.finish() == 0
    assert run.stdout == group_a + group_b


@either
@requirement("GRP-011", "GRP-021")
def test_nothing_before_the_eot(stage: Stage, option: str) -> None:
    """Not even of the only task, which no other one waits for."""
    run = stage.start("-n", "+1", option, "-li", "-c", stage.calculator())
    run.feed(b"a\n")
    calculator = stage.next_calculator()
    calculator.next_task()
    # When the second line is read, what follows from the first one would have been printed.
    for line in (b"first\n", b"second\n"):
        calculator.write(line)
        assert calculator.drain(stage.bound), "a result is not read"
    assert run.stdout == b"", "something was printed before the EOT"
    calculator.answer(b"third")
    run.expect_output(lines(b"1 a", b"1 first", b"1 second", b"1 third"))
    assert run.finish() == 0


@either
@requirement("GRP-010", "GRP-030", "GRP-021")
@pytest.mark.lasting(300)
def test_large_groups_are_not_mixed(stage: Stage, option: str) -> None:
    """Each is a mebibyte, and the ends of all are there when somebody begins to read."""
    run = stage.start("-n", "+4", option, "-l", "-c", stage.calculator())
    run.leave_output_unread(capacity=4096)
    tasks = [b"1", b"2", b"3", b"4"]
    run.feed(lines(*tasks))
    many = [b"0123456789abcde"] * (MIB // 16)
    for task in tasks:
        calculator = stage.holder(task)
        calculator.write(lines(*many))
        assert calculator.drain(stage.bound), "a result is not read"
    for task in (b"3", b"2", b"4", b"1"):
        calculator = stage.holder(task)
        calculator.answer(stage.result(task))
        # A distributor that reads no result while a group waits for the reader passes.
        calculator.drain(stage.grace / 4)
    run.read_output()
    assert run.finish(stage.volume_bound) == 0
    groups = {
        task: b"".join(task + b" " + line + b"\n" for line in (*many, stage.result(task)))
        for task in tasks
    }
    in_order = list(dict.fromkeys(re.findall(rb"(?m)^\d", run.stdout)))
    assert sorted(in_order) == tasks
    assert is_same(run.stdout, b"".join(groups[task] for task in in_order))
    assert option == "--group" or in_order == tasks


@requirement("GRP-012")
@pytest.mark.extension("--group")
def test_a_group_does_not_wait_for_others(stage: Stage) -> None:
    """Neither for tasks of lower ids nor for the input."""
    run = stage.start("-n", "+3", "--group", "-c", stage.calculator())
    run.feed(b"a\nb\nc\n")
    for task in (b"a", b"b", b"c"):
        stage.holder(task)
    output = b""
    for task in (b"c", b"b", b"a"):
        stage.holder(task).answer(b"one of " + task, b"two of " + task)
        output += lines(b"one of " + task, b"two of " + task)
        run.expect_output(output)
    assert run.finish() == 0


@either
@requirement("GRP-013", "GRP-021")
@pytest.mark.parametrize("how", ["exit 0", "killed"])
def test_nothing_of_a_lost_attempt(stage: Stage, option: str, how: str) -> None:
    """Nor of the attempt of another node that is ended because of the loss."""
    run = stage.start("-n", "+2", option, "-lrie", "-c", f"exec {stage.calculator()}")
    run.feed(b"a\nb\nc\n")
    stage.holder(b"a").answer(b"of a")
    for task in (b"b", b"c"):
        calculator = stage.holder(task)
        calculator.write(b"begun\n" * 10)
        assert calculator.drain(stage.bound), "a result is not read"
    if how == "killed":
        calculator.die()
    else:
        calculator.exit(0)
    assert run.wait() == 1
    node = run.stdout[:1]
    assert run.stdout == lines(*(node + b" 1 " + text for text in (b"a", b"of a", b"")))


@either
@requirement("GRP-013", "GRP-021")
def test_nothing_of_an_attempt_that_a_signal_ends(stage: Stage, option: str) -> None:
    run = stage.start("-n", "+1", option, "-i", "-c", stage.calculator())
    run.feed(b"a\nb\n")
    calculator = stage.next_calculator()
    calculator.next_task()
    calculator.answer(b"of a")
    calculator.next_task()
    calculator.write(b"begun\n")
    assert calculator.drain(stage.bound), "a result is not read"
    run.signal(signal.SIGTERM)
    assert run.wait() == -signal.SIGTERM
    assert run.stdout == b"a\nof a\n"


@either
@requirement("GRP-013", "GRP-021")
@pytest.mark.parametrize("graph", [(), ("-g",)], ids=["flat", "graph"])
def test_nothing_of_an_attempt_whose_task_is_tried_again(
    stage: Stage, option: str, graph: tuple[str, ...]
) -> None:
    """Neither what it had printed nor that it ended; b, done in the meantime, is not disturbed."""
    run = stage.start("-z", "-n", "+2", option, *graph, "-lie", "-c", f"exec {stage.calculator()}")
    run.feed(b"a\nb\n")
    run.close_stdin()
    dying, other = stage.holder(b"a"), stage.holder(b"b")
    dying.write(b"begun\nsuccess\nunfinished")
    assert dying.drain(stage.bound), "a result is not read"
    dying.die()
    dying.wait_gone()
    other.answer(b"of b", b"success")
    stage.wait("the second attempt", lambda: other.tasks == [b"b", b"a"])
    other.answer(b"of a", b"success")
    assert run.wait() == 0
    groups = [
        lines(*(number + text for text in (task, b"of " + task, b"success", b"")))
        for number, task in ((b"1 ", b"a"), (b"2 ", b"b"))
    ]
    if option == "--group":
        groups.reverse()
    assert run.stdout == b"".join(groups)


# Order


def answer(stage: Stage, task: bytes) -> None:
    stage.holder(task).answer(b"first", task)


def answers(*tasks: bytes) -> bytes:
    return b"".join(lines(b"first", task) for task in tasks)


@keep_order
@requirement("GRP-020", "GRP-021", "GRP-022")
@pytest.mark.parametrize(
    "options",
    [("--keep-order",), ("--group", "--keep-order"), ("--keep-order", "--group")],
    ids=" ".join,
)
def test_the_order_of_the_tasks(stage: Stage, options: tuple[str, ...]) -> None:
    run = stage.start("-n", "+4", *options, "-c", stage.calculator())
    run.feed(b"1\n2\n3\n4\n")
    for task in (b"1", b"2", b"3", b"4"):
        stage.holder(task)
    for task in (b"3", b"2"):
        answer(stage, task)
    run.feed(b"5\n6\n7\n")
    answer(stage, b"6")
    answer(stage, b"1")
    run.expect_output(answers(b"1", b"2", b"3"))
    answer(stage, b"5")
    answer(stage, b"4")
    run.expect_output(answers(b"1", b"2", b"3", b"4", b"5", b"6"))
    answer(stage, b"7")
    assert run.finish() == 0
    assert run.stdout == answers(b"1", b"2", b"3", b"4", b"5", b"6", b"7")


@keep_order
@requirement("GRP-020", "GRP-022")
def test_the_order_of_a_graph(stage: Stage) -> None:
    """Task 1 waits for 2, which waits for 3; 4 is independent."""
    run = stage.start("-g", "-n", "+2", "-l", "--keep-order", "-c", stage.calculator())
    run.feed(b"a\nb a\nc b\nd\n")
    run.close_stdin()
    for task in (b"d", b"c", b"b", b"a"):
        stage.holder(task).answer(b"success")
    assert run.wait() == 0
    assert run.stdout == lines(*(b"%d success" % number for number in (1, 2, 3, 4)))


@keep_order
@requirement("GRP-023")
@pytest.mark.parametrize("status", [b"failure", b"no status"])
def test_tasks_that_are_not_run_are_not_waited_for(stage: Stage, status: bytes) -> None:
    """Tasks 1, 2 and 4 are not run because 3 fails; 6 goes on, and is waited for by 7."""
    run = stage.start("-g", "-n", "+3", "-l", "--keep-order", "-c", stage.calculator())
    run.feed(b"a\nb\nc b\nb a\nc d\ne\nf\ng\n")
    run.close_stdin()
    stage.holder(b"e").answer(b"success")
    stage.holder(b"g").answer(b"success")
    stage.holder(b"c").answer(status)
    shown = [b"3 failure", b"3 c d b a"] if status == b"failure" else [b"3 no status", b"3 ?"]
    run.expect_output(lines(*shown, b"5 success"))
    stage.holder(b"f").answer(b"success")
    assert run.wait() == (0 if status == b"failure" else 1)
    assert run.stdout == lines(*shown, b"5 success", b"6 success", b"7 success")


def with_a_slow_first_task(stage: Stage) -> Distributor:
    """A run whose task 1 is not done, nor are 5 and 6, when 2, 3 and 4 are."""
    run = stage.start("-n", "+3", "--keep-order", "-c", stage.calculator())
    run.feed(b"1\n2\n3\n4\n5\n6\n")
    for task in (b"1", b"5", b"6"):
        if task == b"5":
            for other in (b"3", b"2", b"4"):
                answer(stage, other)
        calculator = stage.holder(task)
        calculator.write(b"first\n")
        assert calculator.drain(stage.bound), "a result is not read"
    return run


@keep_order
@requirement("GRP-024", "GRP-013", "GRP-021")
@pytest.mark.parametrize("task", [b"1", b"6"])
def test_what_is_done_when_a_node_is_lost(stage: Stage, task: bytes) -> None:
    run = with_a_slow_first_task(stage)
    stage.holder(task).die()
    assert run.wait() == 1
    assert run.stdout == answers(b"2", b"3", b"4")


@keep_order
@requirement("GRP-024", "GRP-013", "GRP-021")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_what_is_done_when_a_signal_comes(stage: Stage, number: signal.Signals) -> None:
    run = with_a_slow_first_task(stage)
    run.signal(number)
    assert run.wait() == -number
    assert run.stdout == answers(b"2", b"3", b"4")


@keep_order
@requirement("GRP-024", "GRP-013", "GRP-021", "DTH-030")
def test_what_is_done_when_all_nodes_have_failed(stage: Stage) -> None:
    words = ("-z", "-n", "+2", "--keep-order", "-e", "-c", f"exec {stage.calculator()}")
    run = stage.start(*words)
    run.feed(b"1\n2\n3\n")
    both = stage.next_calculators(2)
    stage.holder(b"1")
    answer(stage, b"2")
    stage.holder(b"3")
    for calculator in both:
        calculator.die()
    assert run.wait() == 1
    assert run.stdout == answers(b"2") + b"\n"
    assert run.diagnostics == b"all nodes failed\n"


@keep_order
@requirement("GRP-024", "FRM-013")
def test_what_is_done_when_a_task_is_refused(stage: Stage) -> None:
    """The first task is done after that."""
    run = stage.start("-0", "-n", "+2", "--keep-order", "-c", stage.calculator())
    run.feed(b"1\0" + b"2\0" + b"a\nb\0" + b"4\0")
    slow, quick = stage.holder(b"1"), stage.holder(b"2")
    quick.answer(b"first", b"2")
    quick.wait_eof()  # so no further task comes for it
    slow.answer(b"first", b"1")
    assert run.wait() == 1
    assert run.stdout == answers(b"1", b"2")
    assert b"3" in run.messages


@keep_order
@requirement("GRP-025")
@pytest.mark.parametrize(
    "number",
    [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT],
    ids=lambda number: number.name,
)
def test_a_signal_while_nobody_reads(stage: Stage, number: signal.Signals) -> None:
    run = stage.start("-n", "+2", "--keep-order", "-c", stage.calculator())
    run.leave_output_unread(capacity=4096)
    run.feed(b"1\n2\n3\n")
    stage.holder(b"1")
    stage.holder(b"2").answer(*[b"0123456789abcde"] * 100_000)
    stage.holder(b"3")  # so the answer was read
    run.signal(number)
    assert run.wait(3 * stage.bound) == -number


# Holding lines back


@keep_order
@requirement("GRP-030", "GRP-020", "GRP-032")
@pytest.mark.lasting(300)
def test_work_goes_on(stage: Stage) -> None:
    """With 64 descriptors, 1,000 tasks with 100 MB of results wait for the first one."""
    line = (stage.nonce + b"0123456") * 100
    stage.reply = lambda task: b"" if task == b"1" else lines(*[line] * 60, task, b"")
    within = ["/bin/sh", "-c", 'ulimit -n 64 && exec "$@"', "sh"]
    run = stage.start("-n", "+3", "--keep-order", "-c", stage.calculator(), within=within)
    tasks = [b"%d" % number for number in range(1, 1002)]
    run.feed(lines(*tasks))
    stage.wait("all tasks to be dispatched", lambda: len(stage.tasks) == 1001, stage.volume_bound)
    stage.holder(b"1").answer(b"1")
    assert run.finish(stage.volume_bound) == 0
    expected = b"1\n" + b"".join(lines(*[line] * 60, task) for task in tasks[1:])
    assert is_same(run.stdout, expected)


@either
@requirement("GRP-031", "GRP-011", "GRP-021", "GRP-034")
@pytest.mark.lasting(300)
def test_memory_is_bounded(stage: Stage, option: str) -> None:
    """200 MiB of one task."""
    directory = stage.directory / "tmp"
    directory.mkdir()
    environment = {"TMPDIR": str(directory)}
    line = stage.nonce + b"0123456\n"
    run = stage.start("-n", "+1", option, "-c", stage.calculator(), environment=environment)
    calculator = stage.next_calculator()
    run.feed(b"a\n")
    calculator.next_task()
    before = run.memory("VmHWM")
    assert calculator.flood(line, 200 * MIB, patience=3 * stage.bound) == 200 * MIB
    assert run.printed == 0, "a part of a group was printed"
    calculator.answer()
    stage.wait("the whole result", lambda: run.printed >= 200 * MIB, stage.volume_bound)
    assert run.memory("VmHWM") - before < 64 * MIB
    assert run.finish() == 0
    assert is_same(run.stdout, line * (200 * MIB // 16))
    assert list(directory.iterdir()) == []


@keep_order
@requirement("GRP-031")
@pytest.mark.lasting(300)
def test_memory_is_bounded_for_many_tasks(stage: Stage) -> None:
    """100,000 tasks wait for the first one."""
    gate = stage.directory / "gate"
    os.mkfifo(gate)
    opener = os.open(gate, os.O_RDWR)
    echo = stage.script(
        "echo",
        f"""while read -r x; do
            case $x in
                1) read -r y < {gate};;
                100001) echo last >&2;;
            esac
            printf "%s\n\n" "$x"
        done""",
    )
    run = stage.start("-n", "+2", "--keep-order", "-i", "-c", f"exec {echo}")
    before = run.memory("VmHWM")
    tasks = [b"%d" % number for number in range(1, 100_002)]
    run.feed(lines(*tasks))
    stage.wait(
        "the last task to be dispatched", lambda: run.stderr == b"last\n", stage.volume_bound
    )
    assert run.memory("VmHWM") - before < 64 * MIB
    os.write(opener, b"\n")
    assert run.finish(stage.volume_bound) == 0
    os.close(opener)
    assert is_same(run.stdout, b"".join(lines(task, task) for task in tasks))


def files_of(run: Distributor) -> dict[tuple[int, int], str]:
    """The regular files that it has open for writing, and where they are or were."""
    files = {}
    for link in Path(f"/proc/{run.pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed in the meantime
            found = link.stat()
            if stat.S_ISREG(found.st_mode) and link.lstat().st_mode & stat.S_IWUSR:
                files[found.st_dev, found.st_ino] = str(link.readlink())
    return files


@either
@requirement("GRP-033")
@pytest.mark.lasting(300)
@pytest.mark.parametrize("named", ["named", "empty", "not set"])
def test_where_temporary_files_are(stage: Stage, option: str, named: str) -> None:
    """As far as they are seen: who has them open in another process passes."""
    directory = stage.directory / "tmp"
    directory.mkdir()
    environment = {"TMPDIR": str(directory)} if named == "named" else {"TMPDIR": ""}
    within = ["/usr/bin/env", "-u", "TMPDIR"] if named == "not set" else []
    words = ("-n", "+1", option, "-c", stage.calculator())
    run = stage.start(*words, environment=environment, within=within)
    calculator = stage.next_calculator()
    before = files_of(run)
    run.feed(b"a\n")
    calculator.next_task()
    assert calculator.flood(b"line\n", 100 * MIB, patience=3 * stage.bound) == 100 * MIB
    files = {path for file, path in files_of(run).items() if file not in before}
    here = f"{stage.directory.resolve()}/"
    for path in files:
        if path.startswith("/memfd:"):  # no file
            continue
        if named == "named":
            assert path.startswith(f"{directory.resolve()}/"), f"it has {path} open"
        else:
            assert path.startswith(f"{Path('/tmp').resolve()}/"), f"it has {path} open"
            assert not path.startswith(here), f"it has {path} open"
    calculator.answer()
    assert run.finish(stage.volume_bound) == 0
    assert run.printed == 100 * MIB


@either
@requirement("GRP-034")
@pytest.mark.lasting(300)
def test_temporary_files_do_not_stay_behind(stage: Stage, option: str) -> None:
    directory = stage.directory / "tmp"
    directory.mkdir()
    environment = {"TMPDIR": str(directory)}
    run = stage.start("-n", "+1", option, "-c", stage.calculator(), environment=environment)
    calculator = stage.next_calculator()
    run.feed(b"a\n")
    calculator.next_task()
    assert calculator.flood(b"line\n", 100 * MIB, patience=3 * stage.bound) == 100 * MIB
    run.signal(signal.SIGKILL)
    assert run.wait(stage.volume_bound) == -signal.SIGKILL
    assert list(directory.iterdir()) == []


@either
@requirement("GRP-033", "GRP-035")
@pytest.mark.lasting(300)
def test_lines_that_cannot_be_held_back(stage: Stage, option: str) -> None:
    """The directory does not exist. What needs no temporary file is printed all the same."""
    environment = {"TMPDIR": str(stage.directory / "missing")}
    many = stage.script("many", MANY_LINES)
    words = ("-n", "+1", option, "-c", f"exec {many}")
    big = 200 * MIB // 16
    run = stage.start(*words, environment=environment)
    run.feed(b"2\n%d\n3\n" % big)
    assert run.finish(stage.volume_bound) == 1
    assert run.stderr, "no diagnostic"
    assert run.stdout == b"0123456789abcde\n" * 2
    assert not stage.left_running(), "processes were left running"
    (stage.directory / "missing").mkdir()
    run = stage.start(*words, environment=environment)
    run.feed(b"2\n%d\n3\n" % big)
    assert run.finish(stage.volume_bound) == 0
    assert is_same(run.stdout, b"0123456789abcde\n" * (big + 5))
