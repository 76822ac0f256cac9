"""Namespaces of a host: held by a process, and gone with everything in them when it ends."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from conformance.harness import processes
from conformance.harness.outcome import InconclusiveError

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Seconds after which namespaces, servers or links that do not come count as broken.
PATIENCE = 60.0

#: Where ip and sshd are; the search path of a normal user need not lead there.
_SBIN = "/usr/sbin:/usr/local/sbin:/sbin"

# The first process of the namespaces ends with the test, whose end of the pipe is then closed.
_HOLD = """
{prepare}
echo ready
while read -r line; do :; done
"""


class NetworkError(InconclusiveError):
    """No network of hosts can be had; the text tells why."""


def find(program: str, package: str) -> str:
    """Return the path of a program that the hosts cannot do without."""
    path = shutil.which(program, path=f"{os.environ.get('PATH', os.defpath)}:{_SBIN}")
    if path is None:
        raise NetworkError(f"{program} is missing: install the Debian package {package}")
    return os.path.abspath(path)  # noqa: PTH100 (sshd wants to be called by an absolute path)


def _users(option: str) -> list[str]:
    """Return options for a namespace of users: without it only root could have the others."""
    return [] if os.geteuid() == 0 else ["--user", option]


class Namespaces:
    """Namespaces for the network, processes, mounts and the name of a host.

    They lie in those of ``outer``, if that is given, and end with these at the latest. For a normal
    user they lie in a namespace in which that user is root.

    Args:
        prepare: a shell script that is run in them first.
        outer: other namespaces.
    """

    def __init__(self, prepare: str, outer: Namespaces | None = None) -> None:
        unshare = [find("unshare", "util-linux"), "--net", "--pid", "--mount", "--uts"]
        unshare += ["--fork", "--kill-child", "--mount-proc"]
        if outer is None:
            unshare += _users("--map-root-user")
        script = _HOLD.format(prepare=prepare)
        self._process = subprocess.Popen(
            [*(outer.enter() if outer else []), *unshare, "/bin/sh", "-ec", script],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is for the test
        )
        self.pid = 0

    def await_ready(self) -> None:
        """Wait until they are there and prepared."""
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        if self._process.stdout.readline() != b"ready\n":
            said = self._process.stderr.read().decode(errors="replace").strip()
            self.close()
            raise NetworkError(f"cannot make network namespaces: {said}")
        #: The process that holds them, by its id outside of them.
        self.pid = self._process.pid
        while children := processes.children_of(self.pid):
            (self.pid,) = children

    @property
    def network(self) -> str:
        """The file that stands for the network namespace."""
        return f"/proc/{self.pid}/ns/net"

    def enter(self, *kinds: str) -> list[str]:
        """Return the words of a command line that runs its arguments in the namespaces.

        Args:
            kinds: options of nsenter that name some of the namespaces; all if there are none.
        """
        kinds = kinds or ("--net", "--pid", "--mount", "--uts")
        return [*self.enter_users(), *kinds, "--"]

    def enter_users(self) -> list[str]:
        """Return the words that have a command line run by the user who is root there."""
        words = [find("nsenter", "util-linux"), "--target", str(self.pid)]
        return words + _users("--preserve-credentials")

    def run(self, *words: str, feed: str = "") -> str:
        """Run a command in them; return its output."""
        done = subprocess.run(
            [*self.enter(), *words], input=feed, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise NetworkError(f"{' '.join(words)}: {done.stderr.strip()}")
        return done.stdout

    def processes(self) -> set[int]:
        """Return the living processes in them, but for the one that holds them."""
        mine = _namespace_of(self.pid)
        if not mine:
            return set()
        return {
            pid
            for pid in processes.all_of_them()
            if pid != self.pid and _namespace_of(pid) == mine and processes.state_of(pid) != "Z"
        }

    def close(self) -> None:
        """Kill everything in them."""
        if self.pid:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
        elif self._process.poll() is None:
            self._process.kill()
        self._process.wait(PATIENCE)
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe:
                pipe.close()
        self.pid = 0


def _namespace_of(pid: int) -> str:
    """Return the namespace of the ids of a process; empty if it is gone."""
    try:
        return str(Path(f"/proc/{pid}/ns/pid").readlink())
    except OSError:
        return ""


def close_all(namespaces: Iterable[Namespaces]) -> None:
    """Kill everything in several of them."""
    for each in namespaces:
        each.close()
