"""Requirements of several chapters once more, with a real ssh in between.

Other tests replace the transport by a fake, which shows more exactly what a distributor hands to
it. Here a client, a server and the shell on the other side have their own ideas about arguments,
octets and ends.
"""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from conformance.harness.octets import is_same
from conformance.harness.sshd import UNREACHABLE, Sshd
from conformance.test_exec import ODD_TASKS, WAYS
from conformance.test_framing import OCTETS
from conformance.test_launch import ODD_WORDS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from conformance.harness.distributor import Distributor
    from conformance.harness.fakes import Calculator
    from conformance.harness.stage import Stage

requirement = pytest.mark.requirement


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """A server; its directory, which is in the transport's words, has a name that needs quotes."""
    server = Sshd(tmp_path_factory.mktemp("it's an ssh "))
    yield server
    server.close()


@pytest.fixture
def fragile(tmp_path: Path) -> Iterator[Sshd]:
    """A server that goes down in the test."""
    directory = tmp_path / "ssh"
    directory.mkdir()
    server = Sshd(directory)
    yield server
    server.close()


@pytest.fixture(autouse=True)
def unrecorded(stage: Stage) -> None:
    """Steps that used these servers cannot be repeated without them."""
    stage.recorder.give_up()


def is_remote(calculator: Calculator) -> bool:
    """Whether it was started by an sshd."""
    return b"SSH_CONNECTION" in calculator.environment


def run_one_task(stage: Stage, sshd: Sshd, *options: str | bytes, **variables: str) -> Calculator:
    """Run one task on one node; the calculator that answered it."""
    stage.reply_with_results()
    place = ("-n", "host", "-t", sshd.transport())
    run = stage.run(*place, *options, environment=variables, feed=b"a\n")
    calculator = stage.next_calculator()
    assert is_remote(calculator)
    assert calculator.tasks == [b"a"]
    assert run.stdout == stage.result(b"a") + b"\n"
    assert run.stderr == b""
    assert run.status == 0
    return calculator


# The command and its environment


@requirement("LCH-001", "LCH-020", "LCH-021")
def test_the_shell_runs_the_command(stage: Stage, sshd: Sshd) -> None:
    command = f"""
        v='a  "b"' # a comment
        for w in x 'y z'; do set -- "$@" "$w"; done
        false || exec {stage.calculator()} "$v" "$@" '$v' "$(echo "it's")" \\\\ #
    """
    calculator = run_one_task(stage, sshd, "-c", command)
    assert calculator.words == [b'a  "b"', b"x", b"y z", b"$v", b"it's", b"\\"]


@requirement("LCH-002")
def test_free_arguments_as_the_command(stage: Stage, sshd: Sshd) -> None:
    calculator = run_one_task(stage, sshd, "-C", stage.calculator(), *ODD_WORDS)
    assert calculator.words == [os.fsencode(word) for word in ODD_WORDS]


@requirement("LCH-004")
@pytest.mark.parametrize("length", [1000, 100_000])
def test_long_commands(stage: Stage, sshd: Sshd, length: int) -> None:
    command = f": {'x' * length}; exec {stage.calculator()} end"
    assert run_one_task(stage, sshd, "-c", command).words == [b"end"]


@requirement("LCH-022")
@pytest.mark.parametrize("by_option", [True, False], ids=["option", "variable"])
def test_a_transport_with_arguments(stage: Stage, sshd: Sshd, by_option: bool) -> None:
    """They hold blanks, quotes and what a shell would expand, and ssh obeys them."""
    transport = sshd.transport("-o", "SetEnv A='a  \"$HOME\" *'", "-oLogLevel=QUIET", "-T")
    option = ("-t", transport) if by_option else ()
    variables = {} if by_option else {"PAEXEC_TRANSPORT": transport}
    stage.reply_with_results()
    run = stage.run(
        "-n", "host", *option, "-c", stage.calculator(), environment=variables, feed=b"a\n"
    )
    assert is_remote(stage.next_calculator())
    assert run.stdout == stage.result(b"a") + b"\n"
    assert run.status == 0


