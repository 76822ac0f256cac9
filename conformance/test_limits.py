"""Chapter *Limits*."""

from __future__ import annotations

import os
import re
import resource
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from conformance.harness.octets import is_same
from conformance.harness.usage import CALCULATOR, assert_works, call, refuse
from conformance.harness.watch import UnmetError
from conformance.test_exec import MAGIC_EOT

if TYPE_CHECKING:
    from conformance.harness.fakes import Calculator
    from conformance.harness.stage import Stage

requirement = pytest.mark.requirement

MIB = 1 << 20


def with_descriptors(number: int) -> list[str]:
    """A command line that executes its arguments with this limit on descriptors."""
    return ["/bin/sh", "-c", f'ulimit -n {number} && exec "$@"', "sh"]


@requirement("LIM-001")
@pytest.mark.lasting(300)
def test_many_nodes(stage: Stage) -> None:
    """All 600 calculators, cheap ones, hold a task at the same time."""
    nodes, descriptors = 600, 4096
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    assert hard >= descriptors, f"this machine does not allow {descriptors} descriptors"
    gate = stage.directory / "gate"
    os.mkfifo(gate)
    nonce = stage.nonce.decode()
    opener = os.open(gate, os.O_RDWR)
    calculator = stage.script(
        "cheap",
        f"while read -r x; do echo got >&2; read -r y < {gate}; echo {nonce} $x; echo; done",
    )
    run = stage.start(
        "-n", f"+{nodes}", "-l", "-c", f"exec {calculator}", within=with_descriptors(descriptors)
    )
    tasks = [b"%d" % number for number in range(1, nodes + 1)]
    run.feed(b"".join(task + b"\n" for task in tasks))
    stage.wait(
        f"{nodes} calculators to hold a task",
        lambda: run.stderr.count(b"got\n") == nodes,
        stage.volume_bound,
    )
    os.write(opener, b"\n" * nodes)
    assert run.finish(stage.volume_bound) == 0
    os.close(opener)
    results = [b"%s %s %s" % (task, stage.nonce, task) for task in tasks]
    assert sorted(run.stdout.splitlines()) == sorted(results)


