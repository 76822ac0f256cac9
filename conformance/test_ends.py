"""Chapter *Ends and exit status*."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from conformance.harness.usage import CALCULATOR, call, refuse

if TYPE_CHECKING:
    from conformance.harness.distributor import Distributor
    from conformance.harness.fakes import Calculator
    from conformance.harness.stage import Stage

requirement = pytest.mark.requirement
finish_timeout = pytest.mark.extension("--finish-timeout")


def grace(stage: Stage) -> float:
    """How long calculators that do not end by themselves can hold up a distributor."""
    return 3 * stage.bound


def grace_after(stage: Stage, how: str) -> float:
    """The same for a calculator that was lost so: if it goes on living it has to be ended."""
    return 3 * stage.bound if "closed" in how else stage.bound


def others(calculators: list[Calculator], one: Calculator) -> list[Calculator]:
    return [calculator for calculator in calculators if calculator is not one]


# The normal end


@requirement("END-001")
@pytest.mark.parametrize("number", [0, 1, 5])
def test_status_0(stage: Stage, number: int) -> None:
    stage.reply_with_results()
    run = stage.start("-n", "+2", "-c", stage.calculator())
    stage.next_calculators(2)
    run.feed(b"a\n" * number)
    assert run.finish() == 0
    assert run.stdout == (stage.result(b"a") + b"\n") * number


@requirement("END-001")
def test_results_do_not_change_the_status(stage: Stage) -> None:
    stage.reply = lambda _: b"failure\nfatal\nerror\n\n"
    run = stage.run("-n", "+1", "-c", stage.calculator(), feed=b"a\nb\n")
    assert stage.tasks == [b"a", b"b"]
    assert run.stdout == b"failure\nfatal\nerror\n" * 2
    assert run.status == 0


@requirement("END-002")
def test_nothing_is_left_out_at_the_end(stage: Stage) -> None:
    """The input ends while three tasks are held and two more wait."""
    run = stage.start("-n", "+3", "-c", stage.calculator())
    run.feed(b"a\nb\nc\nd\ne\n")
    held = [stage.holder(task) for task in (b"a", b"b", b"c")]
    run.close_stdin()
    for calculator in held:
        calculator.write(b"first\n")
        calculator.sync()
    for task in (b"a", b"b", b"c", b"d", b"e"):
        stage.holder(task).answer(b"of " + task)
    assert run.wait() == 0
    assert sorted(run.stdout.splitlines()) == [
        *[b"first"] * 3,
        *(b"of " + task for task in (b"a", b"b", b"c", b"d", b"e")),
    ]


@requirement("END-002")
def test_the_end_of_the_input_ends_nothing_that_was_begun(stage: Stage) -> None:
    """The input ends while one task is held and a node is idle, so that the end is noticed."""
    run = stage.start("-n", "+2", "-c", stage.calculator())
    calculators = stage.next_calculators(2)
    run.feed(b"a\n")
    busy = stage.holder(b"a")
    idle = next(fake for fake in calculators if fake is not busy)
    run.close_stdin()
    # Not all tell the idle one: to guess wrong lets one pass that is slow to do wrong.
    stage.happens(lambda: idle.eof_at is not None, stage.grace / 2)
    busy.answer(b"of a")
    assert run.wait() == 0
    assert run.stdout == b"of a\n"


@requirement("END-003")
@pytest.mark.parametrize("nodes", [1, 2])
def test_calculators_are_waited_for(stage: Stage, nodes: int) -> None:
    run = stage.start("-n", f"+{nodes}", "-c", stage.calculator("linger"))
    calculators = stage.next_calculators(nodes)
    run.feed(b"a\n")
    stage.holder(b"a").answer()
    run.close_stdin()
    for calculator in calculators:
        calculator.wait_eof()
    # To be sure that it will not exit would take for ever: one that is slow to do wrong passes.
    stage.happens(lambda: run.status is not None, stage.grace)
    assert run.status is None, "the distributor exited before its calculators"
    for calculator in calculators:
        calculator.exit(0)
    assert run.wait() == 0


def lingering(stage: Stage, *options: str) -> tuple[Distributor, Calculator, float]:
    """A run at its end, whose only calculator ignores that and signals; and when it began."""
    words = ("-n", "somewhere", "-t", stage.calculator("linger", "stubborn"), "-c", "x")
    run = stage.start(*options, *words)
    calculator = stage.next_calculator()
    run.feed(b"a\n")
    calculator.next_task()
    calculator.answer(b"result")
    calculator.sync()
    began = time.monotonic()
    run.close_stdin()
    calculator.wait_eof()
    return run, calculator, began


@requirement("END-040", "END-004")
def test_a_calculator_that_takes_long_to_end(stage: Stage) -> None:
    """It is neither left nor signalled, however long it takes."""
    run, calculator, _ = lingering(stage)
    # One that loses patience later passes: nobody can look for ever.
    stage.happens(lambda: run.status is not None or bool(calculator.signals), 15.0)
    assert run.status is None, "the distributor exited before its calculator"
    assert not calculator.signals, "its calculator was sent a signal"
    calculator.exit(0)
    assert run.wait() == 0
    assert run.stdout == b"result\n"


@requirement("END-048")
@pytest.mark.lasting(60)
def test_a_calculator_that_takes_long_to_end_is_named(stage: Stage) -> None:
    run, calculator, _ = lingering(stage)
    stage.wait("a diagnostic that names the node", lambda: b"somewhere" in run.stderr, grace(stage))
    calculator.exit(0)
    assert run.wait() == 0


@requirement("END-041", "END-042", "END-003")
@finish_timeout
def test_a_calculator_that_takes_longer_than_it_may(stage: Stage) -> None:
    """It is asked by signals, and does not keep the distributor from ending."""
    run, calculator, began = lingering(stage, "--finish-timeout", "0.5")
    assert run.wait(grace(stage)) == 1
    calculator.wait_gone()
    assert run.stdout == b"result\n"
    assert b"somewhere" in run.stderr, "the diagnostic lacks the name of the node"
    assert calculator.signals, "it was not asked to end"
    assert calculator.signals[0][1] - began >= 0.5, "a signal came too early"


@requirement("END-041")
@finish_timeout
@pytest.mark.parametrize("options", [(), ("-z",), ("-z", "-g")], ids=" ".join)
def test_a_calculator_that_ends_in_time(stage: Stage, options: tuple[str, ...]) -> None:
    timeout = str(grace(stage))
    run = stage.start(
        "--finish-timeout", timeout, *options, "-n", "+1", "-c", stage.calculator("linger")
    )
    run.feed(b"a\n")
    run.close_stdin()
    calculator = stage.next_calculator()
    calculator.next_task()
    calculator.answer(b"success")
    calculator.wait_eof()
    calculator.exit(3)
    assert run.wait() == 0
    assert run.stdout == b"success\n"


@requirement("END-042")
@finish_timeout
@pytest.mark.parametrize("value", ["", "0", "0.0", "-1", "x", "1x", "1e3", "inf", "nan", " 1"])
def test_values_of_finish_timeout(stage: Stage, value: str) -> None:
    good = call("--finish-timeout", "9.25", "-n", "+1", "-c", CALCULATOR)
    bad = call(f"--finish-timeout={value}", "-n", "+1", "-c", CALCULATOR)
    run = refuse(stage, bad, good)
    assert run.status == 1
    assert b"--finish-timeout" in run.stderr


@requirement("END-005", "END-006")
def test_a_stopped_calculator(stage: Stage) -> None:
    """SIGTERM does not end a process that SIGSTOP has stopped."""
    run = stage.start("-n", "+1", "-c", alone(stage))
    calculator = stage.next_calculator()
    run.feed(b"a\n")
    calculator.next_task()
    calculator.signal(signal.SIGSTOP)
    run.signal(signal.SIGTERM)
    assert run.wait(grace(stage)) == -signal.SIGTERM
    assert not stage.left_running(), "processes were left running"


@requirement("END-041")
@finish_timeout
def test_a_calculator_that_is_stopped_when_it_is_to_end(stage: Stage) -> None:
    run = stage.start("--finish-timeout", "0.1", "-n", "+1", "-c", alone(stage))
    calculator = stage.next_calculator()
    run.feed(b"a\n")
    calculator.next_task()
    calculator.answer(b"result")
    calculator.sync()
    calculator.signal(signal.SIGSTOP)
    run.close_stdin()
    assert run.wait(grace(stage)) == 1
    assert run.stdout == b"result\n"
    assert not stage.left_running(), "processes were left running"


@requirement("END-001", "END-007")
def test_a_daemon_that_holds_the_pipes(stage: Stage) -> None:
    """A process that left the group of a calculator, which has ended, keeps nobody waiting."""
    run = stage.start("-n", "+2", "-c", alone(stage))
    run.feed(b"a\nb\n")
    calculators = stage.next_calculators(2)
    for calculator in calculators:
        task = calculator.next_task()
        calculator.spawn(keep_input=True, keep_output=True, leave="session")
        calculator.answer(stage.result(task))
    run.close_stdin()
    assert run.wait(grace(stage)) == 0
    assert sorted(run.stdout.splitlines()) == [stage.result(b"a"), stage.result(b"b")]


@requirement("END-006", "END-003")
def test_nothing_is_left_running(stage: Stage) -> None:
    """A calculator has a child in its process group, which outlives it."""
    run = stage.start("-n", "+2", "-c", stage.calculator())
    calculators = stage.next_calculators(2)
    run.feed(b"a\nb\n")
    for calculator in calculators:
        calculator.next_task()
        assert calculator.spawn() in stage.leftovers()
        calculator.answer()
    assert run.finish() == 0
    assert not stage.left_running(), "processes were left running"


#: How a run ends, and with which status.
ENDS = {"end": 0, "SIGINT": -signal.SIGINT, "SIGTERM": -signal.SIGTERM, "loss": 1}


def end(stage: Stage, run: Distributor, calculators: list[Calculator], how: str) -> None:
    """End a run whose calculators hold a task each, and check its status."""
    if how == "end":
        for calculator in calculators:
            calculator.answer()
        run.close_stdin()
    elif how == "loss":
        calculators[0].die()
    else:
        run.signal(signal.Signals[how])
    assert run.wait(grace(stage)) == ENDS[how]


@requirement("END-050", "END-006")
@pytest.mark.parametrize("orphan", [False, True], ids=["child", "orphan"])
@pytest.mark.parametrize("how", ENDS)
def test_what_is_in_another_group_is_ended(stage: Stage, how: str, orphan: bool) -> None:
    """As with ``timeout``; an orphan's parent has ended before the run does."""
    run = stage.start("-n", "+2", "-c", stage.calculator())
    calculators = stage.next_calculators(2)
    run.feed(b"a\nb\n")
    for calculator in calculators:
        calculator.next_task()
        assert calculator.spawn(leave="group", orphan=orphan) in stage.leftovers()
    end(stage, run, calculators, how)
    assert not stage.left_running(), "processes were left running"


