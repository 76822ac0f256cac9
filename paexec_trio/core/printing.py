"""Printing: results become text on standard output."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from paexec_trio.core.commands import (
    Command,
    Discard,
    Hold,
    HoldLines,
    PrintErrors,
    Write,
    WriteLines,
)
from paexec_trio.core.framing import NEWLINE
from paexec_trio.core.grouping import Grouping, Groups, OrderedGroups, UnorderedGroups
from paexec_trio.core.rendering import LAZY_ABOVE, LazyLines, PrefixMaker, is_too_much, render
from paexec_trio.core.status import Status

if TYPE_CHECKING:
    from collections.abc import Sequence

    from paexec_trio.core.commands import Change
    from paexec_trio.core.ending import Phase
    from paexec_trio.core.nodes import Attempt, Node
    from paexec_trio.core.outlets import Exchanged
    from paexec_trio.core.settings import Settings
    from paexec_trio.core.tasks import TaskSource

_FAILURE = Status.FAILURE


@final
class Printer:
    """The :class:`~paexec_trio.core.outlets.Outlet` of the programs: lines with prefixes.

    Args:
        settings: how results are rendered and grouped.
        commands: the list that all parts of the engine share.
        tasks: says which tasks will not be run.
    """

    keeps_errors = False

    def __init__(self, settings: Settings, commands: list[Command], tasks: TaskSource) -> None:
        self._commands = commands
        self.prefixes = PrefixMaker(
            show_node=settings.show_node,
            show_task_id=settings.show_task_id,
            show_pid=settings.show_pid,
            tag=settings.tag,
        )
        self._print_task = settings.print_task
        self._eot_line = settings.eot + NEWLINE if settings.print_eot else b""
        self._has_graph = settings.graph is not None
        self._delimiter = settings.graph.delimiter if settings.graph else b""
        fatal = (settings.on_death or settings.accounting).fatal
        self._fatal_line = fatal + NEWLINE if fatal else b""
        self._groups: Groups | None = None
        if settings.grouping is Grouping.GROUP:
            self._groups = UnorderedGroups()
        elif settings.grouping is Grouping.KEEP_ORDER:
            self._groups = OrderedGroups(tasks.will_not_run)
        self.is_muted = False
        self.tells_seconds = False
        self.exchanged: Exchanged | None = None
        self.now = 0.0
        self.holds_output = self._groups is not None
        at_once = not (self._print_task or self._groups)
        self.result_end = self._eot_line if at_once else None
        self.is_plain = self.result_end == b"" and self.prefixes.are_empty

    def begun(self, node: Node, attempt: Attempt) -> None:  # noqa: ARG002
        """Print the task line of an attempt, if task lines are wanted (PRE-021)."""
        if self._print_task:
            self.lines(attempt, attempt.task + NEWLINE)

    def line(self, attempt: Attempt, line: bytes | bytearray) -> None:
        """Print one whole line; it is not copied to put its prefix in."""
        if attempt.prefix:
            self.write(attempt, attempt.prefix)
        self.write(attempt, line)

    def lines(self, attempt: Attempt, lines: bytes) -> None:
        """Print whole lines."""
        prefix = attempt.prefix
        if prefix and is_too_much(prefix, lines):
            self._write_lazily(attempt, lines)
        else:
            self.write(attempt, render(prefix, lines))

    def blank_lines(self, attempt: Attempt, count: int) -> None:
        """Print ``count`` blank lines."""
        line = attempt.prefix + NEWLINE
        if len(line) * count > LAZY_ABOVE:
            self._write_lazily(attempt, NEWLINE, count)
        else:
            self.write(attempt, line * count)

    def errors(self, node: Node, data: bytes) -> None:  # noqa: ARG002
        """Print octets of a calculator's standard error as they come."""
        self._commands.append(PrintErrors(data))

    def failed(self, attempt: Attempt, dropped: Sequence[bytes]) -> None:
        """Print which tasks a failure ended (GRA-042), or that there was no status (GRA-050)."""
        if attempt.status is _FAILURE:
            self.lines(attempt, self._delimiter.join([attempt.task, *dropped]) + NEWLINE)
        else:
            self.write(attempt, attempt.prefix + Status.MISSING.value.encode() + NEWLINE)

    def done(self, node: Node, attempt: Attempt) -> None:  # noqa: ARG002
        """Print the EOT line if it is wanted, and the group of the task if it waits no longer."""
        if self._eot_line:
            self.write(attempt, attempt.prefix + self._eot_line)
        if self._groups and not self.is_muted:
            self._commands.extend(self._groups.done(attempt.task_id))

    def forget(self, attempt: Attempt) -> None:
        """Print nothing of an attempt whose lines were held (GRP-013)."""
        if self._groups:
            self._commands.append(Discard(attempt.task_id))

    def given_up(self, attempt: Attempt, reason: bytes) -> None:  # noqa: ARG002
        """Print the end of an attempt that failed, unless nothing of it is printed (DTH-020)."""
        if self._groups:
            return
        if self._fatal_line:
            self.write(attempt, attempt.prefix + self._fatal_line)
        if self._eot_line:
            self.write(attempt, attempt.prefix + self._eot_line)

    def no_result(
        self,
        node: Node,
        attempt: Attempt,
        dropped: Sequence[bytes],
        reason: bytes,  # noqa: ARG002
    ) -> None:
        """Print the end of a task that has no result (ACC-004); its group has no lines."""
        if self._fatal_line and not self._groups:
            self.write(attempt, attempt.prefix + self._fatal_line)
        if self._has_graph:
            self.failed(attempt, dropped)
        if self._has_graph or not self._groups:
            self.done(node, attempt)
        elif not self.is_muted:
            self._commands.extend(self._groups.done(attempt.task_id))

    def node_added(self, name: bytes) -> None:
        """Do nothing: nothing is kept by node."""

    def node_changed(self, node: Node, change: Change, reason: bytes = b"") -> None:
        """Do nothing: changes of nodes are not printed."""

    def phase_changed(self, phase: Phase) -> None:
        """Do nothing: phases are not printed."""

    def flush(self) -> None:
        """Print the groups that wait for tasks that will not be done any more (GRP-024)."""
        if self._groups and not self.is_muted:
            self._commands.extend(self._groups.rest())

    def write(self, attempt: Attempt, data: bytes | bytearray) -> None:
        """Write octets that have their prefixes, or hold them if output is grouped."""
        if self.is_muted:
            return
        if self._groups is None:
            self._commands.append(Write(data))
        else:
            self._commands.append(Hold(attempt.task_id, data))

    def _write_lazily(self, attempt: Attempt, lines: bytes, times: int = 1) -> None:
        """Write lines ``times`` times, without all of them in memory at once (LIM-006)."""
        if self.is_muted:
            return
        lazy = LazyLines(attempt.prefix, lines, times)
        if self._groups is None:
            self._commands.append(WriteLines(lazy))
        else:
            self._commands.append(HoldLines(attempt.task_id, lazy))
