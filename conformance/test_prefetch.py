"""Chapter *Prefetch*."""

from __future__ import annotations

import os
import re
import shlex
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from conformance.harness.octets import is_same
from conformance.harness.usage import CALCULATOR, assert_works, call, refuse
from conformance.test_combinations import TASKS, Call, covering_calls, output_of, words_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.harness.fakes import Calculator
    from conformance.harness.stage import Stage

pytestmark = pytest.mark.extension("--prefetch")
requirement = pytest.mark.requirement

#: A transport over a link that takes time.
LINK = Path(__file__).parent / "harness" / "link.py"

#: A calculator whose tasks take long.
SLOW = Path(__file__).parent / "harness" / "slow.py"

#: Both modes; a result of a graph's task ends with its status.
MODES = {"flat": (), "graph": ("-g",)}
modes = pytest.mark.parametrize("mode", MODES)


def lines(*texts: bytes) -> bytes:
    return b"".join(text + b"\n" for text in texts)


def numbers(first: int, last: int) -> list[bytes]:
    return [b"%d" % number for number in range(first, last + 1)]


def wait_for_tasks(stage: Stage, calculator: Calculator, tasks: list[bytes]) -> None:
    """Wait until a calculator has received these tasks, and no others."""
    stage.wait(f"{tasks} at {calculator.name}", lambda: len(calculator.tasks) >= len(tasks))
    assert calculator.tasks == tasks


def nothing_more(calculator: Calculator, tasks: list[bytes]) -> None:
    """A task that is sent too early would mostly be there; to miss one makes the test weaker."""
    calculator.sync()
    assert calculator.tasks == tasks


# The option


@requirement("PRE-002")
@pytest.mark.parametrize(
    "value",
    [
        "",
        "0",
        "000",
        "Auto",
        "autos",
        "-1",
        "+2",
        "1.5",
        "2x",
        " 2",
        "2 ",
        "0x2",
        "1_0",
        "\u0662",
        "1" * 10,
    ],
)
def test_bad_values(stage: Stage, value: str) -> None:
    words = ("-n", "+1", "-c", CALCULATOR)
    run = refuse(stage, call("--prefetch", value, *words), call("--prefetch", "2", *words))
    assert run.stderr.count(b"\n") == 1, f"not one diagnostic: {run.stderr!r}"
    assert b"--prefetch" in run.stderr
    assert value.encode() in run.messages


@requirement("PRE-002")
@pytest.mark.parametrize("value", ["1", "3", "007", "999999999", "auto"])
def test_good_values(stage: Stage, value: str) -> None:
    assert_works(stage, call(f"--prefetch={value}", "-n", "+1", "-c", CALCULATOR))


@requirement("PRE-003", "DSP-010")
@pytest.mark.parametrize("options", [(), ("--prefetch", "1")], ids=["default", "one"])
def test_one_is_the_default(stage: Stage, options: tuple[str, ...]) -> None:
    run = stage.start("-n", "+1", *options, "-c", stage.calculator())
    run.feed(lines(*numbers(1, 5)))
    calculator = stage.next_calculator()
    for count in range(1, 6):
        wait_for_tasks(stage, calculator, numbers(1, count))
        calculator.write(b"one\n")
        assert calculator.drain(stage.bound), "a result is not read"
        nothing_more(calculator, numbers(1, count))
        calculator.answer(b"two")
    assert run.finish() == 0
    assert run.stdout == b"one\ntwo\n" * 5


@requirement("PRE-014", "PRE-022", "PRE-016", "OPT-009")
@pytest.mark.parametrize(
    "words", covering_calls(), ids=lambda words: " ".join(words_of(words)[:-1])
)
def test_every_option_beside_it(stage: Stage, words: Call) -> None:
    stage.script("transport", 'shift; exec sh -c "$1"')
    terminator = b"\0" if words["terminator"] else b"\n"
    feed = b"".join(task + terminator for task in TASKS)
    run = stage.run("--prefetch", "2", *words_of(words), feed=feed)
    assert re.fullmatch(output_of(words), run.stdout), f"{run.stdout!r} is not {output_of(words)!r}"
    assert run.status == 0


