"""Prefixes: what stands in front of each printed line (the chapter Prefixes of the spec)."""

from __future__ import annotations

from typing import final

from paexec_trio.core.framing import NEWLINE


@final
class PrefixMaker:
    """Makes the prefix of one attempt's lines (PFX-001 to PFX-006)."""

    __slots__ = ("_any", "_show_node", "_show_pid", "_show_task_id")

    def __init__(self, *, show_node: bool, show_task_id: bool, show_pid: bool) -> None:
        self._show_node = show_node
        self._show_task_id = show_task_id
        self._show_pid = show_pid
        self._any = show_node or show_task_id or show_pid

    def make(self, node: bytes, task_id: int, pid: int) -> bytes:
        """Return the prefix, with the space that ends it."""
        if not self._any:
            return b""
        prefix = node + b" " if self._show_node else b""
        if self._show_task_id:
            prefix += b"%d " % task_id
        if self._show_pid:
            prefix += b"%d " % pid
        return prefix


def render(prefix: bytes, lines: bytes) -> bytes:
    """Put the prefix in front of each line; ``lines`` is empty or ends with a newline."""
    if not prefix or not lines:
        return lines
    return prefix + lines[:-1].replace(NEWLINE, NEWLINE + prefix) + NEWLINE
