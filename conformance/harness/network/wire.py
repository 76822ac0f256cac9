"""The cables of a test network: carries frames between the head and its hosts, and their faults.

Usage: wire.py DESCRIPTOR

Each link is a pair of TAP devices, one in the network namespace of the head and one in that of a
host. Commands come from the test by the socket DESCRIPTOR, a line of JSON each, and each is
answered by a line. When that socket ends, so does every process of these namespaces: nothing
outlives the test, even if it is killed.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import heapq
import json
import os
import random
import select
import signal
import socket
import struct
import sys
import time
from dataclasses import dataclass, field
from typing import Any

_TUNSETIFF = 0x400454CA
_IFF_TAP = 0x0002
_IFF_NO_PI = 0x1000
_CLONE_NEWNET = 0x40000000

_LONGEST_FRAME = 1 << 16
_FRAMES_AT_A_TIME = 64

#: How many octets wait for a slow link before frames are lost, as in a router.
_BACKLOG = 1 << 17

_FIN, _SYN, _RST, _ACK = 1, 2, 4, 16


def enter(namespace: str) -> None:
    """Enter the network namespace that a file stands for."""
    libc = ctypes.CDLL(None, use_errno=True)
    there = os.open(namespace, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if libc.setns(there, _CLONE_NEWNET):
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code))
    finally:
        os.close(there)


def open_tap(name: str) -> int:
    """Make a TAP device in the network namespace of this process; it does not block."""
    device: int = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    fcntl.ioctl(device, _TUNSETIFF, struct.pack("16sH22x", name.encode(), _IFF_TAP | _IFF_NO_PI))
    return device


def checksum(octets: bytes) -> int:
    """Return the checksum of RFC 1071."""
    padded = octets + b"\0" * (len(octets) % 2)
    total: int = sum(struct.unpack(f"!{len(padded) // 2}H", padded))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return 0xFFFF - total


def resets_of(frame: bytes) -> tuple[bytes, bytes] | None:
    """Return the frames that end the TCP connection of a frame: for its sender, for its receiver.

    None if it is of no connection over IPv4, or says itself that the connection has ended.
    """
    if frame[12:14] != b"\x08\x00" or frame[23] != socket.IPPROTO_TCP:
        return None
    packet = frame[14:]
    begin = (packet[0] & 15) * 4
    length = struct.unpack_from("!H", packet, 2)[0]
    source, target, sequence, acknowledged, offset, flags = struct.unpack_from(
        "!HHIIBB", packet, begin
    )
    if flags & _RST:
        return None
    taken = length - begin - (offset >> 4) * 4 + bool(flags & _SYN) + bool(flags & _FIN)
    back = _reset(
        (frame[6:12], frame[0:6]),
        (packet[16:20], packet[12:16]),
        (target, source),
        acknowledged if flags & _ACK else 0,
        sequence + taken,
    )
    onward = _reset(
        (frame[0:6], frame[6:12]),
        (packet[12:16], packet[16:20]),
        (source, target),
        sequence,
        acknowledged,
    )
    return back, onward


def _reset(
    stations: tuple[bytes, bytes],
    addresses: tuple[bytes, bytes],
    ports: tuple[int, int],
    sequence: int,
    acknowledged: int,
) -> bytes:
    """Build the frame of a reset; ``stations`` are target and source, the others the reverse."""
    segment = struct.pack(
        "!HHIIBBHHH",
        *ports,
        sequence & 0xFFFFFFFF,
        acknowledged & 0xFFFFFFFF,
        5 << 4,
        _RST | _ACK,
        0,
        0,
        0,
    )
    pseudo = b"".join(addresses) + struct.pack("!BBH", 0, socket.IPPROTO_TCP, len(segment))
    segment = segment[:16] + struct.pack("!H", checksum(pseudo + segment)) + segment[18:]
    header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(segment), 0, 0, 64, socket.IPPROTO_TCP, 0)
    header += b"".join(addresses)
    header = header[:10] + struct.pack("!H", checksum(header)) + header[12:]
    return b"".join(stations) + b"\x08\x00" + header + segment


@dataclass
class Link:
    """One link, and its faults.

    Attributes:
        ends: the descriptors of its devices, by side; -1 if it is unplugged there.
        mode: whether frames ``pass``, are silently lost (``drop``), or end their connections
            (``reset``).
        loss: the share of the frames that is lost.
        delay: the seconds that each frame takes.
        rate: octets a second; 0 if there is no limit.
        counts: how many frames were passed, lost and answered by a reset.
        free_at: when the next frame can begin on a slow link, by side.
    """

    ends: dict[str, int]
    mode: str = "pass"
    loss: float = 0.0
    delay: float = 0.0
    rate: float = 0.0
    counts: dict[str, int] = field(default_factory=lambda: {"passed": 0, "lost": 0, "reset": 0})
    free_at: dict[str, float] = field(default_factory=lambda: {"head": 0.0, "host": 0.0})


_OTHER = {"head": "host", "host": "head"}


class Wire:
    """All links of a network."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._unparsed = b""
        self._poll = select.poll()
        self._poll.register(control, select.POLLIN)
        self._links: dict[str, Link] = {}
        self._sides: dict[int, tuple[Link, str]] = {}
        #: Frames on their way, with the time of their arrival and a number that keeps their order.
        self._on_the_way: list[tuple[float, int, Link, str, bytes]] = []
        self._number = 0
        #: What the test waits for: a link, the name of a count, and the number it is to reach.
        self._awaited: tuple[str, str, int] | None = None
        self._dice = random.Random()  # noqa: S311 (nobody attacks)
        self._namespaces: set[str] = set()
        self._own = os.readlink("/proc/self/ns/net")  # noqa: PTH115

    def run(self) -> None:
        """Carry frames until the test goes away."""
        while True:
            patience = None
            if self._on_the_way:
                patience = max(0.0, self._on_the_way[0][0] - time.monotonic()) * 1000
            for descriptor, _ in self._poll.poll(patience):
                if descriptor == self._control.fileno():
                    if not self._obey():
                        return
                elif descriptor in self._sides:
                    self._take(*self._sides[descriptor])
            self._deliver()
            self._tell_awaited()

    def end_all(self) -> None:
        """Kill every other process in the namespaces of this network."""
        mine = str(os.getpid())  # it is in the namespace of the last device
        for name in os.listdir("/proc"):  # noqa: PTH208 (pathlib is slow to load)
            if name.isdigit() and name != mine:
                with contextlib.suppress(OSError):
                    if os.readlink(f"/proc/{name}/ns/net") in self._namespaces:  # noqa: PTH115
                        os.kill(int(name), signal.SIGKILL)

    # Commands

    def _obey(self) -> bool:
        """Take in commands; return whether more can come."""
        octets = self._control.recv(1 << 16)
        *lines, self._unparsed = (self._unparsed + octets).split(b"\n")
        for line in lines:
            command = json.loads(line)
            try:
                answer = getattr(self, "_do_" + command.pop("do"))(**command)
            except OSError as error:
                answer = {"error": error.strerror}
            if answer is not None:
                self._answer(answer)
        return bool(octets)

    def _answer(self, answer: dict[str, Any]) -> None:
        self._control.sendall(json.dumps(answer).encode() + b"\n")

    def _do_seed(self, seed: int) -> dict[str, Any]:
        self._dice.seed(seed)
        return {}

    def _do_plug(self, link: str, side: str, namespace: str, device: str) -> dict[str, Any]:
        """Make the device of one side; the first one of a link makes the link."""
        number = os.readlink(namespace)  # noqa: PTH115
        if number == self._own:  # everything in it is to be killed
            raise OSError(errno.EINVAL, "this is the network of the machine")
        self._namespaces.add(number)
        enter(namespace)
        tap = open_tap(device)
        known = self._links.setdefault(link, Link({"head": -1, "host": -1}))
        known.ends[side] = tap
        self._sides[tap] = (known, side)
        self._poll.register(tap, select.POLLIN)
        return {}

    def _do_unplug(self, link: str, side: str) -> dict[str, Any]:
        """Remove the device of one side."""
        self._remove(self._links[link], side)
        return {}

    def _do_flush(self, link: str, side: str) -> dict[str, Any]:
        """Take all that one side has written so far."""
        while self._take(self._links[link], side):
            pass
        return {}

    def _do_set(self, link: str, **faults: Any) -> dict[str, Any]:
        for name, value in faults.items():
            setattr(self._links[link], name, value)
        return {}

    def _do_counts(self, link: str) -> dict[str, Any]:
        return dict(self._links[link].counts)

    def _do_wait(self, link: str, count: str, number: int) -> None:
        """Answer when a count has reached a number."""
        self._awaited = (link, count, number)

    def _tell_awaited(self) -> None:
        if self._awaited:
            link, count, number = self._awaited
            if self._links[link].counts[count] >= number:
                self._awaited = None
                self._answer(dict(self._links[link].counts))

    def _remove(self, link: Link, side: str) -> None:
        tap, link.ends[side] = link.ends[side], -1
        if tap >= 0:
            self._poll.unregister(tap)
            del self._sides[tap]
            os.close(tap)

    # Frames

    def _take(self, link: Link, side: str) -> bool:
        """Send frames on their way that one side has written; return whether there may be more."""
        for _ in range(_FRAMES_AT_A_TIME):
            try:
                frame = os.read(link.ends[side], _LONGEST_FRAME)
            except BlockingIOError:
                return False
            except OSError:  # the device is gone, and its namespace with it
                self._remove(link, side)
                return False
            self._carry(link, side, frame)
        return True

    def _carry(self, link: Link, side: str, frame: bytes) -> None:
        target = _OTHER[side]
        if link.mode == "drop" or (link.loss and self._dice.random() < link.loss):
            link.counts["lost"] += 1
            return
        if link.mode == "reset" and (resets := resets_of(frame)):
            link.counts["reset"] += 1
            self._write(link, side, resets[0])
            self._write(link, target, resets[1])
            return
        now = arrival = time.monotonic()
        if link.rate:
            begin = max(now, link.free_at[side])
            if (begin - now) * link.rate > _BACKLOG:
                link.counts["lost"] += 1
                return
            arrival = link.free_at[side] = begin + len(frame) / link.rate
        arrival += link.delay
        if arrival <= now and not self._on_the_way:
            self._write(link, target, frame)
            return
        self._number += 1
        heapq.heappush(self._on_the_way, (arrival, self._number, link, target, frame))

    def _deliver(self) -> None:
        """Hand over the frames that have arrived."""
        now = time.monotonic()
        while self._on_the_way and self._on_the_way[0][0] <= now:
            _, _, link, target, frame = heapq.heappop(self._on_the_way)
            if link.mode == "drop":
                link.counts["lost"] += 1
            else:
                self._write(link, target, frame)

    @staticmethod
    def _write(link: Link, target: str, frame: bytes) -> None:
        if link.ends[target] < 0:
            link.counts["lost"] += 1
            return
        try:
            os.write(link.ends[target], frame)
        except OSError:  # its device is down, or has no room
            link.counts["lost"] += 1
        else:
            link.counts["passed"] += 1


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it is for the test, which then lets this one go
    wire = Wire(socket.socket(fileno=int(sys.argv[1])))
    try:
        wire.run()
    finally:
        wire.end_all()


if __name__ == "__main__":
    main()
