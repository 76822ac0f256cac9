"""The suite's hosts in network namespaces: what happens to them, and that nothing is left."""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from conformance.harness import processes
from conformance.harness.network import namespaces
from conformance.harness.network.hosts import Network, why_not
from conformance.harness.network.namespaces import NetworkError
from conformance.selftest.running import SUITE
from conformance.selftest.test_soundness import UNKNOWN, Copy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from conformance.harness.network.host import Host

LIMIT = 60


@pytest.fixture(scope="module", autouse=True)
def allowed() -> None:
    """Nothing of this can be seen on a machine that has no such hosts."""
    if reason := why_not():
        pytest.skip(f"no hosts in network namespaces: {reason}")


@pytest.fixture
def network() -> Iterator[Network]:
    network = Network(["near", "far"])
    yield network
    network.close()


def run(network: Network, *words: str) -> subprocess.CompletedProcess[bytes]:
    """Run ssh with these words until it ends."""
    return subprocess.run(
        [network.ssh, *words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=LIMIT,
        check=False,
    )


class Client:
    """An ssh that runs ``cat`` on the first host, over which octets have come back already."""

    def __init__(self, network: Network) -> None:
        self.host = network.hosts[0]
        self.process = subprocess.Popen(
            [network.ssh, self.host.name, "cat"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
        )
        self.send()
        assert self.receive() == b"x\n"

    def send(self) -> None:
        assert self.process.stdin
        with suppress(BrokenPipeError):  # it has ended, since its system has sent something
            self.process.stdin.write(b"x\n")

    def receive(self) -> bytes:
        assert self.process.stdout
        return self.process.stdout.readline()

    def lost(self) -> None:
        """Send octets that are lost, and see that the client does not know of it."""
        before = self.host.link.count("lost")
        self.send()
        self.host.link.wait_count("lost", before + 1)
        assert self.process.poll() is None

    def ended(self) -> bytes:
        """Wait for the end; the output that came before it."""
        output, _ = self.process.communicate(timeout=LIMIT)
        assert self.process.returncode == 255
        return output

    def close(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def client(network: Network) -> Iterator[Client]:
    client = Client(network)
    yield client
    client.close()


def test_hosts_have_names_and_homes_of_their_own(network: Network) -> None:
    for host in network.hosts:
        done = run(network, host.name, 'hostname; cd; pwd; echo "$SSH_CONNECTION"')
        name, home, connection = done.stdout.decode().splitlines()
        assert name == host.name
        assert home == str(network.directory / host.name / "home")
        assert connection.split()[2] == host.link.address


# Silent faults


def drop(host: Host) -> None:
    host.link.drop()


def unplug(host: Host) -> None:
    host.link.unplug()


def go_down(host: Host) -> None:
    host.link.go_down()


def power_off(host: Host) -> None:
    host.power_off()


@pytest.mark.parametrize(
    "fault", [drop, unplug, go_down, power_off], ids=lambda fault: fault.__name__
)
def test_a_silent_fault(network: Network, client: Client, fault: Callable[[Host], None]) -> None:
    """Neither the client nor another host hears of it."""
    fault(client.host)
    client.lost()
    assert run(network, "far", "echo in").stdout == b"in\n"


@pytest.mark.parametrize("fault", [drop, go_down], ids=lambda fault: fault.__name__)
def test_a_link_heals(client: Client, fault: Callable[[Host], None]) -> None:
    """Octets that were lost are sent again."""
    fault(client.host)
    client.lost()
    if fault is drop:
        client.host.link.heal()
    else:
        client.host.link.go_up()
    assert client.receive() == b"x\n"


def test_a_host_that_was_switched_off_comes_back(network: Network, client: Client) -> None:
    client.host.power_off()
    client.host.come_back()
    assert run(network, "near", "echo in").stdout == b"in\n"
    client.send()  # the new host knows nothing of this connection
    assert client.ended() == b""


# Faults of which the client hears


def test_a_host_crashes(client: Client) -> None:
    client.host.crash()
    assert client.ended() == b""


@pytest.mark.parametrize("side", ["head", "host"])
def test_a_connection_is_reset(client: Client, side: str) -> None:
    """Both sides hear of it, whichever sends something."""
    (command,) = client.host.commands()
    end = os.pidfd_open(command)
    client.host.link.reset()
    if side == "head":
        client.send()
    else:
        client.host.kill_commands()
    assert client.ended() == b""
    assert select.select([end], [], [], LIMIT)[0], "the host does not hear of it"
    os.close(end)
    assert client.host.link.count("reset")


def test_sessions_are_killed(client: Client) -> None:
    (session,) = client.host.sessions()
    (command,) = client.host.commands()
    assert client.host.server.session_of(command) == session
    client.host.kill_sessions()
    assert client.ended() == b""


def test_commands_are_killed(client: Client) -> None:
    client.host.kill_commands()
    assert client.ended() == b""


@pytest.mark.parametrize("what", ["sessions", "commands"])
def test_something_is_stopped_and_goes_on(client: Client, what: str) -> None:
    (pid,) = getattr(client.host, what)()
    getattr(client.host, f"stop_{what}")()
    assert processes.await_state([pid], "T", LIMIT)
    client.send()
    assert client.process.poll() is None
    getattr(client.host, f"resume_{what}")()
    assert client.receive() == b"x\n"


# Bad links


def test_a_link_takes_its_time(client: Client) -> None:
    client.host.link.delay(0.1)
    begin = time.monotonic()
    client.send()
    assert client.receive() == b"x\n"
    assert time.monotonic() - begin >= 0.2


def test_a_slow_link(network: Network) -> None:
    network.hosts[0].link.slow_down(200_000)
    begin = time.monotonic()
    assert len(run(network, "near", "head -c 100000 /dev/zero").stdout) == 100_000
    assert time.monotonic() - begin >= 0.5


def test_a_link_that_loses_frames(network: Network) -> None:
    link = network.hosts[0].link
    link.lose(0.05)
    assert len(run(network, "near", "head -c 300000 /dev/zero").stdout) == 300_000
    assert link.count("lost")


# New connections


def test_a_host_refuses(network: Network, client: Client) -> None:
    client.host.refuse()
    assert b"Connection refused" in run(network, "near", "true").stderr
    client.send()
    assert client.receive() == b"x\n", "it has hung up"
    client.host.accept()
    assert run(network, "near", "echo in").stdout == b"in\n"


def test_a_host_shows_another_key(network: Network) -> None:
    network.hosts[0].change_key()
    done = run(network, "near", "echo in")
    assert b"IDENTIFICATION HAS CHANGED" in done.stderr
    assert done.stdout == b""


def test_a_listener_that_is_stopped(network: Network) -> None:
    network.hosts[0].stop_listener()
    done = run(network, "-o", "ConnectTimeout=1", "near", "true")
    assert b"timed out during banner exchange" in done.stderr
    network.hosts[0].resume_listener()
    assert run(network, "near", "echo in").stdout == b"in\n"


def test_a_host_that_greets(network: Network) -> None:
    network.hosts[0].greet("hello\n\n")
    assert run(network, "near", "echo in").stdout == b"hello\n\nin\n"
    network.hosts[0].log_in_as_usual()
    assert run(network, "near", "echo in").stdout == b"in\n"


def test_a_login_that_hangs(network: Network) -> None:
    """It hangs in a script, of which another process of the host can tell."""
    host = network.hosts[0]
    host.hang_at_login()
    words = [network.ssh, "near", "echo in"]
    hanging = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    host.let_logins_go_on()
    assert hanging.communicate(timeout=LIMIT)[0] == b"in\n"
    assert hanging.returncode == 0


# Nothing is left


KILLED = """
import subprocess, sys, time
from conformance.harness import processes
from conformance.harness.network.hosts import Network

network = Network(["near"])
client = subprocess.Popen([network.ssh, "near", "exec cat"], stdin=-1, stdout=-1, bufsize=0)
client.stdin.write(b"x\\n")
client.stdout.readline()
here = processes.descendants_of(processes.parent_of(client.pid))
print(network.directory, *here, flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=lambda each: each.name)
def test_nothing_outlives_a_test_that_is_killed(number: signal.Signals) -> None:
    maker = subprocess.Popen(
        [sys.executable, "-c", KILLED], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert maker.stdout
    directory, *pids = maker.stdout.readline().split()
    found = set(map(int, pids))
    # The client, the wire, the holders of the head and a host, the host's server and its command.
    assert {"ssh", "sshd", "cat", "sh"} <= {processes.name_of(pid) for pid in found}
    maker.send_signal(number)
    maker.communicate(timeout=LIMIT)
    assert processes.await_ends(found, LIMIT), "something outlives the test"
    shutil.rmtree(directory)


def test_nothing_is_left_after_close(network: Network, client: Client) -> None:
    here = processes.descendants_of(os.getpid())
    assert len(here) > 10
    assert network.clients() == {client.process.pid}
    network.close()
    client.process.communicate(timeout=LIMIT)
    assert processes.await_ends(here, LIMIT)
    assert not network.directory.exists()


# A machine without such hosts


def test_the_reason_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert why_not() == ""
    monkeypatch.setattr(namespaces, "_SBIN", "")
    monkeypatch.setenv("PATH", "/no/such/directory")
    assert why_not() == "ip is missing: install the Debian package iproute2"


@pytest.mark.parametrize("options", [(), ("-n", "2")], ids=["alone", "workers"])
def test_hosts_that_are_asked_for_in_vain(tmp_path: Path, options: tuple[str, ...]) -> None:
    (tmp_path / "poor.py").write_text(
        "from conformance.harness.network import hosts\nhosts.why_not = lambda: 'no cables'\n"
    )
    found = Copy(tmp_path).judge("--network", "-p", "poor", *options)
    assert found == (UNKNOWN, "conformance: --network: no cables\n")


# Another user, of whom the system knows, and a device that everybody may open.
AS_A_NORMAL_USER = """
mount -t tmpfs none /mnt
{ cat /etc/passwd; echo tester:x:12345:12345::/tmp:/bin/sh; } >/mnt/passwd
mount --bind /mnt/passwd /etc/passwd
mknod -m 666 /mnt/tun c 10 200
mount --bind /mnt/tun /dev/net/tun
cd /tmp
exec setpriv --reuid=12345 --regid=12345 --clear-groups env HOME=/tmp "$@"
"""

LOG_IN = """
import subprocess
from conformance.harness.network.hosts import Network

with Network(["near"]) as network:
    client = subprocess.Popen([network.ssh, "near", "id -un; exec cat"], stdin=-1, stdout=-1)
    print(client.stdout.readline().decode().strip())
    network.hosts[0].link.reset()
    client.communicate(b"x")
    network.hosts[0].link.heal()
    network.hosts[0].power_off()
    network.hosts[0].come_back()
    subprocess.run([network.ssh, "near", "echo again"], check=True)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="the other tests are run by a normal user")
def test_a_normal_user_has_hosts() -> None:
    def run_by_them(python: str, text: str) -> subprocess.CompletedProcess[str]:
        words = ["PYTHONDONTWRITEBYTECODE=1", f"PYTHONPATH={SUITE.parent}", python, "-c", text]
        return subprocess.run(
            ["unshare", "--mount", "sh", "-ec", AS_A_NORMAL_USER, "sh", *words],  # noqa: S607
            capture_output=True,
            text=True,
            check=False,
        )

    for python in (sys.executable, "/usr/bin/python3"):
        if run_by_them(python, "import conformance.harness.network.hosts").returncode == 0:
            done = run_by_them(python, LOG_IN)
            assert done.stdout == "tester\nagain\n", done.stderr
            break
    else:
        pytest.skip("there is no interpreter, or no suite, that everybody may read")


def test_the_network_of_the_machine_is_refused(network: Network) -> None:
    """The wire kills what is in the namespaces that it connects."""
    wire = network.hosts[0].link._wire  # noqa: SLF001 (nobody else is to do this)
    ours = f"/proc/{os.getpid()}/ns/net"
    with pytest.raises(NetworkError, match="network of the machine"):
        wire.tell("plug", link="9", side="head", namespace=ours, device="eth0")
