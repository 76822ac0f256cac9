"""Other ways to do what the specification asks for.

A docstring says why a variant is allowed where no sentence of the specification shows it at once.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from paexec_trio.cli import main as cli
from paexec_trio.cli.startup import print_help_or_version
from paexec_trio.cli.syntax import Syntax
from paexec_trio.core.commands import Command, Report
from paexec_trio.core.engine import Engine
from paexec_trio.core.events import Event, RunStarted, StdinChunk
from paexec_trio.core.launch import Launch
from paexec_trio.core.reading import Reader
from paexec_trio.core.settings import GRACES, Settings
from paexec_trio.core.starting import Starter
from paexec_trio.core.tasks import FlatTasks
from paexec_trio.runtime.children import Children
from paexec_trio.runtime.nonblocking import NonblockingWriter
from paexec_trio.runtime.process import NodeProcess
from tests.variants.variant import touches
from tests.zoo import death, dispatch, graph, weights
from tests.zoo.planting import around, change_commands, limit_reads, put

Octets = bytes | bytearray | memoryview

# Reading and writing


@touches("framing", "eot", "prefixes")
def reads_one_octet_at_a_time() -> None:
    """RES-005: neither on its input nor from its calculators are reads messages."""
    limit_reads(1)


def change_writes(change: Callable[[Octets], Octets]) -> None:
    """Let each write take only a part of what is there."""

    @around(NonblockingWriter, "__init__")
    def init(right: Callable[..., None], self: NonblockingWriter, fd: int) -> None:
        right(self, fd)
        write = self.write
        self.write = lambda data: write(change(data))


@touches("eot", "prefixes", "ends")
def writes_one_octet_at_a_time() -> None:
    change_writes(lambda data: data[:1])


@touches("results")
def writes_seven_octets_at_a_time() -> None:
    change_writes(lambda data: data[:7])


@touches("results", "prefixes", "dispatch", "ends")
def writes_each_line_by_itself() -> None:
    def first_line(data: Octets) -> Octets:
        begin = bytes(data[:4096])
        return begin[: begin.find(b"\n") + 1] or data

    change_writes(first_line)


@touches("results", "dispatch", "prefixes", "death")
def prints_a_little_later() -> None:
    """RES-004 names what a line must not wait for, and no time."""

    @around(NonblockingWriter, "__init__")
    def init(right: Callable[..., None], self: NonblockingWriter, fd: int) -> None:
        right(self, fd)
        write = self.write

        def late(data: Octets) -> int:
            time.sleep(0.005)
            return write(data)

        self.write = late


@touches("framing", "dispatch")
def sends_tasks_one_octet_at_a_time() -> None:
    @around(Children, "send")
    def send(_right: object, self: Children, process: NodeProcess, data: bytes) -> None:
        is_first = not process.unsent.size
        process.unsent.append(data)
        if is_first:
            self._write_unsent(process)

    @around(NodeProcess, "_write")
    def write(_right: object, self: NodeProcess, data: Octets) -> int:
        return os.write(self.stdin, data[:1])


@touches("dispatch", "ends", "framing")
def reads_ahead_as_far_as_it_may() -> None:
    """DSP-023: 1 MiB beyond the end of the last dispatched task."""
    ahead = 0

    @around(Reader, "chunk")
    def chunk(right: Callable[..., bool], self: Reader, event: StdinChunk) -> bool:
        nonlocal ahead
        ahead += len(event.data)
        may_follow = right(self, event)
        if ahead <= (1 << 20) - (1 << 16):
            self.read_more()
        return may_follow

    @around(FlatTasks, "take")
    def take(right: Callable[..., tuple[int, bytes]], self: FlatTasks) -> tuple[int, bytes]:
        nonlocal ahead
        task_id, task = right(self)
        ahead -= len(task) + 1
        return task_id, task


# Which one is next


@touches("dispatch", "prefixes", "ends", "death")
def takes_the_last_idle_node() -> None:
    """DSP-014 is a recommendation."""
    dispatch.gives_tasks_to_the_idle_node_of_highest_index()


@touches("dispatch", "launch", "nodes", "prefixes", "restart")
def starts_the_last_node_first() -> None:
    @around(Starter, "begin")
    def begin(right: Callable[..., None], self: Starter) -> None:
        right(self)
        self._to_start.reverse()


@touches("graph", "weights", "death")
def takes_the_last_of_equal_tasks() -> None:
    """WGT-003 is a recommendation."""
    weights.takes_the_last_of_equal_weights_first()


@touches("graph", "weights")
def names_dependants_in_another_order() -> None:
    """GRA-044 is a recommendation."""
    graph.sorts_the_failure_line()


@touches("death", "restart")
def reassigns_in_the_order_of_the_deaths() -> None:
    """DTH-012 is a recommendation."""
    death.reassigns_tasks_in_the_order_of_the_failures()


# Processes


@touches("dispatch", "ends")
def closes_the_input_of_calculators_a_little_later() -> None:
    @around(Children, "close_stdin")
    def close_stdin(right: Callable[..., None], self: Children, node: int) -> None:
        time.sleep(0.05)
        right(self, node)


def change_graces(**seconds: float) -> None:
    """Change the grace periods of runs that do not choose their own: the programs'."""
    graces = GRACES._replace(**seconds)
    put(Settings.__new__, "__defaults__", (*(Settings.__new__.__defaults__ or ())[:-1], graces))


