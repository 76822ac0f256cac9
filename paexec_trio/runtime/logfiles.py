"""The files of a run that is logged: opened, locked and read before anything is started."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from paexec_trio.core.accounting import Resume
from paexec_trio.core.joblog import BEGIN, HEADER, BadLogError, LogBuffer, parse, whole_lines
from paexec_trio.core.resuming import NumberedTasks, Past, unsuccessful
from paexec_trio.core.visible import diagnostic
from paexec_trio.runtime.diagnostics import reason_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from paexec_trio.core.accounting import Accounting, LogSettings

_CHUNK = 1 << 20


class LogError(OSError):
    """A file of the run cannot be used; ``strerror`` names it and says why.

    Args:
        template: what happened, for :func:`~paexec_trio.core.visible.diagnostic`.
        foreign: the texts and numbers in it.
    """

    def __init__(self, template: bytes, *foreign: bytes | float) -> None:
        super().__init__(errno.EINVAL, os.fsdecode(diagnostic(template, *foreign)))


class LogFiles(NamedTuple):
    """The files of a run, and what the log says of earlier runs.

    Attributes:
        log: the descriptor of the job log, which holds the lock; -1 without one.
        output: the descriptor of the file of ``--output``; -1 without one.
        past: the tasks of earlier runs; ``None``: they do not matter.
        tasks: the tasks of this run, if it takes them from the log.
        kept: how many octets of the log that was there are kept.
        buffer: the lines of this run that were not written yet.
    """

    buffer: LogBuffer
    log: int = -1
    output: int = -1
    past: Past | None = None
    tasks: NumberedTasks | None = None
    kept: int = 0

    def close(self) -> None:
        """Release the descriptors, and the lock with them."""
        for fd in (self.log, self.output):
            if fd >= 0:
                _locked.discard(_file_of(fd))
                os.close(fd)


STREAMS = (b"standard input", b"standard output", b"standard error")
"""The words for the descriptors of a program."""


def open_files(accounting: Accounting, streams: Sequence[int] = ()) -> LogFiles:
    """Open the job log and the output of a run, as far as it has them.

    Args:
        accounting: the names of the files.
        streams: the descriptors of standard input, output and error, which are other files.

    Raises:
        LogError: one of them cannot be used.
    """
    files = LogFiles(LogBuffer())
    try:
        if accounting.log:
            files = _open_log(accounting.log)
        if accounting.output:
            files = files._replace(output=_open_output(accounting, files))
        _refuse_streams(files, accounting, streams)
        # Not before both can be used: what is in them may be all that is left of a run.
        if accounting.log:
            _begin(files, accounting.log)
        if accounting.output and is_regular(files.output):
            _cut_output(files.output, accounting.output, files.past.end if files.past else 0)
    except BaseException:
        files.close()
        raise
    return files


def _refuse_streams(files: LogFiles, accounting: Accounting, streams: Sequence[int]) -> None:
    """Check that no file is one of the streams, too: each would spoil the other (ACC-027)."""
    log_name = accounting.log.file if accounting.log else b""
    used = (files.log, b"the job log", log_name), (files.output, b"the output", accounting.output)
    for fd, what, name in used:
        if fd < 0 or not is_regular(fd):
            continue
        for stream, stream_name in zip(streams, STREAMS, strict=False):
            if _is_open(stream) and os.path.sameopenfile(fd, stream):
                raise LogError(b"'%b' is both %b and %b", name, what, stream_name)


def _is_open(fd: int) -> bool:
    try:
        os.fstat(fd)
    except OSError:
        return False
    return True


def _open_log(settings: LogSettings) -> LogFiles:
    """Open and lock the file of a job log, and read it if the run resumes."""
    name = settings.file
    try:
        fd, is_new = _open(name)
    except OSError as error:
        raise LogError(b"opening the job log '%b' failed: %b", name, reason_of(error)) from None
    try:
        files = _look_into(fd, settings)
        if settings.sync and is_new:
            _sync_directory_of(name)
    except OSError as error:
        os.close(fd)
        if isinstance(error, LogError):
            raise
        raise LogError(b"the job log '%b' cannot be used: %b", name, reason_of(error)) from None
    return files


def _open(name: bytes) -> tuple[int, bool]:
    """Open a file that may exist; return its descriptor, and whether it was created."""
    if _is_pipe(name):
        # Not for reading, too: it would never be seen that nobody else reads.
        return os.open(name, os.O_WRONLY | os.O_CLOEXEC), False
    flags = os.O_RDWR | os.O_APPEND | os.O_CLOEXEC | os.O_NOCTTY
    with suppress(FileExistsError):
        return os.open(name, flags | os.O_CREAT | os.O_EXCL, 0o666), True
    return os.open(name, flags | os.O_CREAT, 0o666), False


def _is_pipe(name: bytes) -> bool:
    try:
        return stat.S_ISFIFO(os.stat(name).st_mode)  # noqa: PTH116 (pathlib is slow to load)
    except OSError:
        return False


def _look_into(fd: int, settings: LogSettings) -> LogFiles:
    """Lock a job log, and read it if the run resumes; it stays as it is."""
    octets, name = b"", settings.file
    if is_regular(fd):
        _lock(fd, b"another run writes the job log '%b'", name)
        octets = _read(fd)
    past, tasks, kept = _interpret(octets, settings)
    if settings.resume is Resume.NOTHING:
        kept = 0
    return LogFiles(LogBuffer(), fd, past=past, tasks=tasks, kept=kept)


def _begin(files: LogFiles, settings: LogSettings) -> None:
    """Cut off what is not kept of a job log (ACC-047), and write its header if nothing is."""
    try:
        if is_regular(files.log):
            os.ftruncate(files.log, files.kept)
        if not files.kept:
            write_all(files.log, HEADER)
            if settings.sync and is_regular(files.log):
                os.fsync(files.log)  # a file that lacks its header is no job log
    except OSError as error:
        text = b"the job log '%b' cannot be used: %b"
        raise LogError(text, settings.file, reason_of(error)) from None


_locked: set[tuple[int, int]] = set()
"""The files that runs of this process have locked: the system's locks are between processes."""


