"""Records the calls of a real run that takes scripted steps; the pictures are drawn from them.

The run reads tasks from a pipe, and its calculators answer when the script lets them. Each step of
the script follows an event, a command or octets that the run writes, so every recording has the
same messages.
"""

from __future__ import annotations

import os
import stat
import sys
from collections import deque
from contextlib import ExitStack, contextmanager, suppress
from importlib.util import find_spec
from inspect import CO_COROUTINE, CO_GENERATOR, currentframe
from io import FileIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple

import trio
from pictures import Message

from paexec_trio import Calculator, Launch, Run, Settings, open_distributor, serve
from paexec_trio.core.commands import Deadline
from paexec_trio.core.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import CodeType, FrameType
    from typing import BinaryIO

OUTSIDE = ("stdin", "stdout", "calculator")
"""The lanes that are no modules: the other ends of the run's pipes."""

_CALCULATOR = """\
exec 3<"${0%/*}/$1"
while read -r task && read -r answer <&3; do
    case $answer in
    die) exec >&-; cat >/dev/null; exit ;;
    *) printf '%s\\n\\n' "$answer" ;;
    esac
done
"""
"""A transport: prints what the pipe named by its node holds for each task, or dies instead."""


class Step(NamedTuple):
    """Input for the distributor, given when something is said in the run."""

    after: str
    """The event, the command or the written octets that it follows, as pictures name them."""
    tasks: bytes = b""
    """Written to the run's standard input."""
    answers: dict[int, bytes] = {}  # noqa: RUF012 (never changed)
    """The next result of each node's calculator, or ``die``."""


class Walk(NamedTuple):
    """A scripted run, and which part of it is shown."""

    title: str
    lanes: tuple[str, ...]
    """Modules of the package, without its name, and members of ``OUTSIDE``; from the left."""
    settings: Settings
    steps: tuple[Step, ...]
    first: str
    """The text of the first message that is shown."""
    last: str
    """The text of the last one; the input ends after it."""
    has_channels: bool = False
    """Whether a program sends the task ``apple`` and receives its result; no standard input."""


class UnknownLaneError(Exception):
    """A walk names a module that the package does not have."""


class UnfinishedWalkError(Exception):
    """A run ended before the last message of its walk came."""


def record(walk: Walk, patience: float = 30) -> list[Message]:
    """Run a walk and return its messages from the first to the last that are shown.

    Args:
        walk: what to run.
        patience: the seconds after which a run that takes another way is ended.

    Raises:
        UnknownLaneError: a lane is no module, any more.
        UnfinishedWalkError: the run took another way.
    """
    for lane in walk.lanes:
        if lane not in OUTSIDE and not find_spec(f"paexec_trio.{lane}"):
            raise UnknownLaneError(f"{walk.title}: there is no module paexec_trio.{lane}")
    with ExitStack() as stack:
        directory = Path(stack.enter_context(TemporaryDirectory()))
        script = directory / "calculator"
        script.write_text(_CALCULATOR)
        answers = []
        for node in range(len(walk.settings.nodes)):
            os.mkfifo(directory / str(node))
            answers.append(stack.enter_context((directory / str(node)).open("r+b", 0)))
        stdin, tasks = _open_pipe(stack)
        _results, stdout = _open_pipe(stack)
        recorder = _Recorder(walk, stdin, stdout, tasks, answers)
        launch = Launch(Calculator(b"calculator"), transport=(b"/bin/sh", os.fsencode(script)))

        async def run_walk() -> None:
            if walk.has_channels:
                await _send_and_receive(walk.settings.nodes, launch)
            else:
                await serve(
                    Run(walk.settings, launch, stdin=stdin.fileno(), stdout=stdout.fileno())
                )

        async def limited() -> None:
            with trio.fail_after(patience):
                await run_walk()

        with recorder.recording(), suppress(trio.TooSlowError):
            trio.run(limited)
    return recorder.shown()


async def _send_and_receive(nodes: Sequence[bytes], launch: Launch) -> None:
    """Do what a program does that has one task."""
    async with open_distributor(
        nodes=nodes, command=launch.command, transport=launch.transport
    ) as run:
        await run.tasks.send("apple")
        await run.results.receive()


def _open_pipe(stack: ExitStack) -> tuple[FileIO, FileIO]:
    """Return the ends for reading and for writing."""
    reader, writer = os.pipe()
    return stack.enter_context(FileIO(reader, "r")), stack.enter_context(FileIO(writer, "w"))