@requirement("END-043")
@pytest.mark.parametrize("how", ENDS)
def test_what_is_in_another_session_is_left_alone(stage: Stage, how: str) -> None:
    run = stage.start("-n", "+2", "-c", stage.calculator())
    calculators = stage.next_calculators(2)
    run.feed(b"a\nb\n")
    daemons = set()
    for calculator in calculators:
        calculator.next_task()
        daemons |= {calculator.spawn(leave="session", orphan=orphan) for orphan in (True, False)}
    end(stage, run, calculators, how)
    # What was killed needs a moment to go: whose murder takes longer passes.
    stage.await_ends(daemons, stage.grace)
    assert daemons <= stage.leftovers(), "a daemon was ended"


#: What starts a process in the background, and writes its id to a file, before the distributor is.
OTHERS = {
    "its own child": 'sleep 1000 & echo $! >"$0"; exec "$@"',
    "an orphan": '(sleep 1000 & echo $! >"$0"); exec "$@"',
}


@requirement("END-052")
@pytest.mark.parametrize("how", ENDS)
@pytest.mark.parametrize("other", OTHERS)
def test_what_others_have_started_is_left_alone(stage: Stage, other: str, how: str) -> None:
    """Also what is the distributor's child, since a shell became the distributor."""
    words = ["/bin/sh", "-c", OTHERS[other], "job"]
    run = stage.start("-n", "+2", "-c", stage.calculator(), within=words)
    calculators = stage.next_calculators(2)
    job = int((stage.directory / "job").read_text())
    run.feed(b"a\nb\n")
    for calculator in calculators:
        calculator.next_task()
        calculator.spawn(leave="group", orphan=True)
    end(stage, run, calculators, how)
    # As above.
    stage.await_ends([job], stage.grace)
    assert job in stage.leftovers(), "a process of somebody else was ended"