def _file_of(fd: int) -> tuple[int, int]:
    status = os.fstat(fd)
    return status.st_dev, status.st_ino


def _lock(fd: int, refusal: bytes, name: bytes) -> None:
    """Lock a file until it is closed, or this process ends (ACC-039)."""
    try:
        # Not flock: a process that is just being started would hold that lock, too, until it
        # executes its program, even if this one was killed meanwhile.
        fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        raise LogError(refusal, name) from None
    if _file_of(fd) in _locked:
        raise LogError(refusal, name)
    _locked.add(_file_of(fd))


def _interpret(
    octets: bytes, settings: LogSettings
) -> tuple[Past | None, NumberedTasks | None, int]:
    """Return what a log says of earlier runs, the tasks it has for this one, and its whole size."""
    name = settings.file
    # A header that was cut is not the beginning of another file.
    if not octets.startswith(BEGIN) and not BEGIN.startswith(octets):
        raise LogError(b"'%b' is not a job log", name)
    if settings.resume is Resume.NOTHING:
        return None, None, len(octets)
    whole = whole_lines(octets)
    try:
        attempts = parse(whole)
        only = settings.resume is Resume.ONLY_UNSUCCESSFUL
        tasks = NumberedTasks(unsuccessful(attempts)) if only else None
    except BadLogError as error:
        text = b"line %d of the job log '%b' cannot be understood"
        raise LogError(text, error.number, name) from None
    return Past(name, attempts, settings.resume), tasks, len(whole)


def read_log(settings: LogSettings) -> LogFiles:
    """Read a job log, without a lock and without a change; it need not exist (ACC-082).

    Raises:
        LogError: it cannot be read, or is no job log.
    """
    name = settings.file
    try:
        fd = os.open(name, os.O_RDONLY | os.O_CLOEXEC | os.O_NOCTTY)
    except FileNotFoundError:
        octets = b""
    except OSError as error:
        raise LogError(b"opening the job log '%b' failed: %b", name, reason_of(error)) from None
    else:
        try:
            octets = _read(fd) if is_regular(fd) or _is_directory(fd) else b""
        except OSError as error:
            text = b"opening the job log '%b' failed: %b"
            raise LogError(text, name, reason_of(error)) from None
        finally:
            os.close(fd)
    past, tasks, _ = _interpret(octets, settings)
    return LogFiles(LogBuffer(), past=past, tasks=tasks)


def is_regular(fd: int) -> bool:
    """Return whether a descriptor is one of a file that can be read, cut and synchronized."""
    return stat.S_ISREG(os.fstat(fd).st_mode)


def _is_directory(fd: int) -> bool:
    return stat.S_ISDIR(os.fstat(fd).st_mode)


def _read(fd: int) -> bytes:
    chunks = []
    while chunk := os.read(fd, _CHUNK):
        chunks.append(chunk)
    return b"".join(chunks)


def _sync_directory_of(name: bytes) -> None:
    """Have the system confirm that a new file is in its directory."""
    fd = os.open(os.path.dirname(name) or b".", os.O_RDONLY | os.O_CLOEXEC)  # noqa: PTH120
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def write_all(fd: int, data: bytes) -> None:
    """Write all octets.

    Raises:
        OSError: some of them cannot be written.
    """
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(fd, rest) :]


def _open_output(accounting: Accounting, files: LogFiles) -> int:
    """Open and lock the file of ``--output``; it stays as it is."""
    name = accounting.output
    try:
        fd, is_new = _open(name)
    except OSError as error:
        raise LogError(b"opening the output '%b' failed: %b", name, reason_of(error)) from None
    try:
        if files.log >= 0 and os.path.sameopenfile(fd, files.log):
            raise LogError(b"'%b' is both the job log and the output", name)
        if is_regular(fd):
            _lock(fd, b"another run writes the output '%b'", name)
            _check_output(fd, name, files.past.end if files.past else 0)
        if accounting.log and is_new:
            _sync_directory_of(name)
    except OSError as error:
        os.close(fd)
        if isinstance(error, LogError):
            raise
        raise LogError(b"the output '%b' cannot be used: %b", name, reason_of(error)) from None
    return fd


def _check_output(fd: int, name: bytes, end: int) -> None:
    """Check that an output has all results that the job log knows (ACC-049)."""
    size = os.fstat(fd).st_size
    if size < end:
        text = b"the output '%b' has %d octets, but the job log has results up to octet %d"
        raise LogError(text, name, size, end)


def _cut_output(fd: int, name: bytes, end: int) -> None:
    """Cut off what the job log does not know (ACC-049)."""
    try:
        os.ftruncate(fd, end)
    except OSError as error:
        raise LogError(b"the output '%b' cannot be used: %b", name, reason_of(error)) from None