@requirement("LCH-011", "LCH-012", "LCH-013")
def test_variables_are_passed(stage: Stage, sshd: Sshd) -> None:
    """The server accepts no variable, so they come by the command line."""
    values = {f"V{n}": os.fsdecode(word) for n, word in enumerate(ODD_WORDS)}
    names = {"PAEXEC_ENV": ", ".join(values) + " UNSET", "UNNAMED": "x"}
    found = run_one_task(stage, sshd, "-c", stage.calculator(), **values, **names).environment
    for name, value in values.items():
        assert found.get(name.encode()) == os.fsencode(value), name
    assert found.get(b"UNSET") == b""
    assert b"UNNAMED" not in found


@requirement("EOT-005", "EOT-009")
@pytest.mark.parametrize("eot", ["", 'it\'s "$HOME" * ; #', "-n", "\\"])
def test_the_calculator_is_told_the_eot(stage: Stage, sshd: Sshd, eot: str) -> None:
    stage.reply_with_results(eot=eot.encode())
    place = ("-n", "host", "-t", sshd.transport())
    variables = {"PAEXEC_EOT": eot}
    run = stage.run(*place, "-c", stage.calculator(), environment=variables, feed=b"a\nb\n")
    calculator = stage.next_calculator()
    assert is_remote(calculator)
    assert calculator.environment.get(b"PAEXEC_EOT") == eot.encode()
    assert run.stdout == b"".join(stage.result(task) + b"\n" for task in (b"a", b"b"))
    assert run.status == 0


@requirement("LCH-005")
def test_standard_error(stage: Stage, sshd: Sshd) -> None:
    run = stage.start("-n", "host", "-t", sshd.transport(), "-c", stage.calculator())
    calculator = stage.next_calculator()
    calculator.write_stderr(stage.nonce)
    stage.wait("the calculator's message on standard error", lambda: stage.nonce in run.stderr)
    run.feed(b"a\n")
    calculator.next_task()
    calculator.answer()
    assert run.finish() == 0
    assert run.stdout == b""


# Octets


def assert_octets_are_kept(stage: Stage, sshd: Sshd, tasks: list[bytes]) -> None:
    """Tasks arrive unchanged and come back unchanged, as results."""
    stage.reply = lambda task: b"%s %s\n\n" % (stage.nonce, task)
    run = stage.start("-n", "host", "-t", sshd.transport(), "-c", stage.calculator())
    run.feed(b"".join(task + b"\n" for task in tasks))
    assert run.finish(stage.volume_bound) == 0
    calculator = stage.next_calculator()
    assert is_remote(calculator)
    received = b"".join(task + b"\n" for task in tasks)
    assert is_same(bytes(calculator.received), received), "tasks were changed"
    results = b"".join(b"%s %s\n" % (stage.nonce, task) for task in tasks)
    assert is_same(run.stdout, results), "results were changed"


@requirement("FRM-011", "RES-006")
@pytest.mark.lasting(300)
def test_octets_are_kept(stage: Stage, sshd: Sshd) -> None:
    """A line that begins with a tilde is a command to some clients, if they have a terminal."""
    assert_octets_are_kept(stage, sshd, [*OCTETS, b"~.", b"~?", b"", b"~~", b"\x03", b"\x04"])


@requirement("FRM-011", "RES-006")
@pytest.mark.lasting(300)
def test_all_pairs_of_octets_are_kept(stage: Stage, sshd: Sshd) -> None:
    """All but NUL and newline."""
    octets = [bytes([octet]) for octet in range(1, 256) if octet != ord("\n")]
    assert_octets_are_kept(stage, sshd, [b"".join(one + two for two in octets) for one in octets])


