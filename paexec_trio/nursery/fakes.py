"""Fake nodes in memory, for tests of programs that use a distributor."""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING, Any, final

import trio

from paexec_trio.core.commands import (
    CloseStdin,
    Command,
    Exit,
    KillNode,
    LeaveNode,
    Report,
    Send,
    SetDeadline,
    StartNode,
)
from paexec_trio.core.events import (
    DeadlinePassed,
    NodeEnded,
    NodeOutput,
    NodeReaped,
    NodeStarted,
    RunStarted,
    TimePassed,
)
from paexec_trio.core.framing import NEWLINE
from paexec_trio.nursery.texts import octets_of
from paexec_trio.runtime.pump import pump
from paexec_trio.runtime.timers import Timers

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from paexec_trio.core.events import Event
    from paexec_trio.core.settings import Settings
    from paexec_trio.nursery.texts import Text
    from paexec_trio.runtime.mailbox import Mailbox

_KILLED = -15
"""The exit status of a fake node that is killed."""


class NodeDied(Exception):  # noqa: N818 (it is what happens, not an error of the program)
    """Raised by ``answer`` of a :class:`FakeCalculator`: the node dies, and does not end the task.

    Args:
        status: its exit status; the negative number of a signal that has ended it.
    """

    def __init__(self, status: int = 1) -> None:
        super().__init__(status)
        self.status = status


@final
class FakeCalculator:
    """A calculator for tests. Give it as the ``command`` of a run.

    The run is a real one, with its order, back-pressure, deaths and restarts. Only the processes
    are fakes. Each node is a task of trio, so with ``autojump_clock`` a test that sleeps for an
    hour takes no time.

    Args:
        answer: returns the output for the name of a node and a task. A newline is added if the
            last line lacks it. A node calls it for one task at a time, and it may sleep. If it
            raises :exc:`NodeDied`, the node dies. Any other exception ends the run, and leaves the
            block of the run in a group.
    """

    def __init__(self, answer: Callable[[bytes, bytes], Awaitable[Text]]) -> None:
        self._answer = answer

    def make_session(self, settings: Settings, mailbox: Mailbox) -> FakeSession:
        """Return a session whose nodes are in memory."""
        return FakeSession(self._answer, settings, mailbox)


@final
class FakeSession:
    """The :class:`~paexec_trio.nursery.session.Session` of fake nodes.

    Args:
        answer: returns the output for a node and a task.
        settings: the nodes, and how tasks are framed.
        mailbox: takes the results.
    """

    problem = b""

    def __init__(
        self,
        answer: Callable[[bytes, bytes], Awaitable[Text]],
        settings: Settings,
        mailbox: Mailbox,
    ) -> None:
        self._answer = answer
        self._settings = settings
        self._mailbox = mailbox
        self.engine = mailbox.make_engine(settings, None)
        self.result = Exit()
        self._is_over = False
        self._token = trio.lowlevel.current_trio_token()
        self._timers = timers = Timers(trio.current_time)
        _, executors = mailbox.connect(self, timers)
        self._executors: dict[type[Command], Callable[[Any], None]] = {
            **executors,
            StartNode: self._start,
            Send: lambda command: self._nodes[command.node].send(command.data),
            CloseStdin: lambda command: self._nodes[command.node].close(),
            KillNode: lambda command: self._nodes[command.node].kill(),
            LeaveNode: lambda command: self._nodes[command.node].kill(),
            Report: lambda command: mailbox.report(command.text),
            SetDeadline: self._set_deadline,
        }
        self._nodes: dict[int, _FakeNode] = {}
        self._lives = 0
        self._pending: deque[Event] = deque()
        self._news = trio.Event()
        self._waiting_for_room = trio.lowlevel.ParkingLot()

    def add(self, task_id: int, task: bytes) -> None:
        """Return ``None``: fakes have no fast path."""

    def submit(self, event: Event) -> None:
        """Handle an event, and carry out what follows, at once."""
        self.emit(event)
        self._work()

    async def serve(self, task_status: trio.TaskStatus[None]) -> None:
        """Start the nodes, and go on until nothing of them is left."""
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            self.submit(RunStarted())
            task_status.started()
            while not self._is_over:
                due = self._timers.next(), self._mailbox.flush_at
                passes_at = min([at for at in due if at is not None], default=math.inf)
                with trio.move_on_at(passes_at):
                    await self._news.wait()
                self._news = trio.Event()
                for deadline in self._timers.passed():
                    self.emit(DeadlinePassed(deadline))
                self._work()
                self._mailbox.flush()
            nursery.cancel_scope.cancel()

    def emit(self, event: Event) -> None:
        """Let an event happen in the next step."""
        self._pending.append(event)
        self._news.set()

    def request(self, action: Callable[[], None]) -> None:
        """Carry out an action in the loop; may be called by another thread."""
        self._token.run_sync_soon(action)

    def wake(self) -> None:
        """End the wait that is under way."""
        self._news.set()

    def execute(self, command: Command) -> None:
        """Carry out a command."""
        self._executors[type(command)](command)

    def _work(self) -> None:
        while self._pending and not self._is_over:
            events = TimePassed(self._timers.now()), self._pending.popleft()
            outcome = pump(self.engine, self, events)
            if outcome:
                self.result = outcome
                self._is_over = True

    def _set_deadline(self, command: SetDeadline) -> None:
        self._timers.set(command.deadline, command.seconds)
        self._news.set()

    def _start(self, command: StartNode) -> None:
        self._lives += 1
        name = self.engine.snapshot().nodes[command.node].name
        node = self._nodes[command.node] = _FakeNode(command.node, name, self)
        self._nursery.start_soon(node.live, self._answer)
        self.emit(NodeStarted(command.node, self._lives))

    async def told(self, event: Event) -> None:
        """Handle an event of a node, but wait while too many results wait to be taken."""
        while self._mailbox.is_congested:
            self._mailbox.on_room = self._waiting_for_room.unpark_all
            await self._waiting_for_room.park()
        self.submit(event)

    @property
    def eot(self) -> bytes:
        """The end-of-task marker, as a line."""
        return self._settings.eot + NEWLINE


@final
class _FakeNode:
    """One life of a node."""

    def __init__(self, index: int, name: bytes, session: FakeSession) -> None:
        self._index = index
        self._name = name
        self._session = session
        self._sender, self._tasks = trio.open_memory_channel[bytes](math.inf)
        self._scope = trio.CancelScope()

    def send(self, data: bytes) -> None:
        """Write tasks to its standard input."""
        for task in data.removesuffix(NEWLINE).split(NEWLINE):
            self._sender.send_nowait(task)

    def close(self) -> None:
        """Close its standard input."""
        self._sender.close()

    def kill(self) -> None:
        """Send it a signal."""
        self._scope.cancel()

    async def live(self, answer: Callable[[bytes, bytes], Awaitable[Text]]) -> None:
        """Answer tasks until the input ends, or until it dies."""
        session = self._session
        status = _KILLED
        with self._scope:
            try:
                async for task in self._tasks:
                    output = octets_of("output", await answer(self._name, task))
                    if output and not output.endswith(NEWLINE):
                        output += NEWLINE
                    await session.told(NodeOutput(self._index, output + session.eot))
                status = 0
            except NodeDied as death:
                status = death.status
        session.submit(NodeEnded(self._index, exited=True))
        session.submit(NodeReaped(self._index, status=status))
