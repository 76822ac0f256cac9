"""The interface between a run and its services."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable

    import trio

    from paexec_trio.core.overview import BusyNode
    from paexec_trio.nursery.following import FactChannel
    from paexec_trio.nursery.results import Statistics, Total


class Facts(Protocol):
    """The facts that a service may ask of a run, and its way to talk to the user.

    A :class:`~paexec_trio.Distributor` is one. :func:`~paexec_trio.serve` makes another one for its
    services. A service never touches the run itself.
    """

    @property
    def seconds(self) -> float:
        """The seconds since the run began; ``serve`` does not count a stop by SIGTSTP."""

    @property
    def has_statuses(self) -> bool:
        """Whether calculators say if a task succeeded."""

    def statistics(self) -> Statistics:
        """Return the numbers of tasks and the states of the nodes at this moment."""

    def total(self) -> Total | None:
        """Return how many tasks there are; an estimate while a file is being read.

        ``None`` if nothing is known. Nothing is read because of that.
        """

    def busy(self) -> list[BusyNode]:
        """Return the nodes that hold tasks. It looks at all of them, so do not call it often."""

    def follow(self) -> FactChannel:
        """Return a channel of what happens; :mod:`paexec_trio.core.facts` shows how to use it.

        If a service calls this before it first waits, it gets all facts from the beginning.

        Raises:
            RuntimeError: the run tells no facts, since it was not given the argument ``facts``.
        """

    def report(self, text: bytes) -> None:
        """Tell the user something, in one line; never blocks.

        A :class:`~paexec_trio.Distributor` logs the line to the logger ``paexec_trio``, at the
        level ``INFO``. :func:`~paexec_trio.serve` writes it to the run's standard error, behind
        the name of the program.
        """

    def want_nodes(self, nodes: Iterable[bytes], /) -> None:
        """Let the run have these nodes: start those that are missing, drain all others."""

    async def wait_over(self) -> None:
        """Wait until the run is over."""


class Service(Protocol):
    """A task beside a run: an async function, or an object that is called like one.

    A service that :func:`~paexec_trio.serve` starts is cancelled when the run is over, and may
    return earlier. It must not shield itself from that for long: the end of the run waits for it.
    A service in a nursery of yours is not cancelled. It has to return when ``facts.wait_over()``
    does.
    """

    async def __call__(self, facts: Facts, /, *, task_status: trio.TaskStatus[None] = ...) -> None:
        """Do the work of the service.

        Args:
            facts: the run.
            task_status: is told when the service is ready.
        """