@requirement("END-007")
@pytest.mark.parametrize("status", [0, 1, 77])
def test_a_death_after_the_last_task(stage: Stage, status: int) -> None:
    run = stage.start("-n", "+1", "-c", stage.calculator("linger"))
    calculator = stage.next_calculator()
    run.feed(b"a\n")
    calculator.next_task()
    calculator.answer(b"result")
    run.close_stdin()
    calculator.wait_eof()
    calculator.exit(status)
    assert run.wait() == 0
    assert run.stdout == b"result\n"


@requirement("END-007")
@pytest.mark.parametrize("nodes", [1, 2])
def test_a_death_before_the_end_of_the_input(stage: Stage, nodes: int) -> None:
    """After its last EOT, but before it is known that no further task comes."""
    run = stage.start("-n", f"+{nodes}", "-c", stage.calculator())
    stage.next_calculators(nodes)
    run.feed(b"a\n")
    calculator = stage.holder(b"a")
    calculator.answer(b"result")
    calculator.exit(1)
    calculator.wait_gone()
    assert run.finish() == 0
    assert run.stdout == b"result\n"


# The end of a node


def lose(calculator: Calculator, how: str) -> None:
    if how == "exit 0":
        calculator.exit(0)
    elif how == "exit 1":
        calculator.exit(1)
    elif how == "killed":
        calculator.die()
    else:
        calculator.close_stdout()


