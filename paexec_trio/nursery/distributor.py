"""Distributors: a fleet of calculators as an object of a trio program."""

from __future__ import annotations

import os
from collections import abc
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, final

import trio

from paexec_trio.core.commands import Deliver
from paexec_trio.core.snapshot import Snapshot
from paexec_trio.core.status import Status
from paexec_trio.nursery.channels import ResultChannel, TaskChannel
from paexec_trio.nursery.errors import (
    DistributorError,
    TaskRefusedError,
    UnreceivedResultsError,
)
from paexec_trio.nursery.following import Following
from paexec_trio.nursery.intake import Intake
from paexec_trio.nursery.looking import busy_of, total_of
from paexec_trio.nursery.names import Names
from paexec_trio.nursery.nodechanges import NodeChanges
from paexec_trio.nursery.nodecontrol import NodeControl
from paexec_trio.nursery.options import Options, Plan, plan_of
from paexec_trio.nursery.outcome import Outcome
from paexec_trio.nursery.results import NodeChange, Result, Statistics
from paexec_trio.nursery.session import RealSession
from paexec_trio.nursery.texts import Text, octets_of
from paexec_trio.runtime.mailbox import Mailbox
from paexec_trio.runtime.records import Records

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable
    from typing import Unpack

    from paexec_trio.core.overview import BusyNode
    from paexec_trio.nursery.following import FactChannel
    from paexec_trio.nursery.results import Total
    from paexec_trio.nursery.session import Session


@asynccontextmanager
async def open_distributor(**options: Unpack[Options]) -> AsyncIterator[Distributor]:
    """Start calculators on nodes, and end them when the block is left.

    The run lives as long as the block. Leaving the block ends the input and waits until all tasks
    are done. If the block raises or is cancelled, the run is cancelled: calculators that do not end
    within the ``graces`` are killed. In each case no process is left.

    Args:
        options: see :class:`Options`.

    Yields:
        The distributor.

    Raises:
        TypeError: an argument has a type that cannot be used.
        ValueError: an argument has a value that cannot be used.
        DistributorError: the run could not go on. Each trio task that waits for the distributor
            gets this exception. If no task did, it is raised when the block is left.
        UnreceivedResultsError: the block was left before all results were received.
        BaseExceptionGroup: both the block and the run failed.
    """
    async with opened(plan_of(options), finishes=True) as (distributor, _):
        yield distributor


@asynccontextmanager
async def opened(plan: Plan, *, finishes: bool) -> AsyncIterator[tuple[Distributor, trio.Nursery]]:
    """Do the same as :func:`open_distributor`, but yield the nursery of the run, too.

    Args:
        plan: what the run consists of.
        finishes: whether leaving the block waits until all tasks are done; otherwise it ends the
            run.
    """
    distributor = Distributor(plan)
    try:
        async with _served(distributor, finishes=finishes) as nursery:
            yield distributor, nursery
    finally:
        distributor._release()  # noqa: SLF001


@asynccontextmanager
async def _served(distributor: Distributor, *, finishes: bool) -> AsyncIterator[trio.Nursery]:
    """Serve a run while a block uses it, and tell its errors apart from those of the block."""
    error: BaseException | None = None
    try:
        async with trio.open_nursery() as nursery:
            await nursery.start(distributor._serve)  # noqa: SLF001
            try:
                yield nursery
            except BaseException as raised:  # noqa: BLE001 (it is raised again below)
                error = raised
                nursery.cancel_scope.cancel()
            else:
                if distributor.results.receipts:
                    distributor.results.receipts.settle()
                if finishes:
                    distributor._leave()  # noqa: SLF001
                else:
                    nursery.cancel_scope.cancel()
    except BaseExceptionGroup as group:
        # If one of them has failed, it is no news that the other was cancelled because of that.
        failure, crash = _without_cancelled(error), _without_cancelled(group)
        if error is None or (crash and failure is None):
            ending = _ending_of_program(crash)
            if ending:
                raise ending from None
            raise
        if isinstance(crash, BaseExceptionGroup):
            raise BaseExceptionGroup(_BOTH, [error, *crash.exceptions]) from None
    left = distributor._error_left()  # noqa: SLF001
    if error and left:
        raise BaseExceptionGroup(_BOTH, [error, left])
    if error or left:
        raise error or left  # type: ignore[misc]


_BOTH = "a run and the block that used it failed"


def _without_cancelled(error: BaseException | None) -> BaseException | None:
    if isinstance(error, BaseExceptionGroup):
        return error.split(trio.Cancelled)[1]
    return None if isinstance(error, trio.Cancelled) else error


def _ending_of_program(crash: BaseException | None) -> BaseException | None:
    """Return the interrupt or exit that a task of the run raised, if nothing else was raised.

    The caller of ``run_tasks`` expects neither in a group.
    """
    while isinstance(crash, BaseExceptionGroup) and len(crash.exceptions) == 1:
        crash = crash.exceptions[0]
    return crash if isinstance(crash, KeyboardInterrupt | SystemExit) else None


