"""The service behind ``--hostfile``."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

import trio

if TYPE_CHECKING:
    from paexec_trio.runtime.hostfile import Hostfile
    from paexec_trio.services.interface import Facts

PERIOD = 0.5
"""Seconds between two looks at the file."""

SETTLING = 0.1
"""Seconds for which a changed file has to stay the same: somebody may still be writing it."""


@final
class HostfileService:
    """Lets a run have the nodes that a file names, whenever the file is changed (HST-023).

    Read the file, and give its names to the run. Start the service in a nursery around the block of
    the run: ``nursery.start_soon(services.HostfileService(hostfile), run)``.

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
        read = self._hostfile.read_again
        names = await trio.to_thread.run_sync(read, abandon_on_cancel=True)
        if isinstance(names, bytes):
            facts.report(names)
        else:
            facts.want_nodes(names)