def alone(stage: Stage) -> str:
    """A command whose shell the calculator replaces: nobody else holds its input and output."""
    return f"exec {stage.calculator()}"


LOSSES = ["exit 0", "exit 1", "killed", "output closed"]


@requirement("END-010", "END-013")
@pytest.mark.parametrize("how", LOSSES)
def test_a_node_ends_at_work(stage: Stage, how: str) -> None:
    run = stage.start("-n", "+1", "-c", alone(stage))
    calculator = stage.next_calculator()
    run.feed(b"a\nb\n")
    calculator.next_task()
    calculator.answer(b"of a")
    calculator.next_task()
    calculator.write(b"begun\n")
    lose(calculator, how)
    assert run.wait(grace_after(stage, how)) == 1
    assert run.stdout == b"of a\nbegun\n"
    assert b"0" in run.messages, "the diagnostic lacks the index of the node"


@requirement("END-010", "END-006")
def test_a_node_ends_at_work_and_leaves_a_child(stage: Stage) -> None:
    """The child holds the pipes of the calculator, so that their ends tell nothing."""
    run = stage.start("-n", "+1", "-c", alone(stage))
    calculator = stage.next_calculator()
    run.feed(b"a\n")
    calculator.next_task()
    calculator.write(b"begun\n")
    calculator.spawn(keep_input=True, keep_output=True)
    calculator.exit(0)
    assert run.wait(3 * stage.bound) == 1
    assert run.stdout == b"begun\n"
    assert b"0" in run.messages, "the diagnostic lacks the index of the node"
    assert not stage.left_running(), "processes were left running"


