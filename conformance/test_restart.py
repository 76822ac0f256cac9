"""Chapter *Restart of nodes*."""

from __future__ import annotations

import signal
import sys
import time
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from conformance.harness.usage import CALCULATOR, call, refuse

if TYPE_CHECKING:
    from conformance.harness.distributor import Distributor
    from conformance.harness.fakes import Calculator
    from conformance.harness.stage import Stage

requirement = pytest.mark.requirement

#: A time that no test waits for.
NEVER = "100000"
#: What the clock by which processes are started shows less than the truth, at most.
TICK = 0.02


def begin(stage: Stage, nodes: str, *options: str, flags: tuple[str, ...] = ()) -> Distributor:
    """Start a distributor whose nodes have names: the calculator is in the transport."""
    transport = stage.calculator(*flags)
    return stage.start("-n", nodes, "-t", transport, "-c", "exit 1", *options)


def lives(stage: Stage, name: bytes) -> list[Calculator]:
    """The processes that were started for a node, in this order."""
    return [fake for fake in stage.calculators if fake.words[0] == name]


# The options


GOOD_SECONDS = ["1", "0", "0.0", "1.5", ".5", "1.", "007", "100000", "9" * 30, f"0.{0:030}1"]
BAD_SECONDS = ["", " ", "x", "-1", "-0.5", "+1", "1x", "1 ", " 1", "1s", "1,5", ".", "1.2.3"]
BAD_SECONDS += ["0x1", "1e3", "1_0", "nan", "inf", "infinity", "--", "\xb2"]


@requirement("RST-002")
@pytest.mark.parametrize("seconds", GOOD_SECONDS)
def test_good_values(stage: Stage, seconds: str) -> None:
    stage.reply_with_results()
    run = stage.run("-n", "+1", "-Z", seconds, "-c", stage.calculator(), feed=b"a\n")
    assert run.stdout == stage.result(b"a") + b"\n", "the task was not done"
    assert run.diagnostics == b""
    assert run.status == 0


@requirement("RST-002")
@pytest.mark.parametrize("seconds", BAD_SECONDS)
def test_bad_values(stage: Stage, seconds: str) -> None:
    words = ("-n", "+1", "-c", CALCULATOR)
    refuse(stage, call(*words, "-Z", seconds), call(*words, "-Z", "1"))


@requirement("RST-022")
@pytest.mark.parametrize("options", [("-w",), ("-wz",), ("-Z0", "-w"), ("-Z1", "-wZ0.0")])
def test_w_needs_z(stage: Stage, options: tuple[str, ...]) -> None:
    words = ("-n", "+1", "-c", CALCULATOR)
    refuse(stage, call(*words, *options), call(*words, "-wZ1"))


@requirement("RST-001", "DTH-010", "DTH-020")
@pytest.mark.parametrize("option", [f"-Z{NEVER}", "-Z0", "-Z600"])
def test_z_implies_resistance(stage: Stage, option: str) -> None:
    run = begin(stage, "alpha beta", option)
    run.feed(b"a\n")
    run.close_stdin()
    both = stage.next_calculators(2)
    lost = stage.holder(b"a")
    lost.die()
    (other,) = [fake for fake in both if fake is not lost]
    assert other.next_task() == b"a"
    other.answer(b"result")
    assert run.wait() == 0
    assert run.stdout == b"fatal\nresult\n"


@requirement("RST-002", "RST-005", "DTH-010")
@pytest.mark.parametrize("seconds", ["3000000", "9" * 400], ids=["weeks", "eons"])
def test_no_time_is_too_long(stage: Stage, seconds: str) -> None:
    """One node dies, and would be restarted in the far future; the other one does its task."""
    run = begin(stage, "alpha beta", "-Z", seconds, "-w", "-E")
    run.feed(b"a\n")
    run.close_stdin()
    both = stage.next_calculators(2)
    lost = stage.holder(b"a")
    lost.die()
    run.expect_output(b"fatal\n\n")
    (other,) = [fake for fake in both if fake is not lost]
    assert other.next_task() == b"a"
    # It may have shorter times to wait for first. Who fails later than this passes.
    stage.happens(lambda: run.status is not None, 3.0)
    other.answer(b"result")
    assert run.wait() == 0
    assert run.stdout == b"fatal\n\nresult\n\n"
    assert run.diagnostics == b""
    assert len(stage.calculators) == 2


