"""The faults of the campaigns: what happens to a host, and how that ends."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from conformance.harness.network.host import Host

Act = Callable[[Host], None]
"""Something that happens to a host."""


@dataclass(frozen=True)
class Fault:
    """A fault of a host or its link.

    Attributes:
        name: what the tables call it.
        strike: makes it happen.
        heal: ends it.
        from_the_start: whether it is there before the run; otherwise it strikes at work.
        is_loss: whether the host can do no more tasks.
    """

    name: str
    strike: Act
    heal: Act
    from_the_start: bool = False
    is_loss: bool = True


def send(host: Host, number: signal.Signals) -> None:
    """Send a signal to the calculators of a host, but not to the shells around them."""
    for pid in host.commands():
        with suppress(OSError, IndexError):
            if b"calculator.py" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[2]:
                os.kill(pid, number)


def nothing(_host: Host) -> None:
    """Leave a host alone."""


FAULTS = [
    Fault("link down", lambda host: host.link.go_down(), lambda host: host.link.go_up()),
    Fault("dropped", lambda host: host.link.drop(), lambda host: host.link.heal()),
    Fault(
        "session stopped", lambda host: host.stop_sessions(), lambda host: host.resume_sessions()
    ),
    Fault("session killed", lambda host: host.kill_sessions(), nothing, is_loss=False),
    Fault("RST", lambda host: host.link.reset(), lambda host: host.link.heal()),
    Fault("power off", lambda host: host.power_off(), lambda host: host.come_back()),
    Fault("crash", lambda host: host.crash(), lambda host: host.come_back()),
    Fault(
        "calculator stopped",
        lambda host: send(host, signal.SIGSTOP),
        lambda host: send(host, signal.SIGCONT),
        is_loss=False,
    ),
    Fault("calculator killed", lambda host: send(host, signal.SIGKILL), nothing, is_loss=False),
    Fault(
        "10 % loss",
        lambda host: host.link.lose(0.1),
        lambda host: host.link.heal(),
        from_the_start=True,
        is_loss=False,
    ),
    Fault(
        "200 ms",
        lambda host: host.link.delay(0.2),
        lambda host: host.link.heal(),
        from_the_start=True,
        is_loss=False,
    ),
    Fault("refused", lambda host: host.refuse(), lambda host: host.accept(), from_the_start=True),
    Fault(
        "hangs at login",
        lambda host: host.hang_at_login(),
        lambda host: host.log_in_as_usual(),
        from_the_start=True,
    ),
    Fault(
        "listener stopped",
        lambda host: host.stop_listener(),
        lambda host: host.resume_listener(),
        from_the_start=True,
    ),
    Fault(
        "greeting",
        lambda host: host.greet("Welcome!\n"),
        lambda host: host.log_in_as_usual(),
        from_the_start=True,
        is_loss=False,
    ),
    Fault(
        "greeting, empty line",
        lambda host: host.greet("Welcome!\n\n"),
        lambda host: host.log_in_as_usual(),
        from_the_start=True,
        is_loss=False,
    ),
    Fault(
        "wrong key",
        lambda host: host.change_key(),
        lambda host: host.restore_key(),
        from_the_start=True,
    ),
]
"""The seventeen of the table, in its order."""

UNPLUGGED = Fault("unplugged", lambda host: host.link.unplug(), lambda host: host.plug_in())


def named(name: str) -> Fault:
    """Return the fault of this name."""
    return next(fault for fault in (*FAULTS, UNPLUGGED) if fault.name == name)