@requirement("END-010")
def test_a_named_node_ends_at_work(stage: Stage) -> None:
    run = stage.start("-n", "alpha beta", "-t", stage.calculator(), "-c", "exit 1")
    both = stage.next_calculators(2)
    run.feed(b"a\nb\n")
    for calculator in both:
        calculator.next_task()
    both[1].die()
    assert run.wait() == 1
    lost, other = both[1].words[0], both[0].words[0]
    assert lost in run.messages
    assert other not in run.messages


@requirement("END-011")
@pytest.mark.parametrize("how", ["exit 0", "killed", "input closed"])
def test_a_node_is_gone_when_a_task_comes(stage: Stage, how: str) -> None:
    run = stage.start("-n", "+1", "-c", alone(stage))
    calculator = stage.next_calculator()
    run.feed(b"a\n")
    calculator.next_task()
    calculator.answer(b"of a")
    if how == "input closed":
        calculator.close_stdin()
        calculator.sync()
    else:
        lose(calculator, how)
        calculator.wait_gone()
    run.feed(b"b\n")
    run.close_stdin()
    assert run.wait(grace_after(stage, how)) == 1
    assert run.stdout == b"of a\n"
    assert run.stderr, "no diagnostic"


@requirement("END-011", "END-010")
def test_a_calculator_that_never_was(stage: Stage) -> None:
    stage.reply_with_results()
    good = stage.run("-n", "+1", "-c", stage.calculator(), feed=b"a\n")
    assert good.stdout == stage.result(b"a") + b"\n"
    missing = f"{stage.directory}/missing"
    bad = stage.run("-n", "+1", "-C", missing, feed=b"a\nb\n")
    assert bad.status == 1
    assert bad.stdout == b""
    assert bad.stderr, "no diagnostic"


@requirement("END-012", "END-006")
@pytest.mark.parametrize("how", LOSSES)
def test_the_others_are_ended(stage: Stage, how: str) -> None:
    """One other node holds a task, one is idle; standard input is still open."""
    run = stage.start("-n", "+3", "-c", alone(stage))
    calculators = stage.next_calculators(3)
    run.feed(b"a\nb\n")
    lost = stage.holder(b"a")
    stage.holder(b"b")
    lose(lost, how)
    assert run.wait(grace_after(stage, how)) == 1
    for calculator in calculators:
        calculator.wait_gone()
    assert not stage.left_running(), "processes were left running"


@requirement("END-005", "END-012", "END-006")
def test_stubborn_others_are_ended(stage: Stage) -> None:
    """The other node ignores the end of its input and signals that can be ignored."""
    run = stage.start("-n", "+2", "-c", stage.calculator("linger", "stubborn"))
    run.feed(b"a\nb\n")
    lost, other = stage.holder(b"a"), stage.holder(b"b")
    lost.die()
    assert run.wait(grace(stage)) == 1
    stage.happens(lambda: other.gone, stage.moment)
    assert other.gone, "the distributor exited and left a calculator running"


@requirement("END-013")
def test_what_was_done_is_printed(stage: Stage) -> None:
    """More lines than any buffer holds, of the lost node and of another."""
    run = stage.start("-n", "+2", "-c", stage.calculator())
    run.feed(b"a\nb\n")
    a, b = stage.holder(b"a"), stage.holder(b"b")
    line_a, line_b = (octet * 99 + b"\n" for octet in (b"a", b"b"))
    b.write(line_b * 1000)
    b.sync()
    assert b.drain(stage.bound), "the result of the other node was not read"
    a.write(line_a * 1000)
    a.exit(0)
    assert run.finish() == 1
    assert run.stdout.count(line_a) == 1000
    assert run.stdout.count(line_b) == 1000
    assert len(run.stdout) == 200_000


