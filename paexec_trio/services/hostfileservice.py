"""The service behind ``--hostfile``."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

import trio

from paexec_trio.core.nodewords import NodeWordError
from paexec_trio.core.visible import diagnostic
from paexec_trio.runtime.hostfile import Hostfile

if TYPE_CHECKING:
    from paexec_trio.services.interface import Facts

PERIOD = 0.5
"""Seconds between two looks at the file."""

SETTLING = 0.1
"""Seconds for which a changed file has to stay the same: somebody may still be writing it."""


@final
class HostfileService:
    """Lets a run have the nodes that a file names, whenever the file is changed (HST-023).

    Args:
        hostfile: the file, which was read.
    """

    def __init__(self, hostfile: Hostfile) -> None:
        self._hostfile = hostfile

    async def __call__(
        self, facts: Facts, /, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Follow the file until the run is over."""
        task_status.started()
        async with trio.open_nursery() as nursery:
            if self._hostfile.is_regular:
                nursery.start_soon(self._follow, facts)
            await facts.wait_over()
            nursery.cancel_scope.cancel()

    async def _follow(self, facts: Facts) -> None:
        hostfile = self._hostfile
        while True:
            # In a thread: the file may be on a network, and groups may be asked of a program.
            if await trio.to_thread.run_sync(hostfile.has_changed, abandon_on_cancel=True):
                await self._wait_until_settled()
                await self._read(facts)
            await trio.sleep(PERIOD)

    async def _wait_until_settled(self) -> None:
        seen = None
        while (now := self._hostfile.look()) != seen:
            seen = now
            await trio.sleep(SETTLING)

    async def _read(self, facts: Facts) -> None:
        hostfile = self._hostfile
        try:
            names = await trio.to_thread.run_sync(hostfile.read, abandon_on_cancel=True)
        except NodeWordError as error:
            text = b"the hostfile '%b' was changed: "
            report = diagnostic(text, hostfile.path) + error.reason
            facts.report(report + b"; the nodes stay as they are")
        else:
            facts.want_nodes(names)


def hostfile(path: bytes | str) -> tuple[tuple[bytes, ...], HostfileService]:
    """Read a file of nodes; return their names, and a service that follows the file.

    ``names, follow = hostfile("hosts")``: give the names to the run, and start the service in a
    nursery around its block: ``nursery.start_soon(follow, run)``.

    Args:
        path: the path of the file.

    Raises:
        ValueError: it cannot be read, a line is bad, or there is no node.
    """
    file = Hostfile(path if isinstance(path, bytes) else path.encode())
    return file.read(), HostfileService(file)
