"""A head and its hosts, each with an sshd of its own, on links whose faults the test chooses."""

from __future__ import annotations

import os
import pwd
import shlex
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from conformance.harness import processes
from conformance.harness.network.host import Host
from conformance.harness.network.link import Link, Wire, new_seed
from conformance.harness.network.namespaces import Namespaces, NetworkError, close_all, find
from conformance.harness.network.server import PORT, make_key

if TYPE_CHECKING:
    from collections.abc import Sequence

_HOST = """\
Host {name}
HostName {address}
"""

# The key exchange is the quickest.
_EVERY_HOST = """\
Host *
Port {port}
HostKeyAlias test
User {user}
IdentityFile "{directory}/user_key"
IdentitiesOnly yes
IdentityAgent none
UserKnownHostsFile "{directory}/known_hosts"
GlobalKnownHostsFile /dev/null
StrictHostKeyChecking yes
KexAlgorithms curve25519-sha256
BatchMode yes
LogLevel ERROR
"""


class Network:
    """A head and its hosts. Nothing of it is left when the process ends that has made it.

    The head is another network of this machine: what is to reach the hosts calls ``ssh``.

    Args:
        names: those of the hosts; they are made of letters, digits and ``-``.
        seed: the seed of the losses of links, if it is to be a certain one.
    """

    def __init__(self, names: Sequence[str], seed: int | None = None) -> None:
        #: The seed of the losses of links.
        self.seed = new_seed() if seed is None else seed
        ip = find("ip", "iproute2")
        self.directory = Path(tempfile.mkdtemp(prefix="paexec-net-"))
        self._wire: Wire | None = None
        self.hosts: list[Host] = []
        self._head = Namespaces("")
        try:
            self._make_keys()
            self._head.await_ready()
            self._head.run(ip, "link", "set", "lo", "up")
            self._wire = Wire(self.seed, self._head)
            for name in names:
                directory = self.directory / name
                directory.mkdir()
                self.hosts.append(Host(name, directory, self._head))
            for number, host in enumerate(self.hosts, 1):
                host.namespaces.await_ready()
                host.link = Link(self._wire, number, self._head, host.namespaces, ip)
                host.server.start()
            for host in self.hosts:
                host.server.await_ready()
            #: The client, as the head runs it: a path, free of special characters.
            self.ssh = self._make_client()
        except BaseException:
            self.close()
            raise

    def _make_keys(self) -> None:
        for name in ("host_key", "another_key", "user_key"):
            make_key(self.directory / name)
        public = (self.directory / "host_key.pub").read_text()
        (self.directory / "known_hosts").write_text(f"test {public}")

    def _make_client(self) -> str:
        """Write a program that is called as ssh is, and runs that within the head."""
        config = self.directory / "ssh_config"
        user = pwd.getpwuid(os.geteuid()).pw_name
        hosts = "".join(_HOST.format(name=h.name, address=h.link.address) for h in self.hosts)
        rest = _EVERY_HOST.format(port=PORT, user=user, directory=self.directory)
        config.write_text(hosts + rest)
        words = [*self._head.enter("--net"), find("ssh", "openssh-client"), "-F", str(config)]
        self.programs.mkdir()
        program = self.programs / "ssh"
        program.write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n')
        program.chmod(0o755)
        return str(program)

    @property
    def programs(self) -> Path:
        """A directory for a search path: its ``ssh`` leads to the hosts."""
        return self.directory / "bin"

    @property
    def nodes(self) -> str:
        """The names of all hosts, as the value of ``-n``."""
        return " ".join(host.name for host in self.hosts)

    def clients(self) -> set[int]:
        """Return the processes of ssh that run within the head."""
        there = Path(self._head.network).readlink()
        return {
            pid
            for pid in processes.all_of_them()
            if processes.name_of(pid) == "ssh"
            and _network_of(pid) == there
            and processes.state_of(pid) != "Z"
        }

    def __enter__(self) -> Network:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End everything and remove what was written."""
        for host in self.hosts:
            host.close()
        close_all([self._head])
        if self._wire:
            self._wire.close()
        shutil.rmtree(self.directory, ignore_errors=True)


def _network_of(pid: int) -> Path | None:
    """Return the network namespace of a process; None if it is gone."""
    try:
        return Path(f"/proc/{pid}/ns/net").readlink()
    except OSError:
        return None


def why_not() -> str:
    """Return the reason why this machine has no test hosts; empty if it has."""
    try:
        with Network(["probe"]):
            pass
    except NetworkError as error:
        return str(error)
    except OSError as error:
        return f"cannot make the hosts: {error}"
    return ""
