"""Backpressure: results that wait in the pipes of their nodes until their reader has room."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from paexec_trio.core.events import Event
    from paexec_trio.core.facts import FactStream
    from paexec_trio.runtime.poller import Poller
    from paexec_trio.runtime.process import NodeProcess
    from paexec_trio.runtime.streams import ResultSink


@final
class Pauses:
    """Processes whose output waits for room for results.

    Args:
        poller: tells what has happened when there is room.
        output: says when there is.
        facts: are told of backpressure; ``None``: nobody wants to know.
    """

    def __init__(self, poller: Poller, output: ResultSink, facts: FactStream | None) -> None:
        self._poller = poller
        self._output = output
        self._facts = facts
        self._paused: list[Callable[[], None]] = []
        # The last output of these is read when there is room for results again.
        self._postponed: dict[NodeProcess, Callable[[], Iterator[Event]]] = {}

    def pause(self, go_on: Callable[[], None]) -> None:
        """Call ``go_on`` when there is room for results."""
        self._paused.append(go_on)
        self._wait()

    def has_to_wait(self, process: NodeProcess) -> bool:
        """Return whether the last output of a process is not to be read yet (DSP-025).

        Otherwise a node that keeps dying and restarting would add one pipeful per restart while
        standard output is blocked. A node whose input is closed is not restarted that soon.
        """
        return self._output.is_congested and process.stdin >= 0 and process.has_unread_output()

    def is_postponed(self, process: NodeProcess) -> bool:
        """Return whether the last output of a process waits."""
        return process in self._postponed

    def postpone(self, process: NodeProcess, finish: Callable[[], Iterator[Event]]) -> None:
        """Let the events of ``finish`` happen when there is room, in place of earlier ones."""
        self._postponed[process] = finish
        self._wait()

    def release(self, process: NodeProcess) -> None:
        """Let what was postponed for a process happen now."""
        if process in self._postponed:
            self._poller.pending.append(self._postponed.pop(process)())

    def forget(self) -> None:
        """Drop what waits."""
        self._postponed.clear()
        self._output.on_room = None

    def _wait(self) -> None:
        if self._facts and self._output.on_room is None:
            self._facts.tell_backpressure(is_on=True)
        self._output.on_room = self._go_on

    def _go_on(self) -> None:
        if self._facts:
            self._facts.tell_backpressure(is_on=False)
        for go_on in self._paused:
            go_on()
        self._paused.clear()
        # Their pipes hold output, for which the loop wakes, also if the program made the room.
        self._poller.pending.extend(finish() for finish in self._postponed.values())
        self._postponed.clear()
