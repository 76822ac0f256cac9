"""The standard error of calculators, by tasks (the chapter Output per task of the spec)."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from paexec_trio.core.commands import (
    Change,
    Command,
    HoldErrors,
    Join,
    JoinErrors,
    PrintErrors,
    Release,
    ReleaseErrors,
)
from paexec_trio.core.framing import NEWLINE
from paexec_trio.core.rendering import LazyLines, is_too_much, render
from paexec_trio.core.settings import StderrMode
from paexec_trio.core.visible import diagnostic
from paexec_trio.core.wrapping import OutletWrapper

if TYPE_CHECKING:
    from collections.abc import Sequence

    from paexec_trio.core.nodes import Attempt, Node
    from paexec_trio.core.outlets import Outlet

LONGEST_PART = 1 << 16
"""Octets of an unfinished line that wait for its end; a longer line is printed in parts."""


@final
class _OpenLine:
    """A line whose end has not come yet.

    Attributes:
        node: the node that writes it.
        attempt: the attempt that it belongs to; ``None`` if the node held no task.
        octets: what has come of it, perhaps nothing.
    """

    __slots__ = ("attempt", "node", "octets")

    def __init__(self, node: Node, attempt: Attempt | None) -> None:
        self.node = node
        self.attempt = attempt
        self.octets = b""


@final
class ErrorLines(OutletWrapper):
    """Keeps the lines apart that calculators write on their standard error.

    What a node writes belongs to its head (PTK-030). Each line is printed whole. A line that lacks
    its end when the attempt has ended gets one.

    Args:
        inner: what comes of results.
        commands: the list that all parts of the engine share.
        mode: ``GROUP`` or ``TAG``.
        groups_results: whether results are held back until they are whole.
    """

    def __init__(
        self, inner: Outlet, commands: list[Command], mode: StderrMode, *, groups_results: bool
    ) -> None:
        super().__init__(inner)
        self.tells_seconds = inner.tells_seconds
        self._commands = commands
        self._is_tagged = mode is StderrMode.TAG
        self._groups_results = groups_results
        # The open lines, by the task id of the attempt, or by -1 - index of a node without a task.
        self._open: dict[int, _OpenLine] = {}
        # Attempts of which lines are held, by their task ids.
        self._held: set[int] = set()
        # Groups of lines of tasks that are done, but whose results wait for others.
        self._waiting: set[int] = set()

    # What calculators write

    def errors(self, node: Node, data: bytes) -> None:
        """Take octets that a node wrote."""
        attempt = node.attempts[0] if node.attempts else None
        key = attempt.task_id if attempt else _key_of(node)
        if attempt:
            self._end_line(_key_of(node))
        line = self._open.get(key)
        if line is None:
            line = self._open[key] = _OpenLine(node, attempt)
        whole, newline, rest = data.rpartition(NEWLINE)
        if newline:
            self._pass_on(line, line.octets + whole + newline)
            line.octets = rest
        else:
            line.octets += rest
        if len(line.octets) > LONGEST_PART:
            self._pass_on(line, line.octets + NEWLINE)
            line.octets = b""

    def _end_line(self, key: int) -> None:
        line = self._open.pop(key, None)
        if line and line.octets:
            self._pass_on(line, line.octets + NEWLINE)

    def _pass_on(self, line: _OpenLine, lines: bytes) -> None:
        """Print or hold whole lines of one attempt, or of none."""
        attempt = line.attempt
        if self._is_tagged:
            prefix = _prefix_of(line.node, attempt)
            if is_too_much(prefix, lines):
                self._commands.append(PrintErrors(LazyLines(prefix, lines)))
            else:
                self._commands.append(PrintErrors(render(prefix, lines)))
        elif attempt:
            self._held.add(attempt.task_id)
            self._commands.append(HoldErrors(attempt.task_id, lines))
        else:
            self._commands.append(PrintErrors(lines))

    # The ends of attempts and nodes

    def done(self, node: Node, attempt: Attempt) -> None:
        """Let the lines of the attempt follow on its result."""
        task_id = attempt.task_id
        self._end_line(task_id)
        before = len(self._commands)
        super().done(node, attempt)
        if task_id in self._held:
            self._held.remove(task_id)
            self._waiting.add(task_id)
        self._follow(before)
        if task_id in self._waiting and (self.is_muted or not self._groups_results):
            self._release(task_id)

    def forget(self, attempt: Attempt) -> None:
        """Print the lines of an attempt that failed: they may say why."""
        self._end_line(attempt.task_id)
        super().forget(attempt)
        if attempt.task_id in self._held:
            self._held.remove(attempt.task_id)
            self._commands.append(ReleaseErrors(attempt.task_id))

    def no_result(
        self, node: Node, attempt: Attempt, dropped: Sequence[bytes], reason: bytes
    ) -> None:
        """Print the lines of tasks whose results have waited for that of this one."""
        before = len(self._commands)
        super().no_result(node, attempt, dropped, reason)
        self._follow(before)

    def node_changed(self, node: Node, change: Change, reason: bytes = b"") -> None:
        """End the last line of a node when nothing is left of it."""
        if change is Change.ENDED:
            self._end_line(_key_of(node))
        super().node_changed(node, change, reason)

    def flush(self) -> None:
        """Print the lines of all tasks that are done."""
        before = len(self._commands)
        super().flush()
        self._follow(before)
        for group in sorted(self._waiting):
            self._release(group)

    def _follow(self, start: int) -> None:
        """Do with lines what the last commands, from ``start`` on, do with the same results."""
        for command in self._commands[start:]:
            if isinstance(command, Release) and command.group in self._waiting:
                self._release(command.group)
            elif isinstance(command, Join) and command.other in self._waiting:
                self._waiting.remove(command.other)
                self._waiting.add(command.group)
                self._commands.append(JoinErrors(command.group, command.other))

    def _release(self, group: int) -> None:
        self._waiting.remove(group)
        self._commands.append(ReleaseErrors(group))


def _key_of(node: Node) -> int:
    return -1 - node.index


def _prefix_of(node: Node, attempt: Attempt | None) -> bytes:
    """Return the words before a line of ``--stderr=tag`` (PTK-035)."""
    if attempt is None:
        return diagnostic(b"node %b: ", node.name)
    return diagnostic(b"node %b, task %d '%b': ", node.name, attempt.task_id, attempt.task)