@requirement("RST-003")
@pytest.mark.parametrize("zero", ["0", "0.000"])
def test_zero_means_no_restarts(stage: Stage, zero: str) -> None:
    run = begin(stage, "alpha", "-Z", zero, "-e")
    run.feed(b"a\n")
    calculator = stage.next_calculator()
    calculator.next_task()
    calculator.die()
    assert run.wait() == 1
    assert run.stdout == b"fatal\n\n"
    assert len(stage.calculators) == 1


@requirement("RST-003")
@pytest.mark.parametrize("zero", ["0", "0.000"])
def test_zero_does_not_mean_at_once(stage: Stage, zero: str) -> None:
    run = begin(stage, "alpha beta", "-Z", zero)
    run.feed(b"a\n")
    run.close_stdin()
    both = stage.next_calculators(2)
    lost = stage.holder(b"a")
    lost.die()
    (other,) = [fake for fake in both if fake is not lost]
    assert other.next_task() == b"a"
    # To be sure that nothing is restarted would take for ever: who is slow to do so passes.
    stage.happens(lambda: len(stage.calculators) > 2, stage.grace / 4)
    other.answer(b"result")
    assert run.wait() == 0
    assert run.stdout == b"fatal\nresult\n"
    assert len(stage.calculators) == 2


# Restarts


@requirement("RST-004", "RST-005", "RST-006", "RST-007", "RST-020", "PFX-005")
def test_a_node_is_restarted(stage: Stage) -> None:
    """It is the only one, its input stays open and silent, and it dies twice."""
    run = begin(stage, "alpha", "-Z1", "-w", "-pE")
    run.feed(b"a\n")
    for _ in range(2):
        calculator = stage.next_calculator()
        assert calculator.next_task() == b"a"
        calculator.die()
    third = stage.next_calculator()
    assert third.next_task() == b"a"
    third.answer(b"result")
    assert run.finish() == 0
    assert run.diagnostics == b""
    lines = [line.split(b" ", 1) for line in run.stdout.splitlines()]
    assert [text for _, text in lines] == [b"fatal", b"", b"fatal", b"", b"result", b""]
    pids = [pid for pid, _ in lines]
    assert pids[::2] == pids[1::2]
    assert len(set(pids)) == 3, "a process of a former life is shown"
    starts = [fake.start for fake in stage.calculators]
    assert min(starts[1] - starts[0], starts[2] - starts[1]) > 1 - TICK


@requirement("RST-002", "RST-004", "RST-005", "RST-006")
def test_fractions_of_seconds(stage: Stage) -> None:
    run = begin(stage, "alpha", "-Z0.25", "-w", "-mF=")
    run.feed(b"a\n")
    for _ in range(3):
        calculator = stage.next_calculator()
        calculator.next_task()
        calculator.die()
    last = stage.next_calculator()
    last.next_task()
    last.answer(b"result")
    assert run.finish() == 0
    assert run.stdout == b"result\n"
    starts = [fake.start for fake in stage.calculators]
    assert len(starts) == 4
    assert all(later - start > 0.25 - TICK for start, later in pairwise(starts))
    assert starts[3] - starts[0] < 0.75 + 3 * stage.bound


@requirement("RST-004", "LCH-021")
def test_in_the_same_way(stage: Stage) -> None:
    """Words, environment and all; each name of the list is its own node."""
    run = begin(stage, "alpha beta", "-Z1", "-w", flags=("linger",))
    run.feed(b"a\nb\n")
    both = stage.next_calculators(2)
    for calculator in both:
        calculator.next_task()
    stage.die_at_once(run, *both)
    stage.next_calculators(2)
    for name in (b"alpha", b"beta"):
        first, second = lives(stage, name)
        assert first.words == second.words
        assert first.environment == second.environment
        assert len(second.next_task()) == 1
        second.answer()
        second.sync()
    run.close_stdin()
    for calculator in stage.calculators[2:]:
        calculator.wait_eof()
        calculator.exit(0)
    assert run.wait() == 0


