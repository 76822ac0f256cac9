"""The test's end of the cables: links, by what can happen to them."""

from __future__ import annotations

import json
import secrets
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conformance.harness.network.namespaces import PATIENCE, NetworkError

if TYPE_CHECKING:
    from conformance.harness.network.namespaces import Namespaces

_WIRE = Path(__file__).with_name("wire.py")


class Wire:
    """The process that carries the frames of all links of a network.

    Args:
        seed: decides which frames are lost.
        head: the namespaces of the head.
    """

    def __init__(self, seed: int, head: Namespaces) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [
                    *head.enter_users(),
                    "--",
                    sys.executable,
                    "-IS",
                    str(_WIRE),
                    str(theirs.fileno()),
                ],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        ours.settimeout(PATIENCE)
        self._socket = ours
        self._lines = ours.makefile("rb")
        self.tell("seed", seed=seed)

    def tell(self, do: str, **values: Any) -> dict[str, Any]:
        """Give a command; return the answer."""
        self._socket.sendall(json.dumps({"do": do, **values}).encode() + b"\n")
        try:
            line = self._lines.readline()
        except TimeoutError:
            raise NetworkError(f"the wire does not answer to {do} {values}") from None
        if not line:
            raise NetworkError(f"the wire has ended with status {self._process.wait()}")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise NetworkError(f"/dev/net/tun: {answer['error']}")
        return answer

    def close(self) -> None:
        """End it, and with it all processes in the namespaces that it connects."""
        self._lines.close()
        self._socket.close()
        self._process.wait(PATIENCE)


class Link:
    """A link between the head and a host. All faults but ``reset`` are silent to the head."""

    def __init__(
        self, wire: Wire, number: int, head: Namespaces, host: Namespaces, ip: str
    ) -> None:
        self._wire = wire
        self._number = number
        self._name = str(number)
        self._ip = ip
        self._host = host
        self.address = f"10.77.0.{number}"
        self._plug("head", head)
        peer = f"addr add 10.77.0.254 peer {self.address} dev host{number}"
        head.run(ip, "-batch", "-", feed=f"{peer}\nlink set host{number} up\n")
        self.plug(host)

    def plug(self, host: Namespaces) -> None:
        """Connect it to a host, which may have been switched on again."""
        self._host = host
        self._plug("host", host)
        commands = [
            "link set lo up",
            f"link set eth0 address 02:00:00:00:00:{self._number:02x}",
            f"addr add {self.address}/24 dev eth0",
            "link set eth0 up",
        ]
        host.run(self._ip, "-batch", "-", feed="\n".join(commands))

    def _plug(self, side: str, namespaces: Namespaces) -> None:
        device = "eth0" if side == "host" else f"host{self._number}"
        self._wire.tell(
            "plug", link=self._name, side=side, namespace=namespaces.network, device=device
        )

    # What happens to it

    def unplug(self) -> None:
        """Pull the cable out of the host, whose device vanishes."""
        self._wire.tell("unplug", link=self._name, side="host")

    def flush(self) -> None:
        """Let what the host has sent so far be on its way."""
        self._wire.tell("flush", link=self._name, side="host")

    def go_down(self) -> None:
        """Switch off the device of the host, which knows that; the head does not."""
        self._host.run(self._ip, "link", "set", "eth0", "down")

    def go_up(self) -> None:
        """Switch on the device of the host."""
        self._host.run(self._ip, "link", "set", "eth0", "up")

    def drop(self) -> None:
        """Lose all frames, without a word to either side."""
        self._set(mode="drop")

    def reset(self) -> None:
        """End every connection by TCP resets to both sides, once it sends something."""
        self._set(mode="reset")

    def lose(self, share: float) -> None:
        """Lose this share of the frames, at random."""
        self._set(loss=share)

    def delay(self, seconds: float) -> None:
        """Let each frame take some time, each way."""
        self._set(delay=seconds)

    def slow_down(self, rate: float) -> None:
        """Carry no more than ``rate`` octets a second, each way."""
        self._set(rate=rate)

    def heal(self) -> None:
        """Carry all frames at once."""
        self._set(mode="pass", loss=0.0, delay=0.0, rate=0.0)

    def _set(self, **faults: Any) -> None:
        self._wire.tell("set", link=self._name, **faults)

    # What can be seen of it

    def count(self, what: str) -> int:
        """Return how many frames were ``passed``, ``lost``, or answered by a ``reset``."""
        number: int = self._wire.tell("counts", link=self._name)[what]
        return number

    def wait_count(self, what: str, number: int) -> None:
        """Wait until a count has reached a number."""
        self._wire.tell("wait", link=self._name, count=what, number=number)


def new_seed() -> int:
    """Return a seed for the losses of links."""
    return secrets.randbits(32)