@touches("ends", "death", "restart")
def is_impatient() -> None:
    """At the normal end nobody is signalled (END-040); otherwise signals may come at once."""
    change_graces(finish_notice=5.05, stop=0.0, term=0.2)


@touches("ends", "death")
def is_patient() -> None:
    """END-005: after a documented time, of which it does not say how long it is."""
    change_graces(kill=4.0, stop=2.0, term=4.0)


@touches("ends", "death")
def gives_nodes_sessions_of_their_own() -> None:
    """The chapter on transports allows it."""

    @around(NodeProcess, "__init__")
    def init(right: Callable[..., None], self: NodeProcess, *words: object, **_: object) -> None:
        right(self, *words, new_session=True)


@touches("dispatch", "eot", "ends")
def takes_half_a_second_to_start() -> None:
    time.sleep(0.5)


@touches("launch", "login_shells", "nodes", "security")
def writes_another_command_line() -> None:
    """LCH-021: it need not be upstream's, as long as each login shell knows it (LCH-030)."""

    @around(Launch, "argv")
    def argv(right: Callable[..., list[bytes]], self: Launch, *node: object) -> list[bytes]:
        words = right(self, *node)
        if self.transport:
            words[-1] = b"exec  " + words[-1]
        return words


# Words


@touches("ends", "death", "graph", "weights", "framing")
def says_it_in_other_words() -> None:
    """The chapter on conventions: the text of a diagnostic matters to people only.

    DTH-030 sets the words of one.
    """

    def change(_self: Engine, _event: Event, commands: list[Command]) -> list[Command]:
        for command in commands:
            if isinstance(command, Report) and command.text != b"all nodes failed":
                command.text = b"o dear! [" + command.text.removeprefix(b"paexec: ") + b" ]"
        return commands

    change_commands(change)


@touches("framing", "eot", "results", "graph")
def talks_at_its_start() -> None:
    def change(_self: Engine, event: Event, commands: list[Command]) -> list[Command]:
        if isinstance(event, RunStarted):
            commands.insert(0, Report(b"hello! I will now start to distribute your tasks\n..."))
        return commands

    change_commands(change)


@touches("options")
def helps_on_standard_output() -> None:
    """OPT-010 does not say where."""

    def inform_there(program: str, syntax: Syntax, option: str) -> int:
        os.dup2(1, 2)
        return print_help_or_version(program, syntax, option)

    put(cli, "print_help_or_version", inform_there)