@requirement("RST-006", "RST-008", "RST-009")
def test_restart_while_others_are_silent(stage: Stage) -> None:
    """The living node holds its task all the time, and nothing comes from the input."""
    run = begin(stage, "alpha beta", "-Z1", "-lE")
    run.feed(b"a\nb\n")
    stage.next_calculators(2)
    lost, living = stage.holder(b"a"), stage.holder(b"b")
    living.write(b"begun\n")
    living.sync()  # so that it is not what wakes the distributor after the death
    lost.die()
    second = stage.next_calculator()
    assert second.words == lost.words
    assert second.next_task() == b"a"
    second.answer(b"of a")
    stage.wait("the result of the restarted node", lambda: b"1 of a\n1 \n" in run.stdout)
    assert living.eof_at is None
    living.answer(b"of b")
    run.feed(b"c\nd\n")
    for task in (b"c", b"d"):
        stage.holder(task).answer(b"of " + task)
    assert run.finish() == 0
    assert sorted(run.stdout.splitlines()) == [
        *(b"1 ", b"1 ", b"1 fatal", b"1 of a"),
        *(b"2 ", b"2 begun", b"2 of b", b"3 ", b"3 of c", b"4 ", b"4 of d"),
    ]
    assert len(stage.calculators) == 3


@requirement("RST-009", "END-014", "EOT-012")
@pytest.mark.parametrize("left", [b"half", b"whole\nhalf", b"EN", b"END"])
def test_octets_of_a_former_life(stage: Stage, left: bytes) -> None:
    run = begin(stage, "alpha", "-Z1", "-w", "-mF=", "-mt=END")
    run.feed(b"a\n")
    first = stage.next_calculator()
    first.next_task()
    first.write(left)
    first.die()
    second = stage.next_calculator()
    assert second.next_task() == b"a"
    second.write(b"D\nresult\nEND\n")
    assert run.finish() == 0
    assert run.stdout == (b"whole\n" if b"\n" in left else b"") + b"D\nresult\n"


@requirement("RST-009", "DTH-014")
def test_the_status_of_a_former_life(stage: Stage) -> None:
    run = begin(stage, "alpha", "-Z1", "-wg")
    run.feed(b"a b\n")
    run.close_stdin()
    first = stage.next_calculator()
    first.next_task()
    first.write(b"success\n")
    first.die()
    second = stage.next_calculator()
    assert second.next_task() == b"a"
    second.answer(b"failure")
    assert run.wait() == 0
    assert run.stdout == b"success\nfatal\nfailure\na b\n"


@requirement("RST-009", "DTH-014", "GRA-050", "GRA-052")
def test_the_status_of_a_former_life_is_not_inherited(stage: Stage) -> None:
    """The second life answers without a status, so the task that depends on it is not done."""
    run = begin(stage, "alpha", "-Z1", "-wg")
    run.feed(b"a b\n")
    run.close_stdin()
    first = stage.next_calculator()
    first.next_task()
    first.write(b"success\n")
    first.die()
    second = stage.next_calculator()
    assert second.next_task() == b"a"
    second.answer()
    stage.wait("the end", lambda: run.status is not None or b"b" in second.tasks)
    assert b"b" not in second.tasks, "a former life's status counts"
    assert run.wait() == 1
    assert run.stdout == b"success\nfatal\n?\n"


@requirement("RST-004", "RST-009", "RST-020", "DTH-010")
@pytest.mark.parametrize("mode", ["flat", "graph"])
def test_mass_death(stage: Stage, mode: str) -> None:
    """All nodes die at work at once, and come back."""
    graph, status = (("-g",), [b"success"]) if mode == "graph" else ((), [])
    run = begin(stage, "1 2 3 4", "-Z1", "-w", "-l", *graph)
    tasks = [b"a", b"b", b"c", b"d"]
    run.feed(b"".join(task + b"\n" for task in tasks))
    run.close_stdin()
    stage.next_calculators(4)
    stage.die_at_once(run, *[stage.holder(task) for task in tasks])
    for again in stage.next_calculators(4):
        again.answer(b"of " + again.next_task(), *status)
    assert run.wait() == 0
    assert run.diagnostics == b""
    lines = run.stdout.splitlines()
    for number, task in enumerate(tasks, 1):
        own = [line for line in lines if line.startswith(b"%d " % number)]
        assert own == [b"%d %s" % (number, t) for t in (b"fatal", b"of " + task, *status)]


