"""A model of reordering, in a few lines without any regard to time and memory."""

from __future__ import annotations

from typing import NamedTuple

Line = tuple[bytes, bytes]
"""A task id and a text."""


class Options(NamedTuple):
    """The options of a call; see ``Call`` of the command line."""

    method: str = "m"
    eot: bytes = b""
    keep_ids: bool = False
    remove_blanks: bool = False
    cut_fatal: bool = False
    failure: bytes = b"failure"
    fatal: bytes = b"fatal"


def joined(lines: list[Line]) -> bytes:
    return b"".join(b"%b %b\n" % line for line in lines)


def _printed(line: Line, options: Options) -> bytes:
    task, text = line
    if options.remove_blanks:
        text = text.removeprefix(b" ")
    return b"%b %b\n" % (task, text) if options.keep_ids else text + b"\n"


def _is_cut(result: list[Line], options: Options) -> bool:
    texts = [text for _, text in result]
    return (
        options.cut_fatal
        and options.fatal != b""
        and texts[-1:] == [options.fatal]
        and texts[-2:-1] != [options.failure]
    )


def reordered(lines: list[Line], options: Options) -> bytes:
    """Return what is printed for an input of these lines."""
    if options.method == "s":
        order = [line for line in lines if line[1] != options.eot]
        order.sort(key=lambda line: int(line[0]))
        return b"".join(_printed(line, options) for line in order)
    waiting: dict[bytes, list[Line]] = {}
    complete: list[list[Line]] = []
    for task, text in lines:
        if text == options.eot:
            complete.append(waiting.pop(task, []))
        else:
            waiting.setdefault(task, []).append((task, text))
    complete += [waiting[task] for task in sorted(waiting, key=int)]
    return b"".join(
        _printed(line, options)
        for result in complete
        if not _is_cut(result, options)
        for line in result
    )