# Dispatch


@requirement("PRE-010", "PRE-011", "PRE-014", "PRE-020")
@modes
def test_a_node_holds_several_tasks(stage: Stage, mode: str) -> None:
    run = stage.start("-n", "+1", "--prefetch", "3", "-l", *MODES[mode], "-c", stage.calculator())
    run.feed(lines(*numbers(1, 6)))
    if mode == "graph":
        run.close_stdin()
    calculator = stage.next_calculator()
    wait_for_tasks(stage, calculator, numbers(1, 3))
    nothing_more(calculator, numbers(1, 3))
    for task in numbers(1, 6):
        calculator.write(b"begun\n")
        assert calculator.drain(stage.bound), "a result is not read"
        held = numbers(1, min(int(task) + 2, 6))
        nothing_more(calculator, held)
        calculator.answer(b"success")
        wait_for_tasks(stage, calculator, numbers(1, min(int(task) + 3, 6)))
    assert run.finish() == 0
    assert run.stdout == lines(
        *(t for n in numbers(1, 6) for t in (n + b" begun", n + b" success"))
    )
    assert calculator.received == lines(*numbers(1, 6))


@requirement("PRE-011")
def test_tasks_flow_while_input_is_open(stage: Stage) -> None:
    """Each is dispatched when it comes, though nothing was answered."""
    run = stage.start("-n", "+1", "--prefetch", "4", "-c", stage.calculator())
    calculator = stage.next_calculator()
    for count in range(1, 5):
        run.feed(b"%d\n" % count)
        wait_for_tasks(stage, calculator, numbers(1, count))
    for task in numbers(1, 4):
        calculator.answer(task)
    assert run.finish() == 0
    assert run.stdout == lines(*numbers(1, 4))


@requirement("PRE-011", "PRE-020")
@pytest.mark.parametrize("eot", [b"", b"END"])
def test_several_results_at_once(stage: Stage, eot: bytes) -> None:
    """With and without lines, in one write, and then octet by octet."""
    options = ("-mt=" + eot.decode(), "-le", "--prefetch", "6")
    run = stage.start("-n", "+1", *options, "-c", stage.calculator())
    run.feed(lines(*numbers(1, 12)))
    calculator = stage.next_calculator()
    wait_for_tasks(stage, calculator, numbers(1, 6))
    results = [[b"a"], [], [b"b", b"c"], [], [], [b"x" + eot]]
    octets = lines(*(line for result in results for line in (*result, eot)))
    calculator.write(octets)
    wait_for_tasks(stage, calculator, numbers(1, 12))
    for place in range(len(octets)):
        calculator.write(octets[place : place + 1])
        assert calculator.drain(stage.bound), "a result is not read"
    assert run.finish() == 0
    assert run.stdout == lines(
        *(
            b"%d %b" % (number, line)
            for number, result in enumerate(results * 2, 1)
            for line in (*result, eot)
        )
    )


@requirement("PRE-012", "PRE-013", "PRE-010", "DSP-012")
def test_the_fewest_first(stage: Stage) -> None:
    run = stage.start("-n", "+3", "--prefetch", "3", "-c", stage.calculator())
    calculators = stage.next_calculators(3)
    run.feed(lines(*numbers(1, 4)))
    stage.wait("four tasks to be dispatched", lambda: len(stage.tasks) == 4)
    assert sorted(len(calculator.tasks) for calculator in calculators) == [1, 1, 2]
    run.feed(lines(*numbers(5, 6)))
    stage.wait("six tasks to be dispatched", lambda: len(stage.tasks) == 6)
    assert [len(calculator.tasks) for calculator in calculators] == [2, 2, 2]
    run.feed(lines(*numbers(7, 20)))
    stage.wait("nine tasks to be dispatched", lambda: len(stage.tasks) == 9)
    assert [len(calculator.tasks) for calculator in calculators] == [3, 3, 3]
    assert sorted(map(int, stage.tasks)) == list(range(1, 10))
    stage.reply_with_results()
    for calculator in calculators:
        calculator.write(b"".join(stage.result(task) + b"\n\n" for task in calculator.unanswered))
        calculator.unanswered.clear()
    assert run.finish() == 0
    assert sorted(run.stdout.splitlines()) == sorted(map(stage.result, numbers(1, 20)))


