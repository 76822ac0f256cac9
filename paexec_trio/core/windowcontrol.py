"""The control of a node's window with ``--prefetch auto`` (the chapter Prefetch of the spec).

The *window* is the number of tasks that a node may hold, as the congestion window of TCP limits the
segments in flight. An idle node answers a task after the round trip and the service time. With more
tasks in flight this stays true while the node waits for the link. Once tasks queue up at the node,
the time from sending to answer grows with their number: by Little's law more of them are then in
flight than the node needs. So the controller multiplies the window, as in TCP's slow start, while
several tasks take hardly longer than one, and cuts it when they take longer.

It goes by time, like TCP Vegas (1994) and BBR (2016): it compares each measurement with the
shortest round trip. AIMD (Chiu and Jain, 1989) waits for loss, which comes later, and never in a
pipe. After a failure the controller backs off: it waits twice as long before it tries again.
"""

from __future__ import annotations

from collections import deque
from math import inf
from typing import final

MAX_WINDOW = 1024
"""Tasks that a node holds at most."""

MAX_OCTETS = 1 << 16
"""Octets of tasks from which on a node is given no further one; a pipe holds no more."""

MAX_QUEUED_SECONDS = 0.002
"""Seconds of work that may queue at a node whatever the round trip is, for fewer system calls."""

LONG_TASK_SECONDS = 1.0
"""Seconds from which on a task is long; what the link adds to it does not matter."""

MAX_SLOWDOWN = 1.5
"""The factor by which tasks may take longer than a single one; half of a round trip queues then."""

NO_SLOWDOWN = 1.1
"""The slowdown below which queueing at the node is not measurable."""

MIN_ANSWERS = 2
"""Answers that a decision needs at least."""

MAX_BACKOFF = 64
"""Decisions to wait for the next try, at most."""


@final
class WindowController:
    """Measures one process of a node, and finds the window that suits it.

    Attributes:
        window: how many tasks it should hold.
        octets: the number of octets in unanswered tasks. The octets of one ``Send`` count until all
            of its tasks are answered.
    """

    __slots__ = (
        "_answers",
        "_backoff",
        "_epoch",
        "_fastest",
        "_grew",
        "_sent",
        "_single",
        "_time",
        "_to_wait",
        "_was_full",
        "octets",
        "window",
    )

    def __init__(self) -> None:
        self.window = 1
        self.octets = 0
        # For each Send: when, how many tasks are not answered, octets, at which epoch.
        self._sent: deque[list[float]] = deque()
        # A change of the window begins an epoch; tasks that were sent before it do not count.
        self._epoch = 0
        self._answers = 0
        self._time = 0.0
        self._was_full = False
        # Seconds in which the fastest of the last tasks that were alone in flight was answered.
        # The fastest: where few tasks are long, the others have to tell the round trip.
        self._single = 0.0
        self._fastest = inf
        # Decisions to wait before growing once more, and how many it will be after a failure.
        self._to_wait = 0
        self._backoff = 1
        self._grew = False

    def sent(self, count: int, octets: int, held: int, now: float) -> None:
        """Record that tasks were sent at once.

        Args:
            count: the number of tasks.
            octets: how many octets they have.
            held: how many tasks the node holds now.
            now: the time.
        """
        self._sent.append([now, count, octets, self._epoch])
        self.octets += octets
        self._was_full |= held >= self.window

    def answered(self, count: int, now: float) -> None:
        """Record that the oldest ``count`` tasks were answered."""
        sent = self._sent
        while count:
            first = sent[0]
            answers = int(min(count, first[1]))
            count -= answers
            if first[3] == self._epoch:
                self._answers += answers
                self._time += answers * (now - first[0])
                self._fastest = min(self._fastest, now - first[0])
            first[1] -= answers
            if not first[1]:
                self.octets -= int(first[2])
                sent.popleft()
        if self._answers >= max(MIN_ANSWERS, self.window):
            self._decide(self._time / self._answers)

    def _decide(self, seconds: float) -> None:
        """Choose the window; with the present one tasks are answered after ``seconds``."""
        was_full, self._was_full = self._was_full, False
        grew, self._grew = self._grew, False
        self._answers = 0
        self._time = 0.0
        if self.window == 1:
            self._single = self._fastest
        self._fastest = inf
        limit = max(MAX_QUEUED_SECONDS, self._single * MAX_SLOWDOWN)
        if seconds > limit:
            if self.window > 1:
                self._backoff = min(MAX_BACKOFF, self._backoff * 2)
                self._to_wait = self._backoff
                self._change(max(1, int(self.window * limit / seconds)))
            return
        if grew:
            self._backoff = 1
        if was_full and self._single < LONG_TASK_SECONDS and self.window < MAX_WINDOW:
            if self._to_wait:
                self._to_wait -= 1
            else:
                self._grew = True
                is_link_alone = seconds <= self._single * NO_SLOWDOWN
                self._change(min(MAX_WINDOW, self.window * (4 if is_link_alone else 2)))

    def _change(self, window: int) -> None:
        self.window = window
        self._epoch += 1
