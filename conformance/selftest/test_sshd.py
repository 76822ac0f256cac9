"""The suite's own ssh: what it needs, and that nothing is left of it."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
from typing import TYPE_CHECKING

import pytest

from conformance.harness import processes, sshd
from conformance.harness.sshd import UNREACHABLE, Sshd, SshdError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LIMIT = 60


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Sshd]:
    directory = tmp_path / "it's an ssh"
    directory.mkdir()
    server = Sshd(directory)
    yield server
    server.close()


def start(server: Sshd, command: str) -> tuple[subprocess.Popen[bytes], int]:
    """Run a command; the client and the first line of the output, a process id."""
    client = subprocess.Popen(
        [*server.client("-o", "LogLevel=QUIET"), "host", command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        bufsize=0,
    )
    assert client.stdout
    return client, int(client.stdout.readline())


def wait_gone(pidfd: int) -> None:
    assert select.select([pidfd], [], [], LIMIT)[0], "it is still there"
    os.close(pidfd)


def test_a_command_runs_with_a_home_of_its_own(server: Sshd, tmp_path: Path) -> None:
    with start(server, 'echo $$; echo "$HOME"; cat')[0] as client:
        assert client.communicate(b"a\0~.\n", LIMIT)[0] == (
            bytes(tmp_path / "it's an ssh" / "home") + b"\na\0~.\n"
        )
        assert client.returncode == 0


def test_any_other_host_is_unreachable(server: Sshd) -> None:
    done = subprocess.run(
        [*server.client(), UNREACHABLE, "true"], capture_output=True, timeout=LIMIT, check=False
    )
    assert done.returncode == 255
    assert b"Connection refused" in done.stderr


def test_one_connection_is_cut(server: Sshd) -> None:
    """The other one lives on, and the command sees the end of its input."""
    cut, pid = start(server, "echo $$; cat")
    other, _ = start(server, "echo $$; cat")
    command = os.pidfd_open(pid)
    os.kill(server.session_of(pid), signal.SIGKILL)
    assert cut.communicate(timeout=LIMIT)[0] == b""
    assert cut.returncode == 255
    wait_gone(command)
    assert other.communicate(b"x", LIMIT)[0] == b"x"
    assert other.returncode == 0


def test_the_server_goes_down_and_comes_up(server: Sshd) -> None:
    """The command sees the end of its input."""
    client, pid = start(server, "echo $$; cat")
    command = os.pidfd_open(pid)
    server.go_down()
    assert client.communicate(timeout=LIMIT)[0] == b""
    assert client.returncode == 255
    wait_gone(command)
    words = [*server.client(), "host", "echo in"]
    down = subprocess.run(words, capture_output=True, timeout=LIMIT, check=False)
    assert down.returncode == 255
    assert b"Connection refused" in down.stderr
    server.come_up()
    up = subprocess.run(words, capture_output=True, timeout=LIMIT, check=False)
    assert (up.returncode, up.stdout) == (0, b"in\n")


def test_who_was_not_started_by_the_server_has_no_session(server: Sshd) -> None:
    with pytest.raises(LookupError):
        server.session_of(os.getpid())


def test_nothing_is_left(tmp_path: Path) -> None:
    """Neither connections nor commands that have left them."""
    server = Sshd(tmp_path)
    connected, one = start(server, "echo $$; exec sleep 1000")
    left, two = start(server, "setsid sleep 1000 </dev/null >/dev/null 2>&1 & echo $!; exec cat")
    left.communicate(timeout=LIMIT)
    assert {one, two} <= server.commands()
    commands = [os.pidfd_open(one), os.pidfd_open(two), os.pidfd_open(server.session_of(one))]
    server.close()
    assert server.commands() == set()
    for pidfd in commands:
        assert select.select([pidfd], [], [], 0)[0], "it is still there"
        os.close(pidfd)
    assert connected.communicate(timeout=LIMIT)[0] == b""
    assert connected.returncode == 255


def test_what_is_missing_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error and no skipped test: a suite that has not tried it has not shown it."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sshd, "_SBIN", str(tmp_path))
    with pytest.raises(SshdError, match="install the Debian package openssh-server"):
        Sshd(tmp_path)


def test_a_server_that_does_not_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sshd, "_SERVER", "Nonsense {port}\n")
    with pytest.raises(SshdError, match="Nonsense"):
        Sshd(tmp_path)


def test_a_server_that_lets_nobody_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sshd, "_SERVER", sshd._SERVER + "PubkeyAuthentication no\n")  # noqa: SLF001
    before = processes.descendants_of(os.getpid())
    with pytest.raises(SshdError, match="Permission denied"):
        Sshd(tmp_path)
    assert processes.descendants_of(os.getpid()) == before


def test_a_port_that_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another one is tried."""
    with socket.create_server(("", 0)) as taken:
        ports = iter([taken.getsockname()[1]])
        draw_port = sshd._draw_port  # noqa: SLF001
        monkeypatch.setattr(sshd, "_draw_port", lambda: next(ports, None) or draw_port())
        server = Sshd(tmp_path)
        assert server.port != taken.getsockname()[1]
        server.close()


def test_nobody_takes_the_port_of_a_server_that_is_down(
    server: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another one, perhaps of another run, may draw the same."""
    monkeypatch.setattr(sshd, "_draw_port", lambda: server.port)
    server.go_down()
    tmp_path.joinpath("other").mkdir()
    other = Sshd(tmp_path / "other")
    assert other.port == server.port
    server.come_up()
    words = [*server.client(), "host", "echo in"]
    assert subprocess.run(words, capture_output=True, timeout=LIMIT, check=True).stdout == b"in\n"
    other.close()