@requirement("PRE-012")
def test_an_idle_node_first(stage: Stage) -> None:
    """B is idle again while a holds one task and has room for many."""
    run = stage.start("-n", "+2", "--prefetch", "9", "-c", stage.calculator())
    stage.next_calculators(2)
    run.feed(b"a\nb\n")
    a, b = stage.holder(b"a"), stage.holder(b"b")
    assert b.next_task() == b"b"
    for number in range(5):
        b.answer(b"result")
        run.expect_output(b"result\n" * (number + 1))
        run.feed(b"c%d\n" % number)
        assert b.next_task() == b"c%d" % number
    assert a.tasks == [b"a"]
    a.answer()
    b.answer()
    assert run.finish() == 0


@requirement("PRE-015", "PRE-022")
def test_tasks_that_others_wait_for(stage: Stage) -> None:
    """B needs a; c is independent. There is room for all of them."""
    run = stage.start("-g", "-n", "+1", "--prefetch", "9", "-l", "-c", stage.calculator())
    run.feed(b"a b\nc\n")
    run.close_stdin()
    calculator = stage.next_calculator()
    wait_for_tasks(stage, calculator, [b"a", b"c"])
    nothing_more(calculator, [b"a", b"c"])
    calculator.answer(b"success")
    wait_for_tasks(stage, calculator, [b"a", b"c", b"b"])
    calculator.answer(b"failure")
    calculator.answer(b"success")
    assert run.wait() == 0
    assert run.stdout == b"1 success\n3 failure\n3 c\n2 success\n"


@requirement("PRE-015")
def test_a_failure_drops_what_is_not_dispatched(stage: Stage) -> None:
    run = stage.start("-g", "-n", "+1", "--prefetch", "9", "-l", "-c", stage.calculator())
    run.feed(b"a b\nc\n")
    run.close_stdin()
    calculator = stage.next_calculator()
    wait_for_tasks(stage, calculator, [b"a", b"c"])
    calculator.write(b"failure\n\nsuccess\n\n")
    assert run.wait() == 0
    assert run.stdout == b"1 failure\n1 a b\n3 success\n"
    assert calculator.tasks == [b"a", b"c"]


@requirement("PRE-016", "EXE-009", "PRE-022")
def test_commands_do_not_read_queued_tasks(stage: Stage) -> None:
    run = stage.run(
        *("-x", "-n", "+1", "-l", "--prefetch", "50"),
        *("-c", "cat; cat <&0; read -r line; printf '%s.\\n' \"$line\"; printf '<%s>\\n'"),
        feed=lines(*numbers(1, 30)),
    )
    assert run.stdout == lines(*(t for n in numbers(1, 30) for t in (n + b" .", n + b" <%b>" % n)))
    assert run.status == 0


