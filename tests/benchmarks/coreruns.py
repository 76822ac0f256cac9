"""Complete runs of the engine alone, with nodes that answer each task by itself.

Usage: python -m tests.benchmarks.coreruns RUN TASKS

``instructions.py`` counts what a task costs in them.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable

from paexec_trio.core.commands import (
    CloseStdin,
    DrainOutput,
    Exit,
    ReadMore,
    Send,
    StartNode,
    Write,
)
from paexec_trio.core.engine import Engine
from paexec_trio.core.events import (
    Event,
    NodeEnded,
    NodeOutput,
    NodeReaped,
    NodeStarted,
    OutputDrained,
    RunStarted,
    StdinChunk,
    StdinEnded,
)
from paexec_trio.core.settings import GraphSettings, Settings

CHUNK = 1 << 16
"""Octets of the input that come at a time: what the programs read."""


def names(nodes: int) -> tuple[bytes, ...]:
    """Return names of nodes."""
    return tuple(b"%d" % node for node in range(nodes))


RUNS: dict[str, Callable[[], Settings]] = {
    "1 node": lambda: Settings(nodes=names(1)),
    "8 nodes": lambda: Settings(nodes=names(8)),
    "8 nodes, -lrp": lambda: Settings(
        nodes=names(8), show_task_id=True, show_node=True, show_pid=True
    ),
    "8 nodes, --prefetch 16": lambda: Settings(nodes=names(8), prefetch=16),
    "8 nodes, -g": lambda: Settings(nodes=names(8), graph=GraphSettings()),
}
"""Runs of the core, by name."""


def run(settings: Settings, tasks: int) -> int:
    """Do tasks, which are numbers, and return the number of octets of the results.

    The result of a task is its text, in graph mode ``success``. Each ``Send`` is answered at once.
    """
    engine = Engine(settings)
    text = b"".join(b"%d\n" % number for number in range(1, tasks + 1))
    pieces: deque[Event] = deque(
        StdinChunk(text[at : at + CHUNK]) for at in range(0, len(text), CHUNK)
    )
    pieces.append(StdinEnded())
    events: deque[Event] = deque([RunStarted()])
    octets = 0
    while events:
        for command in engine.handle(events.popleft()):
            match command:
                case Send():
                    lines = b"success\n\n" * command.data.count(b"\n")
                    if not settings.graph:
                        lines = command.data.replace(b"\n", b"\n\n")
                    events.append(NodeOutput(command.node, lines))
                case Write():
                    octets += len(command.data)
                case ReadMore():
                    events.append(pieces.popleft())
                case StartNode():
                    events.append(NodeStarted(command.node, 1000 + command.node))
                case CloseStdin():
                    events += [NodeEnded(command.node), NodeReaped(command.node)]
                case DrainOutput():
                    events.append(OutputDrained())
                case Exit():
                    return octets
    raise AssertionError("the run has no end")


if __name__ == "__main__":
    print(run(RUNS[sys.argv[1]](), int(sys.argv[2])))
