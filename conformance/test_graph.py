"""Chapter *Graphs*."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from conformance.harness.octets import is_same

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.harness.distributor import Distributor
    from conformance.harness.stage import Stage

requirement = pytest.mark.requirement

#: Answers every task with success, faster than a steered calculator.
ALWAYS_SUCCESS = "while read -r task; do echo success; echo; done"

#: What Linux gives if nobody says otherwise: so a program that recurses for each task of a chain
#: fails everywhere. Soft, since a program may ask for more.
USUAL_STACK = ("/bin/sh", "-c", 'ulimit -S -s 8192 && exec "$@"', "sh")


def statuses(stage: Stage, **of: bytes) -> Callable[[bytes], bytes]:
    """Replies of a result and a status: success, unless another is given for the task."""

    def reply(task: bytes) -> bytes:
        status = of.get(task.decode("latin-1"), b"success\n")
        return stage.result(task) + b"\n" + status + b"\n"

    return reply


def run_graph(stage: Stage, *options: str, feed: bytes, nodes: int = 1) -> Distributor:
    """Run a graph; if the test set no reply, every task succeeds."""
    stage.reply = stage.reply or statuses(stage)
    return stage.run("-g", *options, "-n", f"+{nodes}", "-c", stage.calculator(), feed=feed)


def succeed(stage: Stage, task: bytes) -> None:
    """Let the calculator that holds the task say that it succeeded."""
    stage.holder(task).answer(b"success")


@requirement("GRA-001", "GRA-005", "GRA-032")
@pytest.mark.parametrize("option", ["-g", "-s", "-W0"])
def test_lines_of_one_task(stage: Stage, option: str) -> None:
    stage.reply = statuses(stage)
    run = stage.run(option, "-l", "-n", "+1", "-c", stage.calculator(), feed=b"b\na\n\xff\nlast")
    assert run.status == 0
    numbers = {b"b": 1, b"a": 2, b"\xff": 3, b"last": 4}
    assert sorted(stage.tasks) == sorted(numbers)
    assert run.stdout == b"".join(
        b"%d %s\n%d success\n" % (numbers[task], stage.result(task), numbers[task])
        for task in stage.tasks
    )


@requirement("GRA-002", "GRA-025", "GRA-026")
def test_a_dependant_waits_for_all_it_depends_on(stage: Stage) -> None:
    """C, the heaviest, needs a and b. That a node gets x instead shows that c was not ready."""
    run = stage.start("-g", "-n", "+2", "-c", stage.calculator())
    run.feed(b"a c\nb c\nx\nweight: a 2\nweight: b 2\nweight: c 3\n")
    run.close_stdin()
    for task in (b"a", b"b"):
        stage.holder(task)
    succeed(stage, b"a")
    stage.holder(b"x")
    assert b"c" not in stage.tasks
    for task in (b"b", b"c", b"x"):
        succeed(stage, task)
    assert run.finish() == 0
    assert sorted(stage.tasks) == [b"a", b"b", b"c", b"x"]


@requirement("GRA-026")
def test_a_dependant_does_not_wait_for_others(stage: Stage) -> None:
    run = stage.start("-g", "-E", "-n", "+2", "-c", stage.calculator())
    run.feed(b"slow\na b\n")
    run.close_stdin()
    stage.holder(b"slow")
    succeed(stage, b"a")
    succeed(stage, b"b")
    run.expect_output(b"success\n\n" * 2)
    succeed(stage, b"slow")
    assert run.finish() == 0


@requirement("GRA-002", "GRA-005", "GRA-006", "GRA-025")
def test_the_order_of_a_graph(stage: Stage) -> None:
    """Tasks and edges that come again change nothing."""
    lines = [b"d e", b"a b", b"b c", b"a b", b"a", b"c d", b"a c", b"e", b"c d"]
    run = run_graph(stage, "-l", feed=b"".join(line + b"\n" for line in lines))
    assert run.status == 0
    assert stage.tasks == [b"a", b"b", b"c", b"d", b"e"]
    numbers = [line.split()[0] for line in run.stdout.splitlines()[::2]]
    assert numbers == [b"3", b"4", b"5", b"1", b"2"]


@requirement("GRA-003")
def test_another_delimiter(stage: Stage) -> None:
    run = run_graph(stage, "-md=;", feed=b"b c;a\nd e f;b c\n")
    assert run.status == 0
    assert stage.tasks == [b"d e f", b"b c", b"a"]


@requirement("GRA-003")
def test_no_delimiter(stage: Stage) -> None:
    run = run_graph(stage, "-l", "-md=", feed=b"b a\na b c\n")
    assert run.status == 0
    assert sorted(stage.tasks) == [b"a b c", b"b a"]


@requirement("GRA-004")
@pytest.mark.parametrize(
    ("feed", "order"),
    [
        (b" a\n", [b"", b"a"]),
        (b"a \n", [b"a", b""]),
        (b"\na\nweight: a 0\n", [b"", b"a"]),
        (b"a\n\nweight:  2\n", [b"", b"a"]),
    ],
)
def test_empty_names(stage: Stage, feed: bytes, order: list[bytes]) -> None:
    run = run_graph(stage, feed=feed)
    assert run.status == 0
    assert stage.tasks == order


@requirement("GRA-002", "FRM-005")
def test_graphs_with_nul(stage: Stage) -> None:
    run = run_graph(stage, "-0", feed=b"b a\0c b\0d")
    assert run.status == 0
    assert sorted(stage.tasks) == [b"a", b"b", b"c", b"d"]
    assert [task for task in stage.tasks if task != b"d"] == [b"c", b"b", b"a"]


@requirement("GRA-010", "GRA-021")
@pytest.mark.parametrize("line", [b"a b c", b"a b c d", b"x  y", b"weight: a 1 2"])
def test_bad_lines(stage: Stage, line: bytes) -> None:
    """The same lines without the bad one are run."""
    assert run_graph(stage, feed=b"first second\n").status == 0
    assert stage.tasks == [b"first", b"second"]
    started = stage.started
    run = run_graph(stage, feed=b"first second\n" + line + b"\nthird\n")
    assert run.status == 1
    assert line in run.stderr
    assert run.stdout == b""
    assert stage.started == started


@requirement("GRA-063")
@pytest.mark.parametrize("before", [0, 1, 20_000])
@pytest.mark.parametrize("option", [(), ("-0",)], ids=["lines", "-0"])
def test_bad_lines_are_numbered(stage: Stage, before: int, option: tuple[str, ...]) -> None:
    """Also if weights and empty lines come before it."""
    end = b"\0" if option else b"\n"
    lines = [b"a b", b"", b"weight: a -2", b"c"] * 4 + [b"d e"] * before + [b"x y z"]
    feed = b"".join(line + end for line in lines)
    run = run_graph(stage, *option, feed=feed)
    assert run.status == 1
    numbers = re.findall(rb"\d+", run.stderr)
    assert b"%d" % len(lines) in numbers, "the number of the line is not named"


@requirement("GRA-011")
@pytest.mark.lasting(300)
def test_the_whole_graph_first(stage: Stage) -> None:
    """The last line makes the first task wait."""
    stage.reply = statuses(stage)
    run = stage.start("-g", "-n", "+2", "-c", stage.calculator())
    run.feed(b"a\n" * 100_000)
    run.feed(b"z a\n")
    assert run.finish(stage.volume_bound) == 0
    assert is_same(stage.tasks, [b"z", b"a"])


@requirement("GRA-012")
def test_the_empty_graph(stage: Stage) -> None:
    """Shown to be a graph by the same call with a bad line."""
    assert run_graph(stage, feed=b"a b c\n").status == 1
    run = run_graph(stage, feed=b"")
    assert run.status == 0
    assert run.stdout == b""
    assert run_graph(stage, feed=b"a\n").stdout == stage.result(b"a") + b"\nsuccess\n"


@requirement("GRA-020", "GRA-021")
@pytest.mark.parametrize(
    ("cycle", "members"),
    [
        (b"a a\n", [b"a"]),
        (b"aa bb\nbb aa\n", [b"aa", b"bb"]),
        (b"x aa\naa bb\nbb cc\ncc aa\ncc y\n", [b"aa", b"bb", b"cc"]),
        (b"".join(b"n%d n%d\n" % (n, (n + 1) % 500) for n in range(500)), [b"n0", b"n1", b"n499"]),
    ],
    ids=["itself", "two", "three", "many"],
)
def test_cycles(stage: Stage, cycle: bytes, members: list[bytes]) -> None:
    """The same graph without the cycle is run."""
    assert run_graph(stage, feed=b"p q\n").status == 0
    assert stage.tasks == [b"p", b"q"]
    started = stage.started
    run = run_graph(stage, feed=b"p q\n" + cycle)
    assert run.status == 1
    words = run.stderr.split()
    assert all(member in words for member in members)
    assert run.stdout == b""
    assert stage.started == started


# Status


@requirement("GRA-030", "GRA-031", "GRA-040")
@pytest.mark.parametrize(
    ("options", "good", "bad"),
    [
        ((), b"success", b"failure"),
        (("-ms=ok",), b"ok", b"failure"),
        (("-mf=bad",), b"success", b"bad"),
        (("-ms=ok", "-mf=bad"), b"ok", b"bad"),
        (("-ms=failure", "-mf=success"), b"failure", b"success"),
    ],
)
def test_the_words_of_a_status(
    stage: Stage, options: tuple[str, ...], good: bytes, bad: bytes
) -> None:
    stage.reply = statuses(stage, a=good + b"\n", b=bad + b"\n")
    run = run_graph(stage, *options, feed=b"a b\nb c\n")
    assert run.status == 0
    assert stage.tasks == [b"a", b"b"]
    expected = (stage.result(b"a"), good, stage.result(b"b"), bad, b"b c")
    assert run.stdout == b"".join(line + b"\n" for line in expected)


@requirement("GRA-030", "GRA-050", "GRA-051", "GRA-052")
@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"successful\n",
        b"success \n",
        b" success\n",
        b"Success\n",
        b"success\r\n",
        b"success\nbye\n",
        b"failure\nbye\n",
        b"fatal\n",
        b"\0success\n",
    ],
    ids=[
        "empty",
        "longer",
        "blank after",
        "blank before",
        "capital",
        "carriage return",
        "success not last",
        "failure not last",
        "fatal",
        "NUL before",
    ],
)
def test_no_status(stage: Stage, text: bytes) -> None:
    """After a, b is not run; c and d, which do not depend on a, are."""
    stage.reply = lambda task: (text if task == b"aaa" else b"success\n") + b"\n"
    run = run_graph(stage, "-l", feed=b"aaa b\nc d\nweight: aaa 2\n")
    assert stage.tasks == [b"aaa", b"c", b"d"]
    a_lines = b"".join(b"1 %s\n" % line for line in text.split(b"\n")[:-1])
    assert run.stdout == a_lines + b"1 ?\n3 success\n4 success\n", "other lines"
    assert b"aaa" in run.messages
    assert run.status == 1


@requirement("GRA-033", "GRA-050", "GRA-051")
@pytest.mark.parametrize("before", [b"success", b"failure"])
def test_a_status_is_not_inherited(stage: Stage, before: bytes) -> None:
    """The calculator of the task before says nothing about the next one."""
    stage.reply = lambda task: before + b"\n\n" if task == b"a" else b"\n"
    run = run_graph(stage, feed=b"a\nb c\nweight: a 2\n")
    assert stage.tasks == [b"a", b"b"], "a dependant was dispatched"
    failure_line = b"a\n" if before == b"failure" else b""
    assert run.stdout == before + b"\n" + failure_line + b"?\n"


# Failure


@requirement("GRA-040", "GRA-041", "GRA-042", "GRA-043", "GRA-046")
def test_a_failure(stage: Stage) -> None:
    """Its dependants, direct and indirect, are not run; all the others are."""
    stage.reply = statuses(stage, b=b"failure\n")
    feed = b"a b\nb c\nb d\nc e\nd e\nx y\na f\n"
    run = run_graph(stage, "-l", "-e", "-r", feed=feed)
    assert run.status == 0
    assert sorted(stage.tasks) == [b"a", b"b", b"f", b"x", b"y"]
    lines = run.stdout.splitlines()
    at = lines.index(b"0 2 failure")
    prefix, first, *others = lines[at + 1].rsplit(b" ", 4)
    assert (prefix, first) == (b"0 2", b"b")
    assert sorted(others) == [b"c", b"d", b"e"]
    assert lines[at + 2] == b"0 2 "


@requirement("GRA-042")
def test_a_failure_without_dependants(stage: Stage) -> None:
    stage.reply = statuses(stage, a=b"failure\n")
    run = run_graph(stage, "-l", feed=b"a\n")
    assert run.stdout == b"1 %s\n1 failure\n1 a\n" % stage.result(b"a")
    assert run.status == 0


@requirement("GRA-042", "GRA-003")
def test_the_delimiter_of_the_failure_line(stage: Stage) -> None:
    stage.reply = statuses(stage, a=b"failure\n")
    run = run_graph(stage, "-md=|", feed=b"a|b c\n")
    assert run.stdout.endswith(b"\na|b c\n")


@requirement("GRA-044")
def test_the_order_of_the_failure_line(stage: Stage) -> None:
    stage.reply = statuses(stage, a=b"failure\n")
    run = run_graph(stage, feed=b"a b\na c\nc d\nb d\nd e\nc f\n")
    assert run.stdout.endswith(b"\na c f d e b\n")


@requirement("GRA-045", "GRA-040", "GRA-042")
def test_common_dependants(stage: Stage) -> None:
    stage.reply = statuses(stage, a=b"failure\n", b=b"failure\n")
    run = run_graph(stage, "-l", feed=b"a c\nb c\n")
    assert sorted(stage.tasks) == [b"a", b"b"]
    lines = run.stdout.splitlines()
    assert b"1 a c" in lines
    assert b"3 b c" in lines
    assert run.status == 0


@requirement("GRA-040", "GRA-041")
def test_a_failure_while_others_work(stage: Stage) -> None:
    """C needs a and b; a fails while b is worked on, and the success of b does not start c."""
    run = stage.start("-g", "-E", "-n", "+2", "-c", stage.calculator())
    run.feed(b"a c\nb c\nb d\n")
    run.close_stdin()
    stage.holder(b"b")
    stage.holder(b"a").answer(b"failure")
    run.expect_output(b"failure\na c\n\n")
    succeed(stage, b"b")
    succeed(stage, b"d")
    assert run.finish() == 0
    assert sorted(stage.tasks) == [b"a", b"b", b"d"]


# Size


@requirement("GRA-060")
@pytest.mark.lasting(300)
def test_a_long_chain(stage: Stage) -> None:
    length = 200_000
    chain = b"".join(b"%d %d\n" % (n, n + 1) for n in range(1, length))
    calculator = stage.script("always", ALWAYS_SUCCESS)
    run = stage.start("-g", "-l", "-n", "+1", "-c", calculator, within=USUAL_STACK)
    run.feed(chain)
    assert run.finish(stage.volume_bound) == 0
    assert is_same(run.stdout, b"".join(b"%d success\n" % n for n in range(1, length + 1)))


@requirement("GRA-060", "GRA-042")
@pytest.mark.lasting(300)
@pytest.mark.parametrize("its_edge", ["first", "last"])
def test_a_failure_before_a_long_chain(stage: Stage, its_edge: str) -> None:
    """The edge of the task that fails is the first of the input, or the last."""
    length = 200_000
    edges = [b"%d %d\n" % (n, n + 1) for n in range(1, length)]
    if its_edge == "last":
        edges.reverse()
    stage.reply = lambda task: task + b"\nfailure\n\n"
    run = stage.start("-g", "-n", "+1", "-c", stage.calculator(), within=USUAL_STACK)
    run.feed(b"".join(edges))
    assert run.finish(stage.volume_bound) == 0
    result, status, names = run.stdout.splitlines()
    assert (result, status) == (b"1", b"failure")
    assert is_same(sorted(names.split(b" ")), sorted(b"%d" % n for n in range(1, length + 1)))


@requirement("GRA-061")
def test_a_failure_with_many_paths(stage: Stage) -> None:
    """Forty diamonds in a row: a program that walks each path once does not end."""
    steps = 40
    ladder = b"".join(
        b"n%d a%d\nn%d b%d\na%d n%d\nb%d n%d\n" % (n, n, n, n, n, n + 1, n, n + 1)
        for n in range(steps)
    )
    stage.reply = statuses(stage, n0=b"failure\n")
    run = run_graph(stage, feed=ladder)
    assert run.status == 0
    assert stage.tasks == [b"n0"]
    names = run.stdout.splitlines()[-1].split()
    assert names[0] == b"n0"
    assert len(names) == len({*names}) == 3 * steps + 1


@requirement("GRA-062")
@pytest.mark.lasting(300)
def test_many_tasks(stage: Stage) -> None:
    """Sixteen times as many tasks take less than sixty-four times the processor time.

    A program whose time is quadratic takes 256 times as much for what depends on the number of
    tasks, a conforming one little more than 16 times; starting up only makes the ratio smaller.
    What its calculators take does not count, so a busy machine changes little: what little it adds
    to the few is left out by doing them three times.
    """
    calculator = stage.script("always", ALWAYS_SUCCESS)
    seconds: dict[int, list[float]] = {4_000: [], 64_000: []}
    for number in (4_000, 4_000, 4_000, 64_000):
        run = stage.start("-g", "-n", "+1", "-c", calculator)
        run.feed(b"".join(b"%d\n" % task for task in range(number)))
        assert run.finish(stage.volume_bound) == 0
        seconds[number].append(run.processor_time)
        assert is_same(run.stdout, b"success\n" * number)
    few, many = map(min, seconds.values())
    # It is measured in hundredths.
    assert many < 64 * max(few, 0.01), f"the time grew from {few:.2f} s to {many:.2f} s"