@requirement("PRE-016", "PRE-011")
@pytest.mark.parametrize("options", [("-x",), ("-X",), ("-J@@", "-x")], ids=" ".join)
def test_commands_are_queued(stage: Stage, options: tuple[str, ...]) -> None:
    """Something is sent for each task while a command runs; what it is, is free."""
    relay = stage.script(
        "relay",
        f"""
        shift
        mkfifo {stage.directory}/pipe
        sh -c "$1" <{stage.directory}/pipe &
        tee {stage.directory}/pipe >&2
        wait""",
    )
    command = [stage.calculator("linger"), *(["@@"] if "-J@@" in options else [])]
    node = ("-n", "host", "-t", relay)
    run = stage.start(*options, "-l", "--prefetch", "3", *node, "-C", *command)

    def shows_more_than(octets: int) -> Callable[[], bool]:
        return lambda: len(run.stderr) > octets

    run.feed(b"1\n")
    first = stage.next_calculator()
    for task in (b"2", b"3"):
        first.sync()  # what the relay has shown so far was seen
        before = len(run.stderr)
        run.feed(task + b"\n")
        stage.wait(f"something to be sent for {task!r}", shows_more_than(before))
    run.feed(b"4\n")
    run.close_stdin()
    for number in range(1, 5):
        calculator = first if number == 1 else stage.next_calculator()
        assert calculator.words == [b"%d" % number]
        calculator.write(b"of %d\n" % number)
        calculator.exit(0)
    assert run.wait() == 0
    expected = [b"%d of %d" % (number, number) for number in range(1, 5)]
    assert run.stdout == (b"" if "-X" in options else lines(*expected))


@requirement("PRE-017", "FRM-013")
@pytest.mark.parametrize("number", [1, 2, 5, 8])
def test_a_task_that_is_refused(stage: Stage, number: int) -> None:
    """It is among the first that are dispatched, or is queued later."""
    stage.reply_with_results()
    before = [b"t%d" % task for task in range(1, number)]
    run = stage.run(
        *("-0", "-n", "+1", "--prefetch", "3", "-c", stage.calculator()),
        feed=b"\0".join([*before, b"e\nf", b"g", b""]),
    )
    assert run.stdout == lines(*map(stage.result, before))
    assert run.status == 1
    assert b"%d" % number in run.messages
    assert stage.tasks == before


@requirement("PRE-017", "EXE-004")
@pytest.mark.parametrize("number", [2, 5])
def test_a_command_that_is_refused(stage: Stage, number: int) -> None:
    """A task holds NUL, which no argument of a command can; the commands before it take long."""
    words = ("-x", "-n", "+1", "--prefetch", "3", "-c", stage.calculator("linger"))
    run = stage.start(*words)
    run.feed(lines(*numbers(1, number - 1), b"a\0b", b"c"))
    for task in numbers(1, number - 1):
        command = stage.next_calculator()
        assert command.words == [task]
        # Who ends it later than this because another task is refused passes.
        stage.happens(partial(getattr, command, "gone"), stage.grace / 4)
        command.write(b"of " + task + b"\n")
        command.exit(0)
    assert run.wait() == 1
    assert run.stdout == lines(*(b"of " + task for task in numbers(1, number - 1)))
    assert b"%d" % number in run.messages


@requirement("PRE-014", "PRE-011", "DSP-022")
@pytest.mark.lasting(300)
def test_more_than_a_pipe_holds(stage: Stage) -> None:
    """500 tasks of 1,000 octets are dispatched at once, to a calculator that reads late."""
    gate = stage.directory / "gate"
    os.mkfifo(gate)
    opener = os.open(gate, os.O_RDWR)
    script = f'read -r x <{gate}; while IFS= read -r x; do printf "%s\\n\\n" "$x"; done'
    tasks = [b"%06d" % number + b"x" * 993 for number in range(1500)]
    run = stage.start("-n", "+1", "--prefetch", "500", "-c", stage.script("late", script))
    run.feed(lines(*tasks))
    stage.wait("500 tasks to be read", lambda: run.accepted >= 500_000, stage.volume_bound)
    os.write(opener, b"\n")
    assert run.finish(stage.volume_bound) == 0
    os.close(opener)
    assert is_same(run.stdout, lines(*tasks))


# Finding the number


@requirement("PRE-040")
def test_it_begins_with_one(stage: Stage) -> None:
    run = stage.start("-n", "+2", "--prefetch", "auto", "-c", stage.calculator())
    run.feed(lines(*numbers(1, 20)))
    for calculator in stage.next_calculators(2):
        calculator.next_task()
        calculator.write(b"begun\n")
        assert calculator.drain(stage.bound), "a result is not read"
        calculator.sync()
        assert len(calculator.tasks) == 1
    stage.reply_with_results()
    for calculator in stage.calculators:
        calculator.unanswered.clear()
        calculator.answer()
    assert run.finish() == 0
    assert len(run.stdout.splitlines()) == 20


