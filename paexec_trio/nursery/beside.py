"""Services beside a run of a program: loaded only if there are any."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

import trio

from paexec_trio.core.events import NodesWanted
from paexec_trio.core.visible import diagnostic
from paexec_trio.nursery.following import Following
from paexec_trio.nursery.looking import busy_of, total_of
from paexec_trio.nursery.results import Statistics

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence

    from paexec_trio.core.overview import BusyNode
    from paexec_trio.nursery.following import FactChannel
    from paexec_trio.nursery.results import Total
    from paexec_trio.runtime.run import Run
    from paexec_trio.services.interface import Service

_TURNS = 2
"""Checkpoints after which each service has had its first turn, and follows the facts if it will."""


@final
class RunFacts:
    """The :class:`~paexec_trio.services.interface.Facts` of a run that prints its results.

    Args:
        run: the run.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._following = Following(run.streams.facts)

    @property
    def seconds(self) -> float:
        """For how many seconds the run has gone on; a stop by SIGTSTP does not count."""
        return self._run.seconds

    @property
    def has_statuses(self) -> bool:
        """Whether calculators say if a task succeeded."""
        return self._run.settings.graph is not None

    def statistics(self) -> Statistics:
        """Return how far the run is; nobody has to receive what it prints."""
        now = self._run.snapshot()
        return Statistics(now.done, now.failed, now.in_flight, now.waiting, 0, now.nodes)

    def total(self) -> Total | None:
        """Return how many tasks there are, or about how many if that is known."""
        return total_of(self._run.engine, self._run.streams.share_read())

    def busy(self) -> list[BusyNode]:
        """Return the nodes that hold tasks."""
        return busy_of(self._run.engine, self._run.host.pipe_times)

    def follow(self) -> FactChannel:
        """Return a channel of the facts of the run."""
        return self._following.follow()

    def end(self) -> None:
        """Say that the run is over."""
        self._following.end()

    def report(self, text: bytes) -> None:
        """Report one line on ``stderr``, behind the program's name; never blocks."""
        self._run.report(text)

    def want_nodes(self, nodes: Iterable[bytes], /) -> None:
        """Let the run have these nodes: start those that are missing, drain all others."""
        self._run.submit(NodesWanted(tuple(nodes)))

    async def wait_over(self) -> None:
        """Wait until the run is over."""
        await self._following.over.wait()


@trio.lowlevel.enable_ki_protection  # as in the loop
async def work_beside(
    services: Sequence[Service], work: Callable[[Run], Awaitable[None]], run: Run
) -> None:
    """Take the steps of a run by ``work``; let services run until it is over.

    Raises:
        Exception: as ``work`` raised it, and not in a group.
    """
    error: Exception | None = None
    facts = RunFacts(run)
    stream = run.streams.facts
    async with trio.open_nursery() as nursery:
        for service in services:
            nursery.start_soon(_guard, service, facts)
        if stream:
            for _ in range(_TURNS):
                await trio.lowlevel.checkpoint()
            stream.forget_history()
        try:
            await work(run)
        except Exception as raised:  # noqa: BLE001 (it is raised below)
            error = raised
        facts.end()
        nursery.cancel_scope.cancel()
    if error:
        raise error


async def _guard(service: Service, facts: RunFacts) -> None:
    """Run a service; report that it failed, which must not end the run."""
    try:
        await service(facts)
    except* Exception as errors:  # noqa: BLE001 (whatever it is, the results count for more)
        error: BaseException = errors
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        name = getattr(service, "__name__", type(service).__name__)
        text = f"{type(error).__name__}: {error}"
        facts.report(
            diagnostic(
                b"the service '%b' failed, the run goes on without it: %b",
                name.encode(),
                text.encode(errors="replace"),
            )
        )
