"""Scripted runs of the engine: events in, expected commands out."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import ndiff
from typing import Self, final

from paexec_trio.core import commands as do
from paexec_trio.core import events as on
from paexec_trio.core.accounting import Accounting
from paexec_trio.core.commands import Command
from paexec_trio.core.engine import Engine
from paexec_trio.core.events import Event
from paexec_trio.core.execmode import ExecMode
from paexec_trio.core.grouping import Grouping
from paexec_trio.core.outlets import OutletMaker
from paexec_trio.core.printing import Printer
from paexec_trio.core.settings import GRACES, GraphSettings, Reassign, Settings
from paexec_trio.core.tasks import TaskSource

Item = Event | Command
"""One entry of a script: an event that happens, or a command that has to follow."""

FIRST_PID = 1000
"""The process id of node 0 of :func:`started`; the other nodes have the numbers after it."""

GREETING = b"(often a login shell prints a greeting)"
"""Ends diagnostics about nodes whose results cannot be trusted."""


@final
class Playbook:
    """A script of events (``>>``) and the commands that have to follow from each (``<<``).

    ``assert playbook`` plays what is new in the script and fails with a diff if the engine did
    something else. Commands have to come in the order of the script; only how output is cut into
    consecutive ``Write`` commands, or ``Hold`` commands of a group, is free.

    Both operators take idioms too: the functions of this module that return what happens and
    follows again and again, so that a script shows what is special about it.

    The script is wrong if nobody ever asserts it; the fixture ``no_playbook_is_forgotten`` sees
    to that.
    """

    unchecked: list[Playbook] = []  # noqa: RUF012 (shared on purpose: the fixture reads it)

    def __init__(
        self,
        settings: Settings,
        outlet: OutletMaker = Printer,
        tasks: TaskSource | None = None,
        *,
        exec_mode: ExecMode | None = None,
    ) -> None:
        self.engine = Engine(settings, outlet, tasks, exec_mode=exec_mode)
        self._script: list[Item] = []
        self._played: list[Item] = []
        self._next = 0

    def __rshift__(self, happens: Event | Iterable[Item]) -> Self:
        """Add an event that happens, or an idiom such as :func:`reaped`."""
        self._add([happens] if isinstance(happens, Event) else happens)
        return self

    def __lshift__(self, follows: Command | Iterable[Item]) -> Self:
        """Add a command that the engine has to give, or an idiom such as :func:`finishing`."""
        if not self._script:
            raise ValueError("a playbook begins with an event")
        self._add([follows] if isinstance(follows, Command) else follows)
        return self

    def __bool__(self) -> bool:
        """Play the script; raise an ``AssertionError`` with a diff if the engine deviates."""
        if self in Playbook.unchecked:
            Playbook.unchecked.remove(self)
        while self._next < len(self._script):
            item = self._script[self._next]
            self._next += 1
            if isinstance(item, Command):
                continue
            self._played.append(item)
            self._played += self.engine.handle(item)
        expected = _lines(self._script)
        actual = _lines(self._played)
        if expected != actual:
            diff = "\n".join(ndiff(expected, actual))
            raise AssertionError(f"the engine deviates from the playbook (-: script):\n{diff}")
        return True

    def _add(self, items: Iterable[Item]) -> None:
        if self not in Playbook.unchecked:
            Playbook.unchecked.append(self)
        self._script.extend(items)


def _lines(script: list[Item]) -> list[str]:
    merged: list[Item] = []
    for item in script:
        before = merged[-1] if merged else None
        if isinstance(item, do.Write) and isinstance(before, do.Write):
            merged[-1] = do.Write(before.data + item.data)
        elif isinstance(item, do.Write):
            merged.append(do.Write(bytes(item.data)))
        elif (
            isinstance(item, do.Hold) and isinstance(before, do.Hold) and before.group == item.group
        ):
            merged[-1] = do.Hold(item.group, before.data + item.data)
        elif isinstance(item, do.Hold):
            merged.append(do.Hold(item.group, bytes(item.data)))
        else:
            merged.append(item)
    return [f"{'<<' if isinstance(item, Command) else '>>'} {item!r}" for item in merged]


def names(count: int) -> tuple[bytes, ...]:
    """Return the names of ``count`` nodes: ``n0``, ``n1``, and so on."""
    return tuple(b"n%d" % index for index in range(count))


Option = bytes | bool | float | Grouping | Reassign | GraphSettings | Accounting
"""The value of an option of :class:`~paexec_trio.core.settings.Settings`."""


def started(nodes: int = 1, **options: Option) -> Playbook:
    """Return a playbook whose nodes run already, with a ``ReadMore`` outstanding.

    The options are those of :class:`~paexec_trio.core.settings.Settings`.
    """
    settings = Settings(nodes=names(nodes), **options)  # type: ignore[arg-type]
    playbook = Playbook(settings) >> on.RunStarted() << do.StartNode(0) << do.ReadMore()
    for index in range(nodes):
        playbook >> on.NodeStarted(index, FIRST_PID + index)
        if index + 1 < nodes:
            playbook << do.StartNode(index + 1)
    return playbook


def started_graph(nodes: int, graph: bytes, **options: Option) -> Playbook:
    """Return a playbook in graph mode: the graph was read, and the first of the nodes has started.

    A task for it, and the start of the next node, follow.
    """
    settings = Settings(nodes=names(nodes), **{"graph": GraphSettings(), **options})  # type: ignore[arg-type]
    playbook = Playbook(settings) >> on.RunStarted() << do.ReadMore()
    playbook >> on.StdinChunk(graph) << do.ReadMore()
    playbook >> on.StdinEnded() << do.StartNode(0) >> on.NodeStarted(0, FIRST_PID)
    return playbook << do.StartNode(1) if nodes > 1 else playbook


def reaped(node: int) -> list[Item]:
    """Return the end of a node's output, and then of its process."""
    return [on.NodeEnded(node), on.NodeReaped(node)]


