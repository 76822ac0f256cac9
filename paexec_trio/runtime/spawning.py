"""Starting a program: the search and the fallbacks of ``execvp``, by ``posix_spawn``.

Descriptors above 2 are inherited unless they are close-on-exec (LCH-032). Python opens all of its
own as close-on-exec.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Iterator, Mapping
from typing import TypedDict, final

from paexec_trio.runtime.inheritance import signals_to_reset

_DEFAULT_PATH = b"/bin:/usr/bin"
"""Where programs are if ``PATH`` is not set, as the C library has it."""

_SHELL = b"/bin/sh"
"""Runs what has no format that the system knows: scripts without ``#!``."""

_LOOK_FURTHER = {
    errno.EACCES,
    errno.ENAMETOOLONG,
    errno.ENODEV,
    errno.ENOENT,
    errno.ENOTDIR,
    errno.ESTALE,
    errno.ETIMEDOUT,
}
"""Errors after which the next directory of ``PATH`` is tried."""


class _Group(TypedDict, total=False):
    setsid: bool
    setpgroup: int


@final
class _Name(bytes):
    """The name of one entry of an environment; equal to itself only, so a dict holds duplicates."""

    def __eq__(self, other: object) -> bool:
        return self is other

    __hash__ = object.__hash__


@final
class Environment:
    """The environment of processes that are started, made once for those that share it.

    Args:
        variables: names and values in their order. Duplicates are kept. Entries whose name is empty
            or contains ``=`` are left out, because ``posix_spawn`` refuses them.
    """

    def __init__(self, variables: Iterable[tuple[bytes, bytes]]) -> None:
        usable = [(name, value) for name, value in variables if name and b"=" not in name]
        self.block: Mapping[bytes, bytes] = {_Name(name): value for name, value in usable}
        paths = (value for name, value in usable if name == b"PATH")
        self.path = next(paths, _DEFAULT_PATH)


def spawn(
    argv: list[bytes],
    environment: Environment,
    stdin: int,
    stdout: int,
    stderr: int,
    *,
    new_session: bool,
) -> int:
    """Start a program and return the id of its process, which leads a process group of its own.

    Args:
        argv: the argument vector; the program is searched for as ``execvp`` does (LCH-036).
        environment: its environment.
        stdin: the descriptor that becomes its standard input; above 2.
        stdout: the descriptor that becomes its standard output; above 2.
        stderr: the descriptor that becomes its standard error. Descriptor 2 is inherited as any
            other, so it is closed in the process if it is close-on-exec here.
        new_session: whether the group has a session of its own.

    Raises:
        OSError: the process cannot be started.
    """
    actions = [(os.POSIX_SPAWN_DUP2, stdin, 0), (os.POSIX_SPAWN_DUP2, stdout, 1)]
    if stderr != 2:
        actions.insert(0, (os.POSIX_SPAWN_DUP2, stderr, 2))  # before its number is another's
    group: _Group = {"setsid": True} if new_session else {"setpgroup": 0}

    def start(path: bytes, arguments: list[bytes], group: _Group = group) -> int:
        try:
            return os.posix_spawn(
                path,
                arguments,
                environment.block,
                file_actions=actions,
                setsigdef=signals_to_reset(),
                **group,
            )
        except NotImplementedError:  # no sessions: NetBSD and old macOS; so a group has to do
            return start(path, arguments, {"setpgroup": 0})

    failure: OSError = FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
    for path in _candidates(argv[0], environment.path):
        try:
            return start(path, argv)
        except OSError as error:
            if error.errno == errno.ENOEXEC:
                return start(_SHELL, [_SHELL, path, *argv[1:]])
            if error.errno not in _LOOK_FURTHER:
                raise
            if not isinstance(failure, PermissionError):  # which says more than the others
                failure = error
    raise failure


def _candidates(program: bytes, path: bytes) -> Iterator[bytes]:
    """Yield the files that may be meant, those left out that are not there."""
    if b"/" in program:
        yield program
    elif program:
        for directory in path.split(b":"):
            file = directory + b"/" + program if directory else program
            if os.path.exists(file):  # noqa: PTH110 (pathlib is slow to load)
                yield file
