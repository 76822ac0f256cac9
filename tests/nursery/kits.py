"""Distributors over fakes in memory and over real processes, for the same tests.

Both have a calculator that does what its tasks say:

- ``hold NAME`` says that it has begun, and waits until the test releases it;
- ``die`` ends the node; ``big N`` is answered by N octets;
- with statuses, a task that begins with ``fail`` fails, and one that begins with ``neither`` has
  no status;
- all others are answered by themselves.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol, final

import trio

from paexec_trio import Distributor, Result, map_tasks, open_distributor
from paexec_trio.testing import FakeCalculator, NodeDied
from tests.runtime.harness import LIMIT, open_descriptors

DEATH = 3
"""The exit status of a node that dies."""

SCRIPT = """
while IFS= read -r task; do
    case $task in
        'hold '*) echo >"$PLACE/${task#hold }.begun"; read -r _ <"$PLACE/${task#hold }.go" ;;
        die) exit 3 ;;
        'big '*) head -c "${task#big }" /dev/zero | tr '\\0' x; echo ;;
    esac
    [ "${task#big }" != "$task" ] || printf '%s\\n' "$task"
    if [ "$STATUSES" ]; then
        case $task in fail*) echo failure ;; neither*) ;; *) echo success ;; esac
    fi
    printf '%s\\n' "$PAEXEC_EOT"
done
"""


class Kit(Protocol):
    """Calculators, and what a test does to them.

    Attributes:
        place: the directory of what it needs itself, perhaps none.
    """

    place: str

    def options(self, options: dict[str, Any]) -> dict[str, Any]:
        """Return the arguments of a distributor, completed by those of the calculators."""

    def hold(self, name: str) -> str:
        """Return a task that waits for ``release``."""

    async def begun(self, name: str) -> None:
        """Wait until a calculator works on the task that is held."""

    def release(self, name: str) -> None:
        """Let the task go on."""

    def left(self) -> list[str]:
        """Return the processes that are left of all runs of this kit."""

    def close(self) -> None:
        """Release what it holds."""


@final
class Fakes:
    """The :class:`Kit` of fakes in memory."""

    place = "nowhere"

    def __init__(self) -> None:
        self._begun: defaultdict[bytes, trio.Event] = defaultdict(trio.Event)
        self._go: defaultdict[bytes, trio.Event] = defaultdict(trio.Event)
        self._statuses = False

    def options(self, options: dict[str, Any]) -> dict[str, Any]:
        self._statuses = bool(options.get("statuses"))
        return {"command": FakeCalculator(self._answer), **options}

    async def _answer(self, node: bytes, task: bytes) -> bytes:  # noqa: ARG002
        word, _, rest = task.partition(b" ")
        output = task + b"\n"
        if task == b"die":
            raise NodeDied(DEATH)
        if word == b"hold":
            self._begun[rest].set()
            await self._go[rest].wait()
        elif word == b"big":
            output = b"x" * int(rest) + b"\n"
        if self._statuses and not task.startswith(b"neither"):
            output += b"failure" if task.startswith(b"fail") else b"success"
        await trio.lowlevel.checkpoint()
        return output

    def hold(self, name: str) -> str:
        return f"hold {name}"

    async def begun(self, name: str) -> None:
        await self._begun[name.encode()].wait()

    def release(self, name: str) -> None:
        self._go[name.encode()].set()

    def left(self) -> list[str]:
        return []

    def close(self) -> None:
        pass


@final
class Processes:
    """The :class:`Kit` of real processes."""

    def __init__(self) -> None:
        self.place = tempfile.mkdtemp()
        self._fds: dict[str, int] = {}

    def options(self, options: dict[str, Any]) -> dict[str, Any]:
        statuses = "yes" if options.get("statuses") else ""
        environment = {
            **os.environ,
            "PLACE": self.place,
            "STATUSES": statuses,
            "PAEXEC_EOT": "",
            **options.get("environment", {}),
        }
        return {"command": SCRIPT, **options, "environment": environment}

    def hold(self, name: str) -> str:
        for end in ("begun", "go"):
            path = f"{self.place}/{name}.{end}"
            os.mkfifo(path)
            # Both ends, so that neither calculators nor the test wait to open it.
            self._fds[f"{name}.{end}"] = os.open(path, os.O_RDWR | os.O_NONBLOCK)
        return f"hold {name}"

    async def begun(self, name: str) -> None:
        fd = self._fds[f"{name}.begun"]
        await trio.lowlevel.wait_readable(fd)
        os.read(fd, 100)

    def release(self, name: str) -> None:
        os.write(self._fds[f"{name}.go"], b"\n")

    def left(self) -> list[str]:
        mark = f"PLACE={self.place}".encode()
        return [process for process, variables in environments() if mark in variables]

    def close(self) -> None:
        for fd in self._fds.values():
            os.close(fd)
        shutil.rmtree(self.place)


def environments() -> Iterator[tuple[str, list[bytes]]]:
    """Yield each process that can be looked into, and its environment."""
    for path in Path("/proc").iterdir():
        if path.name.isdecimal():
            with suppress(OSError):
                yield path.name, (path / "environ").read_bytes().split(b"\0")


def zombies() -> list[str]:
    """Return the children of this process that ended and were not reaped."""
    found = []
    for path in Path("/proc/self/task").glob("*/children"):
        for child in path.read_text().split():
            with suppress(OSError):
                if ") Z " in Path(f"/proc/{child}/stat").read_text():
                    found.append(child)
    return found


KITS: dict[str, type[Kit]] = {"fakes": Fakes, "processes": Processes}


@contextmanager
def kit_of(name: str) -> Iterator[Kit]:
    """Yield a kit; at its end nothing may be left of its runs."""
    kit = KITS[name]()
    try:
        yield kit
        assert not kit.left()
    finally:
        kit.close()


def descriptors(kit: Kit) -> dict[str, str]:
    """Return the open descriptors, without those of the kit."""
    return {fd: to for fd, to in open_descriptors().items() if not to.startswith(kit.place)}


@contextmanager
def nothing_left(kit: Kit) -> Iterator[None]:
    """Check that a block leaves no process and no descriptor, however it ends."""
    before = descriptors(kit)
    try:
        yield
    finally:
        assert not kit.left()
        assert not zombies()
        assert descriptors(kit) == before


@asynccontextmanager
async def distributor(kit: Kit, **options: Any) -> AsyncIterator[Distributor]:
    """Open a distributor, with two nodes by default; nothing may be left of it."""
    options = kit.options({"nodes": 2, **options})
    with nothing_left(kit), trio.fail_after(LIMIT):
        async with open_distributor(**options) as run:
            yield run


@asynccontextmanager
async def mapped(
    kit: Kit, tasks: Any, **options: Any
) -> AsyncIterator[trio.abc.ReceiveChannel[Result]]:
    """Map tasks, with two nodes by default; nothing may be left of the run."""
    options = kit.options({"nodes": 2, **options})
    with nothing_left(kit), trio.fail_after(LIMIT):
        async with map_tasks(tasks, **options) as results:
            yield results
