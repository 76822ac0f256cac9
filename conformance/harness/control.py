"""The test's end of the control channels: where fakes connect, and how one message looks."""

from __future__ import annotations

import marshal
import os
import secrets
import socket
import struct
from typing import TYPE_CHECKING, Any

from conformance.harness.watch import READ

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.harness.watch import Watch


class Channel:
    """A connection to one fake. Messages are marshalled: quick to load in the fake, and exact."""

    def __init__(
        self,
        connection: socket.socket,
        watch: Watch,
        on_event: Callable[[Channel, str, Any], None],
    ) -> None:
        self._connection = connection
        self._watch = watch
        self._on_event = on_event
        self._unparsed = bytearray()
        #: The process at the other end, by its id here: it may know itself by another one.
        self.pid = _process_behind(connection)
        self.open = True
        watch.add(connection, READ, self._take)

    def send(self, command: str, *value: Any) -> None:
        """Send a command, unless the fake is gone: that shows where the test waits for it."""
        message = marshal.dumps((command, *value))
        try:
            self._connection.sendall(struct.pack("!I", len(message)) + message)
        except OSError:
            self._watch.settle()

    def close(self) -> None:
        """End the fake: it exits when its channel is closed."""
        if self.open:
            self.open = False
            self._watch.remove(self._connection)
            self._connection.close()

    def _take(self) -> None:
        try:
            octets = self._connection.recv(1 << 20)
        except ConnectionResetError:
            octets = b""
        if not octets:
            self.close()
            self._on_event(self, "gone", None)
            return
        self._unparsed += octets
        start = 0
        while len(self._unparsed) - start >= 4:
            end = start + 4 + struct.unpack_from("!I", self._unparsed, start)[0]
            if len(self._unparsed) < end:
                break
            event, value = marshal.loads(self._unparsed[start + 4 : end])  # noqa: S302 (our own fake)
            start = end
            self._on_event(self, event, value)
        del self._unparsed[:start]


def _process_behind(connection: socket.socket) -> int:
    """Return the process that has made a connection."""
    size = struct.calcsize("3i")
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
    pid: int = struct.unpack("3i", credentials)[0]
    return pid


class Switchboard:
    """Accepts the connections of all fakes of a test."""

    def __init__(self, watch: Watch, on_event: Callable[[Channel, str, Any], None]) -> None:
        self._watch = watch
        self._on_event = on_event
        self._channels: list[Channel] = []
        #: In the abstract namespace: no file to clean up and no limit by the depth of a directory.
        self.address = f"paexec-conformance-{os.getpid()}-{secrets.token_hex(8)}"
        self._listeners: list[socket.socket] = []
        self._listen("\0" + self.address)

    def listen_at(self, path: str) -> None:
        """Accept those, too, whose network namespace has another abstract namespace."""
        self._listen(path)

    def _listen(self, address: str) -> None:
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(address)
        listener.listen(1024)
        self._listeners.append(listener)
        self._watch.add(listener, READ, lambda: self._accept(listener))

    def close(self) -> None:
        """Hang up on all fakes, those included that never said a word."""
        for channel in self._channels:
            channel.close()
        for listener in self._listeners:
            self._watch.remove(listener)
            listener.close()

    def _accept(self, listener: socket.socket) -> None:
        connection, _ = listener.accept()
        self._channels.append(Channel(connection, self._watch, self._on_event))
