"""The events of deadlines that have passed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from paexec_trio.core.commands import Purpose
from paexec_trio.core.events import DeadlinePassed, NodeUnread

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from paexec_trio.core.events import Event
    from paexec_trio.runtime.process import NodeProcess
    from paexec_trio.runtime.timers import Timers


def passed(timers: Timers, processes: Mapping[int, NodeProcess]) -> Iterator[Event]:
    """Yield which deadlines have passed.

    Before a look at silent nodes comes which of them are not silent, but not read.

    Args:
        timers: the deadlines of the run.
        processes: the process of each node that has one.
    """
    for deadline in timers.passed():
        if deadline.purpose is Purpose.LOOK or deadline.purpose is Purpose.LISTEN:
            unread = [p.node for p in processes.values() if p.has_unread_output()]
            yield from map(NodeUnread, unread)
        yield DeadlinePassed(deadline)
