"""Faults in what transports can rely on while they run."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

from paexec_trio.core.events import Event
from paexec_trio.runtime import process
from paexec_trio.runtime.children import Children
from paexec_trio.runtime.poller import HANG_UP
from paexec_trio.runtime.process import NodeProcess
from tests.zoo.mutant import breaks
from tests.zoo.planting import around, instead, limit_reads


@breaks("TRN-001")
def gives_the_input_of_a_calculator_to_the_others() -> None:
    @around(NodeProcess, "__init__")
    def init(
        right: Callable[..., None], self: NodeProcess, *words: object, **options: object
    ) -> None:
        right(self, *words, **options)
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
    limit_reads(4096)

    @around(Children, "_finish")
    def finish(
        right: Callable[..., Iterator[Event]], self: Children, process: NodeProcess
    ) -> object:
        self._unwatch_stdout(process)
        process.close_stdout()
        return right(self, process)


@breaks("TRN-004")
def takes_a_closed_input_for_the_end_of_a_node() -> None:
    @around(Children, "start")
    def start(right: Callable[..., None], self: Children, node: int) -> None:
        right(self, node)
        process = self.processes.get(node)
        if process:
            # Nothing asked for: that nobody reads any more is reported all the same.
            self._poller.watch(process.stdin, HANG_UP, lambda: closed(self, process))

    def closed(self: Children, process: NodeProcess) -> Iterator[Event]:
        self._unwatch_stdin(process)
        return self._unwritable(process, b"Broken pipe")