@requirement("RST-004", "RST-006", "RST-009", "RST-020")
def test_idle_nodes_are_restarted(stage: Stage) -> None:
    """All nodes die while no task is there; one that comes later is done."""
    run = begin(stage, "alpha beta", "-Z1", "-w")
    for calculator in stage.next_calculators(2):
        calculator.exit(0)
    again = stage.next_calculators(2)
    assert {fake.words[0] for fake in again} == {b"alpha", b"beta"}
    run.feed(b"a\nb\n")
    for calculator in again:
        calculator.answer(b"of " + calculator.next_task())
    assert run.finish() == 0
    assert sorted(run.stdout.splitlines()) == [b"of a", b"of b"]
    assert run.diagnostics == b""


@requirement("RST-004", "RST-005")
@pytest.mark.lasting(60)
def test_a_node_that_dies_at_each_start(stage: Stage) -> None:
    """It is tried again and again, while the other one does the work.

    So often because a program that drops tasks at a start does not do so at each.
    """
    log = stage.directory / "starts"
    flapping = stage.script(
        "flapping",
        f'case $1 in beta) exec {stage.calculator()} "$@";; esac; echo >>{log}; exit 255',
    )
    run = stage.start("-Z1", "-lE", "-mF=", "-n", "alpha beta", "-t", flapping, "-c", ":")
    beta = stage.next_calculator()

    def starts() -> int:
        return len(log.read_bytes()) if log.exists() else 0

    done = 0
    while starts() < 12:  # some lose tasks by restarts now and then only
        # There is nothing else to wait for: a start leaves only its mark in a file.
        done += 1
        run.feed(b"%d\n" % done)
        task = beta.next_task(2 * stage.bound)
        assert task == b"%d" % done
        stage.happens(lambda: starts() >= 12, 0.2)
        beta.answer(b"of " + task)
        assert done < 10 * stage.bound, "it was not restarted"
    assert run.finish() == 0
    results = [line for line in run.stdout.splitlines() if b"of" in line]
    assert results == [b"%d of %d" % (n, n) for n in range(1, done + 1)]


@requirement("RST-007", "DTH-004")
def test_one_process_at_a_time(stage: Stage) -> None:
    """The first life closed its output, and ends by nothing but force."""
    run = begin(stage, "alpha", "-Z1", "-w", "-mF=", flags=("linger", "stubborn"))
    run.feed(b"a\n")
    first = stage.next_calculator()
    first.next_task()
    first.close_stdout()
    stage.wait("the restart of the node", lambda: len(stage.calculators) > 1, 3 * stage.bound)
    assert first.pid not in stage.leftovers(), "the former process was still there"
    second = stage.next_calculator()
    assert second.next_task() == b"a"
    second.answer(b"result")
    run.close_stdin()
    second.wait_eof()
    second.exit(0)
    assert run.wait() == 0
    assert run.stdout == b"result\n"


@requirement("RST-010", "DTH-010")
def test_no_task_is_lost_when_a_restart_falls_due(stage: Stage) -> None:
    """A task comes for a node that died idle, when the time of -Z is just over."""
    run = begin(stage, "alpha beta", "-Z1", "-mF=")
    both = stage.next_calculators(2)
    dying, living = (next(f for f in both if f.words[0] == n) for n in (b"alpha", b"beta"))
    dying.die()
    dying.wait_gone()
    # Nothing shows from outside that the time is over. A wrong guess makes the test weaker.
    stage.happens(lambda: len(stage.calculators) > 2, 1.5)
    run.feed(b"a\n")
    run.close_stdin()
    holder = stage.holder(b"a")
    assert holder is not dying
    holder.answer(b"result")
    assert run.wait() == 0
    assert run.stdout == b"result\n"
    assert living.tasks in ([], [b"a"])