def _open_records(plan: Plan, outcome: Outcome) -> Records | None:
    """Return what a run keeps besides its results, ``None`` if that is nothing."""
    if not plan.settings.has_records:
        return None
    try:
        return Records(plan.settings, plan.stderr, outcome.log)
    except OSError as error:
        raise DistributorError(error.strerror) from None


@final
class _Call:
    """A call that waits for its result."""

    def __init__(self) -> None:
        self.delivered: Deliver | None = None
        self.done = trio.Event()


@final
class Distributor(NodeControl):
    """A run, as the block of :func:`open_distributor` sees it.

    The run and the program share one thread, and a step of the run never waits. So the request of
    a method is handled at once, in the task that calls it. A method waits only for nodes.

    Args:
        plan: the parts of the run.

    Attributes:
        tasks: the channel that takes tasks. ``send`` waits while the run has enough to do. Closing
            the channel ends the input.
        results: the channel that gives the results, in the order in which tasks end.
        has_statuses: whether calculators say if a task succeeded.
    """

    def __init__(self, plan: Plan) -> None:
        settings = plan.settings
        self._outcome = outcome = Outcome(settings.program)
        records = _open_records(plan, outcome)
        past = records.log.past if records and records.log else None
        self._intake = Intake(plan, outcome, past)
        self._changes = changes = NodeChanges(settings.nodes)
        self._mailbox = mailbox = Mailbox(
            plan.stderr,
            self._arrived,
            self._intake.open,
            changes.tell,
            self._reported,
            records,
            plan.facts,
        )
        self._following = Following(plan.facts)
        self.has_statuses = settings.graph is not None
        self.tasks = TaskChannel(self._intake)
        self.results = ResultChannel(mailbox, outcome, changes.names)
        if records and records.log:
            from paexec_trio.nursery.receipts import Receipts

            self.results.receipts = Receipts(records.log.received)
        self._session: Session = (
            plan.maker.make_session(settings, mailbox) if plan.maker else RealSession(plan, mailbox)
        )
        self._intake.session = self._session
        self._names = Names()
        self._calls: dict[int, _Call] = {}
        self._last = Snapshot(0, 0, 0, 0, ())
        self._was_left = False
        self._began = trio.current_time()

    # What a program does

    @trio.lowlevel.enable_ki_protection
    async def call(self, task: Text) -> Result:
        """Give the run a task, and return its result, which :attr:`results` does not get.

        If the call is cancelled, its task is still done, and the result is dropped.

        Raises:
            TypeError: the task is neither ``str`` nor ``bytes`` nor a path.
            TaskRefusedError: no calculator can be given this task.
            trio.ClosedResourceError: the input has ended.
            trio.BrokenResourceError: the run was cancelled.
            DistributorError: the run could not go on.
        """
        octets = self._intake.check(task)
        await self._intake.wait_for_room()
        if self._intake.skip(octets) is not None:
            self._intake.pass_on()
            raise TaskRefusedError(f"task {octets!r} was done in an earlier run; it has no result")
        this = self._calls[self._intake.next_id] = _Call()
        self._intake.give(octets)
        await this.done.wait()
        if this.delivered is None:
            await trio.lowlevel.checkpoint_if_cancelled()
            self._outcome.raise_error()
            raise trio.ClosedResourceError("the run has ended")
        return self.results.result_of(this.delivered)

    @trio.lowlevel.enable_ki_protection
    async def add(self, task: Text, *, after: Iterable[Text] = ()) -> int:
        """Add a task that others may depend on, and that may depend on others.

        The task is dispatched when all tasks in ``after`` have succeeded. If one of them does not
        succeed, the task is not run: its result has the status ``NOT_RUN``. Without ``statuses``
        every task that is done has succeeded.

        A task that has to wait for others is taken at once. Otherwise this method waits for room,
        as ``tasks.send`` does. The run remembers the added tasks until it ends.

        Args:
            task: the task. No equal task was added before.
            after: the tasks that it depends on. Each of them was added before.

        Returns:
            The id of the task, as in its result.

        Raises:
            TypeError: a task is neither ``str`` nor ``bytes`` nor a path.
            TaskRefusedError: no calculator can be given this task, it was added before, or it
                depends on a task that was not added or did not succeed.
            trio.ClosedResourceError: the input has ended.
            trio.BrokenResourceError: the run was cancelled.
            DistributorError: the run could not go on.
        """
        octets = self._intake.check(task)
        if isinstance(after, str | bytes | os.PathLike) or not isinstance(after, abc.Iterable):
            raise TypeError(f"after: expected several texts, not {after!r}")
        names = [octets_of("after", other) for other in after]
        self._intake.raise_if_ended()
        has_to_wait = bool(self._names.resolve(octets, names))
        waited = await self._intake.wait_for_room(is_needed=not has_to_wait)
        try:
            # Again: others had their turn.
            ids = self._names.resolve(octets, names)
            succeeded = self._intake.skip(octets, has_to_wait=bool(ids))
        except TaskRefusedError:
            self._intake.pass_on()
            raise
        if succeeded is None:
            # Before it is given: its result may come with it.
            self._names.added(octets, self._intake.next_id)
            task_id = self._intake.give(octets, ids)
        else:
            task_id = self._intake.next_id - 1
            self._names.added(octets, task_id)
            self._names.done(task_id, Status.SUCCESS if succeeded else Status.FAILURE, ())
            self._intake.pass_on()
        if not waited:
            await trio.lowlevel.cancel_shielded_checkpoint()
        return task_id

    def was_skipped(self, task_id: int) -> bool:
        """Return whether a task was done in an earlier run, and has no result."""
        return self._intake.was_skipped(task_id)

    @trio.lowlevel.enable_ki_protection
    def statistics(self) -> Statistics:
        """Return the numbers of tasks and the states of the nodes at this moment."""
        now = self._snapshot()
        return Statistics(
            now.done, now.failed, now.in_flight, now.waiting, len(self._mailbox), now.nodes
        )

    @trio.lowlevel.enable_ki_protection
    def changes(self) -> trio.MemoryReceiveChannel[NodeChange]:
        """Return a channel that gives each change of a node from now on, and ends with the run.

        The channel keeps all changes that wait. Close it when you want no more of them.
        """
        return self._changes.watch(is_over=self._outcome.is_decided)

    @trio.lowlevel.enable_ki_protection
    def follow(self) -> FactChannel:
        """Return a channel of what happens in the run, for which it needs the option ``facts``.

        The first call gives all facts from the beginning of the run, later ones those from now on.

        Raises:
            RuntimeError: the run tells no facts.
        """
        channel = self._following.follow()
        channel.forget_history()
        return channel

    def _snapshot(self) -> Snapshot:
        engine = self._session.engine
        if engine:
            self._last = engine.snapshot()
        return self._last

    # What services ask, besides the statistics

    @property
    def seconds(self) -> float:
        """For how many seconds the run has gone on."""
        return trio.current_time() - self._began

    def total(self) -> Total | None:
        """Return how many tasks there are, when the input has ended."""
        return total_of(self._session.engine, None)

    def busy(self) -> list[BusyNode]:
        """Return the nodes that hold tasks; the ages of these are not known."""
        return busy_of(self._session.engine, lambda _: None)

    def report(self, text: bytes) -> None:
        """Log one line of a service, at the level ``INFO``."""
        self._outcome.log(text)

    async def wait_over(self) -> None:
        """Wait until nothing of the run is left."""
        await self._following.over.wait()

    # What the run does

    def _arrived(self, delivered: Deliver) -> None:
        """Give a result to the call that waits for it, or to the channel."""
        if self._calls and (call := self._calls.pop(delivered.task_id, None)):
            self._mailbox.received(delivered)
            call.delivered = delivered
            call.done.set()
        else:
            self.results.put(delivered)
        if not self._names:
            return
        for task_id, task in self._names.done(
            delivered.task_id, delivered.status, delivered.dropped
        ):
            self.results.put(Deliver(task_id, task, b"", -1, status=Status.NOT_RUN, attempts=0))

    def _reported(self, text: bytes) -> None:
        """Log a diagnostic, unless the error of the run will say the same."""
        session = self._session
        fault = session.engine.fault if session.engine else None
        reason = fault.reason if fault else session.problem
        # The reason of a death gets its exit status when that is known.
        if not (reason and (text.endswith(reason) or reason.startswith(text))):
            self._outcome.report(text)

    # The life of the run

    @trio.lowlevel.enable_ki_protection
    async def _serve(
        self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Run until nothing of the run is left; then wake all tasks that wait for it."""
        was_cut = True
        try:
            await self._session.serve(task_status)
            was_cut = False
        finally:
            self._mailbox.close()
            self._snapshot()
            self._outcome.decide(self._session, was_cut=was_cut)
            self._intake.release()
            self.results.release()
            for call in self._calls.values():
                call.done.set()
            self._changes.end()
            self._following.end()

    @trio.lowlevel.enable_ki_protection
    def _leave(self) -> None:
        """End the input and drop the results that come: the block is left."""
        self._intake.end()
        if not self.results.is_closed:
            self._was_left = True
            self.results.close(are_wanted=True)

    def _release(self) -> None:
        """Release the files of the run: nothing can be received any more."""
        if self._mailbox.records:
            self._mailbox.records.close()

    def _error_left(self) -> Exception | None:
        """Return the error of the run if no task was told of it."""
        records = self._mailbox.records
        problem = records.problem if records else b""
        error = self._outcome.error_for_nobody() or self._intake.error
        if error is None and problem:
            error = DistributorError(os.fsdecode(problem))
        if error is None and self._was_left and self._mailbox.dropped:
            return UnreceivedResultsError(self._mailbox.dropped)
        return error
