"""The sshd of a host in a network namespace."""

from __future__ import annotations

import os
import select
import signal
import subprocess
from contextlib import suppress
from typing import TYPE_CHECKING

from conformance.harness import processes
from conformance.harness.network.namespaces import PATIENCE, Namespaces, NetworkError, find

if TYPE_CHECKING:
    from pathlib import Path

#: One that a normal user may listen on, too.
PORT = 2222

_CONFIG = """\
Port {port}
HostKey "{key}"
AuthorizedKeysFile "{directory}/user_key.pub"
PidFile "{ready}"
SetEnv "HOME={home}"
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
PermitUserRC no
StrictModes no
UseDNS no
PrintMotd no
PrintLastLog no
MaxStartups 1000
MaxSessions 1000
LogLevel VERBOSE
"""


def make_key(path: Path) -> None:
    """Make a pair of keys."""
    keygen = find("ssh-keygen", "openssh-client")
    words = [keygen, "-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", str(path)]
    subprocess.run(words, check=True, stdin=subprocess.DEVNULL)


def _as_ourselves() -> list[str]:
    """Return words that run a server by the user of this process.

    A server of a normal user, who is root in the namespaces, would try to become somebody else.
    """
    if os.geteuid() == 0:
        return []
    mapping = [f"--map-user={os.geteuid()}", f"--map-group={os.getegid()}"]
    return [find("unshare", "util-linux"), "--user", *mapping, "--"]


class Server:
    """An sshd in namespaces of its own.

    Args:
        shared: the directory with the key of the user.
        directory: that of the host alone.
        namespaces: where it runs.
    """

    def __init__(self, shared: Path, directory: Path, namespaces: Namespaces) -> None:
        self._shared = shared
        self._directory = directory
        self._namespaces = namespaces
        self._ready = directory / "ready"
        self._log = directory / "log"
        self._process: subprocess.Popen[bytes] | None = None
        self._pid = 0

    def start(self, key: str = "host_key") -> None:
        """Start it; ``await_ready`` waits until it listens."""
        self._ready.unlink(missing_ok=True)
        os.mkfifo(self._ready)
        config = self._directory / "sshd_config"
        text = _CONFIG.format(
            port=PORT,
            key=self._shared / key,
            directory=self._shared,
            ready=self._ready,
            home=self._directory / "home",
        )
        config.write_text(text)
        server = [find("sshd", "openssh-server"), "-D", "-f", str(config), "-E", str(self._log)]
        self._process = subprocess.Popen(
            [*self._namespaces.enter(), *_as_ourselves(), *server],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            cwd="/",
        )

    def await_ready(self) -> None:
        """Wait until it listens: then it writes its PidFile, which is a FIFO."""
        assert self._process is not None
        fifo = os.open(self._ready, os.O_RDONLY | os.O_NONBLOCK)
        end = os.pidfd_open(self._process.pid)
        try:
            waiting = select.poll()
            waiting.register(fifo, select.POLLIN)
            waiting.register(end, select.POLLIN)
            if fifo not in dict(waiting.poll(PATIENCE * 1000)):
                raise NetworkError(f"sshd does not start: {self.log()}")
        finally:
            os.close(fifo)
            os.close(end)
        (self._pid,) = processes.children_of(self._process.pid)

    def log(self) -> str:
        """Return its log of connections."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def stop(self) -> None:
        """Let it neither accept connections nor answer; those that there are live on."""
        os.kill(self._pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on: nsenter, which stops with the program that it runs, resumes both."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)
        os.kill(self._pid, signal.SIGCONT)

    def close(self) -> None:
        """End it: its connections live on, new ones are refused."""
        if self._pid:
            with suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)
            self._pid = 0
        if self._process is not None:
            # nsenter stops with the program that it runs, and has to see its end.
            self._process.send_signal(signal.SIGCONT)
            self._process.wait(PATIENCE)
            self._process = None

    @property
    def pid(self) -> int:
        """The process that listens."""
        return self._pid

    def session_of(self, pid: int) -> int:
        """Return the process that has run ``pid``: when it dies, the connection is cut."""
        while pid and not processes.name_of(pid).startswith("sshd"):
            pid = processes.parent_of(pid)
        if not pid:
            raise LookupError("the process has no connection to this host")
        return pid
