"""The start of the shell of ``-x``, so that no variable changes the shell's options (EXE-050).

Shells read some variables when they start. The shell is given these under other names. It restores
their names before it runs a command, so the command finds them unchanged (EXE-051).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

_FILES = (b"BASH_ENV", b"ENV", b"ZDOTDIR")
"""Variables that name a file which a shell runs first."""

_OPTIONS_OF_BASH = (b"SHELLOPTS", b"BASHOPTS", b"BASH_COMPAT")
"""Variables that are options of bash for as long as it runs, so it cannot be given them back."""

_POSIX_MODE = b"POSIXLY_CORRECT"
"""The same, unless it has that mode because it is called ``sh``."""

_NO_FIRST_FILE = (b"ZDOTDIR", b"/dev/null")
"""Without this variable zsh runs a file of the home directory."""


def _other_name(name: bytes) -> bytes:
    return b"_paexec_" + name


def _move_in_shell(pairs: list[tuple[bytes, bytes]]) -> bytes:
    """Return text that gives variables, as far as they are set, the second of two names."""
    return b"".join(
        b'case ${%b+x} in x) export %b="$%b"; unset %b;; esac; ' % (old, new, old, old)
        for old, new in pairs
    )


def _keep(*names: bytes) -> bytes:
    return _move_in_shell([(name, _other_name(name)) for name in names])


def _give_back(*names: bytes) -> bytes:
    return _move_in_shell([(_other_name(name), name) for name in names])


_GIVE_BACK = b"".join(
    [
        _give_back(*_FILES),
        b"case ${BASH_VERSINFO+x} in x) unset %b; " % b" ".join(map(_other_name, _OPTIONS_OF_BASH)),
        b"case :$SHELLOPTS: in *:posix:*) %btrue;; " % _give_back(_POSIX_MODE),
        b"*) unset %b;; esac;; " % _other_name(_POSIX_MODE),
        b"*) %btrue;; esac" % _give_back(*_OPTIONS_OF_BASH, _POSIX_MODE),
    ]
)

GIVE_BACK = b"""\
unset ZDOTDIR
eval "${_paexec_give_back-}"
unset _paexec_give_back
"""
"""The first text for the shell. The environment holds the rest: bash reads input slowly."""

VARIABLES = {b"_paexec_give_back": _GIVE_BACK}
"""Variables that such a shell needs if others are handed to it."""

REMOTE_LAUNCHER = b"".join(
    [
        b'set -- "$0" -s; case ${BASH_VERSINFO+x} in ',
        b'x) set -- env -u SHELLOPTS -u BASHOPTS "$@";; ',
        b"*) %btrue;; esac; " % _keep(*_OPTIONS_OF_BASH[:2]),
        _keep(*_FILES, *_OPTIONS_OF_BASH[2:], _POSIX_MODE),
        b'export %b=%b; exec "$@"' % _NO_FIRST_FILE,
    ]
)
"""The text that ``sh -c`` runs on a node, with the shell as ``$0``.

There nobody knows which variables are set. If this ``sh`` is bash, it lets nobody unset its
options, but where it is, ``env`` can do so.
"""


def environment(entries: Collection[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Return the environment for a shell on this machine, made from that of its commands."""
    hidden = {*_FILES, *_OPTIONS_OF_BASH, _POSIX_MODE}
    changed = [(_other_name(n) if n in hidden else n, value) for n, value in entries]
    if any(name in hidden for name, _ in entries):
        changed += VARIABLES.items()
    return [*changed, _NO_FIRST_FILE]