@requirement("LIM-002", "FRM-011")
@pytest.mark.lasting(300)
def test_long_tasks(stage: Stage) -> None:
    task = (stage.nonce + b"0123456\t") * (10 * MIB // 16)
    run = stage.start("-n", "+1", "-c", stage.calculator())
    run.feed(task + b"\nnext\n")
    calculator = stage.next_calculator()
    assert is_same(calculator.next_task(stage.volume_bound), task)
    calculator.answer(b"long")
    assert calculator.next_task() == b"next"
    calculator.answer(b"short")
    assert run.finish() == 0
    assert run.stdout == b"long\nshort\n"


@requirement("LIM-003", "RES-007")
@pytest.mark.lasting(300)
def test_long_result_lines(stage: Stage) -> None:
    line = (stage.nonce + b"0123456\t") * (10 * MIB // 16)
    stage.reply = lambda _: line + b"\nend\n\n"
    run = stage.start("-n", "+1", "-l", "-c", stage.calculator())
    run.feed(b"a\nb\n")
    assert run.finish(stage.volume_bound) == 0
    expected = b"".join(b"%s %s\n%s end\n" % (n, line, n) for n in (b"1", b"2"))
    assert is_same(run.stdout, expected)


@requirement("LIM-004")
@pytest.mark.lasting(300)
def test_many_tasks(stage: Stage) -> None:
    """Between 20,000 and 120,000 tasks the memory may grow by 4 octets for each."""
    echo = stage.script("echo", 'while read -r x; do printf "%s\\n\\n" "$x"; done')
    run = stage.start("-n", "+1", "-E", "-c", f"exec {echo}")

    def do_some() -> None:
        """No more at a time than has its results in the pipe, or they may wait elsewhere."""
        printed = run.printed + 30_000
        run.feed(b"t\n" * 10_000)
        stage.wait(
            "the results of 10,000 tasks", lambda: run.printed >= printed, stage.volume_bound
        )

    for _ in range(2):
        do_some()
    before = run.memory("VmRSS")
    for _ in range(10):
        do_some()
    after = run.memory("VmRSS")
    assert run.finish() == 0
    assert after - before < 400_000, f"the memory grew by {after - before} octets"


@requirement("LIM-005", "END-006")
def test_descriptors_run_out(stage: Stage) -> None:
    """The control is a run on the same limit with fewer nodes."""
    stage.reply_with_results()
    command = ("-c", stage.calculator("linger"))
    within = with_descriptors(256)
    good = stage.start("-n", "+1", *command, within=within)
    stage.next_calculator().exit(0)
    assert good.finish() == 0
    run = stage.start("-n", "+400", *command, within=within)
    run.feed(b"a\n")
    run.close_stdin()
    assert run.wait(3 * stage.bound) == 1
    assert run.stderr, "no diagnostic"
    assert not stage.left_running(), "processes were left running"


@requirement("LIM-006")
@pytest.mark.lasting(300)
@pytest.mark.parametrize("place", [(), ("-t", "./transport")], ids=["local", "transport"])
@pytest.mark.parametrize("exec_mode", [False, True], ids=["calculator", "-x"])
def test_large_results(stage: Stage, place: tuple[str, ...], exec_mode: bool) -> None:
    """A result of 100 MiB takes no more than 16 MiB, such as for buffers."""
    stage.script("transport", 'shift; exec sh -c "$1"')
    options = ("-n", "host", *place, "-E")
    if exec_mode:
        command = stage.calculator("linger", "paused")
        run = stage.start(*options, "-x", "-c", command)
    else:
        run = stage.start(*options, "-c", stage.calculator())
    run.feed(b"a\n")
    calculator = stage.next_calculator()
    if not exec_mode:
        calculator.next_task()
    before = run.memory("VmHWM")
    line, size = stage.nonce + b"0123456\n", 100 * MIB
    assert calculator.flood(line, size, patience=3 * stage.bound) == size
    calculator.answer()
    calculator.exit(0)
    stage.wait("the whole result", lambda: run.printed > size, stage.volume_bound)
    grown = run.memory("VmHWM") - before
    assert run.finish() == 0
    end = MAGIC_EOT if exec_mode else b""
    assert is_same(run.stdout, line * (size // len(line)) + end + b"\n")
    assert grown < 16 * MIB


@requirement("LIM-006")
@pytest.mark.lasting(300)
def test_many_blank_lines(stage: Stage) -> None:
    """Whether 40 MiB of blank lines belong to a result is known only when another line comes."""
    run = stage.start("-n", "+1", "-x", "-l", "-c", stage.calculator("linger", "paused"))
    run.feed(b"a\n")
    calculator = stage.next_calculator()
    before = run.memory("VmHWM")
    size = 40 * MIB
    assert calculator.flood(b"\n", size, patience=3 * stage.bound) == size
    calculator.answer(b"end")
    calculator.exit(0)
    printed = 3 * size + len(b"1 end\n")
    stage.wait("the whole result", lambda: run.printed >= printed, stage.volume_bound)
    grown = run.memory("VmHWM") - before
    assert run.finish() == 0
    assert is_same(run.stdout, b"1 \n" * size + b"1 end\n")
    assert grown < 16 * MIB


# Lines that are too long

limited = pytest.mark.extension("--line-limit")


@limited
@requirement("LIM-011")
@pytest.mark.parametrize(
    "value",
    [
        "",
        "0",
        "000k",
        "k",
        "-1",
        "+2",
        "1.5",
        "2x",
        "1kk",
        "1T",
        " 2",
        "2 ",
        "0x2",
        "1_0",
        "1" * 16,
    ],
)
def test_bad_line_limits(stage: Stage, value: str) -> None:
    words = ("-n", "+1", "-c", CALCULATOR)
    run = refuse(stage, call("--line-limit", value, *words), call("--line-limit", "2k", *words))
    assert run.stderr.count(b"\n") == 1, f"not one diagnostic: {run.stderr!r}"
    assert b"--line-limit" in run.stderr
    assert value.encode() in run.messages


@limited
@requirement("LIM-011", "LIM-015", "LIM-014")
@pytest.mark.parametrize(
    ("value", "octets"),
    [("1", 1), ("007", 7), ("1k", 1024), ("2K", 2048), ("1M", MIB), ("1m", MIB)],
)
def test_how_long_tasks_may_be(stage: Stage, value: str, octets: int) -> None:
    stage.reply = lambda _: b"r\n\n"
    options = ("-n", "+1", "-c", stage.calculator(), "--line-limit", value)
    task = b"t" * octets
    good = stage.run(*options, feed=task + b"\n" + task)
    assert (good.status, good.stdout) == (0, b"r\nr\n")
    bad = stage.run(*options, feed=b"\n" + task + b"t\nc\n")
    assert bad.status == 1
    assert bad.stdout == b"r\n"
    assert stage.tasks == [task, task, b""]
    assert re.search(rb"\b2\b", bad.stderr), "the task is not named"


@limited
@requirement("LIM-011")
@pytest.mark.parametrize("value", ["1G", "3g", "999999999999999"])
def test_large_line_limits(stage: Stage, value: str) -> None:
    assert_works(stage, call(f"--line-limit={value}", "-n", "+1", "-c", CALCULATOR))


@limited
@requirement("LIM-014")
@pytest.mark.parametrize("ends", [False, True])
@pytest.mark.parametrize("octets", [101, 10 * MIB])
def test_tasks_before_a_long_one(stage: Stage, octets: int, ends: bool) -> None:
    """They are done, although it is known before that the run will fail."""
    run = stage.start("-n", "+1", "-l", "-c", stage.calculator(), "--line-limit", "100")
    run.feed(b"a\nb\n" + b"x" * octets + b"\nc\n" * ends)
    calculator = stage.next_calculator()
    for task in (b"a", b"b"):
        assert calculator.next_task() == task
        calculator.answer(stage.result(task))
    assert run.wait() == 1
    assert run.stdout == b"1 %s\n2 %s\n" % (stage.result(b"a"), stage.result(b"b"))
    assert re.search(rb"\b3\b", run.stderr), "the task is not named"
    assert stage.tasks == [b"a", b"b"]


@limited
@requirement("LIM-014")
@pytest.mark.parametrize("octets", [101, 10 * MIB])
def test_a_long_line_of_a_graph(stage: Stage, octets: int) -> None:
    stage.reply = lambda task: stage.result(task) + b"\nsuccess\n\n"
    options = ("-g", "-n", "+1", "-c", stage.calculator(), "--line-limit", "100")
    good = stage.run(*options, feed=b"a b\nweight: b 3\n")
    assert good.status == 0
    assert stage.tasks == [b"a", b"b"]
    started = stage.started
    run = stage.run(*options, feed=b"a b\nweight: b 3\nc\n" + b"x" * octets + b"\nd\n")
    assert run.status == 1
    assert run.stdout == b""
    assert re.search(rb"\b4\b", run.stderr), "the line is not named"
    assert stage.started == started


def answer_with_long_line(stage: Stage, octets: int) -> Calculator:
    """Let the calculator that holds a task write a line, which need not have an end."""
    calculator = stage.holder(b"a")
    calculator.write(b"whole\n" + b"x" * octets)
    return calculator


@limited
@requirement("LIM-012")
@pytest.mark.parametrize("end", [b"", b"\n", b"\n\n"], ids=repr)
@pytest.mark.parametrize("octets", [2049, 100_000])
def test_a_long_line_of_a_result(stage: Stage, octets: int, end: bytes) -> None:
    """As at the loss of a node, the whole lines before it may be printed."""
    stage.script("transport", 'shift; exec sh -c "$1"')
    run = stage.start(
        *("-n", "thishost", "-t", "./transport", "--line-limit", "2k"),
        *("-c", stage.calculator("linger")),
    )
    run.feed(b"a\nb\n")
    answer_with_long_line(stage, octets).write(end)
    assert run.wait() == 1
    assert run.stdout in {b"", b"whole\n"}
    assert b"thishost" in run.stderr, "the node is not named"
    assert b"2048" in run.messages, "the limit is not named"
    assert not stage.left_running(), "processes were left running"


@limited
@requirement("LIM-013")
@pytest.mark.parametrize("octets", [2049, 100_000])
def test_a_node_with_a_long_line_is_dead(stage: Stage, octets: int) -> None:
    """Its task is given to the other node."""
    options = ("-z", "-n", "+2", "-l", "--line-limit", "2k")
    run = stage.start(*options, "-c", stage.calculator("linger"))
    run.feed(b"a\n")
    first = answer_with_long_line(stage, octets)
    (second,) = {*stage.next_calculators(2)} - {first}
    assert second.next_task() == b"a"
    second.answer(b"good")
    second.exit(0)
    assert run.finish(2 * stage.bound) == 0
    assert run.stdout.endswith(b"1 fatal\n1 good\n")
    assert b"x" not in run.stdout
    assert b"2048" in run.messages, "the limit is not named"


@limited
@requirement("LIM-013")
def test_a_command_with_a_long_line(stage: Stage) -> None:
    command = stage.calculator("linger", "paused")
    run = stage.start("-z", "-n", "+2", "-x", "-l", "--line-limit", "2k", "-c", command)
    run.feed(b"a\n")
    stage.next_calculator().write(b"x" * 2049)
    second = stage.next_calculator()
    second.write(b"good\n")
    second.exit(0)
    assert run.finish(2 * stage.bound) == 0
    assert run.stdout == b"1 fatal\n1 good\n"


@limited
@requirement("LIM-015")
def test_lines_that_are_not_too_long(stage: Stage) -> None:
    """Neither a line of the size, nor many lines, nor a longer EOT."""
    eot = b"E" * 100
    options = ("-n", "+1", f"-mt={eot.decode()}", "-e", "-l", "--line-limit", "50")
    run = stage.start(*options, "-c", stage.calculator())
    run.feed(b"a\nb\n")
    calculator = stage.next_calculator()
    line = b"x" * 50 + b"\n"
    for number in (b"a", b"b"):
        assert calculator.next_task() == number
        calculator.write(line * 2 + b"y" * 30)
        calculator.sync()
        calculator.write(b"z" * 20 + b"\n" + line + eot[:60])
        calculator.sync()
        calculator.write(eot[60:] + b"\n")
    assert run.finish() == 0
    result = b"%s" + line + b"%s" + line + b"%s" + b"y" * 30 + b"z" * 20 + b"\n" + b"%s" + line
    result += b"%s" + eot + b"\n"
    assert run.stdout == result % ((b"1 ",) * 5) + result % ((b"2 ",) * 5)


# Lack of memory


@requirement("LIM-016", "LIM-017")
@pytest.mark.lasting(300)
@pytest.mark.parametrize("options", [(), ("-z",)], ids=["plain", "-z"])
def test_memory_runs_out(stage: Stage, options: tuple[str, ...]) -> None:
    """By a line without end, of a calculator that has answered before and does not end by itself.

    A distributor that takes no such line ends as after the loss of a node, which looks the same.
    """
    limit = ["/bin/sh", "-c", 'ulimit -v 600000 && exec "$@"', "sh"]
    calculator = stage.calculator("linger")
    run = stage.start(*options, "-l", "-E", "-n", "+2", "-c", calculator, within=limit)
    stage.next_calculators(2)  # one stays idle: the end of its input does not end it
    run.feed(b"a\n")
    first = stage.holder(b"a")
    first.answer(stage.result(b"a"))
    run.feed(b"b\n")
    run.close_stdin()  # not to be read again before the line is
    first = stage.holder(b"b")
    with suppress(UnmetError):  # it is ended before all is written
        first.flood(b"x" * 4096, 2000 * MIB, patience=stage.grace)
    assert run.wait(stage.volume_bound) == 1
    assert run.stdout.startswith(b"1 %s\n1 \n" % stage.result(b"a"))
    assert run.stderr, "no diagnostic"
    assert not stage.left_running(), "processes were left running"
