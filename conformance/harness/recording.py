"""Record the steps of a test, so that they can be repeated without the test.

A recording is text: Python literals, a line each, so octets stay octets and a reader can change
them. The first line says what failed. Each of the others is a step, with what had come to be seen
since the step before: ``replay`` waits for that much, then does the same.

Only what a test does by its stage is recorded. What is not, such as opening a FIFO, is missing.
"""

from __future__ import annotations

import ast
import os
import re
import stat
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from typing import Any, NamedTuple

from conformance.harness.again import command_line

_LARGEST = 1 << 20
"""How many octets a recording and the files in it may have: nobody reads more."""


@dataclass
class Seen:
    """Observations of a test's processes, by their names.

    Attributes:
        started: the words that were added to the command line of each fake that was started.
        read: the octets that each fake has read.
        printed: how many octets each distributor has printed, once they are replaced.
        ended: those that have ended.
    """

    started: dict[str, tuple[bytes, ...]] = field(default_factory=dict)
    read: dict[str, bytes] = field(default_factory=dict)
    printed: dict[str, int] = field(default_factory=dict)
    ended: set[str] = field(default_factory=set)


class Step(NamedTuple):
    """Something that a test did.

    Attributes:
        seen: what had been seen since the step before, the fields of ``Seen``.
        who: the name of a fake or a distributor, or ``stage``.
        what: the name of what was done.
        arguments: what it was done with.
    """

    seen: tuple[Any, ...]
    who: str
    what: str
    arguments: tuple[Any, ...]


class Recorder:
    """Notes what a test does and sees while it runs, until that is too much to be repeated."""

    def __init__(self) -> None:
        self._room: float = _LARGEST
        self._fresh = Seen()
        self._steps: list[Step] = []

    def give_up(self) -> None:
        """Forget everything: nobody else can do the same."""
        self._room = -inf
        self._fresh = Seen()
        self._steps.clear()

    def _has_room(self, value: Any) -> bool:
        self._room -= _size(value)
        if self._room < 0:
            self.give_up()
        return self._room >= 0

    def saw_start(self, who: str, words: Sequence[bytes]) -> None:
        """Note that a fake was started, and with which words of its own."""
        if self._has_room(words):
            self._fresh.started[who] = tuple(words)

    def saw_read(self, who: str, octets: bytes) -> None:
        """Note that a fake has read something."""
        if self._has_room(octets):
            self._fresh.read[who] = self._fresh.read.get(who, b"") + octets

    def saw_printed(self, who: str, count: int) -> None:
        """Note how many octets a distributor has printed in all."""
        self._fresh.printed[who] = count

    def saw_end(self, who: str) -> None:
        """Note that a process has ended."""
        self._fresh.ended.add(who)

    def did(self, who: str, what: str, *arguments: Any) -> None:
        """Note a step that is about to be done."""
        fresh, self._fresh = self._fresh, Seen()
        if self._has_room(arguments):
            seen = (fresh.started, fresh.read, fresh.printed, sorted(fresh.ended))
            self._steps.append(Step(seen, who, what, arguments))

    def dump(self, about: Mapping[str, Any], places: Mapping[bytes, bytes]) -> str:
        """The recording as text; nothing if it is too long or nobody can repeat it.

        Args:
            about: what its reader wants to know.
            places: octets that mean something for this run only, such as its directory, and names
                that stand for them.
        """
        # The last step does nothing: it holds what was seen in the end.
        self.did("stage", "end")
        if not self._steps:
            return ""
        outputs = {name: output for name, (_, output) in about["came of it"].items()}
        for _, _, printed, _ in (step.seen for step in self._steps):
            for name, count in printed.items():
                printed[name] = len(replaced(outputs[name][:count], places))
        lines = [repr(replaced(line, places)) for line in (about, *self._steps)]
        return "\n".join(lines) + "\n"


