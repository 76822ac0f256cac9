"""Chapter *Silence*."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from conformance.harness.usage import CALCULATOR, call, refuse

if TYPE_CHECKING:
    from conformance.harness.stage import Stage

requirement = pytest.mark.requirement
stuck = pytest.mark.extension("--stuck")

#: A time that is soon over. The calculators that are to exceed it never write anything.
SHORT = "0.5"

BAD_TIMES = ("0", "0.0", "-1", "+1", "1s", "", ".", "1e3", "0x10", "inf", " 1", "1,5", "9" * 30)


# Stuck calculators


@requirement("SIL-010", "SIL-002", "SIL-003")
@stuck
@pytest.mark.parametrize("how", ["idle", "stopped", "half a line"])
def test_a_stuck_node_is_dead(stage: Stage, how: str) -> None:
    """It writes nothing, and does not see the end of its input if it is stopped."""
    run = stage.start("--stuck", SHORT, "-z", "-e", "-n", "+2", "-c", stage.calculator())
    run.feed(b"a\n")
    silent = stage.holder(b"a")
    if how == "stopped":
        silent.signal(signal.SIGSTOP)
    elif how == "half a line":
        silent.write(b"half")
    silent.wait_gone(3 * stage.bound)
    other = next(each for each in stage.next_calculators(2) if each is not silent)
    assert other.next_task() == b"a"
    other.answer(b"done")
    assert run.finish() == 0
    assert run.stdout == b"fatal\n\ndone\n\n"
    named = [line for line in run.diagnostics.splitlines() if b"--stuck" in line]
    assert len(named) == 1, f"{run.diagnostics!r}"


@requirement("SIL-003")
@stuck
def test_the_diagnostic_names_the_node(stage: Stage) -> None:
    """The second of two nodes is the silent one."""
    transport = stage.transport()
    stage.connect = True
    words = ("-t", transport, "-n", "alpha omega", "-c", stage.calculator())
    run = stage.start("--stuck", "1", "-z", *words)
    run.feed(b"a\nb\n")
    first, second = (stage.holder(task) for task in (b"a", b"b"))
    first.answer(b"of a")
    second.wait_gone(3 * stage.bound)
    first.wait("the other task", lambda: b"b" in first.tasks)
    first.answer(b"of b")
    assert run.finish() == 0
    lines = [line for line in run.diagnostics.splitlines() if b"--stuck" in line]
    assert len(lines) == 1, f"{run.diagnostics!r}"
    assert b"omega" in lines[0]
    assert b"alpha" not in lines[0]


@requirement("SIL-002", "SIL-003")
@stuck
def test_without_z_the_run_fails(stage: Stage) -> None:
    run = stage.start("--stuck", SHORT, "-n", "+1", "-c", stage.calculator())
    run.feed(b"a\nb\n")
    silent = stage.holder(b"a")
    silent.write(b"begun\n")
    assert run.wait(3 * stage.bound) == 1
    assert silent.gone
    assert run.stdout == b"begun\n"
    assert b"--stuck" in run.diagnostics


@requirement("SIL-002")
@stuck
def test_sigkill_follows_on_sigterm(stage: Stage) -> None:
    """The calculator does not end by SIGTERM, and has a child in its process group."""
    command = f"exec {stage.calculator('stubborn', 'linger')}"
    run = stage.start("--stuck", SHORT, "-Z", "0.1", "-w", "-n", "+1", "-c", command)
    run.feed(b"a\n")
    first = stage.next_calculator()
    child = first.spawn(keep_output=True)
    first.wait("SIGTERM", lambda: bool(first.signals), 3 * stage.bound)
    assert first.signals[0][0] == signal.SIGTERM
    first.wait_gone(3 * stage.bound)
    stage.wait("the end of its child", lambda: child not in stage.leftovers())
    second = stage.next_calculator()
    assert second.next_task() == b"a"
    second.answer(b"done")
    run.close_stdin()
    second.wait_eof()
    second.exit(0)
    assert run.wait(3 * stage.bound) == 0
    assert run.stdout == b"fatal\ndone\n"


@requirement("SIL-010")
@stuck
def test_a_node_without_a_task_is_not_stuck(stage: Stage) -> None:
    run = stage.start("--stuck", "1", "-z", "-n", "+1", "-c", stage.calculator())
    calculator = stage.next_calculator()
    assert not stage.happens(lambda: calculator.gone, 2.5), "an idle node was ended"
    run.feed(b"a\n")
    assert calculator.next_task() == b"a"
    calculator.answer(b"of a")
    run.expect_output(b"of a\n")
    assert not stage.happens(lambda: calculator.gone, 2.5), "an idle node was ended"
    run.feed(b"b\n")
    calculator.wait("its task", lambda: b"b" in calculator.tasks)
    calculator.answer(b"of b")
    assert run.finish() == 0
    assert run.stdout == b"of a\nof b\n"


@requirement("SIL-010")
@stuck
@pytest.mark.parametrize("words", [b"a line\n", b"octets"], ids=["lines", "no lines"])
def test_a_node_that_writes_is_not_stuck(stage: Stage, words: bytes) -> None:
    """The task takes much longer than the limit."""
    run = stage.start("--stuck", "3", "-n", "+1", "-c", stage.calculator())
    run.feed(b"a\n")
    calculator = stage.holder(b"a")
    for _ in range(9):
        assert not stage.happens(lambda: calculator.gone, 0.8), "it was ended"
        calculator.write(words)
    calculator.answer(b"end")
    assert run.finish() == 0
    assert run.stdout == 9 * words + b"end\n"


@requirement("SIL-010")
@stuck
def test_the_time_begins_anew_with_each_task(stage: Stage) -> None:
    run = stage.start("--stuck", "3", "-n", "+1", "-c", stage.calculator())
    run.feed(b"a\nb\nc\nd\n")
    calculator = stage.next_calculator()
    for task in (b"a", b"b", b"c", b"d"):
        assert calculator.next_task() == task
        assert not stage.happens(lambda: calculator.gone, 1.8), "it was ended"
        calculator.answer(b"of " + task)
    assert run.finish() == 0
    assert run.stdout == b"of a\nof b\nof c\nof d\n"


@requirement("SIL-010")
@stuck
def test_a_command_that_never_ends(stage: Stage) -> None:
    """With ``-x``, and two tasks of which the other one is quick."""
    command = "case @@ in a) sleep 100000;; esac; echo of"
    run = stage.start("--stuck", SHORT, "-z", "-lx", "-J@@", "-n", "+2", "-c", command)
    run.feed(b"a\nb\n")
    run.close_stdin()
    assert run.wait(3 * stage.bound) == 1
    assert b"1 fatal\n" in run.stdout
    assert b"2 of\n" in run.stdout


@requirement("SIL-011")
@stuck
def test_a_node_that_is_not_read_is_not_stuck(stage: Stage) -> None:
    """It has written much more than a reader that sleeps has taken."""
    run = stage.start("--stuck", "1", "-z", "-n", "+1", "-c", stage.calculator())
    run.leave_output_unread(4096)
    run.feed(b"a\n")
    calculator = stage.holder(b"a")
    line = b"x" * 99 + b"\n"
    taken = calculator.flood(line, 1 << 24, 1.0)
    assert taken < 1 << 24, "the distributor reads on"
    assert not stage.happens(lambda: calculator.gone, 3.0), "it was ended"
    run.read_output()
    calculator.answer(b"", b"end")
    assert run.finish() == 0
    assert run.stdout.endswith(b"end\n")
    assert b"fatal" not in run.stdout


@requirement("SIL-012")
@stuck
def test_no_limit_before_three_tasks_have_ended(stage: Stage) -> None:
    run = stage.start("--stuck", "auto", "-z", "-n", "+1", "-c", stage.calculator())
    run.feed(b"a\nb\nc\n")
    calculator = stage.next_calculator()
    for task in (b"a", b"b"):
        assert calculator.next_task() == task
        calculator.answer(b"of " + task)
    assert calculator.next_task() == b"c"
    assert not stage.happens(lambda: calculator.gone, 3.0), "it was ended"
    calculator.answer(b"of c")
    assert run.finish() == 0
    assert run.stdout == b"of a\nof b\nof c\n"


@requirement("SIL-012")
@stuck
def test_a_limit_that_is_found(stage: Stage) -> None:
    """It is 30 seconds at least, though all others end at once."""
    run = stage.start("--stuck", "auto", "-z", "-n", "+2", "-c", stage.calculator())
    run.feed(b"a\nb\nc\nd\n")
    hung = stage.holder(b"a")
    other = stage.holder(b"b")
    for task in (b"b", b"c", b"d"):
        assert other.next_task() == task
        other.answer(b"of " + task)
    assert not stage.happens(lambda: hung.gone, 3.0), "it was ended much too soon"
    hung.answer(b"of a")
    assert run.finish() == 0


@requirement("SIL-004")
@stuck
@pytest.mark.parametrize("value", ["100", "99.5", "90.", "auto"])
def test_good_values_of_stuck(stage: Stage, value: str) -> None:
    stage.reply_with_results()
    run = stage.run("--stuck", value, "-n", "+1", "-c", stage.calculator(), feed=b"a\n")
    assert run.status == 0
    assert run.stdout == stage.result(b"a") + b"\n"


@requirement("SIL-004")
@stuck
@pytest.mark.parametrize("value", BAD_TIMES)
def test_bad_values_of_stuck(stage: Stage, value: str) -> None:
    words = ("-n", "+1", "-c", CALCULATOR)
    refuse(stage, call(f"--stuck={value}", *words), call("--stuck=1000", *words))