@requirement("END-014")
@pytest.mark.parametrize("how", LOSSES)
def test_the_unterminated_line_of_a_lost_node(stage: Stage, how: str) -> None:
    run = stage.start("-n", "+1", "-c", alone(stage))
    calculator = stage.next_calculator()
    run.feed(b"a\n")
    calculator.next_task()
    calculator.write(b"whole\nhalf")
    lose(calculator, how)
    assert run.wait(grace_after(stage, how)) == 1
    assert run.stdout == b"whole\n"


# Output that fails


@requirement("END-020", "END-006")
def test_the_reader_goes_away(stage: Stage) -> None:
    """One node holds a task that it never answers, standard input stays open."""
    run = stage.start("-n", "+2", "-E", "-c", stage.calculator())
    run.feed(b"a\nb\n")
    a = stage.holder(b"a")
    stage.holder(b"b")
    run.close_output()
    a.answer(b"result")
    assert run.wait() == -signal.SIGPIPE
    assert run.stderr == b""
    assert not stage.left_running(), "processes were left running"


@requirement("END-020")
def test_no_further_tasks_after_the_reader_went_away(stage: Stage) -> None:
    """``head -1``: the end comes long before that of the input."""
    stage.reply = lambda task: (stage.nonce + task) * 50 + b"\n\n"
    run = stage.start("-n", "+1", "-c", stage.calculator())
    run.feed(b"0123456789\n" * 20_000)
    stage.wait("the first result on standard output", lambda: stage.nonce in run.stdout)
    run.close_output()
    assert run.finish() == -signal.SIGPIPE
    assert run.stderr == b""
    assert len(stage.tasks) < 20_000


@requirement("END-021")
def test_the_readers_end_is_noticed_in_silence(stage: Stage) -> None:
    run = stage.start("-n", "+1", "-E", "-c", stage.calculator())
    run.feed(b"a\n")
    stage.holder(b"a").answer(b"result")
    run.expect_output(b"result\n\n")
    run.close_output()
    assert run.wait() == -signal.SIGPIPE
    assert run.stderr == b""


@requirement("END-022")
@pytest.mark.parametrize("option", ["-l", "-lE"])
def test_output_errors(stage: Stage, option: str) -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    try:
        run = stage.start("-n", "+1", option, "-c", stage.calculator(), stdout=full)
    finally:
        os.close(full)
    run.feed(b"a\n")
    calculator = stage.next_calculator()
    calculator.next_task()
    calculator.answer(b"result")
    assert run.finish() == 1, "the error was not noticed"
    assert run.stderr, "no diagnostic"
    assert not stage.left_running(), "processes were left running"


@requirement("END-023")
@pytest.mark.parametrize("mode", ["flat", "graph"])
@pytest.mark.parametrize("what", ["directory", "file"])
def test_input_errors(stage: Stage, what: str, mode: str) -> None:
    """Standard input is a directory, which can be opened but not read, or open for writing only.

    A pipe that is open for writing only is never ready, so that who polls does not read it at all.
    """
    options = ["-g"] if mode == "graph" else []
    stage.reply = lambda task: stage.result(task) + b"\nsuccess\n\n"
    good = stage.run("-n", "+1", *options, "-c", stage.calculator(), feed=b"a\n")
    assert good.status == 0
    assert stage.tasks == [b"a"]
    if what == "file":
        stdin = os.open(stage.directory / "file", os.O_WRONLY | os.O_CREAT)
    else:
        stdin = os.open(stage.directory, os.O_RDONLY)
    try:
        run = stage.start("-n", "+1", *options, "-c", stage.calculator(), stdin=stdin)
    finally:
        os.close(stdin)
    assert run.wait() == 1
    assert run.stderr, "no diagnostic"
    assert not stage.left_running(), "processes were left running"