@requirement("FRM-011", "RES-006")
@pytest.mark.lasting(300)
def test_nuls_are_kept(stage: Stage, sshd: Sshd) -> None:
    assert_octets_are_kept(stage, sshd, [b"a\0b\0\0", b"\0a", b"\0", b"next"])


@requirement("LIM-002", "LIM-003")
@pytest.mark.lasting(300)
def test_long_lines_are_kept(stage: Stage, sshd: Sshd) -> None:
    """Longer than the window of a connection."""
    assert_octets_are_kept(stage, sshd, [stage.nonce * (10 << 17), b"next"])


# One command for each task


@requirement("EXE-001", "EXE-006", "LCH-011")
def test_a_command_with_its_environment(stage: Stage, sshd: Sshd) -> None:
    command = stage.calculator("linger", "paused")
    run = stage.start(
        *("-n", "host", "-t", sshd.transport(), "-x", "-C", command, "it's", "*"),
        environment={"PAEXEC_ENV": "A", "A": 'it\'s "$HOME" *'},
    )
    run.feed(b"a b\n")
    fake = stage.next_calculator()
    assert is_remote(fake)
    assert fake.words == [b"it's", b"*", b"a b"]
    assert fake.environment.get(b"A") == b'it\'s "$HOME" *'
    fake.answer(stage.result(b"a b"))
    fake.exit(0)
    assert run.finish() == 0
    assert run.stdout == stage.result(b"a b") + b"\n"


def assert_commands_receive(
    stage: Stage, sshd: Sshd, tasks: list[bytes], *options: str, end: bytes = b"\n"
) -> None:
    """``printf '<%s>'`` prints the tasks as they are."""
    run = stage.run(
        *("-n", "host", "-t", sshd.transport(), *options),
        feed=b"".join(task + end for task in tasks),
    )
    assert run.stdout == b"".join(b"<%b>\n" % task for task in tasks), "tasks were changed"
    assert run.status == 0


@requirement("EXE-002", "EXE-005", "EXE-006", "EXE-041", "EXE-042")
@pytest.mark.parametrize("way", WAYS)
def test_commands_receive_octets(stage: Stage, sshd: Sshd, way: str) -> None:
    tasks = [*ODD_TASKS["plain"], *ODD_TASKS["shell"], *ODD_TASKS["others"]]
    assert_commands_receive(stage, sshd, tasks, *WAYS[way])


@requirement("EXE-002", "EXE-006")
def test_commands_receive_blanks_and_backslashes(stage: Stage, sshd: Sshd) -> None:
    tasks = [*ODD_TASKS["blanks"], *ODD_TASKS["backslashes"]]
    assert_commands_receive(stage, sshd, tasks, *WAYS["arguments"])


@requirement("EXE-003", "EXE-006")
def test_commands_receive_newlines(stage: Stage, sshd: Sshd) -> None:
    tasks = [b"a\nb", b"\n", b"\n\nc\n", b"d"]
    assert_commands_receive(stage, sshd, tasks, "-0", *WAYS["arguments"], end=b"\0")


@requirement("EXE-020", "EXE-030", "GRA-040")
def test_a_graph_of_commands(stage: Stage, sshd: Sshd) -> None:
    """The command compares the task with ``b``, and fails if it is that."""
    run = stage.run(
        *("-g", "-l", "-n", "one two", "-t", sshd.transport()),
        *("-x", "-c", 'echo "$SSH_CONNECTION"; test b !='),
        feed=b"a c\nb d\n",
    )
    assert run.status == 0
    lines = sorted(run.stdout.splitlines())
    connections = [line.partition(b" ")[2] for line in lines if b"127." in line]
    assert len(connections) == 3
    assert lines == sorted(
        [b"%d %s" % pair for pair in zip((1, 2, 3), connections, strict=True)]
        + [b"1 success", b"2 success", b"3 failure", b"3 b d"]
    )


# Several nodes


