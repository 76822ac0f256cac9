"""Check the page "Running over ssh" of the documentation with a real ssh."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from conformance.harness.sshd import Sshd
from tests.cli.harness import LIMIT

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "ssh.rst").read_text()
CONFIG = DOCS / "ssh_config"

#: Blocks of commands and what they print, each indented by three blanks.
SESSIONS = re.findall(r"^\.\. code-block:: console\n\n((?:   .*\n|\n)+)", PAGE, re.MULTILINE)


@pytest.fixture(scope="module")
def machine(sshd: Sshd, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with what the page assumes: the ssh of a user who has read it, and files."""
    directory = tmp_path_factory.mktemp("machine")
    config = directory / "ssh_config"
    config.write_text(f'Include "{CONFIG}"\nInclude "{sshd.config}"\n')
    (directory / "bin").mkdir()
    ssh = directory / "bin" / "ssh"
    ssh.write_text(f'#!/bin/sh\nexec {sshd.program} -F {config} -p {sshd.port} "$@"\n')
    ssh.chmod(0o755)
    for name in ("toupper", "tasks"):
        shutil.copy(DOCS / "examples" / "toupper" / name, directory)
    return directory


def run(machine: Path, script: str) -> subprocess.CompletedProcess[str]:
    """Run a script of the shell on the machine."""
    path = f"{machine / 'bin'}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    return subprocess.run(
        ["/bin/sh", "-c", script],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        cwd=machine,
        env=os.environ | {"PATH": path},
        timeout=LIMIT,
        check=False,
    )


def test_the_page_shows_commands() -> None:
    assert len(SESSIONS) > 5


@pytest.mark.parametrize("session", SESSIONS)
def test_commands(machine: Path, session: str) -> None:
    """They print what the page shows, and nothing on standard error."""
    lines = [line[3:] for line in session.strip("\n").splitlines()]
    script = "\n".join(line[2:] for line in lines if line.startswith(("$ ", "> ")))
    shown = [line for line in lines if not line.startswith(("$ ", "> "))]
    done = run(machine, script)
    assert done.stdout.splitlines() == shown
    assert done.stderr == ""
    assert done.returncode == 0


def test_the_configuration(machine: Path) -> None:
    """Ssh understands it and applies it to the hosts that it names."""
    named, other = (
        dict(line.split(" ", 1) for line in run(machine, f"ssh -G {host}").stdout.splitlines())
        for host in ("host2", "other")
    )
    effect = {
        "connecttimeout": "10",
        "serveraliveinterval": "15",
        "serveralivecountmax": "3",
        "requesttty": "false",
        "clearallforwardings": "yes",
    }
    assert {key: named[key] for key in effect} == effect
    assert other["connecttimeout"] == "none"
    assert "BatchMode yes" in CONFIG.read_text()