@requirement("RST-011")
def test_restarts_leave_nothing_behind(stage: Stage) -> None:
    run = begin(stage, "alpha beta", "-Z0.02", "-w", "-mF=")
    counts = []
    for number in range(15):
        both = stage.next_calculators(2)
        run.feed(b"a\nb\n" if number == 0 else b"")
        for calculator in both:
            calculator.next_task()
            calculator.write(b"x" * 5000)
            calculator.sync()
        counts.append((run.descriptors(), run.children()))
        for calculator in both:
            calculator.die()
    for calculator in stage.next_calculators(2):
        calculator.next_task()
        calculator.answer(b"result")
    assert run.finish() == 0
    assert run.stdout == b"result\nresult\n"
    descriptors, children = zip(*counts, strict=True)
    assert max(descriptors) - descriptors[0] < 6, "descriptors grow with the number of restarts"
    assert max(children) - children[0] < 6, "processes grow with the number of restarts"


# The end


@requirement("RST-012", "DTH-001", "RST-008")
@pytest.mark.parametrize("mode", ["flat", "graph"])
@pytest.mark.parametrize("wait", [(), ("-w",)], ids=["without -w", "with -w"])
def test_the_end_does_not_wait(stage: Stage, wait: tuple[str, ...], mode: str) -> None:
    graph, status = (("-g",), [b"success"]) if mode == "graph" else ((), [])
    run = begin(stage, "alpha beta", "-Z", NEVER, *wait, *graph)
    run.feed(b"a\n")
    run.close_stdin()
    both = stage.next_calculators(2)
    lost = stage.holder(b"a")
    lost.die()
    (other,) = [fake for fake in both if fake is not lost]
    assert other.next_task() == b"a"
    other.answer(b"result", *status)
    assert run.wait() == 0
    assert run.stdout == b"".join(line + b"\n" for line in (b"fatal", b"result", *status))


@requirement("RST-012", "DTH-032")
@pytest.mark.parametrize("wait", [(), ("-w",)], ids=["without -w", "with -w"])
def test_the_end_when_all_are_dead(stage: Stage, wait: tuple[str, ...]) -> None:
    """They died idle, after the last result; then the input ends."""
    run = begin(stage, "alpha", "-Z", NEVER, *wait, "-E")
    run.feed(b"a\n")
    calculator = stage.next_calculator()
    calculator.next_task()
    calculator.answer(b"result")
    run.expect_output(b"result\n\n")
    calculator.exit(1)
    calculator.wait_gone()
    assert run.finish() == 0
    assert run.diagnostics == b""


@requirement("RST-012", "END-003")
def test_the_end_while_a_node_is_restarted(stage: Stage) -> None:
    """A calculator that has just started sees the end of its input, and is waited for."""
    run = begin(stage, "alpha beta", "-Z1", "-E", flags=("linger",))
    run.feed(b"a\nb\n")
    both = stage.next_calculators(2)
    lost, other = stage.holder(b"a"), stage.holder(b"b")
    lost.die()
    again = stage.next_calculator()
    assert again.next_task() == b"a"
    again.answer(b"of a")
    run.close_stdin()
    other.answer(b"of b")
    for calculator in (again, other):
        calculator.wait_eof()
        assert run.status is None
        calculator.exit(0)
    assert run.wait() == 0
    assert both[0].gone
    assert both[1].gone


@requirement("RST-021", "DTH-030", "DTH-031")
@pytest.mark.parametrize("mode", ["flat", "graph"])
def test_all_nodes_dead_without_w(stage: Stage, mode: str) -> None:
    run = begin(stage, "alpha beta", "-Z", NEVER, "-e", *(["-g"] if mode == "graph" else []))
    run.feed(b"a\nb\nc\n")
    if mode == "graph":
        run.close_stdin()
    both = stage.next_calculators(2)
    for calculator in both:
        calculator.next_task()
    for calculator in both:
        calculator.exit(1)
    assert run.wait() == 1
    assert run.stdout == b"fatal\n\nfatal\n\n"
    assert run.diagnostics == b"all nodes failed\n"


