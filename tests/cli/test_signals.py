"""Signals: how the program ends by them, and that nothing is left."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from paexec_trio.runtime.linux import look_at
from tests.cli.harness import ECHO, LIMIT, PIDS, PROGRAM, Program, call
from tests.runtime.harness import Witness
from tests.tools.terminal import Terminal

STOPS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT]

STUBBORN = (
    "trap '' TERM INT HUP QUIT; "
    'while read -r task; do echo "$$"; echo; done; '
    "while :; do sleep 9; done"
)
"""A calculator that ends for nothing but SIGKILL."""


def assert_gone(pid: int) -> None:
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


@pytest.mark.parametrize("signum", STOPS)
def test_a_signal_ends_the_program_and_its_calculators(signum: signal.Signals) -> None:
    """END-030: by that signal, without a word."""
    with Program("-n", "+2", "-c", PIDS) as program:
        program.feed(b"a\nb\n")
        pids = {int(program.line()), int(program.line())}
        program.send_signal(signum)
        assert program.end(keep_input_open=True) == -signum
        assert program.diagnostics() == b""
        for pid in pids:
            assert_gone(pid)


def test_a_signal_while_nothing_was_read_yet() -> None:
    with Program("-n", "+1", "-c", "echo ready >&2; exec cat") as program:
        assert program.diagnostic() == b"ready\n"
        program.send_signal(signal.SIGTERM)
        assert program.end(keep_input_open=True) == -signal.SIGTERM


def test_a_second_signal_kills_stubborn_calculators() -> None:
    with Program("-n", "+1", "-c", STUBBORN) as program:
        program.feed(b"a\n")
        pid = int(program.line())
        program.send_signal(signal.SIGTERM)
        program.send_signal(signal.SIGINT)
        assert program.end(keep_input_open=True) in {-signal.SIGTERM, -signal.SIGINT}
        assert_gone(pid)


def test_stubborn_calculators_do_not_outlive_the_program() -> None:
    """END-006."""
    with Program("-n", "+1", "-c", STUBBORN) as program:
        program.feed(b"a\n")
        pid = int(program.line())
        program.send_signal(signal.SIGINT)
        assert program.end(keep_input_open=True) == -signal.SIGINT
        assert_gone(pid)


def test_a_process_in_the_background_does_not_outlive_the_program() -> None:
    """END-006."""
    command = "sleep 1000 & while read -r task; do echo $!; echo; done"
    with Program("-n", "+1", "-c", command) as program:
        program.feed(b"a\n")
        with closing(Witness(program.line())) as background:
            program.send_signal(signal.SIGTERM)
            assert program.end(keep_input_open=True) == -signal.SIGTERM
            background.wait()


@pytest.mark.parametrize("signum", STOPS)
def test_a_signal_that_was_ignored_stays_ignored(signum: signal.Signals) -> None:
    """END-031: as nohup, and a shell for its background jobs, arrange it."""
    name = signum.name.removeprefix("SIG")
    before = ("/bin/sh", "-c", f'trap "" {name}; exec "$@"', "sh")
    with Program("-n", "+1", "-c", ECHO, before=before) as program:
        program.feed(b"a\n")
        assert program.line() == b"a\n"
        program.send_signal(signum)
        program.feed(b"b\n")
        assert program.line() == b"b\n"
        assert program.end() == 0


def test_nohup() -> None:
    """END-031."""
    with Program("-n", "+1", "-c", ECHO, before=("nohup",)) as program:
        program.feed(b"a\n")
        assert program.line() == b"a\n"
        program.send_signal(signal.SIGHUP)
        program.feed(b"b\n")
        assert program.line() == b"b\n"
        assert program.end() == 0


IGNORE_SIGCHLD = """
import os, signal, sys
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
os.execv(sys.argv[1], sys.argv[1:])
"""


def test_a_parent_that_ignores_sigchld_does_no_harm() -> None:
    before = (sys.executable, "-c", IGNORE_SIGCHLD)
    result = call("-n", "+2", "-c", ECHO, stdin=b"a\nb\n", before=before)
    assert sorted(result.stdout.splitlines()) == [b"a", b"b"]
    assert result.stderr == b""
    assert result.returncode == 0
    result = call("-n", "+1", "-c", "read -r task; exit 3", stdin=b"a\n", before=before)
    assert result.stderr == (
        b"Node 0 exited unexpectedly\n"
        b"paexec-trio: 1 task: 1 given up: 1 'a' (node lost: exit status 3)"
        b"; the input was not read to its end\n"
    )
    assert result.returncode == 1


INTERRUPTED = """
import signal
from paexec_trio.cli import main
main.parse = lambda *_: signal.raise_signal(signal.SIGINT)
main.main()
"""


def test_an_interrupt_before_anything_runs_ends_the_program_without_a_traceback() -> None:
    """END-030."""
    result = subprocess.run(
        [sys.executable, "-c", INTERRUPTED], capture_output=True, timeout=LIMIT, check=False
    )
    assert result.stderr == b""
    assert result.returncode == -signal.SIGINT


def test_when_the_reader_goes_away_the_program_ends_as_by_sigpipe() -> None:
    """END-020: as in ``| head -1``."""
    with Program("-n", "+2", "-c", PIDS) as program:
        program.feed(b"a\n")
        pid = int(program.line())
        program.stop_reading()
        assert program.end(keep_input_open=True) == -signal.SIGPIPE
        assert program.diagnostics() == b""
        assert_gone(pid)


def test_an_endless_input_and_a_reader_of_one_line() -> None:
    """END-020, in a pipeline; the status is what a shell makes of that."""
    result = call(
        *("-n", "+2", "-c", ECHO),
        before=("/bin/sh", "-c", '{ yes | "$@"; echo "$?" >&2; } | head -n 1', "sh"),
    )
    assert result.stdout == b"y\n"
    assert result.stderr == b"%d\n" % (128 + signal.SIGPIPE)


BLOCK_SIGPIPE = """
import os, signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGPIPE])
os.execv(sys.argv[1], sys.argv[1:])
"""


def test_a_parent_that_blocks_sigpipe_gets_a_failure_all_the_same() -> None:
    """END-020: the same happens to the first process of a container."""
    before = (sys.executable, "-c", BLOCK_SIGPIPE)
    with Program("-n", "+1", "-c", ECHO, before=before) as program:
        program.feed(b"a\n")
        assert program.line() == b"a\n"
        program.stop_reading()
        assert program.end(keep_input_open=True) in {-signal.SIGPIPE, 128 + signal.SIGPIPE}


CYCLE = b"".join(b"%d %d\n" % (task, (task + 1) % 20_000) for task in range(20_000))
"""A graph whose cycle takes more lines of diagnostics than a pipe holds."""


def test_nobody_has_to_read_the_diagnostics() -> None:
    """END-030: the program is not stuck in writing them."""
    with Program("-g", "-n", "+1", "-c", "cat") as program:
        program.feed(CYCLE)
        program.close_input()
        assert program.diagnostic() == b"Cyclic dependency detected:\n"
        program.send_signal(signal.SIGTERM)
        assert program.end(keep_input_open=True) == -signal.SIGTERM


def test_diagnostics_that_nobody_reads_do_not_stop_the_tasks() -> None:
    """DSP-015, GRA-052: a diagnostic for each task, and results all the same."""
    tasks = 5_000
    with Program("-g", "-n", "+1", "-c", "while read -r x; do echo; done") as program:
        program.feed(b"".join(b"%d\n" % task for task in range(tasks)))
        program.close_input()
        for _ in range(tasks):
            assert program.line() == b"?\n"
        assert program.diagnostics().count(b"without a status") == tasks
        assert program.end(keep_input_open=True) == 1


STOPPED_WHILE_IT_SUMS = """
import os, signal, sys
from paexec_trio.cli.main import main
from paexec_trio.core import tasks

