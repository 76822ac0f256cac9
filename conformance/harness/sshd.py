"""A real ssh to this machine: a server of the test's own and a client that knows only that server.

Keys and configuration are made for the occasion. Nothing in ``~/.ssh`` or ``/etc/ssh`` is used, and
everybody can run it: the server of a normal user lets in that user.
"""

from __future__ import annotations

import os
import pwd
import secrets
import select
import shlex
import shutil
import signal
import socket
import subprocess
from pathlib import Path

from conformance.harness import processes
from conformance.harness.outcome import InconclusiveError

#: Seconds after which a server or a login that does not come counts as broken.
_PATIENCE = 60.0

#: Marks the environment of every command that a server runs, so that those left can be found.
_MARK = "PAEXEC_CONFORMANCE_SSHD"

#: Where sshd is; the search path of a normal user need not lead there.
_SBIN = "/usr/sbin:/usr/local/sbin:/sbin"

_SERVER = """\
ListenAddress {address}:{port}
HostKey "{directory}/host_key"
AuthorizedKeysFile "{directory}/user_key.pub"
PidFile "{directory}/ready"
SetEnv "HOME={home}" "{mark}"
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

#: A host name at which nobody listens.
UNREACHABLE = "unreachable"

# Every other host is this one. The key exchange is the quickest.
_CLIENT = f"""\
Host {UNREACHABLE}
HostName 127.0.0.2
Host *
HostName {{address}}
HostKeyAlias test
User {{user}}
IdentityFile "{{directory}}/user_key"
IdentitiesOnly yes
IdentityAgent none
UserKnownHostsFile "{{directory}}/known_hosts"
GlobalKnownHostsFile /dev/null
StrictHostKeyChecking yes
KexAlgorithms curve25519-sha256
BatchMode yes
LogLevel ERROR
"""


class SshdError(InconclusiveError):
    """No server can be had; the text tells why."""


class Sshd:
    """A server at the loopback interface, at an address and on a port of its own.

    ``directory`` has to be empty and its own. Any host name but ``UNREACHABLE`` leads to the
    server. ``login_shell`` is the path of the shell that the account has there, by default the one
    that it has anyway; another one takes root.
    """

    def __init__(self, directory: Path, login_shell: str = "") -> None:
        self._directory = directory
        self._within = _with_login_shell(directory, login_shell) if login_shell else []
        #: The home directory of commands.
        self.home = directory / "home"
        #: The configuration of the client.
        self.config = directory / "ssh_config"
        self._mark = secrets.token_hex(8)
        self._address = _draw_address()
        self._log = directory / "log"
        self._server = _find("sshd", "openssh-server")
        #: The path of the client.
        self.program = _find("ssh", "openssh-client")
        self.home.mkdir()
        self._make_keys()
        self._configure_client()
        if os.geteuid() == 0:
            # The package makes this directory when it starts its own server.
            os.makedirs("/run/sshd", mode=0o755, exist_ok=True)  # noqa: PTH103
        self.port = 0
        self._process: subprocess.Popen[bytes] | None = self._start()
        try:
            self._log_in()
        except BaseException:
            self.close()
            raise

    def client(self, *options: str) -> list[str]:
        """The words of a command line that lacks a host and a command."""
        return [self.program, "-F", str(self.config), "-p", str(self.port), *options]

    def transport(self, *options: str) -> str:
        """The same as the value of ``-t``, quoted where that is needed."""
        return shlex.join(self.client(*options))

    def session_of(self, pid: int) -> int:
        """The server's process that has run ``pid``: when it dies, the connection is cut."""
        if pid in self.commands():
            while pid and not processes.name_of(pid).startswith("sshd"):
                pid = processes.parent_of(pid)
            if pid:
                return pid
        raise LookupError("the process has no connection to this server")

    def commands(self) -> set[int]:
        """The processes that were started through this server and run now."""
        return processes.with_variable(*self._variable)

    def log(self) -> str:
        """The server's log of its connections."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def go_down(self) -> None:
        """End the server and its connections, as if the host was switched off.

        But commands live on: they see the end of their input.
        """
        process, self._process = self._process, None
        if process is None:
            return
        # A server that is stopped starts no session that would be overlooked.
        os.kill(process.pid, signal.SIGSTOP)
        os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
        sessions = processes.descendants_of(process.pid) - self.commands()
        process.kill()
        process.wait()
        self._assert_gone(processes.kill(sessions, _PATIENCE))

    def come_up(self) -> None:
        """Start the server again, at the port that it had."""
        self._process = self._try_to_start()
        if self._process is None:
            raise SshdError(f"sshd does not start again: {self.log()}")

    def close(self) -> None:
        """End the server, its connections and everything that was started through them."""
        self.go_down()
        while commands := self.commands():
            self._assert_gone(processes.kill(commands, _PATIENCE))

    @staticmethod
    def _assert_gone(left: set[int]) -> None:
        if left:
            raise SshdError(f"processes of sshd cannot be killed: {sorted(left)}")

    @property
    def _variable(self) -> tuple[str, str]:
        return _MARK, self._mark

    def _make_keys(self) -> None:
        keygen = _find("ssh-keygen", "openssh-client")
        for name in ("host_key", "user_key"):
            path = str(self._directory / name)
            words = [keygen, "-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", path]
            subprocess.run(words, check=True, stdin=subprocess.DEVNULL)

    def _configure_client(self) -> None:
        public = (self._directory / "host_key.pub").read_text()
        (self._directory / "known_hosts").write_text(f"test {public}")
        user = pwd.getpwuid(os.geteuid()).pw_name
        text = _CLIENT.format(address=self._address, directory=self._directory, user=user)
        self.config.write_text(text)

    def _start(self) -> subprocess.Popen[bytes]:
        """Start it; a port that is drawn may be taken."""
        for _ in range(20):
            self.port = _draw_port()
            process = self._try_to_start()
            if process:
                return process
            if "Address already in use" not in self.log():
                break
        raise SshdError(f"sshd does not start: {self.log()}")

    def _try_to_start(self) -> subprocess.Popen[bytes] | None:
        """Start it and wait until it listens: then it writes its PidFile, which is a FIFO here."""
        ready = self._directory / "ready"
        ready.unlink(missing_ok=True)
        os.mkfifo(ready)
        self._log.unlink(missing_ok=True)
        config = self._directory / "sshd_config"
        text = _SERVER.format(
            address=self._address,
            port=self.port,
            directory=self._directory,
            home=self.home,
            mark="=".join(self._variable),
        )
        config.write_text(text)
        fifo = os.open(ready, os.O_RDONLY | os.O_NONBLOCK)
        process = subprocess.Popen(
            [*self._within, self._server, "-D", "-f", str(config), "-E", str(self._log)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
        )
        end = os.pidfd_open(process.pid)
        try:
            waiting = select.poll()
            waiting.register(fifo, select.POLLIN)
            waiting.register(end, select.POLLIN)
            if fifo in dict(waiting.poll(_PATIENCE * 1000)):
                return process
        finally:
            os.close(fifo)
            os.close(end)
        process.kill()
        process.wait()
        return None

    def _log_in(self) -> None:
        """Show that it lets us in, before tests fail for a reason that has to do with none."""
        try:
            done = subprocess.run(
                [*self.client(), "test", "echo in"],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_PATIENCE,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise SshdError(f"ssh does not end; log of sshd:\n{self.log()}") from error
        if done.stdout != b"in\n":
            said = (done.stdout + done.stderr).decode(errors="replace")
            raise SshdError(f"cannot log in by ssh: {said}\nlog of sshd:\n{self.log()}")


def _with_login_shell(directory: Path, shell: str) -> list[str]:
    """The words that start a program for which the account of this user has this shell."""
    if os.geteuid() != 0:
        raise SshdError("only root can give its account another shell")
    me = pwd.getpwuid(os.geteuid()).pw_name
    entries = [
        entry[: entry.rindex(":") + 1] + shell if entry.startswith(f"{me}:") else entry
        for entry in Path("/etc/passwd").read_text().splitlines()
    ]
    accounts = directory / "passwd"
    accounts.write_text("\n".join(entries) + "\n")
    mount = f'mount --bind {shlex.quote(str(accounts))} /etc/passwd && exec "$@"'
    return [_find("unshare", "util-linux"), "--mount", "sh", "-c", mount, "sh"]


def _draw_address() -> str:
    """Some address of the loopback interface, so that nobody takes the port while it is down."""
    numbers = (1 + secrets.randbelow(254) for _ in range(3))
    address = ".".join(map(str, (127, *numbers)))
    with socket.socket() as probe:
        try:
            probe.bind((address, 0))
        except OSError:  # the interface has one only
            return "127.0.0.1"
    return address


def _draw_port() -> int:
    """Some port below those that the system gives to connections, so that it can be had again."""
    return 20_000 + secrets.randbelow(12_000)


def _find(program: str, package: str) -> str:
    """The path of a program that the test cannot do without."""
    path = shutil.which(program, path=f"{os.environ.get('PATH', os.defpath)}:{_SBIN}")
    if path is None:
        raise SshdError(f"{program} is missing: install the Debian package {package}")
    return os.path.abspath(path)  # noqa: PTH100 (sshd wants to be called by an absolute path)
