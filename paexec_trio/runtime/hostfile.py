"""Hostfiles: reading one, and noticing that it was changed."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, final

from paexec_trio.core.nodewords import NodeWordError, parse_hosts
from paexec_trio.runtime.diagnostics import reason_of

if TYPE_CHECKING:
    from collections.abc import Sequence

_Mark = tuple[int, ...] | bytes
"""What tells one state of a file from another: facts of its inode, or why there are none."""


@final
class Hostfile:
    """A file that names nodes.

    Args:
        path: its path.
    """

    def __init__(self, path: bytes) -> None:
        self.path = path
        self._mark: _Mark = b""
        self.is_regular = False
        """Whether it can be read again: a pipe cannot."""

    def read(self) -> tuple[bytes, ...]:
        """Return the names of the nodes (HST-020).

        Raises:
            NodeWordError: it cannot be read, a line is bad, or there is no node.
        """
        try:
            with open(self.path, "rb") as file:  # noqa: PTH123 (a path of octets)
                facts = os.fstat(file.fileno())
                self._mark, self.is_regular = _mark_of(facts), stat.S_ISREG(facts.st_mode)
                text = file.read()
        except OSError as error:
            self._mark = self.look()
            raise NodeWordError(b"%b", reason_of(error)) from None
        except ValueError as error:  # a NUL
            raise NodeWordError(b"%b", str(error).encode()) from None
        return tuple(parse_hosts(text, _expand_set))

    def look(self) -> _Mark:
        """Return what tells the present state of the file from others."""
        try:
            return _mark_of(os.stat(self.path))  # noqa: PTH116 (a path of octets)
        except OSError as error:
            return reason_of(error)

    def has_changed(self) -> bool:
        """Return whether the file is not the one that was read last."""
        return self.look() != self._mark


def _mark_of(facts: os.stat_result) -> _Mark:
    times = facts.st_mtime_ns, facts.st_ctime_ns
    return (facts.st_dev, facts.st_ino, facts.st_size, *times)


def _expand_set(text: bytes) -> Sequence[bytes]:
    from paexec_trio.runtime.nodesets import expand_set  # rarely needed

    return expand_set(text)
