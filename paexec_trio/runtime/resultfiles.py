"""Files with the output of each task (the chapter Output per task of the spec)."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from typing import TYPE_CHECKING, final

from paexec_trio.core.commands import (
    Command,
    DropStored,
    StoreErrors,
    StoreOutput,
    StoreResult,
)
from paexec_trio.core.events import StoringFailed
from paexec_trio.core.rendering import LazyLines
from paexec_trio.core.visible import diagnostic
from paexec_trio.runtime.diagnostics import reason_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from paexec_trio.core.events import Event

_IN_MEMORY = 1 << 15
"""Octets of one file that wait in memory at most; most results go to their files in one write."""

_OUTPUT, _ERRORS = b"stdout", b"stderr"


@final
class _Stored:
    """Files of an attempt that goes on, or of a result that is being stored.

    Attributes:
        waiting: the octets of each file that were not written yet.
        is_begun: whether the directory was made.
    """

    __slots__ = ("is_begun", "waiting")

    def __init__(self) -> None:
        self.waiting = {_OUTPUT: bytearray(), _ERRORS: bytearray()}
        self.is_begun = False


@final
class ResultFiles:
    """A directory with a directory for each task that is done.

    The files of a task are in a directory whose name begins with a dot, until they are complete
    and the directory is renamed. Descriptors are open only while octets are written.

    After an error nothing more is stored.

    Attributes:
        has_failed: whether something could not be stored.

    Args:
        directory: where the directories are made; it is made, too.
        option: the name of the option in errors.

    Raises:
        OSError: the directory cannot be made or written to; its text names the directory.
    """

    def __init__(self, directory: bytes, option: bytes = b"--results") -> None:
        self._directory = directory
        self._stored: dict[int, _Stored] = {}
        self.has_failed = False
        self._shard = b""
        self._process = os.getpid()
        try:
            os.makedirs(directory, exist_ok=True)  # noqa: PTH103 (pathlib is slow to load)
            if not os.access(directory, os.W_OK | os.X_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        except OSError as error:
            text = option + diagnostic(b": directory '%b': %b", directory, reason_of(error))
            raise OSError(error.errno, os.fsdecode(text)) from None

    def executors(
        self, emit: Callable[[Event], None]
    ) -> dict[type[Command], Callable[[Any], None]]:
        """Return the function that carries out each class of commands.

        Args:
            emit: lets an event happen, which tells that something cannot be stored.
        """
        self._emit = emit
        return {
            StoreOutput: lambda command: self.append(command.task_id, _OUTPUT, command.data),
            StoreErrors: lambda command: self.append(command.task_id, _ERRORS, command.data),
            StoreResult: self._finish,
            DropStored: lambda command: self.drop(command.task_id),
        }

    def append(self, task_id: int, name: bytes, data: bytes | bytearray | LazyLines) -> None:
        """Append octets to a file of a task."""
        if self.has_failed:
            return
        stored = self._stored.get(task_id)
        if stored is None:
            stored = self._stored[task_id] = _Stored()
        if isinstance(data, LazyLines):
            while taken := data.take():
                self.append(task_id, name, taken)
            return
        waiting = stored.waiting[name]
        waiting += data
        if len(waiting) > _IN_MEMORY:
            self._attempt(lambda: self._write_waiting(task_id, stored, name))

    def _finish(self, command: StoreResult) -> None:
        if self.has_failed:
            return
        stored = self._stored.pop(command.task_id, None) or _Stored()
        if not self._attempt(lambda: self._give_place(command, stored)):
            self._remove(self._hidden(command.task_id))

    def drop(self, task_id: int) -> None:
        """Drop what is stored of an attempt."""
        stored = self._stored.pop(task_id, None)
        if stored and stored.is_begun:
            self._remove(self._hidden(task_id))

    def close(self) -> None:
        """Drop what is stored of all attempts that were not completed."""
        for task_id in list(self._stored):
            self.drop(task_id)

    # Paths

    def _place(self, task_id: int) -> bytes:
        return b"%b/%04d/%07d" % (self._directory, task_id // 1000, task_id)

    def _hidden(self, task_id: int, suffix: bytes = b"new") -> bytes:
        """Return the path of a directory without its place; no other run uses the same."""
        shard = task_id // 1000
        return b"%b/%04d/.%07d.%d.%b" % (self._directory, shard, task_id, self._process, suffix)

    # System calls

    def _attempt(self, action: Callable[[], None]) -> bool:
        """Do something; tell of its failure and return ``False``."""
        try:
            action()
        except OSError as error:
            self.has_failed = True
            reason = diagnostic(b"directory '%b': %b", self._directory, reason_of(error))
            self._emit(StoringFailed(reason))
            return False
        return True

    def _begin(self, task_id: int, stored: _Stored) -> None:
        if stored.is_begun:
            return
        hidden = self._hidden(task_id)
        shard = os.path.dirname(hidden)  # noqa: PTH120 (pathlib is slow to load)
        if shard != self._shard:
            with suppress(FileExistsError):
                os.mkdir(shard)  # noqa: PTH102
            self._shard = shard
        try:
            os.mkdir(hidden)  # noqa: PTH102
        except FileExistsError:  # of a run that was killed, and had the same process id
            self._remove(hidden)
            os.mkdir(hidden)  # noqa: PTH102
        stored.is_begun = True

    def _write_waiting(self, task_id: int, stored: _Stored, name: bytes) -> None:
        self._begin(task_id, stored)
        waiting = stored.waiting[name]
        _append_to(self._hidden(task_id) + b"/" + name, waiting)
        waiting.clear()

    def _give_place(self, command: StoreResult, stored: _Stored) -> None:
        task_id = command.task_id
        self._begin(task_id, stored)
        hidden, place = self._hidden(task_id), self._place(task_id)
        for name in (_OUTPUT, _ERRORS):
            self._write_waiting(task_id, stored, name)
        if command.left_out:
            path = hidden + b"/" + _OUTPUT
            os.truncate(path, os.stat(path).st_size - command.left_out)  # noqa: PTH116
        _append_to(hidden + b"/seq", b"%d\n" % task_id)
        _append_to(hidden + b"/task", command.task)
        if command.reason:
            _append_to(hidden + b"/reason", command.reason + b"\n")
        try:
            os.rename(hidden, place)  # noqa: PTH104
        except OSError as error:
            if error.errno not in {errno.ENOTEMPTY, errno.EEXIST}:
                raise
            old = self._hidden(task_id, b"old")
            os.rename(place, old)  # noqa: PTH104
            os.rename(hidden, place)  # noqa: PTH104
            self._remove(old)

    def _remove(self, directory: bytes) -> None:
        from shutil import rmtree  # takes some milliseconds, and is rarely needed

        rmtree(directory, ignore_errors=True)


def _append_to(path: bytes, data: bytes | bytearray) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(fd, rest) :]
    finally:
        os.close(fd)
