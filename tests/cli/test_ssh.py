"""The program with hosts that it reaches by a real ssh, whose server is the tests' own."""

from __future__ import annotations

import os
import re
import shlex
import signal
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from conformance.harness.sshd import UNREACHABLE, Sshd
from tests.cli.harness import Program, call
from tests.runtime.harness import Witness

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"

EOT = b"end of task"

#: Copies each line of its input, whatever octets are in it, and the EOT.
CAT = 'LC_ALL=C exec sed -u "a\\\\$PAEXEC_EOT"'

#: Says which process it is when it gets a task, and never ends the task.
BUSY = "read -r task; echo $$; exec cat"


def shown(name: str) -> list[bytes]:
    """Return the output that the documentation shows below each command of an example."""
    text = (EXAMPLES / name / "expected").read_bytes()
    return re.split(rb"^\$ .*\n", text, flags=re.MULTILINE)[1:]


def sorted_lines(text: bytes) -> list[bytes]:
    return sorted(text.splitlines())


def test_toupper(sshd: Sshd) -> None:
    plain, numbered = shown("toupper")
    tasks = (EXAMPLES / "toupper" / "tasks").read_bytes()
    place = ("-t", sshd.transport(), "-n", "syn-proc7 syn-proc5")
    calculator = shlex.quote(str(EXAMPLES / "toupper" / "toupper"))
    done = call(*place, "-c", calculator, stdin=tasks)
    assert (done.returncode, done.stderr) == (0, b"")
    assert sorted_lines(done.stdout) == sorted_lines(plain)
    assert sorted_lines(call(*place, "-l", "-c", calculator, stdin=tasks).stdout) == sorted_lines(
        numbered
    )


def test_packages(sshd: Sshd) -> None:
    whole, broken, *_reordered = shown("packages")
    tasks = (EXAMPLES / "packages" / "packages_to_build").read_bytes()
    place: tuple[str, ...] = ("-g", "-l", "-t", sshd.transport(), "-n", "host")
    calculator = EXAMPLES / "packages" / "pkg_builder"
    done = call(*place, "-c", shlex.quote(str(calculator)), stdin=tasks)
    assert (done.returncode, done.stdout, done.stderr) == (0, whole, b"")
    done = call(*place, "-C", calculator, "-v", "broken=devel/gmake", stdin=tasks)
    assert (done.returncode, done.stdout) == (0, broken)
    assert b": 14 tasks: 1 failed, 4 never ran: 10 'devel/gmake' (status failure), " in done.stderr


# Octets


class Copyist:
    """Two nodes that copy tasks, for many examples: to connect takes longer than to copy."""

    def __init__(self, options: Sequence[str], command: Sequence[str], task_end: bytes) -> None:
        self._program = Program(*options, "-l", "-e", f"-mt={EOT.decode()}", *command)
        self._task_end = task_end
        self._fed = 0

    def copies_of(self, tasks: Sequence[bytes]) -> list[bytes]:
        """Feed tasks; return the result of each, without its last newline."""
        self._program.feed(b"".join(task + self._task_end for task in tasks))
        ids = [self._fed + number for number in range(1, len(tasks) + 1)]
        self._fed += len(tasks)
        results = dict.fromkeys(ids, b"")
        ended: set[int] = set()
        while len(ended) < len(tasks):
            number, _, line = self._program.line().partition(b" ")
            if line == EOT + b"\n":
                ended.add(int(number))
            else:
                results[int(number)] += line
        return [results[number].removesuffix(b"\n") for number in ids]

    def end(self) -> int:
        with self._program:
            return self._program.end()


@contextmanager
def copying(options: Sequence[str], command: Sequence[str], task_end: bytes) -> Iterator[Copyist]:
    copyist = Copyist(options, command, task_end)
    yield copyist
    assert copyist.end() == 0


