"""The pipes of a calculator: tasks in, results out."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, final

from paexec_trio.core.commands import Command, Send
from paexec_trio.core.execmode import ExecFramer, ExecMode, call, preamble
from paexec_trio.core.framing import NEWLINE, ResultFramer
from paexec_trio.core.states import NodeState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from paexec_trio.core.nodes import Node
    from paexec_trio.core.settings import Settings


@final
class Wire:
    """Sends tasks to nodes, and gives each process of a node the framer of its results.

    A calculator reads a line per task. With ``-x`` it is a shell, which reads a call per task.

    Args:
        settings: how tasks and results are framed.
        commands: the list that all parts of the engine share.
        exec_mode: see the attribute.

    Attributes:
        exec_mode: how a command is run per task; ``None`` if tasks are sent to calculators.
        nonce: letters and digits that no command can guess, for ``-x``.
    """

    def __init__(
        self, settings: Settings, commands: list[Command], exec_mode: ExecMode | None = None
    ) -> None:
        self._settings = settings
        self._commands = commands
        self.exec_mode = exec_mode
        self.nonce = b""
        # The nodes whose shells were told what to do with tasks.
        self._prepared: set[int] = set()

    def connect(self, node: Node) -> None:
        """Expect results of a new process of the node."""
        if not self.exec_mode:
            return
        graph = self._settings.graph
        self._prepared.discard(node.index)
        node.framer = ExecFramer(
            self.nonce,
            discard_output=self.exec_mode.discard_output,
            success=graph.success + NEWLINE if graph else b"",
            failure=graph.failure + NEWLINE if graph else b"",
            limit=self._settings.line_limit,
        )

    def disconnect(self, node: Node) -> None:
        """Forget the unfinished line of a process that has ended (END-014)."""
        node.framer = ResultFramer(self._settings.eot, self._settings.line_limit)

    def send(self, node: Node, task: bytes) -> None:
        """Send a task."""
        if self.exec_mode:
            self._send_calls(node, call(task, self.nonce))
        else:
            self._commands.append(Send(node.index, task + NEWLINE))

    def send_several(self, node: Node, tasks: Sequence[tuple[int, bytes]]) -> int:
        """Send several tasks at once; return how many octets they take."""
        if self.exec_mode:
            data = b"".join([call(task, self.nonce) for _, task in tasks])
            self._send_calls(node, data)
        else:
            data = NEWLINE.join([task for _, task in tasks]) + NEWLINE
            self._commands.append(Send(node.index, data))
        return len(data)

    def _send_calls(self, node: Node, calls: bytes) -> None:
        """Send calls; before the first ones tell the shell what to do with them.

        A shell that gets no task is told nothing, so that no end comes in the middle of it.
        """
        if self.exec_mode and node.index not in self._prepared:
            self._prepared.add(node.index)
            self._commands.append(Send(node.index, preamble(self.exec_mode, self.nonce)))
        self._commands.append(Send(node.index, calls))

    def queued_octets(self, node: Node) -> int:
        """Return how many octets a busy node's tasks took to send, its head's apart."""
        if node.state is not NodeState.BUSY and node.state is not NodeState.DRAINING:
            return 0
        tasks = [attempt.task for attempt in islice(node.attempts, 1, None)]
        if self.exec_mode:
            return sum([len(call(task, self.nonce)) for task in tasks])
        return sum(map(len, tasks)) + len(tasks)
