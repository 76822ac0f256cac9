"""The interface between a run and its services."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import trio

    from paexec_trio.nursery.results import Statistics


class Facts(Protocol):
    """The view that a service has of a run, and its way to talk to the user.

    A :class:`~paexec_trio.Distributor` is one. A service never touches the run itself.
    """

    @property
    def seconds(self) -> float:
        """For how many seconds the run has gone on."""

    @property
    def has_statuses(self) -> bool:
        """Whether calculators say if a task succeeded."""

    def statistics(self) -> Statistics:
        """Return how far the run is."""

    def report(self, text: bytes) -> None:
        """Tell the user something, in one line; never blocks."""

    async def wait_over(self) -> None:
        """Wait until the run is over."""


class Service(Protocol):
    """A task beside a run: an async function, or an object that is called like one.

    It runs in the nursery of the run. It returns when the run is over, or is cancelled then. It
    must not shield itself from that for long: the end of the run waits for it.
    """

    async def __call__(self, facts: Facts, /, *, task_status: trio.TaskStatus[None] = ...) -> None:
        """Do the work of the service.

        Args:
            facts: the run.
            task_status: is told when the service is ready.
        """
