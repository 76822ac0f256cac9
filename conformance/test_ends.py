"""Chapter *Ends and exit status*."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conformance.harness.fakes import Calculator
    from conformance.harness.stage import Stage

requirement = pytest.mark.requirement


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


@requirement("END-004", "END-005")
def test_a_calculator_that_does_not_end(stage: Stage) -> None:
    """It is given time, then asked by signals, and does not keep the distributor from ending."""
    run = stage.start("-n", "+1", "-c", stage.calculator("linger", "stubborn"))
    calculator = stage.next_calculator()
    run.feed(b"a\n")
    calculator.next_task()
    calculator.answer(b"result")
    before_its_end = time.monotonic()
    run.close_stdin()
    calculator.wait_eof()
    stage.wait(
        "the end of a calculator that ignores the end of its input",
        lambda: calculator.gone or run.status is not None,
        grace(stage),
    )
    # What was killed needs a moment to go, perhaps longer than its distributor.
    stage.happens(lambda: calculator.gone, stage.moment)
    assert calculator.gone, "the distributor exited and left its calculator running"
    run.wait(grace(stage))
    assert run.stdout == b"result\n"
    times = [at for _, at in calculator.signals]
    assert all(at - before_its_end >= 4.9 for at in times), "a signal came before 5 seconds"
    assert calculator.gone_at - before_its_end >= 4.9, "it was killed before 5 seconds"


@requirement("END-005")
def test_a_stopped_calculator(stage: Stage) -> None:
    """SIGTERM does not end a process that SIGSTOP has stopped."""
    run = stage.start("-n", "+1", "-c", alone(stage))
    calculator = stage.next_calculator()
    run.feed(b"a\n")
    calculator.next_task()
    calculator.answer(b"result")
    calculator.sync()
    calculator.signal(signal.SIGSTOP)
    run.close_stdin()
    assert run.wait(grace(stage)) == 0
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
        calculator.spawn(keep_input=True, keep_output=True, leave=True)
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
    assert b"0" in run.stderr, "the diagnostic lacks the index of the node"


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
    assert b"0" in run.stderr, "the diagnostic lacks the index of the node"
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
    assert lost in run.stderr
    assert other not in run.stderr


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


@requirement("END-012", "END-006")
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
