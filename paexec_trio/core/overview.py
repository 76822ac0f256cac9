"""Overviews: each node and its task at one moment, for people (chapter Observing of the spec)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple, final

from paexec_trio.core.ending import Phase
from paexec_trio.core.snapshot import take_snapshot
from paexec_trio.core.states import NodeState
from paexec_trio.core.visible import diagnostic, excerpt

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from paexec_trio.core.accounts import Accounts
    from paexec_trio.core.dispatching import Dispatcher
    from paexec_trio.core.engine import Engine
    from paexec_trio.core.nodes import Node
    from paexec_trio.core.tasks import TaskSource
    from paexec_trio.core.wire import Wire

_WITHOUT_TASK = {
    NodeState.NEW: b"not started yet",
    NodeState.STARTING: b"is being started",
    NodeState.IDLE: b"idle",
    NodeState.DRAINING: b"takes no more tasks",
    NodeState.HALF_CLOSED: b"takes no more tasks",
    NodeState.CLOSING: b"its input is closed, has not ended yet",
    NodeState.ENDED: b"its processes are being ended",
    NodeState.REAPED: b"has ended",
}

_PHASES = {
    Phase.FINISHING: b"all tasks are done, waiting for calculators to end",
    Phase.STOPPING: b"being stopped",
    Phase.DRAINING: b"all nodes have ended, the rest of the output is being written",
    Phase.OVER: b"over",
}


@final
class PipeTimes(NamedTuple):
    """When something passed through the pipes of a node, in seconds before now.

    Attributes:
        sent: since a task was last written to its input.
        read: since its output was last read.
        written: since it last wrote output.
        has_read_all: whether its input holds nothing that it has not read.
    """

    sent: float
    read: float
    written: float
    has_read_all: bool

    def age(self, *, held: int) -> float:
        """Return for how long, at least, the node has worked on its first task.

        Args:
            held: how many tasks it holds. With one, this is exact.
        """
        return self.sent if held == 1 else min(self.sent, self.read)


@final
class BusyNode(NamedTuple):
    """A node that holds a task.

    Attributes:
        name: its name; control characters are made visible.
        task_id: the task that it works on.
        task: the octets of that, cut and made visible.
        age: for how many seconds, at least, it has worked on it; ``None``: not known.
        times: the times of its pipes; ``None``: not known.
        has_written: whether it has written a part of the result.
        done: how many tasks it has done.
        runs_commands: whether a command is run per task.
    """

    name: bytes
    task_id: int
    task: bytes
    age: float | None
    times: PipeTimes | None
    has_written: bool
    done: int
    runs_commands: bool


def busy_nodes(engine: Engine, pipe_times_of: PipeTimesOf) -> list[BusyNode]:
    """Return the nodes that hold tasks, each with its first one."""
    (nodes, _, _, _, wire), _, _ = engine.look()
    runs_commands = wire.exec_mode is not None
    found = []
    for node in nodes:
        if node.attempts:
            head, times = node.attempts[0], pipe_times_of(node.index)
            found.append(
                BusyNode(
                    excerpt(node.name),
                    head.task_id,
                    excerpt(head.task),
                    times.age(held=len(node.attempts)) if times else None,
                    times,
                    node.record.written_for == head.task_id,
                    node.record.answered + node.answered,
                    runs_commands,
                )
            )
    return found


Parts = tuple["Sequence[Node]", "TaskSource", "Dispatcher", "Accounts", "Wire"]
"""The parts of an engine that an overview looks at."""

PipeTimesOf = Callable[[int], PipeTimes | None]
"""Returns the times of the pipes of a node, by its index; ``None`` if they are not known."""


def duration(seconds: float) -> bytes:
    """Return a duration for people."""
    if seconds < 60:
        return b"%.1f s" % seconds
    minutes = int(seconds) // 60
    if minutes < 60:
        return b"%d min %02d s" % (minutes, int(seconds) % 60)
    return b"%d h %02d min" % divmod(minutes, 60)


def overview_of(engine: Engine, pipe_times_of: PipeTimesOf) -> Iterator[bytes]:
    """Yield the lines of an overview: what each node does, and what waits (OBS-011).

    Args:
        engine: that of the run.
        pipe_times_of: says how long a node has been silent.
    """
    (nodes, tasks, dispatcher, accounts, _), phase, reads_on = engine.look()
    now = take_snapshot(nodes, tasks, dispatcher, accounts)
    running = sum(bool(node.attempts) for node in nodes)
    again = dispatcher.waiting.count_reassigned()
    ready = tasks.count_ready()
    parts = [
        b"%d done" % now.done,
        *_counted(now.failed, b"failed"),
        b"%d running" % running,
        *_counted(now.in_flight - running, b"queued at nodes"),
        *_counted(ready, b"waiting for a node"),
        *_counted(again, b"waiting for another attempt"),
        *_counted(now.waiting - again - ready, b"waiting for other tasks"),
    ]
    if phase is not Phase.RUNNING:
        parts.append(_PHASES[phase])
    elif reads_on:
        parts.append(b"the input is open")
    yield b", ".join(parts)
    for node in nodes:
        yield b"; ".join(_parts_of(node, pipe_times_of))


def _counted(number: int, what: bytes) -> list[bytes]:
    return [b"%d %b" % (number, what)] if number > 0 else []


def _parts_of(node: Node, pipe_times_of: PipeTimesOf) -> Iterator[bytes]:
    name = diagnostic(b"node %b: ", node.name)
    if node.attempts:
        head = node.attempts[0]
        held = len(node.attempts)
        yield (
            name
            + diagnostic(b"task %d '%b'", head.task_id, head.task)
            + b"".join(_times(pipe_times_of(node.index), held))
        )
        if held > 1:
            yield b"%d more queued" % (held - 1)
    else:
        is_dead = node.state is NodeState.REAPED and node.record.deaths
        yield name + (b"dead" if is_dead else _WITHOUT_TASK[node.state])
    yield b"%d done" % (node.record.answered + node.answered)
    if node.record.deaths:
        yield b"died %d times" % node.record.deaths
    if NodeState.STARTING < node.state < NodeState.REAPED:
        yield b"process %d" % node.pid


def _times(times: PipeTimes | None, held: int) -> Iterator[bytes]:
    if times is None:
        return
    yield b" for %b%b" % (b"" if held == 1 else b"at least ", duration(times.age(held=held)))
    if not times.has_read_all and held == 1:
        yield b", which it has not read"
    else:
        yield b", silent for %b" % duration(times.written)
