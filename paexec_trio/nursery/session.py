"""Sessions: a distributor drives real processes, or the fakes of a test."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Protocol, final

import trio

from paexec_trio.nursery.loop import finish, work_in_company
from paexec_trio.runtime.entrance import Entrance
from paexec_trio.runtime.run import Run

if TYPE_CHECKING:
    from paexec_trio.core.commands import Exit
    from paexec_trio.core.engine import Engine
    from paexec_trio.core.events import Event
    from paexec_trio.core.settings import Settings
    from paexec_trio.nursery.options import Plan
    from paexec_trio.runtime.mailbox import Mailbox


class Session(Protocol):
    """One run from start to end: an engine and its world."""

    @property
    def engine(self) -> Engine | None:
        """The engine, while there is one."""

    @property
    def problem(self) -> bytes:
        """Why the run could not go on, if no node and no user was at fault; otherwise empty."""

    @property
    def result(self) -> Exit:
        """How a program that did nothing but this run should end."""

    def add(self, task_id: int, task: bytes) -> bool | None:
        """Give the run a task, if little follows from it.

        Returns:
            Whether the run has room for another one; ``None`` if nothing was done, and the caller
            has to submit a ``TaskAdded``.
        """

    def submit(self, event: Event) -> None:
        """Handle an event of the program, and carry out the commands that follow, at once."""

    async def serve(self, task_status: trio.TaskStatus[None]) -> None:
        """Start the run, and work until nothing of it is left.

        Args:
            task_status: is told when the run has started.
        """


class SessionMaker(Protocol):
    """Makes sessions without processes."""

    def make_session(self, settings: Settings, mailbox: Mailbox) -> Session:
        """Return a session that has not started.

        Args:
            settings: the nodes, and how tasks are framed.
            mailbox: takes the results.
        """


@final
class RealSession:
    """The :class:`Session` of real processes.

    Args:
        plan: the parts of the run.
        mailbox: takes the results.
    """

    def __init__(self, plan: Plan, mailbox: Mailbox) -> None:
        assert plan.launch  # noqa: S101 (a plan without is for another session)
        self._run = Run(plan.settings, plan.launch, streams=mailbox, environment=plan.environment)
        self._entrance = Entrance(self._run)
        self.add = self._entrance.add
        self.submit = self._entrance.submit

    @property
    def engine(self) -> Engine | None:
        """The engine, while there is one."""
        return self._run.engine

    @property
    def problem(self) -> bytes:
        """Why the run could not go on, if no node and no user was at fault; otherwise empty."""
        return self._run.problem

    @property
    def result(self) -> Exit:
        """How a program that did nothing but this run should end."""
        return self._run.result

    async def serve(self, task_status: trio.TaskStatus[None]) -> None:
        """Start the run, and work until nothing of it is left."""
        await finish(self._run, partial(work_in_company, entrance=self._entrance), task_status)
