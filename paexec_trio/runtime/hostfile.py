"""Hostfiles: reading one, and noticing that it was changed."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, final

from paexec_trio.core.nodenames import NodeWordError
from paexec_trio.core.nodewords import parse_hosts
from paexec_trio.core.visible import diagnostic
from paexec_trio.runtime.diagnostics import reason_of

if TYPE_CHECKING:
    from collections.abc import Sequence

_Mark = tuple[int, ...] | bytes
"""The mark of a state of a file: facts of its inode, or why there are none."""


@final
class Hostfile:
    """A file that names nodes (HST-020).

    Args:
        path: its path.

    Attributes:
        path: the same, as octets.
        is_regular: whether it can be read again; a pipe cannot.
    """

    def __init__(self, path: str | bytes | os.PathLike[str]) -> None:
        self.path = os.fsencode(path)
        self._mark: _Mark = b""
        self.is_regular = False

    def read(self) -> tuple[bytes, ...]:
        """Return the names of the nodes.

        Raises:
            ValueError: it cannot be read, a line is bad, or there is no node.
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

    def read_again(self) -> tuple[bytes, ...] | bytes:
        """Return the names of the nodes, or what to report if the file cannot be used."""
        try:
            return self.read()
        except NodeWordError as error:
            changed = diagnostic(b"the hostfile '%b' was changed: ", self.path)
            return changed + error.reason + b"; the nodes stay as they are"

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