@pytest.fixture(scope="module")
def calculator(sshd: Sshd) -> Iterator[Copyist]:
    place = ("-n", "one two", "-t", sshd.transport())
    with copying(place, ("-c", CAT), b"\n") as copyist:
        yield copyist


@pytest.fixture(scope="module", params=["ssh", "local"])
def command(request: pytest.FixtureRequest, sshd: Sshd) -> Iterator[Copyist]:
    remote = ("-n", "one two", "-t", sshd.transport())
    place = remote if request.param == "ssh" else ("-n", "+2")
    with copying((*place, "-0", "-x"), ("-C", "printf", "%s"), b"\0") as copyist:
        yield copyist


@pytest.fixture(scope="module")
def command_with_the_task_inside(sshd: Sshd) -> Iterator[Copyist]:
    place = ("-n", "one two", "-t", sshd.transport())
    command = ("-c", 'printf "%s" "@@"')
    with copying((*place, "-0", "-J", "@@"), command, b"\0") as copyist:
        yield copyist


def is_no_eot(task: bytes) -> bool:
    return EOT not in task.split(b"\n")


tasks_for_a_calculator = st.lists(
    st.binary(max_size=200).map(lambda octets: octets.replace(b"\n", b"\r")).filter(is_no_eot),
    max_size=20,
)

EVERY_OCTET = [b"a%cz" % octet for octet in range(1, 256)]

#: More of what means something to a shell than chance would give.
parts = st.sampled_from([b"'", b'"', b"\\", b"\n", b"$", b"$(", b"`", b"*", b"@@", b"~", b" "])
octets_without_nul = st.binary(max_size=20).map(lambda octets: octets.replace(b"\0", b"\n"))

tasks_for_a_command = st.lists(
    st.lists(parts | octets_without_nul).map(b"".join).filter(is_no_eot), max_size=10
)


@given(tasks=tasks_for_a_calculator)
def test_a_calculator_receives_any_octets(calculator: Copyist, tasks: list[bytes]) -> None:
    """FRM-011, RES-006."""
    assert calculator.copies_of(tasks) == tasks


@settings(max_examples=50)
@given(tasks=tasks_for_a_command)
@example(tasks=EVERY_OCTET)
def test_a_command_receives_any_octets(command: Copyist, tasks: list[bytes]) -> None:
    """EXE-002, EXE-003; EXE-020 takes the newlines at the end of the output away."""
    assert command.copies_of(tasks) == [task.rstrip(b"\n") for task in tasks]


@settings(max_examples=50)
@given(tasks=tasks_for_a_command)
@example(tasks=EVERY_OCTET)
def test_the_task_within_a_command(
    command_with_the_task_inside: Copyist, tasks: list[bytes]
) -> None:
    """EXE-041."""
    copies = command_with_the_task_inside.copies_of(tasks)
    assert copies == [task.rstrip(b"\n") for task in tasks]


def test_every_octet_arrives_in_variables_and_arguments(sshd: Sshd) -> None:
    """LCH-002, LCH-011: alone, and after those that mean something to a shell."""
    octets = [bytes([octet]) for octet in range(1, 256)]
    words = [first + octet for first in (b"", b"'", b'"', b"\\", b"$") for octet in octets]
    variables = {"ALL": b"".join(words), "EMPTY": b"", "NEWLINES": b"\n\n"}
    script = 'read -r t; for w; do printf "%s\\0" "$w"; done; env -0; echo; echo "$PAEXEC_EOT"'
    done = call(
        *("-n", "host", "-t", sshd.transport(), f"-mt={EOT.decode()}"),
        *("-C", "/bin/sh", "-c", script, "sh"),
        *words,
        stdin=b"task\n",
        environment={**variables, "PAEXEC_ENV": ",".join(variables)},
    )
    assert (done.returncode, done.stderr) == (0, b"")
    received = done.stdout.removesuffix(b"\0\n").split(b"\0")
    assert received[: len(words)] == words
    environment = dict(entry.split(b"=", 1) for entry in received[len(words) :])
    assert {name: environment[name.encode()] for name in variables} == variables


