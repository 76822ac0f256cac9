"""Chapter *Dispatch*: which calculator receives which task, and when."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from conformance.harness.octets import is_same

if TYPE_CHECKING:
    from conformance.harness.fakes import Calculator
    from conformance.harness.stage import Stage

requirement = pytest.mark.requirement

KIB = 1 << 10
MIB = 1 << 20


# Calculators


@requirement("DSP-001", "DSP-013")
def test_calculators_are_started_once(stage: Stage) -> None:
    stage.reply_with_results()
    run = stage.start("-n", "+3", "-c", stage.calculator())
    stage.next_calculators(3)
    tasks = [b"%d" % number for number in range(300)]
    run.feed(b"\n".join(tasks))
    assert run.finish() == 0
    assert len(stage.calculators) == 3
    assert Counter(stage.tasks) == Counter(tasks)
    assert sorted(run.stdout.splitlines()) == sorted(stage.result(task) for task in tasks)


@requirement("DSP-002")
def test_calculators_are_started_before_the_input(stage: Stage) -> None:
    run = stage.start("-n", "+3", "-c", stage.calculator())
    stage.next_calculators(3)
    assert run.finish() == 0


@requirement("DSP-002", "FRM-004")
@pytest.mark.parametrize("nodes", [1, 3])
def test_calculators_are_started_for_an_empty_input(stage: Stage, nodes: int) -> None:
    run = stage.start("-n", f"+{nodes}", "-c", stage.calculator())
    run.close_stdin()
    for calculator in stage.next_calculators(nodes):
        calculator.wait_eof()
        assert calculator.received == b""
    assert run.wait() == 0


@requirement("DSP-003")
def test_an_idle_calculators_input_is_closed(stage: Stage) -> None:
    run = stage.start("-n", "+2", "-c", stage.calculator())
    both = stage.next_calculators(2)
    run.feed(b"a\n")
    busy = stage.holder(b"a")
    run.close_stdin()
    idle = both[0] if both[1] is busy else both[1]
    idle.wait_eof()
    busy.answer(b"result")
    assert run.wait() == 0
    assert run.stdout == b"result\n"


@requirement("DSP-003")
def test_the_input_of_a_calculator_that_is_done_is_closed(stage: Stage) -> None:
    run = stage.start("-n", "+2", "-c", stage.calculator())
    run.feed(b"a\nb\n")
    a, b = stage.holder(b"a"), stage.holder(b"b")
    run.close_stdin()
    a.answer(b"of a")
    a.wait_eof()
    b.answer(b"of b")
    b.wait_eof()
    assert run.wait() == 0
    assert run.stdout == b"of a\nof b\n"


@requirement("DSP-003")
def test_input_that_ends_later(stage: Stage) -> None:
    """All tasks are done when the end of the input comes."""
    run = stage.start("-n", "+2", "-c", stage.calculator())
    calculators = stage.next_calculators(2)
    run.feed(b"a\nb\n")
    stage.holder(b"a").answer()
    stage.holder(b"b").answer()
    run.close_stdin()
    for calculator in calculators:
        calculator.wait_eof()
    assert run.wait() == 0


@requirement("DSP-004")
def test_the_input_stays_open_while_a_task_is_held(stage: Stage) -> None:
    run = stage.start("-n", "+2", "-c", stage.calculator("linger"))
    both = stage.next_calculators(2)
    run.feed(b"a\n")
    busy = stage.holder(b"a")
    idle = both[0] if both[1] is busy else both[1]
    run.close_stdin()
    # Only a sign that the end of the input was seen; to miss it makes the test weaker, not wrong.
    stage.happens(lambda: idle.eof_at is not None, stage.grace / 2)
    busy.write(b"one\n")
    busy.sync()
    assert busy.eof_at is None
    busy.answer(b"two")
    busy.wait_eof()
    for calculator in both:
        if not calculator.gone:
            calculator.exit(0)
    assert run.wait() == 0
    assert run.stdout == b"one\ntwo\n"


@requirement("DSP-004")
def test_the_input_stays_open_while_tasks_can_come(stage: Stage) -> None:
    run = stage.start("-n", "+2", "-c", stage.calculator("linger"))
    both = stage.next_calculators(2)
    for turn in range(3):
        task = b"task %d" % turn
        run.feed(task + b"\n")
        stage.holder(task).answer()
        for calculator in both:
            calculator.sync()
            assert calculator.eof_at is None
    run.feed(b"a\nb\n")
    for task in (b"a", b"b"):
        stage.holder(task).answer()
    run.close_stdin()
    for calculator in both:
        calculator.wait_eof()
        calculator.exit(0)
    assert run.wait() == 0


# Tasks


@requirement("DSP-010", "DSP-011")
def test_one_at_a_time(stage: Stage) -> None:
    """One node holds its task while the other does all others, which wait in the pipe."""
    run = stage.start("-n", "+2", "-c", stage.calculator())
    tasks = [b"%d" % number for number in range(20)]
    run.feed(b"\n".join(tasks) + b"\n")
    slow, quick = stage.holder(b"0"), stage.holder(b"1")
    for task in tasks[1:]:
        assert quick.next_task() == task
        quick.sync()
        assert quick.tasks[-1] == task, "a task came before the EOT of the previous one"
        quick.answer()
    slow.sync()
    assert slow.tasks == [b"0"]
    slow.answer()
    assert run.finish() == 0


@requirement("DSP-011")
def test_a_waiting_task_goes_to_the_first_node_that_is_idle(stage: Stage) -> None:
    run = stage.start("-n", "+3", "-c", stage.calculator())
    run.feed(b"a\nb\nc\nd\ne\nf\n")
    a, b, c = (stage.holder(task) for task in (b"a", b"b", b"c"))
    b.answer()
    assert stage.holder(b"d") is b
    c.answer()
    assert stage.holder(b"e") is c
    b.answer()
    assert stage.holder(b"f") is b
    for calculator in (a, b, c):
        calculator.answer()
    assert run.finish() == 0


@requirement("DSP-012")
def test_input_order_at_one_node(stage: Stage) -> None:
    stage.reply_with_results()
    tasks = [b"%d" % number for number in range(200)]
    run = stage.run("-n", "+1", "-c", stage.calculator(), feed=b"\n".join(tasks))
    assert stage.next_calculator().tasks == tasks
    assert run.stdout == b"".join(stage.result(task) + b"\n" for task in tasks)
    assert run.status == 0


@requirement("DSP-012")
def test_input_order_at_three_nodes(stage: Stage) -> None:
    """Each time one of three nodes becomes idle, the task that comes is the next of the input."""
    run = stage.start("-n", "+3", "-c", stage.calculator())
    calculators = stage.next_calculators(3)
    tasks = [b"%02d" % number for number in range(20)]
    run.feed(b"\n".join(tasks) + b"\n")
    assert sorted(calculator.next_task() for calculator in calculators) == tasks[:3]
    for number, task in enumerate(tasks[3:]):
        calculator = calculators[(number * 2) % 3]
        calculator.answer()
        assert is_same(calculator.next_task(), task)
    for calculator in calculators:
        calculator.answer()
    assert run.finish() == 0


@requirement("DSP-013")
@pytest.mark.parametrize("nodes", [1, 4])
def test_exactly_once(stage: Stage, nodes: int) -> None:
    """Tasks are told apart by their octets, equal ones by their number."""
    stage.reply_with_results()
    tasks = [b"%d" % (number % 50) for number in range(200)]
    run = stage.run("-n", f"+{nodes}", "-l", "-c", stage.calculator(), feed=b"\n".join(tasks))
    assert Counter(stage.tasks) == Counter(tasks)
    lines = [line.split(b" ", 1) for line in run.stdout.splitlines()]
    assert sorted((int(number), result) for number, result in lines) == [
        (number, stage.result(task)) for number, task in enumerate(tasks, 1)
    ]
    assert run.status == 0


@requirement("DSP-014")
def test_the_idle_node_of_lowest_index_is_next(stage: Stage) -> None:
    run = stage.start("-n", "+3", "-r", "-c", stage.calculator())
    stage.next_calculators(3)
    for task in (b"a", b"b", b"c"):
        run.feed(task + b"\n")
        stage.holder(task)
    for task in (b"c", b"b", b"a"):
        calculator = stage.holder(task)
        calculator.answer(task)
        calculator.drain(stage.moment)
    for task in (b"d", b"e", b"f"):
        run.feed(task + b"\n")
        stage.holder(task)
    for task in (b"d", b"e", b"f"):
        stage.holder(task).answer(task)
    assert run.finish() == 0
    assert sorted(run.stdout.splitlines()) == [
        *(b"0 a", b"0 d", b"1 b", b"1 e", b"2 c", b"2 f"),
    ]


@requirement("DSP-015")
def test_a_silent_node_delays_nobody(stage: Stage) -> None:
    run = stage.start("-n", "+2", "-c", stage.calculator())
    tasks = [b"%d" % number for number in range(10)]
    run.feed(b"\n".join(tasks) + b"\n")
    silent, other = stage.holder(b"0"), stage.holder(b"1")
    for task in tasks[1:]:
        assert other.next_task() == task
        other.answer(task)
    silent.answer(b"0")
    assert run.finish() == 0
    assert sorted(run.stdout.split()) == tasks


def busy_and_idle(stage: Stage, both: list[Calculator]) -> tuple[Calculator, Calculator]:
    """Of two paused calculators the one that was sent something, and the other."""
    stage.wait("the first octets of a task", lambda: any(c.input_waits for c in both))
    busy, idle = sorted(both, key=lambda calculator: not calculator.input_waits)
    assert not idle.input_waits
    return busy, idle


@requirement("DSP-015")
def test_a_node_that_does_not_read_delays_nobody(stage: Stage) -> None:
    run = stage.start("-n", "+2", "-c", stage.calculator("paused"))
    both = stage.next_calculators(2)
    run.feed(b"0\n")
    busy, idle = busy_and_idle(stage, both)
    idle.resume()
    for task in (b"1", b"2", b"3"):
        run.feed(task + b"\n")
        assert idle.next_task() == task
        idle.answer(task)
    busy.resume()
    assert busy.next_task() == b"0"
    busy.answer(b"0")
    assert run.finish() == 0
    assert sorted(run.stdout.split()) == [b"0", b"1", b"2", b"3"]


# Streams


@requirement("DSP-020")
@pytest.mark.parametrize("nodes", [2, 3])
def test_tasks_flow_while_the_input_is_open(stage: Stage, nodes: int) -> None:
    """Each task is held when the next one comes: there is always an idle node, and no result."""
    run = stage.start("-n", f"+{nodes}", "-c", stage.calculator())
    stage.next_calculators(nodes)
    tasks = [b"%d" % number for number in range(nodes)]
    for task in tasks:
        run.feed(task + b"\n")
        stage.holder(task)
    for task in tasks:
        stage.holder(task).answer()
    assert run.finish() == 0


@requirement("DSP-020")
def test_a_task_whose_terminator_has_not_arrived(stage: Stage) -> None:
    run = stage.start("-n", "+1", "-c", stage.calculator())
    run.feed(b"one\nhalf")
    calculator = stage.next_calculator()
    assert calculator.next_task() == b"one"
    calculator.answer()
    calculator.sync()
    assert calculator.received == b"one\n"
    run.feed(b"\nrest")
    assert calculator.next_task() == b"half"
    calculator.answer()
    run.close_stdin()
    assert calculator.next_task() == b"rest"
    calculator.answer()
    assert run.wait() == 0


@requirement("DSP-021", "RES-004")
@pytest.mark.parametrize("option", ["-l", "-lE"])
@pytest.mark.parametrize("nodes", [1, 2])
def test_results_do_not_wait_for_input(stage: Stage, option: str, nodes: int) -> None:
    """The client of this conversation sends a task only when it has the previous result."""
    run = stage.start("-n", f"+{nodes}", option, "-c", stage.calculator())
    output = b""
    for number, task in enumerate((b"a", b"b", b"c"), 1):
        run.feed(task + b"\n")
        stage.holder(task).answer(task)
        output += b"%d %s\n" % (number, task)
        if "E" in option:
            output += b"%d \n" % number
        run.expect_output(output)
    assert run.finish() == 0


@requirement("DSP-021")
def test_a_node_is_used_again_while_the_input_is_silent(stage: Stage) -> None:
    """Two nodes become idle in silence; then two tasks come for them."""
    run = stage.start("-n", "+2", "-c", stage.calculator())
    for pair in ((b"a", b"b"), (b"c", b"d"), (b"e", b"f")):
        run.feed(pair[0] + b"\n" + pair[1] + b"\n")
        first, second = (stage.holder(task) for task in pair)
        assert first is not second
        first.answer()
        second.answer()
        for calculator in (first, second):
            calculator.sync()
    assert run.finish() == 0


@requirement("DSP-022", "LIM-002")
def test_a_calculator_that_answers_before_it_reads(stage: Stage) -> None:
    """The task and the first part of the result are both more than pipes hold."""
    task = b"t" * MIB
    line = b"x" * 999 + b"\n"
    run = stage.start("-n", "+1", "-c", stage.calculator("paused"))
    calculator = stage.next_calculator()
    run.feed(task + b"\nnext\n")
    stage.wait("the first octets of a task", lambda: calculator.input_waits)
    calculator.write(line * 1000)
    calculator.sync()
    calculator.resume()
    assert is_same(calculator.next_task(), task)
    calculator.answer(b"end")
    assert calculator.next_task() == b"next"
    calculator.answer(b"done")
    assert run.finish() == 0
    assert is_same(run.stdout, line * 1000 + b"end\ndone\n")


@requirement("DSP-022", "DSP-015")
def test_writing_to_one_calculator_does_not_stop_the_others(stage: Stage) -> None:
    """The task is four times what a pipe takes."""
    task = b"t" * (1 << 18)
    run = stage.start("-n", "+2", "-c", stage.calculator("paused"))
    both = stage.next_calculators(2)
    run.feed(task + b"\n")
    busy, idle = busy_and_idle(stage, both)
    idle.resume()
    run.feed(b"a\nb\n")
    for short in (b"a", b"b"):
        assert idle.next_task() == short
        idle.answer(short)
    run.expect_output(b"a\nb\n")
    busy.resume()
    assert is_same(busy.next_task(), task)
    busy.answer(b"long")
    assert run.finish() == 0
    assert run.stdout == b"a\nb\nlong\n"


@requirement("DSP-023")
@pytest.mark.parametrize("nodes", [1, 3])
def test_reading_ahead_is_bounded(stage: Stage, nodes: int) -> None:
    """All nodes are busy and the input has no end, like that of ``yes``."""
    run = stage.start("-n", f"+{nodes}", "-c", stage.calculator())
    calculators = stage.next_calculators(nodes)
    capacity = run.set_stdin_capacity(64 * KIB)
    dispatched = b"y\n" * nodes
    run.feed(b"y\n" * (8 * MIB))
    for calculator in calculators:
        assert calculator.next_task() == b"y"
    allowed = len(dispatched) + MIB + capacity
    # The grace is over when the distributor stays within its bound. A slow one that reads too much
    # may not be caught; one that conforms cannot fail.
    stage.happens(lambda: run.accepted > allowed, stage.grace / 2)
    assert run.accepted <= allowed, f"{run.accepted} octets were read, {allowed} are allowed"


@requirement("DSP-024")
def test_unread_output_does_not_stop_dispatch(stage: Stage) -> None:
    """All tasks come although nobody reads the 60 KiB of their results."""
    lines = [b"%02d" % number + b"x" * (KIB - 3) for number in range(60)]
    answers = iter(lines)
    stage.reply = lambda _: next(answers) + b"\n\n"
    run = stage.start("-n", "+1", "-E", "-mt=", "-c", stage.calculator())
    run.leave_output_unread(capacity=4 * KIB)
    calculator = stage.next_calculator()
    run.feed(b"a\n" * 60)
    for _ in lines:
        assert calculator.next_task() == b"a"
    run.read_output()
    assert run.finish() == 0
    assert run.stdout == b"".join(line + b"\n\n" for line in lines)


@requirement("DSP-025")
def test_unread_output_is_bounded(stage: Stage) -> None:
    """A calculator writes as much as it is allowed to; nobody reads it."""
    line = b"0123456789abcde\n"
    run = stage.start("-n", "+1", "-E", "-c", stage.calculator())
    run.leave_output_unread(capacity=64 * KIB)
    calculator = stage.next_calculator()
    run.feed(b"a\n")
    calculator.next_task()
    before = run.memory("VmHWM")
    # One second in which nothing is taken counts as refused. If the distributor was only slow it
    # takes the rest later: that makes the test weaker, not wrong.
    taken = calculator.flood(line, 256 * MIB, patience=stage.grace / 2)
    assert taken >= 64 * KIB
    assert run.memory("VmHWM") - before < 64 * MIB
    calculator.write(line * 2)  # completes the line that the flood may have left in the middle
    calculator.answer(b"end")
    run.read_output()
    assert run.finish() == 0
    assert run.stdout.endswith(b"\n" + line + b"end\n\n")