def computation(*_):
    signal.raise_signal(signal.SIGTERM)
    os.write(1, b"it went on")

tasks.sums_over_dependants = computation
sys.argv = ["paexec-trio", "-W1", "-n", "+1", "-c", "cat"]
main()
"""


def test_a_long_computation_can_be_interrupted() -> None:
    """END-030: in the middle of it, not after it; sums over dependants may take minutes."""
    done = subprocess.run(
        [sys.executable, "-c", STOPPED_WHILE_IT_SUMS],
        input=b"a b\n",
        capture_output=True,
        timeout=LIMIT,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGTERM, b"", b"")


@pytest.mark.parametrize("attempt", range(5))
def test_results_that_came_before_the_end_are_printed(attempt: int) -> None:
    """The last lines of a calculator that sees the end of its input and ends at once."""
    del attempt  # the same each time: writing and ending may or may not be noticed together
    # SIGTERM follows soon, and is not what this is about.
    command = 'trap "" TERM; read -r task; echo "first"; read -r more; echo "last"; echo'
    with Program("-n", "+1", "-c", command) as program:
        program.feed(b"a\n")
        assert program.line() == b"first\n"
        program.send_signal(signal.SIGTERM)
        assert program.line() == b"last\n"
        assert program.end(keep_input_open=True) == -signal.SIGTERM


@pytest.mark.skipif(not Path("/bin/bash").exists(), reason="bash reads octet by octet")
@pytest.mark.parametrize("signum", STOPS)
def test_a_shell_does_not_complain_about_a_task_that_it_received_in_part(
    signum: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAEXEC_SH", "/bin/bash")
    with Program("-i", "-n", "+1", "-x", "-c", ":") as program:
        program.feed(b"a\n")
        assert (program.line(), program.line()) == (b"a\n", b"\n")
        task = b"x" * 10_000_000 + b"\n"
        program.feed(task)
        assert program.line() == task
        program.send_signal(signum)
        assert program.end(keep_input_open=True) == -signum
        assert program.diagnostics() == b""


# A stop, and its end


def wait_for_state(pid: int, state: str) -> None:
    """Wait until a process is in a state; no event tells that."""
    deadline = time.monotonic() + LIMIT
    path = Path(f"/proc/{pid}/stat")
    while path.read_text().rpartition(")")[2].split()[0] != state:
        assert time.monotonic() < deadline, f"it is not in state {state}"
        time.sleep(0.001)


@pytest.mark.parametrize("options", [(), ("-z",)], ids=["", "-z"])
def test_a_stop_without_a_terminal(options: tuple[str, ...]) -> None:
    """END-044: whatever the process group is that it is in, and whatever that of its processes."""
    command = "timeout 1000 sleep 1000 >/dev/null & while read -r x; do echo $$ $!; echo; done"
    with Program(*options, "-n", "+1", "-c", command) as program:
        program.feed(b"a\n")
        calculator, other = map(int, program.line().split())
        pid = look_at(calculator)
        assert pid
        for _ in range(2):
            program.send_signal(signal.SIGTSTP)
            for stopped in (pid.parent, calculator, other):
                wait_for_state(stopped, "T")
            program.send_signal(signal.SIGCONT)
            program.feed(b"b\n")
            assert program.line() == b"%d %d\n" % (calculator, other)
            wait_for_state(other, "S")
        assert program.end() == 0
        with pytest.raises(ProcessLookupError):
            os.kill(other, 0)


def test_a_stop_before_anything_was_started() -> None:
    """END-044: a graph is still being read."""
    with Program("-g", "-n", "+1", "-x", "-c", "echo of") as program:
        while True:  # it handles signals when its standard input is read
            program.feed(b"a b\n")
            text = Path(f"/proc/{program.pid}/status").read_text()
            caught = int(text.partition("SigCgt:")[2].split()[0], 16)
            if caught & 1 << signal.SIGTSTP - 1:
                break
        program.send_signal(signal.SIGTSTP)
        wait_for_state(program.pid, "T")
        program.send_signal(signal.SIGCONT)
        program.close_input()
        assert program.line() == b"of a\n"
        assert program.end(keep_input_open=True) == 0


def test_a_stop_that_was_ignored_stays_ignored() -> None:
    """END-046."""
    before = ("/bin/sh", "-c", 'trap "" TSTP; exec "$@"', "sh")
    with Program("-n", "+1", "-c", ECHO, before=before) as program:
        program.feed(b"a\n")
        assert program.line() == b"a\n"
        program.send_signal(signal.SIGTSTP)
        program.feed(b"b\n")
        assert program.line() == b"b\n"
        assert program.end() == 0


def test_ctrl_z_and_fg(tmp_path: Path) -> None:
    """END-044: in a shell, whose terminal the calculators have not."""
    calculator = tmp_path / "calculator"
    calculator.write_text("#!/bin/sh\necho $$ >pid\nread -r go <go\necho result of $1\n")
    calculator.chmod(0o755)
    os.mkfifo(tmp_path / "go")
    (tmp_path / "tasks").write_text("task\n")
    command = f"{shlex.join(PROGRAM)} -n +1 -x -C ./calculator <tasks"
    root = str(Path(__file__).parents[2])
    with Terminal(["bash", "--norc", "-i"], tmp_path) as terminal:
        terminal.type(f"export PYTHONPATH={root}; {command}\n")
        pid = tmp_path / "pid"
        deadline = time.monotonic() + LIMIT
        while not (pid.exists() and pid.read_text()):
            assert time.monotonic() < deadline
            time.sleep(0.001)
        for _ in range(2):
            terminal.type("\x1a")
            terminal.wait_for("Stopped")
            wait_for_state(int(pid.read_text()), "T")
            terminal.type("fg\n")
            wait_for_state(int(pid.read_text()), "S")
        (tmp_path / "go").write_text("go\n")
        terminal.wait_for("result of task")