def load_recording(text: str) -> tuple[dict[str, Any], list[Step]]:
    """Return the head of a recording and its steps.

    Raises:
        ValueError: it is no recording.
    """
    try:
        about, *steps = map(ast.literal_eval, text.splitlines())
        made = dict(about), [Step(*step) for step in steps]
    except (SyntaxError, TypeError, ValueError) as error:
        raise ValueError(f"this is no recording: {error}") from error
    if made[0].keys() < {"test", "companion", "sentences", "message", "came of it"}:
        raise ValueError("this is no recording: it does not say what it is about")
    return made


def replay_command(path: str, programs: Mapping[str, str]) -> str:
    """The command that replays a recording with these programs, by option."""
    options = [f"--{name}={command}" for name, command in programs.items()]
    return command_line("replay", path, *options)


def keep_recordings(
    tests: Iterable[dict[str, Any]], directory: Path, programs: Mapping[str, str]
) -> None:
    """Put the recordings of tests into files; in their place comes the command that replays them.

    Args:
        tests: what outcomes were described by.
        directory: that of the report.
        programs: the command lines of the programs that were judged, by option.
    """
    for test in tests:
        if test["recording"]:
            name = re.sub(r"[^\w.-]+", "-", test["test"])[:200] + ".txt"
            path = directory.resolve() / "recordings" / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(test["recording"], errors="surrogateescape")
            test["recording"] = replay_command(str(path), programs)


def replaced(value: Any, places: Mapping[bytes, bytes]) -> Any:
    """A value with octets replaced wherever they stand in it, in texts too."""
    if isinstance(value, str):
        octets: bytes = replaced(value.encode(errors="surrogateescape"), places)
        return octets.decode(errors="surrogateescape")
    if isinstance(value, bytes | bytearray):
        octets = bytes(value)
        for old, new in places.items():
            octets = octets.replace(old, new)
        return octets
    if isinstance(value, tuple | list):
        return tuple(replaced(each, places) for each in value)
    if isinstance(value, Mapping):
        return {replaced(k, places): replaced(v, places) for k, v in value.items()}
    return value


def _size(value: Any) -> int:
    """About how many octets a value takes."""
    if isinstance(value, tuple | list):
        return sum(map(_size, value))
    if isinstance(value, Mapping):
        return _size(tuple(value.items()))
    return len(value) if isinstance(value, str | bytes | bytearray) else 8


Files = dict[str, tuple[str, int, bytes]]
"""By relative path: ``file``, ``link``, ``directory`` or ``fifo``, its mode, its octets."""


def files_of(directory: Path) -> Files:
    """Return the contents of a directory; those of a symbolic link are its target."""
    found: Files = {}
    for path in sorted(directory.rglob("*")):
        with suppress(OSError):  # gone in the meantime, or not to be read
            status = path.lstat()
            name, mode = str(path.relative_to(directory)), stat.S_IMODE(status.st_mode)
            if stat.S_ISLNK(status.st_mode):
                found[name] = ("link", 0, os.fsencode(path.readlink()))
            elif stat.S_ISDIR(status.st_mode):
                found[name] = ("directory", mode, b"")
            elif stat.S_ISFIFO(status.st_mode):
                found[name] = ("fifo", mode, b"")
            elif stat.S_ISREG(status.st_mode):
                with path.open("rb") as file:
                    found[name] = ("file", mode, file.read(_LARGEST + 1))  # too much to be kept
    return found


def make_files(directory: Path, files: Files) -> None:
    """Put into a directory what it does not hold yet."""
    for name, (kind, mode, octets) in files.items():
        path = directory / name
        if path.is_symlink() or path.exists():
            continue
        if kind == "link":
            path.symlink_to(octets.decode(errors="surrogateescape"))
        elif kind == "directory":
            path.mkdir(mode)
        elif kind == "fifo":
            os.mkfifo(path, mode)
        else:
            path.write_bytes(octets)
            path.chmod(mode)
