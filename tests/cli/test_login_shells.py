"""The program with accounts that have various login shells, over a real ssh (LCH-030)."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import closing

import pytest

from conformance.harness.sshd import Sshd
from tests.cli.harness import LIMIT, call

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0, reason="only root can give its account another login shell"
)

ODD = b'it\'s \\ \\\\ ! !! $HOME `x` "q" * ? [a] {b,c} ~ # %1 \xff\xc3 ;&|<>()'
"""Characters that one of the shells reads in a way of its own; no newline."""

TASKS = [b"a", b"", b"  b\tc ", ODD]


@pytest.fixture(scope="module", params=["bash", "dash", "fish", "mksh", "tcsh", "zsh"])
def shell(request: pytest.FixtureRequest) -> str:
    """The path of a login shell."""
    path = shutil.which(str(request.param))
    assert path, f"{request.param} is missing: see .ci/setup"
    return path


@pytest.fixture(scope="module")
def account(shell: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """A server, whose account has this login shell."""
    with closing(Sshd(tmp_path_factory.mktemp("sshd"), shell)) as server:
        yield server


def run(account: Sshd, *words: str | bytes) -> list[bytes]:
    """Return the lines of the output for ``TASKS``, sorted; there must be no message."""
    tasks = b"".join(task + b"\n" for task in TASKS)
    done = call("-t", account.transport(), *words, stdin=tasks)
    assert (done.returncode, done.stderr) == (0, b"")
    return sorted(done.stdout.splitlines())


def test_the_shell_is_that_of_the_account(account: Sshd, shell: str) -> None:
    """Otherwise the tests of this file would show nothing."""
    words = [*account.client(), "host", "readlink /proc/$$/exe; true"]
    told = subprocess.run(words, capture_output=True, timeout=LIMIT, check=True).stdout
    if not told.strip().startswith(b"/"):  # fish has no such variable
        told = subprocess.run(
            [*account.client(), "host", "readlink /proc/$fish_pid/exe; true"],
            capture_output=True,
            timeout=LIMIT,
            check=True,
        ).stdout
    assert os.fsdecode(told).strip() == os.path.realpath(shell)


def test_a_calculator(account: Sshd) -> None:
    quoted = b"'" + ODD.replace(b"'", b"'\\''") + b"'"
    command = b"o=" + quoted + b'; while IFS= read -r t; do printf "%s|%s\\n\\n" "$t" "$o"; done'
    assert run(account, "-n", "host", "-c", command) == sorted(task + b"|" + ODD for task in TASKS)


def test_commands_with_arguments(account: Sshd) -> None:
    expected = sorted(b"<" + ODD + b"|" + task + b">" for task in TASKS)
    assert run(account, "-n", "host*2", "-x", "-C", "printf", "<%s|%s>\\n", ODD) == expected


def test_commands_of_the_shell_that_know_their_node(account: Sshd) -> None:
    """HST-031, HST-040: the name of the node is one of ssh's destinations."""
    text = "printf '%s|%s|%s\\n' \"$PAEXEC_NODE\" $PAEXEC_NODEID"
    template = f"{account.transport()} %n --"
    done = call(
        *("--transport-argv", template, "-n", "host-1", "--node-env", "-x", "-c", text),
        stdin=b"a\n b\n",
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert sorted(done.stdout.splitlines()) == [b"host-1|0| b", b"host-1|0|a"]