# Ends


class AtWork:
    """A run on two hosts, each with a task that it never ends; standard input is open."""

    def __init__(self, sshd: Sshd, *options: str, command: Sequence[str] = ("-c", BUSY)) -> None:
        self._sshd = sshd
        self._others = sshd.commands()
        transport = sshd.transport("-o", "LogLevel=QUIET", *options)
        self.program = Program("-n", "alpha beta", "-r", "-t", transport, *command)

    def __enter__(self) -> AtWork:
        self.program.__enter__()
        self.program.feed(b"a\nb\n")
        lines = [self.program.line().split() for _ in range(2)]
        #: The process that works on each host.
        self.calculators = {name: int(pid) for name, pid in lines}
        return self

    def __exit__(self, *_: object) -> None:
        self.program.__exit__(None, None, None)

    def assert_nothing_left(self) -> None:
        """Wait for the end of everything that the run started on the hosts."""
        for pid in self._sshd.commands() - self._others:
            with suppress(ProcessLookupError), closing(Witness(b"%d" % pid)) as witness:
                witness.wait()


def test_a_connection_is_cut(sshd: Sshd) -> None:
    """END-010, END-012: the run ends, and on both hosts so does the calculator."""
    with AtWork(sshd) as run:
        os.kill(sshd.session_of(run.calculators[b"beta"]), signal.SIGKILL)
        assert run.program.end(keep_input_open=True) == 1
        # ssh says that, too, and even when it is told to be quiet.
        assert b"Node beta exited unexpectedly\n" in run.program.diagnostics()
        run.assert_nothing_left()


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_a_signal_ends_what_runs_on_the_hosts(sshd: Sshd, signum: signal.Signals) -> None:
    """END-030, END-032: also SIGKILL, because each connection ends with its client."""
    with AtWork(sshd) as run:
        run.program.send_signal(signum)
        assert run.program.end(keep_input_open=True) == -signum
        assert run.program.diagnostics() == b""
        run.assert_nothing_left()


def test_a_host_falls_silent(sshd: Sshd) -> None:
    """The client asks, gets no answer and ends; how soon is up to its options."""
    with AtWork(sshd, "-o", "ServerAliveInterval=1", "-o", "ServerAliveCountMax=1") as run:
        session = sshd.session_of(run.calculators[b"beta"])
        os.kill(session, signal.SIGSTOP)
        assert run.program.end(keep_input_open=True) == 1
        assert run.program.diagnostics().startswith(b"Node beta exited unexpectedly\n")
        os.kill(session, signal.SIGKILL)
        run.assert_nothing_left()


def test_a_running_command_outlives_the_run(sshd: Sshd, tmp_path: Path) -> None:
    """It does not read and is told nothing; it ends when it has done its work."""
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    opener = os.open(gate, os.O_RDWR)
    command = f"echo $$; read -r x < {gate}; :"
    with AtWork(sshd, command=("-x", "-c", command)) as run:
        run.program.send_signal(signal.SIGTERM)
        assert run.program.end(keep_input_open=True) == -signal.SIGTERM
        assert set(run.calculators.values()) <= sshd.commands()
        os.write(opener, b"\n" * len(run.calculators))
        run.assert_nothing_left()
    os.close(opener)


def test_the_reader_of_the_results_goes_away(sshd: Sshd) -> None:
    """END-020, END-021."""
    with AtWork(sshd) as run:
        run.program.stop_reading()
        assert run.program.end(keep_input_open=True) == -signal.SIGPIPE
        assert run.program.diagnostics() == b""
        run.assert_nothing_left()