@requirement("PRE-041", "PRE-020")
@pytest.mark.parametrize("nodes", [1, 3])
def test_a_slow_link_is_filled(stage: Stage, nodes: int) -> None:
    """20 ms each way, and calculators that answer at once: some find many tasks when they read."""
    link = shlex.join([sys.executable, "-IS", str(LINK), "20"])
    names = " ".join(f"n{number}" for number in range(nodes))
    words = ("-t", link, "-n", names, "--prefetch", "auto", "-l")
    run = stage.start(*words, "-c", f"exec {stage.calculator()}")
    tasks = numbers(1, 300)
    run.feed(lines(*tasks))
    run.close_stdin()
    most = 0

    def has_more_tasks(before: int) -> bool:
        return len(stage.tasks) > before

    calculators = stage.next_calculators(nodes)
    done = 0
    while done < len(tasks):
        stage.wait("further tasks", partial(has_more_tasks, done))
        done = len(stage.tasks)
        for calculator in calculators:
            most = max(most, len(calculator.unanswered))
            calculator.write(b"".join(stage.result(t) + b"\n\n" for t in calculator.unanswered))
            calculator.unanswered.clear()
    assert run.wait() == 0
    assert most >= 4, f"no calculator had more than {most} tasks at a time"
    expected = {b"%b %b" % (task, stage.result(task)) for task in tasks}
    assert len(run.stdout.splitlines()) == len(tasks)
    assert set(run.stdout.splitlines()) == expected


@requirement("PRE-043")
@pytest.mark.lasting(300)
def test_long_tasks(stage: Stage) -> None:
    """Many are alone at their node; to try more now and then is how it is found what they take.

    The longer they are on their way, because the machine is busy, the longer the tasks take. Who
    takes a delay of one for what all of them take finds that out after some tasks.
    """
    count = 60
    calculator = f"exec {shlex.join([sys.executable, '-IS', str(SLOW), stage.nonce.decode()])}"
    run = stage.start("-n", "+1", "--prefetch", "auto", "-c", calculator)
    run.feed(lines(*numbers(1, count)))
    run.close_stdin()
    done = 0

    def has_more_results(before: int) -> bool:
        return run.stdout.count(b"\n") > before

    while done < count:
        stage.wait("a further result", partial(has_more_results, done), stage.volume_bound)
        done = run.stdout.count(b"\n")
    assert run.wait() == 0
    words = [line.split() for line in run.stdout.splitlines()]
    assert {word for word, _ in words} == {stage.nonce}
    held = [int(number) for _, number in words]
    assert len(held) == count
    assert held.count(1) > count / 4, f"how many tasks the node held at each answer: {held}"


@requirement("PRE-042", "PRE-012")
def test_towards_the_end(stage: Stage) -> None:
    """Tasks were short; now there are three, and the third waits for the node that is ready."""
    stage.reply_with_results()
    run = stage.start("-n", "+2", "--prefetch", "auto", "-c", stage.calculator())
    both = stage.next_calculators(2)
    tasks = numbers(1, 200)
    run.feed(lines(*tasks))
    stage.wait("all results", lambda: run.stdout.count(b"\n") == 200)
    stage.reply = None
    run.feed(b"a\nb\nc\n")
    run.close_stdin()
    a, b = stage.holder(b"a"), stage.holder(b"b")
    assert a is not b
    for calculator in both:
        calculator.sync()
    assert b"c" not in stage.tasks
    b.answer(b"of b")
    assert stage.holder(b"c") is b
    b.answer(b"of c")
    stage.wait("the result of c", lambda: run.stdout.endswith(b"of c\n"))
    a.answer(b"of a")
    assert run.wait() == 0
    assert run.stdout.endswith(b"of b\nof c\nof a\n")


# Results


