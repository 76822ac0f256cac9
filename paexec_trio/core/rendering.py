"""Prefixes: the text in front of each printed line (the chapter Prefixes of the spec), and tags."""

from __future__ import annotations

from typing import final

from paexec_trio.core.framing import NEWLINE

TASK_IN_TAG = b"{}"
"""The octets that stand for the task in a tag (PTK-011)."""

LAZY_ABOVE = 1 << 22
"""Octets of prefixes above which they are put in when lines are written, not before."""


@final
class PrefixMaker:
    """Makes the prefix of one attempt's lines (PFX-001 to PFX-006, PTK-010 to PTK-013).

    Args:
        show_node: whether the node is part of it.
        show_task_id: whether the task id is part of it.
        show_pid: whether the process id is part of it.
        tag: the text of the tag; ``None`` if lines have none.

    Attributes:
        are_empty: whether every prefix is empty.
    """

    __slots__ = ("_show_node", "_show_pid", "_show_task_id", "_tag", "are_empty")

    def __init__(
        self,
        *,
        show_node: bool,
        show_task_id: bool,
        show_pid: bool,
        tag: bytes | None = None,
    ) -> None:
        self._show_node = show_node
        self._show_task_id = show_task_id
        self._show_pid = show_pid
        self._tag = tag
        self.are_empty = tag is None and not (show_node or show_task_id or show_pid)

    def make(self, node: bytes, task_id: int, pid: int, task: bytes) -> bytes:
        """Return the prefix, with the space or the tab that ends it."""
        if self.are_empty:
            return b""
        prefix = node + b" " if self._show_node else b""
        if self._show_task_id:
            prefix += b"%d " % task_id
        if self._show_pid:
            prefix += b"%d " % pid
        if self._tag is not None:
            prefix += self._tag.replace(TASK_IN_TAG, task) + b"\t"
        return prefix


@final
class LazyLines:
    """Lines that get their prefixes only when they are taken, to save memory.

    Examples: a result of 400 MB of blank lines, or a chunk of blank lines that each get a prefix of
    a thousand octets.

    Args:
        prefix: the text in front of each line.
        lines: whole lines.
        times: how often ``lines`` is repeated.
    """

    __slots__ = ("_begin", "_left", "_lines", "_prefix", "_times")

    def __init__(self, prefix: bytes, lines: bytes, times: int = 1) -> None:
        self._prefix = prefix
        self._lines = lines
        self._times = times
        self._begin = 0
        self._left = (len(lines) + lines.count(NEWLINE) * len(prefix)) * times

    def __len__(self) -> int:
        """Return the number of octets that are left, prefixes included."""
        return self._left

    def __repr__(self) -> str:
        return f"LazyLines({self._prefix!r}, {self._lines!r}, {self._times!r})"

    @property
    def kept(self) -> int:
        """The octets of memory that it takes."""
        return len(self._prefix) + len(self._lines)

    def take(self, size: int = LAZY_ABOVE >> 2) -> bytes:
        """Take about ``size`` octets, whole lines; at least one line, and none if none is left."""
        if not self._left:
            return b""
        if self._times > 1:
            once = render(self._prefix, self._lines)
            times = min(self._times, max(1, size // len(once)))
            self._times -= times
            taken = once * times
        else:
            lines = self._lines
            least = max(1, size // (len(self._prefix) + 1))
            end = lines.find(NEWLINE, self._begin + least - 1) + 1 or len(lines)
            taken = render(self._prefix, lines[self._begin : end])
            self._begin = end
        self._left -= len(taken)
        return taken


def is_too_much(prefix: bytes, lines: bytes) -> bool:
    """Return whether the prefixes of these lines would take too much memory at once."""
    return len(prefix) * len(lines) > LAZY_ABOVE and len(prefix) * lines.count(NEWLINE) > LAZY_ABOVE


def render(prefix: bytes, lines: bytes) -> bytes:
    """Put the prefix in front of each line; ``lines`` is empty or ends with a newline."""
    if not prefix or not lines:
        return lines
    return prefix + lines[:-1].replace(NEWLINE, NEWLINE + prefix) + NEWLINE
