"""Faults in what transports can rely on while they run."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

from paexec_trio.core.commands import StartNode
from paexec_trio.core.events import Event
from paexec_trio.runtime import host, process
from paexec_trio.runtime.host import Host
from paexec_trio.runtime.process import NodeProcess
from tests.zoo.mutant import breaks
from tests.zoo.planting import around, instead, put


@breaks("TRN-001")
def gives_the_input_of_a_calculator_to_the_others() -> None:
    @around(NodeProcess, "__init__")
    def init(right: Callable[..., None], self: NodeProcess, *arguments: object) -> None:
        right(self, *arguments)
        os.set_inheritable(self.stdin, True)


@breaks("TRN-002")
def ends_a_node_that_closes_standard_error() -> None:
    @instead(process, "spawn")
    def spawn(right: Callable[..., int], *words: object, **options: object) -> int:
        reading, writing = os.pipe2(os.O_CLOEXEC)
        pid = right(*words[:-1], writing, **options)
        os.close(writing)
        script = 'cat >&2; kill -9 -- "-$0"'
        if not os.fork():
            os.dup2(reading, 0)
            os.execv("/bin/sh", ["sh", "-c", script, str(pid)])
        os.close(reading)
        return pid


@breaks("TRN-003")
def drops_what_is_unread_when_a_process_ends() -> None:
    put(host, "_CHUNK", 4096)

    @around(Host, "_finish")
    def finish(right: Callable[..., Iterator[Event]], self: Host, process: NodeProcess) -> object:
        self._unwatch_stdout(process)
        process.close_stdout()
        return right(self, process)


@breaks("TRN-004")
def takes_a_closed_input_for_the_end_of_a_node() -> None:
    @around(Host, "_start_node")
    def start_node(right: Callable[..., None], self: Host, command: StartNode) -> None:
        right(self, command)
        process = self._processes.get(command.node)
        if process:
            # Nothing asked for: that nobody reads any more is reported all the same.
            self._watch(process.stdin, 0, lambda: closed(self, process))

    def closed(self: Host, process: NodeProcess) -> Iterator[Event]:
        self._unwatch_stdin(process)
        return self._unwritable(process, b"Broken pipe")