@requirement("PRE-021", "PRE-022")
@modes
def test_task_lines(stage: Stage, mode: str) -> None:
    words = ("-n", "+1", "--prefetch", "3", "-lie", *MODES[mode], "-c", stage.calculator())
    run = stage.start(*words)
    run.feed(b"a\nb\nc\nd\n")
    if mode == "graph":
        run.close_stdin()
    calculator = stage.next_calculator()
    wait_for_tasks(stage, calculator, [b"a", b"b", b"c"])
    printed = b""
    for number, task in enumerate([b"a", b"b", b"c", b"d"], 1):
        printed += b"%d %b\n" % (number, task)
        run.expect_output(printed)
        calculator.answer(b"success")
        printed += b"%d success\n%d \n" % (number, number)
    assert run.finish() == 0
    assert run.stdout == printed


@requirement("PRE-022", "DSP-003", "DSP-004")
def test_the_input_stays_open_until_the_last_answer(stage: Stage) -> None:
    run = stage.start("-n", "+1", "--prefetch", "3", "-c", stage.calculator("linger"))
    run.feed(b"a\nb\n")
    run.close_stdin()
    calculator = stage.next_calculator()
    wait_for_tasks(stage, calculator, [b"a", b"b"])
    calculator.answer(b"of a")
    run.expect_output(b"of a\n")
    calculator.sync()
    assert calculator.eof_at is None
    calculator.answer(b"of b")
    calculator.wait_eof()
    calculator.exit(0)
    assert run.wait() == 0
    assert run.stdout == b"of a\nof b\n"


# Death


def two_nodes(stage: Stage, *options: str) -> tuple[Calculator, Calculator]:
    """Two nodes that hold three tasks each; the one that holds 1 first."""
    run = stage.start("-n", "+2", "--prefetch", "3", *options, "-c", f"exec {stage.calculator()}")
    run.feed(lines(*numbers(1, 6)))
    one = stage.holder(b"1")
    (other,) = [calculator for calculator in stage.next_calculators(2) if calculator is not one]
    stage.wait("six tasks to be dispatched", lambda: len(stage.tasks) == 6)
    return one, other


@requirement("PRE-030", "PRE-031", "PRE-032", "DTH-010", "DTH-011")
@modes
@pytest.mark.parametrize("how", ["killed", "exit 0", "output closed"])
def test_only_the_head_was_attempted(stage: Stage, how: str, mode: str) -> None:
    """The tasks of the dead node go to the other one as it gets room, before the new task."""
    calculator = f"exec {stage.calculator()}"
    words = ("-z", "-n", "+2", "--prefetch", "3", "-lie", *MODES[mode], "-c", calculator)
    run = stage.start(*words)
    run.feed(lines(*numbers(1, 7)))
    run.close_stdin()
    both = stage.next_calculators(2)
    stage.wait("six tasks to be dispatched", lambda: len(stage.tasks) == 6)
    dying, other = both
    head, *queued = dying.tasks
    own = list(other.tasks)
    dying.write(b"begun\nhalf")
    assert dying.drain(stage.bound), "a result is not read"
    if how == "killed":
        dying.die()
    elif how == "exit 0":
        dying.exit(0)
    else:
        dying.close_stdout()
    stage.wait("the end of the attempt", lambda: head + b" fatal\n" in run.stdout)
    stage.reply = lambda _task: b"success\n\n"
    other.write(b"success\n\n" * 3)
    other.unanswered.clear()
    assert run.wait(3 * stage.bound) == 0
    assert other.tasks == [*own, head, *queued, b"7"]
    expected = [
        line
        for task in other.tasks
        for line in (task + b" " + task, task + b" success", task + b" ")
    ]
    failed = [head + b" " + head, head + b" begun", head + b" fatal", head + b" "]
    printed = run.stdout.splitlines()
    assert sorted(printed) == sorted(expected + failed)
    # The lines of the living node are in order; those of the failed attempt are before its last.
    for line in failed:
        printed.remove(line)
    assert printed == expected