class _Recorder:
    """Records messages between the lanes of a walk, and takes the walk's steps."""

    def __init__(
        self,
        walk: Walk,
        stdin: FileIO,
        stdout: FileIO,
        tasks: FileIO,
        answers: Sequence[BinaryIO],
    ) -> None:
        self._walk = walk
        self._steps = deque(walk.steps)
        self._tasks = tasks
        self._answers = answers
        self._pipes = {
            _identity(stdin.fileno()): "stdin",
            _identity(stdout.fileno()): "stdout",
        }
        self._messages: list[Message] = []
        self._lanes = {f"paexec_trio.{lane}": lane for lane in walk.lanes if lane not in OUTSIDE}
        # Who made an event or a command; kept with it, so that no other gets its number.
        self._makers: dict[int, tuple[Record, str]] = {}
        self._generators: set[FrameType] = set()
        self._has_begun = False

    def shown(self) -> list[Message]:
        """Return the messages of the part that is shown."""
        texts = [message.text for message in self._messages]
        try:
            first = texts.index(self._walk.first)
            last = texts.index(self._walk.last, first + 1)
        except ValueError as error:
            raise UnfinishedWalkError(f"{self._walk.title}: {error}: {texts[-20:]}") from None
        return self._messages[first : last + 1]

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Record until the end of the block."""
        read, write = os.read, os.write

        def read_and_note(fd: int, size: int) -> bytes:
            data = read(fd, size)
            self._note_read(fd, data)
            return data

        def write_and_note(fd: int, data: bytes) -> int:
            self._note_write(fd, bytes(data))
            return write(fd, data)

        os.read, os.write = read_and_note, write_and_note  # type: ignore[assignment]
        sys.setprofile(self._profile)
        try:
            yield
        finally:
            sys.setprofile(None)
            os.read, os.write = read, write

    # Messages

    def _note(self, source: str, target: str, text: str) -> None:
        message = Message(source, target, text)
        self._messages.append(message)
        if self._has_begun and text == self._walk.last:
            self._tasks.close()
        self._has_begun |= text == self._walk.first

    def _note_read(self, fd: int, data: bytes) -> None:
        lane = self._lane_above(currentframe())
        if lane and _is_pipe(fd):
            self._note(self._other_end(fd), lane, _quoted(data) if data else "end of file")

    def _note_write(self, fd: int, data: bytes) -> None:
        lane = self._lane_above(currentframe())
        if lane and _is_pipe(fd):
            self._note(lane, self._other_end(fd), _quoted(data))
            self._take_steps(_quoted(data))

    def _other_end(self, fd: int) -> str:
        return self._pipes.get(_identity(fd), "calculator")

    def _profile(self, frame: FrameType, event: str, _argument: object) -> None:
        code = frame.f_code
        module = frame.f_globals.get("__name__", "")
        if event not in {"call", "return"} or not module.startswith("paexec_trio."):
            return
        arguments = [frame.f_locals.get(name) for name in code.co_varnames[: code.co_argcount]]
        subject = arguments[0] if arguments else None
        if event == "return":
            if code.co_name == "__init__" and isinstance(subject, Record):
                self._makers[id(subject)] = subject, self._lane_above(frame.f_back)
                self._take_steps(_brief(subject))
            return
        lane = self._lanes.get(module)
        if not lane or isinstance(subject, Record):
            return
        for argument in arguments[1:]:
            if id(argument) in self._makers:
                # An event reaches the engine, or a command the part that executes it.
                item, maker = self._makers.pop(id(argument))
                if maker and maker != lane:
                    self._note(maker, lane, _brief(item))
                    return
        if code.co_flags & CO_GENERATOR:
            if frame in self._generators:
                return  # it goes on
            self._generators.add(frame)
        if _is_call(code) and not _is_property(subject, code.co_name):
            caller = self._lane_above(frame.f_back)
            name = type(subject).__name__ if code.co_name == "__call__" else code.co_name
            text = f"{name.strip('_')}()"
            if caller and caller != lane:
                self._note(caller, lane, text)

    def _lane_above(self, frame: FrameType | None) -> str:
        """Return the lane of the nearest of the frames that has one, or nothing."""
        while frame:
            lane = self._lanes.get(frame.f_globals.get("__name__", ""))
            if lane:
                return lane
            frame = frame.f_back
        return ""

    # Steps

    def _take_steps(self, text: str) -> None:
        if self._steps and self._steps[0].after == text:
            step = self._steps.popleft()
            for node, answer in step.answers.items():
                self._answers[node].write(answer + b"\n")
            if step.tasks:
                self._tasks.write(step.tasks)


def _identity(fd: int) -> tuple[int, int]:
    """Return what all descriptors of the same pipe have in common."""
    status = os.fstat(fd)
    return status.st_dev, status.st_ino


def _is_pipe(fd: int) -> bool:
    return stat.S_ISFIFO(os.fstat(fd).st_mode)


def _quoted(data: bytes) -> str:
    return repr(data)[1:]


def _brief(item: Record) -> str:
    """Return the name of an event or a command, with those of its values that no run changes."""
    shown = [type(item).__name__]
    for name in item.__match_args__:
        value = getattr(item, name)
        if name == "node":
            shown.append(str(value))
        elif isinstance(value, Deadline):
            shown.append(value.purpose.name)
    return " ".join(shown)


def _is_call(code: CodeType) -> bool:
    """Return whether a function is called by name, and not awaited."""
    name = code.co_name
    hidden = name.startswith(("__", "<")) and name != "__call__"
    return not hidden and not code.co_flags & CO_COROUTINE


def _is_property(subject: object, name: str) -> bool:
    return isinstance(getattr(type(subject), name, None), property)