# Signals

SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT]


@requirement("END-030", "END-006")
@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
@pytest.mark.parametrize("state", ["idle", "busy"])
def test_ended_by_a_signal(stage: Stage, number: signal.Signals, state: str) -> None:
    run = stage.start("-n", "+2", "-c", stage.calculator())
    calculators = stage.next_calculators(2)
    run.feed(b"a\n")
    busy = stage.holder(b"a")
    if state == "idle":
        busy.answer()
        busy.sync()
    run.signal(number)
    assert run.wait() == -number
    for calculator in calculators:
        calculator.wait_gone()
    assert not stage.left_running(), "processes were left running"


@requirement("END-030", "END-006")
@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_stubborn_calculators_after_a_signal(stage: Stage, number: signal.Signals) -> None:
    run = stage.start("-n", "+1", "-c", stage.calculator("linger", "stubborn"))
    calculator = stage.next_calculator()
    run.feed(b"a\n")
    calculator.next_task()
    run.signal(number)
    assert run.wait(grace(stage)) == -number
    assert not stage.left_running(), "processes were left running"


@requirement("END-031")
@pytest.mark.parametrize(
    "number", [signal.SIGINT, signal.SIGHUP, signal.SIGQUIT], ids=lambda n: n.name
)
def test_ignored_signals_stay_ignored(stage: Stage, number: signal.Signals) -> None:
    ignoring = ["/bin/sh", "-c", f'trap "" {number.name[3:]}; exec "$@"', "sh"]
    run = stage.start("-n", "+1", "-c", stage.calculator(), within=ignoring)
    run.feed(b"a\nb\n")
    calculator = stage.next_calculator()
    assert calculator.next_task() == b"a"
    run.signal(number)
    calculator.answer(b"of a")
    assert calculator.next_task() == b"b"
    run.signal(number)
    calculator.answer(b"of b")
    assert run.finish() == 0
    assert run.stdout == b"of a\nof b\n"


@requirement("END-032")
def test_calculators_see_the_end_after_sigkill(stage: Stage) -> None:
    run = stage.start("-n", "+3", "-c", stage.calculator())
    calculators = stage.next_calculators(3)
    run.feed(b"a\n")
    stage.holder(b"a")
    run.signal(signal.SIGKILL)
    for calculator in calculators:
        calculator.wait_eof()
    assert run.wait() == -signal.SIGKILL


# A stop


#: Gives the distributor a process group whose leader's parent is of its session, as a shell does:
#: in others the system ignores SIGTSTP. Writes the distributor's id to a file.
JOB_CONTROL = Path(__file__).parent / "harness" / "jobcontrol.py"


def start_as_job(stage: Stage, *words: str) -> tuple[Distributor, int]:
    """Start a distributor as a shell starts a job; the id of its process."""
    within = (sys.executable, "-IS", str(JOB_CONTROL), "pid")
    run = stage.start(*words, within=within)
    stage.next_calculators(1)
    return run, int((stage.directory / "pid").read_text())


def assert_stopped(stage: Stage, distributor: int, calculators: list[Calculator]) -> None:
    pids = {distributor, *(calculator.pid for calculator in calculators)}
    assert stage.await_state({distributor}, "T", stage.bound), "the distributor goes on"
    assert stage.await_state(pids, "T", stage.moment), "its calculators go on"


