"""Chapter *Silence*."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from conformance.harness.usage import CALCULATOR, call, refuse
from conformance.test_login_shells import SHELLS, TEXTS, login_shell

if TYPE_CHECKING:
    from conformance.harness.distributor import Distributor
    from conformance.harness.fakes import Fake, Transport
    from conformance.harness.stage import Stage

requirement = pytest.mark.requirement
stuck = pytest.mark.extension("--stuck")
heartbeat = pytest.mark.extension("--heartbeat")
greeting = pytest.mark.extension("--greeting")
no_ssh_defaults = pytest.mark.extension("--no-ssh-defaults")

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


# Heartbeats


def transports(stage: Stage) -> tuple[Transport, Transport]:
    """Wait for the start of both transports of a test."""
    stage.wait("the start of two transports", lambda: len(stage.transports) == 2)
    first, second = stage.transports
    return first, second


def group_of(fake: Fake) -> int:
    return os.getpgid(fake.pid)


@requirement("SIL-020", "SIL-002", "SIL-003")
@heartbeat
@pytest.mark.parametrize("place", ["local", "transport"])
def test_a_node_that_is_stopped_is_dead(stage: Stage, place: str) -> None:
    """All processes of the node are stopped, so nothing tells of it."""
    words = ("-n", "+2") if place == "local" else ("-t", stage.transport(), "-n", "a b")
    stage.connect = True
    run = stage.start("--heartbeat", "1", "-z", "-e", *words, "-c", stage.calculator())
    run.feed(b"a\n")
    silent = stage.holder(b"a")
    other = next(each for each in stage.next_calculators(2) if each is not silent)
    os.killpg(group_of(silent), signal.SIGSTOP)
    silent.wait_gone(3 * stage.bound)
    assert other.next_task() == b"a"
    other.answer(b"done")
    assert run.finish() == 0
    assert run.stdout == b"fatal\n\ndone\n\n"
    named = [line for line in run.diagnostics.splitlines() if b"heartbeat" in line]
    assert len(named) == 1, f"{run.diagnostics!r}"


@requirement("SIL-020")
@heartbeat
def test_an_idle_node_that_is_stopped_is_dead(stage: Stage) -> None:
    """No task is sent to it."""
    run = stage.start("--heartbeat", "1", "-z", "-n", "+2", "-c", stage.calculator())
    run.feed(b"a\nb\n")
    holders = [stage.holder(task) for task in (b"a", b"b")]
    for holder, task in zip(holders, (b"a", b"b"), strict=True):
        holder.answer(b"of " + task)
    stage.wait("both results", lambda: run.stdout.count(b"\n") == 2)
    os.killpg(group_of(holders[0]), signal.SIGSTOP)
    holders[0].wait_gone(3 * stage.bound)
    run.feed(b"c\n")
    holders[1].wait("the next task", lambda: b"c" in holders[1].tasks)
    holders[1].answer(b"of c")
    assert run.finish() == 0
    assert b"fatal" not in run.stdout
    assert b"heartbeat" in run.diagnostics


@requirement("SIL-020", "SIL-002")
@heartbeat
def test_without_z_the_run_fails_for_want_of_beats(stage: Stage) -> None:
    run = stage.start("--heartbeat", "1", "-n", "+1", "-c", stage.calculator())
    run.feed(b"a\n")
    os.killpg(group_of(stage.holder(b"a")), signal.SIGSTOP)
    assert run.wait(3 * stage.bound) == 1
    assert b"heartbeat" in run.diagnostics
    assert run.stdout == b""


@requirement("SIL-021", "SIL-042")
@heartbeat
@pytest.mark.parametrize("resistant", [False, True], ids=["without z", "with z"])
def test_a_node_that_never_begins_is_dead(stage: Stage, resistant: bool) -> None:
    """Its transport hangs."""
    words = ["-z"] * resistant
    place = ("-t", stage.transport(), "-n", "a b")
    run = stage.start("--heartbeat", "1", *words, *place, "-le", "-c", stage.calculator())
    run.feed(b"x\n")
    hung, working = transports(stage)
    working.run()
    calculator = stage.next_calculator()
    assert calculator.next_task() == b"x"
    hung.wait_gone(3 * stage.bound)
    calculator.answer(b"done")
    status = run.finish()
    assert run.stdout == b"1 done\n1 \n"
    assert b"heartbeat" in run.diagnostics
    assert status == 0


@requirement("SIL-021")
@heartbeat
def test_all_nodes_never_begin(stage: Stage) -> None:
    place = ("-t", stage.transport(), "-n", "a b")
    run = stage.start("--heartbeat", "1", "-z", *place, "-c", stage.calculator())
    run.feed(b"x\n")
    assert run.wait(3 * stage.bound) == 1
    assert run.stdout == b""
    assert b"all nodes failed" in run.diagnostics


@requirement("SIL-022")
@heartbeat
def test_a_task_that_takes_long(stage: Stage) -> None:
    """It takes more than the time of five beats."""
    run = stage.start("--heartbeat", "1", "-z", "-n", "+1", "-c", stage.calculator())
    run.feed(b"a\n")
    calculator = stage.holder(b"a")
    assert not stage.happens(lambda: calculator.gone, 6.5), "it was ended"
    calculator.answer(b"done")
    assert run.finish() == 0
    assert run.stdout == b"done\n"
    assert run.stderr == b""


@requirement("SIL-022")
@heartbeat
def test_beats_of_a_node_that_is_not_read(stage: Stage) -> None:
    run = stage.start("--heartbeat", "1", "-z", "-n", "+1", "-c", stage.calculator())
    run.leave_output_unread(4096)
    run.feed(b"a\n")
    calculator = stage.holder(b"a")
    taken = calculator.flood(b"x" * 99 + b"\n", 1 << 24, 1.0)
    assert taken < 1 << 24, "the distributor reads on"
    assert not stage.happens(lambda: calculator.gone, 6.0), "it was ended"
    run.read_output()
    calculator.answer(b"", b"end")
    assert run.finish() == 0
    assert b"fatal" not in run.stdout


@requirement("SIL-023")
@heartbeat
@pytest.mark.parametrize("how", ["lines", "parts of lines", "all octets"])
def test_standard_error_beside_beats(stage: Stage, how: str) -> None:
    """Beats come in the middle of it."""
    octets = {
        "lines": b"a line\n",
        "parts of lines": b"part of a ",
        "all octets": bytes(range(256)) + b"paexec-\npaexec",
    }[how]
    run = stage.start("--heartbeat", "0.5", "-n", "+1", "-c", stage.calculator())
    run.feed(b"a\n")
    calculator = stage.holder(b"a")
    for _ in range(6):
        calculator.write_stderr(octets)
        assert not stage.happens(lambda: calculator.gone, 0.4), "it was ended"
    calculator.answer(b"done")
    assert run.finish() == 0
    assert run.stdout == b"done\n"
    assert run.stderr == 6 * octets


@requirement("SIL-023")
@heartbeat
def test_standard_error_of_a_transport(stage: Stage) -> None:
    """It comes before all beats."""
    place = ("-t", stage.transport(), "-n", "a")
    run = stage.start("--heartbeat", "1000", *place, "-c", stage.calculator())
    run.feed(b"x\n")
    transport = stage.next_transport()
    transport.write_stderr(b"a banner\nand a half")
    transport.run()
    calculator = stage.next_calculator()
    assert calculator.next_task() == b"x"
    calculator.answer(b"done")
    assert run.finish() == 0
    assert run.stdout == b"done\n"
    assert run.stderr == b"a banner\nand a half"


#: A transport behind which a session is, and a process between its standard error and ours.
LINK = """
mkfifo errors
cat errors >&2 &
echo $! >link
setsid sh -c "$2" 2>errors
"""


@requirement("SIL-024")
@heartbeat
@pytest.mark.parametrize("flags", [(), ("stubborn", "linger")], ids=["SIGTERM", "SIGKILL"])
def test_nothing_works_behind_a_cut_link(stage: Stage, flags: tuple[str, ...]) -> None:
    """The calculator does not see the end of its input; its child is in its group."""
    transport = stage.script("link", LINK)
    command = f"exec {stage.calculator(*flags)}"
    run = stage.start("--heartbeat", "0.5", "-z", "-t", transport, "-n", "a", "-c", command)
    run.feed(b"x\n")
    calculator = stage.holder(b"x")
    child = calculator.spawn()
    os.kill(int((stage.directory / "link").read_text()), signal.SIGKILL)
    calculator.wait_gone(3 * stage.bound)
    # It does not care for SIGTERM.
    assert stage.await_ends({child}, 3 * stage.bound), "its child goes on"
    assert run.wait(3 * stage.bound) == 1


@requirement("SIL-025")
@pytest.mark.parametrize(
    "words",
    [
        pytest.param(("--heartbeat", "1000"), marks=heartbeat),
        pytest.param(("--greeting",), marks=greeting),
    ],
    ids=["heartbeat", "greeting"],
)
def test_nothing_is_left_on_the_node(stage: Stage, words: tuple[str, ...]) -> None:
    """The calculator is in a session of its own, which the distributor cannot reach."""
    stage.reply_with_results()
    transport = stage.script("remote", 'setsid -w sh -c "$2"')
    place = ("-t", transport, "-n", "a b")
    run = stage.run(*words, *place, "-c", stage.calculator(), feed=b"x\ny\n")
    assert run.status == 0
    assert sorted(run.stdout.splitlines()) == sorted(map(stage.result, (b"x", b"y")))
    assert stage.await_ends(stage.leftovers(), stage.moment), "processes were left"


@requirement("SIL-026")
@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    "words",
    [
        pytest.param(("--heartbeat", "1000"), marks=heartbeat),
        pytest.param(("--greeting",), marks=greeting),
    ],
    ids=["heartbeat", "greeting"],
)
def test_octets_arrive(stage: Stage, shell: str, words: tuple[str, ...]) -> None:
    """Arguments, a variable, and signals that are not ignored."""
    arguments: list[bytes] = [text for kind, text in TEXTS.items() if kind != "octets"]
    transport = ("-t", stage.transport(), "-n", "a")
    run = stage.start(
        *words,
        *transport,
        "-C",
        stage.calculator(),
        *arguments,
        environment={b"PAEXEC_ENV": b"WORDS", b"WORDS": TEXTS["quotes"]},
    )
    run.feed(b"x\n")
    stage.next_transport().run(login_shell=login_shell(shell))
    calculator = stage.next_calculator()
    assert calculator.words == arguments
    assert calculator.environment[b"WORDS"] == TEXTS["quotes"]
    assert calculator.next_task() == b"x"
    calculator.answer(b"done")
    assert run.finish() == 0
    assert run.stdout == b"done\n"


@requirement("SIL-026")
@heartbeat
@pytest.mark.parametrize("shell", SHELLS)
def test_beats_by_each_login_shell(stage: Stage, shell: str) -> None:
    """With ``-x``, and a command that takes longer than three beats."""
    transport = ("-t", stage.transport(), "-n", "a")
    run = stage.start("--heartbeat", "0.5", "-z", "-x", *transport, "-c", "sleep 3; echo")
    run.feed(b"it's\n")
    stage.next_transport().run(login_shell=login_shell(shell))
    assert run.finish(3 * stage.bound) == 0
    assert run.stdout == b"it's\n"
    assert run.stderr == b""


# Greetings


@requirement("SIL-040", "SIL-041")
@greeting
@pytest.mark.parametrize("noise", [b"Welcome\n", b"Welcome\n\n", b"\n\n", b"no newline "])
def test_what_a_login_shell_prints_is_no_result(stage: Stage, noise: bytes) -> None:
    place = ("-t", stage.transport(), "-n", "alpha")
    run = stage.start("--greeting", *place, "-c", stage.calculator())
    run.feed(b"x\ny\n")
    transport = stage.next_transport()
    transport.write(noise)
    transport.run()
    calculator = stage.next_calculator()
    for task in (b"x", b"y"):
        assert calculator.next_task() == task
        calculator.answer(b"of " + task)
    assert run.finish() == 0
    assert run.stdout == b"of x\nof y\n"
    lines = run.diagnostics.splitlines()
    assert len(lines) == len(noise.split(b"\n")) - noise.endswith(b"\n"), f"{lines}"
    assert all(b"alpha" in line for line in lines)
    assert all(word in run.diagnostics for word in noise.split())


@requirement("SIL-040")
@pytest.mark.parametrize(
    "words",
    [
        pytest.param(("--heartbeat", "1000"), marks=heartbeat),
        pytest.param(("--greeting",), marks=greeting),
    ],
    ids=["heartbeat", "greeting"],
)
def test_nothing_is_sent_before(stage: Stage, words: tuple[str, ...]) -> None:
    """The other node, which is connected, does all tasks."""
    place = ("-t", stage.transport(), "-n", "a b")
    run = stage.start(*words, "-z", *place, "-c", stage.calculator())
    run.feed(b"x\ny\n")
    waiting, working = transports(stage)
    waiting.resume()
    working.run()
    calculator = stage.next_calculator()
    for task in (b"x", b"y"):
        assert calculator.next_task() == task
        calculator.answer(b"of " + task)
    run.expect_output(b"of x\nof y\n")
    waiting.sync()
    assert waiting.received == b""
    waiting.exit(255)
    assert run.finish() == 0
    assert run.stdout == b"of x\nof y\n"


@requirement("SIL-042")
@greeting
@pytest.mark.parametrize("options", [("-z",), ("-z", "--crash-limit", "1")], ids=" ".join)
def test_a_node_that_cannot_be_reached_costs_no_attempt(
    stage: Stage, options: tuple[str, ...]
) -> None:
    place = ("-t", stage.transport(), "-n", "a b")
    run = stage.start("--greeting", *options, *place, "-ei", "-c", stage.calculator())
    run.feed(b"x\n")
    lost, working = transports(stage)
    lost.exit(255)
    working.run()
    calculator = stage.next_calculator()
    assert calculator.next_task() == b"x"
    calculator.answer(b"done")
    assert run.finish() == 0
    assert run.stdout == b"x\ndone\n\n"


@requirement("SIL-042")
@greeting
def test_without_z_a_node_that_cannot_be_reached_ends_the_run(stage: Stage) -> None:
    place = ("-t", stage.transport(), "-n", "a")
    run = stage.start("--greeting", *place, "-ei", "-c", stage.calculator())
    run.feed(b"x\n")
    stage.next_transport().exit(255)
    assert run.wait() == 1
    assert run.stdout == b""
    assert run.diagnostics


# ssh

#: A program that is called ssh. With -G it shows what the user has set; otherwise it runs the
#: command line on this machine and keeps its other words.
SSH = """
case $* in *-G*)
echo "serveraliveinterval {interval}"
echo "connecttimeout {timeout}"
exit;;
esac
printf '%s\\n' "$@" | head -n -1 >>words
while [ $# -gt 1 ]; do shift; done
exec sh -c "$1"
"""


def run_ssh(
    stage: Stage, *options: str, interval: str = "0", timeout: str = "none"
) -> tuple[Distributor, list[str]]:
    """Run two tasks on a node behind such a program; return also its words."""
    (stage.directory / "bin").mkdir(exist_ok=True)
    ssh = stage.script("ssh", SSH.format(interval=interval, timeout=timeout))
    stage.reply_with_results()
    run = stage.run("-t", f"{ssh} -v", "-n", "a", *options, "-c", stage.calculator(), feed=b"x\n")
    assert run.status == 0
    assert run.stdout == stage.result(b"x") + b"\n"
    words = (stage.directory / "words").read_text().splitlines()
    assert words[0] == "-v"
    assert words[-1] == "a"
    return run, words[1:-1]


@requirement("SIL-050")
@no_ssh_defaults
def test_keepalives_of_ssh(stage: Stage) -> None:
    _, words = run_ssh(stage)
    assert words[::2] == ["-o"] * 3
    names = sorted(word.partition("=")[0] for word in words[1::2])
    assert names == ["ConnectTimeout", "ServerAliveCountMax", "ServerAliveInterval"]
    assert all(int(word.partition("=")[2]) > 0 for word in words[1::2])


@requirement("SIL-050")
@no_ssh_defaults
def test_keepalives_that_the_user_has_set(stage: Stage) -> None:
    _, words = run_ssh(stage, interval="60")
    assert [word.partition("=")[0] for word in words[1::2]] == ["ConnectTimeout"]


@requirement("SIL-050")
@no_ssh_defaults
def test_a_timeout_that_the_user_has_set(stage: Stage) -> None:
    _, words = run_ssh(stage, timeout="60")
    names = sorted(word.partition("=")[0] for word in words[1::2])
    assert names == ["ServerAliveCountMax", "ServerAliveInterval"]


@requirement("SIL-051")
@no_ssh_defaults
def test_no_keepalives(stage: Stage) -> None:
    _, words = run_ssh(stage, "--no-ssh-defaults")
    assert words == []


@requirement("SIL-027")
@heartbeat
@pytest.mark.parametrize("options", [("-z",), ("-Z", "1")], ids=" ".join)
def test_beats_by_default_with_ssh(stage: Stage, options: tuple[str, ...]) -> None:
    """All processes of the node are stopped. The bound is that of a beat every five seconds."""
    ssh = stage.script("ssh", SSH.format(interval="0", timeout="none"))
    run = stage.start("-t", ssh, "-n", "a", *options, "-c", stage.calculator())
    run.feed(b"x\n")
    silent = stage.holder(b"x")
    os.killpg(group_of(silent), signal.SIGSTOP)
    silent.wait_gone(26 + 2 * stage.bound)
    assert b"heartbeat" in run.diagnostics
    run.signal(signal.SIGTERM)
    run.wait()


@requirement("SIL-027")
@heartbeat
@pytest.mark.parametrize(
    ("options", "beats"),
    [((), False), (("-z",), True), (("-z", "--heartbeat", "off"), False)],
    ids=["without z", "with z", "off"],
)
def test_beats_of_ssh(stage: Stage, options: tuple[str, ...], beats: bool) -> None:
    """Beats come on standard error, which this program keeps."""
    text = SSH.format(interval="0", timeout="none").rstrip() + " 2>beats\n"
    ssh = stage.script("ssh", text)
    stage.reply_with_results()
    words = ("-t", ssh, "-n", "a", "-c", stage.calculator())
    run = stage.run(*options, *words, feed=b"x\n")
    assert run.status == 0
    assert run.stdout == stage.result(b"x") + b"\n"
    assert bool((stage.directory / "beats").read_bytes()) is beats


@requirement("SIL-004")
@heartbeat
@pytest.mark.parametrize("value", ["100", "99.5", "90.", "off"])
def test_good_values_of_heartbeat(stage: Stage, value: str) -> None:
    stage.reply_with_results()
    run = stage.run("--heartbeat", value, "-n", "+1", "-c", stage.calculator(), feed=b"a\n")
    assert run.status == 0
    assert run.stdout == stage.result(b"a") + b"\n"


@requirement("SIL-004")
@heartbeat
@pytest.mark.parametrize("value", BAD_TIMES)
def test_bad_values_of_heartbeat(stage: Stage, value: str) -> None:
    words = ("-n", "+1", "-c", CALCULATOR)
    refuse(stage, call(f"--heartbeat={value}", *words), call("--heartbeat=1000", *words))
