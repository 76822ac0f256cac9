"""Ending the processes of nodes: their groups, and processes that left these groups."""

from __future__ import annotations

import os
import signal
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING, final

from paexec_trio.runtime.exits import ended_children, has_children, reap
from paexec_trio.runtime.relatives import descendants, is_first_process
from paexec_trio.runtime.system import system

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from paexec_trio.runtime.process import NodeProcess
    from paexec_trio.runtime.system import Census, Relative

_ROUNDS = 10
"""How often is looked for processes to kill, as long as new ones are found."""

_DELAY = 0.05
"""Seconds that the walk after a death is put off: there may be more deaths, or all is over."""

_SHARE = 20
"""How many times as long as the last walk took the next one after a death is put off."""


@final
class Ends:
    """Sends signals to all processes of nodes, and remembers which of them are still to be ended.

    The group of a node is signalled at once. A process that a calculator started in a *group* of
    its own (``timeout``, a shell with job control) is found by a walk over all processes. One walk
    serves all nodes that were signalled in one round. A process that made a *session* of its own is
    left alone (END-043).

    If nodes have sessions of their own, the session of a process tells its node. Otherwise every
    descendant of the distributor in the distributor's session belongs to some node. Nothing ties an
    orphan to its node, so orphans are signalled with any node.

    A process that has ended is reaped only after the walk for its descendants. Until then the
    system gives neither its id nor that of its session to another process.

    Args:
        sessions: whether each node has a session of its own.
        adopts: whether orphans become children of this process.
    """

    def __init__(self, *, sessions: bool, adopts: bool) -> None:
        self._sessions = sessions
        self._adopts = adopts
        self._session = os.getsid(0)
        self._signalled: dict[int, tuple[NodeProcess, signal.Signals]] = {}
        # They have ended and were not reaped; those of the second were not walked for either.
        self._ended: list[NodeProcess] = []
        self._died: dict[int, NodeProcess] = {}
        self._left: dict[int, NodeProcess] = {}
        # What was killed, and may not end, or must not be killed.
        self._killed: dict[tuple[int, int], Relative] = {}
        self._untouchable: dict[tuple[int, int], Relative] = {}
        self._of_the_dead: set[tuple[int, int]] = set()
        self._next_walk = 0.0
        self.due_at: float | None = None
        """When :meth:`catch_up` has something to do, by the system's monotonic clock."""

    def signal(self, process: NodeProcess, signum: signal.Signals) -> bool:
        """Send a signal to the group of a node now, and to what has left it in ``catch_up``.

        SIGTERM wakes those that are stopped, who would not end otherwise.

        Returns:
            ``False`` if that is not allowed: what is left of the group runs as another user.
        """
        allowed = process.signal_group(signum)
        if signum is signal.SIGTERM:
            process.signal_group(signal.SIGCONT)
        self._signalled[process.pid] = process, signum
        self._walk_after(0.0)
        return allowed

    def reap(self, process: NodeProcess) -> None:
        """Kill what is left of the group of a process that has ended; reap it at the next walk.

        What has left the group is killed as well: soon, and before the node starts again, where it
        can be told from what other nodes have started; otherwise at the end of the run.
        """
        process.retire()
        self._left.pop(process.pid, None)
        if not self._sessions or process.node in self._died:
            self._ended.append(process)
            return
        self._died[process.node] = process
        self._walk_after(_DELAY)

    def _walk_after(self, seconds: float) -> None:
        at = max(monotonic() + seconds, self._next_walk)
        if self.due_at is None or at < self.due_at:
            self.due_at = at

    def leave(self, process: NodeProcess) -> None:
        """Record that nobody waits any more for a process that does not end."""
        self._left[process.pid] = process

    def has_died(self, node: int) -> bool:
        """Return whether something of the last process of a node may be left until ``catch_up``."""
        return node in self._died

    def catch_up(self, living: Collection[NodeProcess]) -> None:
        """Look for what has left the groups of nodes that were signalled or died, and signal it.

        Args:
            living: all nodes' processes that were not reaped.
        """
        began = monotonic()
        self.due_at = None
        signalled, self._signalled = list(self._signalled.values()), {}
        died, self._died = list(self._died.values()), {}
        to_kill = [process for process, signum in signalled if signum is signal.SIGKILL]
        to_end = [process for process, signum in signalled if signum is signal.SIGTERM]
        if to_end:
            for relative in self._outside(system.take_census(), to_end, living):
                system.send(relative, signal.SIGTERM, signal.SIGCONT)
        if to_kill or died:
            self._kill([*to_kill, *died], living)
        for process in died:
            process.reap()
        # Put off the next walk, so that many deaths do not cost much.
        ended = monotonic()
        self._next_walk = ended + _SHARE * (ended - began)

    def reap_orphans(self, living: Collection[NodeProcess]) -> None:
        """Reap what became our child when its parent ended, and has ended itself."""
        if not (self._adopts or is_first_process()):
            return  # what is not ours to reap
        for pid in ended_children():
            ours = (*living, *self._ended, *self._died.values(), *self._left.values())
            if not any(process.pid == pid for process in ours):
                reap(pid)

    # The end of the run

    def sweep(self) -> list[Relative]:
        """Kill all that is left of nodes that were reaped; return what was killed and may end."""
        self._of_the_dead = {*self._killed, *self._untouchable}
        ended = [*self._ended, *self._died.values()]
        if self._adopts:
            for process in ended:
                process.reap()
            self.reap_orphans(())
            if has_children():
                self._kill(ended, ())
        elif ended:
            self._kill(ended, ())
            for process in ended:
                process.reap()
        for process in self._left.values():
            process.close_pipes()
        return list(self._killed.values())

    def survivors(self) -> Iterator[tuple[int, bytes, bool]]:
        """Yield what should have ended and has not.

        Each with its id, the reason, and whether the run has failed by that: not if a dead node has
        left it (DTH-001).
        """
        for relatives, reason in (
            (self._killed, b"does not end"),
            (self._untouchable, b"must not be signalled"),
        ):
            for identity, relative in relatives.items():
                if system.is_there(relative):
                    yield relative.pid, reason, identity not in self._of_the_dead

    # A stop and its end (SIGTSTP)

    @contextmanager
    def stopped(self, living: Collection[NodeProcess]) -> Iterator[None]:
        """Let all processes of nodes stop, and go on afterwards."""
        for process in living:
            process.signal_group(signal.SIGSTOP)
        outside = self._outside(system.take_census(), living, living)
        for relative in outside:
            system.send(relative, signal.SIGSTOP)
        try:
            yield
        finally:
            for process in living:
                process.signal_group(signal.SIGCONT)
            for relative in outside:
                system.send(relative, signal.SIGCONT)

    # Who belongs to nodes

    def _members(
        self, census: Census, of: Collection[NodeProcess], living: Collection[NodeProcess]
    ) -> list[Relative]:
        """Return what nodes have started and has not ended, but for their own processes.

        Args:
            census: all processes.
            of: the nodes' processes.
            living: all nodes' processes that were not reaped.
        """
        own = {process.pid for process in of}
        others = {process.pid for process in living} - own
        if self._sessions:
            candidates = list(census.values())
            if self._adopts:  # their sessions may be gone already, and their ids be another's
                candidates = descendants(census, [os.getpid()])
            found = [r for r in candidates if r.session in own and not r.has_ended]
        else:
            family = descendants(census, [os.getpid()], others)
            found = [relative for relative in family if relative.session == self._session]
        return [r for r in found if r.pid not in own and r.pid not in self._left]

    def _outside(
        self, census: Census, of: Collection[NodeProcess], living: Collection[NodeProcess]
    ) -> list[Relative]:
        """Return those of them that have left the groups of the nodes."""
        groups = {process.pid for process in of}
        return [r for r in self._members(census, of, living) if r.group not in groups]

    def _kill(self, of: Collection[NodeProcess], living: Collection[NodeProcess]) -> None:
        """Send SIGKILL to what nodes have started, until nothing new is found."""
        known: set[tuple[int, int]] = set()
        for _ in range(_ROUNDS):
            found = self._members(system.take_census(), of, living)
            new = [relative for relative in found if relative.identity not in known]
            if not new:
                return
            # Of those killed before only what has not ended is remembered: that is little.
            self._killed = {key: r for key, r in self._killed.items() if system.is_there(r)}
            for relative in new:
                known.add(relative.identity)
                may = system.send(relative, signal.SIGKILL)
                (self._killed if may else self._untouchable)[relative.identity] = relative
