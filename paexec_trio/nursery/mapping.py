"""Runs over an iterable of tasks: one result per task."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Iterable
from contextlib import aclosing, asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, final

import trio

from paexec_trio.nursery.distributor import opened
from paexec_trio.nursery.errors import DistributorError, TaskRefusedError
from paexec_trio.nursery.options import plan_of
from paexec_trio.nursery.results import Result
from paexec_trio.runtime.mailbox import weight_of

if TYPE_CHECKING:
    from typing import Unpack

    from paexec_trio.nursery.distributor import Distributor
    from paexec_trio.nursery.options import Options
    from paexec_trio.nursery.texts import Text

_MOST_AHEAD = 1 << 26
"""Octets of results that wait for an earlier one, above which no further task is begun."""


def run_tasks(tasks: Iterable[Text], **options: Unpack[Options]) -> list[Result]:
    """Do all tasks, and return their results in the order of the tasks.

    This is for scripts: it calls ``trio.run``. Within a trio program use :func:`map_tasks`.

    Args:
        tasks: the tasks.
        options: see :class:`~paexec_trio.Options`.

    Raises:
        TypeError: an argument or a task has a type that cannot be used.
        ValueError: an argument has a value that cannot be used.
        DistributorError: the run could not go on, or a task cannot be given to a calculator.
    """
    return trio.run(partial(_collect, tasks, options))


async def _collect(tasks: Iterable[Text], options: Options) -> list[Result]:
    async with map_tasks(tasks, **options) as results:
        collected = [result async for result in results]
    collected.sort()  # by their ids
    return collected


@asynccontextmanager
async def map_tasks(
    tasks: Iterable[Text] | AsyncIterable[Text],
    *,
    keep_order: bool = False,
    **options: Unpack[Options],
) -> AsyncIterator[trio.abc.ReceiveChannel[Result]]:
    """Do all tasks; the block iterates over their results.

    The run takes a task from ``tasks`` when it has room for it, so ``tasks`` may be endless.
    Leaving the block early ends the run and gives up the tasks in flight. If ``tasks`` is an
    asynchronous generator, it is closed.

    Args:
        tasks: the tasks, an iterable or an asynchronous one.
        keep_order: give the results in the order of the tasks, not in that of their ends.
        options: see :class:`~paexec_trio.Options`.

    Yields:
        The channel of the results.

    Raises:
        TypeError: an argument or a task has a type that cannot be used.
        ValueError: an argument has a value that cannot be used.
        DistributorError: the run could not go on, or a task cannot be given to a calculator.
        Exception: an exception of ``tasks``. The results of the tasks before it come first.
        BaseExceptionGroup: both the block and ``tasks`` failed.
    """
    if isinstance(tasks, str | bytes) or not isinstance(tasks, Iterable | AsyncIterable):
        raise TypeError(f"tasks: expected an iterable of texts, not {tasks!r}")
    async with opened(plan_of(options), finishes=False) as (run, nursery):
        results = MappedResults(run, keep_order=keep_order)
        nursery.start_soon(results.feed, tasks)
        try:
            yield results
        except BaseException as error:
            if left := results.take_error_left():
                raise BaseExceptionGroup(_BOTH, [error, left]) from None
            raise
        if left := results.take_error_left():
            raise left


_BOTH = "the tasks of a run and the block that used it failed"


@final
class MappedResults(trio.abc.ReceiveChannel[Result]):
    """The results of a run over many tasks.

    Args:
        run: the run.
        keep_order: give the results in the order of the tasks.
    """

    def __init__(self, run: Distributor, *, keep_order: bool) -> None:
        self._run = run
        self._keep_order = run.results.passes_on = keep_order
        self._error: Exception | None = None
        # Whether the receiver knows that the run has failed.
        self._was_told = False
        # In order: the results that wait for an earlier one.
        self._held: dict[int, Result] = {}
        self._held_octets = 0
        self._next_id = 1
        self._turn = trio.Lock()
        self._caught_up = trio.lowlevel.ParkingLot()

    async def feed(self, tasks: Iterable[Text] | AsyncIterable[Text]) -> None:
        """Give the run all tasks. If that fails, ``receive`` raises the exception."""
        try:
            if isinstance(tasks, AsyncGenerator):
                async with aclosing(tasks):  # nobody else can close it
                    await self._feed_slowly(tasks)
            elif isinstance(tasks, AsyncIterable):
                await self._feed_slowly(tasks)
            else:
                await self._feed_fast(tasks)
        except Exception as error:  # noqa: BLE001 (it is raised again)
            # After a halt or a limit no more of them are wanted.
            if not (isinstance(error, trio.ClosedResourceError) and self._run.tasks.had_last):
                self._error = error
        self._run.tasks.close(is_whole=self._error is None)
        await trio.lowlevel.checkpoint()

    async def _feed_slowly(self, tasks: AsyncIterable[Text]) -> None:
        async for task in tasks:
            await self._wait_for_earlier()
            await self._run.tasks.send(task)

    async def _feed_fast(self, tasks: Iterable[Text]) -> None:
        channel = self._run.tasks
        for task in tasks:
            if self._held_octets > _MOST_AHEAD:
                await self._wait_for_earlier()
            if channel.has_room():
                channel.send_nowait(task)  # many at once, if many nodes are idle
            else:
                await channel.send(task)

    async def _wait_for_earlier(self) -> None:
        while self._held_octets > _MOST_AHEAD:
            await self._caught_up.park()

    async def receive(self) -> Result:
        """Return the next result; wait for it if necessary.

        Raises:
            trio.EndOfChannel: all tasks are done, and all results were received.
            trio.ClosedResourceError: the channel is closed.
            DistributorError: the run could not go on, or a task cannot be given to a calculator.
            Exception: an exception of the iterable of the tasks.
        """
        try:
            if self._keep_order:
                return await self._receive_in_order()
            return await self._run.results.receive()
        except trio.EndOfChannel:
            if left := self.take_error_left():
                raise left from None
            raise
        except DistributorError:
            self._was_told = True
            raise

    async def _receive_in_order(self) -> Result:
        receipts = self._run.results.receipts
        if receipts:
            receipts.come()
        # One receiver at a time: otherwise one would wait for a result that another one held.
        if self._turn.locked():
            await self._turn.acquire()
        else:
            await trio.lowlevel.checkpoint_if_cancelled()
            self._turn.acquire_nowait()
        try:
            if self._has_next():
                await trio.lowlevel.checkpoint()
            while not self._has_next():
                try:
                    result = await self._run.results.receive()
                except trio.EndOfChannel:
                    if not self._held:
                        raise
                    self._next_id = min(self._held)  # those before it have no result
                    break
                self._held[result.task_id] = result
                self._held_octets += weight_of(result)
            result = self._held.pop(self._next_id)
            if receipts and result.attempts:
                receipts.receive(trio.lowlevel.current_task(), result.task_id)
        finally:
            self._turn.release()
        self._next_id += 1
        self._held_octets -= weight_of(result)
        if self._held_octets <= _MOST_AHEAD:
            self._caught_up.unpark_all()
        return result

    def _has_next(self) -> bool:
        """Return whether the next result is there; tasks that were done before have none."""
        while self._run.was_skipped(self._next_id):
            self._next_id += 1
        return self._next_id in self._held

    def take_error_left(self) -> Exception | None:
        """Return the exception of :meth:`feed` if nobody was told of it; afterwards ``None``."""
        error, self._error = self._error, None
        is_of_run = isinstance(error, DistributorError) and not isinstance(error, TaskRefusedError)
        return None if is_of_run and self._was_told else error

    async def aclose(self) -> None:
        """Receive no more results."""
        self._held.clear()
        self._held_octets = 0
        self._caught_up.unpark_all()
        await self._run.results.aclose()
