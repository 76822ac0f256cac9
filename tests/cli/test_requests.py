"""Signals that ask something of a run: at any moment, and without an effect on anything else."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time

import pytest

from paexec_trio.runtime import requests
from tests.cli.harness import ECHO, LIMIT, PROGRAM, Program


def test_an_overview_of_a_running_program() -> None:
    with Program("-n", "+1", "-c", "while read -r task; do echo $task; done") as program:
        program.feed(b"a\n")
        assert program.line() == b"a\n"
        program.send_signal(signal.SIGUSR1)
        assert program.diagnostic().endswith(b"0 done, 1 running, the input is open\n")
        line = program.diagnostic()
        shape = rb"paexec-trio: node 0: task 1 'a' for \d+\.\d s, silent for \d+\.\d s; 0 done;.*\n"
        assert re.fullmatch(shape, line)
        program.send_signal(signal.SIGTERM)
        assert program.end(keep_input_open=True) == -signal.SIGTERM


@pytest.mark.parametrize("signum", [signal.SIGUSR1, signal.SIGUSR2])
def test_a_signal_at_any_moment_of_the_start_does_not_end_the_program(
    signum: signal.Signals,
) -> None:
    for step in range(12):
        command = [*PROGRAM, "-n", "+1", "-c", ECHO]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process:
            assert process.stdin
            await_prepared(process.pid)
            until = time.monotonic() + step * 0.003
            while time.monotonic() < until:
                pass
            process.send_signal(signum)
            out, err = process.communicate(b"a\n", timeout=LIMIT)
        if signum == signal.SIGUSR1:
            assert (process.returncode, out) == (0, b"a\n"), err
        else:
            assert (process.returncode, out) in {(0, b"a\n"), (1, b"a\n"), (1, b"")}, err
        assert b"Traceback" not in err


def await_prepared(pid: int) -> None:
    """Wait until a program has blocked the signals, or has a handler."""
    bit = 1 << (signal.SIGUSR1 - 1)
    deadline = time.monotonic() + LIMIT
    while time.monotonic() < deadline:
        with open(f"/proc/{pid}/status") as file:  # noqa: PTH123 (often)
            masks = dict(line.split(":", 1) for line in file if line.startswith("Sig"))
        if any(int(masks[name], 16) & bit for name in ("SigBlk", "SigCgt")):
            return
    pytest.fail("the program does not prepare for signals")


def test_what_comes_before_the_run_is_answered_by_it() -> None:
    requests.take_noted()
    script = (
        "import os, signal, sys\n"
        "from paexec_trio.runtime.requests import FINISH, OVERVIEW, note\n"
        "note(OVERVIEW | FINISH)\n"
        "signal.raise_signal(signal.SIGUSR1)\n"
        "sys.argv[0] = 'paexec-trio'\n"
        "from paexec_trio.cli.launch import launch\n"
        "sys.exit(launch('paexec-trio'))\n"
    )
    command = [sys.executable, "-c", script, "-n", "+1", "-c", ECHO]
    done = subprocess.run(command, input=b"a\n", capture_output=True, timeout=LIMIT, check=False)
    assert (done.returncode, done.stdout) == (0, b"a\n")
    assert b"node 0: " in done.stderr


def test_ignored_signals_stay_ignored() -> None:
    command = ["/bin/sh", "-c", 'trap "" USR1 USR2; exec "$@"', "sh", *PROGRAM]
    show = "while read -r _; do grep SigIgn /proc/self/status; echo; done"
    done = subprocess.run(
        [*command, "-n", "+1", "-c", show], input=b"a\n", capture_output=True, check=True
    )
    ignored = int(done.stdout.split()[1], 16)
    for signum in (signal.SIGUSR1, signal.SIGUSR2):
        assert ignored >> (signum - 1) & 1


def test_calculators_get_the_default_action() -> None:
    show = "while read -r _; do grep -E 'Sig(Ign|Blk|Cgt)' /proc/self/status; echo; done"
    command = [*PROGRAM, "-n", "+1", "-c", show]
    done = subprocess.run(command, input=b"a\n", capture_output=True, check=True)
    for line in done.stdout.splitlines():
        mask = int(line.split()[1], 16)
        assert not mask >> (signal.SIGUSR1 - 1) & 1, line


def test_a_wrong_call_and_the_help_are_not_disturbed() -> None:
    for words in (["--odd"], ["-h"]):
        done = subprocess.run([*PROGRAM, *words], capture_output=True, check=False)
        assert b"Traceback" not in done.stderr
