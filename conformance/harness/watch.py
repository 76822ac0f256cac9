"""The one place where a test waits: every pipe, channel and process in a single selector."""

from __future__ import annotations

import selectors
import time
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Protocol

from conformance.harness.effort import Effort, Work

if TYPE_CHECKING:
    from collections.abc import Callable


class HasFileno(Protocol):
    def fileno(self) -> int: ...


READ = selectors.EVENT_READ
WRITE = selectors.EVENT_WRITE


#: How often is looked for more when a wait is over; who floods the test has always more.
_LAST_ROUNDS = 100


#: After how many seconds without any event a test looks whether its processes work.
QUIET = 1.0


class UnmetError(AssertionError):
    """The awaited condition did not come to hold, or cannot hold any more."""


@dataclass(frozen=True)
class Bounds:
    """How many seconds a test waits.

    Attributes:
        usual: for what a conforming distributor does at once, however busy the machine is.
        hang: a part of the message of the failure that is expected, if that is a wait in vain.
        in_vain: for that, and only that.
        fails: whether a failure is expected.
    """

    usual: float
    hang: str | None
    in_vain: float
    fails: bool = False

    @property
    def volume(self) -> float:
        """For what takes long by its size, such as 200 MB on a busy disk or 100,000 tasks."""
        return 15 * self.usual

    @property
    def idleness(self) -> float:
        """How long all programs of a test may have nothing to do while it waits for volume."""
        return 5 * self.usual

    @property
    def toil(self) -> float:
        """How much processor time all programs of a test may use while it waits for volume.

        Unlike seconds, processor time does not grow on a busy machine.
        """
        return 6 * self.usual

    @property
    def grace(self) -> float:
        """For what need not happen, or must not: how long a test looks whether it does.

        A later fault goes unnoticed. Where a failure is expected that would be another verdict than
        on an idle machine, so the look is longer.
        """
        return self.usual / (2 if self.fails else 10)

    @property
    def moment(self) -> float:
        """For what follows at once without being told, such as the end of what was killed.

        It passes only where that does not happen, which is not to take long if it is expected.
        """
        return self.usual / (10 if self.fails else 2)

    def is_in_vain(self, message: str) -> bool:
        """Whether it is expected that a wait fails with this message."""
        return self.hang is not None and self.hang in message

    def of(self, message: str, seconds: float | None) -> float:
        """The bound of a wait that fails with this message and has, or has not, its own bound."""
        if self.is_in_vain(message):
            return self.in_vain
        return self.usual if seconds is None else seconds


class Watch:
    """Hands out what is ready to its callbacks until the awaited condition holds.

    Nothing in the suite sleeps: a wait ends with the event that fulfils it. The bound only limits
    how long a distributor that hangs can hold up the run.

    Args:
        bounds: how long it waits.
        hopeless: says why nothing can happen any more, if that is so.
        look: says what the processes of the test do.
        when_idle: is called whenever there was no event for a while and none of them works, and
            whenever a wait takes long.
    """

    def __init__(
        self,
        bounds: Bounds,
        hopeless: Callable[[], str | None],
        look: Callable[[], Work] = lambda: Work(is_done=True, seconds=0.0),
        when_idle: Callable[[], None] = lambda: None,
    ) -> None:
        self.bounds = bounds
        self._hopeless = hopeless
        self._look = look
        self._when_idle = when_idle
        self._events = 0
        #: Whether a wait was in vain that was not expected to be.
        self.has_hung = False
        self._selector = selectors.DefaultSelector()
        self._known: dict[int, selectors.SelectorKey] = {}
        self._pumping = False
        #: Of the waits that were not in vain, the largest share of its bound that one took.
        self.nearest = 0.0

    def add(self, channel: HasFileno | int, events: int, callback: Callable[[], None]) -> None:
        """Call ``callback`` whenever ``channel`` is ready for one of ``events``."""
        key = self._selector.register(channel, events, callback)
        self._known[key.fd] = key

    def remove(self, channel: HasFileno | int) -> None:
        """Forget ``channel``, if it is known, before it is closed."""
        fd = channel if isinstance(channel, int) else channel.fileno()
        if self._known.pop(fd, None):
            self._selector.unregister(fd)

    def close(self) -> None:
        self._selector.close()

    def wait(
        self,
        what: str,
        condition: Callable[[], bool],
        bound: float | None = None,
        progress: Callable[[], float] | None = None,
    ) -> None:
        """Return as soon as ``condition`` holds; raise ``UnmetError`` if that takes too long.

        ``what`` completes the sentence "timed out waiting for: ...". If nothing can happen any more
        the wait fails at once and says so. ``progress`` says which share of a volume is there.
        """
        message = f"timed out waiting for: {what}"
        seconds = self.bounds.of(message, bound)
        begin = time.monotonic()
        effort = None
        if seconds >= self.bounds.volume:
            effort = Effort(self._look, self.bounds.idleness, self.bounds.toil, progress)
        if not self.happens(condition, seconds, effort):
            hopeless = self._hopeless()
            if hopeless:
                raise UnmetError(f"{hopeless} while the test waited for: {what}")
            self.has_hung |= not self.bounds.is_in_vain(message)
            raise UnmetError(message)
        if not self.bounds.is_in_vain(message):
            share = effort.share_used if effort else 0.0
            self.nearest = max(self.nearest, share, (time.monotonic() - begin) / seconds)

    def happens(
        self, condition: Callable[[], bool], bound: float, effort: Effort | None = None
    ) -> bool:
        """Return whether ``condition`` comes to hold within ``bound`` seconds.

        ``effort`` ends the wait when no process is left that does anything.
        """
        deadline = time.monotonic() + bound
        # A wait of this length is most likely in vain, even if somebody works.
        lost_at = time.monotonic() + self.bounds.usual / 2
        self._pump(0)
        while not condition():
            left = deadline - time.monotonic()
            if time.monotonic() > lost_at:
                self._when_idle()
            if left <= 0 or (effort and effort.is_over(self._events)):
                # Perhaps the test itself did not run for a while, and all is there to be taken in.
                rounds = 0
                while self._pump(0) and rounds < _LAST_ROUNDS:
                    rounds += 1
                return condition()
            if self._hopeless():
                # What processes did before they ended may still have to be taken in, such as that
                # there were more of them.
                self.settle(deadline)
                if self._hopeless():
                    return condition()
            elif not self._pump(min(left, QUIET)) and not self._look().is_done:
                self._when_idle()
        return True

    def outwait(self, look: Callable[[float], bool], bound: float) -> bool:
        """Return whether something that no channel tells happens within ``bound`` seconds.

        ``look`` waits for it for the seconds that it is given, and says whether it has happened.
        """
        begin = time.monotonic()
        while not look(max(0.0, min(begin + bound - time.monotonic(), QUIET))):
            now = time.monotonic()
            if now >= begin + bound:
                return False
            if now > begin + self.bounds.usual / 2 or not self._look().is_done:
                self._when_idle()
        return True

    def settle(self, deadline: float = inf) -> None:
        """Take in everything that is ready now, but nothing more after the deadline."""
        while time.monotonic() < deadline and self._pump(0):
            pass

    def _pump(self, seconds: float) -> bool:
        if self._pumping:  # a callback wants it; the round that called it goes on to the end
            return False
        self._pumping = True
        try:
            ready = self._selector.select(seconds)
            self._events += len(ready)
            for key, _ in ready:
                # A callback can close another channel of the same round.
                if self._known.get(key.fd) is key:
                    key.data()
        finally:
            self._pumping = False
        return bool(ready)
