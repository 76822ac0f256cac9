"""Channels that give the facts of a run to tasks of trio."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

import trio

if TYPE_CHECKING:
    from paexec_trio.core.facts import Fact, FactStream


@final
class FactChannel(trio.abc.ReceiveChannel["list[Fact]"]):
    """Gives the facts of a run in batches, each a list with at least one fact, in their order.

    It ends when it is closed, or with the run. It keeps all facts that were not received, so a task
    that follows a run must not wait for others.

    Args:
        stream: the facts of the run.

    Attributes:
        nodes: the names of the nodes, by the indices that facts have.
    """

    def __init__(self, stream: FactStream) -> None:
        self._stream = stream
        self._reader = stream.follow()
        self._news = trio.Event()
        self._has_ended = False
        self._is_closed = False

    @property
    def nodes(self) -> tuple[bytes, ...]:
        """The names of the nodes, by the indices that facts have."""
        return self._stream.nodes

    async def receive(self) -> list[Fact]:
        """Wait for the next batch and return it.

        Raises:
            trio.EndOfChannel: the run is over, and all its facts were received.
            trio.ClosedResourceError: the channel was closed.
        """
        await trio.lowlevel.checkpoint()
        while not self._reader:
            if self._is_closed:
                raise trio.ClosedResourceError
            if self._has_ended:
                raise trio.EndOfChannel
            self._news = trio.Event()
            self._reader.on_fact = self._news.set
            await self._news.wait()
        return self._reader.take()

    def take(self) -> list[Fact]:
        """Return the facts that wait, perhaps none; never waits."""
        return self._reader.take()

    def forget_history(self) -> None:
        """Let later channels begin where they are made."""
        self._stream.forget_history()

    def end(self) -> None:
        """Let the channel end when its facts were received: the run is over."""
        self._has_ended = True
        self._news.set()

    def close(self) -> None:
        """Follow the run no longer."""
        if not self._is_closed:
            self._is_closed = True
            self._reader.take()
            self._stream.leave(self._reader)
            self._news.set()

    async def aclose(self) -> None:
        """Follow the run no longer."""
        self.close()
        await trio.lowlevel.checkpoint()


@final
class Following:
    """The channels that follow one run.

    Args:
        stream: the facts of the run; ``None``: it tells none.

    Attributes:
        over: is set when the run is over.
    """

    def __init__(self, stream: FactStream | None) -> None:
        self._stream = stream
        self._channels: list[FactChannel] = []
        self.over = trio.Event()

    def follow(self) -> FactChannel:
        """Return a channel of the facts.

        Raises:
            RuntimeError: the run tells no facts.
        """
        if self._stream is None:
            raise RuntimeError("the run tells no facts: give it the argument facts")
        channel = FactChannel(self._stream)
        self._channels.append(channel)
        if self.over.is_set():
            channel.end()
        return channel

    def end(self) -> None:
        """Say that the run is over."""
        self.over.set()
        for channel in self._channels:
            channel.end()