@requirement("PRE-030", "END-010")
def test_the_loss_of_a_node_without_z(stage: Stage) -> None:
    one, _ = two_nodes(stage, "-l")
    one.write(b"begun\n")
    assert one.drain(stage.bound), "a result is not read"
    one.die()
    (run,) = stage.distributors
    assert run.wait() == 1
    assert run.stdout == b"1 begun\n"
    assert not stage.left_running(), "processes were left running"


@requirement("PRE-030", "PRE-031")
def test_a_restarted_node_holds_nothing(stage: Stage) -> None:
    """The only node dies with three tasks, and is given the same three again, then the fourth."""
    words = ("-Z", "0.1", "-w", "-n", "+1", "--prefetch", "3", "-l", "-c")
    run = stage.start(*words, f"exec {stage.calculator()}")
    run.feed(b"a\nb\nc\nd\n")
    first = stage.next_calculator()
    wait_for_tasks(stage, first, [b"a", b"b", b"c"])
    first.answer(b"of a")
    wait_for_tasks(stage, first, [b"a", b"b", b"c", b"d"])
    first.die()
    second = stage.next_calculator()
    wait_for_tasks(stage, second, [b"b", b"c", b"d"])
    for task in (b"b", b"c", b"d"):
        second.answer(b"of " + task)
    assert run.finish() == 0
    assert run.stdout == lines(b"1 of a", b"2 fatal", b"2 of b", b"3 of c", b"4 of d")


@requirement("PRE-033", "PRE-031", "TRN-004")
@modes
def test_a_node_that_reads_no_more(stage: Stage, mode: str) -> None:
    """It has read a and b, and closes its input; that is seen when c is sent."""
    words = ("-z", "-n", "+2", "--prefetch", "2", "-l", *MODES[mode])
    run = stage.start(*words, "-c", f"exec {stage.calculator()}")
    run.feed(b"1\n2\n3\n4\n5\n6\n")
    run.close_stdin()
    both = stage.next_calculators(2)
    stage.wait("four tasks to be dispatched", lambda: len(stage.tasks) == 4)
    deaf, other = both
    _, head = deaf.tasks
    own = list(other.tasks)
    deaf.close_stdin()
    deaf.answer(b"first", b"success")
    stage.wait("the first result", lambda: b"first" in run.stdout)
    deaf.write(b"second\n")
    assert deaf.drain(stage.bound), "a result is not read"
    other.answer(b"success")
    stage.wait("the task that did not reach it", lambda: len(other.tasks) >= 3)
    deaf.write(b"success\n\nlate\n\n")
    stage.wait("its last result", lambda: head + b" success\n" in run.stdout)
    stage.reply = lambda _task: b"success\n\n"
    other.write(b"success\n\n" * 2)
    other.unanswered.clear()
    assert run.wait(3 * stage.bound) == 0
    assert other.tasks == [*own, b"5", b"6"]
    assert b"fatal" not in run.stdout
    assert b"late" not in run.stdout
    assert len(run.stdout.splitlines()) == 8


# Out of step


@requirement("RES-033", "RES-032")
@pytest.mark.parametrize("resist", [(), ("-z",)], ids=["", "-z"])
@modes
def test_a_greeting_shifts_queued_tasks(stage: Stage, mode: str, resist: tuple[str, ...]) -> None:
    """It counts as the result of the head; the last result comes when nothing is held any more."""
    success = b"success\n" if mode == "graph" else b""
    options = (*MODES[mode], *resist, "--prefetch", "3", "-n", "1")
    run = stage.start(*options, "-c", stage.calculator("linger"))
    run.feed(b"a\nb\nc\n")
    run.close_stdin()
    calculator = stage.next_calculator()
    stage.wait("all tasks", lambda: len(calculator.tasks) == 3)
    calculator.write(b"greeting\n" + success + b"\n")
    for task in calculator.tasks:
        calculator.write(b"of " + task + b"\n" + success + b"\n")
    calculator.exit(0)
    assert run.wait() != 0, "status 0, although results belong to other tasks"