@requirement("END-044")
@pytest.mark.parametrize("options", [(), ("-z",)], ids=["", "-z"])
def test_stopped_together(stage: Stage, options: tuple[str, ...]) -> None:
    """With a child of a calculator, and twice."""
    run, pid = start_as_job(stage, *options, "-n", "+1", "-c", stage.calculator())
    run.feed(b"a\nb\n")
    calculator = stage.holder(b"a")
    child = calculator.spawn()
    for task in (b"a", b"b"):
        assert stage.holder(task) is calculator
        os.kill(pid, signal.SIGTSTP)
        assert_stopped(stage, pid, [calculator])
        assert stage.await_state({child}, "T", stage.moment), "a child of its group goes on"
        os.kill(pid, signal.SIGCONT)
        calculator.answer(b"of " + task)
        calculator.sync()
        assert stage.await_state({child}, "S", stage.bound), "the child does not go on"
    assert run.finish() == 0
    assert run.stdout == b"of a\nof b\n"


@requirement("END-044", "END-030")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda n: n.name)
def test_a_signal_that_comes_while_it_is_stopped(stage: Stage, number: signal.Signals) -> None:
    run, pid = start_as_job(stage, "-n", "+1", "-c", stage.calculator())
    run.feed(b"a\n")
    calculator = stage.holder(b"a")
    os.kill(pid, signal.SIGTSTP)
    assert_stopped(stage, pid, [calculator])
    os.kill(pid, number)
    os.kill(pid, signal.SIGCONT)
    assert run.wait(grace(stage)) == -number
    assert not stage.left_running(), "processes were left running"


@requirement("END-045")
@finish_timeout
def test_no_time_passes_while_it_is_stopped(stage: Stage) -> None:
    """The stop is longer than all of the time that the calculator has to end."""
    timeout = stage.bound / 2
    words = ("--finish-timeout", str(timeout), "-n", "+1", "-c", stage.calculator("linger"))
    run, pid = start_as_job(stage, *words)
    run.feed(b"a\n")
    calculator = stage.holder(b"a")
    calculator.answer(b"result")
    run.close_stdin()
    calculator.wait_eof()
    os.kill(pid, signal.SIGTSTP)
    assert_stopped(stage, pid, [calculator])
    # To wait too short a time lets one pass that counts it.
    stage.happens(lambda: run.status is not None, 1.2 * timeout)
    os.kill(pid, signal.SIGCONT)
    calculator.exit(0)
    assert run.wait() == 0
    assert run.stdout == b"result\n"


@requirement("END-046")
def test_a_stop_that_was_ignored_stays_ignored(stage: Stage) -> None:
    ignoring = ["/bin/sh", "-c", 'trap "" TSTP; exec "$@"', "sh"]
    run = stage.start("-n", "+1", "-c", stage.calculator(), within=ignoring)
    run.feed(b"a\nb\n")
    calculator = stage.next_calculator()
    assert calculator.next_task() == b"a"
    run.signal(signal.SIGTSTP)
    calculator.answer(b"of a")
    assert calculator.next_task() == b"b"
    calculator.answer(b"of b")
    assert run.finish() == 0
    assert run.stdout == b"of a\nof b\n"


# Diagnostics that nobody reads


@requirement("END-049")
@pytest.mark.parametrize("how", ["lost node", "task without status"])
def test_unread_diagnostics(stage: Stage, how: str) -> None:
    """Standard error is a full pipe."""
    fifo = stage.directory / "full"
    os.mkfifo(fifo)
    full = os.open(fifo, os.O_RDWR | os.O_NONBLOCK)
    options = ("-g",) if how == "task without status" else ()
    try:
        while True:
            os.write(full, bytes(4096))
    except BlockingIOError:
        pass
    try:
        within = ["/bin/sh", "-c", 'exec "$@" 2>"$0"', str(fifo)]
        run = stage.start(*options, "-n", "+1", "-c", alone(stage), within=within)
        run.feed(b"a\n")
        run.close_stdin()
        calculator = stage.next_calculator()
        calculator.next_task()
        calculator.write(b"of a\n")
        if options:
            calculator.answer()
        else:
            calculator.exit(1)
        status = run.wait(grace(stage))
        assert run.stdout == b"of a\n" + (b"?\n" if options else b"")
        assert status == 1 or options, "the loss is not in the exit status"
    finally:
        os.close(full)
