"""The channels of a distributor."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn, final

import trio

from paexec_trio.nursery.results import Result

if TYPE_CHECKING:
    from collections.abc import Sequence

    from paexec_trio.core.commands import Deliver
    from paexec_trio.nursery.intake import Intake
    from paexec_trio.nursery.outcome import Outcome
    from paexec_trio.nursery.receipts import Receipts
    from paexec_trio.nursery.texts import Text
    from paexec_trio.runtime.mailbox import Mailbox


@final
class TaskChannel(trio.abc.SendChannel["Text"]):
    """The sending end of a run.

    Args:
        intake: takes the tasks.
    """

    def __init__(self, intake: Intake) -> None:
        self._intake = intake

    @trio.lowlevel.enable_ki_protection
    async def send(self, value: Text) -> None:
        """Give the run a task; wait while it has enough to do.

        A run has enough to do if its nodes hold as many tasks as they may, and as many again wait.

        Raises:
            TypeError: the value is neither ``str`` nor ``bytes`` nor a path.
            TaskRefusedError: no calculator can be given this task.
            trio.ClosedResourceError: the channel is closed.
            trio.BrokenResourceError: the run was cancelled.
            DistributorError: the run could not go on.
        """
        intake = self._intake
        task = intake.check(value)
        await trio.lowlevel.checkpoint_if_cancelled()
        if intake.skip(task) is not None:
            await trio.lowlevel.cancel_shielded_checkpoint()
        elif intake.has_room():
            intake.give(task)
            await trio.lowlevel.cancel_shielded_checkpoint()
        else:
            await intake.wait_for_room()
            if intake.skip(task) is None:  # others had their turn
                intake.give(task)

    @trio.lowlevel.enable_ki_protection
    def send_nowait(self, value: Text) -> None:
        """Give the run a task like ``send``, but never wait.

        Raises:
            trio.WouldBlock: the run has enough to do.
        """
        task = self._intake.check(value)
        if self._intake.skip(task) is not None:
            return
        if not self._intake.has_room():
            raise trio.WouldBlock
        self._intake.give(task)

    def has_room(self) -> bool:
        """Return whether ``send_nowait`` would give the run a task.

        Raises:
            trio.ClosedResourceError: the channel is closed.
            DistributorError: the run could not go on.
        """
        return self._intake.has_room()

    @property
    def had_last(self) -> bool:
        """Whether a halt or a limit keeps the run from taking tasks."""
        return self._intake.had_last_task

    @trio.lowlevel.enable_ki_protection
    async def aclose(self) -> None:
        """End the input: no more tasks come."""
        self.close(is_whole=True)
        await trio.lowlevel.checkpoint()

    def close(self, *, is_whole: bool) -> None:
        """Do what ``aclose`` does, without a checkpoint.

        Args:
            is_whole: whether nothing kept the program from giving all its tasks.
        """
        self._intake.end(is_whole=is_whole)


@final
class _Receiver:
    """A trio task that waits for a result.

    A result is given to one receiver, so nobody else can take it before that task has its turn.
    """

    __slots__ = ("result", "task")

    def __init__(self) -> None:
        self.task = trio.lowlevel.current_task()
        self.result: Result | None = None


@final
class ResultChannel(trio.abc.ReceiveChannel[Result]):
    """The receiving end of a run. Results come in the order in which tasks end.

    Args:
        mailbox: keeps the results that wait.
        outcome: knows whether more results can come.
        nodes: the names of the nodes; nodes that join are added.

    Attributes:
        is_closed: whether no result is wanted any more.
        passes_on: whether a result that is received goes to somebody who has not received it yet.
        receipts: are told who has received what; ``None``: nobody wants to know.
    """

    def __init__(self, mailbox: Mailbox, outcome: Outcome, nodes: Sequence[bytes]) -> None:
        self._mailbox = mailbox
        self._outcome = outcome
        self._nodes = nodes
        self._receivers: dict[_Receiver, None] = {}  # an ordered set
        self.is_closed = False
        self.passes_on = False
        self.receipts: Receipts | None = None

    @trio.lowlevel.enable_ki_protection
    async def receive(self) -> Result:
        """Return the next result; wait for it if necessary.

        If the run fails, the results that came before are received first. Then the error is raised.

        Raises:
            trio.EndOfChannel: the run is over, and all results were received.
            trio.ClosedResourceError: the channel is closed.
            trio.BrokenResourceError: the run was cancelled.
            DistributorError: the run could not go on, or its results cannot be trusted.
        """
        await trio.lowlevel.checkpoint_if_cancelled()
        if self.receipts and not self.passes_on:
            self.receipts.come()
        if self._mailbox.results and not self.is_closed:
            result = self._received(self._mailbox.take())
            await trio.lowlevel.cancel_shielded_checkpoint()
            return result
        self._raise_if_ended()
        receiver, receivers = _Receiver(), self._receivers

        def abort(_: object) -> trio.lowlevel.Abort:
            del receivers[receiver]
            return trio.lowlevel.Abort.SUCCEEDED

        receivers[receiver] = None
        await trio.lowlevel.wait_task_rescheduled(abort)
        if receiver.result is None:
            if self._outcome.was_cut:
                await trio.lowlevel.checkpoint_if_cancelled()
            self._raise_end()
        return receiver.result

    @trio.lowlevel.enable_ki_protection
    def receive_nowait(self) -> Result:
        """Return the next result like ``receive``, but never wait.

        Raises:
            trio.WouldBlock: no result waits.
        """
        if self.receipts:
            self.receipts.come()
        if self._mailbox.results and not self.is_closed:
            return self._received(self._mailbox.take())
        self._raise_if_ended()
        raise trio.WouldBlock

    def _raise_if_ended(self) -> None:
        if self.is_closed or self._outcome.is_decided:
            self._raise_end()

    def _raise_end(self) -> NoReturn:
        if self.is_closed:
            raise trio.ClosedResourceError("the results are closed")
        self._outcome.raise_error()
        raise trio.EndOfChannel

    def _received(self, delivered: Deliver, receiver: trio.lowlevel.Task | None = None) -> Result:
        if self.receipts and not self.passes_on and delivered.attempts:
            receiver = receiver or trio.lowlevel.current_task()
            self.receipts.receive(receiver, delivered.task_id)
        return self.result_of(delivered)

    def result_of(self, delivered: Deliver) -> Result:
        """Return the public form of a result."""
        return Result(
            delivered.task_id,
            delivered.task,
            delivered.output,
            delivered.status,
            self._nodes[delivered.node] if delivered.attempts else b"",
            delivered.attempts,
            delivered.seconds,
            delivered.exit_status,
            delivered.reason.decode(),
            delivered.stderr,
        )

    @trio.lowlevel.enable_ki_protection
    async def aclose(self) -> None:
        """Drop the results that wait, and all that will come. Their tasks are still done."""
        self.close()
        await trio.lowlevel.checkpoint()

    @trio.lowlevel.enable_ki_protection
    def close(self, *, are_wanted: bool = False) -> None:
        """Do what ``aclose`` does, without a checkpoint.

        Args:
            are_wanted: whether the results are dropped although they are wanted: a resumed run has
                to do their tasks again.
        """
        self.is_closed = True
        self._mailbox.discard(are_wanted=are_wanted)
        self.release()

    def put(self, delivered: Deliver) -> None:
        """Give a result to the receiver that has waited longest, or keep it."""
        receivers = self._receivers
        if receivers:
            receiver = next(iter(receivers))
            del receivers[receiver]
            receiver.result = self._received(delivered, receiver.task)
            trio.lowlevel.reschedule(receiver.task)
        else:
            self._mailbox.keep(delivered)

    def release(self) -> None:
        """Wake all receivers: no more results come."""
        for receiver in self._receivers:
            trio.lowlevel.reschedule(receiver.task)
        self._receivers.clear()
