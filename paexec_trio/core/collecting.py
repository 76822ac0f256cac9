"""Collecting: results become objects."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, final

from paexec_trio.core.commands import Change, Command, Deliver, PrintErrors, TellChange
from paexec_trio.core.execmode import ExecFramer
from paexec_trio.core.framing import NEWLINE
from paexec_trio.core.rendering import PrefixMaker
from paexec_trio.core.settings import StderrMode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from paexec_trio.core.ending import Phase
    from paexec_trio.core.nodes import Attempt, Node
    from paexec_trio.core.outlets import Exchanged
    from paexec_trio.core.settings import Settings
    from paexec_trio.core.tasks import TaskSource


@final
class Collector:
    """The :class:`~paexec_trio.core.outlets.Outlet` of a library: a ``Deliver`` per task.

    It collects the lines of each attempt and delivers them when the result is complete. It drops
    the lines of failed attempts.

    Args:
        settings: whether tasks have a status, and whether their standard error is kept.
        commands: the list that all parts of the engine share.
        tasks: not needed here.
    """

    is_plain = False
    result_end: bytes | None = None
    holds_output = False

    def __init__(
        self,
        settings: Settings,
        commands: list[Command],
        tasks: TaskSource,  # noqa: ARG002
    ) -> None:
        self._commands = commands
        self._has_status = settings.graph is not None
        self._pieces: defaultdict[int, list[bytes | bytearray]] = defaultdict(list)
        self._failures: Counter[int] = Counter()
        self._dropped: Sequence[bytes] = ()
        # When the calculators began to work on the tasks that they work on.
        self._began: dict[int, float] = {}
        self.is_muted = False
        self.tells_seconds = True
        self.exchanged: Exchanged | None = None
        self.now = 0.0
        self.prefixes = PrefixMaker(show_node=False, show_task_id=False, show_pid=False)
        self.keeps_errors = settings.stderr is StderrMode.GROUP
        # What was written on standard error, by task: failed attempts may say why.
        self._errors: defaultdict[int, list[bytes]] = defaultdict(list)

    def begun(self, node: Node, attempt: Attempt) -> None:  # noqa: ARG002
        """Note the time."""
        self._began[attempt.task_id] = self.now

    def line(self, attempt: Attempt, line: bytes | bytearray) -> None:
        """Collect one whole line."""
        self._pieces[attempt.task_id].append(line)

    def lines(self, attempt: Attempt, lines: bytes) -> None:
        """Collect whole lines."""
        self._pieces[attempt.task_id].append(lines)

    def blank_lines(self, attempt: Attempt, count: int) -> None:
        """Collect ``count`` blank lines."""
        self._pieces[attempt.task_id].append(NEWLINE * count)

    def errors(self, node: Node, data: bytes) -> None:
        """Collect octets of a task, if they are kept; pass all others on."""
        if self.keeps_errors and node.attempts:
            self._errors[node.attempts[0].task_id].append(data)
        else:
            self._commands.append(PrintErrors(data))

    def failed(self, attempt: Attempt, dropped: Sequence[bytes]) -> None:  # noqa: ARG002
        """Note the dependants that will not be run; ``done`` delivers them."""
        self._dropped = dropped

    def done(self, node: Node, attempt: Attempt) -> None:
        """Deliver the result."""
        result = self.finish(node, attempt, b"")
        if type(node.framer) is ExecFramer:
            result.exit_status = node.framer.exit_status
        if not self.is_muted:
            self._commands.append(result)

    def finish(self, node: Node, attempt: Attempt, lines: bytes) -> Deliver:
        """Return the result of an attempt, which ends with these lines."""
        task_id = attempt.task_id
        if task_id in self._pieces:
            lines = b"".join([*self._pieces.pop(task_id), lines])
        dropped, self._dropped = self._dropped, ()
        return Deliver(
            task_id,
            attempt.task,
            lines,
            node.index,
            attempt.status if self._has_status else None,
            1 + self._failures.pop(task_id) if task_id in self._failures else 1,
            tuple(dropped),
            self.now - self._began.pop(task_id, self.now),
            stderr=b"".join(self._errors.pop(task_id)) if task_id in self._errors else b"",
        )

    def forget(self, attempt: Attempt) -> None:
        """Drop the lines of an attempt whose node has ended."""
        self._pieces.pop(attempt.task_id, None)

    def given_up(self, attempt: Attempt, reason: bytes) -> None:  # noqa: ARG002
        """Count an attempt that failed."""
        self._failures[attempt.task_id] += 1

    def no_result(
        self, node: Node, attempt: Attempt, dropped: Sequence[bytes], reason: bytes
    ) -> None:
        """Deliver that there is no result, and why; the task failed, whatever states a status."""
        self._dropped = dropped
        result = self.finish(node, attempt, b"")
        result.status, result.reason = attempt.status, reason
        if not self.is_muted:
            self._commands.append(result)

    def node_added(self, name: bytes) -> None:
        """Do nothing: nothing is kept by node."""

    def node_changed(self, node: Node, change: Change, reason: bytes = b"") -> None:
        """Tell of the change."""
        self._commands.append(TellChange(node.index, change, reason))

    def phase_changed(self, phase: Phase) -> None:
        """Do nothing: the program sees the results and the end."""

    def flush(self) -> None:
        """Pass on the errors of tasks that have no result; complete results were delivered."""
        for pieces in self._errors.values():
            self._commands.append(PrintErrors(b"".join(pieces)))
        self._errors.clear()
