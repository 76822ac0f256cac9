"""Real runs, with the test at the other ends of their pipes."""

from __future__ import annotations

import os
import select
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import final

import trio

from paexec_trio.core.calculators import Calculator
from paexec_trio.core.commands import Exit
from paexec_trio.core.launch import Launch
from paexec_trio.core.settings import GRACES, Graces, Settings
from paexec_trio.nursery.loop import serve
from paexec_trio.runtime.run import Run

LIMIT = 60
"""Seconds after which a test gives up. Nothing is waited for by time alone."""

ECHO = b'while IFS= read -r task; do printf "%s\\n\\n" "$task"; done'
"""A calculator whose result is the task."""

PIDS = b'while read -r task; do echo "$$"; echo; done'
"""A calculator whose result is the id of its process."""


@final
class Conversation:
    """A run in progress: what the test writes are tasks, what it reads are results."""

    def __init__(self, tasks: int, results: int) -> None:
        self._tasks = trio.lowlevel.FdStream(tasks)
        self._results = trio.lowlevel.FdStream(results)
        self._received = bytearray()
        self._outcome: Exit | None = None
        self._over = trio.Event()
        self._scope = trio.CancelScope()

    async def feed(self, data: bytes) -> None:
        await self._tasks.send_all(data)

    async def end_input(self) -> None:
        await self._tasks.aclose()

    async def stop_reading(self) -> None:
        """Close the reader's end of the run's standard output."""
        await self._results.aclose()

    async def line(self) -> bytes:
        """Return the next line that the run prints, without its newline."""
        while b"\n" not in self._received:
            chunk = await self._results.receive_some()
            assert chunk, f"the output ended after {bytes(self._received)!r}"
            self._received += chunk
        line, _, self._received = self._received.partition(b"\n")
        return bytes(line)

    async def rest(self) -> bytes:
        """Return what the run prints from now on to its end."""
        async for chunk in self._results:
            self._received += chunk
        rest = bytes(self._received)
        self._received.clear()
        return rest

    async def outcome(self) -> Exit:
        """Wait for the end of the run."""
        await self._over.wait()
        assert self._outcome is not None, "the run was cancelled"
        return self._outcome

    async def cancel(self) -> None:
        """Cancel the run and wait until it is over."""
        self._scope.cancel()
        await self._over.wait()
        assert self._outcome is None
        assert self._scope.cancelled_caught

    async def finish(self) -> tuple[bytes, Exit]:
        """End the input; return the rest of the output and how the run ended."""
        await self.end_input()
        return await self.rest(), await self.outcome()

    async def play(
        self, settings: Settings, launch: Launch, stdin: int, stdout: int, stderr: int
    ) -> None:
        """Carry out the run and close its ends of the pipes."""
        try:
            with self._scope:
                self._outcome = await serve(
                    Run(settings, launch, stdin=stdin, stdout=stdout, stderr=stderr)
                )
        finally:
            os.close(stdin)
            os.close(stdout)
            self._over.set()

    async def aclose(self) -> None:
        await self._tasks.aclose()
        await self._results.aclose()


@asynccontextmanager
async def conversation(
    command: bytes = ECHO,
    *,
    nodes: int = 1,
    settings: Settings | None = None,
    launch: Launch | None = None,
    stderr: int = 2,
    graces: Graces = GRACES,
) -> AsyncIterator[Conversation]:
    """Start a run with pipes as its standard input and output; cancel it at the end."""
    settings = settings or Settings(nodes=tuple(b"%d" % index for index in range(nodes)))
    stdin, tasks = os.pipe()
    results, stdout = os.pipe()
    talk = Conversation(tasks, results)
    with trio.fail_after(LIMIT):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(
                talk.play,
                settings._replace(graces=graces),
                launch or Launch(Calculator(command)),
                stdin,
                stdout,
                stderr,
            )
            try:
                yield talk
            finally:
                with trio.CancelScope(shield=True):
                    await talk.aclose()
                nursery.cancel_scope.cancel()


@final
class Witness:
    """Watches a process that is not our child; kills it in the end if nobody else did."""

    def __init__(self, pid: bytes) -> None:
        self._pidfd = os.pidfd_open(int(pid))

    async def ended(self) -> None:
        """Wait until the process has ended."""
        await trio.lowlevel.wait_readable(self._pidfd)

    def wait(self) -> None:
        """Wait, without an event loop, until the process has ended."""
        assert select.select([self._pidfd], [], [], LIMIT)[0], "it is still there"

    def has_ended(self) -> bool:
        """Return whether it has ended, which for a child means that it was not reaped either."""
        try:
            signal.pidfd_send_signal(self._pidfd, 0)
        except ProcessLookupError:
            return True
        return False

    def close(self) -> None:
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
        os.close(self._pidfd)


def open_descriptors() -> dict[str, str]:
    """Return what each descriptor of this process refers to."""
    found: dict[str, str] = {}
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 (that of pathlib opens one more)
        with suppress(OSError):
            found[name] = os.readlink(f"/proc/self/fd/{name}")  # noqa: PTH115
    return found
