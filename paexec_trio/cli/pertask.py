"""The values of the options that keep the output of tasks apart (the chapter of the spec)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from paexec_trio.cli.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from paexec_trio.core.settings import StderrMode

_TASK = b"{}"


def tag_of(values: Mapping[str, bytes]) -> bytes | None:
    """Return the text of tags (PTK-010, PTK-011), ``None`` if lines have none.

    Args:
        values: the values of the options, by their names.

    Raises:
        UsageError: the text contains a newline (PTK-014).
    """
    text = values.get("--tagstring")
    if text is None:
        return _TASK if "--tag" in values else None
    if b"\n" in text:
        raise UsageError(b"--tagstring must not contain a newline: '%b'", text)
    return text


def error_mode(values: Mapping[str, bytes]) -> StderrMode:
    """Return what becomes of the standard error of calculators (PTK-020).

    Args:
        values: the values of the options, by their names.

    Raises:
        UsageError: there is no such way.
    """
    from paexec_trio.core.settings import StderrMode

    value = values.get("--stderr", StderrMode.MIXED.value)
    if value not in {mode.value for mode in StderrMode}:
        text = b"invalid argument for option --stderr: '%b'; expected mixed, group or tag"
        raise UsageError(text, value)
    return StderrMode(value)


def results_directory(values: Mapping[str, bytes]) -> bytes:
    """Return the directory for the output of each task, empty if there is to be none (PTK-050).

    Args:
        values: the values of the options, by their names.

    Raises:
        UsageError: the option is given with an empty value (PTK-059).
    """
    directory = values.get("--results")
    if directory == b"":
        raise UsageError(b"invalid argument for option --results: ''; expected a directory")
    return directory or b""
