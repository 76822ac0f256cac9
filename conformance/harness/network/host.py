"""A host: what runs on it, what can happen to it, and its link."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from typing import TYPE_CHECKING

from conformance.harness import processes
from conformance.harness.network.namespaces import PATIENCE, Namespaces
from conformance.harness.network.server import Server

if TYPE_CHECKING:
    from pathlib import Path

    from conformance.harness.network.link import Link

# sshd runs /etc/ssh/sshrc before each command. The rest is as on the machine.
_PREPARE = """
mount -t tmpfs none /run
mkdir /run/sshd
mount --bind {login} /etc/ssh
hostname {name}
"""


class Host:
    """One host of a network.

    Args:
        name: its name, by which the head reaches it.
        directory: its own directory, which exists.
        head: the namespaces of the head.
    """

    def __init__(self, name: str, directory: Path, head: Namespaces) -> None:
        self.name = name
        self._directory = directory
        self._head = head
        self._login = directory / "login"
        self._login.mkdir()
        #: The home directory of its users.
        self.home = directory / "home"
        self.home.mkdir()
        self._gate = directory / "gate"
        #: The link to the head, once it is plugged in.
        self.link: Link
        self._begin()

    def _begin(self) -> None:
        """Begin to switch it on."""
        prepare = _PREPARE.format(login=self._login, name=self.name)
        self._namespaces = Namespaces(prepare, self._head)
        self.server = Server(self._directory.parent, self._directory, self._namespaces)

    @property
    def namespaces(self) -> Namespaces:
        """Where its processes are."""
        return self._namespaces

    # The host as a whole

    def power_off(self) -> None:
        """End all of its processes without a goodbye: the link is silent."""
        self.link.unplug()
        self.close()

    def crash(self) -> None:
        """End all of its processes at once; its system still closes their connections."""
        processes.kill(self._namespaces.processes(), PATIENCE)
        self.link.flush()
        self.close()

    def close(self) -> None:
        """End everything."""
        self.server.close()
        self._namespaces.close()

    def come_back(self) -> None:
        """Switch it on again, after ``power_off`` or ``crash``."""
        self.link.unplug()
        self._begin()
        self._namespaces.await_ready()
        self.link.plug(self._namespaces)
        self.server.start()
        self.server.await_ready()

    def plug_in(self) -> None:
        """Plug in the cable, after ``link.unplug``."""
        self.link.plug(self._namespaces)

    # New connections

    def refuse(self) -> None:
        """Refuse new connections; those that there are live on."""
        self.server.close()

    def accept(self, key: str = "host_key") -> None:
        """Accept connections, after ``refuse``."""
        self.server.start(key)
        self.server.await_ready()

    def change_key(self) -> None:
        """Show another key than the head knows."""
        self.refuse()
        self.accept("another_key")

    def restore_key(self) -> None:
        """Show the key that the head knows."""
        self.refuse()
        self.accept()

    def stop_listener(self) -> None:
        """Let the system accept connections that nobody answers."""
        self.server.stop()

    def resume_listener(self) -> None:
        """Let the server answer again."""
        self.server.resume()

    def greet(self, text: str) -> None:
        """Print a text before each command, as careless login scripts do."""
        greeting = self._directory / "greeting"
        greeting.write_text(text)
        self._run_at_login(f"cat {greeting}")

    def hang_at_login(self) -> None:
        """Let each login wait, after it was authenticated, until logins may go on."""
        if not self._gate.exists():
            os.mkfifo(self._gate)
        self._run_at_login(f"read -r _ <{self._gate}")

    def let_logins_go_on(self) -> None:
        """Wait until a login hangs, and let it go on; later ones hang again."""
        with self._gate.open("w") as gate:
            gate.write("\n")

    def log_in_as_usual(self) -> None:
        """Let logins neither print nor wait for anything, and those go on that hang."""
        (self._login / "sshrc").unlink(missing_ok=True)
        with suppress(OSError):  # none hangs
            gate = os.open(self._gate, os.O_WRONLY | os.O_NONBLOCK)
            os.write(gate, b"\n" * 1000)
            os.close(gate)

    def _run_at_login(self, script: str) -> None:
        (self._login / "sshrc").write_text(f"{script}\n")

    # What runs on it

    def sessions(self) -> set[int]:
        """Return the processes of its connections."""
        return {
            pid
            for pid in self._namespaces.processes()
            if processes.name_of(pid).startswith("sshd") and pid != self.server.pid
        }

    def commands(self) -> set[int]:
        """Return the processes that run for its users."""
        return {
            pid
            for pid in self._namespaces.processes()
            if not processes.name_of(pid).startswith("sshd")
        }

    def send(self, number: signal.Signals, pids: set[int]) -> None:
        """Send a signal to some of its processes."""
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def stop_sessions(self) -> None:
        """Stop the server's processes of all connections."""
        self.send(signal.SIGSTOP, self.sessions())

    def resume_sessions(self) -> None:
        """Let them go on."""
        self.send(signal.SIGCONT, self.sessions())

    def kill_sessions(self) -> None:
        """Kill the server's processes of all connections."""
        self.send(signal.SIGKILL, self.sessions())

    def stop_commands(self) -> None:
        """Stop all calculators."""
        self.send(signal.SIGSTOP, self.commands())

    def resume_commands(self) -> None:
        """Let them go on."""
        self.send(signal.SIGCONT, self.commands())

    def kill_commands(self) -> None:
        """Kill all calculators."""
        self.send(signal.SIGKILL, self.commands())