@requirement("NOD-003", "NOD-010", "DSP-001", "PFX-004")
def test_several_hosts(stage: Stage, sshd: Sshd) -> None:
    """All of them hold a task at the same time."""
    run = stage.start(
        "-n", "one two two", "-r", "-t", sshd.transport(), "-c", f"exec {stage.calculator()}"
    )
    calculators = stage.next_calculators(3)
    run.feed(b"apple\nbananas\norange\n")
    tasks = [calculator.next_task() for calculator in calculators]
    assert sorted(tasks) == [b"apple", b"bananas", b"orange"]
    for calculator, task in zip(calculators, tasks, strict=True):
        assert is_remote(calculator)
        calculator.answer(task.upper())
    assert run.finish() == 0
    lines = [line.split(b" ") for line in run.stdout.splitlines()]
    assert sorted(word for _, word in lines) == [b"APPLE", b"BANANAS", b"ORANGE"]
    assert sorted(node for node, _ in lines) == [b"one", b"two", b"two"]


@requirement("GRA-002", "GRA-025", "GRA-030", "GRA-040")
def test_a_graph(stage: Stage, sshd: Sshd) -> None:
    failing = b"devel/gmake"
    stage.reply = lambda task: b"%s\n\n" % (b"failure" if task == failing else b"success")
    run = stage.run(
        *("-g", "-l", "-n", "one two", "-t", sshd.transport(), "-c", stage.calculator()),
        feed=b"devel/m4 devel/bison\ndevel/gmake misc/mkcue\ndevel/bison shells/bash\n",
    )
    assert all(is_remote(calculator) for calculator in stage.calculators)
    assert sorted(stage.tasks) == [b"devel/bison", b"devel/gmake", b"devel/m4", b"shells/bash"]
    assert run.status == 0
    assert sorted(run.stdout.splitlines()) == [
        b"1 success",
        b"2 success",
        b"3 devel/gmake misc/mkcue",
        b"3 failure",
        b"5 success",
    ]


# Ends


def start_two_at_work(
    stage: Stage, sshd: Sshd, *options: str
) -> tuple[Distributor, list[Calculator]]:
    """Two hosts, each with a task; standard input is open.

    The client is told to be quiet, so that every diagnostic is the distributor's.
    """
    place = ("-n", "alpha beta", "-t", sshd.transport("-o", "LogLevel=QUIET"))
    run = stage.start(*place, "-r", "-E", *options, "-c", f"exec {stage.calculator()}")
    run.feed(b"a\nb\n")
    calculators = [stage.holder(b"a"), stage.holder(b"b")]
    assert all(is_remote(calculator) for calculator in calculators)
    return run, calculators


@requirement("END-001", "END-002")
def test_the_end_of_the_input(stage: Stage, sshd: Sshd) -> None:
    run, calculators = start_two_at_work(stage, sshd)
    run.close_stdin()
    for calculator in calculators:
        calculator.answer(b"result")
    for calculator in calculators:
        calculator.wait_eof()
        calculator.wait_gone()
    assert run.wait() == 0
    assert sorted(run.stdout.splitlines()) == [b"alpha ", b"alpha result", b"beta ", b"beta result"]


@requirement("END-010", "END-012", "END-014")
def test_a_connection_is_cut(stage: Stage, sshd: Sshd) -> None:
    """The calculators on both hosts see the end of their input."""
    run, calculators = start_two_at_work(stage, sshd)
    lost = calculators[0]
    run.feed(b"c\n")
    lost.answer(b"of a")
    stage.holder(b"c")
    stage.wait("the first result", lambda: run.stdout.count(b"\n") == 2)
    name = run.stdout.split(b" ")[0]
    lost.write(b"half")
    lost.sync()
    os.kill(sshd.session_of(lost.pid), signal.SIGKILL)
    assert run.wait() == 1
    for calculator in calculators:
        calculator.wait_eof()
        calculator.wait_gone()
    assert name in {b"alpha", b"beta"}
    assert run.stdout == name + b" of a\n" + name + b" \n"
    assert run.stderr.count(name) == 1
    assert run.stderr.count(b"alpha") + run.stderr.count(b"beta") == 1