@requirement("RST-020", "DTH-030")
def test_w_waits(stage: Stage) -> None:
    run = begin(stage, "alpha", "-Z", NEVER, "-wE")
    run.feed(b"a\nb\n")
    calculator = stage.next_calculator()
    calculator.next_task()
    calculator.exit(1)
    run.expect_output(b"fatal\n\n")
    # To be sure that it will not end would take for ever: one that is slow to do wrong passes.
    stage.happens(lambda: run.status is not None, stage.grace / 4)
    assert run.status is None, "the distributor did not wait"
    assert run.diagnostics == b""
    run.signal(signal.SIGTERM)
    assert run.wait() == -signal.SIGTERM


@requirement("RST-020", "END-030", "END-006")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP], ids=lambda n: n.name)
def test_a_signal_while_all_are_dead(stage: Stage, number: signal.Signals) -> None:
    run = begin(stage, "alpha", "-Z", NEVER, "-wE")
    run.feed(b"a\nb\n")
    calculator = stage.next_calculator()
    calculator.next_task()
    calculator.exit(1)
    run.expect_output(b"fatal\n\n")
    run.signal(number)
    assert run.wait() == -number
    assert not stage.left_running(), "processes were left running"


@requirement("RST-010", "RST-004", "DTH-010", "DTH-024", "GRA-025")
@pytest.mark.parametrize("mode", ["flat", "graph"])
def test_many_deaths(stage: Stage, mode: str) -> None:
    """Every twentieth task kills its calculator, at its first attempt."""
    graph, status = (("-g",), b"success\n") if mode == "graph" else ((), b"")
    tasks = [b"%d" % number for number in range(1, 101)]
    doomed = {b"7", b"27", b"47", b"67", b"87"}

    fatal = frozenset(doomed)

    def reply(task: bytes) -> bytes:
        if task in doomed:
            doomed.remove(task)
            dying = next(fake for fake in reversed(stage.calculators) if task in fake.tasks)
            dying.write(b"begun\n")
            dying.signal(signal.SIGKILL)
            return b""
        return stage.result(task) + b"\n" + status + b"\n"

    stage.reply = reply
    run = begin(stage, "1 2 3", "-Z1", "-w", "-l", *graph)
    run.feed(b"".join(task + b"\n" for task in tasks))
    run.close_stdin()
    assert run.wait(3 * stage.bound) == 0
    assert not doomed
    assert run.diagnostics == b""
    lines = run.stdout.splitlines()
    for task in tasks:
        prefix = task + b" "
        own = [line.removeprefix(prefix) for line in lines if line.startswith(prefix)]
        result = [stage.result(task), *status.splitlines()]
        # Others have failed attempts, too: at a node that had died unnoticed.
        assert b"fatal" in own or task not in fatal
        assert own[-len(result) :] == result
        assert set(own[: -len(result)]) <= {b"begun", b"fatal"}


@requirement("RST-009", "DTH-010", "DTH-020", "END-006")
def test_one_command_for_each_task(stage: Stage) -> None:
    """With ``-x`` a node dies while it runs a command, which is ended with it."""
    stage.connect = True
    node = ("-n", "host", "-t", stage.transport())
    run = stage.start("-x", "-Z1", "-wl", *node, "-C", stage.calculator("linger"))
    run.feed(b"a\nb\n")
    first = stage.next_calculator()
    assert first.words == [b"a"]
    stage.transports[0].signal(signal.SIGKILL)
    for task in (b"a", b"b"):
        again = stage.next_calculator()
        assert again.words == [task]
        again.write(b"of " + task + b"\n")
        again.exit(0)
    assert run.finish() == 0
    assert len(stage.transports) == 2
    assert run.stdout == b"1 fatal\n1 of a\n2 of b\n"
    first.wait_gone()