def passed(purpose: do.Purpose, node: int = -1) -> on.DeadlinePassed:
    """Return that a deadline has passed."""
    return on.DeadlinePassed(do.Deadline(purpose, node))


def finishing(*nodes: int) -> list[Item]:
    """Return the normal end: the input of these nodes is closed, and then they are waited for."""
    notice = do.Deadline(do.Purpose.NOTICE)
    return [*map(do.CloseStdin, nodes), do.SetDeadline(notice, GRACES.finish_notice)]


def stopping(*nodes: int) -> list[Item]:
    """Return that a run is stopped: the input of these nodes is closed, SIGTERM comes soon."""
    sigterm = do.Deadline(do.Purpose.TERMINATE)
    return [*map(do.CloseStdin, nodes), do.SetDeadline(sigterm, GRACES.stop)]


def ended(status: int = 0, signal: int = 0) -> list[Item]:
    """Return the last steps of a run: the output is written, and then the run is over."""
    return [do.DrainOutput(), on.OutputDrained(), do.Exit(status, signal)]


def summed_up(text: bytes, status: int = 0) -> list[Item]:
    """Return the last steps of a run that sums up what became of its tasks."""
    report = do.Report(b"paexec-trio: " + text)
    return [do.DrainOutput(), on.OutputDrained(), report, do.Exit(status)]


def killing() -> do.SetDeadline:
    """Return the deadline for SIGKILL, which is set when SIGTERM is sent."""
    return do.SetDeadline(do.Deadline(do.Purpose.KILL), GRACES.term)


def leaving() -> do.SetDeadline:
    """Return the deadline after which nodes are left that SIGKILL did not end."""
    return do.SetDeadline(do.Deadline(do.Purpose.LEAVE), GRACES.kill)


def restarting(seconds: float) -> do.SetDeadline:
    """Return the deadline for the restart of dead nodes."""
    return do.SetDeadline(do.Deadline(do.Purpose.RESTART), seconds)


def burial(node: int) -> do.SetDeadline:
    """Return the deadline of a dead node: what is left of it then is signalled, or left."""
    return do.SetDeadline(do.Deadline(do.Purpose.REAP, node), GRACES.term)


def out_of_step(octets: bytes, node: bytes = b"n0") -> do.Report:
    """Return the diagnostic of RES-030."""
    return do.Report(
        b"paexec-trio: node %b wrote outside of a task: '%b'; its results can no longer be "
        b"matched to tasks %b" % (node, octets, GREETING)
    )