def test_a_host_that_cannot_be_reached(sshd: Sshd) -> None:
    transport = sshd.transport("-o", "LogLevel=QUIET")
    done = call("-n", UNREACHABLE, "-t", transport, "-c", CAT, stdin=b"a\n")
    assert done.returncode == 1
    assert done.stdout == b""
    diagnostic, summary = done.stderr.splitlines()
    assert diagnostic == b"Node %s exited unexpectedly" % UNREACHABLE.encode()
    assert b": 1 task: 1 given up: 1 'a' (node lost: exit status 255)" in summary


# Death

#: Says where it works on a task, and goes on when there is something in the FIFO ``$GATE``.
GATED = 'while read -r task; do echo "$$ $task"; read -r x < "$GATE"; echo; done'


class Gate:
    """A FIFO at which calculators wait in the middle of a task."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "gate"
        os.mkfifo(self.path)
        self._fd = os.open(self.path, os.O_RDWR)

    def let_pass(self) -> None:
        """Let one calculator go on."""
        os.write(self._fd, b"\n")

    def close(self) -> None:
        os.close(self._fd)


@pytest.fixture
def gate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    gate = Gate(tmp_path)
    monkeypatch.setenv("PAEXEC_ENV", "GATE")
    monkeypatch.setenv("GATE", str(gate.path))
    yield gate
    gate.close()


@pytest.fixture
def fragile(tmp_path: Path) -> Iterator[Sshd]:
    """A server that goes down in the test."""
    directory = tmp_path / "ssh"
    directory.mkdir()
    server = Sshd(directory)
    yield server
    server.close()


def working(line: bytes) -> tuple[bytes, tuple[int, bytes]]:
    """The node, and the process and the task of a line that a gated calculator wrote."""
    node, pid, task = line.split()
    return node, (int(pid), task)


def test_a_killed_connection_is_survived(sshd: Sshd, gate: Gate) -> None:
    """DTH-001, DTH-010: the other host does the task."""
    place = ("-n", "alpha beta", "-r", "-z", "-t", sshd.transport("-o", "LogLevel=QUIET"))
    with Program(*place, "-c", GATED) as program:
        program.feed(b"a\nb\n")
        works = dict(working(program.line()) for _ in range(2))
        pid, lost = works[b"beta"]
        os.kill(sshd.session_of(pid), signal.SIGKILL)
        assert program.line() == b"beta fatal\n"
        # It reads no input while it waits at the gate, and must not pass in place of the other one.
        with closing(Witness(b"%d" % pid)) as calculator:
            os.kill(pid, signal.SIGKILL)
            calculator.wait()
        gate.let_pass()
        node, (_, task) = working(program.line())
        assert (node, task) == (b"alpha", lost)
        gate.let_pass()
        assert program.end() == 0


COPYING_COMMANDS = {"-c": ("-c", CAT), "-x": ("-x", "-C", "printf", "%s")}


@pytest.mark.parametrize("way", COPYING_COMMANDS)
def test_an_outage_is_survived(fragile: Sshd, way: str) -> None:
    """RST-010, RST-020: every task has its result, though all hosts were gone for a while."""
    transport = fragile.transport("-o", "LogLevel=QUIET")
    place = ("-n", "alpha beta", "-Z", "0.1", "-w", "-l", "-mF=", "-t", transport)
    with Program(*place, f"-mt={EOT.decode()}", *COPYING_COMMANDS[way]) as program:
        results: dict[int, bytes] = {}

        def take_results(number: int) -> None:
            while len(results) < number:
                task_id, _, result = program.line().partition(b" ")
                results[int(task_id)] = result

        program.feed(b"".join(b"before %d\n" % number for number in range(20)))
        take_results(20)
        fragile.go_down()
        program.feed(b"".join(b"after %d\n" % number for number in range(20)))
        fragile.come_up()
        take_results(40)
        assert program.end() == 0
    assert results == {
        **{number + 1: b"before %d\n" % number for number in range(20)},
        **{number + 21: b"after %d\n" % number for number in range(20)},
    }