@requirement("DSP-025", "RST-010")
def test_unread_output_of_many_lives_is_bounded(stage: Stage) -> None:
    """Each life of the node leaves almost a mebibyte in its pipe; nobody reads the results."""
    log = stage.directory / "lives"
    calculator = stage.script(
        "calculator",
        f"""exec {sys.executable} -ISc '
import fcntl, os
task = os.read(0, 100)
lives = os.open("{log}", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
os.write(lives, b"x")
if os.fstat(lives).st_size > 60 or os.path.exists("{log}.enough"):
    os.write(1, b"done\\n\\n")
    os.read(0, 1)
fcntl.fcntl(1, fcntl.F_SETPIPE_SZ, 1 << 20)
os.write(1, (b"x" * 63 + b"\\n") * 15000)
'""",
    )

    def lives() -> int:
        return log.stat().st_size if log.exists() else 0

    def come_to_be(number: int, seconds: float) -> bool:
        end = time.monotonic() + seconds
        # Nothing but the file shows that.
        while lives() < number and run.status is None and time.monotonic() < end:
            stage.happens(lambda: False, stage.grace / 40)
        return lives() >= number

    run = stage.start("-n", "+1", "-Z0.01", "-w", "-c", f"exec {calculator}")
    run.leave_output_unread(1 << 16)
    run.feed(b"a\n")
    assert come_to_be(1, stage.bound), "no calculator was started"
    before = run.memory("VmHWM")
    # Some stop to restart the node, others go on until it is done. To be sure of either would take
    # for ever: one that is slow passes.
    come_to_be(61, 2 * stage.grace)
    grown = run.memory("VmHWM") - before
    log.with_name("lives.enough").touch()
    run.read_output()
    run.close_stdin()
    assert run.wait(3 * stage.bound) == 0
    assert run.stdout.endswith(b"done\n")
    assert run.stdout.count(b"fatal\n") == lives() - 1
    assert grown < 20_000_000, f"its memory grew by {grown} octets in {lives()} lives"


# Nodes that never work


@requirement("RST-030")
@pytest.mark.parametrize("mode", ["flat", "graph"])
@pytest.mark.parametrize("fault", ["missing", "not executable", "shell"])
def test_nothing_to_be_waited_for(stage: Stage, mode: str, fault: str) -> None:
    graph = ["-g"] if mode == "graph" else []
    program = stage.directory / "program"
    environment = {"PAEXEC_SH": str(program)} if fault == "shell" else {}
    place = ["-n", "1 2", *([] if environment else ["-t", str(program)])]
    if fault == "not executable":
        program.write_text("#!/bin/sh\n")
    words = (*place, *graph, "-Z1", "-w", "-c", "exit 1")
    run = stage.start(*words, environment=environment)
    run.feed(b"a\n")
    run.close_stdin()
    assert run.wait() == 1
    assert str(program).encode() in run.stderr
    assert run.stdout == b""


@requirement("RST-030", "RST-020")
def test_a_transport_that_was_there_is_waited_for(stage: Stage) -> None:
    """So what may come back, such as one on a file system of the network, is not given up."""
    text = f'exec {stage.calculator()} "$@"'
    transport = stage.script("transport-that-goes", text)
    run = stage.start("-n", "1", "-t", transport, "-Z1", "-w", "-c", "exit 1")
    calculator = stage.next_calculator()
    (stage.directory / "transport-that-goes").unlink()
    run.feed(b"a\n")
    calculator.next_task()
    calculator.exit(1)
    calculator.wait_gone()
    # Who gives up later passes.
    stage.happens(lambda: run.has_ended, stage.moment)
    assert not run.has_ended
    stage.script("transport-that-goes", text)
    again = stage.next_calculator()
    assert again.next_task() == b"a"
    again.answer(b"of a")
    assert run.finish() == 0


@requirement("RST-031")
def test_nodes_that_only_die(stage: Stage) -> None:
    """The name of the node is told after few deaths, then less and less often."""
    words = ("-n", "alpha", "-t", "/bin/false", "-Z", "0.05", "-w", "-E", "-c", "exit 1")
    run = stage.start(*words)
    run.feed(b"a\n")

    def deaths() -> int:
        return run.stdout.count(b"fatal\n")

    stage.wait("20 deaths", lambda: deaths() >= 20 or run.has_ended)
    assert b"alpha" in run.stderr, f"{deaths()} deaths, and no word about it"
    told = run.stderr.count(b"alpha")
    stage.wait("60 deaths", lambda: deaths() >= 60)
    assert run.stderr.count(b"alpha") - told <= 10, "it is told again and again"
    run.signal(signal.SIGTERM)
    assert run.wait() == -signal.SIGTERM