@requirement("END-010", "END-011")
def test_a_host_cannot_be_reached(stage: Stage, sshd: Sshd) -> None:
    """Whether its loss is seen before or when it gets a task is not said."""
    place = ("-n", f"host {UNREACHABLE}", "-t", sshd.transport("-o", "LogLevel=QUIET"))
    run = stage.start(*place, "-c", f"exec {stage.calculator()}")
    calculator = stage.next_calculator()
    run.feed(b"a\nb\n")
    assert run.wait() == 1
    calculator.wait_gone()
    assert len(stage.calculators) == 1
    assert run.stderr, "no diagnostic"


@requirement("END-030")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal(stage: Stage, sshd: Sshd, number: signal.Signals) -> None:
    run, calculators = start_two_at_work(stage, sshd)
    run.signal(number)
    for calculator in calculators:
        calculator.wait_eof()
        calculator.wait_gone()
    assert run.wait() == -number


@requirement("END-032")
def test_sigkill(stage: Stage, sshd: Sshd) -> None:
    run, calculators = start_two_at_work(stage, sshd)
    run.signal(signal.SIGKILL)
    for calculator in calculators:
        calculator.wait_eof()
    assert run.wait() == -signal.SIGKILL


# Death


@requirement("DTH-001", "DTH-010", "DTH-020", "DTH-022", "DTH-023", "END-014")
def test_a_cut_connection_is_survived(stage: Stage, sshd: Sshd) -> None:
    run, (lost, other) = start_two_at_work(stage, sshd, "-z", "-l")
    run.close_stdin()
    lost.write(b"half")
    lost.sync()
    os.kill(sshd.session_of(lost.pid), signal.SIGKILL)
    lost.wait_eof()
    other.answer(b"of b")
    assert [other.next_task(), other.next_task()] == [b"b", b"a"]
    other.answer(b"of a")
    assert run.wait() == 0
    hosts = {line.split(b" ")[1]: line.split(b" ")[0] for line in run.stdout.splitlines()}
    dead, alive = (b"alpha", b"beta") if hosts[b"2"] == b"beta" else (b"beta", b"alpha")
    assert sorted(run.stdout.splitlines()) == sorted(
        [b"%b 1 fatal" % dead, b"%b 1 " % dead]
        + [b"%b %b" % (alive, line) for line in (b"2 of b", b"2 ", b"1 of a", b"1 ")]
    )


@requirement("DTH-030")
def test_no_host_is_left(stage: Stage, fragile: Sshd) -> None:
    run, calculators = start_two_at_work(stage, fragile, "-z")
    fragile.go_down()
    for calculator in calculators:
        calculator.wait_eof()
    assert run.wait() == 1
    assert b"all nodes failed" in run.stderr
    assert run.stdout.count(b" fatal\n") == 2


@requirement("RST-004", "RST-009", "RST-010", "RST-020")
def test_hosts_come_back(stage: Stage, fragile: Sshd) -> None:
    """Both are gone at the same time, and attempts to start them again fail for a while."""
    run, calculators = start_two_at_work(stage, fragile, "-Z1", "-w")
    fragile.go_down()
    run.close_stdin()
    stage.wait("both deaths", lambda: run.stdout.count(b" fatal\n") >= 2)
    for calculator in calculators:
        calculator.wait_gone()
    fragile.come_up()
    stage.reply_with_results()
    assert run.wait(3 * stage.bound) == 0
    results = [line for line in run.stdout.splitlines() if line.endswith(b">")]
    assert sorted(line.split(b" ", 1)[1] for line in results) == [
        stage.result(b"a"),
        stage.result(b"b"),
    ]
